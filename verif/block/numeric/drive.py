"""Feeds the numeric testbenches: writes a stimulus file, starts the run, judges the counters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge, Timer
from numpy.typing import ArrayLike

from verif.lib import checks
from verif.lib.verdict import require

LANES = int(os.environ["P_LANES"])


def _bytes(values: ArrayLike, width: int) -> np.ndarray:
    """Big-endian bytes ``[n, width/8]`` of unsigned or two's complement values."""
    raw = np.asarray(values).astype(np.int64).astype(">i8").view(np.uint8).reshape(-1, 8)
    return raw[:, 8 - width // 8 :]


def write_stream(fields: list[tuple[ArrayLike, int]], expected: ArrayLike) -> int:
    """Write ``stim.bin`` from operand fields (values, width), together at most 64 bits, and expected values.

    Returns the number of operations, a multiple of the lanes: the last row is filled up.
    """
    operand = np.concatenate([_bytes(*f) for f in fields], axis=1)
    operand = np.pad(operand, ((0, 0), (8 - operand.shape[1], 0)))
    want = _bytes(expected, 32)
    pad = -len(operand) % LANES
    operand, want = (np.concatenate([x, np.repeat(x[-1:], pad, axis=0)]) for x in (operand, want))
    rows = [x.reshape(-1, LANES, x.shape[1])[:, ::-1].reshape(-1, LANES * x.shape[1]) for x in (operand, want)]
    np.concatenate(rows, axis=1).tofile("stim.bin")
    return len(operand)


def write_sweep(b: np.ndarray, expected: np.ndarray) -> int:
    """Write ``sweep.bin``: operands ``b [n]`` and 16-bit results ``[n, 65536]`` for every a."""
    rows = np.ascontiguousarray(expected.reshape(-1, LANES)[:, ::-1]).astype(">u2")
    rows = rows.view(np.uint8).reshape(len(b), -1)
    np.concatenate([_bytes(b, 16), rows], axis=1).tofile("sweep.bin")
    return expected.size


async def play(dut: Any, cell: int, total: int, sweep: bool = False) -> int:
    """Run the written file through a cell; return mismatches. Fails if not every result was compared."""
    dut.start.value = 0
    dut.clear.value = 1
    dut.sel.value, dut.sweep.value = cell, int(sweep)
    await Timer(100, "ns")
    dut.clear.value = 0
    await Timer(20, "ns")
    dut.start.value = 1
    await RisingEdge(dut.finished)
    await Timer(1, "ns")
    count = int(dut.compared.value)
    checks.compared("results of cells", count)
    require(count == total, f"{count} results compared, {total} expected")
    return int(dut.mismatches.value)


async def check(dut: Any, cell: int, total: int, sweep: bool = False) -> None:
    """Run the written file; fail on any mismatch, and on any output of a register that did not hold its value."""
    bad = await play(dut, cell, total, sweep)
    first = int(dut.first.value)
    if bad:
        raise AssertionError(
            f"{bad} of {total} results differ; operation {first}: "
            f"got {int(dut.first_got.value):#x}, expected {int(dut.first_want.value):#x}"
        )
    if not sweep and int(dut.hold.value):
        held, unheld = int(dut.held.value), int(dut.unheld.value)
        require(held > total // LANES // 10, f"only {held} idle cycles")
        checks.compared("idle cycles of cells", held)
        require(unheld == 0, f"output changed in {unheld} of {held} idle cycles")


def remove_files() -> None:
    """Delete the stimulus files of the run's folder."""
    for name in ("stim.bin", "sweep.bin"):
        Path(name).unlink(missing_ok=True)


def special_bf16() -> np.ndarray:
    """bf16 patterns of every class and around every edge of the format."""
    edges = [
        0x0000,
        0x0001,
        0x007F,
        0x0080,
        0x0081,
        0x00FF,
        0x0100,
        0x2000,
        0x3400,
        0x3B80,
        0x3F00,
        0x3F7F,
        0x3F80,
        0x3F81,
        0x3FFF,
        0x4000,
        0x42FF,
        0x4300,
        0x4380,
        0x5F80,
        0x7E80,
        0x7F00,
        0x7F7E,
        0x7F7F,
        0x7F80,
        0x7F81,
        0x7FC0,
        0x7FFF,
    ]
    pos = np.array(edges, dtype=np.uint16)
    return np.concatenate([pos, pos | 0x8000])


def special_fp32() -> np.ndarray:
    """fp32 patterns: the bf16 ones with fractions ending in zeros, ones, ties and their neighbours."""
    top = special_bf16().astype(np.uint32) << 16
    return np.concatenate([top | low for low in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)])


def fp32_pairs(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """``n`` pairs of fp32 patterns (thirds: arbitrary, near exponents, near-cancelling), and the specials crossed."""
    k = n // 3
    a, b = rng.integers(0, 1 << 32, (2, n), dtype=np.uint32)
    exp = np.clip(((a[k:] >> 23) & 0xFF).astype(np.int64) + rng.integers(-28, 29, n - k), 0, 255)
    b[k:] = (b[k:] & 0x807FFFFF) | (exp << 23).astype(np.uint32)
    twin = a[2 * k :] ^ np.uint32(1 << 31)
    b[2 * k :] = twin ^ (
        rng.integers(0, 1 << 25, n - 2 * k, dtype=np.uint32) >> rng.integers(0, 26, n - 2 * k).astype(np.uint32)
    )
    s = special_fp32()
    return np.concatenate([a, np.repeat(s, s.size)]), np.concatenate([b, np.tile(s, s.size)])
