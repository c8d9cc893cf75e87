"""When the VPU completes each instruction: the rules of docs/vpu.md, stepped cycle by cycle."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import CONVERT_LATENCY, TILE_LATENCY, VPU_AHEAD, VPU_QUEUE_ROOM, line_stage
from equinox_core.isa.encoding import Conv, Instr
from equinox_core.vector import VectorEnv, vector_counts

FAIR, INF_ONLY = Mode.FAIR, Mode.INF_ONLY


@dataclass
class _Context:
    instrs: list[Instr]
    counts: list[tuple[int, int]]
    taken: list[int]  # cycle of each transfer
    at: int = 0  # instruction at work
    load: int = 0  # cycle in which it was loaded
    segment: int = 0
    last_line: list[int] = field(default_factory=list)  # per instruction, when known
    own: dict[int, int] = field(default_factory=dict)  # finish of its last write
    done: list[int] = field(default_factory=list)

    @property
    def conv(self) -> Conv:
        return Conv(self.instrs[self.at].v_mode)

    def offers(self, g: int) -> bool:
        """Whether a segment waits for nothing but the stage and the tiles."""
        if self.at >= len(self.instrs) or g <= self.load:
            return False
        waiting = sum(t < g for t in self.last_line) - sum(d < g for d in self.done)
        return self.segment < self.counts[self.at][0] - 1 or waiting <= VPU_QUEUE_ROOM

    def give(self, c: int, g: int) -> _Segment:
        """The next segment, granted in ``g``."""
        cnt_o, cnt_i = self.counts[self.at]
        s = _Segment(c, self.at, cnt_i, self.conv, self.segment == cnt_o - 1)
        self.segment += 1
        if s.final:
            self.at, self.segment = self.at + 1, 0
            if self.at < len(self.instrs):
                self.load = max(self.taken[self.at], g)
        return s

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


@dataclass
class _Tile:
    """A segment's tile: lanes, each of so many parts."""

    owner: _Segment
    begin: int  # the first cycle in which a part may leave it
    columns: list[int]  # parts left of each


@dataclass
class _Segment:
    """What a class has in the address stage."""

    ctx: int
    instr: int
    lines: int
    conv: Conv
    final: bool  # of its instruction
    at: int = 0  # next line


class _Stage:
    """The unit: two segment registers, the tiles, the arbiter, the contexts."""

    def __init__(self, ctxs: list[_Context], c_inf: int, lanes: int, block: int) -> None:
        self.ctxs, self.c_inf, self.lanes = ctxs, c_inf, lanes
        self.group, self.depth = block // lanes, line_stage(lanes) - VPU_AHEAD
        self.held: list[_Segment | None] = [None, None]  # inference, training
        self.tiles: list[_Tile] = []
        self.arbiter = _Arbiter(c_inf)

    def line(self, g: int) -> None:
        """The line that starts in ``g``, inference's first, and the part that leaves its tile."""
        cls = 0 if self.held[0] else 1
        s = self.held[cls]
        last = s is not None and s.at == s.lines - 1
        rows_block = s is not None and s.conv == Conv.ROWS and (last or s.at % self.group == self.group - 1)
        if self.tiles and g >= self.tiles[0].begin:
            columns, owner = self.tiles[0].columns, self.tiles[0].owner
            if columns[0] > 1:
                columns[0] -= 1
            elif not rows_block:
                columns.pop(0)
            if not columns:
                self.tiles.pop(0)
                if owner.final:
                    self._finish(owner, g + self.depth + CONVERT_LATENCY)
        if s is None:
            return
        s.at += 1
        if last:
            self.held[cls] = None
            if s.final:
                self.ctxs[s.ctx].last_line.append(g)
            if s.conv == Conv.COLS:
                self.tiles.append(_Tile(s, g + TILE_LATENCY, [-(-s.lines // self.lanes)] * self.lanes))
            elif s.final:
                self._finish(s, g + self.depth + (CONVERT_LATENCY if s.conv == Conv.ROWS else 0))

    def _finish(self, s: _Segment, cycle: int) -> None:
        self.ctxs[s.ctx].own[s.instr] = cycle
        self.ctxs[s.ctx].settle()

    def grant(self, g: int, mode: int) -> None:
        """The segment that is granted in ``g``, after its line."""
        offered = [c for c, x in enumerate(self.ctxs) if x.offers(g)]
        cols = [c for c in offered if self.ctxs[c].conv == Conv.COLS]
        inf, trn = self.held
        if inf or (trn and mode == FAIR):
            return
        wants_tile = mode != FAIR and any(c < self.c_inf for c in cols)
        full = sum(sum(tile.columns) > 1 for tile in self.tiles)  # the last part of a tile is read ahead
        ready = offered if full < 2 else [c for c in offered if c not in cols]
        if trn and trn.conv == Conv.COLS and wants_tile:
            return
        if trn or wants_tile:
            ready = [c for c in ready if c < self.c_inf]
        c = self.arbiter.pick(ready, mode)
        if c is not None:
            self.held[c >= self.c_inf] = self.ctxs[c].give(c, g)


def predict(
    lists: list[list[Instr]],
    envs: list[VectorEnv],
    taken: list[list[int]],
    c_inf: int,
    lanes: int,
    block: int,
    modes: list[tuple[int, int]],
) -> list[list[int]]:
    """Cycle of every completion, from the cycles of the transfers and of the mode's changes, for legal instructions."""
    ctxs = [_Context(x, [vector_counts(i, e) for i in x], t) for x, e, t in zip(lists, envs, taken, strict=True)]
    for x in ctxs:
        x.load = x.taken[0] if x.taken else 0
    stage = _Stage(ctxs, c_inf, lanes, block)
    changes = dict(modes)
    mode = modes[0][1]
    for g in count(modes[0][0]):
        mode = changes.get(g, mode)
        stage.line(g)
        stage.grant(g, mode)
        if all(len(x.done) == len(x.instrs) for x in ctxs):
            return [x.done for x in ctxs]
    raise AssertionError
