"""What register writes with byte strobes mean (``docs/registers.md``), for whoever follows the bus."""

from __future__ import annotations

from .csr_map import REGS

_IMEM_DATA = REGS["IMEM_DATA"][0]
_COMPLETES = 0b1000  # the byte of IMEM_DATA whose write makes a word
_KEEPS = ("RW", "WO")  # commands and bits that are written to clear take nothing over from the write before


class RegisterWrites:
    """The registers' contents, as far as software decides them; they start from reset."""

    def __init__(self) -> None:
        self._keeps = {
            address: sum((1 << width) - 1 << lsb for lsb, width, _, kind in fields.values() if kind in _KEEPS)
            for address, fields in REGS.values()
        }
        self.reset()

    def reset(self) -> None:
        """All registers take their reset values."""
        self._held = {
            address: sum(reset << lsb for lsb, _, reset, _ in fields.values()) for address, fields in REGS.values()
        }

    def write(self, address: int, data: int, strobe: int = 0xF) -> int | None:
        """A write of the bytes that ``strobe`` names.

        Returns:
            The whole word that it amounts to, or None where it has no effect yet: no byte is written, or a word of
            ``IMEM_DATA`` is not complete.
        """
        named = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1)
        keeps = self._keeps.get(address, 0)
        value = data & named | self._held.get(address, 0) & keeps & ~named
        self._held[address] = value & keeps
        acts = strobe & (_COMPLETES if address == _IMEM_DATA else 0xF)
        return value if acts else None
