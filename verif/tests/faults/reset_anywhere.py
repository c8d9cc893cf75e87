"""Reset in the middle of everything; after it the core is as after power-up, to the bit and to the cycle."""

from __future__ import annotations

from itertools import zip_longest

import cocotb
from cocotb.triggers import FallingEdge

from equinox_core.isa.encoding import Status
from verif.agents.axis import cycles, now
from verif.sequences.boot import StartTrainingSeq
from verif.sequences.replay import ItemsSeq, bad_request
from verif.tests.faults.base import FaultTest

ANY = frozenset(Status)


class ResetAnywhere(FaultTest):
    """A clean run after power-up, then resets at random moments, each followed by the very same clean run."""

    timed = True  # each life of the core on its own

    async def body(self) -> None:
        fresh = await self.life()
        for _ in range(2):
            await self.reset_in_the_midst()
            self.same_life(fresh, await self.life())

    def same_life(self, fresh: dict[str, list], again: dict[str, list]) -> None:
        for what, events in fresh.items():
            differ = next((pair for pair in zip_longest(again[what], events) if pair[0] != pair[1]), None)
            self.expect(
                f"{what}: first difference (after this reset, after power-up), in cycles from the first register write",
                differ,
                None,
            )

    async def life(self) -> dict[str, list[tuple[int, ...]]]:
        """From the end of boot on a run that is always the same; returns its events, with cycles from the reset."""
        rng = self.rng
        self.reseed(self.scenario.seed)
        await self.clean_run()
        self.rng = rng
        board = self.env.latency_board
        begin = board.writes[0].cycle
        first = board.offered[0].request_id
        return {
            "batches": [(b.cycle - begin, b.ctx, b.service, b.rows) for b in board.batches],
            "answers": [(a.cycle - begin, a.request_id - first, a.status) for a in board.answers],
            "steps": [(s.cycle - begin, s.steps) for s in board.steps if s.steps and s.cycle > begin],
            "register writes": [(w.cycle - begin, w.address, w.data) for w in board.writes],
        }

    async def reset_in_the_midst(self) -> None:
        """Requests good and bad, training started, drained and killed, registers read: then reset at a random moment;
        or in the boot.
        """
        self.over = False
        work = [cocotb.start_soon(job) for job in (self.requests(), self.training(), self.looks())]
        await cycles(self.below(15_000))
        self.over = True
        await self.reset_now(work)
        if self.below(3) == 0:  # once more, while it boots
            boot = cocotb.start_soon(self.boot_again())
            await cycles(self.below(20_000))
            await self.reset_now([boot])
        self.logger.info(f"cycle {now()}: reset is over")
        await self.boot_again()

    async def requests(self) -> None:
        while not self.over:
            items = self.some(self.pick(self.names), ANY, 1 + self.below(2 * self.cfg.N))
            if self.below(3) == 0:
                items.append(
                    bad_request(
                        self.deployment,
                        self.below(5),
                        self.cfg.RX_LINES + 1 + self.below(20),
                        self.rng,
                        Status.BAD_LENGTH,
                    )
                )
                items[-1].legal = ANY
            await ItemsSeq(items).run()
            await cycles(1 + self.below(300))
            await FallingEdge(
                self.dut.clk
            )  # not in the very step of a rising edge, whose side the driver could not tell

    async def training(self) -> None:
        self.env.weight_board.rest()
        while not self.over:
            await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
            await cycles(self.below(8000))
            await self.csr.write(f"CTX[{self.ctx}].CMD", **{self.pick(("drain", "kill")): 1})
            await cycles(self.below(4000))

    async def looks(self) -> None:
        while not self.over:
            await self.csr.read(f"CTX[{self.below(self.cfg.CTX)}].STATUS")
            await self.csr.read("CNT_ACCEPTED")
            await cycles(1 + self.below(50))
