"""The timing model where contexts are killed or stopped by errors, against the formulas of docs/scheduler.md, mmu.md,
vpu.md, dma.md, reckoned by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from equinox_core.compiler.image import register
from equinox_core.config import Config, load_config
from equinox_core.isa.encoding import Dst, Err, Instr, LdDst, Op, Src, StSrc, Unit, make
from equinox_core.isa.program import Program
from equinox_core.timing import NEVER, Timeline, TimingModel
from equinox_core.timing.layout import ERROR, IDLE, KILLING, LOADING, RESPOND, RUNNING

CONFIGS = ("tiny", "default")
START = 50  # cycle of the start command
X = START + 3  # issue of a stream's first instruction
OTHER = {Unit.MMU: Op.VECTOR, Unit.VPU: Op.LOAD, Unit.LD: Op.STORE, Unit.ST: Op.MATMUL}


def train(
    cfg: Config, streams: dict[Unit, Sequence[Instr | int]], commands: dict[int, dict[str, int]] | None = None, **how
) -> Timeline:
    """A training program on the core, started in cycle START; further commands by cycle. An instruction may be a raw
    word.
    """
    program = Program(
        streams={u: [i if isinstance(i, Instr) else make(Op.NOP) for i in streams.get(u, [])] for u in Unit}
    ).set_last()
    imem = {
        u: [i if isinstance(i, int) else word for i, word in zip(streams.get(u, []), program.words(u), strict=True)]
        for u in Unit
    }
    ctx = cfg.C_INF
    writes = [
        (START, *register(f"CTX[{ctx}].PCV", valid=program.pc_valid)),
        (START, *register("TRAIN_ROWS", rows=4095)),
    ]
    for cycle, fields in ({START: {"start": 1}} | (commands or {})).items():
        writes.append((cycle, *register(f"CTX[{ctx}].CMD", **fields)))
    return TimingModel(cfg, imem).run(writes, [], 10_000, **how)


def states(timeline: Timeline) -> list[tuple[int, int]]:
    return [(int(s["cycle"]), int(s["state"])) for s in timeline.states]


def matmul(cfg: Config, rows: int, **fields: int) -> Instr:
    return make(
        Op.MATMUL, **{"rows": rows, "n_g": 1, "n_k": 1, "a_sp": 1, "a_sr": 1, "b_sk": cfg.L, "c_sr": 1, **fields}
    )


def stage(cfg: Config) -> int:
    """T of docs/vpu.md."""
    return 10 + 2 * (cfg.L.bit_length() - 1)


def stopped(timeline: Timeline, err: int, over: int, cause: Err, unit: Unit) -> None:
    """A fault reported in ``err``: KILLING, then ERROR from ``over`` on, with its cause."""
    assert states(timeline) == [(START + 1, RUNNING), (err + 1, KILLING), (over, ERROR)]
    assert [(s["cause"], s["unit"]) for s in timeline.states[1:]] == [(cause, unit)] * 2


# ---- kills
@pytest.mark.parametrize("at", [START + 1, 60, 61])
def test_kill_of_nothing(at: int) -> None:
    """All units are quiet: KILLING for one cycle; killed before it runs, or when it has stopped, nothing happens."""
    waits = {Unit.VPU: [make(Op.NOP, wait=1)]}
    timeline = train(load_config("tiny"), waits, {at: {"kill": 1}, 100: {"kill": 1}})
    assert states(timeline) == [(START + 1, RUNNING), (at + 1, KILLING), (at + 2, IDLE)]
    assert states(train(load_config("tiny"), waits, {START: {"start": 1, "kill": 1}})) == [(START + 1, RUNNING)]


def test_restart_behind_a_kill() -> None:
    """Started in the first cycle in which it is idle, it runs as the first time."""
    cfg = load_config("tiny")
    program = {
        Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=4, r_sp=1)],
        Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=3)],
    }
    first = train(cfg, program)
    over = next(c for c, s in states(train(cfg, program, {60: {"kill": 1}})) if s == IDLE)
    again = train(cfg, program, {60: {"kill": 1}, over: {"start": 1}})
    later = over - START
    assert [(c + later, s) for c, s in states(first)] == states(again)[3:]
    done = sorted((int(e["unit"]), int(e["done"]) + later) for e in first.instructions)
    assert sorted((int(e["unit"]), int(e["done"])) for e in again.instructions if e["issue"] >= over) == done
    assert train(cfg, program, {60: {"kill": 1}, over - 1: {"start": 1}}).states["state"].tolist() == [
        RUNNING,
        KILLING,
        IDLE,
    ]


@pytest.mark.parametrize("name", CONFIGS)
def test_kill_in_the_mmu(name: str) -> None:
    """No row enters from KILLING on; quiet when the last row's sum is written."""
    cfg = load_config(name)
    at = X + 10  # the first row entered in X+3
    timeline = train(cfg, {Unit.MMU: [matmul(cfg, 31), matmul(cfg, 31)]}, {at: {"kill": 1}})
    assert states(timeline)[1:] == [(at + 1, KILLING), (at + 2 * cfg.N + 2 + 2 + 2, IDLE)]
    assert timeline.busy[0, cfg.C_INF] == at - (X + 3) + 1 and timeline.instructions["done"].tolist() == [NEVER, NEVER]


@pytest.mark.parametrize(("final", "steps"), [(1, 1), (2, 0)])
def test_kill_in_the_vpu(final: int, steps: int) -> None:
    """The segment in the address stage goes on; if it is the instruction's last, that completes and counts."""
    cfg = load_config("tiny")
    lines, last = 8, X + 2 + 7  # the segment's last line
    timeline = train(cfg, {Unit.VPU: [make(Op.VECTOR, cnt_o=final, cnt_i=lines, r_sp=1, step=1)]}, {X + 4: {"kill": 1}})
    assert states(timeline)[1:] == [(X + 5, KILLING), (last + stage(cfg) + 4, IDLE)]
    assert timeline.steps["cycle"].tolist() == [last + stage(cfg) - 1] * steps
    assert timeline.busy[1, cfg.C_INF] == lines


def test_kill_in_the_vpu_with_a_full_queue() -> None:
    """Killed when all lines have started: the last completion makes it quiet."""
    cfg = load_config("tiny")
    last = X + 2 + 7
    timeline = train(cfg, {Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=8, r_sp=1, step=1)]}, {last + 1: {"kill": 1}})
    assert states(timeline)[1:] == [(last + 2, KILLING), (last + stage(cfg) + 2, IDLE)]


@pytest.mark.parametrize("at", [X + 10, X + 70])
def test_kill_in_ld(at: int) -> None:
    """Its beats are all taken, nothing is reported; quiet two cycles after the last."""
    cfg = load_config("default")
    timeline = train(cfg, {Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=20, signal=1)]}, {at: {"kill": 1}})
    assert states(timeline)[1:] == [(at + 1, KILLING), (X + 4 + cfg.LATENCY + 20 + 3, IDLE)]
    assert timeline.instructions["done"].tolist() == [NEVER]


def test_kill_in_st() -> None:
    """A segment that was taken is written; quiet in the cycle after its response."""
    cfg = load_config("default")
    store = make(Op.STORE, sp=StSrc.SOB, n_o=1, len=20)
    [done] = train(cfg, {Unit.ST: [store]}).instructions["done"]
    timeline = train(cfg, {Unit.ST: [store, store]}, {X + 5: {"kill": 1}})
    assert states(timeline)[1:] == [(X + 6, KILLING), (done + 1, IDLE)]
    assert timeline.instructions["done"].tolist() == [NEVER, NEVER]


# ---- errors
@pytest.mark.parametrize("word", [0, 5, 14, "other"])
@pytest.mark.parametrize("unit", Unit)
def test_illegal_opcode(unit: Unit, word: int | str) -> None:
    """MMU and VPU report two cycles after the transfer, LD and ST three; nothing is left in the unit."""
    op = word if isinstance(word, int) else int(OTHER[unit])
    err = X + (3 if unit in (Unit.LD, Unit.ST) else 2)
    stopped(train(load_config("tiny"), {unit: [op]}), err, err + 2, Err.ILLEGAL_OP, unit)


def test_error_clear_restart() -> None:
    """ERROR is left only by a clear command, in the next cycle."""
    timeline = train(
        load_config("tiny"),
        {Unit.VPU: [0]},
        {70: {"start": 1}, 71: {"kill": 1, "drain": 1}, 80: {"clear": 1}, 81: {"start": 1}},
    )
    assert states(timeline)[3:] == [
        (81, IDLE),
        (82, RUNNING),
        (82 + X + 2 - START, KILLING),
        (82 + X + 3 - START, ERROR),
    ]
    assert timeline.states["cause"].tolist() == [0, 1, 1, 0, 0, 1, 1]


def test_stream_beyond_the_memory() -> None:
    cfg = load_config("tiny")
    ctx = cfg.C_INF
    writes = [
        register(f"CTX[{ctx}].PCV", valid=8),
        register(f"CTX[{ctx}].PC1", st=cfg.IMEM_DEPTH),
        register(f"CTX[{ctx}].CMD", start=1),
    ]
    stopped(
        TimingModel(cfg).run([(START, a, v) for a, v in writes], [], 1000), START + 1, START + 3, Err.PC_RANGE, Unit.ST
    )


def test_semaphore_overflow() -> None:
    """The 16th token is one too many: it stops the context in the cycle after its NOP issues."""
    timeline = train(load_config("tiny"), {Unit.LD: [make(Op.NOP, signal=4)] * 16})
    stopped(timeline, X + 46, X + 48, Err.SEM_OVERFLOW, Unit.LD)


def test_two_errors_in_one_cycle() -> None:
    """The lower unit's counts."""
    stopped(train(load_config("tiny"), {Unit.MMU: [0], Unit.VPU: [5]}), X + 2, X + 4, Err.ILLEGAL_OP, Unit.MMU)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("good", [0, 1, 4])
def test_row_beyond_the_memory(name: str, good: int) -> None:
    """Rows before it are added; the fault is seen when its turn comes, and reported when they are through."""
    cfg = load_config(name)
    timeline = train(cfg, {Unit.MMU: [matmul(cfg, 10, a_base=cfg.ACTD_DEPTH - good), matmul(cfg, 10)]})
    last = X + 2 + good  # last good row, or the load
    err = last + 2 * cfg.N + 4 + 1 if good else X + 2 + cfg.N
    stopped(timeline, err, err + 2, Err.OPERAND, Unit.MMU)
    assert timeline.busy[0, cfg.C_INF] == good


def test_weights_beyond_the_memory() -> None:
    """Of the first tile: seen in the cycle after the start. Of the second: in the cycle after the first was taken,
    reported behind its rows.
    """
    cfg = load_config("tiny")
    stopped(train(cfg, {Unit.MMU: [matmul(cfg, 10, b_base=cfg.WGTC_DEPTH)]}), X + 3, X + 5, Err.OPERAND, Unit.MMU)
    timeline = train(cfg, {Unit.MMU: [matmul(cfg, 10, n_k=2, b_base=cfg.WGTC_DEPTH - cfg.L)]})
    err = X + 2 + 10 + 2 * cfg.N + 4 + 1
    stopped(timeline, err, err + 2, Err.OPERAND, Unit.MMU)


@pytest.mark.parametrize("good", [0, 4])
def test_line_beyond_the_memory(good: int) -> None:
    """The line does not start; reported in the next cycle, quiet when the lines before it are through."""
    cfg = load_config("tiny")
    ins = make(Op.VECTOR, cnt_o=3, cnt_i=6, a_sp=Src.VEC, a_base=cfg.VEC_DEPTH - good, a_si=1, r_sp=Dst.SOF)
    z = X + 2 + good
    timeline = train(cfg, {Unit.VPU: [ins, ins]})
    stopped(timeline, z + 1, z + stage(cfg) + 4, Err.OPERAND, Unit.VPU)
    assert timeline.busy[1, cfg.C_INF] == good


def test_reported_behind_what_was_before() -> None:
    """A refused instruction waits for the one before it."""
    cfg = load_config("tiny")
    timeline = train(cfg, {Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=8, r_sp=1), make(Op.VECTOR, cnt_i=1)]})
    [done] = [int(d) for d in timeline.instructions["done"] if d < NEVER]
    stopped(timeline, done + 1, done + 3, Err.OPERAND, Unit.VPU)


def test_run_beyond_the_buffer() -> None:
    """The third run's fault is raised when it would be handed over, one run a cycle;
    what was taken before still comes.
    """
    cfg = load_config("default")
    load = make(Op.LOAD, sp=LdDst.ACTD, n_o=5, len=2, l_base=cfg.ACTD_DEPTH - 7, l_so=3, d_so=4 * cfg.K)
    err = X + 2 + 2 + 1
    last = X + 4 + cfg.LATENCY + 3 + 2  # of two bursts of three beats
    stopped(train(cfg, {Unit.LD: [load]}), err, last + 3, Err.OPERAND, Unit.LD)


@pytest.mark.parametrize("where", ["region", "beyond", "odd"])
def test_memory_errors(where: str) -> None:
    """LD's error comes with the first beat, ST's with the response. An odd address is the run's fault."""
    cfg = load_config("default")
    base = {"region": 8 * cfg.K, "beyond": cfg.BYTES, "odd": 1}[where]
    errors = [(10, 9 * cfg.K, 9 * cfg.K)] if where == "region" else []
    cause = Err.OPERAND if where == "odd" else Err.DMA_RESP
    first = X + 4 + cfg.LATENCY
    report = (X + 3, X + 5) if where == "odd" else (first + 1, first + 20 + 3)
    stopped(
        train(cfg, {Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=20, d_base=base)]}, errors=errors),
        *report,
        cause,
        Unit.LD,
    )
    response = X + 2 * 20 + 8 + cfg.LATENCY
    report = (X + 3, X + 5) if where == "odd" else (response + 1, response + 3)
    stopped(
        train(cfg, {Unit.ST: [make(Op.STORE, sp=StSrc.SOB, n_o=1, len=20, d_base=base)]}, errors=errors),
        *report,
        cause,
        Unit.ST,
    )


# ---- batches
def serve(cfg: Config, commands: dict[int, dict[str, int]], word: int | None = None, until: int = 2000) -> Timeline:
    """Four requests make a batch whose program waits for ever, or is one word."""
    program = Program(streams={u: [] for u in Unit} | {Unit.VPU: [make(Op.NOP, wait=1)]}).set_last()
    writes = [
        register("SVC[0].SHAPE", batch=4, rx_lines=2, tx_lines=1),
        register("SVC[0].TIMEOUT", cycles=10_000),
        register("SVC[0].CTRL", enable=1, pc_valid=program.pc_valid),
        register("CTRL", accept_en=1),
    ]
    imem = {Unit.VPU: program.words(Unit.VPU) if word is None else [word]}
    commanded = [(c, *register("CTX[0].CMD", **f)) for c, f in commands.items()]
    return TimingModel(cfg, imem).run([*((START, a, v) for a, v in writes), *commanded], [(100, 0, 2)] * 4, until)


@pytest.mark.parametrize("at", [112 + 3, 112 + 5, 112 + 6, 200])
def test_killed_batch(at: int) -> None:
    """Decided in 112, LOADING from 115, RUNNING in 118.

    Killed while LOADING it never runs; its requests are answered CTX_ERROR, a beat each.
    """
    timeline = serve(load_config("tiny"), {at: {"kill": 1}})
    [batch] = timeline.batches
    assert batch["decided"] == 112 and batch["run"] == 118
    killing = max(at + 1, 118)
    running = [(118, RUNNING)] if at >= 118 else []
    assert states(timeline) == [
        (115, LOADING),
        *running,
        (killing, KILLING),
        (killing + 1, RESPOND),
        (killing + 6, IDLE),
    ]
    assert timeline.requests["status"].tolist() == [4] * 4
    assert timeline.requests["done"].tolist() == [killing + 3 + n for n in range(4)]


def test_kill_too_early() -> None:
    """A kill before LOADING shows is ignored."""
    assert states(serve(load_config("tiny"), {114: {"kill": 1}})) == [(115, LOADING), (118, RUNNING)]


def test_failed_batch() -> None:
    """An error: answered CTX_ERROR, then ERROR until cleared; nothing is dispatched to the context meanwhile."""
    timeline = serve(load_config("tiny"), {300: {"clear": 1}}, 0)
    err = 118 + 2 + 2
    assert states(timeline) == [
        (115, LOADING),
        (118, RUNNING),
        (err + 1, KILLING),
        (err + 2, RESPOND),
        (err + 7, ERROR),
        (301, IDLE),
    ]
    assert timeline.requests["status"].tolist() == [4] * 4 and timeline.requests["done"].tolist() == [
        err + 4 + n for n in range(4)
    ]
