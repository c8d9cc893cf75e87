"""Time of the VPU (``docs/vpu.md``): segments of lines, suspended training, tiles of the transposer, completion in
order.

Between two looks the stage does without decisions: inference's segment gives its lines, then training's.
"""

from __future__ import annotations

from ..hw.pipeline import CONVERT_LATENCY, TILE_LATENCY, VPU_AHEAD, VPU_QUEUE_ROOM
from ..isa.encoding import Conv, Err, Op
from .arbiter import pick
from .compiled import njit
from .events import complete_at, quiet_from, ready_again, unit_fault, wake_at
from .layout import FAIR, FINISHES, INF, NEVER, OPERANDS, TRN, VPU, W_UNIT
from .operands import fits, good_lines
from .records import Instr, State, VpuSegment

VECTOR, ILLEGAL_OP, OPERAND = int(Op.VECTOR), int(Err.ILLEGAL_OP), int(Err.OPERAND)
ROWS, COLS = int(Conv.ROWS), int(Conv.COLS)


@njit
def accept(s: State, c: int, ins: Instr, log: int, t: int) -> None:
    """Instruction of context ``c`` taken in cycle ``t``: it waits in ``next`` until it can be loaded (in ``t`` at
    best).
    """
    x = s.vpu.next[c]
    rows = s.ctx[c].rows
    x.segments = rows if ins.dyn & 1 else ins.n_o
    x.lines = rows if ins.dyn & 2 else ins.n_i
    x.v_mode, x.signal, x.step, x.log = ins.v_mode, ins.signal, ins.step, log
    x.valid = 1
    x.cause = ILLEGAL_OP if ins.op != VECTOR else OPERAND if ins.bad >> (0 if c < s.p.c_inf else 1) & 1 else 0
    reloc = s.ctx[c].reloc
    x.far = 0
    if not fits(ins, reloc):
        x.far = 1
        for k in range(OPERANDS):
            x.base[k], x.so[k], x.si[k], x.depth[k] = (
                ins.base[k] + reloc[ins.kind[k]],
                ins.so[k],
                ins.si[k],
                ins.depth[k],
            )
    wake_at(s, W_UNIT + VPU, t)


@njit
def _settle(s: State, c: int) -> None:
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
def _room(s: State, c: int, t: int) -> bool:
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
    return waiting <= VPU_QUEUE_ROOM


@njit
def _drain(s: State, seg: VpuSegment, first: int, n: int) -> None:
    """Parts of columns that leave the tiles in cycles first ...

    first+n-1, in which ``seg`` gives its next n lines (if it has any). A column's last part waits while a ROWS block is
    complete.
    """
    v, group = s.vpu, s.p.group
    for k in range(n):
        if v.tiles == 0:
            return
        tile = v.tile[0]
        if first + k < tile.begin:
            continue
        if seg.v_mode == ROWS and seg.left > 0 and (tile.left - 1) % tile.parts == 0:
            line = seg.line + k
            if (line % group == group - 1 or line == seg.lines - 1) and (seg.cut == 0 or k < seg.left - 1):
                continue
        tile.left -= 1
        if tile.left == 0:
            s.vpu.finish[tile.ctx].drained = first + k
            if tile.slot >= 0:
                s.vpu.finish[tile.ctx].own[tile.slot] = first + k + s.p.line_stage + CONVERT_LATENCY - VPU_AHEAD
                _settle(s, tile.ctx)
            v.tile[0] = v.tile[1]
            v.tiles -= 1


@njit
def _lines(s: State, f: int, first: int, n: int) -> None:
    """The segment of class ``f`` gives n lines, in cycles first ... first+n-1."""
    v, p = s.vpu, s.p
    seg = v.seg[f]
    _drain(s, seg, first, n)
    s.busy[VPU, seg.ctx] += n
    seg.left -= n
    seg.line += n
    if seg.left > 0:
        return
    last, c = first + n - 1, seg.ctx
    if v.finish[c].killed != 0:
        v.finish[c].adrift = last
    if seg.cut != 0:
        s.busy[VPU, c] -= 1
        _refuse(s, c, last)
        return
    slot = -1
    if seg.final != 0:
        q = v.finish[c]
        slot = (q.head + q.count) % FINISHES
        q.line[slot], q.signal[slot], q.step[slot], q.log[slot] = last, seg.signal, seg.step, seg.log
        written = last + p.line_stage + (CONVERT_LATENCY if seg.v_mode == ROWS else 0)
        q.own[slot] = -1 if seg.v_mode == COLS else written - VPU_AHEAD
        q.count += 1
        _settle(s, c)
    if seg.v_mode == COLS:
        tile = v.tile[v.tiles]
        parts = (seg.lines - 1) // p.lanes + 1
        tile.ctx, tile.parts, tile.left, tile.slot = c, parts, parts * p.lanes, slot
        tile.begin = last + TILE_LATENCY
        v.tiles += 1


@njit
def _advance(s: State, t: int) -> None:
    """Lines and parts of columns up to and with cycle ``t``."""
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
def _give(s: State, c: int) -> None:
    """The next segment of ``c`` goes into its class's register."""
    v = s.vpu
    x, seg = v.work[c], v.seg[INF if c < s.p.c_inf else TRN]
    x.done += 1
    seg.ctx, seg.lines, seg.line, seg.left, seg.cut, seg.v_mode = c, x.lines, 0, x.lines, 0, x.v_mode
    if x.far != 0:
        x.done -= 1
        good = good_lines(x, s.p.group)
        x.done += 1
        if good < x.lines:
            seg.left, seg.cut = good + 1, 1
            v.faults |= 1 << c
    seg.final, seg.signal, seg.step, seg.log = (1 if x.done == x.segments else 0), x.signal, x.step, x.log
    if x.done == x.segments:
        x.valid = 0


@njit
def _grant(s: State, t: int) -> bool:
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
    if v.tiles > 1 and v.tile[0].left > 1:  # the last part is read before it passes
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
def step(s: State, t: int) -> None:
    """Everything that the unit does in cycle ``t``."""
    v, p = s.vpu, s.p
    _advance(s, t)
    next_wake = t + 1 if _grant(s, t) else NEVER
    for c in range(p.ctx):
        if v.work[c].valid == 0 and v.next[c].valid != 0:
            v.work[c] = v.next[c]
            v.work[c].at = t
            if v.work[c].cause != 0:
                _reject(s, c, t)
                continue
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
        next_wake = min(next_wake, max(t, v.tile[0].begin - 1) + v.tile[0].left)
    if v.faults != 0:
        for c in range(p.ctx):
            if v.faults >> c & 1:
                _watch(s, c)
    s.soon[W_UNIT + VPU] = next_wake


# ---- faults and kills
@njit
def _reject(s: State, c: int, t: int) -> None:
    """The instruction loaded in ``t`` is refused."""
    v = s.vpu
    q = v.finish[c]
    v.work[c].valid = v.next[c].valid = 0
    q.stopped, q.error, q.cause, q.err_at = t + 1, t + 2, v.work[c].cause, NEVER
    v.faults |= 1 << c


@njit
def _refuse(s: State, c: int, t: int) -> None:
    """The line of cycle ``t`` is refused: an address is beyond its memory."""
    v = s.vpu
    q = v.finish[c]
    q.adrift = t
    if q.killed == 0:
        v.work[c].valid = v.next[c].valid = 0
        q.stopped, q.error, q.cause, q.err_at = t + 1, t + 1, OPERAND, NEVER


@njit
def _watch(s: State, c: int) -> None:
    """When the fault is reported, or nothing is left of the killed context: all of its lines must have started, and all
    completions be known.
    """
    v = s.vpu
    q, seg = v.finish[c], v.seg[INF if c < s.p.c_inf else TRN]
    if q.settled < q.count or (seg.left > 0 and seg.ctx == c):
        return
    if q.killed == 0:
        if q.error != 0 and q.err_at == NEVER:
            q.err_at = max(q.error, q.last + 1)
            unit_fault(s, c, q.err_at, q.cause, VPU)
        return
    start = max(q.base, q.last + 1 + VPU_AHEAD)
    if q.adrift >= 0:  # lines that are in no queue: wait until they, and the tiles, must be through
        for k in range(v.tiles):
            if v.tile[k].ctx == c:
                return
        start = max(start, max(q.adrift, q.drained + s.p.line_stage) + s.p.line_stage + CONVERT_LATENCY + 1)
    q.killed, q.adrift = 0, -1
    v.faults &= ~(1 << c)
    quiet_from(s, VPU, c, start)


@njit
def kill(s: State, c: int, t: int) -> None:
    """From ``t`` on nothing of the context is granted; the segment in the address stage goes on to its last line."""
    v = s.vpu
    _advance(s, t - 1)
    q = v.finish[c]
    held = v.work[c].valid != 0 or v.next[c].valid != 0
    pending = q.error != 0 and q.err_at >= t
    v.work[c].valid = v.next[c].valid = 0
    if held:
        q.adrift = t
    q.killed, q.base, q.stopped, q.error = 1, (t + 1 if held or pending else t), 0, 0
    v.faults |= 1 << c
    wake_at(s, W_UNIT + VPU, t)
