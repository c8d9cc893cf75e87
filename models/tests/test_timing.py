"""The timing model against the formulas of docs/mmu.md, vpu.md, dma.md and scheduler.md, on programs small enough to
reckon by hand.
"""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.image import register
from equinox_core.config import Config, load_config
from equinox_core.isa.encoding import Conv, Instr, LdDst, Op, StSrc, Unit, make
from equinox_core.isa.program import Program
from equinox_core.timing import NEVER, Timeline, TimingModel

CONFIGS = ("tiny", "default", "large")
START = 50  # cycle of the start command


def train(
    cfg: Config, streams: dict[Unit, list[Instr]], *, iters: int = 1, rows: int = 4095, until: int = 100_000
) -> Timeline:
    """One training program alone on the core, started in cycle START."""
    program = Program(streams={u: list(streams.get(u, [])) for u in Unit}).set_last()
    ctx = cfg.C_INF
    writes = [
        register(f"CTX[{ctx}].PCV", valid=program.pc_valid),
        register(f"CTX[{ctx}].ITERS", count=iters),
        register("TRAIN_ROWS", rows=rows),
    ]
    writes.append(register(f"CTX[{ctx}].CMD", start=1))
    model = TimingModel(cfg, {u: program.words(u) for u in Unit})
    return model.run([(START, a, v) for a, v in writes], [], until)


def issue_done(timeline: Timeline, unit: Unit) -> list[tuple[int, int]]:
    rows = timeline.instructions[timeline.instructions["unit"] == unit]
    return [(int(r["issue"]), int(r["done"])) for r in rows]


@pytest.mark.parametrize("name", CONFIGS)
def test_first_instruction(name: str) -> None:
    """Started in s: RUNNING in s+1, fetch granted then, offered in s+3; a stream issues every third cycle."""
    timeline = train(load_config(name), {Unit.VPU: [make(Op.NOP)] * 5})
    assert [r[0] for r in issue_done(timeline, Unit.VPU)] == [START + 3 + 3 * k for k in range(5)]
    assert [r["done"] - r["issue"] for r in timeline.instructions] == [0] * 5


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("rows", "groups", "depth"), [(1, 1, 1), (3, 2, 3), (31, 1, 2), (64, 3, 2)])
def test_matmul_alone(name: str, rows: int, groups: int, depth: int) -> None:
    """`done = x + 2 + (T-1)·max(R + 1, N) + R + 2N + 2 + A` for T tiles of R rows of training (docs/mmu.md)."""
    cfg = load_config(name)
    tiles = groups * depth
    ins = make(
        Op.MATMUL,
        rows=rows,
        n_g=groups,
        n_k=depth,
        a_sr=1,
        a_sk=rows,
        b_sg=cfg.L * depth,
        b_sk=cfg.L,
        c_sr=1,
        c_sg=rows,
    )
    [(x, done)] = issue_done(train(cfg, {Unit.MMU: [ins]}), Unit.MMU)
    assert done == x + 2 + (tiles - 1) * max(rows + 1, cfg.N) + rows + 2 * cfg.N + 2 + 2


def test_matmul_chunks() -> None:
    """TRAIN_ROWS cuts the rows; the weights are loaded again for every chunk."""
    cfg = load_config("default")
    ins = make(Op.MATMUL, rows=40, n_g=1, n_k=2, a_sr=1, a_sk=40, b_sk=cfg.L, c_sr=1)
    whole, cut = (issue_done(train(cfg, {Unit.MMU: [ins]}, rows=r), Unit.MMU)[0] for r in (40, 4))
    assert cut[1] - cut[0] - (whole[1] - whole[0]) == 2 + 19 * cfg.N + 4 - (2 + 41 + 40)


def test_accumulating_rows_wait_for_each_other() -> None:
    """All rows of a tile on one line: one in A+2 cycles."""
    ins = make(Op.MATMUL, rows=10, n_g=1, n_k=1, accum=1, a_sr=1, c_sr=0)
    [(x, done)] = issue_done(train(load_config("default"), {Unit.MMU: [ins]}), Unit.MMU)
    assert done == x + 3 + 9 * 4 + 20


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("mode", "extra"), [(Conv.NONE, 0), (Conv.ROWS, 2)])
def test_vector_alone(name: str, mode: Conv, extra: int) -> None:
    """`T+S` cycles for S lines, two more with ROWS, T = 10 + 2 log2 L (docs/vpu.md)."""
    cfg = load_config(name)
    ins = make(Op.VECTOR, cnt_o=3, cnt_i=5, r_sp=1, v_mode=mode)
    [(x, done)] = issue_done(train(cfg, {Unit.VPU: [ins]}), Unit.VPU)
    assert done - x == 10 + 2 * (cfg.L.bit_length() - 1) + 15 + extra


@pytest.mark.parametrize("name", CONFIGS)
def test_vector_cols_alone(name: str) -> None:
    """One segment of K lines with COLS: its L columns, each of K/L parts, drain behind it."""
    cfg = load_config(name)
    ins = make(Op.VECTOR, cnt_o=1, cnt_i=cfg.K, v_mode=Conv.COLS)
    [(x, done)] = issue_done(train(cfg, {Unit.VPU: [ins]}), Unit.VPU)
    assert done - x == 10 + 2 * (cfg.L.bit_length() - 1) + 3 + 2 * cfg.K


@pytest.mark.parametrize("gap", [0, 1])
def test_load_alone(gap: int) -> None:
    """`t+4+LATENCY+n` for n beats on an idle unit and memory (docs/dma.md, GAP 0); GAP stretches all beats but the
    last.
    """
    cfg = load_config("default").changed(GAP=gap)
    [(t, done)] = issue_done(train(cfg, {Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=20)]}), Unit.LD)
    beats = 21
    assert done == t + 4 + cfg.LATENCY + beats + gap * (beats - 1)


def test_store_alone() -> None:
    """`t+2u+9+B_LATENCY` for a panel of u blocks (docs/dma.md)."""
    cfg = load_config("default")
    [(t, done)] = issue_done(train(cfg, {Unit.ST: [make(Op.STORE, sp=StSrc.SOB, n_o=1, len=20)]}), Unit.ST)
    assert done == t + 2 * 20 + 9 + cfg.LATENCY


def test_semaphores_and_iterations() -> None:
    """A consumer issues the cycle after its producer completes; steps are counted at completion."""
    cfg = load_config("default")
    streams = {
        Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=3, signal=1)],
        Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=4, r_sp=1, wait=1, step=1)],
    }
    timeline = train(cfg, streams, iters=3)
    loads, vectors = issue_done(timeline, Unit.LD), issue_done(timeline, Unit.VPU)
    assert len(loads) == len(vectors) == 3
    assert vectors[0][0] == loads[0][1] + 1
    assert timeline.steps["cycle"].tolist() == [done for _, done in vectors]
    assert timeline.steps["count"].tolist() == [1, 2, 3]


def serve(cfg: Config, offered: list[int], *, batch: int, timeout: int, until: int = 50_000) -> Timeline:
    """A service of one short VPU stream."""
    program = Program(
        streams={u: [] for u in Unit} | {Unit.VPU: [make(Op.VECTOR, dyn_o=1, cnt_i=1, r_sp=1)]}
    ).set_last()
    writes = [
        register("SVC[0].SHAPE", batch=batch, rx_lines=2, tx_lines=1),
        register("SVC[0].TIMEOUT", cycles=timeout),
        register("SVC[0].CTRL", enable=1, pc_valid=program.pc_valid),
        register("CTRL", accept_en=1),
    ]
    model = TimingModel(cfg, {u: program.words(u) for u in Unit})
    return model.run([(START, a, v) for a, v in writes], [(c, 0, 2) for c in offered], until)


def test_lonely_request() -> None:
    """Its last beat taken in a, dispatched by the timeout: first row in a + timeout + 2 (docs/scheduler.md)."""
    timeline = serve(load_config("tiny"), [100], batch=4, timeout=70)
    [request], [batch] = timeline.requests, timeline.batches
    assert request["taken"] == 102 and batch["decided"] == 172 and batch["run"] == 175 and batch["ready"] == 172
    [(issue, done)] = issue_done(timeline, Unit.VPU)
    assert issue == batch["run"] + 2 and batch["end"] == done + 2  # its last write in done + 1
    assert batch["respond"] == batch["end"] + 3 and request["done"] == batch["respond"] + 1


def test_full_batch() -> None:
    """Dispatched 3 cycles after its last beat (first row); responses follow without a gap."""
    timeline = serve(load_config("tiny"), [100] * 4, batch=4, timeout=10_000)
    taken, [batch] = timeline.requests["taken"], timeline.batches
    assert taken.tolist() == [102, 105, 108, 111]
    assert batch["decided"] == 112 and batch["rows"] == 4 and batch["run"] == 112 + 6
    assert np.diff(timeline.requests["done"]).tolist() == [2, 2, 2]


def test_held_request() -> None:
    """Four of two services have the slots; the fifth's header is taken in 112, so it is held from 113 on, and both
    batches go though nobody waits for their timeouts. Its own age counts from 113, as it might have been somebody who
    stood behind it (docs/scheduler.md).
    """
    cfg = load_config("tiny").changed(RX_SLOTS=4)
    program = Program(
        streams={u: [] for u in Unit} | {Unit.VPU: [make(Op.VECTOR, dyn_o=1, cnt_i=1, r_sp=1)]}
    ).set_last()
    writes = [register("CTRL", accept_en=1)]
    for n in range(2):
        writes += [
            register(f"SVC[{n}].SHAPE", batch=4, rx_lines=2, tx_lines=1),
            register(f"SVC[{n}].TIMEOUT", cycles=10_000),
            register(f"SVC[{n}].CTRL", enable=1, pc_valid=program.pc_valid),
        ]
    model = TimingModel(cfg, {u: program.words(u) for u in Unit})
    timeline = model.run([(START, a, v) for a, v in writes], [(100, n, 2) for n in (0, 1, 0, 1, 0)], 50_000)
    assert timeline.requests["taken"][:4].tolist() == [102, 105, 108, 111]
    first, second, third = timeline.batches
    assert [(int(b["svc"]), int(b["rows"]), int(b["ready"]), int(b["decided"])) for b in (first, second)] == [
        (0, 2, 113, 113),
        (1, 2, 113, 117),
    ]
    assert first["end"] < timeline.requests["taken"][4] < 200
    assert (third["svc"], third["rows"], third["decided"]) == (0, 1, 10_113)


def test_not_installed_and_bad_length() -> None:
    """Answers without payload."""
    cfg = load_config("tiny")
    model = TimingModel(cfg)
    timeline = model.run([(START, *register("CTRL", accept_en=1))], [(100, 3, 2), (101, 9, 0)], 1000)
    assert timeline.requests["status"].tolist() == [1, 1]
    assert timeline.requests["done"].tolist() == [104, 106]


def test_drained_requests() -> None:
    """A service that is disabled gives its requests back one in four cycles: decided in t, offered in t+4, sent in the
    next cycle.
    """
    cfg = load_config("tiny")
    writes = [
        register("SVC[0].SHAPE", batch=4, rx_lines=2, tx_lines=1),
        register("SVC[0].TIMEOUT", cycles=10_000),
        register("SVC[0].CTRL", enable=1, pc_valid=0),
        register("CTRL", accept_en=1),
    ]
    model = TimingModel(cfg)
    timeline = model.run(
        [*((START, a, v) for a, v in writes), (200, *register("SVC[0].CTRL", enable=0))], [(100, 0, 2)] * 3, 1000
    )
    assert timeline.requests["status"].tolist() == [1] * 3
    assert timeline.requests["done"].tolist() == [200 + 5 + 4 * n for n in range(3)]


@pytest.mark.parametrize("at", range(195, 212))
def test_the_slots_of_drained_requests_come_back(at: int) -> None:
    """Whatever is received meanwhile: behind two drained requests, other services get all slots, and not one more until
    a batch goes for it.
    """
    cfg = load_config("tiny").changed(RX_SLOTS=8)
    writes = [(START, *register("CTRL", accept_en=1)), (200, *register("SVC[0].CTRL", enable=0))]
    for v in range(4):
        settings = {
            "SHAPE": dict(batch=4, rx_lines=1, tx_lines=1),
            "TIMEOUT": dict(cycles=10_000),
            "CTRL": dict(enable=1),
        }
        writes += [(START, *register(f"SVC[{v}].{name}", **fields)) for name, fields in settings.items()]
    services = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    offered = [100, 100, at, *[300] * 8]
    timeline = TimingModel(cfg).run(sorted(writes), [(c, v, 1) for c, v in zip(offered, services, strict=True)], 1000)
    assert timeline.requests["status"].tolist()[:2] == [1, 1]
    taken, first = timeline.requests["taken"], timeline.batches[0]
    assert first["rows"] == 3 and [bool(t <= first["decided"]) for t in taken] == [True] * 10 + [False]


def test_a_run_that_ends_early_says_never() -> None:
    timeline = serve(load_config("tiny"), [100], batch=4, timeout=70, until=150)
    assert timeline.requests["done"][0] == NEVER and timeline.end == 151 and len(timeline.batches) == 0
