"""What the tests of the DMA units share: programs to play, and checks of what came out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from equinox_core.isa.encoding import Err, LdDst, Op, StSrc, make
from verif.block.dma import programs as pr
from verif.block.dma.harness import Harness, Programs
from verif.block.dma.programs import LD, ST, State, Step
from verif.lib import checks
from verif.lib.verdict import equal, require


def random_programs(h: Harness, count: int) -> Programs:
    return {
        (u, c): [pr.random_step(h.rng, h.shape, u, h.envs[c], pr.area(h.shape, u, c)) for _ in range(count)]
        for u in (LD, ST)
        for c in range(h.ctx)
    }


def expect(h: Harness, start: State, programs: Programs) -> State:
    """State after the programs (their areas are disjoint, so the order between streams is no matter)."""
    want = start.copy()
    for (_, c), steps in programs.items():
        for step in steps:
            for run in pr.runs(step, h.envs[c]):
                want.execute(run, step.ins.op)
    return want


def same(got: State, want: State) -> None:
    for name in pr.BUFFERS:
        bad = np.flatnonzero((got.buffers[name] != want.buffers[name]).any(axis=1))
        if len(bad):
            raise AssertionError(f"{name}: {len(bad)} words differ, first {bad[0]}")
    bad = np.flatnonzero(got.dram != want.dram)
    if len(bad):
        raise AssertionError(f"DRAM: {len(bad)} bytes differ, first at {bad[0]:#x}")
    checks.compared("bytes of the DRAM", got.dram.size)


def differs(a: State, b: State) -> int:
    """Words and bytes in which two states differ."""
    return int((a.dram != b.dram).sum() + sum((a.buffers[n] != b.buffers[n]).any(axis=1).sum() for n in pr.BUFFERS))


def check_reports(h: Harness, programs: Programs) -> None:
    """Every instruction completed once, in order, with its signals; bursts are cut as documented."""
    seen = {LD: h.addresses("ar"), ST: h.addresses("aw")}
    cut = {LD: pr.load_bursts, ST: pr.store_bursts}
    for (u, c), steps in programs.items():
        s = h.stream(u, c)
        equal(s.errors, [])
        require(s.what == [step.ins.step << 16 | step.ins.signal for step in steps], f"unit {u} context {c}")
        equal(s.done, sorted(s.done))
        lo, hi = pr.area(h.shape, u, c).dram
        mine = [(a, n) for _, a, n in seen[u] if lo <= a < hi]
        want = [b for step in steps for run in pr.runs(step, h.envs[c]) for b in cut[u](h.shape, run)]
        require(mine == want, f"unit {u} context {c}: bursts differ")
        checks.compared("bursts", len(want))
        equal(s.busy, sum(n for _, n in mine))
    total = [sum(h.stream(u, c).busy for c in range(h.ctx)) for u in (LD, ST)]
    equal(total, [h.number("r_n"), h.number("w_n")])
    require(min(total) > 0)
    transfers = int(h.dut.u_check.transfers.value)
    checks.compared("AXI transfers", transfers)
    require(transfers > sum(total))


def same_but_cut_short(h: Harness, got: State, want: State, stages: list[State]) -> None:
    """``got`` is ``want`` but for words that the ``stages`` of a context that was stopped disagree on.

    ``stages``: the state before its first unfinished run and after each; such a word has its value in one of them.
    """
    for name in pr.BUFFERS:
        legal = (got.buffers[name] == want.buffers[name]).all(axis=1)
        for stage in stages:
            changed = (stage.buffers[name] != stages[0].buffers[name]).any(axis=1)
            legal |= changed & (got.buffers[name] == stage.buffers[name]).all(axis=1)
            legal |= changed & (got.buffers[name] == stages[0].buffers[name]).all(axis=1)
        if not legal.all():
            raise AssertionError(f"{name}: words {np.flatnonzero(~legal)[:3]} are wrong")
    legal = got.dram == want.dram
    for stage in stages:
        changed = stage.dram != stages[0].dram
        legal |= changed & ((got.dram == stage.dram) | (got.dram == stages[0].dram))
    if not legal.all():
        raise AssertionError(f"DRAM: bytes {np.flatnonzero(~legal)[:3]} are wrong")
    checks.compared("bytes of the DRAM", got.dram.size)


def unfinished(want: State, runs: list[pr.Run], op: Op) -> list[State]:
    """Stages of runs of which each may have been carried out, in part, or not."""
    stages = [want.copy()]
    for run in runs:
        stages.append(stages[-1].copy())
        stages[-1].execute(run, op)
    return stages


def long_step(h: Harness, u: int, c: int, buffer: str, words: int, n_o: int = 1) -> Step:
    where = pr.area(h.shape, u, c)
    op, spaces = ((Op.LOAD, LdDst), (Op.STORE, StSrc))[u]
    env = h.envs[c]
    size = h.shape.beats(buffer, words) * h.shape.k
    return Step(
        make(
            op,
            sp=spaces[buffer.upper()],
            n_o=n_o,
            len=words,
            signal=1 << c,
            l_so=words,
            l_base=where.words[buffer][0] - (env.w_base if buffer == "wgtd" else 0),
            d_base=(where.dram[0] - env.dram_base) % 2**32,
            d_so=size,
        )
    )


FAULTS = {
    "opcode": Err.ILLEGAL_OP,
    "space": Err.OPERAND,
    "no runs": Err.OPERAND,
    "no length": Err.OPERAND,
    "misaligned": Err.OPERAND,
    "misaligned later": Err.OPERAND,
    "range": Err.OPERAND,
    "range later": Err.OPERAND,
    "far": Err.OPERAND,
}


def spoil(h: Harness, u: int, fault: str, good: Step) -> tuple[Step, int]:
    """A faulty instruction of context 0 in unit ``u``, and how many of its runs are good."""
    i, k = good.ins, h.shape.k
    buffer = pr.buffer_of(i)
    depth = h.shape.depth[buffer]
    f = dict(i.fields)

    def with_(**new: int) -> Step:
        return replace(good, ins=make(i.op, **{**f, **new}))

    if fault == "opcode":
        other = make(Op.STORE if u == LD else Op.LOAD, **f)
        return replace(good, ins=other), 0
    if fault == "space":
        return with_(sp=3 if u == LD else int(h.rng.integers(2, 4))), 0
    if fault == "no runs":
        return with_(n_o=0), 0
    if fault == "no length":
        return with_(len=0), 0
    if fault == "misaligned":
        return with_(d_base=(i.d_base + int(h.rng.integers(1, k))) % 2**32), 0
    if fault == "misaligned later":
        return with_(n_o=3, d_so=k // 2, len=1, l_so=1), 1
    w_base = h.envs[0].w_base if buffer == "wgtd" else 0
    if fault == "range":
        return with_(n_o=1, l_base=depth - w_base - 2, len=3), 0
    if fault == "far":
        return with_(n_o=1, l_base=65535, len=4095), 0
    last = int(h.rng.integers(1, 3))  # words of the last good run end exactly at the depth
    return with_(n_o=last + 3, l_base=depth - w_base - 5 * last - 5, l_so=5, len=5, d_so=5 * k * 8), last + 1
