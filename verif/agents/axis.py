"""AXI4-Stream on cocotb-bus: a driver and a monitor that cost nothing while the bus is idle.

What is driven changes after rising edges; handshakes are sampled at falling edges, where they have the values that the
next rising edge sees, whatever the order of events at an edge.
"""

from __future__ import annotations

from collections.abc import Callable

from cocotb.triggers import FallingEdge, NullTrigger, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotb_bus.drivers import BusDriver
from cocotb_bus.monitors import BusMonitor

PERIOD = 10_000  # time steps (ps) of a clock period in the HDL top; its rising edges lie at 5, 15, 25, ... ns


def now() -> int:
    """The current cycle: the number of rising clock edges so far."""
    return (get_sim_time("step") + PERIOD // 2) // PERIOD


def cycles(count: int) -> Timer | NullTrigger:
    """Trigger that fires after ``count`` clock periods (0: at once), without waking up in each."""
    return Timer(count * PERIOD, "step") if count else NullTrigger()


class AxisDriver(BusDriver):
    """Sends packets (lists of beats as integers) back to back; returns the cycle of the last transfer."""

    _signals = ["tvalid", "tready", "tdata", "tlast"]

    def __init__(self, entity, name, clock, **kwargs):
        super().__init__(entity, name, clock, **kwargs)
        self._edge_time = -1
        self.bus.tvalid.value = 0
        self.bus.tlast.value = 0
        self.bus.tdata.value = 0

    @property
    def behind(self) -> bool:
        """Whether the last packet has just ended: the next one can follow without a gap."""
        return get_sim_time("step") == self._edge_time

    async def _driver_send(self, transaction: list[int], sync: bool = True) -> None:
        edge, middle, bus = RisingEdge(self.clock), FallingEdge(self.clock), self.bus
        if not self.behind:
            await edge
        bus.tvalid.value = 1
        for i, beat in enumerate(transaction):
            bus.tdata.value = beat
            bus.tlast.value = int(i == len(transaction) - 1)
            await middle
            while not int(bus.tready.value):
                await middle
            await edge
        self._edge_time = get_sim_time("step")
        bus.tvalid.value = 0


class AxisMonitor(BusMonitor):
    """Collects packets; calls back with ``(beats, cycle of the last transfer)``. Sleeps while ``tvalid`` is low."""

    _signals = ["tvalid", "tready", "tdata", "tlast"]

    def __init__(self, entity, name, clock, callback: Callable[[tuple[list[int], int]], None] | None = None, **kwargs):
        self._beats: list[int] = []
        super().__init__(entity, name, clock, callback=callback, **kwargs)

    def forget(self) -> None:
        """Drop the packet under way (a reset has cut it)."""
        self._beats.clear()

    async def _monitor_recv(self) -> None:
        bus = self.bus
        rise, middle = RisingEdge(bus.tvalid), FallingEdge(self.clock)
        while True:
            await rise
            while True:
                await middle
                if not int(bus.tvalid.value):
                    break
                if not int(bus.tready.value):
                    continue
                self._beats.append(int(bus.tdata.value))
                if int(bus.tlast.value):
                    beats, self._beats = self._beats, []
                    self._recv((beats, now() + 1))
