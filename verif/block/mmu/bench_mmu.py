"""Tests of the MMU: every result, and every row, weight line, completion, error and stall in its cycle."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import row_flight
from equinox_core.isa.encoding import Err, Op, make
from verif.block.mmu.harness import Env, Harness, matmul
from verif.block.mmu.model import FAIR, INF_ONLY, PRIO
from verif.block.mmu.stimulus import faulty, random_envs, random_matmul, random_programs, region
from verif.lib import checks
from verif.lib.bench import generator
from verif.lib.verdict import require


async def start(dut: Any, kind: str = "plain") -> Harness:
    h = Harness(dut, generator(), kind)
    await h.start()
    return h


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def mixed_programs(dut: Any) -> None:
    """All contexts at once, in every mode and with modes that change, with and without gaps between instructions."""
    h = await start(dut)
    for turn in range(8):
        envs = random_envs(h.size, h.rng)
        await h.phase(
            random_programs(h.size, h.rng, envs, 10),
            envs,
            mode=(PRIO, FAIR, PRIO)[turn % 3],
            mode_rand=turn >= 3,
            train_rows=int(h.rng.choice([0, 1, 2, h.size.n, 2 * h.size.n])),
            max_gap=(0, 60, 8)[turn % 3],
        )
    require(int(dut.looked.value) > 12 * h.size.ctx, "hardly any completed instruction's last line was read")
    checks.compared("last lines of instructions", int(dut.looked.value))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def special_values(dut: Any) -> None:
    """NaN blocks, zero blocks, overflow to infinity, underflow to zero, the largest sums."""
    h = await start(dut, "special")
    counts = dict.fromkeys(("NaN", "inf", "zero", "small"), 0)
    for turn in range(16):
        envs = random_envs(h.size, h.rng)
        await h.phase(random_programs(h.size, h.rng, envs, 12), envs, train_rows=h.size.n)
        e = h.acc >> 23 & 0xFF
        counts["NaN"] += int((h.acc == 0x7FC00000).sum())
        counts["inf"] += int(((h.acc & 0x7FFFFFFF) == 0x7F800000).sum())
        counts["zero"] += int((h.acc == 0).sum())
        counts["small"] += int(((e > 0) & (e < 40)).sum())
        if turn >= 3 and min(counts.values()) > 3:  # a small core has few results
            break
    require(min(counts.values()) > 3, f"results of a kind are few: {counts}")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def inference_only(dut: Any) -> None:
    """MODE_INF_ONLY: training gives no row, and goes on where it was when the mode changes."""
    h = await start(dut)
    envs = random_envs(h.size, h.rng)
    log = await h.phase(random_programs(h.size, h.rng, envs, 8), envs, mode=INF_ONLY, then_mode=PRIO)
    switch = log.modes[1][0]
    require(not [r for r in log.seen.rows if r[1] >= h.size.c_inf and r[0] < switch])
    require([r for r in log.seen.rows if r[1] >= h.size.c_inf])
    require([s for s in log.seen.stalls if s[1] == 1 and s[0] < switch], "the policy's stall was not reported")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def kills(dut: Any) -> None:
    """Contexts killed at random times, also while their tiles wait in front of and behind others'; then used again."""
    h = await start(dut)
    hits = 0
    for turn in range(12):
        envs = random_envs(h.size, h.rng)
        programs = [
            [[random_matmul(h.size, h.rng, c, envs[c]) for _ in range(n)] for n in (6, 2)] for c in range(h.size.ctx)
        ]
        when = [(int(h.rng.integers(5, 400)), int(h.rng.integers(h.size.ctx))) for _ in range(3)]
        log = await h.phase(
            programs,
            envs,
            kills=when,
            mode=Mode(turn % len(Mode)),
            mode_rand=turn % len(Mode) == INF_ONLY,
            train_rows=h.size.n,
        )
        hits += sum(len([d for d in log.seen.done if d[1] == c]) < 8 for c in range(h.size.ctx))
    require(hits > 8, f"only {hits} kills came in time to stop anything")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def errors(dut: Any) -> None:
    """Faulty instructions: the cause, what was done before stays, nothing after is done, other contexts go on, the
    context works again.
    """
    h = await start(dut)
    seen: set[int] = set()
    partial = 0
    for turn in range(24):
        envs = random_envs(h.size, h.rng)
        victim = turn % h.size.ctx
        programs = [
            [[random_matmul(h.size, h.rng, c, envs[c]) for _ in range(3)] for _ in (0, 1)] for c in range(h.size.ctx)
        ]
        bad = (
            make(Op.VECTOR if turn else Op.NOP, signal=3)
            if turn % 6 == 0
            else faulty(h.size, h.rng, victim, envs[victim])
        )
        programs[victim][0].insert(int(h.rng.integers(0, 3)), bad)
        log = await h.phase(programs, envs, mode=(PRIO, FAIR)[turn % 2], mode_rand=turn % 5 == 4, train_rows=h.size.n)
        require(
            [c for _, c, _ in log.seen.errs] == [victim],
            f"errors {log.seen.errs}, expected one of context {victim}: {bad}",
        )
        seen.add(log.seen.errs[0][2])
        partial += len([r for r in log.seen.rows if r[1] == victim and r[0] < log.seen.errs[0][0]]) > 0
    require(seen == {Err.ILLEGAL_OP, Err.OPERAND} and partial > 3, f"causes {seen}, {partial} partial ones")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def latency(dut: Any) -> None:
    """The formulas of docs/mmu.md, for instructions alone in the unit."""
    h = await start(dut)
    n = h.size.n
    for rows, n_g, n_k in ((1, 1, 1), (1, 2, 3), (n - 1, 2, 2), (n, 1, 4), (n + 1, 2, 2), (3 * n, 3, 1)):
        shape = {
            "rows": rows,
            "n_g": n_g,
            "n_k": n_k,
            "a_sr": 1,
            "a_sk": 3 * n,
            "b_sg": h.size.lanes,
            "b_sk": h.size.m,
            "c_sr": 1,
            "c_sg": 3 * n,
            "signal": 1,
        }
        for ctx, behind in ((0, 0), (h.size.c_inf, 1)):  # training's next tile loads behind all rows of this one
            ins = matmul(**shape, a_base=ctx)  # activations of its own, so that something changes
            log = await h.phase(
                [[[ins] if c == ctx else []] for c in range(h.size.ctx)], [Env(1, 0)] * h.size.ctx, train_rows=1024
            )
            x, done = log.taken[0][0], log.seen.done[0][0]
            want = x + 2 + (n_g * n_k - 1) * max(rows + behind, n) + rows + row_flight(n)
            require(
                done == want,
                f"context {ctx}, {rows} rows, {n_g * n_k} tiles: done {done - x} cycles after it was taken, "
                f"expected {want - x}",
            )


def _bubbles(rows: list[tuple[int, int]], c_inf: int, tile: int) -> list[int]:
    """Cycles before which no row entered, of rows (cycle, context) in order: without the cycle that training, of
    ``tile`` rows a tile, waits for its next tile's weights.
    """
    found, trained = [], 0
    for (t, c), (then, after) in itertools.pairwise(rows):
        trained += c >= c_inf
        waits = c >= c_inf and after >= c_inf and trained % tile == 0
        if then != t + 1 + waits:
            found.append(then)
    return found


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def utilisation(dut: Any) -> None:
    """No bubbles: resident GEMMs from one and from two contexts enter a row every cycle, but for the one between two
    tiles of training that has the unit alone; few rows keep the load port busy.
    """
    h = await start(dut)
    n, m = h.size.n, h.size.m
    rows = 64 if n > 4 else 32
    gemm = {
        "rows": rows,
        "n_g": 2,
        "n_k": 2,
        "a_sr": 1,
        "a_sk": rows,
        "b_sg": 2 * m,
        "b_sk": m,
        "c_sr": 1,
        "c_sg": 2 * n,
    }
    for programs in (
        [[[matmul(**gemm)] * 4], [[]], [[]], [[]]],  # instruction after instruction
        [[[matmul(**gemm)]], [[matmul(**gemm)]], [[]], [[]]],  # two contexts
        [[[matmul(**gemm)]], [[]], [[matmul(**gemm)]], [[matmul(**gemm)]]],  # both classes
        [[[matmul(**{**gemm, "rows": n})] * 8], [[]], [[]], [[]]],  # as many rows as columns
        [[[matmul(**{**gemm, "rows": n, "n_g": 1, "n_k": 1})] * 16], [[]], [[]], [[]]],  # one tile an instruction
    ):
        for turn, mode in enumerate((PRIO, FAIR)):
            programs = [[[matmul(**{**i.fields, "a_base": turn}) for i in s] for s in p] for p in programs]
            envs = [Env(1, region(h.size, c)[0]) for c in range(h.size.ctx)]
            log = await h.phase(programs, envs, mode=mode, train_rows=2 * n)
            cycles = [t for t, _ in log.seen.rows]
            require(not _bubbles(log.seen.rows, h.size.c_inf, 2 * n), "a bubble between rows")
            total = log.seen.done[-1][0] - log.taken[0][0] + 1
            dut._log.info(
                "%d rows in %d cycles: %.1f %% with fill and drain", len(cycles), total, 100 * len(cycles) / total
            )
    # Partial batches: a tile every N cycles; the rows of training fill all cycles that inference leaves.
    few = {**gemm, "rows": 2, "n_g": 3, "n_k": 3, "c_sg": 2}
    envs = [Env(2, region(h.size, c)[0]) for c in range(h.size.ctx)]
    log = await h.phase([[[matmul(**few)] * 3], [[matmul(**few, accum=1)] * 2], [[]], [[]]], envs)
    lines = [t for t, _, _ in log.seen.lines]
    require(lines == list(range(lines[0], lines[0] + len(lines))), "the load port had a bubble")
    long = {
        **gemm,
        "rows": 40 * n,
        "a_sr": 0,
        "c_sr": 0,
        "n_g": 1,
        "n_k": 1,
    }  # training that is resident before inference starts
    log = await h.phase(
        [[[matmul(**few)] * 3], [[]], [[matmul(**long)]], [[]]],
        envs,
        mode=PRIO,
        train_rows=1024,
        delay=(3 * n, 0, 0, 0),
    )
    first = next(t for t, c in log.seen.rows if c == 0)
    cycles = [t for t, c in log.seen.rows if first <= t <= max(t for t, c in log.seen.rows if c == 0)]
    require(cycles == list(range(first, first + len(cycles))), "training rows left a cycle empty")
    require(
        sum(1 for t, c in log.seen.rows if c == 2 and t in set(cycles)) >= (9 * 3 - 1) * (n - 2),
        "too few training rows beside inference",
    )
    require(first - log.taken[1][0] <= 2 + n, "training held an inference row up for longer than the bound")
    # Training that is not resident: it gets a weight load whenever it has no rows left, and fills what inference
    # leaves.
    job = {**gemm, "rows": 8 * n, "a_sr": 0, "c_sr": 1, "n_g": 1, "n_k": 4}
    log = await h.phase([[[matmul(**few)] * 6], [[]], [[matmul(**job)] * 4], [[]]], envs, mode=PRIO, train_rows=8 * n)
    both = range(log.taken[0][0] + 4, max(t for t, c in log.seen.rows if c == 2))
    share = sum(1 for t, _ in log.seen.rows if t in both) / len(both)
    dut._log.info("partial batches beside training: %.1f %% of %d cycles have a row", 100 * share, len(both))
    require(share > 0.95)


@cocotb.test(timeout_time=20, timeout_unit="ms", expect_fail=True)
async def wrong_bit(dut: Any) -> None:
    """One mantissa bit of one activation block is not what the reference has: it must be noticed."""
    h = await start(dut)
    h.ops.aq[0][5, 0] ^= 1
    others = [[[]]] * (h.size.ctx - 1)
    await h.phase([[[matmul(rows=8, n_g=1, n_k=1, a_sr=1, c_sr=1)]], *others], [Env()] * h.size.ctx, look=False)
