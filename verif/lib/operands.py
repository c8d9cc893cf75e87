"""Random operands of benches: bf16 and fp32 patterns that reach the edges of the formats."""

from __future__ import annotations

import numpy as np


def bf16_data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """bf16 patterns: lines of similar magnitude, values that repeat, special values, noise."""
    lines, lanes = shape
    exp = rng.integers(110, 140, (lines, 1)) + rng.integers(-9, 3, shape)
    raw = (rng.integers(0, 2, shape) << 15 | exp << 7 | rng.integers(0, 128, shape)).astype(np.uint16)
    kind = rng.integers(0, 20, (lines, 1))
    special = rng.choice(
        np.array([0, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF, 1, 0x807F, 0x80, 0x7F7F, 0x3F80], np.uint16), shape
    )
    raw = np.where((kind == 0) & (rng.random(shape) < 0.2), special, raw)
    raw = np.where(kind == 1, rng.integers(0, 1 << 16, shape).astype(np.uint16), raw)
    raw = np.where(kind == 2, raw & np.uint16(0xFF80), raw)  # powers of two
    raw = np.where((kind == 3) & (rng.random(shape) < 0.7), np.uint16(0), raw)
    return raw.astype(np.uint16)


def fp32_data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """fp32 patterns, made like :func:`bf16_data`, with ties of the rounding to bf16 among them."""
    low = rng.choice(np.array([0, 0x8000, 0x8001, 0x7FFF], np.uint32), shape)
    low = np.where(rng.random(shape) < 0.5, rng.integers(0, 1 << 16, shape).astype(np.uint32), low)
    return bf16_data(rng, shape).astype(np.uint32) << 16 | low
