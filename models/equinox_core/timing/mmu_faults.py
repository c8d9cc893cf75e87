"""Faults in the MMU (``docs/mmu.md``): where an instruction, its weights or a row are refused, and when that is
reported.
"""

from __future__ import annotations

from ..isa.encoding import Err
from .compiled import njit
from .events import unit_fault
from .layout import MMU, NEVER, R_WGT
from .operands import within
from .records import Instr, Mmu, State, Thread, Tile

OPERAND = int(Err.OPERAND)


@njit
def refused(s: State, c: int, ins: Instr) -> bool:
    """Whether the instruction's fields are a fault; the base of WGTD must be a multiple of M too."""
    return ins.bad >> (0 if c < s.p.c_inf else 1) & 1 != 0 or (
        ins.kind[1] == R_WGT and s.ctx[c].reloc[R_WGT] % s.p.m != 0
    )


@njit
def keep_far(s: State, c: int, ins: Instr, t: int) -> None:
    """The instruction that starts in ``t`` has addresses that may be beyond a memory: keep A and B, look at the first
    weights.
    """
    m, reloc = s.mmu, s.ctx[c].reloc
    x = m.thread[c]
    x.far = 1
    x.a0, x.a_sr, x.a_sk, x.a_end = ins.base[0] + reloc[ins.kind[0]], ins.so[0], ins.si[0], ins.depth[0]
    x.b0, x.b_sg, x.b_sk, x.b_end = ins.base[1] + reloc[ins.kind[1]], ins.so[1], ins.si[1], ins.depth[1]
    x.c_end = ins.depth[2]
    look(m, c, t)


@njit
def look(m: Mmu, c: int, t: int) -> None:
    """In ``t+1`` the thread sees whether the next tile's weights are beyond their memory."""
    x = m.thread[c]
    if x.b0 + x.g * x.b_sg + x.k * x.b_sk >= x.b_end:
        x.act, x.bad_at = 2, t + 1
        m.faults |= 1 << c


@njit
def cut_tile(m: Mmu, x: Thread, tile: Tile) -> None:
    """Leave the rows before the first that is beyond a memory; the thread stands at this tile."""
    first = x.a0 + (x.rows - x.left) * x.a_sr + x.k * x.a_sk
    good = min(within(first, x.a_sr, x.a_end, tile.rows), within(tile.c, tile.c_sr, x.c_end, tile.rows))
    if good < tile.rows:
        tile.rows, tile.cut = good, 1
        m.faults |= 1 << tile.ctx


@njit
def fail(m: Mmu, c: int, t: int, cause: int) -> None:
    """The thread finds a fault in ``t``: it drops its instructions, and reports when its earlier work is over."""
    x = m.thread[c]
    x.pend, x.act, x.fault_at, x.cause, x.reported = 0, 0, t + 1, cause, 0
    m.faults |= 1 << c


@njit
def valid(m: Mmu, f: int, t: int) -> bool:
    """Whether class ``f`` has a front tile that is not dropped in ``t``."""
    if m.tiles[f] == 0:
        return False
    at = m.thread[m.tile[f, 0].ctx].drop_at
    return at == 0 or at > t


@njit
def holds(m: Mmu, c: int) -> bool:
    """Whether tiles of the context are loaded."""
    for f in range(2):
        for k in range(m.tiles[f]):
            if m.tile[f, k].ctx == c:
                return True
    return False


@njit
def outside(s: State, c: int) -> int:
    """Cycle from which no load and no row of the context is under way, as far as begun."""
    m = s.mmu
    free = m.thread[c].last_row + s.p.row_flight + 1
    return max(free, m.port_free) if m.port_ctx == c else free


@njit
def faults(s: State, t: int) -> int:
    """What faulty and killed contexts do in ``t``, behind everything else; returns the next look."""
    m = s.mmu
    for f in range(2):  # the front tile's next row is beyond a memory
        if valid(m, f, t) and m.tile[f, 0].rows == 0:
            c = m.tile[f, 0].ctx
            if m.thread[c].drop_at == 0:
                fail(m, c, t, OPERAND)
                m.thread[c].drop_at = t + 1
    next_wake = NEVER
    for c in range(s.p.ctx):
        if m.faults >> c & 1:
            x = m.thread[c]
            if x.act == 2 and x.bad_at <= t:
                fail(m, c, t, OPERAND)
            if x.fault_at > t or x.act == 2 or x.drop_at > t:
                next_wake = t + 1
            elif x.fault_at > 0 and x.reported == 0 and not holds(m, c):
                if outside(s, c) <= t:
                    unit_fault(s, c, t, x.cause, MMU)
                    x.reported = 1
                else:
                    next_wake = min(next_wake, outside(s, c))
            if 0 < x.drop_at <= t and holds(m, c):
                for f in range(2):
                    _remove(m, f, c)
                next_wake = t + 1
            if x.fault_at == 0 and x.act != 2 and 0 < x.drop_at <= t:  # killed
                x.drop_at = 0
                m.faults &= ~(1 << c)
    return next_wake


@njit
def _remove(m: Mmu, f: int, c: int) -> None:
    """All tiles of the context leave the class."""
    kept = 0
    for k in range(m.tiles[f]):
        if m.tile[f, k].ctx != c:
            m.tile[f, kept] = m.tile[f, k]
            kept += 1
    m.tiles[f] = kept
