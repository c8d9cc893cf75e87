"""A training step of a multi-layer perceptron, and its inference, in the arithmetic of the core.

For layers l = 1..n, a_0 = x: z_l = HBFP8(a_(l-1))·HBFP8(W_l)ᵀ + b_l in fp32 (a rounding a block, blocks ascending, then
the bias), a_l = relu(bf16 z_l). Softmax on bf16 values: z = bf16 z_n, e = exp(bf16(z - max z)), r = recip(bf16 of the
tree sum of e), d_n = e·r - y (product exact, difference in fp32; rounded to bf16 where it is used). d_(l-1) =
bf16(d_l·W_l), zero where a_(l-1) is not positive. W_l := W_l - rate·bf16(d_lᵀ·a_(l-1)), the product exact, the
difference in fp32. Every product has blocks along its contraction: inputs, outputs, minibatch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..numerics import (
    Act,
    act,
    bf16_max,
    bf16_mul,
    bf16_mul_fp32,
    bf16_sub,
    bf16_to_fp32,
    fp32_add,
    fp32_sub,
    fp32_to_bf16,
    hbfp_matmul,
    quantise,
    sgd_update,
)

U16 = NDArray[np.uint16]
F32 = NDArray[np.float32]


def product(a: U16, b: U16, k: int) -> F32:
    """``a·bᵀ`` of bf16 matrices ``[r, n]`` and ``[c, n]`` through HBFP8 blocks of ``k`` (n filled up with zeros)."""
    n = -(-a.shape[1] // k) * k

    def blocks(x: U16) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        full = np.zeros((len(x), n), np.uint16)
        full[:, : x.shape[1]] = x
        return quantise(full.reshape(len(x), -1, k))

    return hbfp_matmul(*blocks(a), *blocks(b))


def lane_sum(u: U16) -> U16:
    """Sum over the last axis (a power of two): fp32 adds of adjacent pairs as a tree, rounded to bf16."""
    tree = bf16_to_fp32(u)
    while tree.shape[-1] > 1:
        tree = fp32_add(tree[..., 0::2], tree[..., 1::2])
    return fp32_to_bf16(tree[..., 0])


def forward(weights: Sequence[F32], biases: Sequence[U16 | None], x: U16, k: int) -> tuple[list[U16], F32]:
    """Inputs of every layer (bf16, ``x`` first) and the last layer's output with bias (fp32)."""
    inputs = [x]
    for n, (w, bias) in enumerate(zip(weights, biases, strict=True)):
        z = product(inputs[-1], fp32_to_bf16(w), k)
        if bias is not None:
            z = fp32_add(z, bf16_to_fp32(bias))
        if n < len(weights) - 1:
            inputs.append(act(Act.RELU, fp32_to_bf16(z)))
    return inputs, z


def infer(weights: Sequence[F32], biases: Sequence[U16 | None], x: U16, k: int) -> U16:
    """Logits, bf16 ``[b, C]``, of features bf16 ``[b, F]``."""
    return fp32_to_bf16(forward(weights, biases, x, k)[1])


def softmax_error(z: F32, target: F32, lanes: int) -> F32:
    """Softmax minus target, fp32 ``[b, C]``; sums run over ``lanes`` lanes, those beyond C being zero."""
    logits = fp32_to_bf16(z)
    peak = logits[:, 0]
    for column in logits.T[1:]:
        peak = bf16_max(peak, column)
    e = act(Act.EXP, bf16_sub(logits, peak[:, None]))
    full = np.zeros((len(e), lanes), np.uint16)
    full[:, : e.shape[1]] = e
    scale = act(Act.RECIP, lane_sum(full))
    return fp32_sub(bf16_mul_fp32(e, scale[:, None]), target)


def train_step(
    weights: list[F32], biases: Sequence[U16 | None], x: U16, target: F32, rate: int, k: int, lanes: int
) -> tuple[list[F32], F32]:
    """One step; returns the new master weights and softmax minus target (fp32 ``[b, C]``).

    weights fp32 ``[outputs, inputs]``, biases bf16 or None, x bf16 ``[b, F]``, target fp32 ``[b, C]``, rate the bf16
    pattern that multiplies the summed gradient.
    """
    inputs, z = forward(weights, biases, x, k)
    error = softmax_error(z, target, lanes)
    d = fp32_to_bf16(error)
    new = list(weights)
    for n in reversed(range(len(weights))):
        gradient = product(d.T, inputs[n].T, k)
        new[n] = sgd_update(weights[n], np.uint16(rate), fp32_to_bf16(gradient))
        if n:
            back = fp32_to_bf16(product(d, fp32_to_bf16(weights[n]).T, k))
            d = bf16_mul(act(Act.DRELU, inputs[n]), back)
    return new, error
