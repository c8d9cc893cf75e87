"""Times that are wrong by one cycle: the latency scoreboard must find each. These tests must fail.

A monitor reports them late; that a response which is late in the core is found, too, is a planted fault
(``core_late_response`` of ``make selftest``).
"""

from __future__ import annotations

from dataclasses import replace

from pyuvm import uvm_factory

from verif.agents.axis import cycles
from verif.agents.response_agent import ResponseMonitor
from verif.agents.unit_agent import StateEvent, UnitMonitor
from verif.sequences.boot import CommandSeq, StartTrainingSeq
from verif.tests.base import EquinoxTest


class LateResponseMonitor(ResponseMonitor):
    """Reports the next response a cycle late while ``late`` is set."""

    late = False

    def _packet(self, packet: tuple[list[int], int]) -> None:
        beats, cycle = packet
        super()._packet((beats, cycle + int(self.late)))
        self.late = False


class LateResponse(EquinoxTest):
    """One response seems to come a cycle late."""

    def prepare(self) -> None:
        uvm_factory().set_type_override_by_type(ResponseMonitor, LateResponseMonitor)

    async def send_one_late(self) -> None:
        """A batch of each service, and such a response among them."""
        self.env.responses.monitor.late = True
        await self.send_good(list(self.deployment.index) * self.cfg.N)

    async def body(self) -> None:
        await self.set_timeout(400)
        await self.send_good(list(self.deployment.index) * self.cfg.N)
        await self.send_one_late()


class LateAfterKill(LateResponse):
    """Training is killed at work and started anew; then one response seems to come a cycle late."""

    async def body(self) -> None:
        await self.set_timeout(400)
        for _ in range(2):
            await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
            await cycles(int(self.rng.integers(500, 3000)))
            await CommandSeq(self.ctx, "kill").start()
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
        await self.send_good(list(self.deployment.index) * self.cfg.N)
        await self.send_one_late()


class LateStateMonitor(UnitMonitor):
    """Reports the next change of state a cycle late while ``late`` is set."""

    late = False

    def state(self, event: StateEvent) -> StateEvent:
        if self.late:
            self.late = False
            return replace(event, cycle=event.cycle + 1)
        return event


class LateState(EquinoxTest):
    """A context that is killed seems to be idle a cycle late."""

    def prepare(self) -> None:
        uvm_factory().set_type_override_by_type(UnitMonitor, LateStateMonitor)

    async def body(self) -> None:
        await self.set_timeout(400)
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
        await cycles(1000)
        self.env.units.monitor.late = True
        await CommandSeq(self.ctx, "kill").start()
        await self.send_good(list(self.deployment.index))


class SlowDram(EquinoxTest):
    """Every access of the DRAM takes a cycle more."""

    async def body(self) -> None:
        self.dut.u_dram.latency.value = self.cfg.LATENCY + 1
        await self.set_timeout(400)
        self.env_cfg.require("weight_board")
        await self.start_training()  # alone, so that nothing but the DRAM holds its first step up
        await self.wait_steps(1)
        await self.drain_training()
        await self.send_good(list(self.deployment.index) * self.cfg.N)
