"""Time of the front end (``docs/scheduler.md``): fetch, semaphores, issue, and the life of contexts."""

from __future__ import annotations

from ..isa.encoding import Op
from . import dma, mmu, vpu
from .arbiter import round_robin
from .compiled import njit
from .events import wake_at, wake_member
from .requests import free_slots
from .layout import (
    ASKS, ENDED, FETCHED, HEAD, IDLE, LD, LOADING, MMU, NEVER, RESPOND, RING, RUNNING, SEMS, UNITS, VPU,
    W_CTX, W_DONE, W_FETCH, W_FORMER, W_HOST, W_MODE, W_NOP, W_RESP, W_STREAM,
)

NOP = int(Op.NOP)


@njit
def _ask(s, u, c, t):
    """The stream asks for its next instruction from ``t`` on."""
    x = s.ctx[c].stream[u]
    x.state, x.at = ASKS, t
    wake_member(s, W_FETCH, s.fetch_at, u, t)


@njit
def fetch(s, u, t):
    """The instruction memory's read of cycle ``t``."""
    req, later = 0, NEVER
    for c in range(s.p.ctx):
        x = s.ctx[c].stream[u]
        if x.state == ASKS:
            if x.at <= t:
                req |= 1 << c
            else:
                later = min(later, x.at)
    if req != 0:
        c = round_robin(req, s.fetched[u], s.p.ctx)
        s.fetched[u] = c
        x = s.ctx[c].stream[u]
        x.state, x.at, x.ready = FETCHED, t + 2, -1
        wake_member(s, W_STREAM, s.stream_at, 4 * u + c, t + 2)
        if req != 1 << c:
            later = t + 1
    s.fetch_at[u] = later


@njit
def _unit_ready(s, u, c, t):
    """``instr_ready`` of a unit in cycle ``t``."""
    if u == MMU:
        return s.mmu.thread[c].pend == 0
    if u == VPU:
        return s.vpu.next[c].valid == 0
    if u == LD:
        return s.ld.walk[c].prep == 0
    return s.st.walk[c].prep == 0


@njit
def stream(s, imem, log, steps, u, c, t):
    """The head instruction of a stream in cycle ``t``: issue it if its waits are met and the unit takes it."""
    s.stream_at[4 * u + c] = NEVER
    ctx = s.ctx[c]
    x = ctx.stream[u]
    if x.state == FETCHED:
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
        if ins.op != u + 1:
            s.stop = t  # not an instruction of this unit
            return
        if not _unit_ready(s, u, c, t):
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
        _ask(s, u, c, t + 1)
    else:
        x.state = ENDED
        ctx.ended = max(ctx.ended, t + 1)
        _maybe_over(s, c, t)


@njit
def _signal(s, c, t):
    """Semaphores of ``c`` show new values in ``t``: heads that wait look again."""
    for u in range(UNITS):
        x = s.ctx[c].stream[u]
        if x.state == HEAD and x.ready < 0:
            wake_member(s, W_STREAM, s.stream_at, 4 * u + c, t)


@njit
def nop(s, c, t):
    """Signals of NOPs that completed in ``t-1``."""
    s.nop_at[c] = NEVER
    ctx = s.ctx[c]
    for k in range(SEMS):
        ctx.sem[k] += ctx.nop[k]
        ctx.nop[k] = 0
    _signal(s, c, t)


@njit
def complete(s, log, steps, u, c, t):
    """Completions of a unit in ``t-1``, which show in ``t``."""
    q, ctx = s.done[u, c], s.ctx[c]
    while q.count > 0 and q.time[q.head] < t:
        at = q.head
        q.head = (q.head + 1) % RING
        q.count -= 1
        if q.log[at] >= 0:
            log[q.log[at]].done = q.time[at]
        for k in range(SEMS):
            if q.signal[at] >> k & 1:
                ctx.sem[k] += 1
        if q.step[at] != 0:
            ctx.steps += 1
            if c >= s.p.c_inf:
                row = steps[s.steps]
                row.cycle, row.ctx, row.count = q.time[at], c, ctx.steps
                s.steps += 1
        ctx.flying -= 1
        ctx.last_done = max(ctx.last_done, q.time[at])
    s.done_at[4 * u + c] = q.time[q.head] + 1 if q.count > 0 else NEVER
    _signal(s, c, t)
    _maybe_over(s, c, t)


@njit
def _maybe_over(s, c, t):
    """If all streams are at their end and all work is complete, the context leaves RUNNING at the next edge."""
    ctx = s.ctx[c]
    if ctx.state != RUNNING or ctx.flying > 0:
        return
    for u in range(UNITS):
        if ctx.stream[u].state != ENDED:
            return
    wake_member(s, W_CTX, s.ctx_at, c, max(ctx.ended, ctx.last_done + 1) + 1)


@njit
def begin(s, c, pcs, valid, limit, t):
    """Context ``c`` is RUNNING from ``t`` on."""
    ctx = s.ctx[c]
    ctx.state, ctx.limit, ctx.flying, ctx.ended, ctx.last_done, ctx.steps = RUNNING, limit, 0, t, t - 1, 0
    for k in range(SEMS):
        ctx.sem[k] = 0 if c < s.p.c_inf else s.reg.ctx[c].sem_init[k]
        ctx.nop[k] = 0
    for u in range(UNITS):
        x = ctx.stream[u]
        x.pc, x.iters, x.iter, x.base = 0, 0, 0, pcs[u]
        if valid >> u & 1 and limit > 0:
            _ask(s, u, c, t)
        else:
            x.state = ENDED
    _maybe_over(s, c, t)


@njit
def context(s, batches, c, t):
    """A context's change of state that shows in ``t``."""
    s.ctx_at[c] = NEVER
    ctx = s.ctx[c]
    if ctx.state == LOADING:
        batches[ctx.seq].run = t
        svc = s.reg.svc[ctx.svc]
        begin(s, c, svc.pc, svc.pc_valid, 1, t)
    elif ctx.state == RUNNING:
        if c < s.p.c_inf:
            ctx.state = RESPOND
            b = batches[ctx.seq]
            b.end, b.held_inf, b.held_trn = t - 1, ctx.held_inf, ctx.held_trn
            free_slots(s, ctx.rows, t)
            wake_at(s, W_MODE, t)
            wake_at(s, W_RESP, t)
        else:
            ctx.state = IDLE
    elif ctx.state == RESPOND:  # the responder has sent everything
        ctx.state = IDLE
        wake_at(s, W_FORMER, t)
        wake_at(s, W_HOST, t)


@njit
def drain(s, c):
    """A drain command to a training context: the furthest iteration is the last."""
    ctx = s.ctx[c]
    furthest = 0
    for u in range(UNITS):
        if s.reg.ctx[c].pc_valid >> u & 1:
            furthest = max(furthest, ctx.stream[u].iters)
    if furthest < ctx.limit:
        ctx.limit = furthest + 1
