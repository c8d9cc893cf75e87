"""pyuvm components of the request dispatcher's bench: request agent, contexts, monitor, scoreboard.

All of them wake at falling edges, read what the top sampled at the rising edge before, and write what the next
rising edge will see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from pyuvm import (
    ConfigDB,
    uvm_analysis_port,
    uvm_component,
    uvm_driver,
    uvm_env,
    uvm_sequence_item,
    uvm_sequencer,
    uvm_subscriber,
)

from equinox_core.hw.structs import ANSWER, BATCH_ROW, HEADER
from equinox_core.isa.encoding import Status
from verif.block.request_dispatcher.model import DispatcherModel, Inputs, Service
from verif.lib import checks
from verif.lib.bench import generator, param
from verif.lib.verdict import require


@dataclass
class Settings:
    """What a test decides: services, traffic, and how the surroundings behave."""

    services: list[Service]
    hold: tuple[int, int] = (5, 60)  # cycles a context works on a batch
    rest: tuple[int, int] = (0, 10)  # cycles from freeing the slots to being idle
    ans_ready: float = 0.7  # probability per cycle
    beat_gap: float = 0.2  # probability of a pause before a beat
    accept: bool = True
    reject: bool = False
    stopped: bool = False  # no context is idle, whatever it does
    fault: str = ""  # fault planted into what the monitor sees


class RequestItem(uvm_sequence_item):
    """One request as it appears on the stream: a header and any number of payload beats."""

    def __init__(
        self, svc: int, ident: int, payload: tuple[int, ...], delay: int = 0, status: int | None = None
    ) -> None:
        super().__init__("request")
        self.svc, self.id, self.payload, self.delay = svc, ident, payload, delay
        self.status = status  # which means nothing; None: noise


class RequestDriver(uvm_driver):
    """Drives the request stream; valid stays until ready, with random pauses between beats."""

    def start_of_simulation_phase(self) -> None:
        self.dut = cocotb.top
        self.cfg: Settings = ConfigDB().get(self, "", "cfg")
        self.rng = generator(1)
        self.width = 16 * param("L")

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            for _ in range(item.delay):
                await FallingEdge(self.dut.clk)
            # bits that mean nothing are noise
            noise = int.from_bytes(self.rng.bytes(self.width // 8), "little")
            head = noise >> HEADER.bits << HEADER.bits | HEADER.pack(
                id=item.id, status=noise & 0xFF if item.status is None else item.status, svc=item.svc
            )
            beats = [head, *item.payload]
            for n, beat in enumerate(beats):
                while self.rng.random() < self.cfg.beat_gap:
                    await FallingEdge(self.dut.clk)
                self.dut.s_beat.value = 1 << self.width + 1 | (n == len(beats) - 1) << self.width | beat
                await FallingEdge(self.dut.clk)
                while not int(self.dut.s_ready_q.value):
                    await FallingEdge(self.dut.clk)
                self.dut.s_beat.value = 0
            self.seq_item_port.item_done()


class Contexts(uvm_component):
    """The inference contexts and the reader of answers: accept batches, hold them, free their slots."""

    def start_of_simulation_phase(self) -> None:
        self.dut = cocotb.top
        self.cfg: Settings = ConfigDB().get(self, "", "cfg")
        self.rng = generator(2)

    async def run_phase(self) -> None:
        dut, rng, contexts = self.dut, self.rng, param("C_INF")
        idle = (1 << contexts) - 1
        masks, frees, idles = [0] * contexts, {}, {}
        dut.ctx_idle.value = shown = idle
        now = 0
        while True:
            await FallingEdge(dut.clk)
            now += 1
            if int(dut.row_valid_q.value):
                row = BATCH_ROW.unpack(int(dut.row_q.value))
                slot, ctx = row.slot, row.ctx
                if row.row == 0:
                    idle &= ~(1 << ctx)
                masks[ctx] |= 1 << slot
                if row.last:
                    end = now + int(rng.integers(*self.cfg.hold, endpoint=True))
                    frees.setdefault(end, []).append(ctx)
                    idles.setdefault(end + 1 + int(rng.integers(*self.cfg.rest, endpoint=True)), []).append(ctx)
            done = frees.pop(now, ())
            dut.free_mask.value = sum(masks[c] for c in done)
            for ctx in done:
                masks[ctx] = 0
            for ctx in idles.pop(now, ()):
                idle |= 1 << ctx
            if shown != (0 if self.cfg.stopped else idle):
                dut.ctx_idle.value = shown = 0 if self.cfg.stopped else idle
            dut.ans_ready.value = int(rng.random() < self.cfg.ans_ready)


@dataclass
class Cycle:
    """All that was seen in one cycle."""

    bits: int
    index: int
    settings: Settings = field(repr=False)


class Monitor(uvm_component):
    """Publishes every cycle after reset; can plant a fault into what it publishes."""

    def build_phase(self) -> None:
        self.port = uvm_analysis_port("port", self)

    def start_of_simulation_phase(self) -> None:
        self.cfg: Settings = ConfigDB().get(self, "", "cfg")

    async def run_phase(self) -> None:
        dut, index = cocotb.top, 0
        await FallingEdge(dut.rst_n)
        await RisingEdge(dut.rst_n)
        while True:
            await FallingEdge(dut.clk)
            self.port.write(Cycle(int(dut.mon_q.value), index, self.cfg))
            index += 1


class Scoreboard(uvm_subscriber):
    """Compares every output of every cycle with the model; checks loss, order, payloads and slots on its own."""

    def build_phase(self) -> None:
        super().build_phase()
        p = {k: param(k) for k in ("L", "N", "SERVICES", "QUEUE_DEPTH", "RX_SLOTS", "RX_LINES", "TX_LINES", "C_INF")}
        self.p = p
        self.model = DispatcherModel(
            p["SERVICES"], p["QUEUE_DEPTH"], p["RX_SLOTS"], p["N"], p["RX_LINES"], p["TX_LINES"]
        )
        layout = (
            ("ready", 1),
            ("rxb_we", 1),
            ("row_valid", 1),
            ("ans_valid", 1),
            ("above", 1),
            ("expired", 1),
            ("pulses", 4),
            ("rxb_addr", 16),
            ("rxb_data", 16 * p["L"]),
            *((f.name, f.bits) for f in reversed(BATCH_ROW.fields)),
            *((f"ans_{f.name}", f.bits) for f in reversed(ANSWER.fields)),
            ("levels", 16 * p["SERVICES"]),
            ("data", 16 * p["L"]),
            ("s_last", 1),
            ("s_valid", 1),
            ("idle", p["C_INF"]),
            ("freed", p["RX_SLOTS"]),
            ("ans_ready", 1),
            ("accept", 1),
            ("reject", 1),
        )
        self.layout, lsb = {}, 0
        for name, width in layout:
            self.layout[name] = (lsb, (1 << width) - 1)
            lsb += width
        self.rxb: dict[int, int] = {}
        self.in_use: set[int] = set()
        self.queued: dict[int, dict[int, int]] = defaultdict(dict)  # waiting ids and their order, per service
        self.left: dict[tuple[str, int], int] = {}
        self.open: list[int] | None = None  # the request on the stream, as its beats
        self.accepted = self.dispatched = self.answered = self.offered = 0
        self.statuses: Counter = Counter()
        self.batches: list[tuple[int, int, int]] = []  # (cycle of the first row, service, rows)
        self.headers: dict[int, int] = {}  # id -> cycle of the header
        self.arrivals: dict[int, int] = {}  # id -> cycle of the last beat
        self.compared = 0
        self.row_count = 0
        self.longest = 0  # largest queue seen

    def write(self, item: Cycle) -> None:
        bits, fault = item.bits, item.settings.fault

        def get(name: str) -> int:
            lsb, mask = self.layout[name]
            return bits >> lsb & mask

        row_valid = get("row_valid")
        self.row_count += row_valid
        if fault == "drop_row" and self.row_count == 20:
            row_valid = 0
        ident = get("id")
        if fault == "swap_id" and self.row_count in (20, 21):
            ident ^= 1
        freed, ready = get("freed"), get("ready")
        out = self.model.cycle(
            Inputs(
                item.settings.services,
                bool(get("accept")),
                bool(get("reject")),
                bool(get("s_valid")),
                bool(get("s_last")),
                get("data"),
                [bool(get("idle") >> c & 1) for c in range(self.p["C_INF"])],
                freed.bit_count(),
                bool(get("ans_ready")),
            )
        )
        if fault == "late_row" and out.row and self.row_count == 20:
            out.row = None
        levels = [get("levels") >> 16 * s & 0xFFFF for s in range(self.p["SERVICES"])]
        row = out.row
        answer = (get("ans_svc"), get("ans_id"), get("ans_status")) if get("ans_valid") else None
        seen_row = (
            (get("ctx"), get("svc"), get("rows"), get("row"), ident, bool(get("last")), get("age"))
            if row_valid
            else None
        )
        want_row = (
            (row.ctx, row.svc, row.rows, row.row, row.request.id, row.last, self._age(row.request.arrival))
            if row
            else None
        )
        for name, seen, want in (
            ("s_tready", bool(ready), out.ready),
            ("row", seen_row, want_row),
            ("answer", answer, out.answer),
            ("pulses", get("pulses"), out.pulses),
            ("levels", levels, out.levels),
            ("above", bool(get("above")), out.above),
            ("expired", bool(get("expired")), out.expired),
        ):
            require(seen == want, f"cycle {item.index}: {name} is {seen}, the model says {want}")
        self.compared += 1
        checks.compared("outputs of a cycle", 7)
        self.longest = max(self.longest, *levels)
        # independent of the model: payload, slots, order, loss
        if get("rxb_we"):
            require(get("rxb_addr") // self.p["RX_LINES"] not in self.in_use, "payload written into a slot in use")
            self.rxb[get("rxb_addr")] = get("rxb_data")
        if get("s_valid") and ready:
            self._beat(get("data"), get("s_last"), bool(get("pulses") & 1), item.index)
        if seen_row:
            self._row(item.index, get("svc"), ident, get("slot"), get("row"), get("rows"), row.request.payload)
        for slot in range(self.p["RX_SLOTS"] if freed else 0):
            if freed >> slot & 1:
                self.in_use.remove(slot)
        if answer and get("ans_ready"):
            self.answered += 1
            self.statuses[Status(answer[2])] += 1
            if answer[1] in self.queued[answer[0]]:
                self._leaves("answered", answer[0], answer[1])

    def _age(self, arrival: int) -> int:
        """The age in the cycle just seen of what arrived then, in the 32 bits that it has."""
        return (self.model.now - 1 - arrival) % (1 << 32)

    def _leaves(self, how: str, svc: int, ident: int) -> None:
        """A queued request leaves: once, and in the order of arrival among those that leave the same way."""
        order = self.queued[svc].pop(ident, None)
        require(order is not None, f"request {ident} {how}, but not waiting")
        require(order > self.left.get((how, svc), -1), f"request {ident} {how} out of order")
        self.left[how, svc] = order
        checks.compared("requests in order", 1)

    def _beat(self, data: int, last: int, accepted: bool, cycle: int) -> None:
        if self.open is None:
            self.open = [data]
            self.headers[data >> 16 & 0xFFFFFFFF] = cycle
        else:
            self.open.append(data)
        if last:
            self.offered += 1
            if accepted:
                self.accepted += 1
                head = HEADER.unpack(self.open[0])
                ident = head.id
                self.queued[head.svc][ident] = self.accepted
                self.arrivals[ident] = cycle
            self.open = None

    def _row(self, cycle: int, svc: int, ident: int, slot: int, row: int, rows: int, payload: tuple[int, ...]) -> None:
        self._leaves("dispatched", svc, ident)
        require(slot not in self.in_use, f"slot {slot} is in use")
        self.in_use.add(slot)
        self.dispatched += 1
        if row == 0:
            self.batches.append((cycle, svc, rows))
        checks.compared("lines of payload", len(payload))
        for line, value in enumerate(payload):
            require(self.rxb[slot * self.p["RX_LINES"] + line] == value, f"request {ident}: payload line {line}")

    def check_phase(self) -> None:
        require(self.compared > 100 and self.offered > 0, "nothing was compared")
        require(not any(self.queued.values()), "requests were lost")


class Clock:
    """The block's clock of ages, which a bench can set forward: whatever waits is older then. A build shows it where
    the test asks for :data:`VISIBLE`; elsewhere it is not ``there``.
    """

    VISIBLE = tuple(("eqx_request_queue", f"{name}_q") for name in ("now", "waited", "expired", "wptr", "rptr"))

    def __init__(self, model: DispatcherModel) -> None:
        self.model = model
        queue = getattr(getattr(cocotb.top, "dut", None), "u_queue", None)
        self.queue = queue if hasattr(queue, "now_q") else None

    @property
    def there(self) -> bool:
        """Whether this build lets the bench set it."""
        return self.queue is not None

    def now(self) -> int:
        """What it shows."""
        return int(self.queue.now_q.value)

    def forward(self, cycles: int) -> None:
        """Let so many cycles have passed, between two clock edges and while no batch is handed over."""
        require(not self.model.scheduled, "a batch is being handed over")
        self.queue.now_q.value = (self.now() + cycles) % (1 << 32)
        waited, expired = int(self.queue.waited_q.value), int(self.queue.expired_q.value)
        for s, requests in enumerate(self.model.queues):
            old = waited >> 32 * s & 0xFFFFFFFF
            waited ^= (old ^ (old if expired >> s & 1 else (old + cycles) % (1 << 32))) << 32 * s
            for request in requests:
                request.arrival -= cycles
        self.queue.waited_q.value = waited
        if self.model.held_since is not None:
            self.model.held_since -= cycles

    def turn(self, place: int) -> None:
        """Let every queue, all of them empty, go on at this place of its memory."""
        if self.there:
            require(not any(self.model.queues), "somebody waits")
            bits = (param("QUEUE_DEPTH") - 1).bit_length()
            places = sum(place << bits * s for s in range(param("SERVICES")))
            self.queue.wptr_q.value = self.queue.rptr_q.value = places


class DispatcherEnv(uvm_env):
    """Agent, contexts, monitor and scoreboard, connected."""

    def build_phase(self) -> None:
        self.sequencer = uvm_sequencer("sequencer", self)
        ConfigDB().set(None, "*", "sequencer", self.sequencer)
        self.driver = RequestDriver("driver", self)
        self.contexts = Contexts("contexts", self)
        self.monitor = Monitor("monitor", self)
        self.scoreboard = Scoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.monitor.port.connect(self.scoreboard.analysis_export)


def apply(dut, cfg: Settings) -> None:
    """Write the settings of the services and of the block."""
    fields = {"svc_batch": ("batch", 8), "svc_rx": ("rx_lines", 8), "svc_tx": ("tx_lines", 8)}
    fields |= {"svc_timeout": ("timeout", 32), "svc_threshold": ("threshold", 16), "svc_enable": ("enable", 1)}
    for signal, (name, width) in fields.items():
        value = sum(int(getattr(s, name)) << width * n for n, s in enumerate(cfg.services))
        getattr(dut, signal).value = value
    dut.csr.value = int(cfg.reject) << 1 | int(cfg.accept)
