"""Shorthand for VECTOR operands and for HBFP8 weights laid out as tiles."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import Config
from ..isa.encoding import Act, Combine, Conv, ConvDst, Dst, Red, Src
from ..numerics import bf16_from_float, quantise
from .builder import Builder

Blocks = tuple[NDArray[np.int8], NDArray[np.uint8]]
DYN = -1
"""As a count of :func:`vector`: the batch's valid rows."""


class At(NamedTuple):
    """An operand: space and affine address ``base + o·so + i·si``."""

    sp: int
    base: int = 0
    so: int = 0
    si: int = 0


def vector(
    out: Builder,
    outer: int,
    inner: int,
    a: At,
    *,
    b: At | None = None,
    c: At | None = None,
    d: At | None = None,
    r: At | None = None,
    rows: At | None = None,
    cols: At | None = None,
    p_neg: bool = False,
    c_neg: bool = False,
    combine: Combine = Combine.ADD,
    act: Act = Act.NONE,
    red: Red = Red.NONE,
) -> int:
    """Append a VECTOR of ``outer`` segments of ``inner`` lines (either may be DYN).

    ``rows`` or ``cols`` is the converter's target (a space of ``ConvDst``) and mode.
    """
    fields: dict[str, int] = {}
    for name, at in (("a", a), ("b", b), ("c", c), ("d", d), ("r", r)):
        if at is not None:
            fields |= {f"{name}_sp": at.sp, f"{name}_base": at.base, f"{name}_so": at.so, f"{name}_si": at.si}
    target = rows or cols
    if target is not None:
        fields |= {
            "v_mode": Conv.ROWS if rows else Conv.COLS,
            "v_sp": target.sp,
            "v_base": target.base,
            "v_so": target.so,
            "v_si": target.si,
        }
    return out.vector(
        cnt_o=max(outer, 0),
        cnt_i=max(inner, 0),
        dyn_o=outer == DYN,
        dyn_i=inner == DYN,
        p_neg=p_neg,
        c_neg=c_neg,
        combine=combine,
        act=act,
        red=red,
        **fields,
    )


def up(value: int, unit: int) -> int:
    """``value`` rounded up to a multiple of ``unit``."""
    return -(-value // unit) * unit


def padded(x: ArrayLike, *shape: int) -> NDArray[Any]:
    """``x`` filled up with zeros to ``shape``."""
    arr = np.asarray(x)
    out = np.zeros(shape, arr.dtype)
    out[tuple(slice(n) for n in arr.shape)] = arr
    return out


def tiles(weights: ArrayLike, cfg: Config) -> Blocks:
    """Real weights ``[rows, contraction]`` as WGTD blocks in the order [k-block][row].

    Both dimensions are filled up with zeros: rows to L, the contraction to K. Tile (g, k) starts at block
    ``(k·rows + g·L)`` of the result.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 2 or not np.isfinite(w).all():
        raise ValueError(f"weights {w.shape}: need finite numbers [rows, contraction]")
    rows, depth = up(w.shape[0], cfg.L), up(w.shape[1], cfg.K)
    q, e = quantise(bf16_from_float(padded(w, rows, depth)).reshape(rows, depth // cfg.K, cfg.K))
    return np.ascontiguousarray(q.transpose(1, 0, 2)).reshape(-1, cfg.K), np.ascontiguousarray(e.T).ravel()


def join(*parts: Blocks) -> Blocks:
    """Blocks one after another."""
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def bias_lines(bias: ArrayLike, cfg: Config, fill: float = 0.0) -> NDArray[np.uint16]:
    """Real biases ``[n]`` as bf16 lines ``[ceil(n/L), L]``; lanes beyond n hold ``fill``."""
    b = np.asarray(bias, dtype=np.float64).ravel()
    full = np.full(up(b.size, cfg.L), fill)
    full[: b.size] = b
    return bf16_from_float(full).reshape(-1, cfg.L)


ACC, VEC, CST, STG, RXB, IMM = Src.ACC, Src.VEC, Src.CST, Src.STG, Src.RXB, Src.IMM
TO_VEC, TO_TXB, TO_SOF = Dst.VEC, Dst.TXB, Dst.SOF
TO_ACTC, TO_WGTC, TO_SOB = ConvDst.ACTC, ConvDst.WGTC, ConvDst.SOB
