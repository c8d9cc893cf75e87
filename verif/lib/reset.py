"""Reset of a block's bench."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import FallingEdge, Timer


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
