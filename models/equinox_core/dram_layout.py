"""Layout of HBFP8 blocks and fp32 lines in DRAM (docs/isa.md, LOAD and STORE), packed and unpacked with numpy.

A beat is ``bus`` bytes.  A run of ``n`` blocks is a sequence of panels: one beat of exponent bytes (unused ones zero),
then the mantissas of up to ``bus`` blocks, K bytes (one or more beats) a block.  A run of lines is L little-endian fp32
words a line, lane 0 first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def _check_size(name: str, value: int) -> None:
    if value < 1 or value & (value - 1):
        raise ValueError(f"{name} = {value}: must be a power of two")


def block_beats(n: int, k: int, bus: int) -> int:
    """Beats of a run of ``n`` blocks: those of the blocks, and one of exponents a panel."""
    _check_size("K", k)
    _check_size("bus", bus)
    if n < 0 or k % bus:
        raise ValueError(f"n = {n}, K = {k}, bus = {bus}: a run is some blocks, a block some beats")
    return n * (k // bus) + -(-n // bus)


def line_beats(n: int, lanes: int, bus: int) -> int:
    """Beats of a run of ``n`` fp32 lines of ``lanes`` lanes."""
    _check_size("bus", bus)
    if n < 0 or lanes < 1 or 4 * lanes % bus:
        raise ValueError(f"n = {n}, L = {lanes}, bus = {bus}: a line must be a whole number of beats")
    return n * 4 * lanes // bus


def pack_blocks(mant: NDArray[np.int8], exp: NDArray[np.uint8], bus: int) -> U8:
    """Bytes of a run of blocks.

    Args:
        mant: mantissas, int8 [n, K].
        exp: exponents, uint8 [n].
        bus: bytes a beat.

    Returns:
        uint8 [block_beats(n, K, bus) * bus].

    Raises:
        ValueError: shapes or types do not fit.
    """
    mant, exp = np.asarray(mant), np.asarray(exp)
    if mant.dtype != np.int8 or exp.dtype != np.uint8:
        raise ValueError(f"mantissas must be int8 and exponents uint8, not {mant.dtype} and {exp.dtype}")
    if mant.ndim != 2 or exp.shape != mant.shape[:1]:
        raise ValueError(f"mantissas [n, K] and exponents [n] expected, not {mant.shape} and {exp.shape}")
    n, k = mant.shape
    beats = np.zeros((block_beats(n, k, bus), bus), np.uint8)
    for panel, first in enumerate(range(0, n, bus)):
        size = min(bus, n - first)
        head = panel * (k + 1)
        beats[head, :size] = exp[first : first + size]
        beats[head + 1 : head + 1 + size * (k // bus)] = mant[first : first + size].view(np.uint8).reshape(-1, bus)
    return beats.reshape(-1)


def unpack_blocks(data: U8, n: int, k: int, bus: int) -> tuple[NDArray[np.int8], U8]:
    """Inverse of :func:`pack_blocks`: (int8 [n, K], uint8 [n]); unused exponent bytes are ignored.

    Raises:
        ValueError: ``data`` has not exactly the bytes of ``n`` blocks.
    """
    data = np.asarray(data, np.uint8)
    size = block_beats(n, k, bus) * bus
    if data.shape != (size,):
        raise ValueError(f"{n} blocks of {k} take {size} bytes, not {data.shape}")
    beats, index = data.reshape(-1, bus), np.arange(n)
    mant = beats[block_places(n, k, bus)].reshape(n, k).view(np.int8)
    exp = beats[index // bus * (k + 1), index % bus]
    return mant, exp


def block_places(n: int, k: int, bus: int) -> NDArray[np.int64]:
    """Where the mantissas of a run of ``n`` blocks are, in beats from its begin: ``[n * beats a block]``."""
    beat = np.arange(n * (k // bus))
    return beat + beat // k + 1


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
