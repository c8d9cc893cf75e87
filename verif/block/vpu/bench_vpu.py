"""The VPU against equinox_core.vector: contents of every memory, faults, kills, and cycle counts."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, Timer

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import VPU_AHEAD
from equinox_core.isa.encoding import Conv, ConvDst, Dst, Instr, Op, Src, make
from equinox_core.vector import VectorEnv, VectorFault, execute_vector, plan_vector, vector_counts
from verif.block.vpu.harness import PRIO, Harness
from verif.block.vpu.model import NAMES
from verif.block.vpu.model_timing import predict
from verif.block.vpu.stimulus import Barriers, Generator, regions
from verif.block.vpu.stimulus_fields import COUNTS, OPERANDS, SPACES, addressed, counted, covergroups, edges, fields
from verif.lib import checks, coverage
from verif.lib.verdict import equal, require

FAIR, INF_ONLY = int(Mode.FAIR), int(Mode.INF_ONLY)
DONE, KILLED, FAULT = 1, 2, 16


def _execute(h: Harness, lists: list[list[Instr]], envs: list[VectorEnv]) -> int:
    """Execute the lists (contexts do not depend on each other); check the outcomes; return the number of faults."""
    faults = 0
    for c, (instrs, env) in enumerate(zip(lists, envs, strict=True)):
        for i, ins in enumerate(instrs):
            want = DONE
            try:
                if h.how[c][i] != KILLED:
                    execute_vector(ins, h.image, env)
                else:
                    want = KILLED
            except VectorFault as fault:
                want, faults = FAULT + int(fault.cause), faults + 1
            checks.compared("outcomes of instructions", 1)
            if h.how[c][i] != want:
                raise AssertionError(f"context {c}, instruction {i}: outcome {h.how[c][i]}, expected {want}: {ins}")
    return faults


def _check_times(h: Harness, lists: list[list[Instr]], envs: list[VectorEnv]) -> None:
    """Every completion happens in the cycle that docs/vpu.md says."""
    p = h.p
    want = predict(lists, envs, h.issue, p.C_INF, p.L, p.K, h.modes)
    for c in range(p.CTX):
        for k, (got, cycle) in enumerate(zip(h.done[c], want[c], strict=True)):
            checks.compared("completions in their cycles", 1)
            if got != cycle:
                raise AssertionError(
                    f"context {c}, instruction {k}: done in cycle {got}, expected {cycle}: {lists[c][k]}"
                )


def _gap(rng: np.random.Generator, busy: bool) -> int:
    return 0 if busy or rng.random() < 0.6 else int(rng.integers(0, 30))


def _lists(
    h: Harness, counts: list[int], share: int, faulty: float = 0.0, read_only: bool = False
) -> tuple[list[list[Instr]], list[list[int]], list[VectorEnv]]:
    rng, p = h.rng, h.p
    lists, control, envs = [], [], []
    for c, count in enumerate(counts):
        gen = Generator(rng, p, c, regions(p, share, c % share))
        barriers, instrs, ctl = Barriers(), [], []
        busy = bool(rng.random() < 0.5)
        for _ in range(count):
            short = bool(rng.random() < 0.4)
            ins = gen.faulty(h.image) if rng.random() < faulty else gen.legal(h.image, short, read_only)
            instrs.append(ins)
            ctl.append(barriers.needed(ins, h.image, gen.env) << 16 | _gap(rng, busy))
        lists.append(instrs)
        control.append(ctl)
        envs.append(gen.env)
    return lists, control, envs


N_RANDOM = int(os.environ.get("VPU_INSTRUCTIONS", "120"))


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(mode=[PRIO, FAIR, None])
async def random_programs(dut: Any, mode: int | None) -> None:
    """Every context runs random instructions at the same time."""
    h = Harness(dut)
    lists, control, envs = _lists(h, [N_RANDOM] * h.p.CTX, h.p.CTX)
    await h.run(lists, control, envs, mode)
    want = [sum(int(np.prod(vector_counts(i, e))) for i in x) for x, e in zip(lists, envs, strict=True)]
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    words = h.compare()
    require(h.lines == want, f"lines started: {h.lines}, expected {want}")
    dut._log.info(
        "%d instructions, %s lines, %d words; inference lines amid training blocks %d, tiles %d; %d modes",
        N_RANDOM * h.p.CTX,
        h.lines,
        words,
        int(dut.in_rows.value),
        int(dut.in_cols.value),
        len(h.modes),
    )


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def faults(dut: Any) -> None:
    """Faulty instructions among legal ones: cause, partial effect, other contexts undisturbed."""
    h = Harness(dut)
    lists, control, envs = _lists(h, [N_RANDOM] * h.p.CTX, h.p.CTX, faulty=0.5)
    await h.run(lists, control, envs, None)
    require(all(how != KILLED for x in h.how for how in x))
    count = _execute(h, lists, envs)
    require(count > N_RANDOM)
    h.compare()
    dut._log.info("%d faults", count)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def kills(dut: Any) -> None:
    """Contexts are killed at random: only what the lost instructions were to write may differ."""
    h = Harness(dut)
    lists, control, envs = _lists(h, [N_RANDOM] * h.p.CTX, h.p.CTX, read_only=True)
    await h.run(lists, control, envs, None, kills=True)
    _execute(h, lists, envs)
    skip = {name: np.zeros(len(h.image.bytes_of(name)), bool) for name in NAMES}
    lost = 0
    for c, (instrs, env) in enumerate(zip(lists, envs, strict=True)):
        for ins, how in zip(instrs, h.how[c], strict=True):
            if how == KILLED:
                plan, lost = plan_vector(ins, h.image, env), lost + 1
                if plan.r is not None:
                    skip[Dst(ins.r_sp).name][plan.r[1]] = True
                if plan.v is not None:
                    skip[ConvDst(ins.v_sp).name][plan.v[1]] = True
    # An address that a lost instruction left half done may have been written properly by a later one.
    require(lost > 3, "hardly any instruction was killed")
    h.compare(skip)
    free = sum(int((~skip[n]).sum()) for n in ("VEC", "SOF", "ACTC", "WGTC", "SOB"))
    dut._log.info("%d instructions lost, %d words still compared", lost, free)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def inference_only(dut: Any) -> None:
    """MODE_INF_ONLY: training does not start a line; afterwards it runs."""
    h = Harness(dut)
    p = h.p
    lists, control, envs = _lists(h, [10] * p.CTX, p.CTX)
    task = cocotb.start_soon(h.run(lists, control, envs, INF_ONLY))
    await Timer(60, "us")
    await ReadOnly()
    require(int(dut.lines.value) >> 32 * p.C_INF == 0, "training started a line")
    require(int(dut.lines.value) & 0xFFFFFFFF, "inference did not")
    await Timer(1, "ns")
    dut.mode.value = FAIR
    await task
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    h.compare()


def _stream(h: Harness, c: int, shapes: list[tuple[int, int, int]]) -> list[Instr]:
    """Instructions of ``(cnt_o, cnt_i, v_mode)`` that do not depend on each other; destinations within region ``c``."""
    p, region, out = h.p, regions(h.p, h.p.CTX, c), []
    for k, (cnt_o, cnt_i, mode) in enumerate(shapes):
        out.append(
            make(
                Op.VECTOR,
                cnt_o=cnt_o,
                cnt_i=cnt_i,
                a_sp=Src.STG,
                a_si=1,
                c_sp=Src.CST,
                c_si=1,
                r_sp=Dst.SOF,
                r_base=region.sof[0],
                r_si=1,
                v_mode=mode,
                v_sp=ConvDst.SOB,
                v_si=1,
                v_base=region.sob[0] + (p.L if mode == Conv.COLS else 0),  # the two paths keep no order between them
                signal=k & 0xFFFF,
                step=k & 1,
            )
        )
    return out


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(which=["one", "all"], tiles=["full", "short"])
async def full_rate(dut: Any, which: str, tiles: str) -> None:
    """One line in every cycle: instructions of three lines and more, segments of one line, COLS tiles of one length, a
    multiple of L, between ROWS.
    """
    h = Harness(dut)
    p, rng = h.p, h.rng
    tile = p.K if tiles == "full" else p.L
    shapes = [
        (1, 3, 0),
        (3, 1, 0),
        (1, 3, 1),
        (3, 1, 1),
        (2, 2, 1),
        (1, p.K, 1),
        (1, tile, 2),
        (1, tile, 2),
        (1, tile, 2),
        (2, tile, 2),
        (5, 1, 1),
        (1, tile, 2),
        (3, tile, 2),
        (4, p.K, 1),
    ]
    contexts = [0] if which == "one" else list(range(p.CTX))
    lists, envs = [], []
    for c in range(p.CTX):
        gen = Generator(rng, p, c, regions(p, p.CTX, c))
        order = [shapes[int(k)] for k in rng.permutation(len(shapes))] * 4
        lists.append(_stream(h, c, order) if c in contexts else [])
        envs.append(gen.env)
    await h.run(lists, [[0] * len(x) for x in lists], envs, FAIR)
    span = int(dut.last_busy.value) - int(dut.first_busy.value) + 1
    lines = sum(h.lines)
    equal(lines, sum(i.cnt_o * i.cnt_i for x in lists for i in x))
    require(span == lines, f"{lines} lines took {span} cycles")
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    # Contexts write their own regions in order, so the final contents are those of each one's last writers.
    h.compare()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def resumes_at_once(dut: Any) -> None:
    """One line in every cycle while training always has one: it is suspended and goes on without a bubble."""
    h = Harness(dut)
    p, rng = h.p, h.rng
    sparse = [(1, 1, 0), (1, 2, 0), (3, 1, 0), (1, 3, 1), (3, 1, 1), (2, p.K - 1, 1), (1, p.K, 1), (1, p.K, 2)]
    # Few ROWS blocks in a row: while they keep a tile from draining, training's completion queue would fill.
    dense = [(1, 3, 0), (2, 3, 0), (1, p.K, 0), (1, p.K, 1), (2, p.K - 1, 1), (1, p.K, 2), (1, p.K, 2), (2, p.K, 2)]
    lists, envs, control = [], [], []
    for c in range(p.CTX):
        inference = c < p.C_INF
        shapes, count = (sparse, 100) if inference else (dense, 300)
        lists.append(_stream(h, c, [shapes[int(k)] for k in rng.integers(0, len(shapes), count)]))
        control.append([int(rng.integers(0, 3 * p.K)) if inference else 0 for _ in lists[c]])
        envs.append(Generator(rng, p, c, regions(p, p.CTX, c)).env)
    await h.run(lists, control, envs, PRIO)
    require(max(map(max, h.done[: p.C_INF])) < max(map(max, h.done[p.C_INF :])), "training ended before inference")
    span, lines = int(dut.last_busy.value) - int(dut.first_busy.value) + 1, sum(h.lines)
    require(span == lines, f"{lines} lines took {span} cycles")
    _amid(h)
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    h.compare()


def _amid(h: Harness) -> None:
    """Inference lines came in the middle of training blocks and tiles."""
    blocks, tiles = int(h.dut.in_rows.value), int(h.dut.in_cols.value)
    h.dut._log.info("inference lines amid training blocks: %d, amid tiles: %d", blocks, tiles)
    require(tiles > 20 and (blocks > 20 or h.p.K == h.p.L), "training was hardly ever suspended")


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def suspended(dut: Any) -> None:
    """Inference takes the same cycles whether training is there or not; random work on both sides, every bit right.

    COLS is left out on the side of inference, for it shares the tiles with training.
    """
    h = Harness(dut)
    p, rng = h.p, h.rng
    lists, control, envs = [], [], []
    for c in range(p.CTX):
        inference = c < p.C_INF
        gen, barriers = Generator(rng, p, c, regions(p, p.CTX, c)), Barriers()
        lists.append([])
        control.append([])
        while len(lists[c]) < N_RANDOM:
            ins = gen.legal(h.image, short=inference and bool(rng.random() < 0.7))
            if not inference or ins.v_mode != Conv.COLS:
                lists[c].append(ins)
                gap = int(rng.integers(p.K, 4 * p.K)) if inference else 0
                control[c].append(barriers.needed(ins, h.image, gen.env) << 16 | gap)
        envs.append(gen.env)
    first = [[x if c < p.C_INF else [] for c, x in enumerate(y)] for y in (lists, control)]
    await h.run(*first, envs, PRIO)
    alone = h.issue[: p.C_INF], h.done[: p.C_INF]
    await h.run(lists, control, envs, PRIO)
    require((h.issue[: p.C_INF], h.done[: p.C_INF]) == alone, "training delayed inference")
    _amid(h)
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    h.compare()


NEARER = int(os.environ.get("VPU_NEARER", "0"))  # lines below the shortest legal distance: for a test that must fail


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def own_lines(dut: Any) -> None:
    """Lines read their own instruction's results at the shortest legal distance:
    training alone, then beside inference.
    """
    h = Harness(dut)
    p, rng = h.p, h.rng
    spans = []
    for beside in (False, True):
        lists, control, envs = [], [], []
        for c in range(p.CTX):
            gen, barriers = Generator(rng, p, c, regions(p, p.CTX, c)), Barriers()
            inference = c < p.C_INF
            operands = "" if inference and not beside else "abcd" * 10
            lists.append([gen.chain(x, h.last + 1 - NEARER) for x in operands])
            gaps = [_gap(rng, False) if inference else 0 for _ in operands]
            control.append(
                [barriers.needed(i, h.image, gen.env) << 16 | gap for i, gap in zip(lists[c], gaps, strict=True)]
            )
            envs.append(gen.env)
        await h.run(lists, control, envs, PRIO)
        equal(_execute(h, lists, envs), 0, "faults")
        h.compare()
        c = p.C_INF
        spans.append((h.done[c][-1] - h.issue[c][0]) / sum(i.cnt_o * i.cnt_i for i in lists[c]))
    dut._log.info("cycles a line of training: %.2f alone, %.2f beside inference", *spans)
    require(spans[1] > 1.2 * spans[0], "training was hardly ever suspended")


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def shared_tiles(dut: Any) -> None:
    """Both classes convert by COLS, training as short as it can and with ROWS between: inference's wait is bounded."""
    h = Harness(dut)
    p, rng = h.p, h.rng
    dense = [(1, 1, 2), (2, 1, 2), (1, 2, 2), (1, p.K, 2), (1, p.K, 1), (2, p.K, 1), (3, 1, 1)]
    sparse = [(1, 1, 2), (1, 2, 2), (1, p.K, 2), (1, 2, 1), (1, 3, 0)]
    lists, envs, control = [], [], []
    for c in range(p.CTX):
        inference = c < p.C_INF
        shapes, count = (sparse, 80) if inference else (dense, 300)
        lists.append(_stream(h, c, [shapes[int(k)] for k in rng.integers(0, len(shapes), count)]))
        control.append(
            [(1 << 16) + int(rng.integers(0, 2 * p.K)) if c == 0 else 0 if not inference else 9 * p.K for _ in lists[c]]
        )
        envs.append(Generator(rng, p, c, regions(p, p.CTX, c)).env)
    await h.run(lists, control, envs, PRIO)
    dut._log.info("longest wait of inference for a tile: %d cycles", int(dut.longest.value))
    require(int(dut.longest.value) > p.K // 2, "inference hardly ever waited")
    _check_times(h, lists, envs)
    equal(_execute(h, lists, envs), 0)
    h.compare()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def completion_queue(dut: Any) -> None:
    """Short instructions pile up behind a COLS tile that drains slowly because another context fills the write port."""
    h = Harness(dut)
    p = h.p
    lists = [_stream(h, 0, ([(1, p.L, 2)] * 2 + [(1, 1, 0)] * 40) * 3), _stream(h, 1, [(200, 1, 1)] * 3)]
    lists += [[]] * (p.CTX - 2)
    envs = [Generator(h.rng, p, c, regions(p, p.CTX, c)).env for c in range(p.CTX)]
    await h.run(lists, [[0] * len(x) for x in lists], envs, FAIR)
    _check_times(h, lists, envs)
    most = max(k + 1 - sum(d < t for d in h.done[0]) for k, t in enumerate(h.issue[0]))
    require(most > 15 or p.L < 16, f"at most {most} instructions at a time: the queue never filled")
    equal(_execute(h, lists, envs), 0)
    h.compare()
    dut._log.info("up to %d instructions of a context under way", most)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def reductions(dut: Any) -> None:
    """Sums of values that cancel and swallow each other, so that the order of the additions shows; maxima."""
    h = Harness(dut)
    p, rng = h.p, h.rng
    half = p.VEC_DEPTH // 2
    exp = rng.integers(112, 142, (half, p.L))
    raw = rng.integers(0, 2, (half, p.L)) << 15 | exp << 7 | rng.integers(0, 128, (half, p.L))
    pairs = np.argsort(rng.random((half, p.L)), axis=1)[:, : p.L // 2 * 2].reshape(half, -1, 2)
    line = np.arange(half)[:, None]
    cancel = rng.random((half, pairs.shape[1])) < 0.7
    raw[line, pairs[:, :, 1]] = np.where(cancel, raw[line, pairs[:, :, 0]] ^ 0x8000, raw[line, pairs[:, :, 1]])
    h.image.VEC[:half] = raw
    width = min(p.K, half // 8)
    lists: list[list[Instr]] = [[] for _ in range(p.CTX)]
    for k in range(half // width):
        lists[0].append(
            make(
                Op.VECTOR,
                cnt_o=1,
                cnt_i=width,
                a_sp=Src.VEC,
                a_base=k * width,
                a_si=1,
                red=1 + (k % 4 == 3),
                r_sp=Dst.VEC,
                r_base=half + k * width,
                r_si=1,
            )
        )
    envs = [VectorEnv(p.N, p.RX_LINES, p.TX_LINES, c, c >= p.C_INF, 1, list(range(p.N))) for c in range(p.CTX)]
    await h.run(lists, [[0] * len(x) for x in lists], envs)
    equal(_execute(h, lists, envs), 0)
    h.compare()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def latency(dut: Any) -> None:
    """Cycles from transfer to completion, as docs/vpu.md states them, for lone instructions."""
    h = Harness(dut)
    p = h.p
    shapes = [(o, i, mode) for o, i in [(1, 1), (1, 3), (4, 1), (3, p.L), (2, p.K), (1, p.K)] for mode in Conv]
    lists = [_stream(h, 0, shapes), *([[]] * (p.CTX - 1))]
    gens = [Generator(h.rng, p, c, regions(p, p.CTX, c)) for c in range(p.CTX)]
    envs = [g.env for g in gens]
    await h.run(lists, [[1 << 16] * len(x) for x in lists], envs, PRIO)
    for k, (cnt_o, cnt_i, mode) in enumerate(shapes):
        # COLS: a tile drains as many cycles as it has lines, made up to a multiple of L, from the second after its last
        # line on; with two of them a third segment's start may have to wait until all of the first but a part is gone.
        tile = -(-cnt_i // p.L) * p.L
        start = end = 0
        drained: list[int] = []
        for o in range(cnt_o):
            begin = start if mode != Conv.COLS or o < 2 else max(start, drained[o - 2])
            start = begin + cnt_i
            if mode == Conv.COLS:
                end = max(start, end) + tile
                drained = [*drained, end] if o else [end]
        last = start - 1
        want = 2 + h.last - VPU_AHEAD + {Conv.NONE: last, Conv.ROWS: last + 2, Conv.COLS: end + 2}[mode]
        got = h.done[0][k] - h.issue[0][k]
        require(got == want, f"{cnt_o} x {cnt_i} {mode.name}: {got} cycles, expected {want}")
    equal(_execute(h, lists, envs), 0)
    h.compare()


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def field_classes(dut: Any) -> None:
    """Counts, bases and strides of every value class, in every space: contents, faults, lines and, of legal counts,
    the cycle of completion.
    """
    h = Harness(dut)
    p, sweep = h.p, fields()
    envs = [Generator(h.rng, p, c, regions(p, p.CTX, c)).env for c in range(p.CTX)]
    rest: list[list[Instr]] = [[]] * (p.CTX - 1)

    async def play(instrs: list[Instr]) -> int:
        """Each behind a barrier; returns how many were faulty."""
        await h.run([instrs, *rest], [[1 << 16] * len(instrs), *rest], envs)
        found = _execute(h, [instrs, *rest], envs)
        h.compare()
        return found

    cases = list(sweep.cases(*COUNTS))
    legal = [counted(f, value) for f, _, value in cases if value and (f == "cnt_o" or value <= p.K)]
    equal(await play(legal), 0, "faults of legal counts")
    _check_times(h, [legal, *rest], envs)
    equal(h.lines[0], sum(i.cnt_o * i.cnt_i for i in legal), "lines started")
    illegal = [counted(f, value) for f, _, value in cases if not value or (f == "cnt_i" and value > p.K)]
    equal(await play(illegal), len(illegal), "faults of empty instructions and of segments beyond a block")
    for field, label, _ in cases:
        sweep.sample(field, label)

    for operand in OPERANDS:
        cases = list(sweep.cases(*(f"{operand}_{name}" for name in ("base", "so", "si"))))
        for space in SPACES[operand]:
            instrs = [
                i for field, _, value in cases for i in addressed(p, operand, space, **{field.partition("_")[2]: value})
            ]
            instrs += [i for at in edges(p, envs[0], operand, space) for i in addressed(p, operand, space, base=at)]
            found = await play(instrs)
            require(found < len(instrs), f"every address of {operand} in space {space} was beyond its memory")
        for field, label, _ in cases:
            sweep.sample(field, label)
    coverage.dump(covergroups(), "vector_fields")
