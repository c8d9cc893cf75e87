#!/usr/bin/env python3
"""Train the LSTM digits classifier with the HBFP8 reference and write its parameters."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import equinox_core  # noqa: F401 - first of all: says what is wrong with this Python

# isort: split
import numpy as np

from equinox_core import cli
from equinox_core.cli import Parser
from equinox_core.workloads.digits import SPLIT_SEED, digits_split
from equinox_core.workloads.lstm import PARAMS_FILE, accuracy
from equinox_core.workloads.lstm_train import EPOCHS, train

TARGET = 0.95


def main() -> int:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=PARAMS_FILE, help="file to write (default: the shipped one)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the initial weights and minibatches (default %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="default %(default)s, about a minute")
    args = parser.parse_args()
    if args.seed < 0 or args.epochs < 1:
        parser.error("legal are a seed of 0 or more and 1 or more epochs")
    start = time.monotonic()

    def report(epoch: int, loss: float, held_out: float) -> None:
        print(
            f"epoch {epoch + 1:3d}  loss {loss:7.4f}  held-out {held_out:6.2%}  {time.monotonic() - start:5.1f} s",
            flush=True,
        )

    split = digits_split(SPLIT_SEED)
    params = train(split, args.seed, args.epochs, report)
    reached = {k: accuracy(params, split.test_images, split.test_labels, k) for k in (8, 32, 64)}
    print("held-out accuracy, exact numerics: " + ", ".join(f"{value:.2%} at K = {k}" for k, value in reached.items()))
    if min(reached.values()) < TARGET:
        print(f"error: below {TARGET:.0%}; nothing written", file=sys.stderr)
        return 1
    part = args.out.with_name(f".{args.out.stem}.{os.getpid()}.npz")
    try:
        np.savez_compressed(part, **params)
        part.replace(args.out)
    except OSError as error:
        print(f"error: {args.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 1
    finally:
        part.unlink(missing_ok=True)
    print(f"wrote {args.out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
