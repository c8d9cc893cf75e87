"""Contexts killed at random times, one or all at once, while they load, run or answer; beside them the others go on,
and the killed ones start anew.
"""

from __future__ import annotations

from dataclasses import replace

import cocotb

from equinox_core.isa.encoding import Status
from verif.agents.axis import cycles
from verif.sequences.boot import CommandSeq, StartTrainingSeq
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

EITHER = frozenset({Status.OK, Status.CTX_ERROR})
TIMES = 12  # kills


class Kills(EquinoxTest):
    """What stops is answered CTX_ERROR or is gone; the timing model knows every cycle of it, and of what comes behind
    it.
    """

    async def body(self) -> None:
        await self.set_timeout(200)
        self.serving = True
        requests = cocotb.start_soon(self.keep_asking())
        training = self.scenario.train != "off"
        self.env.weight_board.rest()  # kills leave weights of half a step
        for n in range(TIMES):
            if training:
                await StartTrainingSeq(
                    self.deployment.image, replace(self.deployment.image.training, iters=1 + n % 3)
                ).start()
            await cycles(int(self.rng.integers(0, (60, 3000, 20_000)[n % 3])))
            victims = [c for c in range(self.cfg.CTX) if self.rng.random() < 0.6] or [
                int(self.rng.integers(self.cfg.CTX))
            ]
            for ctx in victims:
                await self.csr.write(f"CTX[{ctx}].CMD", kill=1)
            if training:
                await CommandSeq(self.ctx, "kill").start()
        self.serving = False
        await requests
        self.expect("kills seen", self.env.latency_board.killed >= TIMES, True)
        await self.send_good(list(self.deployment.index) * self.cfg.N)

    async def keep_asking(self) -> None:
        """Requests for all services, a few at a time, as long as contexts are killed."""
        names = list(self.deployment.index)
        while self.serving:
            chosen = self.rng.choice(names, int(self.rng.integers(1, 2 * self.cfg.N)))
            await self.send([good_request(self.deployment, str(name), self.rng, EITHER) for name in chosen])
