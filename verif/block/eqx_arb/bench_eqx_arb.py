"""Runs the exhaustive comparison of the arbiter that the top does by itself."""

import os

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def equals_reference(dut) -> None:
    """Every request pattern in every mode; grants and the held flag equal the reference in every cycle."""
    dut.rst_n.value = 1
    await Timer(3, "ns")
    dut.rst_n.value = 0
    dut.seed.value = cocotb.RANDOM_SEED
    await Timer(20, "ns")
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    dut.run.value = 1
    await RisingEdge(dut.done)
    assert int(dut.compared.value) >= 200000
    seen = dut.all_seen.value.to_unsigned()
    assert seen == (1 << 3 * 2 ** int(os.environ["P_CTX"])) - 1, "not every pattern was tried"
    wrong = int(dut.mismatches.value)
    if os.environ.get("P_FAULT") == "1":
        assert wrong > 1000, "the planted fault was not noticed"
    else:
        assert wrong == 0, f"{wrong} of {int(dut.compared.value)} cycles differ"
