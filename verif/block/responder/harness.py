"""Drives the responder: batches, answers and a stream that is taken at random, compared with the model every cycle."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from dataclasses import dataclass

from cocotb.triggers import FallingEdge

from equinox_core.hw.pipeline import ANSWER_QUEUE
from equinox_core.hw.structs import ANSWER, BATCH_END, BATCH_ROW, HEADER
from equinox_core.isa.encoding import Status
from verif.block.responder.model import Batch, ResponderModel
from verif.lib import checks, coverage
from verif.lib.bench import generator, param, reset
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.verdict import require

AROUND = range(-8, 9)
KINDS = ("open", "ready", "done", "answer")  # a batch begins, is ready, is answered; an answer is taken
PAIRS = {f"{a} {b}": (a, b) for n, a in enumerate(KINDS) for b in KINDS[n:]}
SAME = [f"{kind} {kind}" for kind in KINDS]


def responder_cg() -> Covergroup:
    """``responder_cg``: pairs of events, and how many cycles the second came behind the first. Not possible: two beats
    in one cycle, and two batches answered one right behind the other, as one is idle between them.
    """
    once = [(pair, str(n)) for pair in SAME for n in AROUND if n <= 0]
    return Covergroup(
        "responder_cg",
        {"cp_pair": PAIRS, "cp_offset": map(str, AROUND)},
        {"cr_pair_offset": Cross("cp_pair", "cp_offset", illegal=[*once, ("done done", "1"), ("done answer", "0")])},
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {responder_cg().name: coverage.cocotb_groups()["responder_cg"]}


@dataclass
class Traffic:
    """What comes in and how the stream is taken."""

    batches: int = 60
    services: int = 2
    work: tuple[int, int] = (1, 80)  # cycles from opening to ready
    opening: float = 0.2  # probability that an idle context opens
    answers: float = 0.05  # probability of an answer per cycle
    failed: float = 0.2  # share of batches with CTX_ERROR
    m_ready: float = 0.7
    together: int = 1  # batches become ready in multiples of so many cycles only
    max_lines: int | None = None
    fault: str = ""
    script: tuple[tuple[int, int, int, int], ...] = ()  # batches in their order: service, status, lines, rows
    scripted_answers: tuple[tuple[int, int, int], ...] = ()  # service, status, id
    ids: tuple[int, ...] = ()  # of requests, taken in turn; none: random


class Harness:
    """Surroundings of the responder and the comparison."""

    def __init__(self, dut, traffic: Traffic) -> None:
        self.dut, self.t = dut, traffic
        self.rng = generator()
        self.n, self.contexts, self.lanes = param("N"), param("C_INF"), param("L")
        self.model = ResponderModel(self.n, param("TX_LINES"), self.lanes, self.contexts)
        self.opened, self.now = 0, 0
        bits = self.rng.permutation(8)[: traffic.services - 1]  # numbers of services differ from the first's in one bit
        self.services = [int(self.rng.integers(256))]
        self.services += [self.services[0] ^ 1 << int(bit) for bit in bits]
        self.ready_at: dict[int, int] = {}
        self.rows: deque[tuple[int, int, int]] = deque()  # context, row and id on their way from the dispatcher
        self.answers: deque[int] = deque()
        self.order: dict[int, deque[int]] = defaultdict(deque)  # ids a service must answer next
        self.sent_answers: deque[int] = deque()
        self.beats_left = 0
        self.responses = self.beats = self.gaps = 0
        self.generation = [0] * self.contexts
        self.group = responder_cg()
        self.events: list[set[str]] = []  # by cycle
        self.script, self.scripted = deque(traffic.script), deque(traffic.scripted_answers)
        self.ids = itertools.cycle(traffic.ids) if traffic.ids else None

    async def reset(self) -> None:
        """Reset pulse."""
        dut = self.dut
        for name in ("open", "valid", "ans", "m_ready", "row"):
            getattr(dut, name).value = 0
        await reset(dut)

    async def run(self) -> None:
        """Run until all batches and answers have been sent."""
        await self.reset()
        answer, m_ready, opening = None, False, None
        becomes: set[str] = set()
        limit = 200 * self.t.batches * (1 + param("TX_LINES")) * max(4, self.n)
        while opening or self.opened < self.t.batches or self.scripted or self._left():
            require(self.now < limit, "not finished")
            await FallingEdge(self.dut.clk)
            out = self._compare(answer, m_ready)
            self.events.append(set())
            if opening is not None:  # the opening pulse was in the cycle that has passed
                self._opened(*opening)
                self.events[-1].add("open")
                opening = None
            if answer is not None and out["ans_ready"]:
                self.answers.popleft()
                self.events[-1].add("answer")
            if out["done"] is not None:  # the context's area is overwritten at once
                self.events[-1].add("done")
                self.generation[out["done"]] = int(self.rng.integers(1 << 16))
            self.events[-1] |= becomes  # decided in the cycle before
            becomes = set()
            for c, when in list(self.ready_at.items()):
                if when <= self.now and all(row[0] != c for row in self.rows):
                    self.model.held[c].ready = True
                    del self.ready_at[c]
                    becomes.add("ready")
            self.now += 1
            idle = [c for c in range(self.contexts) if c not in self.model.held]
            if idle and self.opened < self.t.batches and self.rng.random() < self.t.opening:
                opening = self._open(int(self.rng.choice(idle)))
            busy = self.opened < self.t.batches or self.model.held or self.scripted
            if busy and len(self.answers) < ANSWER_QUEUE and self.rng.random() < self.t.answers:
                given = self.scripted.popleft() if self.scripted else None
                svc, status, number = given or (200, int(self.rng.integers(1, 4)), int(self.rng.integers(1 << 32)))
                self.answers.append(HEADER.pack(id=number, status=status, svc=svc))
                self.sent_answers.append(self.answers[-1])
            answer = self.answers[0] if self.answers else None
            m_ready = bool(self.rng.random() < self.t.m_ready)
            self._row()
            self.dut.open.value = 1 << opening[0] if opening else 0
            self.dut.valid.value = sum(1 << c for c, b in self.model.held.items() if b.ready)
            self.dut.generation.value = sum(g << 16 * c for c, g in enumerate(self.generation))
            self.dut.ans.value = 0 if answer is None else 1 << ANSWER.bits | ANSWER.pack(**vars(HEADER.unpack(answer)))
            self.dut.m_ready.value = m_ready
        self._sample()
        if self.t.script or self.t.scripted_answers:
            return
        require(self.responses > self.t.batches or self.n == 1)
        require(not any(self.order.values()))
        require(not self.sent_answers)

    def _left(self) -> bool:
        """Whether something is still to be answered or sent."""
        return bool(self.model.held or self.answers or self.model.stage)

    def _sample(self) -> None:
        """Sample how far apart events were."""
        seen = set()
        for cycle, kinds in enumerate(self.events):
            for offset in AROUND:
                others = self.events[cycle + offset] if 0 <= cycle + offset < len(self.events) else ()
                seen |= {(a, b, offset) for a in kinds for b in others if (a != b or offset > 0)}
        for a, b, offset in seen:
            if f"{a} {b}" in PAIRS:
                self.group.sample(cp_pair=f"{a} {b}", cp_offset=str(offset))

    def _open(self, c: int) -> tuple[int, Batch]:
        rng = self.rng
        most = param("TX_LINES")
        few = most if rng.random() < 3 / (3 + most) else min(most, 4)  # long responses are as dear as they are long
        lines = self.t.max_lines or int(rng.integers(1, few, endpoint=True))
        rows = int(rng.integers(1, self.n, endpoint=True))
        status = int(Status.CTX_ERROR if rng.random() < self.t.failed else Status.OK)
        svc = self.services[int(rng.integers(self.t.services))]
        if self.script:
            svc, status, lines, rows = self.script.popleft()
        ids = [int(i) for i in rng.integers(1 << 32, size=rows)]
        if self.ids:
            ids = [next(self.ids) for _ in range(rows)]
        self.opened += 1
        self.generation[c] = int(rng.integers(1 << 16))
        batch = Batch(svc, status, lines, ids, self.generation[c], self.opened)
        self.order[batch.svc].extend(ids)
        rsp = int(self.dut.rsp.value)
        word = BATCH_END.pack(status=status, svc=batch.svc, rows=rows, tx_lines=lines)
        self.dut.rsp.value = rsp & ~((1 << BATCH_END.bits) - 1 << BATCH_END.bits * c) | word << BATCH_END.bits * c
        self.rows.extend((c, row, number) for row, number in enumerate(ids))
        return c, batch

    def _row(self) -> None:
        """A row of a batch on its port, or none; what does not matter is random."""
        rng, valid = self.rng, bool(self.rows) and self.rng.random() < 0.8
        word = int.from_bytes(rng.bytes(-(-BATCH_ROW.bits // 8)), "little") & (1 << BATCH_ROW.bits) - 1
        if valid:
            ctx, row, number = self.rows.popleft()
            word = BATCH_ROW.pack(**{**vars(BATCH_ROW.unpack(word)), "ctx": ctx, "row": row, "id": number})
        self.dut.row.value = int(valid) << BATCH_ROW.bits | word

    def _opened(self, c: int, batch: Batch) -> None:
        self.model.held[c] = batch
        when = self.now + int(self.rng.integers(*self.t.work, endpoint=True))
        self.ready_at[c] = -(-when // self.t.together) * self.t.together

    def _compare(self, answer: int | None, m_ready: bool) -> dict:
        bits = int(self.dut.mon_q.value)
        seen_valid, seen_last, seen_ans = bits & 1, bits >> 1 & 1, bool(bits >> 2 & 1)
        seen_done, data = bits >> 3 & (1 << self.contexts) - 1, bits >> 3 + self.contexts
        if self.t.fault == "order" and seen_valid and not self.beats_left and self.now > 300:
            data ^= 1 << 16
        if self.t.fault == "payload" and seen_valid and self.beats_left and self.now > 300:
            data ^= 1 << 60
        out = self.model.cycle(answer, m_ready)
        checks.compared("outputs of a cycle", 3)
        seen = (data, bool(seen_last)) if seen_valid else None
        if seen != out["stage"]:
            raise AssertionError(f"cycle {self.now}: beat {seen}, the model says {out['stage']}")
        require(seen_ans == out["ans_ready"], f"cycle {self.now}: answer ready")
        want = 0 if out["done"] is None else 1 << out["done"]
        require(seen_done == want, f"cycle {self.now}: done {seen_done:b}, the model says {want:b}")
        if seen and m_ready and not (self.t.script or self.t.scripted_answers):
            self._check_order(data, seen_last)
        return out

    def _check_order(self, data: int, last: int) -> None:
        """Independent of the model: every request once, in order within its service; answers in order."""
        self.beats += 1
        if self.beats_left:
            self.beats_left = not last
            return
        self.responses += 1
        checks.compared("responses in order", 1)
        head = HEADER.unpack(data)
        if head.status in (Status.OK, Status.CTX_ERROR):
            require(
                self.order[head.svc] and self.order[head.svc].popleft() == head.id, f"request {head.id} out of order"
            )
        else:
            require(self.sent_answers.popleft() == data & (1 << HEADER.bits) - 1, "answers out of order")
        self.beats_left = not last
