"""Tests of dma_load and dma_store against the reference of model.py (formats:
models/equinox_core/dram_layout.py).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer
from cocotbext.axi import AxiBus, AxiRam

from equinox_core.isa.encoding import Err, LdDst, Op, StSrc, make
from verif.block.dma import model, stimulus
from verif.block.dma.harness import FAIR, INF_ONLY, PRIO, Harness, check_reports, same, same_but_cut_short
from verif.block.dma.model import LD, ST, State, Step, differs, expect, unfinished
from verif.block.dma.model_timing import predict
from verif.block.dma.stimulus import FAULTS, long_step, random_programs, spoil
from verif.lib import checks
from verif.lib.verdict import equal, require


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=[PRIO, FAIR], stall=[0, 30])
async def random_programs_in_all_contexts(dut: Any, mode: int, stall: int) -> None:
    for _ in range(2):
        h = Harness(dut)
        await h.reset()
        dut.mode.value = mode
        dut.max_gap.value = int(h.rng.choice([0, 3, 60]))
        h.stall(stall)
        start = State.random(h.shape, h.rng)
        await h.put(start)
        programs = random_programs(h.rng, h.shape, h.envs, 12)
        want = expect(h.envs, start, programs)
        require(differs(start, want) > 200)
        await h.run(programs)
        same(await h.get(), want)
        check_reports(h, programs)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def stored_and_loaded_again(dut: Any) -> None:
    """SOB to DRAM to ACTD and WGTD, SOF to DRAM to STG: bit for bit, for ragged lengths."""
    h = Harness(dut)
    await h.reset()
    h.stall(20)
    state = State.random(h.shape, h.rng)
    await h.put(state)
    bus, where, env = h.shape.bus, stimulus.area(h.shape, ST, 0), h.envs[0]
    base = (where.dram[0] - env.dram_base) % 2**32

    def step(op: Op, sp: int, n: int, addr: int, word: int = 0) -> Step:
        return Step(make(op, sp=sp, n_o=1, len=n, l_base=word, d_base=(base + addr) % 2**32, signal=1))

    blocks, lines = 3 * bus - 1, 11
    far = h.shape.beats("sob", blocks) * bus
    await h.run({(ST, 0): [step(Op.STORE, StSrc.SOB, blocks, 0), step(Op.STORE, StSrc.SOF, lines, far)]})
    await h.again()
    w_at = 5
    await h.run(
        {
            (LD, 0): [
                step(Op.LOAD, LdDst.ACTD, blocks, 0, 2),
                step(Op.LOAD, LdDst.WGTD, blocks, 0, w_at),
                step(Op.LOAD, LdDst.STG, lines, far, 1),
            ]
        }
    )
    got = (await h.get()).buffers
    sob, sof = state.buffers["sob"], state.buffers["sof"]
    require(np.array_equal(got["actd"][2 : 2 + blocks], sob[:blocks]))
    require(np.array_equal(got["wgtd"][env.w_base + w_at :][:blocks], sob[:blocks]))
    require(np.array_equal(got["stg"][1 : 1 + lines], sof[:lines]))
    require(not np.array_equal(got["actd"][2 + blocks], sob[blocks]))


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(mode=[PRIO, FAIR], units=["ld", "st", "both"])
async def every_cycle_as_predicted(dut: Any, mode: int, units: str) -> None:
    """Issue and completion of every instruction in exactly the cycle that the rules of docs/dma.md give."""
    h = Harness(dut)
    await h.reset()
    dut.mode.value = mode
    if units != "both":  # other memories too; with one unit alone
        h.latency, h.gap = int(h.rng.choice([1, 7, 60, 200])), int(h.rng.choice([0, 1, 3]))
    h.set_dram()
    use = {"ld": (LD,), "st": (ST,), "both": (LD, ST)}[units]
    programs = {k: v for k, v in random_programs(h.rng, h.shape, h.envs, 16).items() if k[0] in use}
    await h.run(programs)
    start = min(h.stream(u, c).issued[0] for u, c in programs)
    want = predict(h.shape, programs, h.envs, start=start, mode=mode, c_inf=h.c_inf, latency=h.latency, gap=h.gap)
    for u, c in programs:
        s = h.stream(u, c)
        require(s.issued == want[u, c].issued, f"unit {u} context {c}: issue")
        require(s.done == want[u, c].done and len(s.done) == 16, f"unit {u} context {c}: completion")
        checks.compared("completions in their cycles", len(s.done))


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def every_cycle_while_modes_change(dut: Any) -> None:
    """The mode is another one every few cycles, as policies make it: the cycles are those that the rules give."""
    h = Harness(dut)
    await h.reset()
    programs = random_programs(h.rng, h.shape, h.envs, 12)
    lengths = h.rng.choice([1, 1, 2, 3, 8, 40], 400)
    modes = np.repeat(h.rng.choice([INF_ONLY, FAIR, PRIO], 400), lengths)
    first = h.number("cycle")

    def mode_in(cycle: int) -> int:
        return int(modes[cycle - first]) if cycle - first < len(modes) else PRIO

    async def drive() -> None:
        for _ in range(len(modes)):
            await FallingEdge(dut.clk)
            dut.mode.value = mode_in(h.number("cycle"))
        dut.mode.value = PRIO

    driver = cocotb.start_soon(drive())
    await h.run(programs)
    driver.cancel()
    dut.mode.value = PRIO
    start = min(h.stream(u, c).issued[0] for u, c in programs)
    want = predict(h.shape, programs, h.envs, start=start, mode=mode_in, c_inf=h.c_inf, latency=h.latency, gap=h.gap)
    for u, c in programs:
        s = h.stream(u, c)
        equal((s.issued, s.done), (want[u, c].issued, want[u, c].done), f"unit {u} context {c}")
        checks.compared("completions in their cycles", len(s.done))


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST])
async def every_cycle_with_full_queues(dut: Any, unit: int) -> None:
    """Many short runs before a memory that is late, or slow with data: as many bursts wait as may, and no more."""
    h = Harness(dut)
    for h.latency, h.gap in ((250, 0), (3, 12)):
        await h.reset()
        programs = {
            (unit, c): [long_step(h.shape, h.envs[c], unit, c, ("stg", "sof")[unit], 1, n_o=1) for _ in range(30)]
            for c in range(min(2, h.ctx))
        }
        await h.run(programs)
        start = min(h.stream(u, c).issued[0] for u, c in programs)
        want = predict(h.shape, programs, h.envs, start=start, mode=PRIO, c_inf=h.c_inf, latency=h.latency, gap=h.gap)
        for u, c in programs:
            s = h.stream(u, c)
            equal((s.issued, s.done), (want[u, c].issued, want[u, c].done), f"unit {u} context {c}")
            checks.compared("completions in their cycles", len(s.done))


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def with_another_memory(dut: Any) -> None:
    """The memory of cocotbext-axi, with pauses on all channels, instead of axi_dram."""
    h = Harness(dut)
    logging.getLogger("cocotb.tb_dma.m_axi").setLevel(logging.WARNING)
    await h.reset(lambda d: AxiRam(AxiBus.from_prefix(d, "m_axi"), d.clk, size=h.shape.dram))
    ram = h.ram
    for channel in (
        ram.read_if.ar_channel,
        ram.read_if.r_channel,
        *(getattr(ram.write_if, f"{c}_channel") for c in ("aw", "w", "b")),
    ):
        channel.set_pause_generator(iter(lambda: bool(h.rng.random() < 0.3), None))
    start = State.random(h.shape, h.rng)
    await h.put(start)
    programs = random_programs(h.rng, h.shape, h.envs, 3)
    want = expect(h.envs, start, programs)
    require(differs(start, want) > 100)
    await h.run(programs)
    same(await h.get(), want)
    check_reports(h, programs)
    dut.ext.value = 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(buffer=["wgtd", "stg", "sob", "sof"])
async def one_beat_a_cycle(dut: Any, buffer: str) -> None:
    """A long run moves one beat a cycle, without a gap, from its first beat to its last."""
    h = Harness(dut)
    await h.reset()
    u = LD if buffer in ("wgtd", "stg") else ST
    words = h.shape.depth[buffer] // h.shape.ctx
    await h.run({(u, 0): [long_step(h.shape, h.envs[0], u, 0, buffer, words)]})
    beats = h.number("r_n" if u == LD else "w_n")
    first, last = (h.number(f"{'r' if u == LD else 'w'}_{x}") for x in ("first", "last"))
    cocotb.log.info("%s: %d beats in %d cycles", buffer, beats, last - first + 1)
    equal(beats, h.shape.beats(buffer, words))
    require(beats > 60)
    equal(last - first + 1, beats + (beats - 1) * h.gap)
    s = h.stream(u, 0)
    equal(s.busy, beats)
    equal(h.stalls(u)[1], 0)
    checks.compared("beats without a gap", beats)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(mode=[PRIO, FAIR], unit=[LD, ST])
async def contexts_take_turns_by_mode(dut: Any, mode: int, unit: int) -> None:
    """All contexts want to move a long run at once: the order of bursts (LD) or segments (ST) is the mode's."""
    h = Harness(dut)
    await h.reset()
    dut.mode.value = mode
    buffer = ("wgtd", "sob")[unit]
    words = h.shape.depth[buffer] // h.ctx
    await h.run({(unit, c): [long_step(h.shape, h.envs[c], unit, c, buffer, words)] for c in range(h.ctx)})
    areas = [stimulus.area(h.shape, unit, c).dram for c in range(h.ctx)]
    order = []
    for _, addr, _ in h.addresses(("ar", "aw")[unit]):
        (owner,) = [c for c, (lo, hi) in enumerate(areas) if lo <= addr < hi]
        starts = {
            a
            for a, _ in model.store_segments(
                h.shape, model.runs(long_step(h.shape, h.envs[owner], unit, owner, buffer, words), h.envs[owner])[0]
            )
        }
        if unit == LD or addr in starts:
            order.append(owner)
    need = {c: order.count(c) for c in range(h.ctx)}
    require(min(need.values()) >= 4)
    # Reference: classes by mode, round robin inside, over contexts that still have something.
    left, want, inf_last, last = dict(need), [], False, {0: -1, 1: -1}
    while any(left.values()):
        inf = [c for c in range(h.c_inf) if left[c]]
        trn = [c for c in range(h.c_inf, h.ctx) if left[c]]
        pick_inf = bool(inf) and (mode == PRIO or not inf_last or not trn)
        cand = inf if pick_inf else trn
        c = min((x for x in cand if x > last[pick_inf]), default=min(cand))
        last[pick_inf], inf_last = c, pick_inf
        left[c] -= 1
        want.append(c)
    require(order == want, f"bursts of contexts {order}, the mode's order is {want}")
    checks.compared("turns of contexts", len(want))


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST])
async def inference_only_holds_training(dut: Any, unit: int) -> None:
    h = Harness(dut)
    await h.reset()
    dut.mode.value = INF_ONLY
    trn = h.ctx - 1
    buffer = ("actd", "sof")[unit]
    state = State.random(h.shape, h.rng)
    await h.put(state)
    programs = {(unit, c): [long_step(h.shape, h.envs[c], unit, c, buffer, 60)] for c in range(h.ctx)}
    want = expect(h.envs, state, programs)
    h.load(programs)
    await h.start()
    await Timer(12, "us")
    equal([len(h.stream(unit, c).done) for c in range(h.ctx)], [1] * trn + [0])
    equal(h.stream(unit, trn).busy, 0)
    require(not int(dut.finished.value))
    policy = h.stalls(unit)[1]
    require(policy > 300, "held by the policy, and says so")
    dut.mode.value = FAIR
    await h.finish()
    equal(len(h.stream(unit, trn).done), 1)
    require(h.stalls(unit)[1] <= policy + 2)
    same(await h.get(), want)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST])
async def faulty_instructions(dut: Any, unit: int) -> None:
    """Cause, no completion, earlier runs done, nothing of the faulty run or after it, others undisturbed."""
    for n, (fault, cause) in enumerate(FAULTS.items()):
        h = Harness(dut)
        await h.reset()
        dut.max_react.value = (0, 9)[n % 2]
        state = State.random(h.shape, h.rng)
        await h.put(state)
        env, where = h.envs[0], stimulus.area(h.shape, unit, 0)
        first, good, after = (
            stimulus.random_step(
                h.rng,
                h.shape,
                unit,
                env,
                where,
                ("actd", "wgtd", "stg")[n % 3] if unit == LD else ("sob", "sof")[n % 2],
            )
            for _ in range(3)
        )
        bad, runs_done = spoil(h.rng, h.shape, h.envs[0], unit, fault, good)
        if "later" in fault:
            bad = replace(
                bad,
                ins=make(
                    bad.ins.op,
                    **{**bad.ins.fields, "d_base": (where.dram[0] - env.dram_base - bad.ins.d_iter * bad.iter) % 2**32},
                ),
            )
        others = {k: v for k, v in random_programs(h.rng, h.shape, h.envs, 4).items() if k != (unit, 0)}
        want = expect(h.envs, state, {**others, (unit, 0): [first]})
        # The front end kills after the error: LD drops what is in flight then, ST writes it.
        done_runs = model.runs(bad, env)[:runs_done] if runs_done else []
        await h.run({**others, (unit, 0): [first, bad, after, after]})
        s = h.stream(unit, 0)
        require([c for _, c in s.errors] == [int(cause)], f"{fault}: reported {s.errors}")
        require(len(s.done) <= 1, f"{fault}: {len(s.done)} instructions completed")
        got = await h.get()
        if unit == ST:
            for run in done_runs:
                want.execute(run, Op.STORE)
            same(got, want)
        else:
            n_done = len(s.done)
            want = expect(h.envs, state, {**others, (unit, 0): [first][:n_done]})
            rest = [*([] if n_done else model.runs(first, env)), *done_runs]
            same_but_cut_short(h, got, want, unfinished(want, rest, Op.LOAD))
        lo, hi = where.dram
        cut = (model.load_bursts, model.store_bursts)[unit]
        legal = [b for run in [*model.runs(first, env), *done_runs] for b in cut(h.shape, run)]
        mine = [(a, c) for _, a, c in h.addresses(("ar", "aw")[unit]) if lo <= a < hi]
        if mine != legal:
            raise AssertionError(f"{fault}: bursts {mine[len(legal) :]} too many, or missing")
        for (u, c), steps in others.items():
            equal(len(h.stream(u, c).done), len(steps))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(unit=[LD, ST], stall=[0, 30])
async def error_responses(dut: Any, unit: int, stall: int) -> None:
    """A failing address stops its context with DMA_RESP, once; nothing issues after it; others go on."""
    for n in range(8):
        h = Harness(dut)
        await h.reset()
        h.stall(stall)
        dut.max_react.value = int(h.rng.choice([0, 20]))
        dut.mode.value = (PRIO, FAIR)[n % 2]
        state = State.random(h.shape, h.rng)
        await h.put(state)
        programs = random_programs(h.rng, h.shape, h.envs, 6)
        victim = int(h.rng.integers(0, h.ctx))
        steps = programs[unit, victim]
        at = int(h.rng.integers(0, 5))
        cut = (model.load_bursts, model.store_bursts)[unit]
        bursts = [b for run in model.runs(steps[at], h.envs[victim]) for b in cut(h.shape, run)]
        addr, beats = bursts[-1 if n % 2 else int(h.rng.integers(0, len(bursts)))]
        point = addr + int(h.rng.integers(0, beats)) * h.shape.bus
        h.fail_at(point, point)
        others = {k: v for k, v in programs.items() if k != (unit, victim)}
        want = expect(h.envs, state, others)
        await h.run(programs)
        s = h.stream(unit, victim)
        equal([c for _, c in s.errors], [int(Err.DMA_RESP)])
        touched = [  # instructions before the first one with a failing burst
            any(
                a <= point < a + b * h.shape.bus
                for run in model.runs(step, h.envs[victim])
                for a, b in cut(h.shape, run)
            )
            for step in steps
        ].index(True)
        require(len(s.done) == touched, "all before the failing instruction completed, none from it on")
        equal(s.what, [x.ins.step << 16 | x.ins.signal for x in steps[:touched]])
        lo, hi = stimulus.area(h.shape, unit, victim).dram
        seen = [(t, a) for t, a, _ in h.addresses(("ar", "aw")[unit]) if lo <= a < hi]
        if unit == LD:  # at most the one already in the address register
            require(not [a for t, a in seen if t > s.errors[0][0]], "bursts were issued after the error")
        got = await h.get()
        for step in steps[:touched]:
            for run in model.runs(step, h.envs[victim]):
                want.execute(run, step.ins.op)
        tail = [r for step in steps[touched:] for r in model.runs(step, h.envs[victim])]
        same_but_cut_short(h, got, want, unfinished(want, tail, steps[0].ins.op))
        for (u, c), others_steps in others.items():
            equal(len(h.stream(u, c).done), len(others_steps))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(stall=[0, 30])
async def kills(dut: Any, stall: int) -> None:
    """Contexts are killed at random times: they fall quiet, the others do not notice,
    and they work again afterwards.
    """
    left = {LD: 0, ST: 0}
    for _ in range(5):
        h = Harness(dut)
        await h.reset()
        h.stall(stall)
        state = State.random(h.shape, h.rng)
        await h.put(state)
        programs = random_programs(h.rng, h.shape, h.envs, 8)
        now = h.number("cycle")
        victims = {(u, int(h.rng.integers(0, h.ctx))) for u in (LD, ST)}
        for u, c in victims:
            beats = sum(h.shape.beats(r.buffer, r.len) for s in programs[u, c] for r in model.runs(s, h.envs[c]))
            # It takes longer than its beats, so most kills, not all, find the context at work.
            dut.kill_at[u * h.ctx + c].value = now + int(h.rng.integers(3, beats + 3 * h.latency))
        others = {k: v for k, v in programs.items() if k not in victims}
        await h.run(programs)
        got, want = await h.get(), expect(h.envs, state, others)
        stages: dict[int, tuple[list[model.Run], Op]] = {}
        for u, c in victims:
            s = h.stream(u, c)
            equal(s.errors, [])
            n = len(s.done)
            left[u] += n < len(programs[u, c])
            tail = [r for step in programs[u, c][n:] for r in model.runs(step, h.envs[c])]
            for step in programs[u, c][:n]:
                for run in model.runs(step, h.envs[c]):
                    want.execute(run, step.ins.op)
            stages[u] = (tail, programs[u, c][0].ins.op)
        # One victim in LD, which changes buffers, one in ST, which changes DRAM.
        same_but_cut_short(h, got, want, [x for runs, op in stages.values() for x in unfinished(want, runs, op)])
        for (u, c), steps in others.items():
            equal(len(h.stream(u, c).done), len(steps))
        # Once more, on the contexts that were killed (the front end is reset, the units are not).
        await h.again()
        again = random_programs(h.rng, h.shape, h.envs, 4)
        start = await h.get()
        await h.run(again)
        same(await h.get(), expect(h.envs, start, again))
    require(left[LD] and left[ST], "no kill came while its context worked")
