"""Time of the MMU (``docs/mmu.md``): the load port tile by tile, the stream port in spans of rows.

A span is what enters without a decision in between: rows of one tile, one a cycle. It ends with the tile, or when
something happens that could change the choice (a tile is loaded, the mode changes).
"""

from __future__ import annotations

from ..hw.pipeline import ACC_HAZARD as HAZARD
from ..hw.pipeline import INF_TILES, TRN_TILES
from ..isa.encoding import Err, Op
from .arbiter import pick
from .compiled import njit
from .events import complete_at, quiet_from, ready_again, wake_at
from .layout import FAIR, INF, INF_ONLY, MMU, NEVER, PRIO, R_ACC, TRN, W_UNIT
from .mmu_faults import cut_tile, fail, faults, holds, keep_far, look, outside, refused, valid
from .operands import fits
from .records import Instr, Mmu, State, Tile

MATMUL, ILLEGAL_OP, OPERAND = int(Op.MATMUL), int(Err.ILLEGAL_OP), int(Err.OPERAND)


@njit
def accept(s: State, c: int, ins: Instr, log: int, t: int) -> None:
    """Instruction of context ``c`` taken in cycle ``t``."""
    m = s.mmu
    m.pending[c] = ins
    m.pending_log[c] = log
    m.thread[c].pend = t + 1  # waits from then on
    wake_at(s, W_UNIT + MMU, t + 1)


@njit
def _hold(s: State, c: int, by: int, cycles: int) -> None:
    """Work of context ``c`` was ready and waited while the unit served context ``by``."""
    if c < s.p.c_inf and by != c:
        if by < s.p.c_inf:
            s.ctx[c].held_inf += cycles
        else:
            s.ctx[c].held_trn += cycles


@njit
def _start(s: State, c: int, t: int) -> None:
    """The waiting instruction of ``c`` begins; its first tile can be taken in the next cycle."""
    m = s.mmu
    x, ins = m.thread[c], m.pending[c]
    if ins.op != MATMUL or refused(s, c, ins):
        fail(m, c, t, ILLEGAL_OP if ins.op != MATMUL else OPERAND)
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
        keep_far(s, c, ins, t)
    if m.port_free > t + 1 and m.tiles[INF] < INF_TILES:
        _hold(s, c, m.port_ctx, m.port_free - t - 1)


@njit
def _load(s: State, c: int, t: int) -> bool:
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
        cut_tile(m, x, tile)
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
        look(m, c, t)
    return last


@njit
def _settle(s: State, t: int) -> None:
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
        if f == INF and m.tiles[INF] == INF_TILES - 1 and m.port_free > t:  # a place for the next tile
            for c in range(s.p.c_inf):
                if m.thread[c].act != 0:
                    _hold(s, c, m.port_ctx, m.port_free - t)
    elif turn:
        m.owner = f
    m.cls = -1


@njit
def _hazard(m: Mmu, tile: Tile, t: int) -> bool:
    """Whether the tile's next row waits in cycle ``t`` for the sum of an earlier one."""
    if tile.accum == 0:
        return False
    for k in range(1, HAZARD + 1):
        at = (t - k) & 3
        if m.recent_at[at] == t - k and m.recent_c[at] == tile.c:
            return True
    return False


@njit
def step(s: State, t: int) -> None:
    """Everything that the unit does in cycle ``t``."""
    m, p = s.mmu, s.p
    _settle(s, t)
    next_wake = NEVER
    # ---- stream port
    has_inf, has_trn = valid(m, INF, t), valid(m, TRN, t)
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
                    if m.tiles[k] < (INF_TILES if k == INF else TRN_TILES) and not (k == INF and turn):
                        req |= 1 << c
            c = pick(m.arb, req, s.mode, p) if req != 0 else -1
            if c >= 0:
                k = INF if c < p.c_inf else TRN
                if m.tiles[k] == 0:
                    next_wake = min(next_wake, t + 1)
                last = _load(s, c, t)
                m.last_load_inf = 1 if k == INF else 0
                m.port_free, m.port_ctx = t + p.n, c
                if m.tiles[INF] < INF_TILES:
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
        next_wake = min(next_wake, faults(s, t))
    s.soon[W_UNIT + MMU] = next_wake


@njit
def _meets(m: Mmu, tile: Tile, t: int) -> bool:
    """Whether one of the tile's next rows could meet a line of the last HAZARD rows."""
    for k in range(1, HAZARD + 1):
        at = (t - k) & 3
        if m.recent_at[at] == t - k:
            ahead = m.recent_c[at] - tile.c
            if 0 <= ahead <= HAZARD * tile.c_sr:
                return True
    return False


@njit
def kill(s: State, c: int, t: int) -> None:
    """From ``t`` on nothing of the context starts; what it has loaded is dropped in ``t``."""
    m = s.mmu
    _settle(s, t)
    x = m.thread[c]
    held = x.pend != 0 or x.act != 0 or (x.fault_at != 0 and x.reported == 0) or holds(m, c)
    x.pend, x.act, x.fault_at, x.reported, x.drop_at = 0, 0, 0, 0, t
    m.faults |= 1 << c
    quiet_from(s, MMU, c, max(outside(s, c), t + 1 if held else t))
    wake_at(s, W_UNIT + MMU, t)
