"""Checks of the checks of faults: each must fail when the test does, or expects, something else than the core.

Nothing is planted in a source here: methods of a running test are replaced (another unit meets the error, a counter is
read wrong), one after the other in one simulation. Plants in a copy of the sources would need a build and a boot each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable

from equinox_core.csr_map import REGS
from equinox_core.isa.encoding import Err, Unit
from verif.agents.axis import cycles
from verif.lib.verdict import require
from verif.tests.faults.dram import Stalls
from verif.tests.faults.stress import StressAll


class Misled(StressAll, Stalls):
    """One thing wrong after the other, each with the words of the check that must see it, and a reset behind it."""

    timed = False
    patience = 50_000  # longer than the longest timeout of a batch
    stop_patience = 20_000

    async def boot(self) -> None:
        await super(Stalls, self).boot()  # without its stalls

    async def body(self) -> None:
        fresh = await self.life()
        for mislead in (
            self.wrong_unit,
            self.no_watchdog,
            self.wrong_cause,
            self.open_sink,
            self.wrong_count,
            self.wrong_mirror,
            self.no_hole,
            self.no_stall,
            self.foreign_weight,
        ):
            await mislead()
            await self.start_over()
        self.dut.u_dram.latency.value = self.cfg.LATENCY + 1
        again = await self.life()
        self.dut.u_dram.latency.value = self.cfg.LATENCY
        await self.must_raise(self.later(self.same_life, fresh, again), r"register writes|batches|answers|steps")
        await self.clean_run()

    async def must_raise(self, check: Awaitable, report: str) -> None:
        try:
            await check
        except (AssertionError, TimeoutError) as error:
            require(re.search(report, str(error)), f"says: {error}; expected {report}")
            self.expected_things += 1
            return
        raise AssertionError(f"what is wrong went unseen; expected {report}")

    async def start_over(self) -> None:
        """The core and the boards as new; what was wrong is gone."""
        for name in ("plant_error", "stop_patience", "limit", "draw", "sink_stall", "counts", "store"):
            self.__dict__.pop(name, None)
        dut = self.dut
        dut.u_dram.err_mute.value = dut.u_dram.err_read_in.value = dut.u_dram.err_write_in.value = (
            dut.rsp_stall_pct.value
        ) = 0
        await self.reset_now()
        await cycles(2 * self.patience)  # what waits for answers has given up
        for board in (self.env.response_board, self.env.weight_board):
            board.mismatches.clear()
        await self.boot_again()

    @staticmethod
    async def later(check, *values) -> None:
        check(*values)

    async def wrong_unit(self) -> None:
        """The other unit meets the error."""
        right, self.stop_patience = self.plant_error, 400_000  # the first store of a training step comes late
        self.plant_error = lambda unit, within: right(Unit.LD if unit == Unit.ST else Unit.ST, 1)
        await self.must_raise(self.dram_error(), r"stopped with DMA_RESP in (LD|ST), legal")

    async def no_watchdog(self) -> None:
        """Nothing watches the silent memory."""
        self.limit = 0
        await self.must_raise(self.silence(), "is in state RUNNING, not in ERROR")

    async def wrong_cause(self) -> None:
        right = type(self).draw

        def draw(ins, unit, training):
            what, cause, word = right(self, ins, unit, training)
            return what, Err.OPERAND if cause == Err.ILLEGAL_OP else Err.ILLEGAL_OP, word

        self.draw = draw
        await self.must_raise(self.illegal_service(), r"stopped with (OPERAND|ILLEGAL_OP) in")

    async def open_sink(self) -> None:
        """The sink takes everything: nothing overflows."""
        self.sink_stall = 0
        await self.must_raise(self.overflow(), "the stream is not held back|answers while the sink stands still")

    async def wrong_count(self) -> None:
        """A request more is counted each time."""
        right, times = type(self).counts, iter(range(10))

        async def counts() -> Counter:
            return await right(self) + Counter(NOT_INSTALLED=next(times))

        self.counts = counts
        await self.must_raise(self.remove(), "NOT_INSTALLED counted")

    async def wrong_mirror(self) -> None:
        """A byte is written that was not to be."""
        right = type(self).store

        def store(scratch):
            path, value, strobe = right(self, scratch)
            return path, value ^ 1, strobe | 1

        self.store = store
        await self.must_raise(self.csr_abuse(150), r"CTX\[\d\]\.\w+")

    async def no_hole(self) -> None:
        """An address that is thought to have no register has one."""

        async def holes() -> None:
            for _ in range(8):  # some strobe names a byte
                await self.hole([REGS["SVC[3].TIMEOUT"][0]], [], {})

        await self.must_raise(holes(), "address 0x")

    async def no_stall(self) -> None:
        await self.must_raise(self.later(self.all_held), "channels that were not held back")

    async def foreign_weight(self) -> None:
        """A late answer reached a weight (in DRAM, where the bench can put it)."""
        right, (address, _) = self.restore_weights, self.deployment.weight_ranges[0]

        def restore() -> None:
            right()
            beat = bytearray(self.deployment.image.dram[address : address + self.cfg.BUS])
            beat[1] ^= 0x40
            self.dram.write(address, bytes(beat))

        self.restore_weights = restore
        try:
            await self.must_raise(self.clean_run(), "region (errors|weights) differs")
        finally:
            del self.restore_weights
