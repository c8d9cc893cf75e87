"""Layout of HBFP8 blocks and fp32 lines in DRAM (docs/isa.md, LOAD and STORE), packed and unpacked with numpy.

A run of ``n`` blocks is a sequence of panels: one beat of K exponent bytes (unused ones zero), then the mantissas of up
to K blocks, K bytes a block.  A run of lines is L little-endian fp32 words a line, lane 0 first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def _check_size(name: str, value: int) -> None:
    if value < 1 or value & (value - 1):
        raise ValueError(f"{name} = {value}: must be a power of two")


def block_beats(n: int, k: int) -> int:
    """Beats (of ``k`` bytes) of a run of ``n`` blocks: the blocks and one beat of exponents a panel."""
    _check_size("K", k)
    if n < 0:
        raise ValueError(f"n = {n}: a run cannot have a negative length")
    return n + -(-n // k)


def line_beats(n: int, lanes: int, k: int) -> int:
    """Beats (of ``k`` bytes) of a run of ``n`` fp32 lines of ``lanes`` lanes."""
    _check_size("K", k)
    if n < 0 or lanes < 1 or 4 * lanes % k:
        raise ValueError(f"n = {n}, L = {lanes}, K = {k}: a line must be a whole number of beats")
    return n * 4 * lanes // k


def pack_blocks(mant: NDArray[np.int8], exp: NDArray[np.uint8]) -> U8:
    """Bytes of a run of blocks.

    Args:
        mant: mantissas, int8 [n, K].
        exp: exponents, uint8 [n].

    Returns:
        uint8 [block_beats(n, K) * K].

    Raises:
        ValueError: shapes or types do not fit.
    """
    mant, exp = np.asarray(mant), np.asarray(exp)
    if mant.dtype != np.int8 or exp.dtype != np.uint8:
        raise ValueError(f"mantissas must be int8 and exponents uint8, not {mant.dtype} and {exp.dtype}")
    if mant.ndim != 2 or exp.shape != mant.shape[:1]:
        raise ValueError(f"mantissas [n, K] and exponents [n] expected, not {mant.shape} and {exp.shape}")
    n, k = mant.shape
    beats = np.zeros((block_beats(n, k), k), np.uint8)
    for panel, first in enumerate(range(0, n, k)):
        size = min(k, n - first)
        head = panel * (k + 1)
        beats[head, :size] = exp[first : first + size]
        beats[head + 1 : head + 1 + size] = mant[first : first + size].view(np.uint8)
    return beats.reshape(-1)


def unpack_blocks(data: U8, n: int, k: int) -> tuple[NDArray[np.int8], U8]:
    """Inverse of :func:`pack_blocks`: (int8 [n, K], uint8 [n]); unused exponent bytes are ignored.

    Raises:
        ValueError: ``data`` has not exactly the bytes of ``n`` blocks.
    """
    data = np.asarray(data, np.uint8)
    if data.shape != (block_beats(n, k) * k,):
        raise ValueError(f"{n} blocks of {k} take {block_beats(n, k) * k} bytes, not {data.shape}")
    beats = data.reshape(-1, k)
    index = np.arange(n)
    mant = beats[index + index // k + 1].view(np.int8)
    exp = beats[index // k * (k + 1), index % k]
    return mant, exp


def pack_lines(lines: NDArray[np.float32] | NDArray[np.uint32]) -> U8:
    """Bytes of fp32 lines given as float32, or as their uint32 bit patterns, [n, L].

    Raises:
        ValueError: wrong shape or type.
    """
    given: NDArray[Any] = np.asarray(lines)
    if given.ndim != 2 or given.dtype not in (np.dtype(np.float32), np.dtype(np.uint32)):
        raise ValueError(f"float32 or uint32 [n, L] expected, not {given.dtype} {given.shape}")
    return given.view(np.uint32).astype("<u4").reshape(-1).view(np.uint8)


def unpack_lines(data: U8, n: int, lanes: int) -> NDArray[np.uint32]:
    """Inverse of :func:`pack_lines`: the bit patterns, uint32 [n, L] (``.view(np.float32)`` for values).

    Raises:
        ValueError: ``data`` has not exactly the bytes of ``n`` lines.
    """
    data = np.ascontiguousarray(data, np.uint8)
    if data.shape != (4 * n * lanes,):
        raise ValueError(f"{n} lines of {lanes} lanes take {4 * n * lanes} bytes, not {data.shape}")
    return data.view("<u4").astype(np.uint32).reshape(n, lanes)
