"""The least in which every scoreboard compares something: what a planted fault is looked for with."""

from __future__ import annotations

from verif.agents.axis import cycles, now
from verif.tests.base import EquinoxTest


class Short(EquinoxTest):
    """Two batches of each service; with a training job, a step of it beside the second."""

    patience = 40_000

    async def body(self) -> None:
        await self.set_timeout(400)
        await self.send_good(list(self.deployment.index) * self.cfg.N)
        weights = self.env.weight_board
        train = self.scenario.train != "off"
        self.env_cfg.require("weight_board", train)
        if train:
            await self.start_training()
        await self.send_good(list(self.deployment.index) * (self.cfg.N - 1))
        if train:
            await self.wait_steps(1)
            await self.drain_training()
            await cycles(200)
            weights.compare_weights(now())
