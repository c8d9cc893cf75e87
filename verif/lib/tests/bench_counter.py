"""cocotb tests with which the build and run support is tested."""

from __future__ import annotations

import os

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from verif.lib import coverage
from verif.lib.verdict import equal, require


@cocotb.test(timeout_time=100, timeout_unit="us")
async def counts(dut) -> None:
    """Counts to the end; parameters, wide vectors and arrays of the top are visible."""
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    dut.rst_n.value = 1
    await Timer(3, "ns")
    dut.rst_n.value = 0
    await Timer(20, "ns")
    dut.rst_n.value = 1
    value = int.from_bytes(rng.bytes(37), "little")
    dut.wide.value = value
    dut.en.value = 1
    await RisingEdge(dut.full)
    width = int(os.environ["P_WIDTH"])
    equal(int(dut.count.value), 2**width - 1)
    equal(dut.wide.value.to_unsigned(), value)
    equal(dut.wide.value.to_bytes(byteorder="little"), value.to_bytes(38, "little"))
    equal(int(dut.WIDTH.value), width)
    equal([int(item.value) for item in dut.history], [252, 253, 254, 251])
    await RisingEdge(dut.clk)
    await Timer(1, "ns")
    coverage.dump({"counter": {"full": {"yes": 1, "no": 0}}})


@cocotb.test()
async def sampling(dut) -> None:
    """With the clock in HDL a read at an edge sees what the edge brought; a write then acts at the next."""
    dut.en.value = 1
    await RisingEdge(dut.clk)
    before = int(dut.count.value)
    await FallingEdge(dut.clk)
    equal(int(dut.count.value), before)
    await RisingEdge(dut.clk)
    equal(int(dut.count.value), (before + 1) % 2 ** int(os.environ["P_WIDTH"]))
    dut.en.value = 0
    await RisingEdge(dut.clk)
    equal(int(dut.count.value), (before + 1) % 2 ** int(os.environ["P_WIDTH"]))


@cocotb.test(skip="EQX_WRONG" not in os.environ)
async def wrong(dut) -> None:
    """A comparison that does not hold."""
    require(int(dut.count.value) == -1, "told to be wrong")


@cocotb.test(skip="EQX_PROVOKE" not in os.environ)
async def provokes(dut) -> None:
    """Makes an assertion of the HDL fire and would pass otherwise."""
    dut.provoke.value = 1
    await Timer(100, "ns")


@cocotb.test(skip="EQX_HANG" not in os.environ)
async def hangs(dut) -> None:
    """Waits for something that never happens while time goes on."""
    dut.en.value = 0
    await RisingEdge(dut.provoke)
