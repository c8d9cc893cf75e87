"""The earliest end of a program: exact where a program is alone with one instruction, never late, and no smaller than
it must be.
"""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.image import register
from equinox_core.config import Config, load_config
from equinox_core.isa.encoding import Conv, Instr, LdDst, Op, StSrc, Unit, make
from equinox_core.isa.program import Program
from equinox_core.timing import TimingModel
from equinox_core.timing.bounds import earliest_end, serial_work
from models.tests.test_timing import CONFIGS, START, train
from models.tests.test_timing_attribution import image, solo

ONE = {
    "rows": (Unit.MMU, lambda cfg, n: make(Op.MATMUL, rows=5 + n, n_g=2, n_k=3, a_sr=1, b_sk=cfg.L, c_sr=1, c_sg=20)),
    "few rows": (
        Unit.MMU,
        lambda cfg, n: make(Op.MATMUL, rows=1, n_g=1 + n, n_k=2, a_sr=1, b_sk=cfg.L, c_sr=1, c_sg=1),
    ),
    "one line": (
        Unit.MMU,
        lambda cfg, n: make(Op.MATMUL, rows=16 + n, n_g=1, n_k=3, a_sr=1, b_sk=cfg.L, c_sr=0, accum=n % 2),
    ),
    "lines": (Unit.VPU, lambda cfg, n: make(Op.VECTOR, cnt_o=2 + n, cnt_i=3, r_sp=1)),
    "blocks": (Unit.VPU, lambda cfg, n: make(Op.VECTOR, cnt_o=2, cnt_i=3 + n, v_mode=Conv.ROWS)),
    "columns": (Unit.VPU, lambda cfg, n: make(Op.VECTOR, cnt_o=1 + n, cnt_i=cfg.K, v_mode=Conv.COLS)),
    "loads": (Unit.LD, lambda cfg, n: make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=20 + n)),
    "panels": (Unit.ST, lambda cfg, n: make(Op.STORE, sp=StSrc.SOB, n_o=1, len=1 + n)),
    "stores of lines": (Unit.ST, lambda cfg, n: make(Op.STORE, sp=StSrc.SOF, n_o=1, len=1 + n)),
    "nothing": (Unit.LD, lambda cfg, n: make(Op.NOP)),
}


def ended(cfg: Config, streams: dict[Unit, list[Instr]], rows: int = 4095) -> int:
    """``end - run`` of one iteration in a training context, alone: it is idle from the cycle after ``end`` on."""
    states = train(cfg, streams, rows=rows).states
    assert states["state"].tolist() == [2, 0] and states["cycle"][0] == START + 1
    return int(states["cycle"][1]) - 1 - (START + 1)


@pytest.mark.parametrize("kind", ONE)
@pytest.mark.parametrize("name", CONFIGS)
def test_one_instruction_to_the_cycle(name: str, kind: str) -> None:
    """So the bound is not true by being small."""
    cfg = load_config(name)
    unit, of = ONE[kind]
    for n in range(4):
        program = Program(streams={u: [of(cfg, n)] if u == unit else [] for u in Unit}).set_last()
        assert earliest_end(program, cfg, train_rows=4095) == ended(cfg, program.streams)


def test_tokens() -> None:
    """A wait takes the token that comes first of all that may come; one after the other takes one more."""
    cfg = load_config("default")
    streams = {
        Unit.LD: [make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=3, signal=1)],
        Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=4, r_sp=1, signal=1)],
        Unit.ST: [make(Op.NOP, wait=1), make(Op.STORE, sp=StSrc.SOB, n_o=1, len=20, wait=1)],
        Unit.MMU: [],
    }
    program = Program(streams=streams).set_last()
    assert earliest_end(program, cfg, train_rows=4095) == ended(cfg, program.streams) > 2 * cfg.LATENCY


def test_no_streams() -> None:
    """A program without streams, and one that is asked for no iterations, ends in the cycle in which it began."""
    cfg = load_config("tiny")
    assert earliest_end(Program(), cfg) == ended(cfg, {}) == 0 == serial_work(Program(), cfg)


def test_start_with_other_commands() -> None:
    """Of several commands in one write the core does what the state in that cycle says (docs/scheduler.md)."""
    cfg = load_config("tiny")
    streams = {u: [] for u in Unit} | {Unit.VPU: [make(Op.VECTOR, cnt_o=1, cnt_i=4, r_sp=1, step=1)]}
    program = Program(streams=streams).set_last()
    ctx = cfg.C_INF
    for iters, modulo, more, steps in (
        (3, 1, {}, 3),
        (3, 1, {"drain": 1}, 3),
        (3, 1, {"kill": 1, "clear": 1}, 3),
        (0, 1, {}, 0),
        (2, 0, {}, 2),
    ):
        writes = [
            register(f"CTX[{ctx}].PCV", valid=program.pc_valid),
            register(f"CTX[{ctx}].ITERS", count=iters),
            register(f"CTX[{ctx}].ITER_MOD", modulo=modulo),
            register(f"CTX[{ctx}].CMD", start=1, **more),
        ]
        timeline = TimingModel(cfg, {u: program.words(u) for u in Unit}).run(
            [(START, a, v) for a, v in writes], [], 5000
        )
        assert len(timeline.steps) == steps and timeline.states["state"].tolist() == [2, 0], (iters, modulo, more)


@pytest.mark.parametrize("config", ["tiny", "default"])
def test_services_alone_reach_it(config: str) -> None:
    """The services that ship take alone what the bound says, and less than one instruction after another."""
    made = image(config)
    for service, rows in ((0, 1), (0, made.cfg.N), (1, 1), (1, made.cfg.N)):
        program, alone = made.installed[service].program, sum(solo(config)(service, rows))
        assert earliest_end(program, made.cfg, rows) == alone < serial_work(program, made.cfg, rows)


def test_iteration_only_rises() -> None:
    """The bound of a program is no smaller than that of the same program without some of its waits."""
    cfg, rng = load_config("tiny"), np.random.default_rng(3)
    program = image("tiny").installed[1].program
    whole = earliest_end(program, cfg, 2)
    for unit in Unit:
        freed = Program(
            streams={
                u: [make(i.op, **{**i.fields, "wait": 0}) if u == unit and rng.random() < 0.5 else i for i in s]
                for u, s in program.streams.items()
            }
        )
        assert earliest_end(freed, cfg, 2) <= whole
