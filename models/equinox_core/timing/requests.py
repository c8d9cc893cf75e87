"""Time of the request dispatcher and the responder (``docs/scheduler.md``)."""

from __future__ import annotations

from ..hw.modes import Policy
from ..hw.pipeline import ANSWER_QUEUE as FIFO
from ..hw.states import Status
from .arbiter import round_robin
from .compiled import njit
from .events import wake_at, wake_member
from .layout import (
    ANSWERS,
    ERROR,
    FAIR,
    IDLE,
    INF_ONLY,
    LOADING,
    NEVER,
    PRIO,
    QUEUE,
    RESPOND,
    RUNNING,
    SVC,
    W_CTX,
    W_FORMER,
    W_MODE,
    W_RESP,
    W_RX,
)
from .records import Array, Batch, Front, Request, State

HEADER, PAYLOAD, END = range(3)
OK, NOT_INSTALLED, BAD_LENGTH = int(Status.OK), int(Status.NOT_INSTALLED), int(Status.BAD_LENGTH)
REJECTED, CTX_ERROR = int(Status.REJECTED), int(Status.CTX_ERROR)
P_FAIR, P_PRIORITY, P_ADAPTIVE, P_SLACK = (
    int(p) for p in (Policy.FAIR, Policy.PRIORITY, Policy.ADAPTIVE, Policy.SLACK)
)


# ---- answers without payload
@njit
def _answer(s: State, index: int, t: int) -> None:
    """A request's answer enters the FIFO in ``t``: the responder sees it from t+1 on."""
    f = s.front
    at = (f.answer_head + f.answer_count) % ANSWERS
    f.answer[at], f.answer_at[at] = index, t + 1
    f.answer_count += 1
    wake_at(s, W_RESP, t + 1)


# ---- receiver
@njit
def free_slots(s: State, n: int, t: int) -> None:
    """``n`` slots are given back in cycle ``t``: they can be offered from t+2 on."""
    f = s.front
    _refill(f, t)
    f.freed, f.freed_at = f.freed + n, t
    wake_at(s, W_RX, t + 1)


@njit
def _refill(f: Front, t: int) -> None:
    """Freed slots reach the pool the cycle after; one slot is kept on offer, from the cycle after that."""
    if f.freed > 0 and f.freed_at < t:
        f.slots += f.freed
        f.freed = 0
        if f.offered == 0:
            f.slots -= 1
            f.offered, f.offered_at = 1, f.freed_at + 2


@njit
def receive(s: State, req: Array[Request], t: int) -> None:
    """The request stream in cycle ``t``: a header, a first payload beat, or a request's end."""
    f, reg = s.front, s.reg
    _refill(f, t)
    s.soon[W_RX] = t + 1 if f.freed > 0 or f.take_at == t else NEVER  # a slot, a place in a queue
    if f.next >= len(req):
        return
    r = req[f.next]
    at = max(r.offered, f.at) if f.phase == HEADER else f.at
    if t < at:
        s.soon[W_RX] = at
        return
    known = r.service < s.p.services and reg.svc[r.service].installed != 0
    if f.phase == HEADER:
        if reg.accept == 0 or _answers_at(f, t) >= FIFO:
            return  # the register, or the responder, wakes
        f.phase = PAYLOAD if r.lines > 0 else END
        if t > f.at:  # a cycle without a beat
            f.backlog = -1
        f.at = t + 1
        s.soon[W_RX] = t + 1
        if _held(s, req, t + 1):
            wake_at(s, W_FORMER, t + 1)
            wake_at(s, W_MODE, t + 1)
        return
    if f.phase == PAYLOAD:
        room = False
        if known:
            room = f.offered != 0 and f.offered_at <= t and _level(f, r.service, t) < s.p.queue_depth
            if not room and f.backlog < 0:
                f.backlog = t
            if not room and reg.reject == 0:
                if f.offered != 0 and f.offered_at > t:
                    wake_at(s, W_RX, f.offered_at)
                    wake_at(s, W_MODE, f.offered_at)
                return  # a slot, or a decision, wakes
            elif not room:
                wake_at(s, W_MODE, t + 1)
        r.status = NOT_INSTALLED if not known else REJECTED if not room else OK
        if r.status == OK and r.lines != reg.svc[r.service].rx_lines:
            r.status = BAD_LENGTH
        if r.status != OK and (r.status != REJECTED or r.lines > 1):  # behind the beat that shows it
            f.over = t + (
                1
                if r.status == NOT_INSTALLED
                else 2
                if r.status == REJECTED
                else min(r.lines, reg.svc[r.service].rx_lines)
            )
        f.phase = END
        f.at = t + r.lines - 1
        if r.lines > 1:
            s.soon[W_RX] = f.at
            return
    # the last beat, or the cycle after a header alone
    r.taken = t
    f.phase = HEADER
    f.at = t + 1
    if r.lines == 0:
        r.taken = t - 1
        r.status = BAD_LENGTH if known else NOT_INSTALLED
        f.backlog = -1
    if f.over <= t + 1:
        f.backlog = -1
    f.over = NEVER
    if r.status != OK:
        _answer(s, f.next, t)
    else:
        v = r.service
        at = (f.head[v] + f.level[v]) % QUEUE
        f.request[v, at], f.since[v, at] = f.next, t if f.backlog < 0 else f.backlog
        if _level(f, v, t) == 0:
            f.known[v] = t + 1
        f.level[v] += 1
        f.offered = 0
        if f.slots > 0:
            f.slots -= 1
            f.offered, f.offered_at = 1, t + 1
        wake_at(s, W_FORMER, t + 1)
        wake_at(s, W_MODE, t + 1)
    f.next += 1
    if f.next < len(req):
        s.soon[W_RX] = max(req[f.next].offered, t + 1)
    if f.freed > 0:
        wake_at(s, W_RX, t + 1)


@njit
def _held(s: State, req: Array[Request], t: int) -> bool:
    """Whether in cycle ``t``, before its decision, the request at the head of the stream has sent its header and finds
    no room.
    """
    f = s.front
    if f.phase != PAYLOAD or t < f.at:
        return False
    v = req[f.next].service
    if v >= s.p.services or s.reg.svc[v].installed == 0:
        return False
    return f.offered == 0 or f.offered_at > t or f.level[v] >= s.p.queue_depth


@njit
def _flows(f: Front, t: int, held: bool) -> bool:
    """Whether what a hold has kept waiting comes in: a beat of a good request in every cycle since, up to ``t`` - 1."""
    return f.backlog >= 0 and t < f.over and not held and not (f.phase == HEADER and t > f.at)


@njit
def _level(f: Front, v: int, t: int) -> int:
    """Queue length at the beginning of cycle ``t``, whose decision has been made."""
    return f.level[v] + (f.take_n if f.take_at == t and f.take_svc == v else 0)


@njit
def _answers_at(f: Front, t: int) -> int:
    """Answers in the FIFO at the beginning of cycle ``t``."""
    n = 0
    for k in range(f.answer_count):
        if f.answer_at[(f.answer_head + k) % ANSWERS] <= t:
            n += 1
    return n


# ---- batches
@njit
def form(s: State, req: Array[Request], batches: Array[Batch], t: int) -> None:
    """The decision of cycle ``t``, if there is one."""
    f, reg, p = s.front, s.reg, s.p
    s.soon[W_FORMER] = NEVER
    may_drain = f.drained < 0  # its answer leaves its register at the end of a cycle
    # an answer of a drained request goes into the FIFO when the receiver has none and there is room
    if f.drained >= 0:
        if f.drained_at <= t:
            if _answers_at(f, t) < FIFO - 1 and not _receiver_answers(s, req, t):
                _answer(s, f.drained, t)
                f.drained = -1
            wake_at(s, W_FORMER, t + 1)
        else:
            wake_at(s, W_FORMER, f.drained_at)
    if f.drop_at == t:  # the drained request's slot
        free_slots(s, 1, t)
    elif f.drop_at > t:
        wake_at(s, W_FORMER, f.drop_at)
    if t < f.next_decision:
        wake_at(s, W_FORMER, f.next_decision)
        return
    free = -1
    for c in range(p.c_inf):
        if free < 0 and s.ctx[c].state == IDLE:
            free = c
    held = _held(s, req, t)
    flows = _flows(f, t, held)
    ready = waiting = drain = 0
    for v in range(p.services):
        svc = reg.svc[v]
        if f.level[v] == 0:
            continue
        if svc.installed == 0:
            if may_drain:
                drain |= 1 << v
        elif free >= 0:
            due = max(f.known[v], f.since[v, f.head[v]] + svc.timeout)
            waiting |= 1 << v
            if f.level[v] >= svc.batch or f.level[v] >= p.queue_depth or (due <= t and not flows):
                ready |= 1 << v
            else:
                wake_at(s, W_FORMER, max(due, t + 1))
    if ready == 0 and held:
        ready = waiting  # nothing can join them
    ready |= drain
    if ready == 0:
        return
    v = round_robin(ready, f.served, p.services)
    svc = reg.svc[v]
    f.served = v
    drop = svc.installed == 0
    rows = 1 if drop else min(f.level[v], svc.batch)
    f.take_at, f.take_svc, f.take_n = t, v, rows
    f.level[v] -= rows
    f.known[v] = t + rows + 3
    f.next_decision = t + rows + 2
    wake_at(s, W_FORMER, f.next_decision)
    wake_at(s, W_MODE, t + 1)
    wake_at(s, W_RX, t + 1)
    if drop:
        f.drained = f.request[v, f.head[v]]
        req[f.drained].status = NOT_INSTALLED
        f.drained_at, f.drop_at = t + 3, t + 2
        wake_at(s, W_FORMER, t + 2)
    else:
        seq = s.batches
        s.batches += 1
        b = batches[seq]
        b.ctx, b.svc, b.rows, b.decided, b.run, b.end, b.respond, b.closed = (
            free,
            v,
            rows,
            t,
            NEVER,
            NEVER,
            NEVER,
            NEVER,
        )
        b.ready = f.since[v, f.head[v]] + svc.timeout
        if rows == svc.batch or rows == p.queue_depth:
            b.ready = min(b.ready, req[f.request[v, (f.head[v] + rows - 1) % QUEUE]].taken + 1)
        if held:
            b.ready = min(b.ready, f.at)
        b.ready = min(b.ready, t)
        ctx = s.ctx[free]
        ctx.state, ctx.svc, ctx.rows, ctx.seq, ctx.since, ctx.killed = LOADING, v, rows, seq, t + 3, 0
        ctx.late = max(t + 3, f.since[v, f.head[v]] + svc.timeout + 1)
        ctx.held_inf, ctx.held_trn = 0, 0
        for k in range(rows):
            req[f.request[v, (f.head[v] + k) % QUEUE]].batch = seq
            req[f.request[v, (f.head[v] + k) % QUEUE]].row = k
            ctx.request[k] = f.request[v, (f.head[v] + k) % QUEUE]
        wake_member(s, W_CTX, s.ctx_at, free, t + 3)
    f.head[v] = (f.head[v] + rows) % QUEUE


@njit
def _receiver_answers(s: State, req: Array[Request], t: int) -> bool:
    """Whether the receiver puts an answer into the FIFO in cycle ``t`` (it goes first)."""
    f = s.front
    if s.soon[W_RX] != t or f.next >= len(req):
        return False
    r = req[f.next]
    return f.phase == END and f.at == t and (r.lines == 0 or r.status != OK)


@njit
def _late(s: State, t: int) -> bool:
    """`slack`: whether some request, waiting or in a batch at work, has used up its time in cycle ``t``."""
    f, late = s.front, False
    for v in range(s.p.services):
        svc = s.reg.svc[v]
        if svc.installed != 0 and f.level[v] > 0:
            at = max(f.known[v], f.since[v, f.head[v]] + svc.timeout)
            late = late or at <= t
            if at > t:
                wake_at(s, W_MODE, at)
    for c in range(s.p.c_inf):
        ctx = s.ctx[c]
        if ctx.state == LOADING or ctx.state == RUNNING:
            late = late or ctx.late <= t
            if ctx.late > t:
                wake_at(s, W_MODE, ctx.late)
    return late


@njit
def _pressed(s: State, req: Array[Request], t: int) -> bool:
    """Whether in cycle ``t`` an enabled service's queue is longer than its threshold, or a request finds no room."""
    pressed = _held(s, req, t)
    for v in range(SVC):
        svc = s.reg.svc[v]
        pressed = pressed or (svc.enable != 0 and s.front.level[v] > svc.threshold)
    return pressed


@njit
def mode(s: State, req: Array[Request], t: int) -> bool:
    """Scheduling mode: what was decided in t-1 shows in ``t``; the decision of ``t``.
    Returns whether the mode changed.
    """
    s.soon[W_MODE] = NEVER
    changed = s.mode_at <= t and s.mode_next != s.mode
    if changed:
        s.mode = s.mode_next
    policy = s.reg.policy
    new = INF_ONLY
    if policy == P_FAIR:
        new = FAIR
    elif policy == P_PRIORITY:
        new = PRIO
    elif policy == P_ADAPTIVE:
        new = PRIO if _pressed(s, req, t) else FAIR
    elif policy == P_SLACK:
        new = PRIO if _late(s, t) or _pressed(s, req, t) else FAIR
    if new != s.mode:
        s.mode_next, s.mode_at = new, t + 1
        wake_at(s, W_MODE, t + 1)
    else:
        s.mode_next = new
    return changed


# ---- responder
@njit
def respond(s: State, req: Array[Request], batches: Array[Batch], t: int) -> None:
    """The output stage in cycle ``t``: an answer or a response (a row's header and payload) enters it."""
    x, f, p = s.resp, s.front, s.p
    s.soon[W_RESP] = NEVER
    if t < x.at:
        s.soon[W_RESP] = x.at
        return
    busy = x.busy >= 0
    if f.answer_count > 0 and f.answer_at[f.answer_head] <= t and not (x.was_answer != 0 and busy):
        index = f.answer[f.answer_head]
        f.answer_head = (f.answer_head + 1) % ANSWERS
        f.answer_count -= 1
        req[index].done = t + 1
        x.was_answer = 1
        s.soon[W_RESP] = t + 1
        wake_at(s, W_RX, t + 1)
        wake_at(s, W_FORMER, t + 1)
    elif busy:
        c = x.busy
        ctx = s.ctx[c]
        beats = 1 + ctx.tx_lines if ctx.ok else 1
        x.was_answer = 0
        if ctx.ok == 0:
            req[ctx.request[x.row]].status = CTX_ERROR
        req[ctx.request[x.row]].done = t + beats
        if x.row == 0:
            batches[ctx.seq].respond = t + 1
        x.row += 1
        x.at = t + beats
        s.soon[W_RESP] = x.at
        if x.row == ctx.rows:  # over with its last beat, in x.at - 1
            batches[ctx.seq].closed = x.at - 1
            x.busy = -1
            ctx.over = x.at
            wake_member(s, W_CTX, s.ctx_at, c, x.at)
        return
    elif f.answer_count > 0:
        wake_at(s, W_RESP, max(t + 1, f.answer_at[f.answer_head]))
    if busy:
        return
    # choice of the next batch
    want = 0
    for c in range(p.c_inf):
        ctx = s.ctx[c]
        if ctx.state != RESPOND:
            continue
        oldest = True
        for d in range(p.c_inf):
            other = s.ctx[d]
            if d != c and other.state != IDLE and other.state != ERROR and other.svc == ctx.svc and other.seq < ctx.seq:
                oldest = False
        if oldest:
            want |= 1 << c
    if want != 0:
        x.busy = round_robin(want, x.served, p.c_inf)
        x.served = x.busy
        x.row = 0
        s.soon[W_RESP] = t + 1
