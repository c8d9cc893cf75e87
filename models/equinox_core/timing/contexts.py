"""Life of the contexts (``docs/scheduler.md``): their states, commands, and what stops them."""

from __future__ import annotations

from . import dma_faults, mmu, vpu
from .compiled import njit
from .events import stop_at, wake_at, wake_member
from .frontend import ask, maybe_over
from .layout import (
    ENDED,
    ERROR,
    FIX,
    IDLE,
    KILLING,
    LD,
    LOADING,
    NEVER,
    R_ACC,
    R_ACTC,
    R_CST,
    R_VEC,
    R_WGT,
    RESPOND,
    RUNNING,
    SEMS,
    ST,
    UNITS,
    W_CTX,
    W_FORMER,
    W_HOST,
    W_MODE,
    W_RESP,
)
from .records import Array, Batch, Change, ContextRegs, ServiceRegs, State
from .requests import free_slots

KILLS = 3 * UNITS  # rank of a command, behind every error of its cycle


@njit
def _change(s: State, states: Array[Change], c: int, state: int, t: int) -> None:
    """The context's state shows from ``t`` on."""
    ctx = s.ctx[c]
    ctx.state = state
    row = states[s.states]
    row.cycle, row.ctx, row.state, row.cause, row.unit = t, c, state, ctx.cause, ctx.unit
    s.states += 1


@njit
def _begin(s: State, states: Array[Change], c: int, limit: int, t: int) -> None:
    """Context ``c`` is RUNNING from ``t`` on, with the program and relocations that it holds."""
    ctx = s.ctx[c]
    _change(s, states, c, RUNNING, t)
    ctx.limit, ctx.flying, ctx.ended, ctx.last_done, ctx.steps = limit, 0, t, t - 1, 0
    ctx.since, ctx.over, ctx.stop, ctx.ok = t, NEVER, NEVER, 1
    for k in range(SEMS):
        ctx.sem[k] = 0 if c < s.p.c_inf else s.reg.ctx[c].sem_init[k]
        ctx.nop[k] = 0
    for u in range(UNITS):
        x = ctx.stream[u]
        x.pc, x.iters, x.iter, x.base = 0, 0, 0, ctx.pc[u]
        if ctx.pc_valid >> u & 1 and limit > 0:
            ask(s, u, c, t)
        else:
            x.state = ENDED
    maybe_over(s, c, t)


@njit
def _settings(s: State, c: int, own: ContextRegs, run: ServiceRegs | ContextRegs) -> None:
    """Relocations of context ``c``, whose settings are ``own``; ``run`` has the program and two of them (a service, or
    the context itself).
    """
    ctx = s.ctx[c]
    r = ctx.reloc
    r[FIX], r[R_VEC], r[R_ACC], r[R_ACTC], r[R_CST], r[R_WGT] = (
        0,
        own.vec_base,
        own.acc_base,
        own.actc_base,
        run.c_base,
        run.w_base,
    )
    ctx.pc_valid = run.pc_valid
    for u in range(UNITS):
        ctx.pc[u] = run.pc[u]


@njit
def start(s: State, states: Array[Change], c: int, t: int) -> None:
    """A start command to an idle training context in cycle ``t``."""
    own = s.reg.ctx[c]
    _settings(s, c, own, own)
    _begin(s, states, c, own.iters, t + 1)


@njit
def kill(s: State, c: int, t: int) -> None:
    """A kill command in cycle ``t``."""
    ctx = s.ctx[c]
    if t >= ctx.since:
        if ctx.state == LOADING:
            ctx.killed = 1
        else:
            stop_at(s, c, t, KILLS, 0, 0)


@njit
def clear(s: State, c: int, t: int) -> None:
    """A clear command in cycle ``t``."""
    if s.ctx[c].state == ERROR:
        s.ctx[c].over = t + 1
        wake_member(s, W_CTX, s.ctx_at, c, t + 1)


@njit
def _stop(s: State, states: Array[Change], c: int, t: int) -> None:
    """The context is KILLING from ``t`` on: its streams end, its units drop what they can."""
    ctx = s.ctx[c]
    ctx.cause, ctx.unit, ctx.ok, ctx.over = ctx.stop_cause, ctx.stop_unit, 0, NEVER
    _change(s, states, c, KILLING, t)
    for u in range(UNITS):
        ctx.stream[u].state = ENDED
        ctx.quiet[u] = NEVER
    mmu.kill(s, c, t)
    vpu.kill(s, c, t)
    dma_faults.kill(s, LD, s.ld, c, t)
    dma_faults.kill(s, ST, s.st, c, t)
    wake_at(s, W_MODE, t)


@njit
def context(s: State, batches: Array[Batch], states: Array[Change], c: int, t: int) -> None:
    """A context's change of state that shows in ``t``."""
    s.ctx_at[c] = NEVER
    ctx = s.ctx[c]
    if ctx.state == LOADING:
        run = ctx.since + ctx.rows - 1
        if t == ctx.since:  # settings as they were when the first row arrived
            svc = s.reg.svc[ctx.svc]
            _settings(s, c, s.reg.ctx[c], svc)
            ctx.tx_lines = svc.tx_lines
            if t < run:
                _change(s, states, c, LOADING, t)
                wake_member(s, W_CTX, s.ctx_at, c, run)
        if t == run:
            batches[ctx.seq].run = t
            if ctx.killed != 0:
                ctx.steps, ctx.stop_cause, ctx.stop_unit = 0, 0, 0
                _stop(s, states, c, t)
            else:
                _begin(s, states, c, 1, t)
    elif ctx.state == RUNNING and ctx.stop < t:
        _stop(s, states, c, t)
    elif ctx.over == t:
        if ctx.state == RUNNING or ctx.state == KILLING:
            if c < s.p.c_inf:
                _change(s, states, c, RESPOND, t)
                b = batches[ctx.seq]
                b.end, b.held_inf, b.held_trn = t - 1, ctx.held_inf, ctx.held_trn
                free_slots(s, ctx.rows, t)
                wake_at(s, W_MODE, t)
                wake_at(s, W_RESP, t)
            else:
                _change(s, states, c, IDLE if ctx.cause == 0 else ERROR, t)
        elif ctx.state == RESPOND and ctx.cause != 0:
            _change(s, states, c, ERROR, t)
        else:  # the responder has sent everything, or the error is cleared
            ctx.cause, ctx.unit = 0, 0
            _change(s, states, c, IDLE, t)
            if c < s.p.c_inf:
                wake_at(s, W_FORMER, t)
                wake_at(s, W_HOST, t)
