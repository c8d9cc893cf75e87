"""equinox_core.numerics.hbfp: the quantiser and the blocked product against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from equinox_core import numerics as nm
from models.tests import numerics_ref as ref


def random_blocks(rng: np.random.Generator, shape: tuple[int, ...], spread: int = 12) -> np.ndarray:
    """bf16 blocks whose elements lie up to ``spread`` binades below a random block scale."""
    scale = rng.integers(1, 255, shape[:-1] + (1,))
    exp = np.clip(scale - rng.integers(0, spread, shape), 0, 254)
    sign_frac = rng.integers(0, 1 << 16, shape) & 0x807F
    return (sign_frac | exp << 7).astype(np.uint16)


def expected_block(x: np.ndarray) -> tuple[list[int], int]:
    exps = [(int(v) >> 7) & 0xFF for v in x]
    top = max(exps)
    if top == 255 or top == 0:
        return [0] * len(x), top
    out = []
    for v in x:
        sign, mag = ref.decode(int(v), 16)
        assert isinstance(mag, Fraction)
        q = min(round(mag / Fraction(2) ** (top - 133)), 127)  # round() is to nearest even
        out.append(-q if sign else q)
    return out, top


def test_quantise_random_blocks() -> None:
    rng = np.random.default_rng(11)
    x = random_blocks(rng, (400, 16))
    x[::17, 3] = [0x7F80, 0x7FC0, 0xFF80, 0x7F81] * 6
    x[5], x[6] = 0, 0x8000
    x[7] = rng.integers(0, 128, 16)  # subnormals only
    q, e = nm.quantise(x)
    assert q.dtype == np.int8 and e.dtype == np.uint8 and q.shape == x.shape and e.shape == (400,)
    for block, mant, exp in zip(x, q, e, strict=True):
        assert (mant.tolist(), int(exp)) == expected_block(block)
    assert np.abs(q.astype(int)).max() == 127


def test_every_value_under_every_exponent_above_it() -> None:
    every = np.arange(0x7F80, dtype=np.uint16)
    exp = every >> 7
    for shift in range(11):
        e = np.minimum(exp + shift, 254)
        want = np.rint(nm.bf16_to_fp32(every).astype(np.float64) * np.exp2(133.0 - e))
        q = nm.quantise_with(every[:, None], np.where(exp == 0, 0, e))[:, 0]
        np.testing.assert_array_equal(q, np.where(exp == 0, 0, np.minimum(want, 127)))


def test_dequantise() -> None:
    rng = np.random.default_rng(12)
    x = random_blocks(rng, (50, 8), spread=1)
    q, e = nm.quantise(x)
    back = nm.dequantise(q, e)
    truth = nm.bf16_to_fp32(x)
    in_range = (e > 8)[:, None]
    step = np.exp2(e.astype(float) - 133)[:, None]
    assert np.all((np.abs(back - truth.astype(float)) <= step) | ~in_range)
    assert np.all(np.isnan(nm.dequantise(np.zeros((1, 4), np.int8), np.array([255]))))
    assert nm.fp32_bits(nm.dequantise([[-1]], [1]))[0, 0] == 0x80000000  # below 2**-126


def test_zero_and_saturation_edges() -> None:
    q, e = nm.quantise(np.array([[0x3FFF, 0x3FFE, 0xBFFF, 0x0080]], np.uint16))  # 1.99 * 2**0
    assert e[0] == 127 and q.tolist() == [[127, 127, -127, 0]]  # 127.5 -> 128 -> 127; 127 stays


def test_emulator_compat_takes_a_lower_exponent_at_powers_of_two() -> None:
    x = np.array([[0x3F80, 0x3F00, 0xBF80], [0x3FC0, 0x3F00, 0xBF80], [0, 0, 0]], np.uint16)
    q, e = nm.quantise(x)
    assert e.tolist() == [127, 127, 0] and q[0].tolist() == [64, 32, -64]
    qc, ec = nm.quantise(x, emulator_compat=True)
    assert ec.tolist() == [126, 127, 100] and qc[0].tolist() == [127, 64, -127]
    np.testing.assert_array_equal(qc[1], q[1])


def test_emulator_compat_equals_the_emulators_formula() -> None:
    """The emulator's published steps in fp32: ceil(log2(max + eps)), divide, round, clip to the range."""
    rng = np.random.default_rng(13)
    x = random_blocks(rng, (3000, 8))
    x[:, 0] = np.where(rng.random(3000) < 0.3, x[:, 0] & 0xFF80, x[:, 0])
    x[:, 1:] = np.where(rng.random((3000, 1)) < 0.3, x[:, 1:] & 0xFF80, x[:, 1:])
    x[:200, 0] = rng.choice([0x7F7F, 0xFF7F, 0x7F7E, 0x7F00, 0x7F01, 0x7E80], 200)  # the largest numbers
    x[200:300, 1] = rng.choice([0x7F7F, 0xFF7F], 100)
    x = x[((x >> 7) & 0xFF).max(axis=1) < 255]
    want = emulated(nm.bf16_to_fp32(x))
    q, e = nm.quantise(x, emulator_compat=True)
    value = q * np.exp2(e.astype(np.float64) - 133)[:, None]
    largest = (x & 0x7FFF) == 0x7F7F
    assert np.array_equal(np.isinf(want), largest) and largest.sum() > 100
    assert np.array_equal(value[largest], np.copysign(127 * 2.0**121, want[largest]))
    np.testing.assert_array_equal(value[~largest], want[~largest])
    plain = nm.quantise(x)[1]
    assert 0 < np.mean(plain != e) < 1


def emulated(t: np.ndarray) -> np.ndarray:
    """The emulator's steps on fp32 blocks, every one of them in fp32: overflows included."""
    seven, one = np.float32(7), np.float32(2)
    with np.errstate(over="ignore"):
        exp = np.ceil(np.log2(np.abs(t).max(axis=1, keepdims=True) + np.float32(1e-8)))
        interval = np.power(one, exp - seven)
        top = np.power(one, exp) - interval
        return np.minimum(np.maximum(np.rint(t / interval) * interval, -top), top).astype(np.float64)


def test_emulator_compat_begins_at_a_quarter() -> None:
    """From 2**-2 on a power of two has the lower exponent; below, 1e-8 lifts it over the power, and the grids are the
    same.
    """
    powers = np.arange(-19, 8)
    x = nm.fp32_to_bf16(np.exp2(powers).astype(np.float32))[:, None]
    lower = nm.block_exponent(x).astype(int) - nm.block_exponent(x, emulator_compat=True)
    np.testing.assert_array_equal(lower, powers >= -2)


def test_int_to_fp32() -> None:
    rng = np.random.default_rng(14)
    total = rng.integers(-(1 << 24), (1 << 24) + 1, 4000) >> rng.integers(0, 25, 4000)
    ea, eb = rng.integers(0, 256, (2, 4000))
    total = np.concatenate([total, [1 << 24, -(1 << 24), 0, 0, 0xFFFFFF, 0xFFFFFF, -1, 1, 64, 63]])
    ea = np.concatenate([ea, [254, 254, 255, 0, 58, 57, 70, 70, 70, 70]])
    eb = np.concatenate([eb, [254, 200, 0, 0, 58, 58, 69, 70, 64, 64]])
    want = [ref.block_product(int(t), int(a), int(b)) for t, a, b in zip(total, ea, eb, strict=True)]
    np.testing.assert_array_equal(nm.fp32_bits(nm.int_to_fp32(total, ea, eb)), want)


@pytest.mark.parametrize("with_acc", [False, True])
def test_matmul(with_acc: bool) -> None:
    rng = np.random.default_rng(15)
    rows, cols, blocks, k = 5, 6, 4, 16
    aq = rng.integers(-127, 128, (rows, blocks, k)).astype(np.int8)
    bq = rng.integers(-127, 128, (cols, blocks, k)).astype(np.int8)
    ae, be = rng.integers(120, 135, (rows, blocks)), rng.integers(120, 135, (cols, blocks))
    ae[0, 1], be[2, 3], aq[1] = 255, 255, 0
    ae[2], be[3] = 1, 2  # products below the smallest normal number
    ae[3], be[4] = 254, 254  # and above the largest
    acc = rng.normal(size=(rows, cols)).astype(np.float32) * 1000 if with_acc else None
    got = nm.fp32_bits(nm.hbfp_matmul(aq, ae, bq, be, acc))
    for r in range(rows):
        for c in range(cols):
            value = None if acc is None else ref.decode(int(acc[r, c].view(np.uint32)), 32)
            for n in range(blocks):
                total = sum(int(x) * int(y) for x, y in zip(aq[r, n], bq[c, n], strict=True))
                part = ref.decode(ref.block_product(total, int(ae[r, n]), int(be[c, n])), 32)
                value = part if value is None else ref.decode(ref.encode(ref.add(value, part), 32), 32)
            assert value is not None
            assert int(got[r, c]) == ref.encode(value, 32), (r, c)


@pytest.mark.parametrize("edge", [70, 184])
def test_matmul_paths_agree(edge: int) -> None:
    """Exponents at the edge of the fast path's range; a row beyond it sends the whole product the slow way."""
    rng = np.random.default_rng(16)
    aq, bq = rng.integers(-127, 128, (2, 20, 6, 8)).astype(np.int8)
    bq[3] = 0
    ae, be = (np.clip(edge + rng.integers(-6, 7, (20, 6)), 70, 184) for _ in range(2))
    acc = np.ldexp(rng.normal(size=(20, 20)), edge - 133).astype(np.float32)
    acc[::3] = 0
    more_q, more_e = np.concatenate([aq, aq[:1]]), np.concatenate([ae, np.full((1, 6), 255)])
    for c in (None, acc):
        fast = nm.hbfp_matmul(aq, ae, bq, be, c)
        slow = nm.hbfp_matmul(more_q, more_e, bq, be, None if c is None else np.concatenate([c, c[:1]]))
        assert np.all(np.isnan(slow[20]))
        np.testing.assert_array_equal(nm.fp32_bits(fast), nm.fp32_bits(slow[:20]))


def test_matmul_with_mantissas_of_minus_128() -> None:
    """Loaded blocks may hold -128; the sum of 1,024 products of them is 2**24, still exact."""
    q = np.full((1, 1, 1024), -128, np.int8)
    for e in (133, 60):  # the fast path and the other
        exps = np.array([[e]])
        assert nm.hbfp_matmul(q, exps, q, exps)[0, 0] == 2.0 ** (24 + 2 * e - 266)
        assert nm.hbfp_matmul(q, exps, -q - 1, exps)[0, 0] == -(1 << 17) * 127 * 2.0 ** (2 * e - 266)
    rng = np.random.default_rng(17)
    aq, bq = rng.choice(np.array([-128, -127, 127], np.int8), (2, 9, 3, 64))
    e = np.full((9, 3), 133)
    want = np.einsum("rbk,cbk->rc", aq.astype(np.int64), bq.astype(np.int64))
    np.testing.assert_array_equal(nm.hbfp_matmul(aq, e, bq, e), want)
    assert nm.dequantise([[-128]], [133])[0, 0] == -128


def test_matmul_largest_sum_is_exact() -> None:
    q = np.full((1, 1, 1024), 127, np.int8)
    q2 = q.copy()
    q2[0, 0, 0] = 126
    out = nm.hbfp_matmul(q, np.array([[133]]), q2, np.array([[133]]))
    assert out[0, 0] == 1023 * 127 * 127 + 127 * 126


def test_bad_arguments_are_refused() -> None:
    q, e = np.zeros((2, 1, 8), np.int8), np.zeros((2, 1), np.uint8)
    with pytest.raises(ValueError, match=r"need \[R, KB, K\]"):
        nm.hbfp_matmul(q, e, q[:, :, :4], e)
    with pytest.raises(ValueError, match="one exponent a block"):
        nm.hbfp_matmul(q, e[:1], q, e)
    with pytest.raises(ValueError, match="acc"):
        nm.hbfp_matmul(q, e, q, e, np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match="exponents must be"):
        nm.dequantise(q, e.astype(int) + 256)
    with pytest.raises(ValueError, match="integer sums"):
        nm.int_to_fp32((1 << 24) + 1, 1, 1)
    with pytest.raises(ValueError, match="at least one element"):
        nm.quantise(np.zeros((2, 0), np.uint16))
