"""Life of the training context: run to an end, drain, restart, kill; DRAM and step counts are right each time."""

from __future__ import annotations

from dataclasses import replace

import cocotb

from verif.agents.axis import cycles, now
from verif.agents.train_agent import IDLE, wait_state
from verif.lib.verdict import require
from verif.sequences.boot import CommandSeq, StartTrainingSeq
from verif.tests.base import EquinoxTest


class DrainRestart(EquinoxTest):
    """Each part begins and ends with training at rest; requests are served in all of them."""

    expects = True

    async def body(self) -> None:
        await self.set_timeout(400)
        self.board = self.env.weight_board
        self.env_cfg.require("weight_board")
        await self.csr.write("IRQ_STATUS", value=0x1F)
        await self.drained_at_once()
        self.restore_weights()
        await self.drained()
        await self.continued()
        for _ in range(3):
            await self.killed()
        self.restore_weights()
        await self.to_the_end(3)

    def serve_beside(self):
        """Requests in the background; returns the task."""
        return cocotb.start_soon(
            self.send_good([str(n) for n in self.rng.choice(list(self.deployment.index), 4 * self.cfg.N)])
        )

    async def steps(self) -> int:
        return (await self.csr.read(f"CTX[{self.ctx}].STEPS"))["count"]

    async def done(self) -> int:
        """The sticky event that a training context ended; cleared by this."""
        bit = (await self.csr.read("IRQ_STATUS"))["ctx_done"]
        await self.csr.write("IRQ_STATUS", ctx_done=1)
        return bit

    async def at_rest(self, legal: set[int]) -> None:
        """Training has ended: the number of steps is legal and the weights are the reference's after that many."""
        await cycles(200)
        steps = await self.steps()
        require(steps in legal, f"{steps} steps, expected {sorted(legal)}")
        self.expect("steps seen", self.board.steps, steps)
        self.board.compare_weights(now())
        self.expect("end event", await self.done(), 1)
        self.expect("end event cleared", await self.done(), 0)

    async def drained_at_once(self) -> None:
        """A drain right behind the start lets the first iteration, and no other, finish."""
        await self.start_training()
        await self.drain_training()
        await self.at_rest({1})

    async def drained(self) -> None:
        """A drain in the midst finishes the iteration of the stream that is ahead."""
        serving = self.serve_beside()
        await self.start_training()
        await self.wait_steps(2)
        await cycles(int(self.rng.integers(0, 3000)))
        seen = self.board.steps
        await self.drain_training()
        await self.at_rest(set(range(seen, seen + 4)))
        await serving

    async def continued(self) -> None:
        """Restarted for two iterations without touching DRAM, it goes on from the weights that it left."""
        image, job, setting = (
            self.deployment.image,
            self.deployment.job,
            replace(self.deployment.image.training, iters=2),
        )
        core = image.core()
        for address, size in self.deployment.weight_ranges:
            core.mem.DRAM[address : address + size] = self.dram.read(address, size)
        core.run_training(job.program, 2, setting.iter_mod, setting.bases)
        self.board.rest()  # its reference counts from the first weights
        serving = self.serve_beside()
        await StartTrainingSeq(image, setting).start()
        await wait_state(self.csr, self.ctx, {IDLE})
        await cycles(200)
        self.expect("steps after a restart", await self.steps(), 2)
        self.env.coverage.ended()
        self.expect("end event", await self.done(), 1)
        for address, size in self.deployment.weight_ranges:
            require(
                self.dram.read(address, size).tobytes() == core.mem.DRAM[address : address + size].tobytes(),
                f"weights at {address:#x}",
            )
        await serving

    async def killed(self) -> None:
        """Killed at any moment it stops without an error and without an end event; inference does not notice."""
        self.board.rest()
        serving = self.serve_beside()
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
        await cycles(int(self.rng.integers(0, 12_000)))
        await CommandSeq(self.ctx, "kill").start()
        self.expect("status after a kill", set((await self.csr.read(f"CTX[{self.ctx}].STATUS")).values()), {0})
        self.expect("end event after a kill", await self.done(), 0)
        before = await self.steps()
        await serving
        self.expect("steps after a kill", await self.steps(), before)

    async def to_the_end(self, iters: int) -> None:
        """A given number of iterations, from the first weights."""
        serving = self.serve_beside()
        self.env_cfg.checkpoints = set(range(1, iters + 1))
        self.board.restart()
        await StartTrainingSeq(self.deployment.image, replace(self.deployment.image.training, iters=iters)).start()
        await wait_state(self.csr, self.ctx, {IDLE})
        await self.at_rest({iters})
        await serving
