"""Register test sequences over both doors, on pyuvm's ``uvm_reg_sequence``.

pyuvm 5 has front door accesses, mirrors and access policies, and none of UVM's ready-made sequences
(``uvm_reg_hw_reset_seq``, ``uvm_reg_bit_bash_seq``, ``uvm_reg_access_seq``): these are they, for any register model
with a back door. What a register should hold comes from the model's mirror, which pyuvm predicts from each field's
access policy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyuvm import uvm_door_e, uvm_reg_sequence, uvm_status_e

from verif.agents.backdoor_reg import BackdoorReg
from verif.agents.csr_agent import Csr
from verif.env.csr_coverage import CONSTANT, STORED, CsrCoverage
from verif.lib import checks
from verif.lib.verdict import require

FRONT, BACK = uvm_door_e.UVM_FRONTDOOR, uvm_door_e.UVM_BACKDOOR
UNREADABLE = ("WO", "WOC", "WOS", "WO1")


class RegisterSeq(uvm_reg_sequence):
    """Base: accesses that fail the test when their status is not OK, and comparisons with the mirror.

    Args:
        registers: the registers to visit, by path.
        coverage: told of what front door writes do to bits.
        rng: for random values.
        live: values by path that hardware gives registers without storage, or those that it updates.
    """

    def __init__(
        self,
        registers: Mapping[str, BackdoorReg],
        coverage: CsrCoverage,
        rng: np.random.Generator,
        live: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(type(self).__name__)
        self.registers, self.coverage, self.rng, self.live = registers, coverage, rng, live or {}
        self.bus, self.compared = Csr(), 0

    async def body(self) -> None:
        for path, reg in self.registers.items():
            await self.visit(path, reg)
        self.count()

    def count(self) -> None:
        """Report how many values were compared; none fails the test."""
        checks.compared(type(self).__name__, self.compared)

    async def visit(self, path: str, reg: BackdoorReg) -> None:
        """Test one register."""
        raise TypeError(f"{type(self).__name__} has no visit()")

    async def get(self, path: str, door: uvm_door_e) -> int:
        """Read, or peek."""
        reg = self.registers[path]
        status, value = await (reg.peek(parent=self) if door is BACK else self.read_reg(reg, door))
        require(status is uvm_status_e.UVM_IS_OK, f"{path}: {door.name} read: {status.name}")
        return int(value)

    async def put(self, path: str, value: int, door: uvm_door_e, held: int = 0) -> None:
        """Write, or poke. ``held`` is what the register held, for the coverage of front door writes."""
        reg = self.registers[path]
        if door is FRONT:
            self.coverage.policy(path, held, value)
            if reg.get_rights() == "RO":  # pyuvm refuses the write; the bus does not, and it must change nothing
                await self.bus.write_raw(reg.get_address(), value)
                self.coverage.sample(reg, door, True, value)
                return
        status = await (reg.poke(value, parent=self) if door is BACK else self.write_reg(reg, value, door))
        require(status is uvm_status_e.UVM_IS_OK, f"{path}: {door.name} write: {status.name}")

    def expect(self, path: str, what: str, seen: int, legal: int) -> None:
        """Fail the test unless a register holds what it should."""
        require(seen == legal, f"{path}: {what}: {seen:#x}, expected {legal:#x}")
        self.compared += 1

    def mirror(self, path: str) -> int:
        """What the model says that the register holds."""
        return self.live.get(
            path, sum(f.get_mirrored_value() << f.get_lsb_pos() for f in self.registers[path].get_fields())
        )

    def readable(self, path: str) -> int:
        """Bits that a front door read shows."""
        return self.mask(path, lambda access: access not in UNREADABLE)

    def mask(self, path: str, of) -> int:
        """Bits of the fields whose access is as ``of`` says."""
        return sum(f.get_register_mask() for f in self.registers[path].get_fields() if of(f.get_access()))

    async def agree(self, path: str, what: str) -> None:
        """Both doors show what the model says."""
        expected = self.mirror(path)
        self.expect(path, f"{what}, front door", await self.get(path, FRONT), expected & self.readable(path))
        if path not in CONSTANT:
            self.expect(path, f"{what}, back door", await self.get(path, BACK), expected)


class RegisterResetSeq(RegisterSeq):
    """Every register holds its reset value (``live`` where hardware gives it), through both doors; bits without a field
    read 0.
    """

    async def visit(self, path: str, reg: BackdoorReg) -> None:
        reg.reset()
        self.expect(path, "the model's mirror after reset", self.mirror(path), self.live.get(path, reg.get_reset()))
        await self.agree(path, "after reset")


class RegisterBitBashSeq(RegisterSeq):
    """Each bit of a field is written 1 and 0 through the front door, over 0 and over 1, and all bits without a field
    together.

    What it should then be is its field's policy.
    """

    async def visit(self, path: str, reg: BackdoorReg) -> None:
        start, word = self.mirror(path), (1 << reg.get_n_bits()) - 1
        used = self.mask(path, lambda access: True)
        flips = [1 << bit for bit in range(reg.get_n_bits()) if used >> bit & 1] + [word & ~used] * (used != word)
        kept = self.mask(
            path, lambda access: access != "WC"
        )  # commands keep what is poked for one cycle only, and are left alone
        for background in (0, word):
            for flip in flips:
                if path in STORED and self.mirror(path) != background & kept:
                    await self.put(path, background & kept, BACK)
                for value in (background ^ flip, background):
                    held = self.mirror(path)
                    await self.put(path, value, FRONT, held)
                    expected = self.mirror(path)  # before the read, which the mirror follows
                    self.expect(
                        path,
                        f"after {value:#010x} over {held:#010x}",
                        await self.get(path, FRONT),
                        expected & self.readable(path),
                    )
        if path in STORED:
            await self.put(path, start, BACK)


class RegisterAccessSeq(RegisterSeq):
    """Written through one door and read through the other, both ways round,
    with random values and their complements.
    """

    async def visit(self, path: str, reg: BackdoorReg) -> None:
        start = self.mirror(path)
        value = int(self.rng.integers(1 << reg.get_n_bits()))
        for pattern in (value, ~value & (1 << reg.get_n_bits()) - 1):
            await self.put(path, pattern, FRONT, self.mirror(path))
            expected = self.mirror(path)
            if path not in CONSTANT:
                self.expect(path, f"peeked after a write of {pattern:#010x}", await self.get(path, BACK), expected)
            if path in STORED:
                kept = pattern & self.mask(path, lambda access: access != "WC")
                await self.put(path, kept, BACK)
                self.expect(
                    path, f"read after a poke of {kept:#010x}", await self.get(path, FRONT), kept & self.readable(path)
                )
        if path in STORED:
            await self.put(path, start, BACK)


class RegisterUniqueSeq(RegisterSeq):
    """All registers hold values of their own at the same time: no two share storage or an address."""

    async def body(self) -> None:
        paths = [path for path in self.registers if path in STORED]
        start = {path: self.mirror(path) for path in paths}
        for door in (FRONT, BACK):
            for path in paths:
                await self.put(
                    path,
                    int(self.rng.integers(1 << 32)) & self.mask(path, lambda access: access != "WC"),
                    door,
                    self.mirror(path),
                )
            for path in paths:
                await self.agree(path, f"among all, written by {door.name}")
        for path in paths:
            await self.put(path, start[path], BACK)
        self.count()
