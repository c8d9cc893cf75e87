"""equinox_core.numerics.formats against exact rational arithmetic and against its own rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from equinox_core import numerics as nm
from models.tests import numerics_ref as ref

SPECIAL16 = np.array(
    [
        0,
        0x8000,
        1,
        0x8001,
        0x7F,
        0x807F,
        0x80,
        0x8080,
        0xFF,
        0x100,
        0x3F80,
        0xBF80,
        0x3F7F,
        0x3F81,
        0x4000,
        0x7EFF,
        0x7F00,
        0x7F7F,
        0xFF7F,
        0x7F80,
        0xFF80,
        0x7F81,
        0xFFC0,
        0x7FC0,
        0x7FFF,
        0x4300,
        0x2000,
        0x1FFF,
        0x2001,
        0x3F00,
        0x3E80,
        0x5F80,
        0x6000,
    ],
    dtype=np.uint16,
)
SPECIAL32 = np.concatenate(
    [
        SPECIAL16.astype(np.uint32) << 16,
        (SPECIAL16.astype(np.uint32) << 16) | 0xFFFF,
        np.array(
            [
                0x7F7FFFFF,
                0xFF7FFFFF,
                0x00800000,
                0x80800000,
                0x007FFFFF,
                0x3F800001,
                0x3F7FFFFF,
                0x7F800001,
                0x33800000,
                0x34000000,
                0xB3800000,
                0x4B800000,
                0x4B7FFFFF,
                0x7F7F8000,
                0x7F7F7FFF,
                0x3F808000,
                0x3F818000,
                0x3F807FFF,
                0x3F808001,
            ],
            dtype=np.uint32,
        ),
    ]
)


def fp32_samples(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of fp32 patterns: wild ones, close exponents, near-cancellations, special crosses."""
    wild = rng.integers(0, 1 << 32, (2, n), dtype=np.uint32)
    a = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    near = (a & 0x807FFFFF) | (np.clip(((a >> 23) & 0xFF).astype(int) + rng.integers(-27, 28, n), 0, 255) << 23)
    b = near.astype(np.uint32) ^ (rng.integers(0, 2, n).astype(np.uint32) << 31)
    b ^= rng.integers(0, 1 << 23, n, dtype=np.uint32) >> rng.integers(0, 24, n).astype(np.uint32)
    sx, sy = (g.ravel() for g in np.meshgrid(SPECIAL32, SPECIAL32))
    return np.concatenate([wild[0], a, sx]), np.concatenate([wild[1], b, sy])


def scalar(func: Callable, width_in: int, width_out: int, *args: np.ndarray) -> np.ndarray:
    return np.array(
        [ref.encode(func(*(ref.decode(int(v), width_in) for v in row)), width_out) for row in zip(*args, strict=True)]
    )


@pytest.mark.parametrize(("op", "exact"), [(nm.fp32_add, ref.add), (nm.fp32_max, ref.maximum)])
def test_fp32_operations(op: Callable, exact: Callable) -> None:
    a, b = fp32_samples(np.random.default_rng(1), 4000)
    got = nm.fp32_bits(op(a.view(np.float32), b.view(np.float32)))
    np.testing.assert_array_equal(got, scalar(exact, 32, 32, a, b))


def test_fp32_sub_is_addition_of_the_negative() -> None:
    a, b = fp32_samples(np.random.default_rng(2), 2000)
    fa, fb = a.view(np.float32), b.view(np.float32)
    flipped = (b ^ np.uint32(1 << 31)).view(np.float32)
    np.testing.assert_array_equal(nm.fp32_bits(nm.fp32_sub(fa, fb)), nm.fp32_bits(nm.fp32_add(fa, flipped)))


@pytest.mark.parametrize(("op", "exact"), [(nm.bf16_add, ref.add), (nm.bf16_mul, ref.mul), (nm.bf16_max, ref.maximum)])
def test_bf16_operations(op: Callable, exact: Callable) -> None:
    rng = np.random.default_rng(3)
    a = np.concatenate([rng.integers(0, 1 << 16, 4000, dtype=np.uint16), np.repeat(SPECIAL16, SPECIAL16.size)])
    b = np.concatenate([rng.integers(0, 1 << 16, 4000, dtype=np.uint16), np.tile(SPECIAL16, SPECIAL16.size)])
    wide = scalar(exact, 16, 32, a, b)  # the fp32 operation, rounded ...
    want = [ref.encode(ref.decode(int(w), 32), 16) for w in wide]  # ... once more to bf16
    np.testing.assert_array_equal(op(a, b), want)


def test_product_is_exact_in_fp32() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 1 << 16, (2, 5000), dtype=np.uint16)
    got = nm.fp32_bits(nm.bf16_mul_fp32(a, b))
    np.testing.assert_array_equal(got, scalar(ref.mul, 16, 32, a, b))
    normal = [
        (g, ref.mul(ref.decode(int(x), 16), ref.decode(int(y), 16)))
        for g, x, y in zip(got, a, b, strict=True)
        if 0 < (int(g) >> 23) & 0xFF < 255
    ]
    assert len(normal) > 1000
    assert all(ref.decode(int(g), 32) == exact for g, exact in normal)


def test_conversions_over_all_bf16() -> None:
    every = np.arange(1 << 16, dtype=np.uint16)
    wide = nm.fp32_bits(nm.bf16_to_fp32(every))
    want = np.array([ref.encode(ref.decode(int(v), 16), 32) for v in every])
    np.testing.assert_array_equal(wide, want)
    np.testing.assert_array_equal(nm.fp32_to_bf16(wide.view(np.float32)), want >> 16)


def test_rounding_to_bf16() -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([SPECIAL32, rng.integers(0, 1 << 32, 20000, dtype=np.uint32)])
    x = np.concatenate([x, (x & 0xFFFF0000) | 0x8000, (x & 0xFFFF0000) | 0x7FFF, (x & 0xFFFF0000) | 0x8001])
    want = [ref.encode(ref.decode(int(v), 32), 16) for v in x]
    np.testing.assert_array_equal(nm.fp32_to_bf16(x.view(np.float32)), want)


def test_float64_rounds_once() -> None:
    rng = np.random.default_rng(6)
    x = np.ldexp(rng.uniform(-2, 2, 5000), rng.integers(-140, 135, 5000))
    just_above_tie = 1 + 2.0**-8 + 2.0**-40  # rounding first to fp32 would make it a tie
    x = np.concatenate([x, [just_above_tie, -just_above_tie, 0.0, -0.0, np.inf, -np.inf, 2.0**-127]])
    from fractions import Fraction

    def exact(v: float) -> ref.Value:
        return int(np.signbit(v)), ref.INF if np.isinf(v) else abs(Fraction(v))

    np.testing.assert_array_equal(nm.bf16_from_float(x), [ref.encode(exact(float(v)), 16) for v in x])
    np.testing.assert_array_equal(nm.fp32_bits(nm.fp64_to_fp32(x)), [ref.encode(exact(float(v)), 32) for v in x])
    assert nm.bf16_from_float(np.nan) == nm.BF16_NAN


def test_update_rule() -> None:
    rng = np.random.default_rng(7)
    master = rng.normal(size=300).astype(np.float32)
    lr, grad = nm.bf16_from_float(0.05), nm.bf16_from_float(rng.normal(size=300))
    got = nm.sgd_update(master, lr, grad)
    for m, g, out in zip(master, grad, got, strict=True):
        step = ref.mul(ref.decode(int(lr), 16), ref.decode(int(g), 16))
        want = ref.add(ref.decode(int(m.view(np.uint32)), 32), (1 - step[0], step[1]))
        assert int(out.view(np.uint32)) == ref.encode(want, 32)


def test_scalars_and_shapes() -> None:
    assert nm.bf16_add(0x3F80, 0x3F80) == 0x4000
    assert nm.bf16_mul(np.full((2, 3), 0x4000, np.uint16), 0x4000).shape == (2, 3)
    assert nm.fp32_bits(np.float32(1)) == 0x3F800000


@pytest.mark.parametrize("bad", [-1, 0x10000, 1.5, [0.0]])
def test_bad_bf16_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="bf16 bit patterns"):
        nm.bf16_to_fp32(bad)


def test_bad_fp32_is_refused() -> None:
    with pytest.raises(ValueError, match="float32 expected"):
        nm.fp32_add(np.float64(1), np.float32(1))
    with pytest.raises(ValueError, match="bit patterns"):
        nm.fp32_from_bits(1 << 32)
