"""Time of the front end (``docs/scheduler.md``): fetch, semaphores, issue, and the life of contexts."""

from __future__ import annotations

from ..isa.encoding import SEM_MAX, Err, Op
from . import dma, mmu, vpu
from .arbiter import round_robin
from .compiled import njit
from .events import stop_at, wake_at, wake_member
from .requests import free_slots
from .layout import (
    ASKS, ENDED, ERROR, FETCHED, FIX, HEAD, IDLE, KILLING, LD, LOADING, MMU, NEVER, R_ACC, R_ACTC, R_CST, R_VEC, R_WGT, RESPOND, RING, RUNNING,
    SEMS, ST, UNITS, VPU,
    W_CTX, W_DONE, W_FETCH, W_FORMER, W_HOST, W_MODE, W_NOP, W_RESP, W_STREAM,
)

NOP = int(Op.NOP)
SEM_OVERFLOW, PC_RANGE = int(Err.SEM_OVERFLOW), int(Err.PC_RANGE)
BEYOND = HEAD + 1  # a stream that wants an instruction beyond the memory
OVERFLOWS, RANGES, KILLS = UNITS, 2 * UNITS, 3 * UNITS  # rank of what stops a context, behind the faults of units; + unit


@njit
def _ask(s, u, c, t):
    """The stream asks for its next instruction from ``t`` on."""
    x = s.ctx[c].stream[u]
    if x.base + x.pc >= s.p.imem_depth:
        x.state = BEYOND
        stop_at(s, c, t, RANGES + u, PC_RANGE, u)
        return
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
        free, stopped = s.mmu.thread[c].pend == 0, s.mmu.thread[c].fault_at
    elif u == VPU:
        free, stopped = s.vpu.next[c].valid == 0, s.vpu.finish[c].stopped
    elif u == LD:
        free, stopped = s.ld.walk[c].prep == 0, s.ld.walk[c].halt
    else:
        free, stopped = s.st.walk[c].prep == 0, s.st.walk[c].halt
    return free and (stopped == 0 or stopped > t)


@njit
def stream(s, imem, log, u, c, t):
    """The head instruction of a stream in cycle ``t``: issue it if its waits are met and the unit takes it."""
    s.stream_at[4 * u + c] = NEVER
    ctx = s.ctx[c]
    x = ctx.stream[u]
    if x.state == FETCHED:
        if t < x.at:  # a wake-up of a run that was killed
            wake_member(s, W_STREAM, s.stream_at, 4 * u + c, x.at)
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
        ctx.steps += ins.step
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
def _note(ctx, u, signal, t):
    """Unit ``u`` signals semaphores that show it in ``t``."""
    if ctx.signals != t:
        ctx.signals = t
        for k in range(UNITS):
            ctx.signalled[k] = 0
    ctx.signalled[u] |= signal


@njit
def _add(s, c, k, n, t):
    """Semaphore ``k`` shows ``n`` more in ``t``; above its limit the context stops, on account of the lowest unit that signalled it."""
    ctx = s.ctx[c]
    ctx.sem[k] += n
    if ctx.sem[k] > SEM_MAX:
        for u in range(UNITS):
            if ctx.signalled[u] >> k & 1:
                stop_at(s, c, t - 1, OVERFLOWS + u, SEM_OVERFLOW, u)
                break


@njit
def nop(s, c, t):
    """Signals of NOPs that completed in ``t-1``."""
    s.nop_at[c] = NEVER
    ctx = s.ctx[c]
    for k in range(SEMS):
        if ctx.nop[k] > 0:
            _add(s, c, k, ctx.nop[k], t)
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
    ctx.over = max(ctx.ended, ctx.last_done + 1) + 1
    wake_member(s, W_CTX, s.ctx_at, c, ctx.over)


# ---- life of contexts
@njit
def _change(s, states, c, state, t):
    """The context's state shows from ``t`` on."""
    ctx = s.ctx[c]
    ctx.state = state
    row = states[s.states]
    row.cycle, row.ctx, row.state, row.cause, row.unit = t, c, state, ctx.cause, ctx.unit
    s.states += 1


@njit
def _begin(s, states, c, limit, t):
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
            _ask(s, u, c, t)
        else:
            x.state = ENDED
    _maybe_over(s, c, t)


@njit
def _settings(s, c, own, run):
    """Relocations of context ``c``, whose settings are ``own``; ``run`` has the program and two of them (a service, or the context itself)."""
    ctx = s.ctx[c]
    r = ctx.reloc
    r[FIX], r[R_VEC], r[R_ACC], r[R_ACTC], r[R_CST], r[R_WGT] = 0, own.vec_base, own.acc_base, own.actc_base, run.c_base, run.w_base
    ctx.pc_valid = run.pc_valid
    for u in range(UNITS):
        ctx.pc[u] = run.pc[u]


@njit
def start(s, states, c, t):
    """A start command to an idle training context in cycle ``t``."""
    own = s.reg.ctx[c]
    _settings(s, c, own, own)
    _begin(s, states, c, own.iters, t + 1)


@njit
def kill(s, c, t):
    """A kill command in cycle ``t``."""
    ctx = s.ctx[c]
    if t >= ctx.since:
        if ctx.state == LOADING:
            ctx.killed = 1
        else:
            stop_at(s, c, t, KILLS, 0, 0)


@njit
def clear(s, c, t):
    """A clear command in cycle ``t``."""
    if s.ctx[c].state == ERROR:
        s.ctx[c].over = t + 1
        wake_member(s, W_CTX, s.ctx_at, c, t + 1)


@njit
def _stop(s, states, c, t):
    """The context is KILLING from ``t`` on: its streams end, its units drop what they can."""
    ctx = s.ctx[c]
    ctx.cause, ctx.unit, ctx.ok, ctx.over = ctx.stop_cause, ctx.stop_unit, 0, NEVER
    _change(s, states, c, KILLING, t)
    for u in range(UNITS):
        ctx.stream[u].state = ENDED
        ctx.quiet[u] = NEVER
    mmu.kill(s, c, t)
    vpu.kill(s, c, t)
    dma.kill(s, LD, s.ld, c, t)
    dma.kill(s, ST, s.st, c, t)
    wake_at(s, W_MODE, t)


@njit
def context(s, batches, states, c, t):
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
