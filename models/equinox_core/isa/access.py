"""Which addresses an instruction reads and writes (``docs/isa.md``), before relocation.

The compiler orders streams by it, the static checker finds races with it, and a program's needs are its maxima.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..dram_layout import block_beats, line_beats
from .encoding import ASpace, BSpace, Conv, ConvDst, Dst, Instr, LdDst, Op, Src, StSrc

I64 = NDArray[np.int64]

_SOURCES = {Src.VEC: "VEC", Src.CST: "CST", Src.ACC: "ACC", Src.STG: "STG"}


class Access(NamedTuple):
    """Addresses that one operand touches; ``space`` is a name of ``docs/isa.md`` or DRAM (addresses in beats).

    ``path`` is the converter's mode for what it writes: its two paths keep no order between them. ``operand`` names a
    VECTOR's source.
    """

    space: str
    addr: I64
    write: bool
    path: int = 0
    operand: str = ""


def grid(base: int, *axes: tuple[int, int]) -> I64:
    """``base + Σ index·stride`` over all indices, first axis outermost; axes are (count, stride)."""
    out = np.full(1, base, dtype=np.int64)
    for count, stride in axes:
        out = (out[:, None] + np.arange(count, dtype=np.int64) * stride).ravel()
    return out


def run_beats(ins: Instr, cfg: Config) -> int:
    """Beats that one run of a LOAD or STORE moves."""
    if ins.sp == (LdDst.STG if ins.op == Op.LOAD else StSrc.SOF):
        return line_beats(ins.len, cfg.L, cfg.BUS)
    return block_beats(ins.len, cfg.K, cfg.BUS)


def run_starts(ins: Instr, iteration: int = 0, base: int = 0) -> I64:
    """DRAM address (bytes) of each run of a LOAD or STORE: all sums are modulo 2^32."""
    first = base + ins.d_base + ins.d_iter * iteration
    return (first + np.arange(ins.n_o, dtype=np.int64) * ins.d_so) % (1 << 32)


def _dma(ins: Instr, cfg: Config, iteration: int) -> list[Access]:
    store = ins.op == Op.STORE
    space = StSrc(ins.sp).name if store else LdDst(ins.sp).name
    local = grid(ins.l_base, (ins.n_o, ins.l_so), (ins.len, 1))
    dram = (run_starts(ins, iteration)[:, None] // cfg.BUS + np.arange(run_beats(ins, cfg))).ravel()
    return [Access(space, local, not store), Access("DRAM", dram, store)]


def _matmul(ins: Instr, cfg: Config, rows: int) -> list[Access]:
    rows = rows if ins.dyn_rows else ins.rows
    return [
        Access(ASpace(ins.a_sp).name, grid(ins.a_base, (rows, ins.a_sr), (ins.n_k, ins.a_sk)), False),
        Access(BSpace(ins.b_sp).name, grid(ins.b_base, (ins.n_g, ins.b_sg), (ins.n_k, ins.b_sk), (cfg.L, 1)), False),
        Access("ACC", grid(ins.c_base, (ins.n_g, ins.c_sg), (rows, ins.c_sr)), True),
    ]


def _vector(ins: Instr, cfg: Config, rows: int) -> list[Access]:
    f = ins.fields
    cnt_o = rows if ins.dyn_o else ins.cnt_o
    cnt_i = rows if ins.dyn_i else ins.cnt_i

    def lines(p: str) -> I64:
        return grid(f[f"{p}_base"], (cnt_o, f[f"{p}_so"]), (cnt_i, f[f"{p}_si"]))

    sources = [(p, f[f"{p}_sp"]) for p in "abcd" if f[f"{p}_sp"] in _SOURCES]
    out = [Access(_SOURCES[Src(space)], lines(p), False, operand=p.upper()) for p, space in sources]
    if ins.a_sp == Src.RXB:
        axes = [(cnt_o, 0 if ins.dyn_o else ins.a_so), (cnt_i, 0 if ins.dyn_i else ins.a_si)]
        out.append(Access("RXB", grid(ins.a_base, *axes), False))
    if ins.r_sp != Dst.NONE:
        out.append(Access(Dst(ins.r_sp).name, lines("r"), True))
    if ins.v_mode != Conv.NONE:
        inner = -(-cnt_i * cfg.L // cfg.K) if ins.v_mode == Conv.ROWS else cfg.L
        out.append(
            Access(ConvDst(ins.v_sp).name, grid(ins.v_base, (cnt_o, ins.v_so), (inner, ins.v_si)), True, ins.v_mode)
        )
    return out


def accesses(ins: Instr, cfg: Config, rows: int | None = None, iteration: int = 0) -> list[Access]:
    """Everything that a legal ``ins`` reads and writes.

    ``rows`` is the batch's valid rows (default: N, the most) for ``dyn`` counts; ``iteration`` the index of a DMA
    transfer's iteration, already modulo ITER_MOD.
    """
    rows = cfg.N if rows is None else rows
    if ins.op == Op.MATMUL:
        return _matmul(ins, cfg, rows)
    if ins.op == Op.VECTOR:
        return _vector(ins, cfg, rows)
    if ins.op in (Op.LOAD, Op.STORE):
        return _dma(ins, cfg, iteration)
    return []
