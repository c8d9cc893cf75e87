"""Settings and commands at the ends of their ranges: ITERS and ITER_MOD of 0, several commands in one write, a service
without streams.
"""

from __future__ import annotations

from dataclasses import replace

from equinox_core.compiler.image import ContextSettings
from verif.agents.axis import cycles, now
from verif.agents.request_agent import RequestItem
from verif.agents.train_agent import IDLE, wait_state
from verif.sequences.replay import fresh_id
from verif.tests.base import EquinoxTest

RUNNING = 2


class Corners(EquinoxTest):
    """Results against the reference; every state of a context, step and response in the timing model's cycle."""

    expects = True

    async def body(self) -> None:
        await self.set_timeout(0)
        self.board = self.env.weight_board
        self.board.rest()  # weights are compared at the ends of runs, here
        await self.csr.write("IRQ_STATUS", value=0x1F)
        settings = self.deployment.image.training
        await self.no_iterations(replace(settings, iters=0))
        await self.runs("a drain in the start's write has no part in it", replace(settings, iters=3), 3, drain=1)
        await self.runs("a kill in the start's write has no part in it", replace(settings, iters=1), 1, kill=1)
        await self.runs("ITER_MOD = 0 is 1", replace(settings, iters=2, iter_mod=0), 2)
        await self.kill_and_drain(settings)
        await self.no_streams()

    async def start(self, settings: ContextSettings, **more: int) -> None:
        """Settings, then one write of CMD with start and what else is asked for."""
        for address, value in self.deployment.image.context_writes(self.ctx, settings):
            await self.csr.write_raw(address, value)
        await self.csr.write(f"CTX[{self.ctx}].CMD", start=1, **more)

    async def steps(self) -> int:
        return (await self.csr.read(f"CTX[{self.ctx}].STEPS"))["count"]

    async def ended(self) -> int:
        """The sticky event that a training context ended; cleared by this."""
        bit = (await self.csr.read("IRQ_STATUS"))["ctx_done"]
        await self.csr.write("IRQ_STATUS", ctx_done=1)
        return bit

    async def no_iterations(self, settings: ContextSettings) -> None:
        """ITERS = 0: running for a cycle, nothing is done, the end event comes."""
        await self.start(settings)
        await cycles(20)
        self.expect("status without iterations", set((await self.csr.read(f"CTX[{self.ctx}].STATUS")).values()), {IDLE})
        self.expect("steps without iterations", await self.steps(), 0)
        self.expect("end event without iterations", await self.ended(), 1)

    async def runs(self, what: str, settings: ContextSettings, steps: int, **more: int) -> None:
        """From the first weights to the end: so many steps, and the reference's weights."""
        self.restore_weights()
        core, job = self.deployment.image.core(), self.deployment.job
        core.run_training(job.program, settings.iters, settings.iter_mod, settings.bases)
        await self.start(settings, **more)
        await wait_state(self.csr, self.ctx, {IDLE})
        await cycles(200)
        self.expect(f"{what}: steps", await self.steps(), steps)
        self.expect(f"{what}: end event", await self.ended(), 1)
        for address, size in self.deployment.weight_ranges:
            self.expect(
                f"{what}: weights at {address:#x}",
                self.dram.read(address, size).tobytes(),
                core.mem.DRAM[address : address + size].tobytes(),
            )

    async def kill_and_drain(self, settings: ContextSettings) -> None:
        """Of kill and drain in one write the kill counts; clear has no part in it."""
        await self.start(replace(settings, iters=1000))
        await cycles(500)
        self.expect("state before", (await self.csr.read(f"CTX[{self.ctx}].STATUS"))["state"], RUNNING)
        await self.csr.write(f"CTX[{self.ctx}].CMD", kill=1, drain=1, clear=1)
        await wait_state(self.csr, self.ctx, {IDLE})
        self.expect("end event after kill and drain", await self.ended(), 0)

    async def no_streams(self) -> None:
        """A service without streams answers with what the response buffer holds: here the answer to the same request
        before it.
        """
        name = self.deployment.image.installed[0].name
        payload = self.deployment.payloads[name][0]
        for valid in (self.deployment.image.services[0].pc_valid, 0):
            await self.csr.write("SVC[0].CTRL", enable=1, pc_valid=valid)
            served = await self.send([RequestItem(0, fresh_id(), payload, now(), 0)])
            self.expect(f"answers with streams {valid:#x}", [int(s.status) for s in served], [0])
        await self.csr.write("SVC[0].CTRL", enable=1, pc_valid=self.deployment.image.services[0].pc_valid)
