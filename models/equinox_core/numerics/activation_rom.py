"""The tables behind the activation functions, fitted here and nowhere else.

One piecewise-linear unit serves exp, sigmoid and tanh: ``v = base -/+ (slope * dx >> 5)`` in units of
2**-13 over segments of 256 steps of ``dx``. Reciprocal has a direct table of significands.

Segments
    0..95    ``2**n * sigmoid(-u * ln 2)`` for ``u = n + f``: index ``8*n + f[10:8]``, n = 0..11
    96..103  ``2**-f``: what the above tends to, used by sigmoid for n >= 12 and by exp; index ``96 + f[10:8]``
    104..159 ``tanh(x) / 2**e`` for ``x = 2**e * 1.m``, e = -5..1: index ``104 + 8*(e+5) + m[6:4]``

The first two groups fall (base minus), the third one rises (base plus).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FRAC_BITS = 13  # v is in units of 2**-13
SLOPE_SHIFT = 5
DX_BITS = 8
BASE_WIDTH = 14
SLOPE_WIDTH = 8
LOG2E_BITS = 17
LOG2E = 189097  # round(2**17 * log2(e))
SIG_ROWS = 12
EXP_SEG = 8 * SIG_ROWS
TANH_SEG = EXP_SEG + 8
TANH_EXP_MIN = -5
TANH_ROWS = 7
SEGMENTS = TANH_SEG + 8 * TANH_ROWS

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class ActRom:
    """``base`` and ``slope`` of every segment and ``recip`` significand fractions (128 entries)."""

    base: I64
    slope: I64
    recip: I64

    def bits(self) -> int:
        """ROM bits one lane holds."""
        return SEGMENTS * (BASE_WIDTH + SLOPE_WIDTH) + 128 * 7


def interpolate(base: I64, slope: I64, dx: I64, rising: NDArray[np.bool_]) -> I64:
    """The unit's arithmetic, all integers: ``base`` plus or minus ``slope * dx >> 5``."""
    step = (slope * dx) >> SLOPE_SHIFT
    return np.where(rising, base + step, base - step)


def _fit(dx: I64, target: NDArray[np.float64], rising: bool) -> tuple[int, int]:
    """Integers (base, slope) with the least maximal error against ``target`` (units of 2**-13)."""
    sign = 1 if rising else -1
    chord = sign * (target[-1] - target[0]) / (dx[-1] - dx[0]) * (1 << SLOPE_SHIFT)
    best: tuple[float, int, int] | None = None
    for slope in range(max(0, int(chord) - 2), int(chord) + 4):
        rest = target - sign * ((slope * dx) >> SLOPE_SHIFT)
        base = int(np.rint((rest.max() + rest.min()) / 2))
        err = float(np.abs(rest - base).max())
        if best is None or err < best[0] - 1e-9:
            best = (err, base, slope)
    if best is None:
        raise RuntimeError("no slope was tried")
    return best[1], best[2]


@lru_cache(maxsize=1)
def act_rom() -> ActRom:
    """The fitted tables (deterministic)."""
    one = float(1 << FRAC_BITS)
    fits: list[tuple[int, int]] = []
    dx = np.arange(1 << DX_BITS, dtype=np.int64)
    for n in range(SIG_ROWS):
        for seg in range(8):
            u = n + (seg * 256 + dx) / 2048.0
            fits.append(_fit(dx, one * 2.0**n / (1.0 + np.exp2(u)), False))
    for seg in range(8):
        fits.append(_fit(dx, one * np.exp2(-(seg * 256 + dx) / 2048.0), False))
    dx = np.arange(0, 1 << DX_BITS, 16, dtype=np.int64)  # tanh: the four low fraction bits, times 16
    for row in range(TANH_ROWS):
        scale = 2.0 ** (TANH_EXP_MIN + row)
        for seg in range(8):
            x = scale * (1.0 + (seg * 16 + dx / 16) / 128.0)
            fits.append(_fit(dx, one * np.tanh(x) / scale, True))
    base = np.array([f[0] for f in fits], dtype=np.int64)
    slope = np.array([f[1] for f in fits], dtype=np.int64)
    if base.min() < 0 or base.max() >= 1 << BASE_WIDTH or slope.max() >= 1 << SLOPE_WIDTH:
        raise RuntimeError("activation ROM does not fit its fields")
    frac = np.arange(128)
    recip = np.rint(128.0 * 256.0 / (128.0 + frac)).astype(np.int64) - 128
    recip[0] = 0  # 1/1 = 1: the exponent, not the fraction, carries it
    return ActRom(base, slope, recip)
