"""Records what a simulation drives into the HDL top, as a file that ``bare_loop.cpp`` replays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cocotb
from cocotb.utils import get_sim_time

INPUTS = (
    "rst_n",
    "rsp_stall_pct",
    "s_axil_awvalid",
    "s_axil_awaddr",
    "s_axil_wvalid",
    "s_axil_wdata",
    "s_axil_wstrb",
    "s_axil_bready",
    "s_axil_arvalid",
    "s_axil_araddr",
    "s_axil_rready",
    "s_tvalid",
    "s_tdata",
    "s_tlast",
    "u_core.u_probe.unit_probe",
    "u_dram.stall_pct",
    "u_dram.stall_seed",
)
"""Everything that the environment drives."""


class Recorder:
    """Notes every change of :data:`INPUTS` from now on, and their present values."""

    def __init__(self, dut) -> None:
        self.lines: list[str] = []
        for name in INPUTS:
            signal = dut
            for part in name.split("."):
                signal = getattr(signal, part)
            self._note(name, signal)
            cocotb.start_soon(self._follow(name, signal))

    def _note(self, name: str, signal) -> None:
        self.lines.append(f"{get_sim_time('step')} {name} {int(signal.value):x}")

    async def _follow(self, name: str, signal) -> None:
        while True:
            await signal.value_change
            self._note(name, signal)

    def write(self, path: Path, begin: int, end: int, regions: Iterable[tuple[int, int]]) -> None:
        """Write the stimulus; ``begin`` and ``end`` are times in steps, ``regions`` DRAM ranges (address, bytes) for
        the digest.
        """
        head = [f"measure {begin} {end}", *(f"region {a} {n}" for a, n in regions)]
        path.write_text("\n".join([*head, *self.lines]) + "\n", encoding="utf-8")


class Digest:
    """FNV-1a, 64 bits, over bytes added piece by piece."""

    def __init__(self) -> None:
        self.value = 0xCBF29CE484222325

    def add(self, data: bytes) -> None:
        for byte in data:
            self.value = (self.value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
