"""Faults and kills in LD and ST (``docs/dma.md``, "Stopping")."""

from __future__ import annotations

from ..isa.encoding import Err, Op
from .compiled import njit
from .events import quiet_from, unit_fault, wake_at, withdraw
from .layout import KILLING, LD, LD_BURSTS, NEVER, ST, W_UNIT
from .operands import fits
from .records import Dma, State

LOAD, STORE, ILLEGAL_OP, OPERAND = int(Op.LOAD), int(Op.STORE), int(Err.ILLEGAL_OP), int(Err.OPERAND)


@njit
def faulty(s: State, u: int, x: Dma, c: int) -> int:
    """Cause of the fault of the walked instruction's next run, or 0."""
    w, ins = x.walk[c], x.work[c]
    if ins.op != (LOAD if u == LD else STORE):
        return ILLEGAL_OP
    if ins.bad >> (0 if c < s.p.c_inf else 1) & 1 or w.addr % s.p.bus != 0:
        return OPERAND
    if not fits(ins, s.ctx[c].reloc):
        if ins.base[0] + s.ctx[c].reloc[ins.kind[0]] + (ins.n_o - w.runs) * ins.so[0] >= ins.depth[0]:
            return OPERAND
    return 0


@njit
def fails(s: State, addr: int, beats: int) -> bool:
    """Whether the memory answers a burst with an error."""
    d, last = s.dram, addr + beats * s.p.bus - 1
    return last >= s.p.bytes or (addr <= d.err_hi and last >= d.err_lo)


@njit
def stopped(s: State, x: Dma, c: int, t: int) -> bool:
    """Whether the unit reports nothing more of the context in ``t``."""
    return 0 < x.walk[c].halt <= t or s.ctx[c].state == KILLING


@njit
def halt(s: State, u: int, x: Dma, c: int, t: int, cause: int) -> None:
    """An error of the context in ``t``: reported in ``t+1``, from when on it is stopped."""
    x.walk[c].halt = t + 1
    x.halted = 1
    withdraw(s, u, c, t + 2)
    unit_fault(s, c, t + 1, cause, u)
    wake_at(s, W_UNIT + u, t + 1)


@njit
def _drop(x: Dma, c: int) -> bool:
    """What the context holds before arbitration is dropped; returns whether there was anything."""
    w = x.walk[c]
    held = w.prep != 0 or w.walk != 0 or w.piece != 0
    w.prep = w.walk = w.piece = 0
    return held


@njit
def drop_halted(s: State, x: Dma, t: int) -> None:
    """What contexts stopped by their errors hold goes in the first cycle."""
    x.halted = 0
    for c in range(s.p.ctx):
        if 0 < x.walk[c].halt <= t:
            _drop(x, c)
        elif x.walk[c].halt > t:
            x.halted = 1


@njit
def ld_quiet(s: State, c: int) -> None:
    """LD has nothing of the killed context two cycles after its last beat, if that is known."""
    x = s.ld
    w = x.walk[c]
    for k in range(x.count):
        b = x.flight[(x.head + k) % LD_BURSTS]
        if b.ctx == c and b.at == NEVER:
            return
    w.killed = 0
    quiet_from(s, LD, c, max(w.base, w.reported + 2))


@njit
def kill(s: State, u: int, x: Dma, c: int, t: int) -> None:
    """From ``t`` on nothing of the context is taken or reported; what is in flight ends."""
    w = x.walk[c]
    pending = w.halt == t  # an error of the cycle before
    w.base = t + 1 if _drop(x, c) or pending else t
    w.halt, w.killed = 0, 1
    withdraw(s, u, c, t)
    if u == LD:
        ld_quiet(s, c)
    elif w.flying == 0:
        w.killed = 0
        quiet_from(s, ST, c, max(w.base, w.reported + 2))
    wake_at(s, W_UNIT + u, t)
