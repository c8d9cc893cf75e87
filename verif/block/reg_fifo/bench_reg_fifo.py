"""Tests of the FIFO in registers: order, level, and that an entry shows one cycle after it was written."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from verif.lib import checks
from verif.lib.bench import generator, param, reset
from verif.lib.verdict import equal

CYCLES = 2000


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def in_order(dut: Any) -> None:
    """Random pushes and reads, up to full and down to empty."""
    rng, depth = generator(), param("DEPTH")
    await reset(dut)
    held: deque[int] = deque()
    seen = 0
    for _ in range(CYCLES):
        push = len(held) < depth and rng.random() < 0.5
        word, ready = int(rng.integers(1 << 48)), bool(rng.random() < 0.5)
        dut.push.value, dut.wdata.value, dut.ready.value = int(push), word, int(ready)
        if held:
            equal(int(dut.rdata.value), held[0])
            seen += 1
        equal((int(dut.valid.value), int(dut.count.value)), (int(bool(held)), len(held)))
        if held and ready:
            held.popleft()
        held += [word] * push
        await FallingEdge(dut.clk)
    checks.compared("words", seen)
