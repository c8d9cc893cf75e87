"""Training workload: a multi-layer perceptron on the digits, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equinox_core.numerics import bf16_to_fp32, fp32_to_bf16
from equinox_core.workloads.digits import CLASSES, SPLIT_SEED, Split, digits_split

FEATURES = 64
"""61 pixels that are not the same in all images, one constant 1 (the first layer's bias), two zeros."""
HIDDEN = 128


@dataclass(frozen=True)
class TrainingSet:
    """Minibatches in the order in which training visits them, over and over.

    features  float32 [batches, B, 64], exact in bf16, 0..1
    targets   float32 [batches, B, 10], one-hot
    labels    int64 [batches, B]
    pixels    int64 [61], indices of the pixels (row·8 + column) that are features 0..60; feature 61 is the constant 1
    """

    features: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    pixels: np.ndarray


def informative_pixels(split: Split) -> np.ndarray:
    """Indices, ascending int64, of the pixels that are not the same in all images of both parts of the split."""
    every = np.concatenate((split.train_images, split.test_images)).reshape(-1, 64)
    return np.flatnonzero(np.ptp(every, axis=0) > 0)


def to_features(images: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Features float32 [n, 64] of images float [n, 8, 8]: the chosen pixels, a constant 1, zeros."""
    features = np.zeros((len(images), FEATURES), np.float32)
    features[:, : pixels.size] = images.reshape(-1, 64)[:, pixels]
    features[:, pixels.size] = 1.0
    return features


def digits_training_set(batch: int, seed: int = 1, split_seed: int = SPLIT_SEED) -> TrainingSet:
    """The split's 1,437 training images, shuffled by `seed` and cut into minibatches of `batch`;
    the rest is left out.
    """
    split = digits_split(split_seed)
    if not 1 <= batch <= len(split.train_images):
        raise ValueError(f"batch is {batch}; legal is 1 to {len(split.train_images)} (the training images)")
    pixels = informative_pixels(split)
    count = len(split.train_images) // batch
    order = np.random.default_rng(seed).permutation(len(split.train_images))[: count * batch].reshape(count, batch)
    labels = split.train_labels[order]
    features = to_features(split.train_images, pixels)[order]
    targets = (labels[:, :, None] == np.arange(CLASSES)).astype(np.float32)
    return TrainingSet(features, targets, labels, pixels)


def initial_weights(
    seed: int = 1, sizes: tuple[int, ...] = (FEATURES, HIDDEN, CLASSES), lanes: int = 1
) -> list[np.ndarray]:
    """Weights before training: for each layer float32 [outputs, inputs], values exact in bf16.

    Normal with variance 2/inputs (He et al., 2015) for layers before a ReLU and 1/inputs for the last. The outputs of
    every layer are filled up with zero rows to a multiple of `lanes`, and the next layer's inputs with zero columns, so
    equal seeds give equal networks for every `lanes`.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {sizes}; legal are two or more layer widths of 1 or more")
    if lanes < 1:
        raise ValueError(f"lanes is {lanes}; legal is 1 or more")
    rng = np.random.default_rng(seed)
    weights = []
    for layer, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        gain = 1.0 if layer == len(sizes) - 2 else 2.0
        values = rng.normal(0.0, np.sqrt(gain / inputs), (outputs, inputs)).astype(np.float32)
        padded_inputs = inputs if layer == 0 else -(-inputs // lanes) * lanes
        padded = np.zeros((-(-outputs // lanes) * lanes, padded_inputs), np.float32)
        padded[:outputs, :inputs] = bf16_to_fp32(fp32_to_bf16(values))
        weights.append(padded)
    return weights
