"""What pyuvm's register classes lack for a back door: registers that pass back door accesses on, and coverage of both
doors.

pyuvm 5 has the calls (``peek``, ``poke``, ``read`` and ``write`` with ``UVM_BACKDOOR``, ``set_backdoor``) and leaves
what they do unimplemented; it has no access coverage either. The generated register model takes :class:`BackdoorReg` as
its base class.
"""

from __future__ import annotations

from collections.abc import Callable

from pyuvm import uvm_access_e, uvm_door_e, uvm_predict_e, uvm_reg, uvm_status_e
from pyuvm._reg.uvm_reg_item import uvm_reg_item

Observer = Callable[["BackdoorReg", uvm_door_e, bool, int], None]
"""Called after each access that went well: register, door, whether it was a write, value."""


class BackdoorReg(uvm_reg):
    """A register whose back door is the block's ``uvm_reg_backdoor``: values are stored as given, whatever the access
    policy.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.observer: Observer | None = None

    async def do_write(self, rw: uvm_reg_item) -> None:
        """One write through the door that ``rw`` names; the mirror follows."""
        if self._is_backdoor(rw):
            await self.backdoor_write(rw)
            if rw.get_status() is uvm_status_e.UVM_IS_OK:
                self.do_predict(rw, uvm_predict_e.UVM_PREDICT_DIRECT)
        else:
            await super().do_write(rw)
        self._observe(rw)

    async def do_read(self, rw: uvm_reg_item) -> None:
        """One read through the door that ``rw`` names; the mirror follows."""
        if self._is_backdoor(rw):
            await self.backdoor_read(rw)
            if rw.get_status() is uvm_status_e.UVM_IS_OK:
                self.do_predict(rw, uvm_predict_e.UVM_PREDICT_DIRECT)
        else:
            await super().do_read(rw)
        self._observe(rw)

    async def backdoor_write(self, rw: uvm_reg_item) -> None:
        await self.get_backdoor().write(rw)

    async def backdoor_read(self, rw: uvm_reg_item) -> None:
        await self.get_backdoor().read(rw)

    def _is_backdoor(self, rw: uvm_reg_item) -> bool:
        door = rw.get_door()
        return (
            self._parent.get_default_door() if door is uvm_door_e.UVM_DEFAULT_DOOR else door
        ) is uvm_door_e.UVM_BACKDOOR

    def _observe(self, rw: uvm_reg_item) -> None:
        if self.observer is not None and rw.get_status() is uvm_status_e.UVM_IS_OK:
            self.observer(self, rw.get_door(), rw.get_kind() is uvm_access_e.UVM_WRITE, int(rw.get_value()))
