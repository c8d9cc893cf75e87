"""The second inference service: a small perceptron on the digits, trained here in float (a second's work,
deterministic).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from equinox_core.workloads.digits import CLASSES, SPLIT_SEED, digits_split
from equinox_core.workloads.mlp import initial_weights

HIDDEN = 64
STEPS = 400
BATCH = 128
RATE = 0.2


@lru_cache(maxsize=2)
def serving_weights(seed: int = SPLIT_SEED) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Weights float32 ([64, 64], [10, 64]) and biases ([64], [10]) after plain SGD on the split's training images."""
    split = digits_split(seed)
    x_all = split.train_images.reshape(-1, 64).astype(np.float64)
    y_all = np.eye(CLASSES)[split.train_labels]
    w1, w2 = (w.astype(np.float64) for w in initial_weights(seed, (64, HIDDEN, CLASSES)))
    b1, b2 = np.zeros(HIDDEN), np.zeros(CLASSES)
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        pick = rng.choice(len(x_all), BATCH, replace=False)
        x, y = x_all[pick], y_all[pick]
        h = np.maximum(x @ w1.T + b1, 0)
        z = h @ w2.T + b2
        p = np.exp(z - z.max(1, keepdims=True))
        d = (p / p.sum(1, keepdims=True) - y) / BATCH
        dh = (d @ w2) * (h > 0)
        w2 -= RATE * d.T @ h
        b2 -= RATE * d.sum(0)
        w1 -= RATE * dh.T @ x
        b1 -= RATE * dh.sum(0)
    return (w1.astype(np.float32), w2.astype(np.float32)), (b1.astype(np.float32), b2.astype(np.float32))


def to_payload(images: np.ndarray, lanes: int) -> np.ndarray:
    """Request payloads of images float[n, 8, 8]: all 64 pixels, uint16 bf16 [n, ceil(64/L), L]."""
    from equinox_core.numerics import bf16_from_float

    flat = np.zeros((len(images), -(-64 // lanes) * lanes), np.uint16)
    flat[:, :64] = bf16_from_float(np.asarray(images).reshape(-1, 64))
    return flat.reshape(len(images), -1, lanes)
