"""Workloads: the digits, the LSTM's exact inference and training, the MLP's training set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from equinox_core.numerics import bf16_from_float, bf16_to_fp32, fp32_to_bf16
from equinox_core.workloads import mlp
from equinox_core.workloads.digits import STEPS, digits_split, to_payload
from equinox_core.workloads.lstm import accuracy, classify, forward, infer, load_params, param_shapes
from equinox_core.workloads.lstm_train import Adam, gradients, initial_params, softmax_error

ROOT = Path(__file__).resolve().parents[2]


def test_split() -> None:
    split, again, other = digits_split(), digits_split(), digits_split(5)
    assert split.train_images.shape == (1437, 8, 8) and split.test_images.shape == (360, 8, 8)
    assert np.array_equal(split.test_images, again.test_images) and not np.array_equal(
        split.test_images, other.test_images
    )
    assert set(split.test_labels) == set(range(10))
    train = {image.tobytes() for image in split.train_images}
    assert not any(image.tobytes() in train for image in split.test_images)


@pytest.mark.parametrize(("lanes", "lines"), [(1, 64), (3, 24), (4, 16), (8, 8), (16, 8), (32, 8)])
def test_payload(lanes: int, lines: int) -> None:
    images = digits_split().test_images[:5]
    payload = to_payload(images, lanes)
    assert payload.shape == (5, lines, lanes) and payload.dtype == np.uint16
    rows = bf16_to_fp32(payload).reshape(5, STEPS, -1)
    assert np.array_equal(rows[:, :, :8], images) and not rows[:, :, 8:].any()


def test_bad_payload() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 64\); legal is \(n, 8, 8\)"):
        to_payload(np.zeros((2, 64)), 16)
    with pytest.raises(ValueError, match="lanes is 0"):
        to_payload(np.zeros((2, 8, 8)), 0)


@pytest.mark.parametrize("k", [8, 32, 64])
def test_shipped_accuracy(k: int) -> None:
    split, params = digits_split(), load_params()
    assert accuracy(params, split.test_images, split.test_labels, k) >= 0.95


def test_shipped_params_are_bf16() -> None:
    for name, value in load_params().items():
        assert np.array_equal(bf16_to_fp32(fp32_to_bf16(value)), value), name


def test_bad_params(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such parameter file"):
        load_params(tmp_path / "absent.npz")
    path = tmp_path / "p.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not a parameter file"):
        load_params(path)
    np.savez(path, Wx=np.zeros(3))
    with pytest.raises(ValueError, match="not a parameter file"):
        load_params(path)
    np.savez(path, **{**load_params(), "b": np.zeros(255, np.float32)})
    with pytest.raises(ValueError, match=r"b must be finite float32 of shape \(256,\)"):
        load_params(path)


def real_forward(params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The same network in float64."""
    hidden = params["Wh"].shape[1]
    h = c = np.zeros((len(x), hidden))
    for t in range(STEPS):
        z = x[:, t] @ params["Wx"].T + h @ params["Wh"].T + params["b"]
        i, f, o = (1 / (1 + np.exp(-z[:, n * hidden : (n + 1) * hidden])) for n in (0, 1, 3))
        c = f * c + i * np.tanh(z[:, 2 * hidden : 3 * hidden])
        h = o * np.tanh(c)
    return h @ params["Wd"].T + params["bd"]


def noisy_forward(params: dict[str, np.ndarray], x: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """The network in float64, with the error of rounding put on as noise: an operand of a product may be off by up to
    half a step of its block (64 to 128 steps are the block's largest value), what leaves an operation by half a unit of
    bf16's last place.
    """

    def operand(v: np.ndarray) -> np.ndarray:
        parts = np.pad(v, ((0, 0), (0, -v.shape[1] % block))).reshape(len(v), -1, block)
        step = np.exp2(np.floor(np.log2(np.maximum(np.abs(parts).max(2, keepdims=True), 1e-30))) - 6)
        parts = parts + step * rng.uniform(-0.5, 0.5, parts.shape) * (parts != 0)
        return parts.reshape(len(v), -1)[:, : v.shape[1]]

    def bf16(v: np.ndarray) -> np.ndarray:
        return v + np.exp2(np.floor(np.log2(np.maximum(np.abs(v), 1e-30))) - 7) * rng.uniform(-0.5, 0.5, v.shape)

    wx, wh, wd = (operand(params[name]) for name in ("Wx", "Wh", "Wd"))
    hidden = params["Wh"].shape[1]
    h = c = np.zeros((len(x), hidden))
    for t in range(STEPS):
        z = bf16(operand(x[:, t]) @ wx.T + operand(h) @ wh.T + params["b"])
        i, f, o = (bf16(1 / (1 + np.exp(-z[:, n * hidden : (n + 1) * hidden]))) for n in (0, 1, 3))
        c = bf16(bf16(f * c) + bf16(i * bf16(np.tanh(z[:, 2 * hidden : 3 * hidden]))))
        h = bf16(o * bf16(np.tanh(c)))
    return bf16(operand(h) @ wd.T + params["bd"])


def test_inference_is_near_real_numbers() -> None:
    """As near as rounding allows: its errors are of the size of those that random errors within half a step leave, no
    larger.
    """
    split, params = digits_split(), {name: value.astype(np.float64) for name, value in load_params().items()}
    images = split.test_images[:100]
    x = images.astype(np.float64)
    real = real_forward(params, x)
    error = bf16_to_fp32(infer(load_params(), bf16_from_float(images), 32)).astype(np.float64) - real
    noise = [noisy_forward(params, x, 32, np.random.default_rng(seed)) - real for seed in range(8)]
    rms, most = max(np.sqrt((n**2).mean()) for n in noise), max(np.abs(n).max() for n in noise)
    assert np.sqrt((error**2).mean()) < 1.25 * rms and np.abs(error).max() < 1.25 * most


def test_rows_are_independent() -> None:
    """A request's answer does not depend on the batch it is in."""
    x = bf16_from_float(digits_split().test_images[:7])
    whole = infer(load_params(), x, 32)
    assert np.array_equal(whole, np.concatenate([infer(load_params(), x[n : n + 1], 32) for n in range(7)]))


def test_block_length_matters() -> None:
    x = bf16_from_float(digits_split().test_images[:50])
    assert not np.array_equal(infer(load_params(), x, 32), infer(load_params(), x, 64))


def test_nan_reaches_the_logits() -> None:
    x = bf16_from_float(digits_split().test_images[:2])
    x[0, 3, 3] = 0x7FC0
    logits = infer(load_params(), x, 32)
    assert (logits[0] == 0x7FC0).all() and (logits[1] != 0x7FC0).all()
    assert forward(load_params(), x, 32)[1][2]["h"][0, 0] != 0x7FC0


def real_gradients(params: dict[str, np.ndarray], x: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Central differences of the summed cross entropy in float64."""

    def loss() -> float:
        y = real_forward(params, x)
        return float((np.log(np.exp(y).sum(axis=1)) - y[np.arange(len(y)), labels]).sum())

    out = {}
    for name, value in params.items():
        out[name] = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = kept + 1e-4
            up = loss()
            value[index] = kept - 1e-4
            out[name][index] = (up - loss()) / 2e-4
            value[index] = kept
    return out


def test_gradients_are_near_real_numbers() -> None:
    split = digits_split()
    images, labels = split.train_images[:32], split.train_labels[:32]
    params = {name: value * 2 for name, value in initial_params(3, hidden=8).items()}
    ours, loss = gradients(params, bf16_from_float(images), labels, 8)
    real = real_gradients(
        {name: value.astype(np.float64) for name, value in params.items()}, images.astype(np.float64), labels
    )
    assert set(ours) == set(param_shapes()) and loss > 0
    for name, value in real.items():
        g = ours[name].astype(np.float64)
        assert g.shape == value.shape
        cosine = (g * value).sum() / np.sqrt((g * g).sum() * (value * value).sum())
        assert cosine > 0.999, f"{name}: {cosine}"
        assert np.linalg.norm(g) == pytest.approx(np.linalg.norm(value), rel=0.05), name


def test_softmax_error() -> None:
    logits = bf16_from_float(np.array([[0.0] * 10, [100.0] + [0.0] * 9, [3e38] + [-3e38] * 9]))
    error, loss = softmax_error(logits, np.array([4, 0, 0]))
    values = bf16_to_fp32(error)
    assert values[0] == pytest.approx([0.1 - (n == 4) for n in range(10)], abs=3e-3)
    assert not values[1:].any() and loss == pytest.approx(np.log(10) / 3)


def test_training_learns_and_repeats() -> None:
    split = digits_split()
    x = bf16_from_float(split.train_images[:64])

    def run(seed: int) -> tuple[list[float], dict[str, np.ndarray]]:
        params = initial_params(seed, hidden=32)
        adam = Adam(params)
        losses = []
        for _ in range(30):
            grads, loss = gradients(params, x, split.train_labels[:64])
            adam.update(params, grads, 0.02)
            losses.append(loss)
        return losses, params

    losses, params = run(1)
    assert losses[0] > 2.2 and losses[-1] < 0.5 * losses[0]
    again = run(1)[1]
    assert all(np.array_equal(params[name], again[name]) for name in params)
    assert not np.array_equal(params["Wh"], run(2)[1]["Wh"])


def test_script_refuses_a_bad_network(tmp_path: Path) -> None:
    out = tmp_path / "p.npz"
    command = [sys.executable, str(ROOT / "scripts" / "train_lstm.py"), "--epochs", "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=120)
    assert done.returncode == 1 and "nothing written" in done.stderr and not list(tmp_path.iterdir())


def test_mlp_training_set() -> None:
    made = mlp.digits_training_set(128)
    assert made.features.shape == (11, 128, 64) and made.targets.shape == (11, 128, 10)
    assert made.pixels.size == 61 and (made.features[:, :, 61] == 1).all() and not made.features[:, :, 62:].any()
    assert made.features.min() == 0 and made.features.max() == 1
    assert np.array_equal(bf16_to_fp32(fp32_to_bf16(made.features)), made.features)
    assert np.array_equal(made.targets.argmax(axis=2), made.labels) and (made.targets.sum(axis=2) == 1).all()
    rows = made.features.reshape(-1, 64)
    assert (np.ptp(rows[:, :61], axis=0) > 0).sum() >= 58
    train = {row.tobytes() for row in mlp.to_features(digits_split().train_images, made.pixels)}
    assert all(row.tobytes() in train for row in rows)
    assert np.array_equal(made.features, mlp.digits_training_set(128).features)
    assert not np.array_equal(made.features, mlp.digits_training_set(128, seed=2).features)
    for batch in (0, 1438):
        with pytest.raises(ValueError, match="legal is 1 to 1437"):
            mlp.digits_training_set(batch)


def test_mlp_weights() -> None:
    plain, padded = mlp.initial_weights(), mlp.initial_weights(lanes=16)
    assert [w.shape for w in plain] == [(128, 64), (10, 128)] and [w.shape for w in padded] == [(128, 64), (16, 128)]
    assert np.array_equal(padded[1][:10], plain[1]) and not padded[1][10:].any()
    assert plain[0].std() == pytest.approx(np.sqrt(2 / 64), rel=0.05)
    assert all(np.array_equal(bf16_to_fp32(fp32_to_bf16(w)), w) for w in plain)
    assert [w.shape for w in mlp.initial_weights(1, (64, 20, 10), 16)] == [(32, 64), (16, 32)]
    for bad in ({"sizes": (64,)}, {"sizes": (64, 0)}, {"lanes": 0}):
        with pytest.raises(ValueError, match="legal"):
            mlp.initial_weights(**bad)


def test_mlp_learns_in_real_numbers() -> None:
    """The set and the weights are good enough for plain gradient descent on the squared error to classify unseen
    images.
    """
    made, split = mlp.digits_training_set(64), digits_split()
    w1, w2 = (w.astype(np.float64) for w in mlp.initial_weights())
    for step in range(300):
        x, t = made.features[step % 22], made.targets[step % 22]
        hidden = np.maximum(x @ w1.T, 0)
        error = (hidden @ w2.T - t) / len(x)
        back = (error @ w2) * (hidden > 0)
        w2 -= 0.1 * error.T @ hidden
        w1 -= 0.1 * back.T @ x
    y = np.maximum(mlp.to_features(split.test_images, made.pixels) @ w1.T, 0) @ w2.T
    assert np.mean(y.argmax(axis=1) == split.test_labels) > 0.85


def test_classify_takes_the_first_of_equals() -> None:
    assert classify(bf16_from_float(np.array([[0.0, 1.0, 1.0], [-2.0, -1.0, -3.0]]))).tolist() == [1, 1]
