"""Agent of the control registers: AXI4-Lite through cocotb-bus, addressed by register names."""

from __future__ import annotations

from dataclasses import dataclass

import cocotb
from cocotb.triggers import FallingEdge
from cocotb_bus.drivers.amba import AXI4LiteMaster
from pyuvm import (
    ConfigDB,
    uvm_agent,
    uvm_analysis_port,
    uvm_component,
    uvm_driver,
    uvm_sequence,
    uvm_sequence_item,
    uvm_sequencer,
)

from equinox_core.csr_map import REGS
from equinox_core.registers import RegisterWrites
from verif.agents.axis import now
from verif.agents.config import AgentConfig
from verif.agents.named import Named

BUS = "s_axil"


class CsrItem(uvm_sequence_item):
    """One register access; ``data`` is what to write (the bytes that ``strobe`` names),
    or after a read what was read.
    """

    def __init__(self, address: int, data: int = 0, write: bool = True, strobe: int = 0xF):
        super().__init__("csr")
        self.address, self.data, self.write, self.strobe = address, data, write, strobe


class CsrDriver(Named, uvm_driver):
    def start_of_simulation_phase(self):
        dut = AgentConfig.of(self).dut
        self.bus = AXI4LiteMaster(dut, BUS, dut.clk)

    async def run_phase(self):
        while True:
            item = await self.seq_item_port.get_next_item()
            if item.write:
                await self.bus.write(item.address, item.data, byte_enable=item.strobe)
            else:
                item.data = int(await self.bus.read(item.address))
            self.seq_item_port.item_done()


@dataclass
class CsrWrite:
    """A register took a value, which shows from ``cycle`` on; ``data`` is the whole word, also where strobes named
    less.
    """

    cycle: int
    address: int
    data: int


class CsrWriteMonitor(Named, uvm_component):
    """Reports every register write that acts as :class:`CsrWrite`, fed by the core's probe."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)
        self.registers = RegisterWrites()

    async def run_phase(self):
        cfg = AgentConfig.of(self)
        probe = cfg.probe
        cocotb.start_soon(self._resets(cfg.dut))
        while True:
            await probe.csr_toggle.value_change
            address = int(probe.csr_addr.value)
            value = self.registers.write(address, int(probe.csr_data.value), int(probe.csr_strobe.value))
            if value is not None:
                self.ap.write(CsrWrite(now() + 1, address, value))

    async def _resets(self, dut) -> None:
        while True:
            await FallingEdge(dut.rst_n)
            self.registers.reset()


class CsrAgent(Named, uvm_agent):
    """Sequencer, driver, and a monitor of writes."""

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = CsrDriver.create("driver", self)
        self.writes = CsrWriteMonitor.create("writes", self)
        ConfigDB().set(None, "*", "CSR_SEQR", self.sequencer)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


class _Access(uvm_sequence):
    def __init__(self, item: CsrItem):
        super().__init__("csr_access")
        self.item = item

    async def body(self):
        await self.start_item(self.item)
        await self.finish_item(self.item)


class Csr:
    """Register access for sequences, by register path and field names."""

    def __init__(self) -> None:
        self.sequencer = ConfigDB().get(None, "", "CSR_SEQR")

    async def write_raw(self, address: int, data: int, strobe: int = 0xF) -> None:
        await _Access(CsrItem(address, data, strobe=strobe)).start(self.sequencer)

    async def read_raw(self, address: int) -> int:
        item = CsrItem(address, write=False)
        await _Access(item).start(self.sequencer)
        return item.data

    async def write(self, path: str, value: int | None = None, **fields: int) -> None:
        """Write a register: its whole ``value``, or named fields (the others take their reset values).

        Raises:
            KeyError: no such register or field.
            ValueError: a field's value does not fit.
        """
        address, layout = REGS[path]
        if value is None:
            value = 0
            for name, (lsb, width, reset, _) in layout.items():
                v = int(fields.pop(name, reset))
                if v >> width:
                    raise ValueError(f"{path}.{name} = {v}: legal range 0..{(1 << width) - 1}")
                value |= v << lsb
            if fields:
                raise KeyError(f"{path} has no field {', '.join(fields)}")
        await self.write_raw(address, value)

    async def read(self, path: str) -> dict[str, int]:
        """Read a register; returns its fields."""
        address, layout = REGS[path]
        value = await self.read_raw(address)
        return {name: value >> lsb & (1 << width) - 1 for name, (lsb, width, _, _) in layout.items()}
