"""LSTM classifier for the digits: parameters and the exact numerics of inference.

A step, with x the row of pixels and h the state (gates in the order i, f, g, o; blocks of K along the contraction):

    z = HBFP8(x)·HBFP8(Wx)ᵀ, then + each block of HBFP8(h)·HBFP8(Wh)ᵀ     fp32, one rounding a block, ascending
    i, f, o = sigmoid(bf16(z + b)), g = tanh(bf16(z + b))                 sum in fp32
    c = bf16(f·c + bf16(i·g))                                             product exact, sum in fp32
    h = bf16(bf16(tanh(c))·o)

and after the last step logits = bf16(HBFP8(h)·HBFP8(Wd)ᵀ + bd). These are the roundings of the core when draining, bias
and activation are one VECTOR instruction (docs/isa.md), so its responses equal `infer` bit for bit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equinox_core.numerics import (
    Act,
    act,
    bf16_mul,
    bf16_mul_fp32,
    bf16_to_fp32,
    fp32_add,
    fp32_to_bf16,
    hbfp_matmul,
    quantise,
)
from equinox_core.workloads.digits import CLASSES, FEATURES, STEPS

HIDDEN = 64
PARAMS_FILE = Path(__file__).parent / "data" / "lstm_digits.npz"
Params = dict[str, np.ndarray]


def param_shapes(hidden: int = HIDDEN) -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters: row gate·H + unit of Wx, Wh and b, gates i, f, g, o; row class of Wd and bd."""
    return {
        "Wx": (4 * hidden, FEATURES),
        "Wh": (4 * hidden, hidden),
        "b": (4 * hidden,),
        "Wd": (CLASSES, hidden),
        "bd": (CLASSES,),
    }


def load_params(path: Path | str = PARAMS_FILE) -> Params:
    """The trained parameters: float32 Wx [256, 8], Wh [256, 64], b [256], Wd [10, 64], bd [10] (see `param_shapes`).

    Every value is exact in bf16. Raises ValueError where the file is missing or holds anything else.
    """
    try:
        with np.load(path) as stored:
            params = {name: stored[name] for name in param_shapes()}
    except FileNotFoundError:
        raise ValueError(f"{path}: no such parameter file; scripts/train_lstm.py makes it") from None
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a parameter file of the LSTM ({error})") from None
    for name, shape in param_shapes().items():
        if params[name].shape != shape or params[name].dtype != np.float32 or not np.isfinite(params[name]).all():
            raise ValueError(f"{path}: {name} must be finite float32 of shape {shape}")
    return params


def blocks(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """HBFP8 blocks of bf16 rows uint16[r, n], the row filled up with zeros: int8 [r, ceil(n/k), k] and exponents."""
    rows, n = x.shape
    padded = np.zeros((rows, -(-n // k) * k), dtype=np.uint16)
    padded[:, :n] = x
    return quantise(padded.reshape(rows, -1, k))


Blocks = tuple[np.ndarray, np.ndarray]


def join(first: Blocks, second: Blocks) -> Blocks:
    """Blocks of `first`, then those of `second`, along the contraction."""
    return np.concatenate((first[0], second[0]), 1), np.concatenate((first[1], second[1]), 1)


def forward(params: Params, x: np.ndarray, k: int) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Logits and the values of every step.

    params  float32 as `param_shapes` says (any hidden size); rounded to bf16 here
    x       bf16 bit patterns uint16 [n, 8, 8]
    k       block length K of the core
    Returns logits bf16 [n, 10], and for each step the bf16 values [n, H] of i, f, g, o, c, h and tc = tanh(c).
    """
    p = {name: fp32_to_bf16(value) for name, value in params.items()}
    hidden = p["Wh"].shape[1]
    weights = join(blocks(p["Wx"], k), blocks(p["Wh"], k))
    bias = bf16_to_fp32(p["b"])
    h = c = np.zeros((len(x), hidden), dtype=np.uint16)
    steps: list[dict[str, np.ndarray]] = []
    for t in range(STEPS):
        z = hbfp_matmul(*join(blocks(x[:, t], k), blocks(h, k)), *weights)
        s = fp32_to_bf16(fp32_add(z, bias))
        i, f, g, o = (
            act(Act.TANH if gate == 2 else Act.SIGMOID, s[:, gate * hidden : (gate + 1) * hidden]) for gate in range(4)
        )
        c = fp32_to_bf16(fp32_add(bf16_mul_fp32(f, c), bf16_to_fp32(bf16_mul(i, g))))
        tc = act(Act.TANH, c)
        h = bf16_mul(tc, o)
        steps.append({"i": i, "f": f, "g": g, "o": o, "c": c, "tc": tc, "h": h})
    logits = hbfp_matmul(*blocks(h, k), *blocks(p["Wd"], k))
    return fp32_to_bf16(fp32_add(logits, bf16_to_fp32(p["bd"]))), steps


def infer(params: Params, x: np.ndarray, k: int) -> np.ndarray:
    """Logits, bf16 bit patterns uint16 [n, 10], of images as bf16 bit patterns uint16 [n, 8, 8], on a core of block
    length k.
    """
    return forward(params, x, k)[0]


def classify(logits: np.ndarray) -> np.ndarray:
    """Class of each row of logits (bf16 bit patterns [n, 10]): the largest, the lowest class where equal."""
    classes: np.ndarray = np.argmax(bf16_to_fp32(logits), axis=1)
    return classes


def accuracy(params: Params, images: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of float images [n, 8, 8] whose class is their label, in the exact numerics of a core of block length k."""
    x = fp32_to_bf16(np.asarray(images, dtype=np.float32))
    return float(np.mean(classify(infer(params, x, k)) == labels))
