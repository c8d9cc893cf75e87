"""Accuracy, saturation and order of the activation functions over all 65,536 inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from equinox_core import numerics as nm
from equinox_core.numerics import Act
from equinox_core.numerics.activation_rom import act_rom

EVERY = np.arange(1 << 16, dtype=np.uint16)
X = nm.bf16_to_fp32(EVERY).astype(np.float64)
ONE, NAN, INF, NEG = nm.BF16_ONE, nm.BF16_NAN, nm.BF16_INF, 0x8000
DOC = Path(__file__).resolve().parents[2] / "docs" / "numerics.md"


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1.0) / (1.0 + small)


TRUTH: dict[Act, Callable[[np.ndarray], np.ndarray]] = {
    Act.SIGMOID: _sigmoid,
    Act.TANH: np.tanh,
    Act.EXP: np.exp,
    Act.RECIP: lambda x: 1.0 / x,
    Act.DSIGMOID: lambda y: y * (1.0 - y),
    Act.DTANH: lambda y: 1.0 - y * y,
}
LIMIT = {Act.SIGMOID: 0.64, Act.TANH: 0.63, Act.EXP: 0.66, Act.RECIP: 0.5, Act.DSIGMOID: 0.55, Act.DTANH: 0.5}


def max_ulp_error(fn: Act) -> float:
    """Largest |result - truth| in units of the last place of the truth, where both are finite."""
    with np.errstate(all="ignore"):
        truth = TRUTH[fn](X)
    got = nm.bf16_to_fp32(nm.act(fn, EVERY)).astype(np.float64)
    domain = ~np.isnan(got)
    truth = np.where(np.abs(truth) < 2.0**-126, 0.0, truth)
    truth = np.where(np.abs(truth) >= 2.0**128, np.copysign(np.inf, truth), truth)
    finite = domain & np.isfinite(truth) & np.isfinite(got)
    np.testing.assert_array_equal(got[domain & ~finite], truth[domain & ~finite])
    assert finite.sum() > 16000
    ulp = np.exp2(np.floor(np.log2(np.maximum(np.abs(truth[finite]), 2.0**-126))) - 7)
    return float(np.max(np.abs(got[finite] - truth[finite]) / ulp))


@pytest.mark.parametrize("fn", list(TRUTH), ids=lambda f: f.name)
def test_error_bound(fn: Act) -> None:
    assert max_ulp_error(fn) <= LIMIT[fn]


def test_documented_errors_are_the_measured_ones() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` .*\| ([\d.]+) ulp \|$", DOC.read_text(encoding="utf-8"), re.M))
    assert set(rows) == {fn.name for fn in TRUTH}
    for fn in TRUTH:
        assert float(rows[fn.name]) == round(max_ulp_error(fn), 3), fn.name


@pytest.mark.parametrize("fn", [Act.SIGMOID, Act.TANH, Act.EXP, Act.RELU, Act.DRELU], ids=lambda f: f.name)
def test_monotone(fn: Act) -> None:
    number = ~np.isnan(X)
    order = np.argsort(X[number], kind="stable")
    y = nm.bf16_to_fp32(nm.act(fn, EVERY[number][order]))
    assert np.all(y[1:] >= y[:-1])


@pytest.mark.parametrize("fn", list(Act), ids=lambda f: f.name)
def test_nan_and_subnormals(fn: Act) -> None:
    y = nm.act(fn, EVERY)
    exp, frac = (EVERY >> 7) & 0xFF, EVERY & 0x7F
    assert np.all(y[(exp == 255) & (frac != 0)] == NAN)
    subnormal = exp == 0
    np.testing.assert_array_equal(y[subnormal], nm.act(fn, EVERY[subnormal] & 0x8000))
    assert np.all(((y & 0x7F80) != 0) | ((y & 0x7F) == 0)), "a result is subnormal"
    assert np.all(((y & 0x7FFF) <= INF) | (y == NAN)), "a NaN is not the canonical one"


@pytest.mark.parametrize(
    ("fn", "pairs"),
    [
        (Act.NONE, [(NEG, NEG), (INF, INF), (ONE, ONE)]),
        (Act.RELU, [(0, 0), (NEG, 0), (NEG | INF, 0), (INF, INF), (ONE, ONE), (NEG | ONE, 0)]),
        (Act.SIGMOID, [(0, 0x3F00), (NEG, 0x3F00), (INF, ONE), (NEG | INF, 0), (0x7F7F, ONE), (0xFF7F, 0)]),
        (Act.TANH, [(0, 0), (NEG, NEG), (INF, ONE), (NEG | INF, NEG | ONE), (0x4080, ONE), (0x0080, 0x0080)]),
        (Act.EXP, [(0, ONE), (NEG, ONE), (INF, INF), (NEG | INF, 0), (0x7F7F, INF), (0x42B1, 0x7F4D)]),
        (
            Act.RECIP,
            [
                (0, INF),
                (NEG, NEG | INF),
                (INF, 0),
                (NEG | INF, NEG),
                (ONE, ONE),
                (0x4000, 0x3F00),
                (0x7E80, 0x0080),
                (0x7E81, 0),
                (0x7F00, 0),
                (0xFF00, NEG),
                (0x0080, 0x7E80),
            ],
        ),
        (Act.DRELU, [(0, 0), (NEG, 0), (0x0080, ONE), (0x8080, 0), (INF, ONE), (NEG | INF, 0)]),
        (Act.DSIGMOID, [(0, 0), (NEG, 0), (ONE, 0), (0x3F00, 0x3E80), (0x3F81, NAN), (0x8080, NAN), (INF, NAN)]),
        (Act.DTANH, [(0, ONE), (NEG, ONE), (ONE, 0), (NEG | ONE, 0), (0x3F81, NAN), (0xBF81, NAN), (INF, NAN)]),
    ],
    ids=lambda v: v.name if isinstance(v, Act) else "",
)
def test_special_values(fn: Act, pairs: list[tuple[int, int]]) -> None:
    x, want = np.array(pairs, dtype=np.uint16).T
    np.testing.assert_array_equal(nm.act(fn, x), want)


def test_symmetry() -> None:
    for fn, flip in ((Act.TANH, 0x8000), (Act.RECIP, 0x8000), (Act.DTANH, 0)):
        pos = EVERY[: INF + 1]
        np.testing.assert_array_equal(nm.act(fn, pos | 0x8000) ^ flip * (nm.act(fn, pos) != NAN), nm.act(fn, pos))


def test_table_is_the_definition_and_rom_is_small() -> None:
    for fn in Act:
        np.testing.assert_array_equal(nm.act_table(fn), nm.act_define(fn, EVERY))
    assert act_rom().bits() < 16384


def test_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="no activation function"):
        nm.act(max(Act) + 1, EVERY)
