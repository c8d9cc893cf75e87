"""Activation functions bf16 -> bf16, defined in integers so that hardware equals them bit for bit.

``docs/numerics.md`` states each function; ``activation_rom.py`` holds the tables. ``act_define``
evaluates a definition; ``act`` looks its 65,536 results up in a table made from it on first use.
NaN gives NaN, and a subnormal input reads as the zero of its sign, in every function.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..isa.encoding import Act
from .activation_rom import (
    DX_BITS,
    EXP_SEG,
    FRAC_BITS,
    LOG2E,
    LOG2E_BITS,
    SIG_ROWS,
    TANH_EXP_MIN,
    TANH_ROWS,
    TANH_SEG,
    act_rom,
    interpolate,
)
from .formats import BF16_INF, BF16_NAN, BF16_ONE, U16, as_bf16

I64 = NDArray[np.int64]

_U_BITS = 11  # fraction bits of u = |x| * log2(e): 3 choose the segment, 8 are dx
_BIAS = 127
_EXP_HUGE = 7  # |x| >= 2**7: exp and sigmoid have saturated


def _split(x: U16) -> tuple[I64, I64, I64]:
    """Sign, biased exponent and fraction."""
    bits = x.astype(np.int64)
    return bits >> 15, (bits >> 7) & 0xFF, bits & 0x7F


def _pack(sign: I64, biased: I64, value: I64, frac_bits: int = FRAC_BITS) -> U16:
    """Round ``value * 2**(biased - 127 - frac_bits)`` to bf16, halves up.

    Overflow gives infinity; a biased exponent below 1 (before rounding) or value 0 gives zero.
    """
    safe = np.maximum(value, 1)
    top = np.frexp(safe.astype(np.float64))[1].astype(np.int64) - 1  # position of the leading one
    exp = biased + top - frac_bits
    up = np.maximum(7 - top, 0)
    down = np.maximum(top - 7, 0)
    half = np.where(down > 0, np.int64(1) << np.maximum(down - 1, 0), 0)
    sig = ((safe << up) + half) >> down
    carry = sig >> 8
    bits: NDArray[np.int64] = ((exp + carry) << 7) | np.where(carry > 0, 0, sig & 0x7F)
    bits = np.where(exp + carry >= 255, BF16_INF, bits)
    bits = np.where((exp < 1) | (value == 0), 0, bits)
    return (bits | (sign << 15)).astype(np.uint16)


def _log2e_product(exp: I64, frac: I64) -> I64:
    """``|x| * log2(e)`` in units of 2**-11, rounded half up; 0 below |x| = 2**-12."""
    e = exp - _BIAS
    shift = np.clip(LOG2E_BITS + 7 - 1 - _U_BITS - e, 0, 63)
    return (((((128 + frac) * LOG2E) >> shift) + 1) >> 1) * (e >= -12)


def _pwl(seg: I64, dx: I64) -> I64:
    rom = act_rom()
    return interpolate(rom.base[seg], rom.slope[seg], dx, seg >= TANH_SEG)


def _exp(x: U16) -> U16:
    sign, exp, frac = _split(x)
    u = _log2e_product(np.minimum(exp, _BIAS + _EXP_HUGE), frac)
    u = np.where(sign == 1, u, -u)  # exp(x) = 2**-u
    n, f = u >> _U_BITS, u & ((1 << _U_BITS) - 1)
    out = _pack(np.zeros_like(n), _BIAS - n, _pwl(EXP_SEG + (f >> DX_BITS), f & 0xFF))
    huge = exp >= _BIAS + _EXP_HUGE
    return np.where(huge, np.where(sign == 1, 0, BF16_INF), out).astype(np.uint16)


def _sigmoid(x: U16) -> U16:
    sign, exp, frac = _split(x)
    u = _log2e_product(np.minimum(exp, _BIAS + _EXP_HUGE), frac)
    n, f = u >> _U_BITS, u & ((1 << _U_BITS) - 1)
    v = _pwl(8 * np.minimum(n, SIG_ROWS) + (f >> DX_BITS), f & 0xFF)  # 2**n * sigmoid(-|x|)
    v_pos = (1 << FRAC_BITS) - (v >> np.minimum(n, 15))
    zero = np.zeros_like(n)
    out = np.where(sign == 1, _pack(zero, _BIAS - n, v), _pack(zero, zero + _BIAS, v_pos))
    huge = exp >= _BIAS + _EXP_HUGE
    return np.where(huge, np.where(sign == 1, 0, BF16_ONE), out).astype(np.uint16)


def _tanh(x: U16) -> U16:
    sign, exp, frac = _split(x)
    row = exp - _BIAS - TANH_EXP_MIN
    seg = TANH_SEG + 8 * np.clip(row, 0, TANH_ROWS - 1) + (frac >> 4)
    out = _pack(sign, exp, _pwl(seg, (frac & 15) << 4))
    out = np.where(row < 0, x, out)  # |x| < 2**-5: tanh(x) = x to a fraction of an ulp
    return np.where(row >= TANH_ROWS, (sign << 15) | BF16_ONE, out).astype(np.uint16)


def _recip(x: U16) -> U16:
    sign, exp, frac = _split(x)
    out_exp = 254 - exp - (frac != 0)
    mag = np.where(out_exp < 1, 0, (out_exp << 7) | act_rom().recip[frac])
    out: NDArray[np.int64] = (sign << 15) | np.where(exp == 0, BF16_INF, np.where(exp == 255, 0, mag))
    return out.astype(np.uint16)


def _dsigmoid(y: U16) -> U16:
    _, exp, frac = _split(y)
    sig = np.where(exp == 0, 0, 128 + frac)
    # 1 - y in units of 2**-11 (rounded half up; exact for y >= 1/2), then one product, rounded once.
    twice = (128 + frac) << 5 >> np.clip(_BIAS - exp, 0, 20)
    rest = np.maximum((1 << 11) - ((twice + 1) >> 1), 0)
    out = _pack(np.zeros_like(exp), exp, sig * rest, 18)
    domain = (y <= BF16_ONE) | (y == 0x8000)
    return np.where(domain, out, BF16_NAN).astype(np.uint16)


def _dtanh(y: U16) -> U16:
    _, exp, frac = _split(y)
    # 1 - y*y in units of 2**-24, exact for |y| >= 2**-5; below, 1 - y*y rounds to 1.
    shift = np.clip(2 * (exp - _BIAS) + 10, 0, 10)
    square = np.where(exp < _BIAS - 5, 0, (128 + frac) ** 2 << shift)
    rest = np.maximum((1 << 24) - square, 0)
    # No bf16 y puts 1 - y*y on a rounding tie that halves-up and ties-to-even settle differently.
    out = _pack(np.zeros_like(exp), np.full_like(exp, _BIAS), rest, 24)
    return np.where((y & 0x7FFF) <= BF16_ONE, out, BF16_NAN).astype(np.uint16)


def _positive(x: U16) -> NDArray[np.bool_]:
    positive: NDArray[np.bool_] = (x != 0) & (x < 0x8000)
    return positive


_DEFINITION = {
    Act.NONE: lambda x: x,
    Act.RELU: lambda x: np.where(_positive(x), x, np.uint16(0)),
    Act.SIGMOID: _sigmoid,
    Act.TANH: _tanh,
    Act.EXP: _exp,
    Act.RECIP: _recip,
    Act.DRELU: lambda x: np.where(_positive(x), np.uint16(BF16_ONE), np.uint16(0)),
    Act.DSIGMOID: _dsigmoid,
    Act.DTANH: _dtanh,
}


def _as_act(fn: int) -> Act:
    try:
        return Act(int(fn))
    except ValueError:
        raise ValueError(f"fn: {fn} is no activation function (0..{max(Act)})") from None


def act_define(fn: int, x: ArrayLike) -> U16:
    """Evaluate function ``fn`` (an ``Act``) on bf16 patterns by its definition (slow)."""
    func = _DEFINITION[_as_act(fn)]
    raw = as_bf16(x, "x")
    exp = raw & np.uint16(0x7F80)
    flushed = np.where(exp == 0, raw & np.uint16(0x8000), raw)
    nan = (exp == 0x7F80) & ((raw & np.uint16(0x7F)) != 0)
    out = func(np.where(nan, np.uint16(0), flushed))
    return np.where(nan, np.uint16(BF16_NAN), out).astype(np.uint16)


@cache
def act_table(fn: int) -> U16:
    """All 65,536 results of ``fn``, indexed by the input's bit pattern (read-only)."""
    table = act_define(fn, np.arange(1 << 16, dtype=np.uint16))
    table.setflags(write=False)
    return table


def act(fn: int, x: ArrayLike) -> U16:
    """Apply activation ``fn`` (an ``Act`` or its number) to bf16 patterns; ValueError if unknown."""
    return act_table(_as_act(fn))[as_bf16(x, "x")]
