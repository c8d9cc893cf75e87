"""Drives the front end: stub units, dispatcher and responder, and the comparison with the model in every cycle."""

from __future__ import annotations

from collections import deque
from functools import cache, lru_cache
from types import SimpleNamespace

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from equinox_core.hw.structs import BATCH_END, BATCH_ROW, CTX_CMD, CTX_ENV, CTX_STS
from equinox_core.isa.encoding import INSTR_BITS, SEMAPHORES
from verif.block.frontend.model import IDLE, UNITS, FrontendModel, Inputs, Instruction, Program, Row
from verif.lib import checks
from verif.lib.bench import param, reset
from verif.lib.verdict import require

STS_BITS, CMD_BITS = CTX_STS.bits, CTX_CMD.bits
STATUS = lru_cache(maxsize=4096)(CTX_STS.unpack)


@cache
def command_word(commands: frozenset[str]) -> int:
    """A context's commands as the RTL takes them."""
    return CTX_CMD.pack(**{f.name: f.name in commands for f in CTX_CMD.fields})


class StubUnit:
    """One context's side of a unit: accepts instructions, completes them in order after random latencies.

    ``latency``: range of cycles; ``accept``: probability of being ready; ``poison``: probability that an instruction
    fails.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.latency, self.accept, self.poison, self.cause = (1, 12), 0.6, 0.0, 1
        self.held: deque[list] = deque()  # [instruction, cycles left, fails]
        self.accepted: list[Instruction] = []  # in order of issue
        self.linger = 0  # cycles in which the unit is not quiet though it is empty

    def clock(self, taken: Instruction | None, killed: bool) -> tuple[bool, bool, tuple[int, bool] | None, int | None]:
        """After a cycle: returns (ready, quiet, done, error) of the next."""
        done = error = None
        self.linger = max(0, self.linger - 1)
        if taken:
            self.accepted.append(taken)
            self.held.append(
                [taken, int(self.rng.integers(*self.latency, endpoint=True)), self.rng.random() < self.poison]
            )
        if killed and self.held and self.rng.random() < 0.5:  # what is not far along is dropped, the rest completes
            self.held.pop()
        if self.held:
            self.held[0][1] -= 1
            if self.held[0][1] <= 0:
                ins, _, fails = self.held.popleft()
                if fails:
                    error = self.cause
                else:
                    done = (ins.signal, ins.step)
                self.linger = int(self.rng.integers(0, 3))
        ready = not killed and len(self.held) < 3 and self.rng.random() < self.accept
        return ready, not self.held and not self.linger and done is None, done, error


class Harness:
    """All that surrounds the front end, one :meth:`cycle` at a time."""

    def __init__(self, dut, seed: int) -> None:
        self.dut, self.rng = dut, np.random.default_rng(seed)
        self.contexts, self.inference, self.rows = param("CTX"), param("C_INF"), param("N")
        self.depth, self.slots = param("IMEM_DEPTH"), param("RX_SLOTS")
        self.model = FrontendModel(self.contexts, self.inference, self.depth)
        self.units = [[StubUnit(self.rng) for _ in range(self.contexts)] for _ in range(UNITS)]
        self.used = [0] * UNITS
        self.commands: list[set[str]] = [set() for _ in range(self.contexts)]  # of the next cycle
        self.waiting: deque[int] = deque()  # services of batches to come
        self.feeding: deque[Row] = deque()  # rows of the batch on its way
        self.free_slots = set(range(self.slots))
        self.next_id = 1
        self.hold_answers = 0.2
        self.now = 0
        self.answers: list[tuple[int, int, int]] = []  # (status, service, rows)
        self.log: dict[str, list] = {}
        self.issues: list[tuple[int, int, int]] = []  # (cycle, unit, context) of transfers
        self.corrupt = ""
        self.training_env: int | None = None  # of the settings
        self.batch_rest: dict[int, int] = {}  # svc_rest of each context's batch
        self.age: int | None = None  # of all requests that are dispatched; None: random
        self.inputs = self._idle()

    def _idle(self) -> Inputs:
        per = lambda v: [[v] * self.contexts for _ in range(UNITS)]  # noqa: E731
        none = [set() for _ in range(self.contexts)]
        return Inputs(none, None, [False] * self.inference, per(False), per(True), per(None), per(None))

    async def reset(self) -> None:
        """Reset pulse."""
        dut = self.dut
        for name in ("cmd", "row", "rsp_done", "ready", "done", "step", "err", "imem"):
            getattr(dut, name).value = 0
        dut.quiet.value = (1 << 4 * self.contexts) - 1
        await reset(dut)

    # -- programs and settings
    async def load(self, streams: list[list[Instruction]], at: list[int] | None = None) -> list[int | None]:
        """Write streams into the instruction memories; returns where each starts (None: no such stream)."""
        base: list[int | None] = []
        for u, stream in enumerate(streams):
            start = self.used[u] if at is None else at[u]
            for n, ins in enumerate(stream):
                if start + n < self.depth:
                    self.model.imem[u][start + n] = ins
                if start + n < 1 << 16:  # what is beyond the memory is written nowhere
                    head = 1 << 18 | u << 16 | start + n
                    self.dut.imem.value = head << INSTR_BITS | ins.word
                    await FallingEdge(self.dut.clk)
            if at is None:
                self.used[u] += len(stream)
            base.append(start if stream else None)
        self.dut.imem.value = 0
        return base

    def settings(
        self,
        services: list[Program],
        training: dict[int, Program],
        svc_rest: int | None = None,
        ctx_rest: int | None = None,
        timeout: int | None = None,
    ) -> None:
        """Write the settings of services and training contexts.

        What is not given is random: ``svc_rest`` {tx_lines, c_base, w_base} and ``timeout`` of every service, and
        ``ctx_rest`` {dram_base, c_base, w_base, actc_base, acc_base, vec_base} of every context.
        """
        dut, rng = self.dut, self.rng
        self.model.programs, self.model.training = services, training

        def pack(values: list[int], width: int) -> int:
            return sum(v << width * n for n, v in enumerate(values))

        def streams(programs: list[Program]) -> tuple[int, int]:
            valid = [pack([p is not None for p in x.pc], 1) for x in programs]
            return pack(valid, 4), pack([pack([p or 0 for p in x.pc], 16) for x in programs], 64)

        dut.svc_pc_valid.value, dut.svc_pc.value = streams(services)
        self.svc_rest = [int(rng.integers(1 << 40)) if svc_rest is None else svc_rest for _ in services]
        dut.svc_rest.value = pack(self.svc_rest, 40)
        for x in services:
            wide = int(rng.integers(1 << 32)) >> int(rng.integers(32))
            x.timeout = int(rng.choice([0, int(rng.integers(1, 60)), 1000, wide])) if timeout is None else timeout
        dut.svc_timeout.value = pack([x.timeout for x in services], 32)
        none = Program([None] * UNITS)
        programs = [training.get(c, none) for c in range(self.contexts)]
        dut.ctx_pc_valid.value, dut.ctx_pc.value = streams(programs)
        dut.ctx_iters.value = pack([p.iters for p in programs], 32)
        dut.ctx_iter_mod.value = pack([p.iter_mod for p in programs], 16)
        dut.ctx_sem.value = pack([pack(p.sem_init, 4) for p in programs], 4 * SEMAPHORES)
        self.ctx_rest = [int.from_bytes(rng.bytes(14), "little") if ctx_rest is None else ctx_rest for _ in programs]
        dut.ctx_rest.value = pack(self.ctx_rest, 112)
        bases = [self._bases(c) for c in range(self.inference, self.contexts)]
        self.training_env = CTX_ENV.pack_all(
            CTX_ENV.pack(rows=0, w_base=cfg >> 48 & 0xFFFF, c_base=cfg >> 64 & 0xFFFF, **base)
            for cfg, base in zip(self.ctx_rest[self.inference :], bases, strict=True)
        )

    def _bases(self, c: int) -> dict[str, int]:
        """What relocates a context's addresses, whatever runs in it."""
        cfg = self.ctx_rest[c]
        lines = {name: cfg >> 16 * k & 0xFFFF for k, name in enumerate(("vec_base", "acc_base", "actc_base"))}
        return {**lines, "dram_base": cfg >> 80}

    # -- one cycle
    async def cycles(self, n: int) -> None:
        """Run n cycles."""
        for _ in range(n):
            await self.cycle()

    async def cycle(self) -> None:
        """One cycle: compare, advance the model, work out the next inputs."""
        await FallingEdge(self.dut.clk)
        want = self.model.outputs(self.inputs.ready)
        self._compare(want)
        if any(want["rsp"]) or any(want["open"]):
            self._compare_batches(want)
        taken = [[None] * self.contexts for _ in range(UNITS)]
        for u in range(UNITS):
            for c in range(self.contexts):
                if want["valid"][u][c] and self.inputs.ready[u][c]:
                    taken[u][c] = self.model.offer(u, c)[0]
                    self.issues.append((self.now, u, c))
        for slot in range(self.slots if want["freed"] else 0):
            if want["freed"] >> slot & 1:
                require(slot not in self.free_slots, f"slot {slot} freed twice")
                self.free_slots.add(slot)
        for c, responded in enumerate(self.inputs.rsp_done):
            if responded:
                self.answers.append(self.model.answer(c))
        self.model.advance(self.inputs)
        self.now += 1
        self.inputs = self._next(want, taken)
        self._write(self.inputs)

    def _next(self, want: dict, taken: list[list]) -> Inputs:
        i = self._idle()
        i.cmd, self.commands = self.commands, [set() for _ in range(self.contexts)]
        for u in range(UNITS):
            for c in range(self.contexts):
                state = self.units[u][c].clock(taken[u][c], want["kill"][c])
                i.ready[u][c], i.quiet[u][c], i.done[u][c], i.err[u][c] = state
        for c in range(self.inference):
            i.rsp_done[c] = want["rsp"][c] and not self.inputs.rsp_done[c] and self.rng.random() < self.hold_answers
        if not self.feeding and self.waiting and self.inputs.row is None:
            self._dispatch()
        if self.feeding:
            i.row = self.feeding.popleft()
        return i

    def _dispatch(self) -> None:
        idle = [c for c in range(self.inference) if self.model.ctx[c].state == IDLE]
        rows = int(self.rng.integers(1, self.rows, endpoint=True))
        if not idle or len(self.free_slots) < rows:
            return
        svc = self.waiting.popleft()
        for r in range(rows):
            slot = int(self.rng.choice(sorted(self.free_slots)))
            self.free_slots.remove(slot)
            age = int(self.rng.integers(0, 100)) if self.age is None else self.age
            self.feeding.append(Row(idle[0], svc, rows, r, slot, self.next_id, age))
            self.next_id += 1

    def _write(self, i: Inputs) -> None:
        dut = self.dut

        def pack(values: list[list], width: int = 1) -> int:
            word, at = 0, 0
            for row in values:
                for v in row:
                    if v:
                        word |= v << at
                    at += width
            return word

        values = {
            "cmd": sum(command_word(frozenset(cmd)) << CMD_BITS * c for c, cmd in enumerate(i.cmd) if cmd),
            "rsp_done": sum(d << c for c, d in enumerate(i.rsp_done)),
            "ready": pack(i.ready),
            "quiet": pack(i.quiet),
            "done": pack([[d is not None for d in row] for row in i.done]),
            "done_signal": pack([[d[0] if d else 0xFFFF for d in row] for row in i.done], 16),
            "step": pack([[d is None or d[1] for d in row] for row in i.done]),
            "err": pack([[e is not None for e in row] for row in i.err]),
            "err_cause": pack([[7 if e is None else e for e in row] for row in i.err], 4),
            "row": 0,
        }
        if i.row:
            r = i.row
            word = BATCH_ROW.pack(
                age=r.age, last=r.last, ctx=r.ctx, svc=r.svc, rows=r.rows, row=r.row, slot=r.slot, id=r.id
            )
            values["row"] = 1 << BATCH_ROW.bits | word
        for name, value in values.items():
            if self.log.get(name) != value:
                self.log[name] = value
                getattr(dut, name).value = value

    # -- comparison
    def _compare(self, want: dict) -> None:
        bits, at, n = int(self.dut.mon_q.value), 0, self.contexts

        def get(width: int) -> int:
            nonlocal at
            at += width
            return bits >> at - width & (1 << width) - 1

        def grid(width: int) -> list[list[int]]:
            return [[get(width) for _ in range(n)] for _ in range(UNITS)]

        status = [STATUS(get(STS_BITS)) for _ in range(n)]
        seen: dict[str, list] = {
            "state": [s.state for s in status],
            "cause": [s.err_cause for s in status],
            "unit": [s.err_unit for s in status],
            "steps": [s.steps for s in status],
            "valid": grid(1),
            "dep": grid(1),
            "fetch": grid(1),
            "kill": [get(1) for _ in range(n)],
            "idle": [get(1) for _ in range(self.inference)],
            "open": [get(1) for _ in range(self.inference)],
            "rsp": [get(1) for _ in range(self.inference)],
            "freed": get(self.slots),
            "fold": grid(32),
            "iter": grid(16),
            "late": bool(get(1)),
        }
        seen["iter"] = [
            [i if v else None for i, v in zip(*r, strict=True)] for r in zip(seen["iter"], seen["valid"], strict=True)
        ]
        if self.corrupt and self.now > 200 and any(map(any, seen["valid"])):
            u = next(u for u in range(UNITS) if any(seen["valid"][u]))
            c = seen["valid"][u].index(1)
            if self.corrupt == "early":
                seen["dep"][u][c] = 1
            else:
                seen[self.corrupt][u][c] ^= 1
        checks.compared("outputs of a cycle", len(want))
        training = int(self.dut.env_q.value) >> self.inference * CTX_ENV.bits
        if self.training_env is not None and training != self.training_env:
            legal = CTX_ENV.unpack_all(self.training_env, n - self.inference)
            raise AssertionError(
                f"cycle {self.now}: environments of training contexts are "
                f"{CTX_ENV.unpack_all(training, n - self.inference)}, the settings say {legal}"
            )
        for name, expected in want.items():
            if seen[name] != expected:
                raise AssertionError(f"cycle {self.now}: {name} is {seen[name]}, the model says {expected}")

    def _compare_batches(self, want: dict) -> None:
        dut, width = self.dut, (self.slots - 1).bit_length()
        slots = int(dut.row_slot_q.value)
        rsp, env = (
            BATCH_END.unpack_all(int(dut.rsp_q.value), self.inference),
            CTX_ENV.unpack_all(int(dut.env_q.value), self.inference),
        )
        for c in range(self.inference):
            batch = self.model.ctx[c].batch
            if want["open"][c]:
                self.batch_rest[c] = self.svc_rest[batch[0].svc]  # later settings are not this batch's
                require(rsp[c].svc == batch[0].svc, "service of an opened batch")
            if not want["rsp"][c]:
                continue
            status, svc, rows = self.model.answer(c)
            checks.compared("rows of batches", len(batch))
            rest = self.batch_rest[c]
            require(
                rsp[c] == SimpleNamespace(status=status, svc=svc, rows=rows, tx_lines=rest >> 32),
                f"batch of context {c}",
            )
            legal = SimpleNamespace(rows=rows, w_base=rest & 0xFFFF, c_base=rest >> 16 & 0xFFFF, **self._bases(c))
            require(env[c] == legal, f"environment of context {c}")
            for r, row in enumerate(batch):
                require(slots >> width * (c * self.rows + r) & (1 << width) - 1 == row.slot, f"slot of row {r}")

    # -- waiting
    async def until(self, condition, limit: int = 20000) -> None:
        """Run cycles until a condition holds."""
        for _ in range(limit):
            if condition():
                return
            await self.cycle()
        raise AssertionError(f"nothing after {limit} cycles")

    def quiescent(self) -> bool:
        """All contexts idle and no batch on its way."""
        return not self.coming() and all(x.state == IDLE for x in self.model.ctx)

    def coming(self) -> bool:
        """A batch, or a row of one, is on its way."""
        return bool(self.waiting or self.feeding) or self.inputs.row is not None


async def start(dut) -> Harness:
    """A harness after reset."""
    harness = Harness(dut, cocotb.RANDOM_SEED)
    await harness.reset()
    return harness
