"""Agent of the request stream: drives requests at their arrival cycles and reports what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time
from pyuvm import ConfigDB, uvm_agent, uvm_analysis_port, uvm_component, uvm_driver, uvm_sequence_item, uvm_sequencer

from equinox_core.hw.structs import HEADER
from equinox_core.isa.encoding import Status
from verif.agents.axis import PERIOD, AxisDriver, AxisMonitor, now
from verif.agents.config import AgentConfig
from verif.agents.named import Named


def pack_lines(lines: np.ndarray) -> list[int]:
    """Lines of bf16 (uint16, [n, L]) as beats, lane 0 in the low bits."""
    return [int.from_bytes(row.astype("<u2").tobytes(), "little") for row in lines]


def unpack_lines(beats: list[int], lanes: int) -> np.ndarray:
    """Inverse of :func:`pack_lines`: uint16 [n, lanes]."""
    raw = b"".join(b.to_bytes(2 * lanes, "little") for b in beats)
    return np.frombuffer(raw, "<u2").reshape(len(beats), lanes).copy()


class RequestItem(uvm_sequence_item):
    """One inference request.

    ``arrival`` is the cycle in which it comes to the host; the driver offers it from the next cycle on, and later only
    when the stream is still busy with earlier requests.  ``offered`` is the cycle from which it was offered, or
    would have been if the stream had been free.  ``payload`` is uint16 [lines, L] of bf16; ``legal`` holds the
    statuses that the answer may have.
    """

    def __init__(
        self,
        service: int,
        request_id: int,
        payload: np.ndarray,
        arrival: int = 0,
        tag: object = None,
        legal: frozenset[Status] = frozenset({Status.OK}),
    ):
        super().__init__(f"request_{request_id}")
        self.service, self.request_id, self.payload, self.arrival, self.tag = service, request_id, payload, arrival, tag
        self.legal = legal
        self.offered: int | None = None

    def beats(self) -> list[int]:
        return [HEADER.pack(svc=self.service, status=0, id=self.request_id), *pack_lines(self.payload)]


@dataclass
class SentRequest:
    """A request as seen on the bus: decoded header, payload, and the cycle of its last beat."""

    service: int
    request_id: int
    payload: np.ndarray
    cycle: int
    beats: list[int] = field(repr=False, default_factory=list)


class RequestDriver(Named, uvm_driver):
    """Offers each item from its arrival cycle on."""

    def build_phase(self):
        self.offered = uvm_analysis_port("offered", self)

    def start_of_simulation_phase(self):
        dut = AgentConfig.of(self).dut
        self.clock = dut.clk
        self.bus = AxisDriver(dut, "s", self.clock)

    async def run_phase(self):
        while True:
            await self.drive(await self.seq_item_port.get_next_item())
            self.seq_item_port.item_done()

    async def drive(self, item: RequestItem) -> None:
        """Offer one item, until its last beat is taken."""
        wait = (item.arrival - 1) * PERIOD - get_sim_time("step")  # until the middle before its arrival's edge
        item.offered = item.arrival + 1 if wait >= 0 or self.bus.behind else self._soon()
        if wait > 0:
            await Timer(wait, "step")
        self.offered.write(item)
        await self.send(item)

    async def send(self, item: RequestItem) -> None:
        """Put its beats on the bus."""
        await self.bus.send(item.beats())

    def _soon(self) -> int:
        """Cycle in which an item that is sent now is offered:
        behind the next rising edge, be it that of this moment.
        """
        to_come = get_sim_time("step") % PERIOD == PERIOD // 2 and not int(self.clock.value)
        return now() + (1 if to_come else 2)


class RequestMonitor(Named, uvm_component):
    """Decodes the request stream into :class:`SentRequest`."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)

    def start_of_simulation_phase(self):
        cfg = AgentConfig.of(self)
        self.lanes = cfg.core.L
        self.bus = AxisMonitor(cfg.dut, "s", cfg.dut.clk, callback=self._packet)

    def _packet(self, packet: tuple[list[int], int]) -> None:
        beats, cycle = packet
        head = HEADER.unpack(beats[0])
        payload = unpack_lines(beats[1:], self.lanes) if len(beats) > 1 else np.zeros((0, self.lanes), np.uint16)
        self.ap.write(SentRequest(head.svc, head.id, payload, cycle, beats))


class RequestAgent(Named, uvm_agent):
    """Sequencer, driver and monitor of the request stream."""

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = RequestDriver.create("driver", self)
        self.monitor = RequestMonitor.create("monitor", self)
        ConfigDB().set(None, "*", "REQUEST_SEQR", self.sequencer)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
