"""Time of the VPU (``docs/vpu.md``): segments of lines, tiles of the transposer, completion in order."""

from __future__ import annotations

from .arbiter import pick
from .compiled import njit
from .events import complete_at, ready_again, wake_at
from .layout import NEVER, VPU, W_UNIT

ROWS, COLS = 1, 2
QUEUE_ROOM = 14
FINISHES = 32


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
def _rows_block(v, t, group):
    """Whether the line that starts in ``t`` completes a ROWS block."""
    if v.seg_mode != ROWS or t < v.seg_first or t > v.seg_last:
        return False
    return t == v.seg_last or (t - v.seg_first) % group == group - 1


@njit
def _drain(s, t):
    """Columns taken from the tiles up to cycle ``t`` (in line time)."""
    v, p = s.vpu, s.p
    while v.drained < t and v.tiles > 0:
        u = v.drained + 1
        tile = v.tile[0]
        if u <= tile.ready:
            if tile.ready >= t:
                break
            v.drained = tile.ready
            continue
        v.drained = u
        if _rows_block(v, u, p.group):
            continue
        tile.left -= 1
        if tile.left == 0:
            c = tile.ctx
            if tile.final != 0:
                s.vpu.finish[c].own[tile.slot] = u + p.line_stage + 2
                _settle(s, c)
            for k in range(v.tiles - 1):
                v.tile[k] = v.tile[k + 1]
            v.tiles -= 1
    v.drained = t


@njit
def _full_tiles(v, t):
    """Tiles with columns left when cycle ``t+1`` begins."""
    n = 0
    for k in range(v.tiles):
        if v.tile[k].ready <= t:
            n += 1
    return n


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
def _grant(s, c, t):
    """The segment of ``c`` is granted in ``t``: its lines start in t+1 ... ``seg_last``."""
    v, p = s.vpu, s.p
    x = v.work[c]
    final = x.done + 1 == x.segments
    v.seg_first, v.seg_last, v.seg_mode = t + 1, t + x.lines, x.v_mode
    s.busy[VPU, c] += x.lines
    x.done += 1
    slot = -1
    if final:
        q = v.finish[c]
        slot = (q.head + q.count) % FINISHES
        q.line[slot], q.signal[slot], q.step[slot], q.log[slot] = v.seg_last, x.signal, x.step, x.log
        q.own[slot] = -1 if x.v_mode == COLS else v.seg_last + p.line_stage + (2 if x.v_mode == ROWS else 0)
        q.count += 1
        if x.v_mode != COLS:
            _settle(s, c)
        x.valid = 0
    if x.v_mode == COLS:
        tile = v.tile[v.tiles]
        tile.ctx, tile.ready, tile.left, tile.final, tile.slot = c, v.seg_last, p.lanes, final, slot
        v.tiles += 1


@njit
def step(s, t):
    """Everything that the unit does in cycle ``t``."""
    v, p = s.vpu, s.p
    _drain(s, t)
    next_wake = NEVER
    if v.seg_last <= t:
        req = 0
        for c in range(p.ctx):
            x = v.work[c]
            if x.valid == 0 or x.at >= t:
                continue
            if (x.done + 1 == x.segments and not _room(s, c, t)) or (x.v_mode == COLS and _full_tiles(v, t) > 1):
                next_wake = t + 1
                continue
            req |= 1 << c
        if req != 0:
            c = pick(v.arb, req, s.mode, p)
            if c >= 0:
                _grant(s, c, t)
    for c in range(p.ctx):
        if v.work[c].valid == 0 and v.next[c].valid != 0:
            v.work[c] = v.next[c]
            v.work[c].at = t
            v.work[c].done = 0
            v.next[c].valid = 0
            ready_again(s, VPU, c, t + 1)
            next_wake = t + 1
        if v.work[c].valid != 0 and v.seg_last > t:
            next_wake = min(next_wake, v.seg_last)
    if v.tiles > 0:
        next_wake = min(next_wake, max(t + 1, v.tile[0].ready + v.tile[0].left))
    s.wake[W_UNIT + VPU] = next_wake
