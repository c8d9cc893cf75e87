"""Drives tb_numeric: writes the file of operands and expected values, starts the run, judges the counters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge, Timer
from numpy.typing import ArrayLike

from verif.lib import checks
from verif.lib.bench import param
from verif.lib.verdict import require

LANES = param("LANES")


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
