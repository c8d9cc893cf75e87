"""Back door into the DRAM of the simulations (verif/lib/sv/axi_dram.sv): bytes in and out without bus cycles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class DramBackdoor:
    """Reads and writes an ``axi_dram`` instance by byte address.

    For images of more than some 100 kB use its plusargs instead: a word costs about 10 microseconds here.
    """

    def __init__(self, handle: Any) -> None:
        """``handle`` is the cocotb handle of the instance."""
        self._mem = handle.mem
        self.beat: int = len(handle.mem[0]) // 8
        """Bytes a word of the memory."""
        self.size: int = len(handle.mem) * self.beat
        """Bytes of the memory."""

    def _words(self, addr: int, size: int) -> range:
        if addr % self.beat or size % self.beat or not 0 <= addr <= addr + size <= self.size:
            raise ValueError(
                f"bytes {addr:#x}..{addr + size:#x}: whole beats of {self.beat} bytes below {self.size:#x} expected"
            )
        return range(addr // self.beat, (addr + size) // self.beat)

    def write(self, addr: int, data: bytes | NDArray[np.uint8]) -> None:
        """Store ``data`` at byte address ``addr`` (both multiples of the beat).

        Raises:
            ValueError: misaligned, or beyond the memory.
        """
        raw = bytes(data)
        for n, word in enumerate(self._words(addr, len(raw))):
            self._mem[word].value = int.from_bytes(raw[n * self.beat : (n + 1) * self.beat], "little")

    def read(self, addr: int, size: int) -> NDArray[np.uint8]:
        """Return ``size`` bytes from byte address ``addr``.

        Raises:
            ValueError: misaligned, or beyond the memory.
        """
        raw = b"".join(
            self._mem[word].value.to_unsigned().to_bytes(self.beat, "little") for word in self._words(addr, size)
        )
        return np.frombuffer(raw, np.uint8)
