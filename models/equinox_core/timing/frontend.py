"""Time of the front end (``docs/scheduler.md``): fetch, semaphores, issue."""

from __future__ import annotations

from ..hw.pipeline import VPU_AHEAD
from ..isa.encoding import SEM_MAX, Err, Op
from . import dma, mmu, vpu
from .arbiter import round_robin
from .compiled import njit
from .events import stop_at, wake_member
from .layout import (
    AGAIN,
    ASKS,
    CTX,
    ENDED,
    FETCHED,
    HEAD,
    LD,
    MMU,
    NEVER,
    RING,
    RUNNING,
    SEMS,
    UNITS,
    VPU,
    W_CTX,
    W_FETCH,
    W_NOP,
    W_STREAM,
)
from .records import Array, Context, Instr, Issued, State, Step

NOP = int(Op.NOP)
SEM_OVERFLOW, PC_RANGE = int(Err.SEM_OVERFLOW), int(Err.PC_RANGE)
BEYOND = AGAIN + 1  # a stream that wants an instruction beyond the memory
OVERFLOWS, RANGES = UNITS, 2 * UNITS  # rank of what stops a context, behind the faults of units; + unit


@njit
def ask(s: State, u: int, c: int, t: int) -> None:
    """The stream asks for its next instruction from ``t`` on."""
    x = s.ctx[c].stream[u]
    if x.base + x.pc >= s.p.imem_depth:
        x.state = BEYOND
        stop_at(s, c, t, RANGES + u, PC_RANGE, u)
        return
    x.state, x.at = ASKS, t
    wake_member(s, W_FETCH, s.fetch_at, u, t)


@njit
def fetch(s: State, u: int, t: int) -> None:
    """The instruction memory's read of cycle ``t``."""
    req, later = 0, NEVER
    for c in range(s.p.ctx):
        x = s.ctx[c].stream[u]
        if x.state == ASKS:
            if x.at <= t:
                req |= 1 << c
            else:
                later = min(later, x.at)
        elif x.state == AGAIN and _unit_ready(s, u, c, t):
            req |= 1 << c
    if req != 0:
        c = round_robin(req, s.fetched[u], s.p.ctx)
        s.fetched[u] = c
        x = s.ctx[c].stream[u]
        if x.state == AGAIN:
            x.state = HEAD
            wake_member(s, W_STREAM, s.stream_at, CTX * u + c, t + 1)
        else:
            x.state, x.at, x.ready = FETCHED, t + 2, -1
            wake_member(s, W_STREAM, s.stream_at, CTX * u + c, t + 2)
        if req != 1 << c:
            later = t + 1
    s.fetch_at[u] = later


@njit
def _unit_ready(s: State, u: int, c: int, t: int) -> bool:
    """``instr_ready`` of a unit in cycle ``t``."""
    if u == MMU:
        free, stopped = s.mmu.thread[c].pend == 0, s.mmu.thread[c].fault_at
    elif u == VPU:
        free, stopped = s.vpu.next[c].valid == 0, s.vpu.finish[c].stopped
    elif u == LD:
        free, stopped = s.ld.walk[c].prep == 0, s.ld.walk[c].halt
    else:
        free, stopped = s.st.walk[c].prep == 0, s.st.walk[c].halt
    return free and (stopped == 0 or stopped > t)


@njit
def stream(s: State, imem: Array[Instr], log: Array[Issued], steps: Array[Step], u: int, c: int, t: int) -> None:
    """The head instruction of a stream in cycle ``t``: issue it if its waits are met and the unit takes it."""
    s.stream_at[CTX * u + c] = NEVER
    ctx = s.ctx[c]
    x = ctx.stream[u]
    if x.state == FETCHED:
        if t < x.at:  # a wake-up of a run that was killed
            wake_member(s, W_STREAM, s.stream_at, CTX * u + c, x.at)
            return
        x.state = HEAD
        x.at = t
    if x.state != HEAD:
        return
    ins = imem[u, x.base + x.pc]
    for k in range(SEMS):
        if ins.wait >> k & 1 and ctx.sem[k] == 0:
            return
    if x.ready < 0:
        x.ready = t  # waits met from here on
    row = -1
    if ins.op != NOP:
        if not _unit_ready(s, u, c, t):
            return
        if c >= s.p.c_inf and s.fetched[u] != c:  # the memory's output is another stream's by now
            x.state = AGAIN
            wake_member(s, W_FETCH, s.fetch_at, u, t)
            return
    for k in range(SEMS):
        if ins.wait >> k & 1:
            ctx.sem[k] -= 1
    if s.logs >= 0:
        row = s.logs
        s.logs += 1
        e = log[row]
        e.unit, e.ctx, e.pc, e.head, e.met, e.issue, e.done = u, c, x.base + x.pc, x.at, x.ready, t, NEVER
        e.run = ctx.seq if c < s.p.c_inf else x.iters
    if ins.op == NOP:
        if row >= 0:
            log[row].done = t
        for k in range(SEMS):
            if ins.signal >> k & 1:
                ctx.nop[k] += 1
        _note(ctx, u, ins.signal, t + 1)
        if ins.step != 0:
            ctx.steps += 1
            if c >= s.p.c_inf:
                step = steps[s.steps]
                step.cycle, step.ctx, step.count = t, c, ctx.steps
                s.steps += 1
        wake_member(s, W_NOP, s.nop_at, c, t + 1)
        ctx.last_done = max(ctx.last_done, t)
    else:
        ctx.flying += 1
        if u == MMU:
            mmu.accept(s, c, ins, row, t)
        elif u == VPU:
            vpu.accept(s, c, ins, row, t)
        elif u == LD:
            dma.accept(s, u, s.ld, c, ins, row, x.iter, t)
        else:
            dma.accept(s, u, s.st, c, ins, row, x.iter, t)
    if ins.last:
        x.pc = 0
        x.iters += 1
        x.iter += 1
        if x.iter >= (1 if c < s.p.c_inf else s.reg.ctx[c].iter_mod):
            x.iter = 0
    else:
        x.pc += 1
    if x.iters < ctx.limit:
        ask(s, u, c, t + 1)
    else:
        x.state = ENDED
        ctx.ended = max(ctx.ended, t + 1)
        maybe_over(s, c, t)


@njit
def _signal(s: State, c: int, t: int) -> None:
    """Semaphores of ``c`` show new values in ``t``: heads that wait look again."""
    for u in range(UNITS):
        x = s.ctx[c].stream[u]
        if x.state == HEAD and x.ready < 0:
            wake_member(s, W_STREAM, s.stream_at, CTX * u + c, t)


@njit
def _note(ctx: Context, u: int, signal: int, t: int) -> None:
    """Unit ``u`` signals semaphores that show it in ``t``."""
    if ctx.signals != t:
        ctx.signals = t
        for k in range(UNITS):
            ctx.signalled[k] = 0
    ctx.signalled[u] |= signal


@njit
def _add(s: State, c: int, k: int, n: int, t: int) -> None:
    """Semaphore ``k`` shows ``n`` more in ``t``; above its limit the context stops in ``t``, on account of the lowest
    unit that signalled it.
    """
    ctx = s.ctx[c]
    ctx.sem[k] += n
    if ctx.sem[k] > SEM_MAX:
        for u in range(UNITS):
            if ctx.signalled[u] >> k & 1:
                stop_at(s, c, t, OVERFLOWS + u, SEM_OVERFLOW, u)
                break


@njit
def nop(s: State, c: int, t: int) -> None:
    """Signals of NOPs that completed in ``t-1``."""
    s.nop_at[c] = NEVER
    ctx = s.ctx[c]
    for k in range(SEMS):
        if ctx.nop[k] > 0:
            _add(s, c, k, ctx.nop[k], t)
            ctx.nop[k] = 0
    _signal(s, c, t)


@njit
def complete(s: State, log: Array[Issued], steps: Array[Step], u: int, c: int, t: int) -> None:
    """Completions of a unit in ``t-1``, which show in ``t``."""
    q, ctx = s.done[u, c], s.ctx[c]
    while q.count > 0 and q.time[q.head] < t:
        at = q.head
        q.head = (q.head + 1) % RING
        q.count -= 1
        if q.log[at] >= 0:
            log[q.log[at]].done = q.time[at]
        _note(ctx, u, q.signal[at], t)
        for k in range(SEMS):
            if q.signal[at] >> k & 1:
                _add(s, c, k, 1, t)
        if q.step[at] != 0:
            ctx.steps += 1
            if c >= s.p.c_inf:
                row = steps[s.steps]
                row.cycle, row.ctx, row.count = q.time[at], c, ctx.steps
                s.steps += 1
        ctx.flying -= 1
        ctx.last_done = max(ctx.last_done, q.time[at] + (VPU_AHEAD if u == VPU else 0))
    s.done_at[CTX * u + c] = q.time[q.head] + 1 if q.count > 0 else NEVER
    _signal(s, c, t)
    maybe_over(s, c, t)


@njit
def maybe_over(s: State, c: int, t: int) -> None:
    """If all streams are at their end and all work is complete, the context leaves RUNNING at the next edge."""
    ctx = s.ctx[c]
    if ctx.state != RUNNING or ctx.flying > 0:
        return
    for u in range(UNITS):
        if ctx.stream[u].state != ENDED:
            return
    ctx.over = max(ctx.ended, ctx.last_done + 1) + 1
    wake_member(s, W_CTX, s.ctx_at, c, ctx.over)


@njit
def drain(s: State, c: int) -> None:
    """A drain command to a training context: the furthest iteration is the last."""
    ctx = s.ctx[c]
    furthest = 0
    for u in range(UNITS):
        if s.reg.ctx[c].pc_valid >> u & 1:
            furthest = max(furthest, ctx.stream[u].iters)
    if furthest < ctx.limit:
        ctx.limit = furthest + 1
