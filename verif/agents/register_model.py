"""The generated register model (pyuvm RAL): front door on the CSR agent's sequencer, back door through ``csr_backdoor``
in the HDL top.
"""

from __future__ import annotations

from typing import Any

from cocotb.triggers import FallingEdge, Timer
from pyuvm import ConfigDB, uvm_access_e, uvm_reg_adapter, uvm_reg_backdoor, uvm_reg_bus_op, uvm_reg_item, uvm_status_e

from equinox_core.csr_map import REGS
from verif.agents.backdoor_reg import BackdoorReg, Observer
from verif.agents.csr_agent import CsrItem
from verif.agents.eqx_ral import eqx_csr


class CsrAdapter(uvm_reg_adapter):
    """Between register operations and :class:`CsrItem`; the driver fails on any response but OKAY."""

    def reg2bus(self, rw: uvm_reg_bus_op) -> CsrItem:
        return CsrItem(rw.addr, rw.data, rw.kind == uvm_access_e.UVM_WRITE)

    def bus2reg(self, bus_item: CsrItem, rw: uvm_reg_bus_op) -> None:
        rw.kind = uvm_access_e.UVM_WRITE if bus_item.write else uvm_access_e.UVM_READ
        rw.addr, rw.data, rw.status = bus_item.address, bus_item.data, uvm_status_e.UVM_IS_OK


class CsrBackdoor(uvm_reg_backdoor):
    """Register storage read and written in the middle of a cycle, without the bus.

    A write stores the bits that have storage, whatever the access policy; a read gives storage, or for fields without
    any the hardware's signal, and 0 for constants.
    """

    def __init__(self, port: Any, clock: Any) -> None:
        """``port``: the instance of ``csr_backdoor``; its signals must be visible. ``clock``: the registers' clock."""
        super().__init__("csr_backdoor")
        self.port, self.clock = port, clock

    async def write(self, rw: uvm_reg_item) -> None:
        await self._access(rw, True)

    async def read(self, rw: uvm_reg_item) -> None:
        rw.set_value(await self._access(rw, False))

    async def _access(self, rw: uvm_reg_item, write: bool) -> int:
        await FallingEdge(self.clock)
        port = self.port
        port.addr.value = rw.get_element().get_address()
        port.write.value = write
        port.data.value = int(rw.get_value())
        port.toggle.value = not int(port.toggle.value)
        await Timer(1, "ns")
        rw.set_status(uvm_status_e.UVM_IS_OK if int(port.hit.value) else uvm_status_e.UVM_NOT_OK)
        return int(port.q.value)


def register_model(backdoor: CsrBackdoor | None = None, observer: Observer | None = None) -> eqx_csr:
    """All registers, mirrors predicted from every access.

    Args:
        backdoor: what ``peek`` and ``poke`` go through, where the HDL top has it.
        observer: told of every access.
    """
    model = eqx_csr("csr")
    model.build()
    model.lock_model()
    top = model.get_default_map()
    top.set_sequencer(ConfigDB().get(None, "", "CSR_SEQR"), CsrAdapter("adapter"))
    top.set_auto_predict(True)
    for path, reg in by_path(model).items():
        reg.set_backdoor(backdoor)
        reg.observer = observer
        for field in reg.get_fields():
            if REGS[path][1][field.get_name()][3] == "WP":  # what is written is a one-cycle command; it reads 0
                field.set_access("WC")
        reg.reset()
    return model


def by_path(model: eqx_csr) -> dict[str, BackdoorReg]:
    """The model's registers by the paths of :data:`equinox_core.csr_map.REGS`."""
    return {reg.get_full_name().split(".", 1)[1]: reg for reg in model.get_registers()}
