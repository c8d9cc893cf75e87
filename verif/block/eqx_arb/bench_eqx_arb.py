"""Runs the comparison of the arbiters, which the top does by itself, and judges the counts."""

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from verif.lib import checks
from verif.lib.bench import reset
from verif.lib.verdict import require

SIZES = 9


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def equals_reference(dut) -> None:
    """Every request pattern in every mode; grants and the held flag equal the reference in every cycle."""
    dut.seed.value = cocotb.RANDOM_SEED % 2**32
    await reset(dut)
    dut.run.value = 1
    await RisingEdge(dut.done)
    await FallingEdge(dut.clk)
    compared, wrong = int(dut.compared.value), int(dut.mismatches.value)
    require(int(dut.all_seen.value) == (1 << SIZES) - 1, "not every pattern was tried")
    for n in range(SIZES):
        cycles, errors = compared >> 32 * n & 0xFFFFFFFF, wrong >> 32 * n & 0xFFFFFFFF
        require(cycles >= 50_000)
        checks.compared("grants", cycles)
        require(errors == 0, f"size {n}: {errors} of {cycles} cycles differ")
