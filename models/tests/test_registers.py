"""Register writes with byte strobes, as the host sees them."""

from __future__ import annotations

from equinox_core.csr_map import REGS
from equinox_core.registers import RegisterWrites

ADDR, DATA, SHAPE, CMD = (REGS[path][0] for path in ("IMEM_ADDR", "IMEM_DATA", "SVC[2].SHAPE", "CTX[0].CMD"))


def test_parts() -> None:
    """Bytes without a strobe stay; a register's other bytes are its reset values at first."""
    regs = RegisterWrites()
    assert regs.write(SHAPE, 0x00AA0000, 0b0100) == 0x00AA0101
    assert regs.write(SHAPE, 0xFFFFFF07, 0b0001) == 0x00AA0107
    assert regs.write(ADDR, 0x00030028) == 0x00030028
    assert regs.write(ADDR, 0xFFFF0006, 0b0011) == 0x00030006
    assert regs.write(ADDR, 0xFF01FFFF, 0b0100) == 0x00010006


def test_no_effect() -> None:
    """A write of no byte does nothing, a word of IMEM_DATA is complete with its highest byte, commands are not
    repeated.
    """
    regs = RegisterWrites()
    assert regs.write(SHAPE, 0xFFFFFFFF, 0) is None
    assert [regs.write(DATA, 0x11223344, s) for s in (0b0011, 0b0100, 0b1000)] == [None, None, 0x11223344]
    assert regs.write(DATA, 0xAA000000, 0b1000) == 0xAA223344
    assert regs.write(CMD, 0b0100) == 0b0100
    assert regs.write(CMD, 0xFFFFFFFF, 0b0010) == 0xFF00


def test_reset() -> None:
    regs = RegisterWrites()
    regs.write(SHAPE, 0x00050607)
    regs.reset()
    assert regs.write(SHAPE, 0, 0b1000) == 0x00010101
