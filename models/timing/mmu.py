"""Time of the MMU (``docs/mmu.md``): the load port tile by tile, the stream port in spans of rows.

A span is what enters without a decision in between: rows of one tile, one a cycle. It ends with the tile, or when
something happens that could change the choice (a tile is loaded, the mode changes).
"""

from __future__ import annotations

from ..isa.encoding import Err, Op
from .arbiter import pick
from .compiled import njit
from .events import complete_at, quiet_from, ready_again, unit_fault, wake_at
from .layout import FAIR, INF, INF_ONLY, MMU, NEVER, PRIO, R_ACC, R_WGT, TRN, W_UNIT
from .operands import fits, within

MATMUL, ILLEGAL_OP, OPERAND = int(Op.MATMUL), int(Err.ILLEGAL_OP), int(Err.OPERAND)
HAZARD = 3  # cycles after a row in which no row may accumulate on its line


@njit
def accept(s, c, ins, log, t):
    """Instruction of context ``c`` taken in cycle ``t``."""
    m = s.mmu
    m.pending[c] = ins
    m.pending_log[c] = log
    m.thread[c].pend = t + 1  # waits from then on
    wake_at(s, W_UNIT + MMU, t + 1)


@njit
def _hold(s, c, by, cycles):
    """Work of context ``c`` was ready and waited while the unit served context ``by``."""
    if c < s.p.c_inf and by != c:
        if by < s.p.c_inf:
            s.ctx[c].held_inf += cycles
        else:
            s.ctx[c].held_trn += cycles


@njit
def _start(s, c, t):
    """The waiting instruction of ``c`` begins; its first tile can be taken in the next cycle."""
    m = s.mmu
    x, ins = m.thread[c], m.pending[c]
    if ins.op != MATMUL or _refused(s, c, ins):
        _fail(m, c, t, ILLEGAL_OP if ins.op != MATMUL else OPERAND)
        return
    rows = s.ctx[c].rows if ins.dyn else ins.rows
    x.rows = rows
    x.left = rows
    x.chunk = rows if c < s.p.c_inf else max(s.reg.train_rows, 1)
    x.n_g, x.n_k, x.g, x.k = ins.n_g, ins.n_k, 0, 0
    x.accum = ins.accum
    x.c0 = ins.c_base + s.ctx[c].reloc[R_ACC]
    x.cg = x.c0
    x.c_sr, x.c_sg = ins.c_sr, ins.c_sg
    x.signal, x.step, x.log = ins.signal, ins.step, m.pending_log[c]
    x.act = 1
    x.pend = 0
    x.far = 0
    if not fits(ins, s.ctx[c].reloc):
        _far(s, c, ins, t)
    if m.port_free > t + 1 and m.tiles[INF] < 2:
        _hold(s, c, m.port_ctx, m.port_free - t - 1)


@njit
def _load(s, c, t):
    """The load port takes the next tile of ``c``; returns whether it was its instruction's last."""
    m = s.mmu
    x = m.thread[c]
    f = INF if c < s.p.c_inf else TRN
    tile = m.tile[f, m.tiles[f]]
    m.tiles[f] += 1
    rows = min(x.chunk, x.left)
    last = x.k + 1 == x.n_k and x.g + 1 == x.n_g and x.left <= x.chunk
    tile.ctx, tile.rows, tile.c, tile.c_sr = c, rows, x.cg, x.c_sr
    tile.accum = 1 if x.accum or x.k > 0 else 0
    tile.cut = 0
    if x.far != 0:
        _cut(m, x, tile)
    tile.last, tile.signal, tile.step, tile.log = last, x.signal, x.step, x.log
    x.k += 1
    if x.k == x.n_k:
        x.k = 0
        x.g += 1
        x.cg += x.c_sg
        if x.g == x.n_g:
            x.g = 0
            x.left -= rows
            x.c0 += rows * x.c_sr
            x.cg = x.c0
            if x.left == 0:
                x.act = 0
    if x.far != 0 and x.act != 0:
        _look(m, c, t)
    return last


@njit
def _settle(s, t):
    """Carry out the rows that entered since the last look, up to cycle t-1."""
    m = s.mmu
    f = m.cls
    if f < 0:
        return
    n = t - m.since
    if n <= 0:
        return
    tile = m.tile[f, 0]
    for k in range(max(0, n - HAZARD), n):
        at = (m.since + k) & 3
        m.recent_at[at] = m.since + k
        m.recent_c[at] = tile.c + k * tile.c_sr
    s.busy[MMU, tile.ctx] += n
    m.thread[tile.ctx].last_row = t - 1
    if m.held_row != 0:
        _hold(s, m.tile[INF, 0].ctx, tile.ctx, n)
    tile.rows -= n
    tile.c += n * tile.c_sr
    turn = f == m.owner or m.owner_idle != 0
    if tile.rows == 0 and tile.cut == 0:
        if turn:
            m.owner = 1 - f
        if tile.last:
            complete_at(s, MMU, tile.ctx, t - 1 + s.p.row_flight, tile.signal, tile.step, tile.log)
        m.tile[f, 0] = m.tile[f, 1]
        m.tiles[f] -= 1
        if f == INF and m.tiles[INF] == 1 and m.port_free > t:  # a place for the next tile
            for c in range(s.p.c_inf):
                if m.thread[c].act != 0:
                    _hold(s, c, m.port_ctx, m.port_free - t)
    elif turn:
        m.owner = f
    m.cls = -1


@njit
def _hazard(m, tile, t):
    """Whether the tile's next row waits in cycle ``t`` for the sum of an earlier one."""
    if tile.accum == 0:
        return False
    for k in range(1, HAZARD + 1):
        at = (t - k) & 3
        if m.recent_at[at] == t - k and m.recent_c[at] == tile.c:
            return True
    return False


@njit
def step(s, t):
    """Everything that the unit does in cycle ``t``."""
    m, p = s.mmu, s.p
    _settle(s, t)
    next_wake = NEVER
    # ---- stream port
    has_inf, has_trn = _valid(m, INF, t), _valid(m, TRN, t)
    wait_inf = has_inf and _hazard(m, m.tile[INF, 0], t)
    wait_trn = has_trn and _hazard(m, m.tile[TRN, 0], t)
    can_inf = has_inf and not wait_inf and m.tile[INF, 0].rows > 0
    can_trn = has_trn and not wait_trn and m.tile[TRN, 0].rows > 0
    if s.mode == INF_ONLY:
        f = INF if can_inf else -1
    elif s.mode == FAIR:
        f = m.owner
        if not (can_inf if f == INF else can_trn):
            f = 1 - f
            if not (can_inf if f == INF else can_trn):
                f = -1
    else:
        f = INF if can_inf else TRN if can_trn else -1
    if wait_inf or wait_trn:
        next_wake = t + 1
    m.cls = f
    if f >= 0:
        m.since = t
        m.held_row = 1 if f == TRN and can_inf else 0
        m.owner_idle = 0 if (has_inf if m.owner == INF else has_trn) else 1
        tile = m.tile[f, 0]
        alone = tile.accum != 0 and (tile.c_sr == 0 or _meets(m, tile, t))  # look again at the next row
        next_wake = min(next_wake, t + 1 if alone else t + tile.rows)
    # ---- load port
    if t >= m.port_free:
        req, inf_ready, trn_ready = 0, False, False
        for c in range(p.ctx):
            if m.thread[c].act == 1:
                if c < p.c_inf:
                    inf_ready = True
                else:
                    trn_ready = True
        if inf_ready or trn_ready:
            turn = s.mode == PRIO and not has_trn and m.last_load_inf != 0 and trn_ready
            for c in range(p.ctx):
                if m.thread[c].act == 1:
                    k = INF if c < p.c_inf else TRN
                    if m.tiles[k] < 2 and not (k == INF and turn):
                        req |= 1 << c
            c = pick(m.arb, req, s.mode, p) if req != 0 else -1
            if c >= 0:
                k = INF if c < p.c_inf else TRN
                if m.tiles[k] == 0:
                    next_wake = min(next_wake, t + 1)
                last = _load(s, c, t)
                m.last_load_inf = 1 if k == INF else 0
                m.port_free, m.port_ctx = t + p.n, c
                if m.tiles[INF] < 2:
                    for other in range(p.c_inf):
                        if m.thread[other].act != 0:
                            _hold(s, other, c, p.n)
                if last and 0 < m.thread[c].pend <= t:
                    _start(s, c, t)
                    ready_again(s, MMU, c, t + 1)
    # ---- instructions
    for c in range(p.ctx):
        x = m.thread[c]
        if x.act == 0 and x.pend > 0:
            if x.pend <= t:
                _start(s, c, t)
                ready_again(s, MMU, c, t + 1)
                next_wake = min(next_wake, max(m.port_free, t + 1))
            else:
                next_wake = min(next_wake, x.pend)
        elif x.act != 0 and m.port_free > t:
            next_wake = min(next_wake, m.port_free)
    if m.faults != 0:
        next_wake = min(next_wake, _faults(s, t))
    s.soon[W_UNIT + MMU] = next_wake


@njit
def _meets(m, tile, t):
    """Whether one of the tile's next rows could meet a line of the last HAZARD rows."""
    for k in range(1, HAZARD + 1):
        at = (t - k) & 3
        if m.recent_at[at] == t - k:
            ahead = m.recent_c[at] - tile.c
            if 0 <= ahead <= HAZARD * tile.c_sr:
                return True
    return False


# ---- faults and kills
@njit
def _refused(s, c, ins):
    """Whether the instruction's fields are a fault; the base of WGTD must be a multiple of M too."""
    return ins.bad >> (0 if c < s.p.c_inf else 1) & 1 != 0 or (ins.kind[1] == R_WGT and s.ctx[c].reloc[R_WGT] % s.p.m != 0)


@njit
def _far(s, c, ins, t):
    """The instruction that starts in ``t`` has addresses that may be beyond a memory: keep A and B, look at the first weights."""
    m, reloc = s.mmu, s.ctx[c].reloc
    x = m.thread[c]
    x.far = 1
    x.a0, x.a_sr, x.a_sk, x.a_end = ins.base[0] + reloc[ins.kind[0]], ins.so[0], ins.si[0], ins.depth[0]
    x.b0, x.b_sg, x.b_sk, x.b_end = ins.base[1] + reloc[ins.kind[1]], ins.so[1], ins.si[1], ins.depth[1]
    x.c_end = ins.depth[2]
    _look(m, c, t)


@njit
def _look(m, c, t):
    """In ``t+1`` the thread sees whether the next tile's weights are beyond their memory."""
    x = m.thread[c]
    if x.b0 + x.g * x.b_sg + x.k * x.b_sk >= x.b_end:
        x.act, x.bad_at = 2, t + 1
        m.faults |= 1 << c


@njit
def _cut(m, x, tile):
    """Leave the rows before the first that is beyond a memory; the thread stands at this tile."""
    first = x.a0 + (x.rows - x.left) * x.a_sr + x.k * x.a_sk
    good = min(within(first, x.a_sr, x.a_end, tile.rows), within(tile.c, tile.c_sr, x.c_end, tile.rows))
    if good < tile.rows:
        tile.rows, tile.cut = good, 1
        m.faults |= 1 << tile.ctx


@njit
def _fail(m, c, t, cause):
    """The thread finds a fault in ``t``: it drops its instructions, and reports when its earlier work is over."""
    x = m.thread[c]
    x.pend, x.act, x.fault_at, x.cause, x.reported = 0, 0, t + 1, cause, 0
    m.faults |= 1 << c


@njit
def _valid(m, f, t):
    """Whether class ``f`` has a front tile that is not dropped in ``t``."""
    if m.tiles[f] == 0:
        return False
    at = m.thread[m.tile[f, 0].ctx].drop_at
    return at == 0 or at > t


@njit
def _holds(m, c):
    """Whether tiles of the context are loaded."""
    for f in range(2):
        for k in range(m.tiles[f]):
            if m.tile[f, k].ctx == c:
                return True
    return False


@njit
def _outside(s, c):
    """Cycle from which no load and no row of the context is under way, as far as begun."""
    m = s.mmu
    free = m.thread[c].last_row + s.p.row_flight + 1
    return max(free, m.port_free) if m.port_ctx == c else free


@njit
def _faults(s, t):
    """What faulty and killed contexts do in ``t``, behind everything else; returns the next look."""
    m = s.mmu
    for f in range(2):  # the front tile's next row is beyond a memory
        if _valid(m, f, t) and m.tile[f, 0].rows == 0:
            c = m.tile[f, 0].ctx
            if m.thread[c].drop_at == 0:
                _fail(m, c, t, OPERAND)
                m.thread[c].drop_at = t + 1
    next_wake = NEVER
    for c in range(s.p.ctx):
        if m.faults >> c & 1:
            x = m.thread[c]
            if x.act == 2 and x.bad_at <= t:
                _fail(m, c, t, OPERAND)
            if x.fault_at > t or x.act == 2 or x.drop_at > t:
                next_wake = t + 1
            elif x.fault_at > 0 and x.reported == 0 and not _holds(m, c):
                if _outside(s, c) <= t:
                    unit_fault(s, c, t, x.cause, MMU)
                    x.reported = 1
                else:
                    next_wake = min(next_wake, _outside(s, c))
            if 0 < x.drop_at <= t and _holds(m, c):
                for f in range(2):
                    _remove(m, f, c)
                next_wake = t + 1
            if x.fault_at == 0 and x.act != 2 and 0 < x.drop_at <= t:  # killed
                x.drop_at = 0
                m.faults &= ~(1 << c)
    return next_wake


@njit
def _remove(m, f, c):
    """All tiles of the context leave the class."""
    kept = 0
    for k in range(m.tiles[f]):
        if m.tile[f, k].ctx != c:
            m.tile[f, kept] = m.tile[f, k]
            kept += 1
    m.tiles[f] = kept


@njit
def kill(s, c, t):
    """From ``t`` on nothing of the context starts; what it has loaded is dropped in ``t``."""
    m = s.mmu
    _settle(s, t)
    x = m.thread[c]
    held = x.pend != 0 or x.act != 0 or (x.fault_at != 0 and x.reported == 0) or _holds(m, c)
    x.pend, x.act, x.fault_at, x.reported, x.drop_at = 0, 0, 0, 0, t
    m.faults |= 1 << c
    quiet_from(s, MMU, c, max(_outside(s, c), t + 1 if held else t))
    wake_at(s, W_UNIT + MMU, t)
