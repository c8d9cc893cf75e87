"""Instruction words as records of what time, and faults, depend on (``INSTR``)."""

from __future__ import annotations

import numpy as np

from ..config import Config
from ..isa.check import Fault, check_fields
from ..isa.encoding import UNIT_OF_OP, ASpace, BSpace, Conv, ConvDst, Dst, Instr, LdDst, Op, Src, StSrc, layout
from .layout import FIX, NEVER, OPERANDS, R_ACC, R_ACTC, R_CST, R_VEC, R_WGT, V
from .records import INSTR

_LAYOUTS = {int(op): layout(op) for op in Op}
_HEADER = _LAYOUTS[int(Op.NOP)]
_SOURCES = {
    Src.VEC: ("VEC_DEPTH", R_VEC),
    Src.CST: ("VEC_DEPTH", R_CST),
    Src.ACC: ("ACC_DEPTH", R_ACC),
    Src.STG: ("STG_DEPTH", FIX),
    Src.RXB: ("RX_LINES", FIX),
}
_BLOCKS = {ConvDst.ACTC: ("ACTC_DEPTH", R_ACTC), ConvDst.WGTC: ("WGTC_DEPTH", FIX), ConvDst.SOB: ("SOB_DEPTH", FIX)}
_LOADS: dict[int, tuple[str, int]] = {
    LdDst.ACTD: ("ACTD_DEPTH", FIX),
    LdDst.WGTD: ("WGTD_DEPTH", R_WGT),
    LdDst.STG: ("STG_DEPTH", FIX),
}
_STORES: dict[int, tuple[str, int]] = {StSrc.SOB: ("SOB_DEPTH", FIX), StSrc.SOF: ("SOF_DEPTH", FIX)}


def decode(word: int, cfg: Config) -> np.ndarray:
    """The record of an instruction word; reserved and padding bits are ignored, as the core does."""
    op = word & 0xF
    f = {name: word >> lsb & ((1 << width) - 1) for name, (lsb, width) in _LAYOUTS.get(op, _HEADER).items()}
    out = np.zeros((), INSTR)
    out["depth"], out["room"] = NEVER, NEVER
    for name in ("op", "last", "step", "wait", "signal"):
        out[name] = f[name]
    if op not in UNIT_OF_OP:
        return out
    ins = Instr(Op(op), f)
    for training in (0, 1):
        try:
            check_fields(ins, UNIT_OF_OP[ins.op], cfg, bool(training))
        except Fault:
            out["bad"] |= 1 << training
    {Op.MATMUL: _matmul, Op.VECTOR: _vector, Op.LOAD: _dma, Op.STORE: _dma}[ins.op](ins, cfg, out)
    return out


def _operand(
    out: np.ndarray,
    x: int,
    depth: int,
    kind: int,
    base: int,
    outer: tuple[int, int],
    inner: tuple[int, int],
    more: int = 0,
) -> None:
    """Operand ``x``: a memory and its relocation, first address, (count, stride) of two loops, addresses behind each
    one of theirs.
    """
    out["base"][x], out["so"][x], out["si"][x], out["depth"][x], out["kind"][x] = (
        base,
        outer[1],
        inner[1],
        depth - more,
        kind,
    )
    reach = sum((max(count, 1) - 1) * stride for count, stride in (outer, inner))
    out["room"][kind] = min(out["room"][kind], depth - more - 1 - base - reach)


def _matmul(ins: Instr, cfg: Config, out: np.ndarray) -> None:
    out["dyn"] = ins.dyn_rows
    for name in ("accum", "rows", "n_g", "n_k", "c_base", "c_sr", "c_sg"):
        out[name] = ins.fields[name]
    rows = cfg.N if ins.dyn_rows else ins.rows
    a = ("ACTC_DEPTH", R_ACTC) if ins.a_sp == ASpace.ACTC else ("ACTD_DEPTH", FIX)
    b = ("WGTC_DEPTH", FIX) if ins.b_sp == BSpace.WGTC else ("WGTD_DEPTH", R_WGT)
    _operand(out, 0, getattr(cfg, a[0]), a[1], ins.a_base, (rows, ins.a_sr), (ins.n_k, ins.a_sk))
    _operand(out, 1, getattr(cfg, b[0]), b[1], ins.b_base, (ins.n_g, ins.b_sg), (ins.n_k, ins.b_sk), cfg.L - 1)
    _operand(out, 2, cfg.ACC_DEPTH, R_ACC, ins.c_base, (rows, ins.c_sr), (ins.n_g, ins.c_sg))


def _vector(ins: Instr, cfg: Config, out: np.ndarray) -> None:
    out["dyn"] = ins.dyn_o | ins.dyn_i << 1
    out["n_o"], out["n_i"], out["v_mode"] = ins.cnt_o, ins.cnt_i, ins.v_mode
    n_o, n_i = cfg.N if ins.dyn_o else ins.cnt_o, cfg.N if ins.dyn_i else ins.cnt_i
    for x, name in enumerate("abcd"):
        space = ins.fields[f"{name}_sp"]
        if space in _SOURCES:
            depth, kind = _SOURCES[Src(space)]
            so, si = ins.fields[f"{name}_so"], ins.fields[f"{name}_si"]
            if space == Src.RXB:  # the loop that selects the row's slot has no stride
                so, si = (0 if ins.dyn_o else so), (0 if ins.dyn_i and not ins.dyn_o else si)
            _operand(out, x, getattr(cfg, depth), kind, ins.fields[f"{name}_base"], (n_o, so), (n_i, si))
    if ins.r_sp != Dst.NONE:
        lines, kind = {
            Dst.VEC: (cfg.VEC_DEPTH, R_VEC),
            Dst.TXB: (cfg.N * cfg.TX_LINES, FIX),
            Dst.SOF: (cfg.SOF_DEPTH, FIX),
        }[Dst(ins.r_sp)]
        _operand(out, OPERANDS - 2, lines, kind, ins.r_base, (n_o, ins.r_so), (n_i, ins.r_si))
    if ins.v_mode in (Conv.ROWS, Conv.COLS) and ins.v_sp in list(ConvDst):
        name, kind = _BLOCKS[ConvDst(ins.v_sp)]
        if ins.v_mode == Conv.ROWS:
            _operand(
                out, V, getattr(cfg, name), kind, ins.v_base, (n_o, ins.v_so), (-(-n_i * cfg.L // cfg.K), ins.v_si)
            )
        else:
            _operand(out, V, getattr(cfg, name), kind, ins.v_base, (n_o, ins.v_so), (1, 0), (cfg.L - 1) * ins.v_si)


def _dma(ins: Instr, cfg: Config, out: np.ndarray) -> None:
    out["n_o"], out["n_i"] = ins.n_o, ins.len
    out["lines"] = ins.sp == (LdDst.STG if ins.op == Op.LOAD else StSrc.SOF)
    for name in ("d_base", "d_so", "d_iter"):
        out[name] = ins.fields[name]
    name, kind = (_LOADS if ins.op == Op.LOAD else _STORES).get(ins.sp, ("", FIX))
    _operand(
        out, 0, getattr(cfg, name) if name else 0, kind, ins.l_base, (ins.n_o, ins.l_so), (1, 0), max(ins.len, 1) - 1
    )
