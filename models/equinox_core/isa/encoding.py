"""Instruction encodings: the single source of the ISA's bit layout.

Every instruction is one fixed-length word of ``INSTR_BITS`` bits.  Bits [39:0] are the common header; the
rest depends on the opcode.  ``scripts/gen_isa_pkg.py`` writes ``rtl/common/eqx_isa_pkg.sv`` from the tables below.
The meaning of each field is in ``docs/isa.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ..hw.params import INSTR_BITS
from ..hw.states import Err, Status, Unit

__all__ = [
    "BODY",
    "HEADER",
    "HEADER_BITS",
    "INSTR_BITS",
    "INSTR_WORDS",
    "LAYOUT",
    "SEMAPHORES",
    "SEM_MAX",
    "UNIT_BITS",
    "UNIT_OF_OP",
    "WORD_BITS",
    "ASpace",
    "Act",
    "BSpace",
    "Combine",
    "Conv",
    "ConvDst",
    "Dst",
    "Err",
    "Field",
    "Instr",
    "LdDst",
    "Op",
    "Red",
    "Src",
    "StSrc",
    "Status",
    "Unit",
    "decode",
    "encode",
    "layout",
    "make",
]

WORD_BITS = 32
INSTR_WORDS = INSTR_BITS // WORD_BITS
SEMAPHORES = 16
SEM_MAX = 15


class Op(IntEnum):
    MATMUL = 1
    VECTOR = 2
    LOAD = 3
    STORE = 4
    NOP = 15


UNIT_OF_OP = {Op.MATMUL: Unit.MMU, Op.VECTOR: Unit.VPU, Op.LOAD: Unit.LD, Op.STORE: Unit.ST}


class ASpace(IntEnum):
    """Where MATMUL reads its A operand."""

    ACTC = 0  # activation buffer, written by the converter
    ACTD = 1  # activation buffer, written by the DMA


class BSpace(IntEnum):
    """Where MATMUL reads its B operand."""

    WGTC = 0  # weight buffer, written by the converter
    WGTD = 1  # weight buffer, written by the DMA


class Src(IntEnum):
    """Operand spaces of VECTOR sources (B takes NONE, IMM, VEC, CST only)."""

    NONE = 0
    VEC = 1  # vector buffer, context-relative, bf16
    CST = 2  # vector buffer, service-relative, bf16
    ACC = 3  # accumulator buffer, context-relative, fp32
    STG = 4  # staging-in buffer, absolute, fp32
    RXB = 5  # request payload of this batch, bf16
    IMM = 6  # bf16 immediate in the base field (B only)


class Act(IntEnum):
    NONE = 0
    RELU = 1
    SIGMOID = 2
    TANH = 3
    EXP = 4
    RECIP = 5
    DRELU = 6
    DSIGMOID = 7
    DTANH = 8


class Red(IntEnum):
    NONE = 0
    SUM = 1
    MAX = 2


class Combine(IntEnum):
    """How VECTOR combines p (scaled A) with z (C)."""

    ADD = 0
    MAX = 1


class Dst(IntEnum):
    NONE = 0
    VEC = 1  # context-relative, bf16
    TXB = 2  # response payload of this batch, bf16
    SOF = 3  # staging-out buffer, fp32 (the sum before rounding)


class Conv(IntEnum):
    NONE = 0
    ROWS = 1  # blocks along the inner loop (lines of one row)
    COLS = 2  # blocks along the inner loop's rows: transposed


class ConvDst(IntEnum):
    ACTC = 0
    WGTC = 1
    SOB = 2  # staging-out buffer, HBFP8 blocks


class LdDst(IntEnum):
    ACTD = 0  # blocks
    WGTD = 1  # blocks, service-relative
    STG = 2  # fp32 lines


class StSrc(IntEnum):
    SOB = 0  # blocks
    SOF = 1  # fp32 lines


@dataclass(frozen=True)
class Field:
    """One bit field: ``name``, width in bits, and the enum of its values where it has one."""

    name: str
    width: int
    enum: type[IntEnum] | None = None


def _f(name: str, width: int, enum: type[IntEnum] | None = None) -> Field:
    return Field(name, width, enum)


HEADER = (
    _f("op", 4, Op),
    _f("last", 1),
    _f("step", 1),
    _f("rsvd", 2),
    _f("wait", SEMAPHORES),
    _f("signal", SEMAPHORES),
)

_ADDR = (("base", 16), ("so", 12), ("si", 12))


def _operand(p: str) -> tuple[Field, ...]:
    return tuple(_f(f"{p}_{n}", w) for n, w in _ADDR)


BODY: dict[Op, tuple[Field, ...]] = {
    Op.MATMUL: (
        _f("dyn_rows", 1),
        _f("accum", 1),
        _f("a_sp", 1, ASpace),
        _f("b_sp", 1, BSpace),
        _f("rows", 16),
        _f("n_g", 12),
        _f("n_k", 12),
        _f("a_base", 16),
        _f("a_sr", 12),
        _f("a_sk", 12),
        _f("b_base", 16),
        _f("b_sg", 16),
        _f("b_sk", 16),
        _f("c_base", 16),
        _f("c_sr", 12),
        _f("c_sg", 12),
    ),
    Op.VECTOR: (
        _f("cnt_o", 12),
        _f("cnt_i", 12),
        _f("dyn_o", 1),
        _f("dyn_i", 1),
        _f("a_sp", 3, Src),
        _f("b_sp", 3, Src),
        _f("c_sp", 3, Src),
        _f("d_sp", 3, Src),
        _f("p_neg", 1),
        _f("c_neg", 1),
        _f("combine", 1, Combine),
        _f("act", 4, Act),
        _f("red", 2, Red),
        _f("r_sp", 2, Dst),
        _f("v_mode", 2, Conv),
        _f("v_sp", 2, ConvDst),
        *_operand("a"),
        *_operand("b"),
        *_operand("c"),
        *_operand("d"),
        *_operand("r"),
        *_operand("v"),
    ),
    Op.LOAD: (
        _f("sp", 2, LdDst),
        _f("n_o", 12),
        _f("len", 12),
        _f("l_base", 16),
        _f("l_so", 16),
        _f("d_base", 32),
        _f("d_so", 32),
        _f("d_iter", 32),
    ),
    Op.STORE: (
        _f("sp", 2, StSrc),
        _f("n_o", 12),
        _f("len", 12),
        _f("l_base", 16),
        _f("l_so", 16),
        _f("d_base", 32),
        _f("d_so", 32),
        _f("d_iter", 32),
    ),
    Op.NOP: (),
}

HEADER_BITS = sum(f.width for f in HEADER)
for _op, _body in BODY.items():
    if HEADER_BITS + sum(f.width for f in _body) > INSTR_BITS:
        raise RuntimeError(f"the fields of {_op.name} do not fit into {INSTR_BITS} bits")


def layout(op: Op) -> dict[str, tuple[int, int]]:
    """Return ``{field name: (lsb, width)}`` of the whole instruction word of ``op``."""
    out, lsb = {}, 0
    for f in HEADER + BODY[op]:
        out[f.name] = (lsb, f.width)
        lsb += f.width
    return out


LAYOUT = {op: layout(op) for op in Op}

UNIT_BITS: dict[Unit, int] = {unit: HEADER_BITS + sum(f.width for f in BODY[op]) for op, unit in UNIT_OF_OP.items()}
"""Bits of the instruction word that a unit's instructions have; its instruction memory holds no others."""


@dataclass(frozen=True)
class Instr:
    """A decoded instruction: opcode and every field's value (absent fields are 0)."""

    op: Op
    fields: dict[str, int]

    def __getattr__(self, name: str) -> int:
        try:
            fields: dict[str, int] = self.__dict__["fields"]
            return fields[name]
        except KeyError:
            raise AttributeError(name) from None

    def __hash__(self) -> int:
        return hash((self.op, tuple(sorted(self.fields.items()))))


def make(op: Op, **fields: int) -> Instr:
    """Build an instruction; unnamed fields are zero.

    Raises:
        ValueError: unknown field, or a value outside the field's range.
    """
    lay = LAYOUT[op]
    values = dict.fromkeys((n for n in lay if n not in ("op", "rsvd")), 0)
    for name, value in fields.items():
        if name not in values:
            raise ValueError(f"{op.name}: no field '{name}' (has {', '.join(values)})")
        value = int(value)
        limit = (1 << lay[name][1]) - 1
        if not 0 <= value <= limit:
            raise ValueError(f"{op.name}.{name} = {value}: legal range 0..{limit}")
        values[name] = value
    return Instr(op, values)


def encode(ins: Instr) -> int:
    """Return the instruction word as an integer of ``INSTR_BITS`` bits."""
    word = int(ins.op)
    for name, (lsb, _) in LAYOUT[ins.op].items():
        if name not in ("op", "rsvd"):
            word |= ins.fields[name] << lsb
    return word


def decode(word: int) -> Instr:
    """Inverse of :func:`encode`.

    Raises:
        ValueError: the word is out of range, has an unknown opcode, or has a reserved bit set.
    """
    if not 0 <= word < 1 << INSTR_BITS:
        raise ValueError(f"instruction word does not fit {INSTR_BITS} bits")
    try:
        op = Op(word & 0xF)
    except ValueError:
        raise ValueError(f"illegal opcode {word & 0xF:#x} (legal: {', '.join(f'{o:#x}' for o in Op)})") from None
    ins = make(op, **{n: word >> lsb & (1 << w) - 1 for n, (lsb, w) in LAYOUT[op].items() if n not in ("op", "rsvd")})
    if encode(ins) != word:
        raise ValueError(f"{op.name}: reserved bits are set")
    return ins
