"""Two events of one context in a DMA unit, in the same cycle and a few cycles apart: completion, error response, faulty
instruction, watchdog and kill.

Each pair is played once for each distance, with everything else as before, so the cycles of the events are known from a
play in which they come alone. What is told, and when, follows from docs/dma.md: nothing from the cycle on in which the
kill is up; the first of two causes; of those of one cycle the watchdog's, then the response's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from equinox_core.isa.encoding import Err, LdDst, StSrc, make
from verif.block.dma import model
from verif.block.dma.harness import Harness, Stream
from verif.block.dma.model import LD, ST, Step
from verif.block.dma.stimulus import area
from verif.block.dma.stimulus_fields import OFFSETS, OPS, covergroups, events_cg
from verif.lib import checks, coverage
from verif.lib.verdict import equal, require

HERE = os.environ.get("P_STG_DEPTH") == "65536"  # the run of test_dma_fields, which opens a back door
MUTE = {LD: 2, ST: 16}  # bits of err_mute: R, B
NAME = {LD: "load", ST: "store"}
DONE, RESP, TIMEOUT, OPERAND = 0, int(Err.DMA_RESP), int(Err.DMA_TIMEOUT), int(Err.OPERAND)


@dataclass
class Play:
    """What is played: single-run instructions, and what happens to them."""

    instructions: int = 1
    units: int = 1  # blocks of each
    faulty: bool = False  # the last one is beyond its memory
    fails: bool = False  # the memory refuses the first one
    silent: bool = False  # it does not answer
    latency: int = 20
    gap: int = 0
    limit: int = 0  # of the watchdog
    kill: int = 0  # cycle from which the kill is up; 0: none


class Bench(Harness):
    """Plays the same instructions again and again; cycles are counted from the start."""

    sent = 0  # cycle of the first address

    def program(self, unit: int, play: Play) -> list[Step]:
        """One run an instruction, each in a 4 KiB of its own, so that it is one burst."""
        where, env = area(self.shape, unit, 0), self.envs[0]
        space = int(LdDst.ACTD if unit == LD else StSrc.SOB)
        steps = []
        for n in range(play.instructions):
            at = where.dram[0] // 4096 * 4096 + 4096 * (n + 1)
            words = where.words["actd" if unit == LD else "sob"][0]
            beyond = play.faulty and n == play.instructions - 1
            steps.append(
                Step(
                    make(
                        OPS[unit],
                        sp=space,
                        n_o=1,
                        len=play.units,
                        l_base=65535 if beyond else words,
                        d_base=(at - env.dram_base) % 2**32,
                        signal=1 << n,
                    )
                )
            )
            if beyond:
                steps[-1].ins.fields["len"] = 4095
        return steps

    async def play(self, unit: int, play: Play) -> Stream:
        """Play it; afterwards the context works again. Cycles of the stream are those after the start."""
        dut, dram = self.dut, self.dut.u_dram
        await self.again()
        self.latency, self.gap = play.latency, play.gap
        self.set_dram()
        steps = self.program(unit, play)
        dram.err_en.value = 0
        if play.fails:
            (run,) = model.runs(steps[0], self.envs[0])
            self.fail_at(run.addr, run.addr)
        dram.err_mute.value = MUTE[unit] if play.silent else 0
        dut.timeout.value = play.limit
        start = self.number("cycle") + 40
        if play.kill:
            dut.kill_at[unit * self.ctx].value = start + play.kill - 1
        self.load({(unit, 0): steps})
        while self.number("cycle") < start - 1:
            await RisingEdge(dut.clk)
        await self.start()
        while play.kill and self.number("cycle") < start + play.kill + 2:  # it may come after the end
            await RisingEdge(dut.clk)
        await self.finish()
        s = self.stream(unit, 0)
        seen = Stream(
            [t - start for t in s.issued],
            [t - start for t in s.done],
            s.what,
            [(t - start, cause) for t, cause in s.errors],
            s.busy,
        )
        self.sent = self.addresses(("ar", "aw")[unit])[0][0] - start
        await self.works(unit)
        return seen

    async def works(self, unit: int) -> None:
        """The context, whatever stopped it, carries an instruction out."""
        dut, dram = self.dut, self.dut.u_dram
        dram.err_en.value = dram.err_mute.value = 0
        for _ in range(4000):
            if not (self.number("ld_lost") or self.number("st_lost")):
                break
            await RisingEdge(dut.clk)
        await Timer(4 * 10 * (self.latency + 8 * (self.gap + 1)), "ns")
        await self.again()
        dut.timeout.value = 0
        await self.run({(unit, 0): self.program(unit, Play())})
        s = self.stream(unit, 0)
        equal((s.what, s.errors), ([1], []))


def told(events: list[tuple[int, int]], kill: int = 0) -> tuple[list[int], list[tuple[int, int]]]:
    """Completions and errors of events (cycle, cause; ``DONE``): all before the kill is up, and before an error."""
    done, errors = [], []
    for cycle, cause in events:
        if errors or (kill and cycle >= kill):
            break
        if cause == DONE:
            done.append(cycle)
        else:
            errors.append((cycle, cause))
    return done, errors


async def meets_kill(h: Bench, unit: int, pair: str, play: Play) -> None:
    """A kill around what a play ends with."""
    group = events_cg()
    alone = await h.play(unit, play)
    events = sorted([(t, DONE) for t in alone.done] + alone.errors)
    for offset in OFFSETS:
        kill = events[-1][0] + offset
        require(kill > 2, "the event comes too early")
        s = await h.play(unit, Play(**{**vars(play), "kill": kill}))
        equal((s.done, s.errors), told(events, kill), f"{NAME[unit]}: {pair} {offset}")
        checks.compared("meetings of two events", 1)
        group.sample(cp_unit=NAME[unit], cp_pair=pair, cp_offset=str(offset))


@cocotb.test(timeout_time=20, timeout_unit="ms", skip=not HERE)
@cocotb.parametrize(unit=[LD, ST])
async def kill_meets(dut: Any, unit: int) -> None:
    """A kill around the last completion, an error response, the watchdog's end, and a fault of an instruction."""
    h = Bench(dut)
    await h.reset()
    await meets_kill(h, unit, "done kill", Play(instructions=2))
    await meets_kill(h, unit, "error kill", Play(instructions=2, fails=True))
    await meets_kill(h, unit, "timeout kill", Play(silent=True, limit=25))
    await meets_kill(h, unit, "fault kill", Play(instructions=6, faulty=True, latency=60))


@cocotb.test(timeout_time=20, timeout_unit="ms", skip=not HERE)
@cocotb.parametrize(unit=[LD, ST])
async def error_meets_fault(dut: Any, unit: int) -> None:
    """The memory refuses the first instruction about when the last one is found faulty: the first cause is told."""
    h = Bench(dut)
    await h.reset()
    group = events_cg()
    count = (7, 10)[unit]  # so that the fault is found late enough, and all before it are in flight
    ((fault, cause),) = (await h.play(unit, Play(count, faulty=True, latency=100))).errors
    equal(cause, OPERAND)
    ((refused, cause),) = (await h.play(unit, Play(fails=True, latency=20))).errors
    equal(cause, RESP)
    for offset in OFFSETS:
        latency = 20 + fault - refused - offset  # the fault comes so many cycles after the response
        if latency < 1:
            raise AssertionError(f"the response cannot come {offset} cycles before the fault: {refused}, {fault}")
        s = await h.play(unit, Play(count, faulty=True, fails=True, latency=latency))
        first = (fault - offset, RESP) if offset >= 0 else (fault, OPERAND)
        equal((s.done, s.errors), ([], [first]), f"{NAME[unit]}: error fault {offset}")
        checks.compared("meetings of two events", 1)
        group.sample(cp_unit=NAME[unit], cp_pair="error fault", cp_offset=str(offset))


@cocotb.test(timeout_time=20, timeout_unit="ms", skip=not HERE)
@cocotb.parametrize(unit=[LD, ST])
async def error_meets_watchdog(dut: Any, unit: int) -> None:
    """The memory's refusal about when the watchdog's limit ends. LD's comes with a first beat that is not the last."""
    h = Bench(dut)
    await h.reset()
    group = events_cg()
    play = Play(units=3, gap=12 if unit == LD else 0, fails=True)
    ((refused, cause),) = (await h.play(unit, play)).errors
    equal(cause, RESP)
    sent = h.sent
    for offset in OFFSETS:
        late = refused + offset  # the cycle in which the watchdog's report would come
        s = await h.play(unit, Play(**{**vars(play), "limit": late - sent - 2}))
        first = (late, TIMEOUT) if offset <= 0 else (refused, RESP)
        equal((s.done, s.errors), ([], [first]), f"{NAME[unit]}: error timeout {offset}")
        checks.compared("meetings of two events", 1)
        group.sample(cp_unit=NAME[unit], cp_pair="error timeout", cp_offset=str(offset))


@cocotb.test(timeout_time=1, timeout_unit="ms", skip=not HERE)
async def events_all_met(dut: Any) -> None:
    """Every pair was played at every distance, by the tests before this one."""
    group = covergroups()["dma_events_cg"]
    equal([f"{point}: {label}" for point, bins in group.items() for label, hits in bins.items() if not hits], [])
    require(int(dut.CTX.value) > 1)
    coverage.dump({"dma_events_cg": group}, "dma_events")
    checks.compared("pairs of events", len(group["cr_events"]))
