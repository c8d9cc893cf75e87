"""The builder keeps counters in range, whatever the order in which units produce and consume."""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.builder import Builder
from equinox_core.compiler.ops import ACC, TO_VEC, At, vector
from equinox_core.compiler.training import mlp_training
from equinox_core.config import load_config
from equinox_core.core import Core
from equinox_core.isa.check import check_program
from equinox_core.isa.encoding import Unit
from equinox_core.isa.program import Program
from equinox_core.isa.races import Race, check_races

TINY = load_config("tiny")


def product(out: Builder, n: int) -> None:
    out.matmul(rows=2, n_g=1, n_k=1, a_base=n, a_sr=1, c_base=2 * n, c_sr=1)


def drain(out: Builder, n: int) -> None:
    vector(out, 1, 2, At(ACC, 2 * n, 0, 1), r=At(TO_VEC, 2 * n, 0, 1))


def run_to_end(prog: Program, order: np.random.Generator) -> bytes:
    core = Core(TINY)
    rng = np.random.default_rng(0)
    for q, e in (core.mem.ACTC, core.mem.WGTC):
        q[:], e[:] = rng.integers(-99, 99, q.shape), 130
    core.run_training(prog, 3, order=order)
    return core.mem.VEC.tobytes()


@pytest.mark.parametrize("block", [1, 5, 40])
def test_forty_products_and_drains(block: int) -> None:
    """Products in blocks before their drains: with 40 at once, tokens must be saved; with one, the MMU must be held
    back.
    """
    out = Builder(TINY, "many", training=True)
    for first in range(0, 40, block):
        for n in range(first, first + block):
            product(out, n)
        for n in range(first, first + block):
            drain(out, n)
    prog = out.finish()
    check_program(prog, TINY)
    assert check_races(prog, TINY) >= 120
    signals = sum(bool(i.signal) for i in prog.streams[Unit.MMU])
    assert signals == (10 if block == 40 else 40)
    assert len({run_to_end(prog, np.random.default_rng(s)) for s in range(6)}) == 1


def test_without_the_bound_counters_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("equinox_core.compiler.builder._Analysis.overruns", lambda self, turn: set())
    out = Builder(TINY, "many")
    for n in range(40):
        product(out, n)
        drain(out, n)
    with pytest.raises(Race, match="semaphore 0 may reach"):
        check_races(out.finish(), TINY)


def test_wide_layers() -> None:
    cfg = TINY.changed(ACTC_DEPTH=32768, WGTC_DEPTH=32768, WGTD_DEPTH=65536, IMEM_DEPTH=4096)
    prog = mlp_training(cfg, (54, 187, 2), 16, 0.1).program
    check_program(prog, cfg)
    assert check_races(prog, cfg) > 1000


def test_after() -> None:
    out = Builder(TINY, "ordered")
    first = out.store(sp=1, n_o=1, len=1)
    out.load(after=[first], sp=2, n_o=1, len=1, d_base=1024)
    prog = out.finish()
    assert prog.streams[Unit.ST][0].signal == prog.streams[Unit.LD][0].wait != 0


def test_errors() -> None:
    with pytest.raises(ValueError, match="MATMUL: no field 'speed'"):
        Builder(TINY, "x").matmul(speed=1)
    out = Builder(TINY, "long")
    for _ in range(513):
        product(out, 0)
    with pytest.raises(
        ValueError, match=r"long: instruction memory of MMU: need 513, have 512 \(IMEM_DEPTH of configuration tiny\)"
    ):
        out.finish()
    out = Builder(TINY, "deep")
    product(out, 1024)
    with pytest.raises(ValueError, match=r"deep: ACC: need 2050, have 2048 \(ACC_DEPTH of configuration tiny\)"):
        out.finish()
