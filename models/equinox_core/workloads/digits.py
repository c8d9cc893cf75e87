"""The scikit-learn digits: 1,797 images of 8×8 pixels with values 0..16, ten classes.
The data come with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from equinox_core.numerics import bf16_from_float

STEPS = 8
"""Time steps of an image read row by row."""
FEATURES = 8
"""Pixels of a row."""
CLASSES = 10
TEST_IMAGES = 360
SPLIT_SEED = 2021
"""The split that the shipped parameters were trained with; its test images were not seen in training."""
PIXEL_SCALE = np.float32(1 / 16)


@dataclass(frozen=True)
class Split:
    """float32 images [n, 8, 8] in 0..1 (multiples of 1/16, so exact in bf16) and int64 labels [n] in 0..9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@lru_cache(maxsize=1)
def _all_digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # takes a second to import

    data = load_digits()
    return data.images.astype(np.float32) * PIXEL_SCALE, data.target.astype(np.int64)


def digits_split(seed: int = SPLIT_SEED) -> Split:
    """1,437 training and 360 test images, drawn by a permutation that `seed` decides."""
    images, labels = _all_digits()
    order = np.random.default_rng(seed).permutation(len(images))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    return Split(images[train], labels[train], images[test], labels[test])


def lines_per_step(lanes: int) -> int:
    """Request lines that one row of an image takes on a core of `lanes` (L) lanes."""
    return -(-FEATURES // lanes)


def to_payload(images: np.ndarray, lanes: int) -> np.ndarray:
    """Request payloads of images float[n, 8, 8] for a core of L = `lanes` lanes: bf16 bit patterns, uint16[n, lines,
    L].

    A row of the image takes ceil(8/L) lines, its first pixel in lane 0 of the first; lanes beyond the row are zero.
    """
    x = np.asarray(images)
    if x.ndim != 3 or x.shape[1:] != (STEPS, FEATURES):
        raise ValueError(f"images have shape {x.shape}; legal is (n, {STEPS}, {FEATURES})")
    if lanes < 1:
        raise ValueError(f"lanes is {lanes}; legal is 1 or more")
    per_step = lines_per_step(lanes)
    padded = np.zeros((len(x), STEPS, per_step * lanes), dtype=np.uint16)
    padded[:, :, :FEATURES] = bf16_from_float(x)
    return padded.reshape(len(x), STEPS * per_step, lanes)
