"""What every bench of a block starts with: parameters of its top, random numbers, reset, a run of what it loads."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer


def param(name: str) -> int:
    """A parameter of the bench's top."""
    return int(os.environ[f"P_{name}"])


def generator(stream: int = 0) -> np.random.Generator:
    """Random numbers of the test, from its seed; those of another ``stream`` are others."""
    return np.random.default_rng(cocotb.RANDOM_SEED + stream)


async def reset(dut: Any) -> None:
    """Pulse ``rst_n``, two cycles long, of a top whose clock ``clk`` runs in HDL with a period of 10 ns; returns when
    it is over, at a falling edge.

    It is high at first: held low from time 0 there is no edge, and registers with an asynchronous reset stay as they
    are.
    """
    dut.rst_n.value = 1
    await Timer(3, "ns")
    dut.rst_n.value = 0
    await Timer(20, "ns")
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1


async def play(dut: Any, **inputs: int) -> None:
    """Reset a top that plays what it loads from files, set inputs, and wait until it has ``finished``.

    ``load``, ``go`` and ``dump`` of the top read its files, start it, and write its logs (:func:`dump`).
    """
    dut.go.value = dut.load.value = dut.dump.value = 0
    await reset(dut)
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.load.value = 1
    await Timer(10, "ns")
    dut.go.value = 1
    await RisingEdge(dut.finished)


async def dump(dut: Any) -> None:
    """Let the top write its logs."""
    dut.dump.value = 1
    await Timer(20, "ns")
