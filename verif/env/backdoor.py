"""Back door to the DRAM of the HDL top."""
from __future__ import annotations

from collections.abc import Iterable


class DramBackdoor:
    """Reads and writes the memory array of ``axi_dram`` without taking simulation time."""

    def __init__(self, dut, beat_bytes: int) -> None:
        self.mem = dut.u_dram.mem
        self.beat = beat_bytes

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes from ``address`` (both multiples of the beat).

        Raises:
            ValueError: not a multiple.
        """
        if address % self.beat or size % self.beat:
            raise ValueError(f"DRAM range {address:#x}+{size:#x}: legal are multiples of {self.beat}")
        first, mem = address // self.beat, self.mem
        return b"".join(int(mem[first + n].value).to_bytes(self.beat, "little") for n in range(size // self.beat))

    def read_ranges(self, ranges: Iterable[tuple[int, int]]) -> bytes:
        """The concatenated contents of (address, size) ranges."""
        return b"".join(self.read(a, s) for a, s in ranges)

    def write(self, address: int, data: bytes) -> None:
        """Write bytes at ``address`` (both multiples of the beat)."""
        if address % self.beat or len(data) % self.beat:
            raise ValueError(f"DRAM range {address:#x}+{len(data):#x}: legal are multiples of {self.beat}")
        for n in range(len(data) // self.beat):
            self.mem[address // self.beat + n].value = int.from_bytes(data[n * self.beat:(n + 1) * self.beat], "little")
