"""Everything mixed: random ordeals one after the other in one simulation, with resets between."""

from __future__ import annotations

from verif.tests.faults.dram import DramTimeout
from verif.tests.faults.illegal import Illegal
from verif.tests.faults.queues import QueueOverflow, RemovedService
from verif.tests.faults.registers import CsrAbuse, Reprogram
from verif.tests.faults.reset_anywhere import ResetAnywhere

ROUNDS = 25


class StressAll(DramTimeout, Illegal, QueueOverflow, RemovedService, CsrAbuse, Reprogram, ResetAnywhere):
    """Each ordeal at least once, in random order, then at random; a clean run after every few."""

    timed = False

    async def body(self) -> None:
        ordeals = [
            self.dram_error,
            self.service_dma_error,
            self.boot_error,
            self.silence,
            self.killed_in_silence,
            self.service_in_silence,
            self.reset_in_silence,
            self.off_by_default,
            self.illegal_training,
            self.illegal_service,
            self.overflow,
            self.remove,
            lambda: self.csr_abuse(60),
            lambda: self.policies(5),
            self.moved_training,
            self.moved_service,
            self.stop_and_go,
            self.reset_in_the_midst,
        ]
        order = [ordeals[n] for n in self.rng.permutation(len(ordeals))]
        order += [self.pick(ordeals) for _ in range(ROUNDS - len(order))]
        for n, ordeal in enumerate(order):
            self.logger.info(f"ordeal {n + 1} of {len(order)}: {getattr(ordeal, '__name__', 'settings')}")
            await ordeal()
            if n % 4 == 3:
                await self.clean_run()
        await self.clean_run()
