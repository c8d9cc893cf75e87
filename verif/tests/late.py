"""Times that are wrong by one cycle: the latency scoreboard must find each. These tests must fail."""
from __future__ import annotations

from verif.agents.axis import cycles
from verif.tests.base import EquinoxTest


class LateResponse(EquinoxTest):
    """The sink takes one response a cycle late."""

    async def body(self) -> None:
        await self.set_timeout(400)
        await self.send_good(list(self.what.index) * self.cfg.N)
        await cycles(10)  # the last response's last beat has been taken
        self.dut.plant_late.value = 1
        await self.send_good(list(self.what.index) * self.cfg.N)


class SlowDram(EquinoxTest):
    """Every access of the DRAM takes a cycle more."""

    async def body(self) -> None:
        self.dut.u_dram.latency.value = self.cfg.LATENCY + 1
        await self.set_timeout(400)
        self.env.weight_board.required = True
        await self.start_training()  # alone, so that nothing but the DRAM holds its first step up
        await self.wait_steps(1)
        await self.drain_training()
        await self.send_good(list(self.what.index) * self.cfg.N)
