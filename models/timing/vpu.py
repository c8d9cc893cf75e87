"""Time of the VPU (``docs/vpu.md``): segments of lines, suspended training, tiles of the transposer, completion in order.

Between two looks the stage does without decisions: inference's segment gives its lines, then training's.
"""

from __future__ import annotations

from .arbiter import pick
from .compiled import njit
from .events import complete_at, ready_again, wake_at
from .layout import FAIR, FINISHES, INF, NEVER, TRN, VPU, W_UNIT

ROWS, COLS = 1, 2
QUEUE_ROOM = 14


@njit
def accept(s, c, ins, log, t):
    """Instruction of context ``c`` taken in cycle ``t``: it waits in ``next`` until it can be loaded (in ``t`` at best)."""
    x = s.vpu.next[c]
    rows = s.ctx[c].rows
    x.segments = rows if ins.dyn & 1 else ins.n_o
    x.lines = rows if ins.dyn & 2 else ins.n_i
    x.v_mode, x.signal, x.step, x.log = ins.v_mode, ins.signal, ins.step, log
    x.valid = 1
    wake_at(s, W_UNIT + VPU, t)


@njit
def _settle(s, c):
    """Completions of ``c`` whose cycle is known and whose predecessors' is."""
    q = s.vpu.finish[c]
    while q.settled < q.count:
        at = (q.head + q.settled) % FINISHES
        if q.own[at] < 0:
            return
        q.done[at] = max(q.own[at], q.last + 1)
        q.last = q.done[at]
        complete_at(s, VPU, c, q.done[at], q.signal[at], q.step[at], q.log[at])
        q.settled += 1


@njit
def _room(s, c, t):
    """Whether the completion queue can take another instruction in cycle ``t``; forgets what was complete before."""
    q = s.vpu.finish[c]
    while q.settled > 0 and q.done[q.head] < t:
        q.head = (q.head + 1) % FINISHES
        q.settled -= 1
        q.count -= 1
    waiting = 0
    for k in range(q.count):
        if q.line[(q.head + k) % FINISHES] < t:
            waiting += 1
    return waiting <= QUEUE_ROOM


@njit
def _drain(s, seg, first, n):
    """Columns taken from the tiles in cycles first ... first+n-1, in which ``seg`` gives its next n lines (if it has any)."""
    v, group = s.vpu, s.p.group
    for k in range(n):
        if v.tiles == 0:
            return
        if seg.v_mode == ROWS and seg.left > 0:
            line = seg.lines - seg.left + k
            if line % group == group - 1 or line == seg.lines - 1:
                continue
        tile = v.tile[0]
        tile.left -= 1
        if tile.left == 0:
            if tile.slot >= 0:
                s.vpu.finish[tile.ctx].own[tile.slot] = first + k + s.p.line_stage + 2
                _settle(s, tile.ctx)
            v.tile[0] = v.tile[1]
            v.tiles -= 1


@njit
def _lines(s, f, first, n):
    """The segment of class ``f`` gives n lines, in cycles first ... first+n-1."""
    v, p = s.vpu, s.p
    seg = v.seg[f]
    _drain(s, seg, first, n)
    s.busy[VPU, seg.ctx] += n
    seg.left -= n
    if seg.left > 0:
        return
    last, c = first + n - 1, seg.ctx
    slot = -1
    if seg.final != 0:
        q = v.finish[c]
        slot = (q.head + q.count) % FINISHES
        q.line[slot], q.signal[slot], q.step[slot], q.log[slot] = last, seg.signal, seg.step, seg.log
        q.own[slot] = -1 if seg.v_mode == COLS else last + p.line_stage + (2 if seg.v_mode == ROWS else 0)
        q.count += 1
        _settle(s, c)
    if seg.v_mode == COLS:
        tile = v.tile[v.tiles]
        tile.ctx, tile.left, tile.slot = c, p.lanes, slot
        v.tiles += 1


@njit
def _advance(s, t):
    """Lines and columns up to and with cycle ``t``."""
    v = s.vpu
    while v.upto < t:
        f = INF if v.seg[INF].left > 0 else TRN
        n = t - v.upto
        if v.seg[f].left > 0:
            n = min(n, v.seg[f].left)
            _lines(s, f, v.upto + 1, n)
        else:
            _drain(s, v.seg[f], v.upto + 1, n)
        v.upto += n


@njit
def _give(s, c):
    """The next segment of ``c`` goes into its class's register."""
    v = s.vpu
    x, seg = v.work[c], v.seg[INF if c < s.p.c_inf else TRN]
    x.done += 1
    seg.ctx, seg.lines, seg.left, seg.v_mode = c, x.lines, x.lines, x.v_mode
    seg.final, seg.signal, seg.step, seg.log = (1 if x.done == x.segments else 0), x.signal, x.step, x.log
    if x.done == x.segments:
        x.valid = 0


@njit
def _grant(s, t):
    """The segment granted in cycle ``t``, if any; returns whether one that is offered waits for a tile or for room."""
    v, p = s.vpu, s.p
    inf, trn = v.seg[INF].left > 0, v.seg[TRN].left > 0
    offered, cols, blocked = 0, 0, False
    for c in range(p.ctx):
        x = v.work[c]
        if x.valid != 0 and x.at < t:
            if x.done + 1 == x.segments and not _room(s, c, t):
                blocked = True
                continue
            offered |= 1 << c
            if x.v_mode == COLS:
                cols |= 1 << c
    inf_mask = (1 << p.c_inf) - 1
    if inf or (trn and s.mode == FAIR):
        return blocked
    first = offered & inf_mask
    wants_tile = s.mode != FAIR and cols & inf_mask != 0
    if v.tiles > 1:
        blocked = blocked or cols != 0
        offered &= ~cols
    if trn and v.seg[TRN].v_mode == COLS and wants_tile:
        return blocked
    if trn or wants_tile:
        offered &= inf_mask
    if offered != 0:
        c = pick(v.arb, offered, s.mode, p)
        if c >= 0:
            _give(s, c)
            for other in range(p.c_inf):  # an inference segment that was ready waits for that of another context
                if first >> other & 1 and other != c:
                    if c < p.c_inf:
                        s.ctx[other].held_inf += v.seg[INF].lines
                    else:
                        s.ctx[other].held_trn += v.seg[TRN].lines
    return blocked


@njit
def step(s, t):
    """Everything that the unit does in cycle ``t``."""
    v, p = s.vpu, s.p
    _advance(s, t)
    next_wake = t + 1 if _grant(s, t) else NEVER
    for c in range(p.ctx):
        if v.work[c].valid == 0 and v.next[c].valid != 0:
            v.work[c] = v.next[c]
            v.work[c].at = t
            if c < p.c_inf and s.mode == FAIR:
                s.ctx[c].held_trn += v.seg[TRN].left
            v.work[c].done = 0
            v.next[c].valid = 0
            ready_again(s, VPU, c, t + 1)
            next_wake = t + 1
    if v.seg[INF].left > 0:
        next_wake = min(next_wake, t + v.seg[INF].left)
    elif v.seg[TRN].left > 0:
        next_wake = min(next_wake, t + v.seg[TRN].left)
    if v.tiles > 0:
        next_wake = min(next_wake, t + v.tile[0].left)
    s.soon[W_UNIT + VPU] = next_wake
