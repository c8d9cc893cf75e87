"""Tests of the DMA units before a memory that does not answer: the watchdog's time, what it stops, and late answers."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer, with_timeout

from equinox_core.isa.encoding import Err
from verif.block.dma import model
from verif.block.dma.harness import Harness, same, same_but_cut_short
from verif.block.dma.model import LD, ST, Programs, State, expect, unfinished
from verif.block.dma.stimulus import long_step, random_programs
from verif.lib.verdict import equal, require

AR, R, AW, W, B = (1 << n for n in range(5))  # bits of err_mute
LOST = ("ld_lost", "st_lost")


async def restart(h: Harness, timeout: int = 0) -> None:
    """Reset, with a watchdog limit and a memory that answers."""
    h.dut.u_dram.err_mute.value = 0
    h.dut.timeout.value = timeout
    await h.reset()


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST])
async def watchdog_to_the_cycle(dut: Any, unit: int) -> None:
    """An answer in the last cycle of the limit is in time, one a cycle later is not; the report comes when docs/dma.md
    says.
    """
    h = Harness(dut)
    await restart(h)
    buffer = ("wgtd", "sof")[unit]
    await h.run({(unit, 0): [long_step(h.shape, h.envs[0], unit, 0, buffer, 1)]})
    bursts = h.addresses(("ar", "aw")[unit])  # one; or two of a beat each, which end one cycle after the other
    address, answered = bursts[0][0], h.stream(unit, 0).done[0] - len(bursts)
    for limit, errors in ((answered - address, []), (answered - address - 1, [int(Err.DMA_TIMEOUT)])):
        await restart(h, limit)
        await h.run({(unit, 0): [long_step(h.shape, h.envs[0], unit, 0, buffer, 1)]})
        s, sent = h.stream(unit, 0), h.addresses(("ar", "aw")[unit])[0][0]
        require([cause for _, cause in s.errors] == errors, f"limit {limit}: {s.errors}")
        equal(len(s.done), 1 - len(errors))
        for cycle, _ in s.errors:
            equal(cycle, sent + limit + 2)
    dut.timeout.value = 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST])
async def watchdog_waits_for_each_burst(dut: Any, unit: int) -> None:
    """Many bursts may take long together: the limit is for the oldest one alone.
    Without a limit a unit waits for ever.
    """
    h = Harness(dut)
    await restart(h, timeout=200)
    buffer = ("wgtd", "sob")[unit]
    words = h.shape.depth[buffer] // h.shape.ctx
    await h.run({(unit, c): [long_step(h.shape, h.envs[c], unit, c, buffer, words)] for c in range(h.ctx)})
    require(all(h.stream(unit, c).errors == [] and len(h.stream(unit, c).done) == 1 for c in range(h.ctx)))
    last = max(h.stream(unit, c).done[0] for c in range(h.ctx))
    require(last - h.stream(unit, 0).issued[0] > 400)
    await restart(h)
    dut.u_dram.err_mute.value = (R, B)[unit]
    h.load({(unit, 0): [long_step(h.shape, h.envs[0], unit, 0, buffer, 1)]})
    await h.start()
    await Timer(100, "us")
    s = h.stream(unit, 0)
    equal((s.done, s.errors), ([], []))
    require(not int(dut.finished.value))
    dut.u_dram.err_mute.value = 0
    await h.finish()
    equal(len(h.stream(unit, 0).done), 1)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mute=[AR, R, AW, W, B, AR | R | AW | W | B], stall=[0, 30])
async def memory_falls_silent(dut: Any, mute: int, stall: int) -> None:
    """At a random moment some channels stop: contexts with work stop with DMA_TIMEOUT, others go on; late answers harm
    nobody.
    """
    hit = 0
    for _ in range(3):
        h = Harness(dut)
        await restart(h, timeout=int(h.rng.integers(300, 600)))
        h.stall(stall)
        dut.max_react.value = int(h.rng.choice([0, 20]))
        state = State.random(h.shape, h.rng)
        await h.put(state)
        programs = random_programs(h.rng, h.shape, h.envs, 10)
        killed = (int(h.rng.choice([LD, ST])), int(h.rng.integers(0, h.ctx)))
        moment = int(h.rng.integers(50, 600))
        dut.kill_at[killed[0] * h.ctx + killed[1]].value = h.number("cycle") + moment + int(h.rng.integers(0, 300))
        h.load(programs)
        await h.start()
        await Timer(10 * moment, "ns")
        dut.u_dram.err_mute.value = mute
        await h.finish()
        lost = [bool(h.number(name)) for name in LOST]
        check_stopped(h, programs, killed, mute, lost)
        hit += sum(lost)
        silent = await h.get()
        want, stages = expected(h, state, programs)
        same_but_cut_short(h, silent, want, stages)
        await refuses(h, [u for u in (LD, ST) if lost[u]])
        dut.u_dram.err_mute.value = 0
        for name in LOST:
            if h.number(name):
                await with_timeout(RisingEdge(dut.clk), 1, "us")
                while h.number(name):
                    await RisingEdge(dut.clk)
        await Timer(3, "us")
        late = await h.get()
        same(State(h.shape, late.buffers, silent.dram), silent)  # of late answers nothing is written
        same_but_cut_short(h, late, want, stages)
        must_see(h, late, silent)
        await h.again()
        again = random_programs(h.rng, h.shape, h.envs, 4)
        await h.run(again)
        same(await h.get(), expect(h.envs, late, again))
        require(all(h.stream(u, c).errors == [] for u, c in again))
    require(hit, "the memory was never missed")
    dut.timeout.value = 0


def check_stopped(h: Harness, programs: Programs, killed: tuple[int, int], mute: int, lost: list[bool]) -> None:
    """Who stopped, and how; a unit whose channels all move goes on (but for data that is stuck on the one data bus)."""
    for (u, c), steps in programs.items():
        s = h.stream(u, c)
        causes = [cause for _, cause in s.errors]
        if (u, c) == killed:
            require(causes in ([], [int(Err.DMA_TIMEOUT)]))
        elif not lost[u]:
            require(causes == [] and len(s.done) == len(steps), f"unit {u} context {c}: {causes}, {len(s.done)} done")
        else:
            require(
                causes == ([] if len(s.done) == len(steps) else [int(Err.DMA_TIMEOUT)]),
                f"unit {u} context {c}: {causes}",
            )
    require(not lost[LD] or mute & (AR | R | W))
    require(not lost[ST] or mute & (AW | W | B | R))


def expected(h: Harness, start: State, programs: Programs) -> tuple[State, list[State]]:
    """The state after what completed, and the stages of what did not."""
    done = {key: steps[: len(h.stream(*key).done)] for key, steps in programs.items()}
    want = expect(h.envs, start, done)
    stages = []
    for (u, c), steps in programs.items():
        rest = [r for step in steps[len(done[u, c]) :] for r in model.runs(step, h.envs[c])]
        if rest:
            stages += unfinished(want, rest, steps[0].ins.op)
    return want, stages


async def refuses(h: Harness, units: list[int]) -> None:
    """A lost unit refuses new work at once, and sends no address for it."""
    if not units:
        return
    await h.again()
    works = {(u, c): [long_step(h.shape, h.envs[c], u, c, ("actd", "sof")[u], 1)] for u in units for c in range(h.ctx)}
    await h.run(works)
    for key in works:
        s = h.stream(*key)
        equal([c for _, c in s.errors], [int(Err.DMA_TIMEOUT)])
        equal(s.done, [])
        require(s.errors[0][0] - s.issued[0] < 6)
    legal = {
        a for u in units for _, a, _ in h.addresses(("ar", "aw")[u])[:1]
    }  # one may have been on offer all the time
    require(len(legal) <= len(units))
    require(all(len(h.addresses(("ar", "aw")[u])) <= 1 for u in units))


def must_see(h: Harness, late: State, silent: State) -> None:
    """The check of late answers fails for a single bit of a buffer."""
    spoilt = late.copy()
    name = str(h.rng.choice(["actd", "wgtd", "stg"]))
    spoilt.buffers[name][int(h.rng.integers(len(spoilt.buffers[name])))][0] ^= 1
    try:
        same(State(h.shape, spoilt.buffers, silent.dram), silent)
    except AssertionError:
        return
    raise AssertionError("a word written late goes unseen")
