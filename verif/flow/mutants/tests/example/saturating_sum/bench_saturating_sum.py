"""Benches of the example, good and bad; the campaign says which is run."""

import cocotb
from cocotb.triggers import Timer

from verif.lib.verdict import require


async def cycles(dut) -> None:
    """Run for a while."""
    await Timer(20, "us")
    require(int(dut.compared.value) > 1500)


@cocotb.test()
async def compares(dut) -> None:
    """The sum is right in every cycle."""
    await cycles(dut)
    if int(dut.mismatches.value):
        raise AssertionError(f"{int(dut.mismatches.value)} wrong sums")


@cocotb.test()
async def blind(dut) -> None:
    """Looks at nothing."""
    await cycles(dut)


@cocotb.test()
async def always_fails(dut) -> None:
    """Fails whatever the sum is."""
    await cycles(dut)
    raise AssertionError("always")


@cocotb.test()
async def never_ends(dut) -> None:
    """Does not end."""
    while True:
        await Timer(1, "ms")
