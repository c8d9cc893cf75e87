"""The generated register model (pyuvm RAL) on the CSR agent's sequencer."""
from __future__ import annotations

from pyuvm import ConfigDB, uvm_access_e, uvm_reg_adapter, uvm_reg_bus_op, uvm_status_e

from verif.agents.csr_agent import CsrItem
from verif.env.eqx_ral import eqx_csr


class CsrAdapter(uvm_reg_adapter):
    """Between register operations and :class:`CsrItem`; the driver fails on any response but OKAY."""

    def reg2bus(self, rw: uvm_reg_bus_op) -> CsrItem:
        return CsrItem(rw.addr, rw.data, rw.kind == uvm_access_e.UVM_WRITE)

    def bus2reg(self, bus_item: CsrItem, rw: uvm_reg_bus_op) -> None:
        rw.kind = uvm_access_e.UVM_WRITE if bus_item.write else uvm_access_e.UVM_READ
        rw.addr, rw.data, rw.status = bus_item.address, bus_item.data, uvm_status_e.UVM_IS_OK


def register_model() -> eqx_csr:
    """All registers, accessed over the front door, mirrors predicted from every access."""
    model = eqx_csr("csr")
    model.build()
    model.lock_model()
    top = model.get_default_map()
    top.set_sequencer(ConfigDB().get(None, "", "CSR_SEQR"), CsrAdapter("adapter"))
    top.set_auto_predict(True)
    return model
