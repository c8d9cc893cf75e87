"""Clock edges while registers hold anything: before the first reset, and at its beginning."""

from __future__ import annotations

import cocotb
from cocotb.triggers import Timer

from verif.lib import checks

EDGES = 200


@cocotb.test(timeout_time=10, timeout_unit="us")
async def edges_before_reset(dut) -> None:
    """No assertion may fire: the simulator ends at the first."""
    dut.rst_n.value = 1
    await Timer(10 * EDGES, "ns")
    dut.rst_n.value = 0
    await Timer(30, "ns")
    checks.compared("clock edges before the first reset", EDGES)
