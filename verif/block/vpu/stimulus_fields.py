"""VECTOR instructions that take counts, bases and strides through every value class, each where it decides the result.

A count decides how many lines are started and when the instruction is done. A base or a stride decides which line is
read or written while it stays within the memory; beyond it the fault does, so that a bit that is dropped turns a fault
into a result. Each address is tried in every space that its operand can have, for each space has a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from equinox_core.isa.encoding import BODY, Conv, ConvDst, Dst, Instr, Op, Src, make
from equinox_core.vector import VectorEnv
from verif.block.vpu.model import Size
from verif.lib import coverage
from verif.lib.field_sweep import FieldSweep

COUNTS = ("cnt_o", "cnt_i")
OPERANDS = "abcdrv"
SPACES: dict[str, tuple[int, ...]] = {
    "a": (Src.VEC, Src.CST, Src.ACC, Src.STG),
    "b": (Src.VEC, Src.CST, Src.IMM),
    "c": (Src.VEC, Src.CST, Src.ACC, Src.STG),
    "d": (Src.VEC, Src.CST, Src.ACC, Src.STG),
    "r": (Dst.VEC, Dst.SOF),
    "v": (ConvDst.ACTC, ConvDst.WGTC, ConvDst.SOB),
}


def fields() -> FieldSweep[str]:
    """``vector_fields_cg``, and the sweep that hits it; the context of a field is its operand, of a count ``cnt``."""
    widths = {
        f.name: f.width for f in BODY[Op.VECTOR] if f.name in COUNTS or f.name.partition("_")[2] in ("base", "so", "si")
    }
    return FieldSweep("vector_fields_cg", widths, {name: name.partition("_")[0] for name in widths})


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {fields().group.name: coverage.cocotb_groups()["vector_fields_cg"]}


def counted(field: str, value: int) -> Instr:
    """An instruction of so many segments of a line, or of a segment of so many lines; strides of 0 keep its place."""
    return make(Op.VECTOR, **{"cnt_o": 1, "cnt_i": 1, field: value}, a_sp=Src.STG, r_sp=Dst.SOF)


def addressed(p: Size, operand: str, space: int, **address: int) -> Iterator[Instr]:
    """Instructions in which the second line (with a base alone, the only one) of an operand is where it says.

    Nothing that is read is in VEC where VEC is written: lines do not read their own instruction's results.
    """
    f = {f"{operand}_{name}": value for name, value in address.items()} | {f"{operand}_sp": space}
    f |= {"cnt_o": 1 + ("so" in address), "cnt_i": 1 + ("si" in address)}
    if operand != "a":
        other = Src.CST if operand in "cd" and space in (Src.ACC, Src.STG) else Src.STG  # those two have one port
        f |= {"a_sp": other, "a_so": 1, "a_si": 1}
    if operand not in "rv":
        f |= {"r_sp": Dst.SOF, "r_so": 1, "r_si": 1}
    if operand != "v":
        yield make(Op.VECTOR, **f)
        return
    if "si" in address:  # ROWS: the second block begins with the line behind the first one's K/L
        f["cnt_i"] = 2 * p.K // p.L
    yield make(Op.VECTOR, **f, v_mode=Conv.ROWS)
    if address.get("si"):  # COLS: from lane to lane
        yield make(Op.VECTOR, **f, v_mode=Conv.COLS)


def edges(p: Size, env: VectorEnv, operand: str, space: int) -> tuple[int, ...]:
    """The last base within the operand's memory and the first one behind it; none of an immediate."""
    if operand == "r":
        end = {int(Dst.VEC): p.VEC_DEPTH - env.vec_base, int(Dst.SOF): p.SOF_DEPTH}[space]
    elif operand == "v":
        end = {
            int(ConvDst.ACTC): p.ACTC_DEPTH - env.actc_base,
            int(ConvDst.WGTC): p.WGTC_DEPTH,
            int(ConvDst.SOB): p.SOB_DEPTH,
        }[space]
    elif space == Src.IMM:
        return ()
    else:
        end = {
            int(Src.VEC): p.VEC_DEPTH - env.vec_base,
            int(Src.CST): p.VEC_DEPTH - env.c_base,
            int(Src.ACC): p.ACC_DEPTH - env.acc_base,
            int(Src.STG): p.STG_DEPTH,
        }[space]
    return (end - 1, *((end,) if end < 1 << 16 else ()))
