"""Training of the LSTM classifier by the HBFP8 reference: back-propagation through time as the core would do it.

All matrix products have HBFP8 operands (blocks of K along their contraction: features forward, gates backward, the
minibatch for weight gradients) and fp32 accumulators; elementwise work is bf16; master weights and Adam's moments are
fp32. The arithmetic is `equinox_core.numerics` itself, not an emulation, and every step of it has one defined result: a
seed gives the same parameters wherever the pinned numpy runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from equinox_core.numerics import (
    BF16_ONE,
    Act,
    act,
    bf16_add,
    bf16_max,
    bf16_mul,
    bf16_mul_fp32,
    bf16_sub,
    bf16_to_fp32,
    fp32_add,
    fp32_to_bf16,
    hbfp_matmul,
)
from equinox_core.workloads.digits import CLASSES, STEPS, Split
from equinox_core.workloads.lstm import HIDDEN, Params, accuracy, blocks, forward, param_shapes

K = 32
BATCH = 64
EPOCHS = 60
RATE = 0.008
PIXEL_NOISE = 0.1
_BETA1, _BETA2, _EPSILON = np.float32(0.9), np.float32(0.99), np.float32(1e-8)


def initial_params(seed: int, hidden: int = HIDDEN) -> Params:
    """float32 parameters: weights uniform in ±1/√(inputs), biases 0 but 1 for the forget gate."""
    rng = np.random.default_rng(seed)
    params: Params = {}
    for name, shape in param_shapes(hidden).items():
        if len(shape) == 2:
            limit = 1.0 / np.sqrt(shape[1] if name != "Wx" else shape[1] + hidden)
            params[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        else:
            params[name] = np.zeros(shape, np.float32)
    params["b"][hidden : 2 * hidden] = 1.0
    return params


def softmax_error(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Gradient of the cross entropy by the logits, bf16 [n, 10] = softmax - one-hot, and the mean loss (a measure,
    float64).
    """
    peak = logits[:, 0]
    for column in range(1, CLASSES):
        peak = bf16_max(peak, logits[:, column])
    e = act(Act.EXP, bf16_sub(logits, peak[:, None]))
    total = bf16_to_fp32(e[:, 0])
    for column in range(1, CLASSES):
        total = fp32_add(total, bf16_to_fp32(e[:, column]))
    prob = bf16_mul(e, act(Act.RECIP, fp32_to_bf16(total))[:, None])
    target = np.where(np.arange(CLASSES) == labels[:, None], np.uint16(BF16_ONE), np.uint16(0))
    real = bf16_to_fp32(logits).astype(np.float64)
    real -= real.max(axis=1, keepdims=True)
    loss = np.log(np.exp(real).sum(axis=1)) - real[np.arange(len(labels)), labels]
    return bf16_sub(prob, target), float(loss.mean())


def _product(a: np.ndarray, b: np.ndarray, k: int) -> np.ndarray:
    return hbfp_matmul(*blocks(a, k), *blocks(b, k))


def gradients(params: Params, x: np.ndarray, labels: np.ndarray, k: int = K) -> tuple[Params, float]:
    """float32 gradients of the summed cross entropy (shapes of `params`) and the mean loss.

    x is bf16 bit patterns uint16 [n, 8, 8], labels int [n]; n a multiple of k uses the blocks of the minibatch fully.
    """
    n, hidden = len(x), params["Wh"].shape[1]
    logits, steps = forward(params, x, k)
    d_logits, loss = softmax_error(logits, labels)
    ones = np.full((1, n), BF16_ONE, dtype=np.uint16)
    features = np.concatenate((steps[-1]["h"].T, ones))
    grad_d = _product(d_logits.T, features, k)
    wh_t = fp32_to_bf16(params["Wh"]).T
    dh = fp32_to_bf16(_product(d_logits, fp32_to_bf16(params["Wd"]).T, k))
    dc = zero = np.zeros((n, hidden), dtype=np.uint16)
    grad: np.ndarray | None = None
    for t in reversed(range(STEPS)):
        s = steps[t]
        before = steps[t - 1] if t else {"c": zero, "h": zero}
        through = bf16_mul(bf16_mul(dh, s["o"]), act(Act.DTANH, s["tc"]))
        dc = bf16_add(dc, through)
        dz = np.concatenate(
            (
                bf16_mul(bf16_mul(dc, s["g"]), act(Act.DSIGMOID, s["i"])),
                bf16_mul(bf16_mul(dc, before["c"]), act(Act.DSIGMOID, s["f"])),
                bf16_mul(bf16_mul(dc, s["i"]), act(Act.DTANH, s["g"])),
                bf16_mul(bf16_mul(dh, s["tc"]), act(Act.DSIGMOID, s["o"])),
            ),
            axis=1,
        )
        features = np.concatenate((x[:, t].T, before["h"].T, ones))
        grad = hbfp_matmul(*blocks(dz.T, k), *blocks(features, k), grad)
        if t:
            dh = fp32_to_bf16(_product(dz, wh_t, k))
            dc = fp32_to_bf16(bf16_mul_fp32(dc, s["f"]))
    if grad is None:
        raise ValueError("images without a row have no gradient: legal is 1 or more")
    inputs = x.shape[2]
    return {
        "Wx": grad[:, :inputs],
        "Wh": grad[:, inputs:-1],
        "b": grad[:, -1],
        "Wd": grad_d[:, :-1],
        "bd": grad_d[:, -1],
    }, loss


class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1) on fp32 arrays, in place."""

    def __init__(self, params: Params) -> None:
        self._m = {name: np.zeros_like(value) for name, value in params.items()}
        self._v = {name: np.zeros_like(value) for name, value in params.items()}
        self._power1 = self._power2 = np.float32(1.0)

    def update(self, params: Params, grads: Params, rate: float) -> None:
        """One step of size `rate` down `grads`."""
        one = np.float32(1.0)
        self._power1 *= _BETA1
        self._power2 *= _BETA2
        for name, g in grads.items():
            m, v = self._m[name], self._v[name]
            m += (one - _BETA1) * (g - m)
            v += (one - _BETA2) * (g * g - v)
            step = (m / (one - self._power1)) / (np.sqrt(v / (one - self._power2)) + _EPSILON)
            params[name] -= np.float32(rate) * step


def train(
    split: Split, seed: int, epochs: int = EPOCHS, report: Callable[[int, float, float], None] = lambda *_: None
) -> Params:
    """Train on the split's training images; float32 parameters whose values are exact in bf16.

    Every image gets fresh normal noise of standard deviation `PIXEL_NOISE` each time it is used, against over-fitting;
    the rate falls linearly to 0. `report(epoch, mean loss, held-out accuracy)` is called after each epoch; the test
    images are only measured, nothing is chosen by them.
    """
    params = initial_params(seed)
    adam = Adam(params)
    rng = np.random.default_rng(seed + 1)
    images = split.train_images
    per_epoch = len(images) // BATCH
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        losses = []
        for batch in range(per_epoch):
            chosen = order[batch * BATCH : (batch + 1) * BATCH]
            noise = rng.normal(0.0, PIXEL_NOISE, images[chosen].shape).astype(np.float32)
            grads, loss = gradients(params, fp32_to_bf16(images[chosen] + noise), split.train_labels[chosen])
            done = (epoch * per_epoch + batch) / (epochs * per_epoch)
            adam.update(params, grads, RATE * (1.0 - done))
            losses.append(loss)
        report(epoch, float(np.mean(losses)), accuracy(params, split.test_images, split.test_labels, K))
    return {name: bf16_to_fp32(fp32_to_bf16(value)) for name, value in params.items()}
