"""Operands of the arithmetic: special values of the formats, and pairs that meet their corners."""

from __future__ import annotations

import numpy as np


def special_bf16() -> np.ndarray:
    """bf16 patterns of every class and around every edge of the format."""
    edges = [
        0x0000,
        0x0001,
        0x007F,
        0x0080,
        0x0081,
        0x00FF,
        0x0100,
        0x2000,
        0x3400,
        0x3B80,
        0x3F00,
        0x3F7F,
        0x3F80,
        0x3F81,
        0x3FFF,
        0x4000,
        0x42FF,
        0x4300,
        0x4380,
        0x5F80,
        0x7E80,
        0x7F00,
        0x7F7E,
        0x7F7F,
        0x7F80,
        0x7F81,
        0x7FC0,
        0x7FFF,
    ]
    pos = np.array(edges, dtype=np.uint16)
    return np.concatenate([pos, pos | 0x8000])


def special_fp32() -> np.ndarray:
    """fp32 patterns: the bf16 ones with fractions ending in zeros, ones, ties and their neighbours."""
    top = special_bf16().astype(np.uint32) << 16
    return np.concatenate([top | low for low in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)])


def fp32_pairs(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """``n`` pairs of fp32 patterns (thirds: arbitrary, near exponents, near-cancelling), and the specials crossed."""
    k = n // 3
    a, b = rng.integers(0, 1 << 32, (2, n), dtype=np.uint32)
    exp = np.clip(((a[k:] >> 23) & 0xFF).astype(np.int64) + rng.integers(-28, 29, n - k), 0, 255)
    b[k:] = (b[k:] & 0x807FFFFF) | (exp << 23).astype(np.uint32)
    twin = a[2 * k :] ^ np.uint32(1 << 31)
    b[2 * k :] = twin ^ (
        rng.integers(0, 1 << 25, n - 2 * k, dtype=np.uint32) >> rng.integers(0, 26, n - 2 * k).astype(np.uint32)
    )
    s = special_fp32()
    return np.concatenate([a, np.repeat(s, s.size)]), np.concatenate([b, np.tile(s, s.size)])
