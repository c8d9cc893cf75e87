"""bfloat16 and fp32 as the hardware computes them, on numpy arrays.

Carriers
    bf16  ``uint16`` arrays of bit patterns (sign 1, exponent 8, fraction 7).
    fp32  ``float32`` arrays; ``fp32_bits`` / ``fp32_from_bits`` give and take the bit patterns.

Rules of both formats: round to nearest, ties to even; a subnormal operand reads as the zero of its
sign; a result whose exact magnitude is below 2**-126 is the zero of its sign; every NaN is the one
positive quiet NaN (bf16 0x7FC0, fp32 0x7FC00000); infinities follow IEEE 754; ``x + (-x)`` is +0.
A bf16 operation is the fp32 operation followed by one rounding to bf16.
Functions broadcast their operands as numpy does and return new arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
F32 = NDArray[np.float32]

BF16_NAN = 0x7FC0
BF16_INF = 0x7F80
BF16_ONE = 0x3F80
FP32_NAN = 0x7FC00000
FP32_INF = 0x7F800000
FP32_MIN_NORMAL = np.float32(2.0**-126)

_NAN32 = np.float32(np.nan)
if _NAN32.view(np.uint32) != FP32_NAN:
    raise RuntimeError(f"numpy's NaN is {_NAN32.view(np.uint32):#x}, the numerics need {FP32_NAN:#x}")


def as_bf16(x: ArrayLike, what: str = "operand") -> U16:
    """``x`` as an array of bf16 bit patterns; ValueError unless every element is in 0..0xFFFF."""
    arr = np.asarray(x)
    if arr.dtype == np.uint16:
        return arr
    if arr.dtype.kind not in "iu":
        raise ValueError(f"{what}: bf16 bit patterns expected (uint16), got {arr.dtype}")
    if arr.size and (arr.min() < 0 or arr.max() > 0xFFFF):
        raise ValueError(f"{what}: bf16 bit patterns must be in 0..0xFFFF")
    return arr.astype(np.uint16)


def as_fp32(x: ArrayLike, what: str = "operand") -> F32:
    """``x`` as a ``float32`` array; ValueError for any other type (no silent rounding)."""
    arr = np.asarray(x)
    if arr.dtype != np.float32:
        raise ValueError(f"{what}: float32 expected, got {arr.dtype}")
    return arr


def fp32_canon(x: ArrayLike) -> F32:
    """fp32 array with subnormals flushed to signed zero and every NaN canonical."""
    arr = as_fp32(x)
    mag = np.abs(arr)
    if not np.all((mag >= FP32_MIN_NORMAL) | (mag == 0)):  # NaN compares false
        arr = np.where(mag < FP32_MIN_NORMAL, np.copysign(np.float32(0), arr), arr)
        arr = np.where(np.isnan(arr), _NAN32, arr)
    return arr


def fp32_bits(x: ArrayLike) -> U32:
    """Bit patterns (``uint32``) of an fp32 array."""
    return np.ascontiguousarray(as_fp32(x)).view(np.uint32).reshape(np.shape(x))


def fp32_from_bits(bits: ArrayLike) -> F32:
    """fp32 array from ``uint32`` bit patterns, canonical (flushed, one NaN)."""
    arr = np.asarray(bits)
    if arr.dtype.kind not in "iu" or (arr.size and (arr.min() < 0 or arr.max() > 0xFFFFFFFF)):
        raise ValueError("bits: fp32 bit patterns must be integers in 0..0xFFFFFFFF")
    raw = np.ascontiguousarray(arr.astype(np.uint32, copy=False))
    return fp32_canon(raw.view(np.float32).reshape(arr.shape))


def fp64_to_fp32(x: ArrayLike) -> F32:
    """Round a float64 array once to fp32: RNE, overflow to infinity, |x| < 2**-126 to signed zero."""
    arr = np.asarray(x, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        out = arr.astype(np.float32)
    flush = np.abs(arr) < 2.0**-126
    if flush.any():
        out = np.where(flush, np.copysign(np.float32(0), out), out)
    return fp32_canon(out)


_WIDE = fp32_canon(np.left_shift(np.arange(1 << 16, dtype=np.uint32), 16).view(np.float32))
_WIDE.setflags(write=False)


def bf16_to_fp32(x: ArrayLike) -> F32:
    """Widen bf16 bit patterns to fp32 (exact; subnormals flush, NaN becomes canonical)."""
    return _WIDE[as_bf16(x)]


def fp32_to_bf16(x: ArrayLike) -> U16:
    """Round fp32 to bf16 bit patterns: RNE, overflow to infinity, flush, canonical NaN."""
    return _round_bf16(fp32_canon(x))


def _round_bf16(val: F32) -> U16:
    """As ``fp32_to_bf16``, for values known to be canonical."""
    bits = fp32_bits(val)
    lsb = (bits >> np.uint32(16)) & np.uint32(1)
    # The canonical NaN, having a fraction that ends in zeros, passes unchanged.
    return ((bits + (lsb + np.uint32(0x7FFF))) >> np.uint32(16)).astype(np.uint16)


def bf16_from_float(x: ArrayLike) -> U16:
    """Round real numbers (any float type, as float64) to bf16 with a single RNE; for making data."""
    arr = np.asarray(x, dtype=np.float64)
    # Round to odd at 24 bits first, so that the second rounding sees a sticky bit.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near = arr.astype(np.float32)
    bits = np.array(near).view(np.uint32).astype(np.int64)
    back = near.astype(np.float64)
    finite = np.isfinite(arr) & np.isfinite(back)
    with np.errstate(invalid="ignore"):
        inexact = finite & (back != arr)
        too_big = inexact & (np.abs(back) > np.abs(arr))
    bits = np.where(too_big, bits - 1, bits)
    bits = np.where(inexact, bits | 1, bits)
    out = fp32_to_bf16(fp32_from_bits(bits))
    tiny = np.abs(arr) < 2.0**-126
    return np.where(tiny, np.where(np.signbit(arr), 0x8000, 0), out).astype(np.uint16)


def _add(x: F32, y: F32) -> F32:
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        # Below 2**-126 a sum of two normal numbers is exact, so flushing afterwards is exact too.
        return fp32_canon(np.asarray(x + y))


def fp32_add(a: ArrayLike, b: ArrayLike) -> F32:
    """fp32 sum, one RNE rounding."""
    return _add(fp32_canon(a), fp32_canon(b))


def fp32_neg(x: ArrayLike) -> F32:
    """fp32 with the sign flipped (NaN stays the canonical NaN)."""
    return fp32_canon(np.asarray(-as_fp32(x)))


def fp32_sub(a: ArrayLike, b: ArrayLike) -> F32:
    """fp32 difference: ``fp32_add(a, -b)``."""
    return fp32_add(a, fp32_neg(b))


def fp32_max(a: ArrayLike, b: ArrayLike) -> F32:
    """Larger of two fp32 values; NaN if either is NaN; max(+0, -0) = +0."""
    return _max(fp32_canon(a), fp32_canon(b))


def _max(x: F32, y: F32) -> F32:
    take_x = (x > y) | ((x == y) & ~np.signbit(x))
    out = np.where(take_x, x, y)
    return np.where(np.isnan(x) | np.isnan(y), _NAN32, out).astype(np.float32)


def bf16_mul_fp32(a: ArrayLike, b: ArrayLike) -> F32:
    """Product of two bf16 arrays as fp32.

    The 16-bit significand of the product fits fp32, so nothing is rounded; the product overflows to
    infinity at 2**128 and is a signed zero below 2**-126. 0 * inf is NaN.
    """
    x, y = bf16_to_fp32(a), bf16_to_fp32(b)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return fp32_canon(np.asarray(x * y))


def bf16_add(a: ArrayLike, b: ArrayLike) -> U16:
    """bf16 sum: fp32 sum rounded once to bf16."""
    return _round_bf16(_add(bf16_to_fp32(a), bf16_to_fp32(b)))


def bf16_sub(a: ArrayLike, b: ArrayLike) -> U16:
    """bf16 difference: fp32 difference rounded once to bf16."""
    return _round_bf16(_add(bf16_to_fp32(a), -bf16_to_fp32(b)))


def bf16_mul(a: ArrayLike, b: ArrayLike) -> U16:
    """bf16 product: exact fp32 product rounded once to bf16."""
    return _round_bf16(bf16_mul_fp32(a, b))


def bf16_max(a: ArrayLike, b: ArrayLike) -> U16:
    """Larger of two bf16 values; NaN if either is NaN; max(+0, -0) = +0; subnormals flushed."""
    return _round_bf16(_max(bf16_to_fp32(a), bf16_to_fp32(b)))


def sgd_update(master: ArrayLike, lr: ArrayLike, grad: ArrayLike) -> F32:
    """Weight update ``fp32_add(master, -(lr * grad))``.

    ``master`` fp32, ``lr`` and ``grad`` bf16 bit patterns; the product is exact in fp32.
    """
    return fp32_sub(master, bf16_mul_fp32(lr, grad))
