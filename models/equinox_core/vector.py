"""Functional model of the VECTOR instruction (``docs/isa.md``), a whole instruction at a time.

The result is that of the lines executed one after another. No line may read what one of the T lines before it
writes (``isa/own_lines.py``), so T + 1 lines at a time can be read first and written afterwards; all of them where
no line reads what an earlier one writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .hw.pipeline import line_stage
from .isa.encoding import Act, Combine, Conv, ConvDst, Dst, Err, Instr, Op, Red, Src
from .isa.own_lines import check_distance
from .numerics import (
    act,
    bf16_max,
    bf16_mul,
    bf16_mul_fp32,
    bf16_to_fp32,
    fp32_add,
    fp32_bits,
    fp32_from_bits,
    fp32_max,
    fp32_neg,
    fp32_to_bf16,
    quantise,
)

U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
Blocks = tuple[NDArray[np.int8], NDArray[np.uint8]]  # mantissas [depth, K], exponents [depth]

_BF16_SPACES = (Src.VEC, Src.CST)
_FP32_SPACES = (Src.ACC, Src.STG)
_ALLOWED = {
    "a": (Src.NONE, *_BF16_SPACES, *_FP32_SPACES, Src.RXB),
    "b": (Src.NONE, Src.IMM, *_BF16_SPACES),
    "c": (Src.NONE, *_BF16_SPACES, *_FP32_SPACES),
    "d": (Src.NONE, *_BF16_SPACES, *_FP32_SPACES),
}


class VectorFault(ValueError):
    """The instruction stops with ``cause`` (an ``Err``); what earlier lines wrote stays."""

    def __init__(self, cause: Err, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class VectorBuffers(Protocol):
    """The memories a VECTOR reads and writes; written in place. Bit patterns throughout.

    ``VEC [depth, L]``, ``RXB [slots * rx_lines, L]``, ``TXB [contexts * N * tx_lines, L]`` are uint16
    (bf16); ``ACC``, ``STG``, ``SOF`` ``[depth, L]`` are uint32 (fp32); ``ACTC``, ``WGTC``, ``SOB`` are
    pairs of mantissas int8 ``[depth, K]`` and exponents uint8 ``[depth]``.
    """

    VEC: U16
    RXB: U16
    TXB: U16
    ACC: U32
    STG: U32
    SOF: U32
    ACTC: Blocks
    WGTC: Blocks
    SOB: Blocks


@dataclass(frozen=True)
class VectorEnv:
    """What VECTOR needs to know of its context.

    ``n``, ``rx_lines``, ``tx_lines`` are parameters of the core; ``ctx`` is the context's index (it
    places the context's area of TXB); ``slots[row]`` the RXB slot of each row of the batch; ``rows``
    its valid rows. The bases are relocations: lines of VEC, CST and ACC, blocks of ACTC.
    """

    n: int
    rx_lines: int
    tx_lines: int
    ctx: int
    training: bool
    rows: int = 0
    slots: ArrayLike = ()
    vec_base: int = 0
    acc_base: int = 0
    actc_base: int = 0
    c_base: int = 0


def _operand(message: str) -> VectorFault:
    return VectorFault(Err.OPERAND, f"VECTOR: {message}")


def vector_counts(ins: Instr, env: VectorEnv) -> tuple[int, int]:
    """Segments and lines a segment, after ``dyn_o`` and ``dyn_i`` (unchecked)."""
    return (env.rows if ins.dyn_o else ins.cnt_o, env.rows if ins.dyn_i else ins.cnt_i)


def check_vector(ins: Instr, env: VectorEnv, k: int) -> None:
    """Check everything that does not depend on addresses; ``k`` is the block length.

    Raises:
        VectorFault: the instruction is not a legal VECTOR.
    """
    if ins.op != Op.VECTOR:
        raise VectorFault(Err.ILLEGAL_OP, f"opcode {ins.op} in the VPU's stream")
    for name, allowed in _ALLOWED.items():
        if ins.fields[f"{name}_sp"] not in allowed:
            raise _operand(f"{name}_sp = {ins.fields[f'{name}_sp']} is not a space of operand {name.upper()}")
    codes: tuple[tuple[str, int, type[IntEnum]], ...] = (
        ("act", ins.act, Act),
        ("red", ins.red, Red),
        ("v_mode", ins.v_mode, Conv),
    )
    for name, value, legal in codes:
        if value not in set(legal):
            raise _operand(f"{name} = {value}: legal range 0..{int(max(legal))}")
    if ins.v_mode != Conv.NONE and ins.v_sp not in set(ConvDst):
        raise _operand(f"v_sp = {ins.v_sp}: legal range 0..{int(max(ConvDst))}")
    sources = (ins.a_sp, ins.c_sp, ins.d_sp)
    for space in _FP32_SPACES:
        if sources.count(space) > 1:
            raise _operand(f"{space.name} is read by more than one operand")
    if ins.c_sp in _BF16_SPACES and ins.d_sp in _BF16_SPACES:
        raise _operand("C and D are both VEC/CST")
    if env.training and (ins.dyn_o or ins.dyn_i or ins.a_sp == Src.RXB or ins.r_sp == Dst.TXB):
        raise _operand("dyn_o, dyn_i, RXB and TXB exist for inference contexts only")
    if ins.a_sp == Src.RXB and ins.dyn_o + ins.dyn_i != 1:
        raise _operand("RXB needs exactly one of dyn_o and dyn_i")
    cnt_o, cnt_i = vector_counts(ins, env)
    if cnt_o < 1 or not 1 <= cnt_i <= k:
        raise _operand(f"counts {cnt_o} x {cnt_i}: need at least 1 x 1, and at most {k} lines a segment")


class _Lines:
    """Addresses of all lines, and which line (if any) is the first with an illegal one."""

    def __init__(self, ins: Instr, env: VectorEnv, cnt_o: int, cnt_i: int) -> None:
        self.ins, self.env = ins, env
        self.o = np.repeat(np.arange(cnt_o, dtype=np.int64), cnt_i)
        self.i = np.tile(np.arange(cnt_i, dtype=np.int64), cnt_o)
        self.good = cnt_o * cnt_i  # lines before the first faulty one
        self.fault = ""

    def at(self, name: str, relocation: int = 0, so: int | None = None, si: int | None = None) -> I64:
        f = self.ins.fields
        so = f[f"{name}_so"] if so is None else so
        si = f[f"{name}_si"] if si is None else si
        return f[f"{name}_base"] + relocation + self.o * so + self.i * si

    def limit(self, name: str, addr: I64, depth: int) -> I64:
        """Note the first line whose address is not below ``depth``; return the addresses."""
        bad = addr >= depth
        if bad.any():
            first = int(bad.argmax())
            if first < self.good:
                self.good = first
                self.fault = f"{name} address {int(addr[first])} of line {first}: legal range 0..{depth - 1}"
        return addr


_Source = tuple[int, NDArray[Any], I64]  # space, memory, address of every line


def _source(lines: _Lines, name: str, buf: VectorBuffers) -> _Source | None:
    """Space, memory and line addresses of a source operand; None if it reads no memory."""
    ins, env = lines.ins, lines.env
    space = ins.fields[f"{name}_sp"]
    if space in (Src.NONE, Src.IMM):
        return None
    if space == Src.RXB:
        line = lines.at(name, so=0 if ins.dyn_o else None, si=0 if ins.dyn_i else None)
        lines.limit("A (RXB)", line, env.rx_lines)
        slots = np.asarray(env.slots, dtype=np.int64)
        return space, buf.RXB, slots[lines.o if ins.dyn_o else lines.i] * env.rx_lines + line
    base = {Src.VEC: env.vec_base, Src.CST: env.c_base, Src.ACC: env.acc_base, Src.STG: 0}[Src(space)]
    memories: dict[Src, NDArray[Any]] = {Src.VEC: buf.VEC, Src.CST: buf.VEC, Src.ACC: buf.ACC, Src.STG: buf.STG}
    memory = memories[Src(space)]
    addr = lines.limit(f"{name.upper()} ({Src(space).name})", lines.at(name, base), len(memory))
    return space, memory, addr


def _destination(lines: _Lines, buf: VectorBuffers) -> tuple[NDArray[Any], I64] | None:
    """Memory and line addresses of R."""
    ins, env = lines.ins, lines.env
    if ins.r_sp == Dst.NONE:
        return None
    if ins.r_sp == Dst.TXB:
        area = env.n * env.tx_lines
        return buf.TXB, lines.limit("R (TXB)", lines.at("r"), area) + env.ctx * area
    memory, base = (buf.VEC, env.vec_base) if ins.r_sp == Dst.VEC else (buf.SOF, 0)
    return memory, lines.limit(f"R ({Dst(ins.r_sp).name})", lines.at("r", base), len(memory))


def _fp32(operand: _Source, part: slice) -> F32:
    space, memory, addr = operand
    raw = memory[addr[part]]
    return fp32_from_bits(raw) if space in _FP32_SPACES else bf16_to_fp32(raw)


def _reduce(red: int, u: U16) -> U16:
    if red == Red.SUM:
        tree = bf16_to_fp32(u)
        while tree.shape[1] > 1:
            tree = fp32_add(tree[:, 0::2], tree[:, 1::2])
        return np.broadcast_to(fp32_to_bf16(tree), u.shape)
    while u.shape[1] > 1:
        u = bf16_max(u[:, 0::2], u[:, 1::2])
    return u


def _convert(lines: _Lines, target: Blocks, w: U16, cnt_o: int, cnt_i: int, addr: I64) -> None:
    """Quantise the complete blocks of the good lines ``w`` and write them; ``addr`` is one a block."""
    mant, exp = target
    lanes, k = w.shape[1], mant.shape[1]
    if lines.ins.v_mode == Conv.ROWS:
        group = k // lanes
        blocks = -(-cnt_i // group)
        full = np.zeros((cnt_o, blocks * group, lanes), dtype=np.uint16)
        full[lines.o[: len(w)], lines.i[: len(w)]] = w
        values = full.reshape(cnt_o * blocks, k)
        ends = np.arange(cnt_o)[:, None] * cnt_i + np.minimum((np.arange(blocks) + 1) * group, cnt_i)
    else:
        full = np.zeros((cnt_o, k, lanes), dtype=np.uint16)
        full[lines.o[: len(w)], lines.i[: len(w)]] = w
        values = full.transpose(0, 2, 1).reshape(cnt_o * lanes, k)
        ends = np.repeat((np.arange(cnt_o) + 1) * cnt_i, lanes)
    done = ends.ravel() <= len(w)
    q, e = quantise(values[done])
    mant[addr[done]], exp[addr[done]] = q, e


def _blocks(lines: _Lines, buf: VectorBuffers, cnt_o: int, cnt_i: int) -> tuple[Blocks, I64] | None:
    """Target memory of the converter and the address of every block, in order."""
    ins, env = lines.ins, lines.env
    if ins.v_mode == Conv.NONE:
        return None
    target = {ConvDst.ACTC: buf.ACTC, ConvDst.WGTC: buf.WGTC, ConvDst.SOB: buf.SOB}[ConvDst(ins.v_sp)]
    base = ins.v_base + (env.actc_base if ins.v_sp == ConvDst.ACTC else 0)
    depth, k = target[0].shape
    lanes = buf.VEC.shape[1]
    row = base + np.arange(cnt_o, dtype=np.int64)[:, None] * ins.v_so
    if ins.v_mode == Conv.ROWS:
        group = k // lanes
        addr = row + np.arange(-(-cnt_i // group)) * ins.v_si
        per_line = row[lines.o, 0] + lines.i // group * ins.v_si
    else:
        addr = row + np.arange(lanes) * ins.v_si
        per_line = addr[lines.o, -1]
    lines.limit(f"V ({ConvDst(ins.v_sp).name})", per_line, depth)
    return target, addr.ravel()


@dataclass(frozen=True)
class VectorPlan:
    """What an instruction will touch.

    Sources ``a``..``d``: (space, memory, address of every line), None where no memory is read. ``r``:
    (memory, address of every line); ``v``: (memory, address of every block). Lines from ``good`` on are
    not executed because of ``fault`` (text, empty if none).
    """

    lines: _Lines
    cnt_o: int
    cnt_i: int
    a: _Source | None
    b: _Source | None
    c: _Source | None
    d: _Source | None
    r: tuple[NDArray[Any], I64] | None
    v: tuple[Blocks, I64] | None

    @property
    def good(self) -> int:
        return self.lines.good

    @property
    def fault(self) -> str:
        return self.lines.fault


def plan_vector(ins: Instr, buffers: VectorBuffers, env: VectorEnv) -> VectorPlan:
    """Check ``ins`` and compute all its addresses, without touching ``buffers``.

    Raises:
        VectorFault: as :func:`check_vector`; an address beyond its memory does not raise here.
    """
    check_vector(ins, env, buffers.ACTC[0].shape[1])
    cnt_o, cnt_i = vector_counts(ins, env)
    lines = _Lines(ins, env, cnt_o, cnt_i)
    a, b, c, d = (_source(lines, name, buffers) for name in "abcd")
    r = _destination(lines, buffers)
    v = _blocks(lines, buffers, cnt_o, cnt_i)
    return VectorPlan(lines, cnt_o, cnt_i, a, b, c, d, r, v)


def execute_vector(ins: Instr, buffers: VectorBuffers, env: VectorEnv) -> None:
    """Execute one VECTOR: read, compute and write ``buffers`` in place.

    A line's addresses are exact (they do not wrap). At the first line with an address beyond its
    memory (for a block: the address of any block the line belongs to) the instruction stops; lines
    before it, and blocks all of whose lines stand before it, are written.

    Raises:
        VectorFault: with the cause ILLEGAL_OP or OPERAND.
        OwnLines: a line reads what one of the T lines before it writes; nothing has been written.
    """
    plan = plan_vector(ins, buffers, env)
    n, lanes = plan.good, buffers.VEC.shape[1]
    step = line_stage(lanes) + 1 if _reads_own_lines(plan, buffers, lanes) else max(n, 1)
    results = [_execute_lines(ins, plan, slice(first, min(first + step, n)), lanes) for first in range(0, n, step)]
    if n and plan.v is not None:
        w = np.concatenate([part for part in results if part is not None])
        _convert(plan.lines, plan.v[0], w, plan.cnt_o, plan.cnt_i, plan.v[1])
    if plan.fault:
        raise _operand(plan.fault)


def _reads_own_lines(plan: VectorPlan, buffers: VectorBuffers, lanes: int) -> bool:
    """Whether a line reads what an earlier line writes; OwnLines where that is too near."""
    if plan.r is None or plan.r[0] is not buffers.VEC:
        return False
    n, written = plan.good, plan.r[1]
    sources = [(x, s) for x, s in zip("ABCD", (plan.a, plan.b, plan.c, plan.d), strict=True) if s is not None]
    found = [check_distance(x, s[2][:n], written[:n], lanes) for x, s in sources if s[0] in _BF16_SPACES]
    return any(found)  # of a list, so that each is checked


def _execute_lines(ins: Instr, plan: VectorPlan, part: slice, lanes: int) -> U16 | None:
    """Read, compute and write some lines; their w, where there is one."""
    need_w = plan.v is not None or ins.r_sp in (Dst.VEC, Dst.TXB)
    s, w = _compute(ins, part, lanes, plan.a, plan.b, plan.c, plan.d, need_w)
    if plan.r is not None:
        memory, addr = plan.r
        memory[addr[part]] = fp32_bits(s) if ins.r_sp == Dst.SOF else w
    return w


def _compute(
    ins: Instr,
    part: slice,
    lanes: int,
    a: _Source | None,
    b: _Source | None,
    c: _Source | None,
    d: _Source | None,
    need_w: bool,
) -> tuple[F32, U16 | None]:
    """The lanes' equation over some lines: s (fp32) and, if needed, w (bf16), each ``[lines, lanes]``."""
    n = part.stop - part.start
    p = np.zeros((n, lanes), dtype=np.float32) if a is None else _fp32(a, part)
    if ins.b_sp != Src.NONE:
        y = np.uint16(ins.b_base) if b is None else b[1][b[2][part]]
        p = bf16_mul_fp32(fp32_to_bf16(p), y)
    if ins.p_neg:
        p = fp32_neg(p)
    s = p
    if c is not None:
        z = _fp32(c, part)
        if ins.c_neg:
            z = fp32_neg(z)
        s = fp32_add(p, z) if ins.combine == Combine.ADD else fp32_max(p, z)
    if not need_w:
        return s, None
    w = act(ins.act, fp32_to_bf16(s))
    if d is not None:
        w = bf16_mul(w, fp32_to_bf16(_fp32(d, part)))
    if ins.red != Red.NONE:
        w = np.broadcast_to(_reduce(ins.red, w), (n, lanes))
    return s, w
