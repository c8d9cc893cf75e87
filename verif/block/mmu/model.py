"""What the MMU must do: results (row by row, in order) and time (cycle by cycle), written from docs/isa.md and
docs/mmu.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import ACC_HAZARD, INF_TILES, TRN_TILES, row_flight
from equinox_core.hw.states import Stall
from equinox_core.isa.encoding import Err, Instr, Op
from equinox_core.numerics.formats import fp32_add, fp32_bits, fp32_from_bits
from equinox_core.numerics.hbfp import int_to_fp32

BATCH = 4096  # rows whose products are computed at once
PLACES = (INF_TILES, TRN_TILES)  # of loaded tiles, by class
INF_ONLY, FAIR, PRIO = int(Mode.INF_ONLY), int(Mode.FAIR), int(Mode.PRIO)


@dataclass(frozen=True)
class Size:
    """Parameters of the unit; depths in blocks, ``acc`` in lines."""

    n: int
    m: int
    w: int
    ctx: int
    c_inf: int
    a_depth: tuple[int, int]
    b_depth: tuple[int, int]
    acc: int

    @property
    def k(self) -> int:
        return self.n * self.w

    @property
    def lanes(self) -> int:
        return self.n * self.m


@dataclass(frozen=True)
class Env:
    """A context's environment as far as the MMU uses it."""

    rows: int = 1
    acc_base: int = 0
    actc_base: int = 0
    w_base: int = 0
    junk: Mapping[str, int] = field(default_factory=dict)  # fields that it does not use


@dataclass
class Operands:
    """Contents of ACTC, ACTD (``a``) and WGTC, WGTD (``b``): mantissas [depth, K] and exponents [depth]."""

    aq: list[NDArray[np.int8]]
    ae: list[NDArray[np.uint8]]
    bq: list[NDArray[np.int8]]
    be: list[NDArray[np.uint8]]


@dataclass
class Tile:
    """A tile as scheduled: first block of its weights, its rows' addresses."""

    ins: Instr
    b_addr: int
    rows: int
    a_addr: int
    c_addr: int
    accum: bool
    last: bool
    place: int = 0  # of the instruction in its context's program
    ctx: int = 0
    row: int = 0  # next row

    def __post_init__(self) -> None:  # looked up in every cycle
        f = self.ins.fields
        self.a_sr, self.c_sr, self.a_sp, self.b_sp = f["a_sr"], f["c_sr"], f["a_sp"], f["b_sp"]

    def a(self, r: int) -> int:
        return self.a_addr + r * self.a_sr

    def c(self, r: int) -> int:
        return self.c_addr + r * self.c_sr


def static_fault(ins: Instr, env: Env, size: Size, train: bool) -> Err | None:
    """Fault seen when the instruction starts, or None."""
    if ins.op != Op.MATMUL:
        return Err.ILLEGAL_OP
    rows = env.rows if ins.dyn_rows else ins.rows
    b0 = ins.b_base + (env.w_base if ins.b_sp else 0)
    unaligned = any(x % size.m for x in (ins.b_base, b0, ins.b_sg, ins.b_sk))
    if not rows or not ins.n_g or not ins.n_k or unaligned or (train and ins.dyn_rows):
        return Err.OPERAND
    return None


def tiles(ins: Instr, env: Env, size: Size, train_rows: int, train: bool) -> Iterator[Tile]:
    """Tiles of a faultless instruction in order: chunk, g, k."""
    rows = env.rows if ins.dyn_rows else ins.rows
    chunk = max(train_rows, 1) if train else rows
    a0 = ins.a_base + (0 if ins.a_sp else env.actc_base)
    b0 = ins.b_base + (env.w_base if ins.b_sp else 0)
    c0 = ins.c_base + env.acc_base
    f = ins.fields
    a_sr, a_sk, b_sg, b_sk, c_sr, c_sg = (f[x] for x in ("a_sr", "a_sk", "b_sg", "b_sk", "c_sr", "c_sg"))
    n_g, n_k, accum = f["n_g"], f["n_k"], bool(f["accum"])
    for first in range(0, rows, chunk):
        for g in range(n_g):
            for k in range(n_k):
                yield Tile(
                    ins,
                    b0 + g * b_sg + k * b_sk,
                    min(chunk, rows - first),
                    a0 + first * a_sr + k * a_sk,
                    c0 + g * c_sg + first * c_sr,
                    accum or k > 0,
                    last=first + chunk >= rows and g == n_g - 1 and k == n_k - 1,
                )


def b_in_range(tile: Tile, size: Size) -> bool:
    return tile.b_addr + size.lanes <= size.b_depth[tile.b_sp]


def row_in_range(tile: Tile, r: int, size: Size) -> bool:
    return tile.c(r) < size.acc and tile.a(r) < size.a_depth[tile.a_sp]


class Results:
    """Runs instructions on the accumulator memory ``acc`` (fp32 patterns [lines, L]), changed in place."""

    def __init__(self, size: Size, ops: Operands, acc: NDArray[np.uint32]) -> None:
        self.size, self.ops, self.acc = size, ops, acc

    def execute(
        self, ins: Instr, env: Env, train_rows: int, train: bool, limit: int | None = None
    ) -> tuple[Err | None, int, int]:
        """Run one instruction, at most ``limit`` rows of it: (fault, rows done, last line written or -1 if not at its
        end).
        """
        fault = static_fault(ins, env, self.size, train)
        if fault:
            return fault, 0, -1
        done = 0
        for tile, products in self._with_products(tiles(ins, env, self.size, train_rows, train)):
            if not b_in_range(tile, self.size):
                return Err.OPERAND, done, -1
            good = next((r for r in range(tile.rows) if not row_in_range(tile, r, self.size)), tile.rows)
            take = good if limit is None else min(good, limit - done)
            if take:
                self._rows(tile, self._products([tile], take)[0] if products is None else products[:take])
            done += take
            if take == tile.rows and tile.last:
                return None, done, tile.c(take - 1)
            if take < good:
                return None, done, -1
            if good < tile.rows:
                return Err.OPERAND, done, -1
        raise AssertionError("an instruction ends with its last tile")

    def _with_products(self, some: Iterator[Tile]) -> Iterator[tuple[Tile, NDArray[np.float32] | None]]:
        """Tiles with the products of their rows, many at once where all are of the same size and in range."""
        for _, group in groupby(some, key=lambda tile: tile.rows):
            while part := list(islice(group, 1024)):
                whole = len(part) > 1 and len(part) * part[0].rows <= BATCH and all(self._in_range(t) for t in part)
                yield from zip(part, self._products(part, part[0].rows) if whole else [None] * len(part), strict=True)

    def _in_range(self, tile: Tile) -> bool:
        ends = {0, tile.rows - 1}  # addresses ascend
        return b_in_range(tile, self.size) and all(row_in_range(tile, r, self.size) for r in ends)

    def _products(self, some: Sequence[Tile], rows: int) -> NDArray[np.float32]:
        """fp32 of the products of the first ``rows`` rows of tiles of one instruction: [tile, row, lane]."""
        ops, ins = self.ops, some[0].ins
        at = np.array([t.a_addr for t in some])[:, None] + np.arange(rows) * ins.a_sr
        cols = np.array([t.b_addr for t in some])[:, None] + np.arange(self.size.lanes)
        a, b = ops.aq[ins.a_sp][at].astype(np.int64), ops.bq[ins.b_sp][cols].astype(np.int64)
        exps = ops.ae[ins.a_sp][at][:, :, None], ops.be[ins.b_sp][cols][:, None, :]
        return int_to_fp32(a @ b.transpose(0, 2, 1), *exps)

    def _rows(self, tile: Tile, products: NDArray[np.float32]) -> None:
        rows = len(products)
        lines = tile.c_addr + np.arange(rows) * tile.c_sr
        if not tile.accum:
            if tile.c_sr == 0:  # the last row stays
                lines, products = lines[-1:], products[-1:]
            self.acc[lines] = fp32_bits(products)
            return
        groups = [slice(None)] if tile.c_sr or rows == 1 else [slice(r, r + 1) for r in range(rows)]
        for part in groups:
            self.acc[lines[part]] = fp32_bits(fp32_add(fp32_from_bits(self.acc[lines[part]]), products[part]))


@dataclass
class _Ctx:
    pend: tuple[int, Instr] | None = None
    act: deque[Tile] = field(default_factory=deque)  # tiles not yet loaded, front first
    state: str = "run"
    cause: Err = Err.NONE
    drop: bool = False
    last_row: int = -10000


@dataclass
class Schedule:
    """What happened, by cycle."""

    rows: list[tuple[int, int]] = field(default_factory=list)  # (cycle, context)
    lines: list[tuple[int, int, int]] = field(default_factory=list)  # (cycle, space, line address)
    done: list[tuple[int, int, int, int]] = field(default_factory=list)  # (cycle, context, signal, step)
    errs: list[tuple[int, int, int]] = field(default_factory=list)  # (cycle, context, cause)
    stalls: list[tuple[int, int]] = field(default_factory=list)  # (cycle, stall_e)


class Clockwork:
    """The unit's two schedulers, cycle by cycle, from the cycles in which instructions are taken,
    mode and kill change.
    """

    def __init__(self, size: Size, setting: Callable[[int, int], tuple[Env, int]]) -> None:
        """``setting``: environment and ``train_rows`` at the start of the instruction at a context's place."""
        self.size, self.setting = size, setting
        self.flight = row_flight(size.n)
        self.ctx = [_Ctx() for _ in range(size.ctx)]
        self.fifo: list[list[Tile]] = [[], []]
        self.port_free, self.loading, self.loaded_inf = 0, -1, False
        self.prev, self.last_inf, self.owner = [-1, -1], False, 0
        self.recent: list[int] = [-1] * ACC_HAZARD
        self.out = Schedule()

    def _grant(self, mode: int, req: list[int]) -> int:
        classes = [[c for c in req if (c >= self.size.c_inf) == bool(cl)] for cl in (0, 1)]
        cl = 0 if classes[0] and (mode != FAIR or not self.last_inf or not classes[1]) else 1
        if not classes[cl] or (cl == 1 and mode == INF_ONLY):
            return -1
        pick = next((c for c in classes[cl] if c > self.prev[cl]), classes[cl][0])
        self.prev[cl], self.last_inf = pick, cl == 0
        return pick

    def cycle(self, t: int, mode: int, kill: list[bool], taken: list[tuple[int, int, Instr]]) -> None:
        """One cycle: ``taken`` are the instructions transferred in it, as (context, place, instruction)."""
        size, out = self.size, self.out
        drop = [kill[c] or x.drop for c, x in enumerate(self.ctx)]
        # load port
        push: Tile | None = None
        if t >= self.port_free:
            # training's turn: it has a tile to load, no loaded rows, and the last tile loaded was inference's
            ready = [
                x.state == "run" and not kill[c] and bool(x.act) and b_in_range(x.act[0], size)
                for c, x in enumerate(self.ctx)
            ]
            req = [c for c in range(size.ctx) if ready[c] and len(self.fifo[c >= size.c_inf]) < PLACES[c >= size.c_inf]]
            dry = not self.fifo[1] or drop[self.fifo[1][0].ctx]
            if mode == PRIO and dry and self.loaded_inf and any(ready[size.c_inf :]):
                req = [c for c in req if c >= size.c_inf]
            pick = self._grant(mode, req) if req else -1
            busy_ctx = -1
            if pick >= 0:
                push = self.ctx[pick].act[0]
                self.loaded_inf = pick < size.c_inf
                self.port_free, self.loading = t + size.n, pick
                out.lines += [(t + j, push.b_sp, push.b_addr // size.m + j) for j in range(size.n)]
        else:
            busy_ctx = self.loading
        # stream port
        fronts = [f[0] if f and not drop[f[0].ctx] else None for f in self.fifo]
        fine = [f is not None and row_in_range(f, f.row, size) for f in fronts]
        avail = [
            ok and f is not None and not (f.accum and f.c(f.row) in self.recent)
            for ok, f in zip(fine, fronts, strict=True)
        ]
        if mode == INF_ONLY:
            cls = 0
        elif mode == FAIR:
            cls = self.owner if avail[self.owner] else 1 - self.owner
        else:
            cls = 0 if avail[0] else 1
        row = fronts[cls] if avail[cls] else None
        holds = {f.ctx for q in self.fifo for f in q}
        if row is not None:
            out.rows.append((t, row.ctx))
            if row.last and row.row == row.rows - 1:
                out.done.append((t + self.flight, row.ctx, row.ins.signal, row.ins.step))
        else:
            work = [c for c, x in enumerate(self.ctx) if x.pend or x.act or x.state == "fault" or c in holds]
            if work:
                policy = mode == INF_ONLY and min(work) >= size.c_inf
                out.stalls.append((t, Stall.POLICY if policy else Stall.INTERNAL))
        outside = [c in holds or c == busy_ctx or t <= x.last_row + self.flight for c, x in enumerate(self.ctx)]
        # ---- what the next cycle sees
        if row is not None:
            end = row.row == row.rows - 1
            if cls == self.owner or fronts[self.owner] is None:
                self.owner = 1 - cls if end else cls
            self.ctx[row.ctx].last_row = t
        self.recent = [*self.recent[1:], row.c(row.row) if row is not None else -1]
        faulty = {f.ctx for f, ok in zip(fronts, fine, strict=True) if f is not None and not ok}
        for q in self.fifo:
            q[:] = [f for f in q if not drop[f.ctx] and not (f is row and f.row == f.rows - 1)]
        if row is not None:
            row.row += 1
        if push is not None:
            self.fifo[push.ctx >= size.c_inf].append(push)
        for c, x in enumerate(self.ctx):
            self._thread(t, c, x, kill[c], c in faulty, push is not None and push.ctx == c, outside[c])
        for c, place, ins in taken:
            if self.ctx[c].state == "run":
                self.ctx[c].pend = (place, ins)

    def steady(self, t: int, mode: int, kill: list[bool], most: int) -> int:
        """From cycle ``t`` on, take the cycles (``most`` at most) in which nothing happens but that one tile's rows
        enter: their number, 0 where something else may happen. Long tiles are modelled much faster so.
        """
        fronts = [q[0] for q in self.fifo if q]
        calm = all(x.state in ("run", "dead") and not (x.pend or x.act or x.drop) for x in self.ctx)
        if len(fronts) != 1 or len(self.fifo[0]) > 1 or not calm or any(kill) or t < self.port_free:
            return 0
        row, cls = fronts[0], int(not self.fifo[0])
        if row.accum or (cls == 1 and mode == INF_ONLY):
            return 0
        ends = [row.rows - 1]
        if row.a_sr:
            ends.append((self.size.a_depth[row.a_sp] - 1 - row.a_addr) // row.a_sr)
        if row.c_sr:
            ends.append((self.size.acc - 1 - row.c_addr) // row.c_sr)
        count = min(min(ends) - row.row, most)
        if count <= 0 or not row_in_range(row, row.row, self.size):
            return 0
        self.out.rows += [(t + i, row.ctx) for i in range(count)]
        self.owner = cls
        self.ctx[row.ctx].last_row = t + count - 1
        row.row += count
        self.recent = [*self.recent, *(row.c(row.row - i) for i in range(min(count, ACC_HAZARD), 0, -1))][-ACC_HAZARD:]
        return count

    def _thread(self, t: int, c: int, x: _Ctx, kill: bool, faulty: bool, advance: bool, outside: bool) -> None:
        if kill:
            x.pend, x.act, x.state, x.drop = None, deque(), "run", False
        elif faulty and not x.drop:
            x.pend, x.act, x.state, x.cause, x.drop = None, deque(), "fault", Err.OPERAND, True
        elif x.state == "fault" and not outside:
            self.out.errs.append((t, c, int(x.cause)))
            x.state = "dead"
        elif x.state == "run":
            fault = Err.OPERAND if x.act and not b_in_range(x.act[0], self.size) else None
            if advance:
                x.act.popleft()
            if not x.act and x.pend:
                place, ins = x.pend
                train = c >= self.size.c_inf
                env, train_rows = self.setting(c, place)
                fault = static_fault(ins, env, self.size, train)
                x.pend = None
                if fault is None:
                    x.act = deque(tiles(ins, env, self.size, train_rows, train))
                    for tile in x.act:
                        tile.ctx, tile.place = c, place
            if fault is not None:
                x.pend, x.act, x.state, x.cause = None, deque(), "fault", fault
