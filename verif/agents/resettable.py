"""Drivers that a reset may cut at any moment: the core is reset in the middle of what they do, and they start over.

Use them by factory override, with a :class:`ResetControl` as ``resets`` in the configuration.
"""

from __future__ import annotations

import cocotb
import numpy as np

from verif.agents.axil import AxiLiteMaster
from verif.agents.config import AgentConfig
from verif.agents.csr_agent import BUS, CsrDriver
from verif.agents.request_agent import RequestDriver, RequestItem

OKAY = 0


class ResettableRequestDriver(RequestDriver):
    """Offers requests; a reset takes the one under way from the bus."""

    def start_of_simulation_phase(self):
        super().start_of_simulation_phase()
        self.reset = AgentConfig.of(self).resets
        self.reset.on_cut.append(self._rest)

    def _rest(self) -> None:
        self.bus.bus.tvalid.value = 0
        self.bus.bus.tlast.value = 0

    async def run_phase(self):
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.reset.guard(self.drive(item))
            self.seq_item_port.item_done()

    async def send(self, item: RequestItem) -> None:
        await self.bus._driver_send(item.beats())


class ResettableCsrDriver(CsrDriver):
    """Register accesses through :class:`AxiLiteMaster`; ``skew``: address and data come up to so many cycles apart.

    ``responses`` keeps (address, write, response) of accesses that were not answered OKAY; a read that a reset cuts
    returns 0.
    """

    def start_of_simulation_phase(self):
        cfg = AgentConfig.of(self)
        self.bus = AxiLiteMaster(cfg.dut, BUS)
        self.reset = cfg.resets
        self.reset.on_cut.append(self.bus.rest)
        self.skew, self.rng = 0, np.random.default_rng(cocotb.RANDOM_SEED)
        self.responses: list[tuple[int, bool, int]] = []

    async def run_phase(self):
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.reset.guard(self._access(item))
            self.seq_item_port.item_done()

    async def _access(self, item) -> None:
        a, b = (int(n) for n in self.rng.integers(0, self.skew + 1, 2)) if self.skew else (0, 0)
        if item.write:
            resp = await self.bus.write(item.address, item.data, item.strobe, a, b)
        else:
            item.data, resp = await self.bus.read(item.address, a)
        if resp != OKAY:
            self.responses.append((item.address, item.write, resp))
