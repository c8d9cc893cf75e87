"""Base of the register block's tests: agent, register model over both doors, the hardware's side."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, FallingEdge
from pyuvm import uvm_test

from equinox_core.csr_map import REGS
from equinox_core.hw.states import CtxState
from equinox_core.hw.structs import CTX_STS
from verif.agents.config import AgentConfig
from verif.agents.csr_agent import Csr, CsrAgent
from verif.agents.register_model import CsrBackdoor, by_path, register_model
from verif.env.csr_coverage import CsrCoverage
from verif.lib import checks
from verif.lib.bench import generator, param
from verif.lib.verdict import require
from verif.sequences.boot import reset
from verif.sequences.registers import RegisterSeq

COVERAGE = CsrCoverage()  # of all tests of the simulation
SKIP = os.environ.get("EQX_SKIP_REGISTER", "")  # planted: leave a register out of every test
EVENTS = ("accepted", "rejected", "not_installed", "bad_length", "responded")  # bits of `events`
STICKY = {
    "not_installed": "not_installed",
    "bad_length": "bad_length",
    "rejected": "rejected",
}  # event -> field of IRQ_STATUS
COUNTS = {name: f"CNT_{name.upper()}" for name in EVENTS}


@dataclass
class Hardware:
    """What the core's other blocks give the register block; absent services and contexts read 0."""

    state: list[int]
    cause: list[int]
    unit: list[int]
    steps: list[int]
    level: list[int]
    perf: int
    lost: int  # DMA units given up: bit 0 LD, bit 1 ST

    @classmethod
    def quiet(cls, ctx: int, services: int) -> Hardware:
        return cls([0] * ctx, [0] * ctx, [0] * ctx, [0] * ctx, [0] * services, 0, 0)

    @classmethod
    def random(cls, ctx: int, services: int, rng: np.random.Generator) -> Hardware:
        """Values of every field; only legal states, and none whose entry is an event."""

        def draw(bits: int, count: int) -> list[int]:
            return [int(v) for v in rng.integers(1 << bits, size=count)]

        states = [
            int(v) for v in rng.choice([s for s in CtxState if s not in (CtxState.IDLE, CtxState.ERROR)], size=ctx)
        ]
        return cls(
            states,
            draw(4, ctx),
            draw(2, ctx),
            draw(32, ctx),
            draw(16, services),
            int(rng.integers(1 << 48)),
            int(rng.integers(4)),
        )

    def drive(self, dut) -> None:
        rows = zip(self.state, self.cause, self.unit, self.steps, strict=True)
        dut.ctx_sts.value = CTX_STS.pack_all(
            CTX_STS.pack(state=s, err_cause=c, err_unit=u, steps=n) for s, c, u, n in rows
        )
        dut.svc_level.value = sum(value << 16 * i for i, value in enumerate(self.level))
        dut.perf_value.value = self.perf
        dut.lost.value = self.lost

    def live(self) -> dict[str, int]:
        """The values of the registers that show these signals."""
        found = {path: 0 for path in REGS if path.endswith((".STATUS", ".STEPS", ".LEVEL"))}
        for i, (state, cause, unit, steps) in enumerate(
            zip(self.state, self.cause, self.unit, self.steps, strict=True)
        ):
            found[f"CTX[{i}].STATUS"], found[f"CTX[{i}].STEPS"] = state | cause << 3 | unit << 7, steps
        found.update({f"SVC[{i}].LEVEL": level for i, level in enumerate(self.level)})
        return {**found, "PERF_LO": self.perf & 0xFFFFFFFF, "PERF_HI": self.perf >> 32, "DMA_STATUS": self.lost}


class Bus:
    """The bus without the agent, in as few wake-ups as an access can take, for sweeps of thousands of accesses.
    The agent's driver must be idle meanwhile.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def write(self, address: int, data: int, strobe: int = 0xF) -> None:
        """Write a register; it shows its value when this returns."""
        dut = self.dut
        await FallingEdge(dut.clk)
        dut.s_axil_awaddr.value, dut.s_axil_wdata.value, dut.s_axil_wstrb.value = address, data, strobe
        dut.s_axil_awvalid.value = dut.s_axil_wvalid.value = dut.s_axil_bready.value = 1
        require(int(dut.s_axil_awready.value) and int(dut.s_axil_wready.value), "the bus is busy")
        await FallingEdge(dut.clk)
        dut.s_axil_awvalid.value = dut.s_axil_wvalid.value = 0
        while not int(dut.s_axil_bvalid.value):
            await FallingEdge(dut.clk)
        require(int(dut.s_axil_bresp.value) == 0, f"response to a write of {address:#x}")
        await FallingEdge(dut.clk)
        dut.s_axil_bready.value = 0

    async def read(self, address: int) -> int:
        """Read a register."""
        dut = self.dut
        await FallingEdge(dut.clk)
        dut.s_axil_araddr.value = address
        dut.s_axil_arvalid.value = dut.s_axil_rready.value = 1
        require(int(dut.s_axil_arready.value), "the bus is busy")
        await FallingEdge(dut.clk)
        dut.s_axil_arvalid.value = 0
        while not int(dut.s_axil_rvalid.value):
            await FallingEdge(dut.clk)
        require(int(dut.s_axil_rresp.value) == 0, f"response to a read of {address:#x}")
        value = int(dut.s_axil_rdata.value)
        await FallingEdge(dut.clk)
        dut.s_axil_rready.value = 0
        return value


class CsrTest(uvm_test):
    """Resets, builds the register model, runs ``body()``. Subclasses write ``body``."""

    def build_phase(self):
        self.dut = cocotb.top
        self.size = {name: param(name) for name in ("N", "M", "W", "CTX", "C_INF", "SERVICES")}
        self.rng = generator()
        AgentConfig(self.dut, probe=self.dut).publish()
        self.agent = CsrAgent.create("agent", self)

    async def run_phase(self):
        self.raise_objection()
        try:
            logging.getLogger("RegModel").setLevel(
                logging.ERROR
            )  # it warns at each look at a mirror that hardware may change
            self.hardware = Hardware.quiet(self.size["CTX"], self.size["SERVICES"])
            self.hardware.drive(self.dut)
            self.dut.events.value = 0
            await reset(self.dut)
            backdoor = CsrBackdoor(self.dut.u_csr.u_regs.u_backdoor, self.dut.clk)
            found = by_path(register_model(backdoor, COVERAGE.sample))
            self.regs = {path: reg for path, reg in found.items() if path != SKIP}
            self.csr, self.bus = Csr(), Bus(self.dut)
            await self.body()
        finally:
            self.drop_objection()

    async def body(self) -> None:
        raise TypeError(f"{type(self).__name__} has no body")

    def live(self) -> dict[str, int]:
        """Values of the registers that hardware gives: build parameters, and the signals as they are driven."""
        s = self.size
        parameters = s["N"] | s["M"] << 8 | s["W"] << 16 | s["C_INF"] << 24 | s["CTX"] << 28
        return {"PARAMS": parameters, **self.hardware.live()}

    async def play(self, sequence: type[RegisterSeq]) -> None:
        """Run a register sequence over all registers."""
        await sequence(self.regs, COVERAGE, self.rng, self.live()).start()

    async def peek(self, path: str) -> int:
        """A register's value by the back door."""
        _, value = await self.regs[path].peek()
        return int(value)

    async def fire(self, *names: str, edges: int = 1) -> None:
        """Raise events for some cycles."""
        await FallingEdge(self.dut.clk)
        self.dut.events.value = sum(1 << EVENTS.index(name) for name in names)
        for _ in range(edges):
            await FallingEdge(self.dut.clk)
        self.dut.events.value = 0

    async def settle(self) -> None:
        await ClockCycles(self.dut.clk, 3)

    def expect(self, what: str, seen: object, legal: object) -> None:
        """Fail the test unless two things are equal."""
        require(seen == legal, f"{what}: {seen}, expected {legal}")
        checks.compared(type(self).__name__, 1)
