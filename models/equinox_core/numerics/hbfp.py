"""HBFP8: blocks of K signed 8-bit mantissas under one 8-bit exponent.

A block of K bf16 values becomes ``(q, E)``: ``E`` is the largest biased bf16 exponent in the block,
``q = RNE(x / 2**(E-133))`` clamped to -127..127, and the value represented is ``q * 2**(E-133)``.
A block of zeros has ``E = 0``; a block with an infinity or a NaN has ``E = 255`` and ``q = 0``, and
every result that it touches is NaN.

The grid is that of the HBFP emulator (github.com/parsa-epfl/HBFPEmulator, ``bfp_ops.py``, 7 mantissa
bits, deterministic rounding). The emulator takes ``ceil(log2(max + 1e-8))`` for the exponent, which
differs in two places: where the maximum is an exact power of two (2**-2 and above) its exponent is one
lower, so the maximum itself saturates at 127; and blocks whose maximum is below about 2**-19 are
disturbed by the 1e-8. ``emulator_compat=True`` reproduces both. One value no block can hold: the emulator
turns +-0x7F7F into an infinity (its clip overflows), here it is +-127 * 2**121.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .formats import F32, as_bf16, as_fp32, bf16_to_fp32, fp32_add, fp32_canon, fp64_to_fp32

I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]

E_SPECIAL = 255
E_BIAS = 133  # a block (q, E) stands for q * 2**(E - 133)
Q_MAX = 127
K_MAX = 1024  # K * 128**2 <= 2**24: exact in fp32, mantissas of -128 included
_EMULATOR_EPSILON = np.float32(1e-8)


def block_exponent(x: ArrayLike, emulator_compat: bool = False) -> U8:
    """Shared exponent of each block of bf16 patterns ``x[..., K]`` -> ``uint8[...]``."""
    raw = as_bf16(x, "x")
    if raw.ndim == 0 or raw.shape[-1] == 0:
        raise ValueError("x: a block needs at least one element along the last axis")
    exp: np.ndarray = ((raw >> np.uint16(7)) & np.uint16(0xFF)).max(axis=-1)
    if emulator_compat:
        peak = np.abs(bf16_to_fp32(raw)).max(axis=-1)
        ok = exp != E_SPECIAL
        biased = np.where(ok, peak, np.float32(1)) + _EMULATOR_EPSILON  # fp32 sum, as the emulator
        log = np.log2(biased.astype(np.float64)).astype(np.float32)
        exp = np.where(ok, np.ceil(log).astype(np.int64) + (E_BIAS - 7), E_SPECIAL)
    return exp.astype(np.uint8)


def quantise_with(x: ArrayLike, exp: ArrayLike) -> I8:
    """Mantissas of ``x[..., K]`` (bf16 patterns) under given exponents ``exp[...]`` -> ``int8``.

    Under ``E = 255`` every mantissa is 0, and under ``E = 0`` too, since all values then are zero.
    An element whose exponent is above ``E`` (which a block's own exponent excludes) saturates.
    """
    raw = as_bf16(x, "x")
    e = np.asarray(exp).astype(np.int64)[..., None]
    special = (e == E_SPECIAL) | (e == 0)
    own = (raw >> np.uint16(7)) & np.uint16(0xFF)
    above = own > e
    val = bf16_to_fp32(np.where(special | above, np.uint16(0), raw)).astype(np.float64)
    q = np.clip(np.rint(np.ldexp(val, (E_BIAS - e).astype(np.int32))), -Q_MAX, Q_MAX)
    over = np.where(raw >> np.uint16(15), -Q_MAX, Q_MAX)
    return np.where(above & ~special, over, q).astype(np.int8)


def quantise(x: ArrayLike, emulator_compat: bool = False) -> tuple[I8, U8]:
    """Quantise blocks: bf16 patterns ``x[..., K]`` -> ``(q int8[..., K], E uint8[...])``."""
    exp = block_exponent(x, emulator_compat)
    return quantise_with(x, exp), exp


def dequantise(q: ArrayLike, exp: ArrayLike) -> F32:
    """Values ``q * 2**(E-133)`` as fp32 ``[..., K]``; NaN where ``E = 255``; flushed below 2**-126."""
    mant = np.asarray(q).astype(np.float64)
    return fp64_to_fp32(mant * _scale(exp)[..., None])


def _scale(exp: ArrayLike) -> NDArray[np.float64]:
    e = np.asarray(exp)
    if e.dtype.kind not in "iu" or (e.size and (e.min() < 0 or e.max() > 255)):
        raise ValueError("E: block exponents must be integers in 0..255")
    scale = np.ldexp(1.0, e.astype(np.int32) - E_BIAS)
    return np.where(e == E_SPECIAL, np.nan, scale)


def int_to_fp32(total: ArrayLike, ea: ArrayLike, eb: ArrayLike) -> F32:
    """Block product ``total * 2**(ea+eb-266)`` as fp32; shapes broadcast.

    ``total`` is the exact integer sum (|total| <= 2**24, so nothing is rounded). Overflow gives
    infinity, a magnitude below 2**-126 a signed zero, a zero sum +0, and ``E = 255`` NaN.
    """
    s = np.asarray(total)
    if s.dtype.kind not in "iu" or (s.size and int(np.abs(s.astype(np.int64)).max()) > 1 << 24):
        raise ValueError("total: integer sums with |total| <= 2**24 expected")
    return fp64_to_fp32(s.astype(np.float64) * _scale(ea) * _scale(eb))


def hbfp_matmul(aq: ArrayLike, ae: ArrayLike, bq: ArrayLike, be: ArrayLike, acc: ArrayLike | None = None) -> F32:
    """Blocked product ``A . B^T`` as the arrays compute it -> fp32 ``[R, C]``.

    ``aq`` int8 ``[R, KB, K]`` with exponents ``ae`` uint8 ``[R, KB]``; ``bq`` ``[C, KB, K]`` with
    ``be`` ``[C, KB]``; ``acc`` fp32 ``[R, C]`` to add to, or None: then the first block's product is
    the first value of the accumulator. One fp32 addition a block, blocks in ascending order.
    """
    a, b = np.asarray(aq), np.asarray(bq)
    ea, eb = np.asarray(ae), np.asarray(be)
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ValueError(f"aq {a.shape}, bq {b.shape}: need [R, KB, K] and [C, KB, K]")
    if ea.shape != a.shape[:2] or eb.shape != b.shape[:2]:
        raise ValueError(f"ae {ea.shape}, be {eb.shape}: need one exponent a block of aq, bq")
    if not 1 <= a.shape[2] <= K_MAX or a.shape[1] < 1:
        raise ValueError(f"block length {a.shape[2]} x {a.shape[1]} blocks: need 1..{K_MAX}, 1..")
    out = None if acc is None else as_fp32(acc, "acc")
    if out is not None and out.shape != (a.shape[0], b.shape[0]):
        raise ValueError(f"acc {out.shape}: need {(a.shape[0], b.shape[0])}")
    # Every partial sum is an integer of at most 2**24, hence exact in float32 whatever its order.
    fa = np.ascontiguousarray(a.transpose(1, 0, 2), dtype=np.float32)
    fb = np.ascontiguousarray(b.transpose(1, 2, 0), dtype=np.float32)
    if _all_normal(ea, eb, out):
        return _accumulate_normal(fa, ea, fb, eb, out)
    for block in range(a.shape[1]):
        sums = np.matmul(fa[block], fb[block]).astype(np.float64) + 0.0  # + 0.0: a zero sum is not -0
        part = fp64_to_fp32(sums * _scale(ea[:, block])[:, None] * _scale(eb[:, block])[None, :])
        out = part if out is None else fp32_add(out, part)
    if out is None:  # a.shape[1] >= 1, see above
        raise RuntimeError("no block was multiplied")
    return out


def _all_normal(ea: NDArray[np.integer], eb: NDArray[np.integer], acc: F32 | None) -> bool:
    """Whether every block product is a finite multiple of 2**-126, and the accumulator one too.

    Then no sum can be subnormal, and plain float32 arithmetic gives the defined result.
    """
    if ea.size == 0 or eb.size == 0:
        return False
    if min(ea.min(), eb.min()) < 70 or max(ea.max(), eb.max()) > 184:
        return False  # 2 * 70 - 266 = -126; 2 * 184 - 266 + 24 < 128
    if acc is None:
        return True
    mag = np.abs(acc)
    return bool(np.all((mag >= np.float32(2.0**-102)) | (mag == 0)))


def _accumulate_normal(fa: F32, ea: NDArray[np.integer], fb: F32, eb: NDArray[np.integer], acc: F32 | None) -> F32:
    sa, sb = _scale(ea).astype(np.float32), _scale(eb).astype(np.float32)
    out = acc
    with np.errstate(over="ignore", invalid="ignore"):
        for block in range(fa.shape[0]):
            part = np.matmul(fa[block], fb[block])
            part += np.float32(0)  # a zero sum is not -0
            part *= sa[:, block, None]
            part *= sb[None, :, block]
            out = part if out is None else out + part
    if out is None:
        raise RuntimeError("no block was multiplied")
    return fp32_canon(out)
