"""When the VPU completes each instruction: the rules of docs/vpu.md, stepped cycle by cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.isa.encoding import Conv, Instr
from models.vector import VectorEnv, vector_counts

FAIR, INF_ONLY = 1, 0
QUEUE_ROOM = 14


@dataclass
class _Context:
    instrs: list[Instr]
    counts: list[tuple[int, int]]
    taken: list[int]                    # cycle of each transfer
    at: int = 0                         # instruction at work
    load: int = 0                       # cycle in which it was loaded
    segment: int = 0
    last_line: list[int] = field(default_factory=list)  # per instruction, when known
    own: dict[int, int] = field(default_factory=dict)   # finish of its last write
    done: list[int] = field(default_factory=list)

    def settle(self) -> None:
        while len(self.done) in self.own:
            k = len(self.done)
            self.done.append(max(self.own[k], self.done[-1] + 1 if self.done else 0))


class _Arbiter:
    """eqx_arb."""

    def __init__(self, c_inf: int) -> None:
        self.c_inf, self.last_inf, self.prev = c_inf, False, {True: -1, False: -1}

    def pick(self, ready: list[int], mode: int) -> int | None:
        inf = [c for c in ready if c < self.c_inf]
        trn = [c for c in ready if c >= self.c_inf]
        pick_inf = bool(inf) and (mode != FAIR or not self.last_inf or not trn)
        some = inf if pick_inf else ([] if mode == INF_ONLY else trn)
        if not some:
            return None
        chosen = min([c for c in some if c > self.prev[pick_inf]] or some)
        self.last_inf, self.prev[pick_inf] = pick_inf, chosen
        return chosen


def predict(lists: list[list[Instr]], envs: list[VectorEnv], taken: list[list[int]], c_inf: int, lanes: int,
            block: int, mode: int) -> list[list[int]]:  # fmt: skip
    """Cycle of every completion, from the cycles of the transfers, for legal instructions and a constant mode."""
    depth = 8 + (lanes - 1).bit_length()
    group = block // lanes
    ctxs = [_Context(x, [vector_counts(i, e) for i in x], t) for x, e, t in zip(lists, envs, taken, strict=True)]
    for x in ctxs:
        x.load = x.taken[0] if x.taken else 0
    arbiter = _Arbiter(c_inf)
    rows: set[int] = set()               # cycles in which a line starts that completes a ROWS block
    pending: dict[int, tuple[int, int, bool]] = {}  # COLS: last line's cycle -> context, instruction, of the instruction
    tiles: list[list[int]] = []          # columns left, context, instruction, last of the instruction
    stage_end = -1
    g = min(x.load for x in ctxs if x.instrs)
    while any(len(x.done) < len(x.instrs) for x in ctxs):
        if tiles and g not in rows:
            tiles[0][0] -= 1
            if tiles[0][0] == 0:
                _, c, k, final = tiles.pop(0)
                if final:
                    ctxs[c].own[k] = g + depth + 2
                    ctxs[c].settle()
        if g in pending:
            c, k, final = pending.pop(g)
            tiles.append([lanes, c, k, final])
        if stage_end <= g:
            ready = []
            for c, x in enumerate(ctxs):
                if x.at >= len(x.instrs) or g <= x.load or x.load < 0:
                    continue
                waiting = sum(t < g for t in x.last_line) - sum(d < g for d in x.done)
                if x.segment == x.counts[x.at][0] - 1 and waiting > QUEUE_ROOM:
                    continue
                if x.instrs[x.at].v_mode == Conv.COLS and len(tiles) > 1:
                    continue
                ready.append(c)
            chosen = arbiter.pick(ready, mode)
            if chosen is not None:
                stage_end = g + _grant(ctxs[chosen], chosen, g, group, depth, rows, pending)
        g += 1
    return [x.done for x in ctxs]


def _grant(x: _Context, c: int, g: int, group: int, depth: int, rows: set[int], pending: dict[int, tuple[int, int, bool]]) -> int:
    """Note the lines of the segment granted in ``g``; return their number."""
    k, ins = x.at, x.instrs[x.at]
    cnt_o, cnt_i = x.counts[k]
    final = x.segment == cnt_o - 1
    end = g + cnt_i
    if ins.v_mode == Conv.ROWS:
        rows.update(g + 1 + i for i in range(cnt_i) if i % group == group - 1 or i == cnt_i - 1)
    elif ins.v_mode == Conv.COLS:
        pending[end] = (c, k, final)
    x.segment += 1
    if final:
        x.last_line.append(end)
        if ins.v_mode != Conv.COLS:
            x.own[k] = end + depth + (2 if ins.v_mode == Conv.ROWS else 0)
            x.settle()
        x.at, x.segment = k + 1, 0
        if x.at < len(x.instrs):
            x.load = max(x.taken[x.at], g)
    return cnt_i
