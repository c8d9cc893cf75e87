"""AXI4-Stream on cocotb-bus: a driver and a monitor that cost nothing while the bus is idle."""
from __future__ import annotations

from collections.abc import Callable

from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time
from cocotb_bus.drivers import BusDriver
from cocotb_bus.monitors import BusMonitor

PERIOD = 10  # time steps of a clock period in the HDL top; its rising edges lie at 5, 15, 25, ...


def now() -> int:
    """The current cycle: the number of rising clock edges so far."""
    return (get_sim_time("step") + PERIOD // 2) // PERIOD


class AxisDriver(BusDriver):
    """Sends packets (lists of beats as integers) back to back; returns the cycle of the last transfer."""

    _signals = ["tvalid", "tready", "tdata", "tlast"]

    def __init__(self, entity, name, clock, **kwargs):
        super().__init__(entity, name, clock, **kwargs)
        self.bus.tvalid.value = 0
        self.bus.tlast.value = 0
        self.bus.tdata.value = 0

    async def _driver_send(self, transaction: list[int], sync: bool = True) -> None:
        edge = RisingEdge(self.clock)
        if sync:
            await edge
        bus = self.bus
        bus.tvalid.value = 1
        for i, beat in enumerate(transaction):
            bus.tdata.value = beat
            bus.tlast.value = int(i == len(transaction) - 1)
            await edge
            while not int(bus.tready.value):
                await edge
        bus.tvalid.value = 0


class AxisMonitor(BusMonitor):
    """Collects packets; calls back with ``(beats, cycle of the last transfer)``. Sleeps while ``tvalid`` is low."""

    _signals = ["tvalid", "tready", "tdata", "tlast"]

    def __init__(self, entity, name, clock, callback: Callable[[tuple[list[int], int]], None] | None = None, **kwargs):
        super().__init__(entity, name, clock, callback=callback, **kwargs)

    async def _monitor_recv(self) -> None:
        bus = self.bus
        rise, edge = RisingEdge(bus.tvalid), RisingEdge(self.clock)
        beats: list[int] = []
        while True:
            await rise
            while True:
                await edge
                if not int(bus.tvalid.value):
                    break
                if not int(bus.tready.value):
                    continue
                beats.append(int(bus.tdata.value))
                if int(bus.tlast.value):
                    self._recv((beats, now()))
                    beats = []
