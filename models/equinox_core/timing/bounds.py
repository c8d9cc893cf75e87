"""Bounds on the time of a program that hold whatever runs beside it (``docs/timing.md``, "The earliest end of a
program").

Each unit is followed with what it can do at best for one context alone: every wait for other contexts, for places in
its memories and queues is left out, the order and rates of its own instructions are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..config import Config
from ..dram_layout import block_beats, line_beats
from ..hw.pipeline import ACC_HAZARD, CONVERT_LATENCY, TILE_LATENCY, VPU_AHEAD, line_stage, row_flight
from ..isa.encoding import SEMAPHORES, Conv, Instr, LdDst, Op, StSrc, Unit
from ..isa.program import Program

FIRST = 2  # cycles from the first one of a context's run to the issue of a stream's first instruction
NEXT = 3  # from one issue of a stream to the next
SAME_LINE = ACC_HAZARD + 1  # from a row to one that accumulates on its line


class _Mmu:
    """Tiles load one every N cycles, rows enter one a cycle, in order; ``chunk``: rows a tile serves at most, None for
    inference. Training's next tile loads only when all rows of the one before have entered.

    With ``c_sr`` = 0 a row that accumulates enters A + 2 cycles after the row before it.
    """

    def __init__(self, cfg: Config, rows: int, chunk: int | None) -> None:
        self.n, self.batch, self.chunk = cfg.N, rows, None if chunk is None else max(chunk, 1)
        self.flight = row_flight(cfg.N)
        self.port, self.last = 0, 0

    def take(self, ins: Instr, issue: int) -> int:
        rows = self.batch if ins.dyn_rows else ins.rows
        chunk = min(self.chunk or rows, rows)
        chunks = -(-rows // chunk)
        tiles = chunks * ins.n_g * ins.n_k
        end = least = rows - (chunks - 1) * chunk  # rows of the last chunk, whose tile loads last
        whole = rows * ins.n_g * ins.n_k
        if ins.c_sr == 0:
            begin = SAME_LINE * rows - (SAME_LINE - 1) * chunks if ins.accum else rows  # of k = 0
            whole = ins.n_g * (begin + (ins.n_k - 1) * SAME_LINE * rows)
            if ins.accum or ins.n_k > 1:
                least = SAME_LINE * (end - 1) + 1
        first = max(issue + 2, self.port)
        if self.chunk is None:
            before = (tiles - 1) * self.n
        else:
            each = ins.n_g * ins.n_k  # tiles of a chunk
            before = (chunks - 1) * each * max(self.n, chunk + 1) + (each - 1) * max(self.n, end + 1)
        self.last = max(self.last + whole, first + whole, first + before + least)
        self.port = first + tiles * self.n if self.chunk is None else max(first + before + self.n, self.last + 1)
        return self.last + self.flight


class _Vpu:
    """Lines start one a cycle, parts of columns leave the transposer one a cycle; instructions complete in order."""

    def __init__(self, cfg: Config, rows: int) -> None:
        self.lanes, self.batch, self.stage = cfg.L, rows, line_stage(cfg.L) - VPU_AHEAD
        self.line = self.part = self.done = 0

    def take(self, ins: Instr, issue: int) -> int:
        outer, inner = (self.batch if dyn else count for dyn, count in ((ins.dyn_o, ins.cnt_o), (ins.dyn_i, ins.cnt_i)))
        first = max(issue + 1, self.line)
        self.line = first + outer * inner
        own = self.line + self.stage + (CONVERT_LATENCY if ins.v_mode == Conv.ROWS else 0)
        if ins.v_mode == Conv.COLS:
            tile, wait = -(-inner // self.lanes) * self.lanes, TILE_LATENCY - 1
            self.part = max(max(self.part, first + inner + wait) + outer * tile, self.line + wait + tile)
            own = self.part + self.stage + CONVERT_LATENCY
        self.done = max(own, self.done + 1)
        return self.done


class _Ld:
    """Beats come one every GAP + 1 cycles, the first LATENCY cycles after its address."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.bus = cfg, 0

    def take(self, ins: Instr, issue: int) -> int:
        beats = ins.n_o * _beats(self.cfg, ins.len, ins.sp == LdDst.STG)
        first = max(issue + 4 + self.cfg.LATENCY, self.bus)
        self.bus = first + beats * (self.cfg.GAP + 1)
        return self.bus - self.cfg.GAP


class _St:
    """A segment is gathered whole, then sent; segments in order, beats one every GAP + 1 cycles, the answer LATENCY
    cycles later.
    """

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.read, self.bus = cfg, 0, 0

    def take(self, ins: Instr, issue: int) -> int:
        cfg, lines, pace = self.cfg, ins.sp == StSrc.SOF, self.cfg.GAP + 1
        most = cfg.K * cfg.BUS // (4 * cfg.L) if lines else cfg.BUS  # words of a segment
        tail = _beats(cfg, (ins.len - 1) % most + 1, lines)  # beats of the last segment
        whole = ins.n_o * _beats(cfg, ins.len, lines)
        first = max(issue + 4, self.read)
        self.read = first + whole  # a panel of u beats takes u + 1 cycles
        sent = max(self.bus + whole * pace, self.read + 3 + tail * pace)
        self.bus = sent
        return sent - cfg.GAP + cfg.LATENCY


def _beats(cfg: Config, count: int, lines: bool) -> int:
    """Beats of a run of so many lines or blocks."""
    return line_beats(count, cfg.L, cfg.BUS) if lines else block_beats(count, cfg.K, cfg.BUS)


def _unit(unit: Unit, cfg: Config, rows: int, chunk: int | None) -> _Mmu | _Vpu | _Ld | _St:
    if unit == Unit.MMU:
        return _Mmu(cfg, rows, chunk)
    if unit == Unit.VPU:
        return _Vpu(cfg, rows)
    return _Ld(cfg) if unit == Unit.LD else _St(cfg)


def earliest_end(program: Program, cfg: Config, rows: int = 1, train_rows: int | None = None) -> int:
    """Cycles ``end - run`` that a batch of so many rows takes at least, from the first cycle of its context's run to
    its last cycle of work.

    ``train_rows``: one iteration of a training program, with that setting. Found by iteration from below: every issue
    and completion starts at 0, and each sweep lifts it to what follows from the others. So every sweep's times are
    bounds, and the last ones are the best that these rules give.
    """
    done: dict[Unit, list[int]] = {u: [0] * len(program.streams[u]) for u in Unit}
    while True:
        last, moved = -1, False
        for unit in Unit:
            tokens = _tokens(program, done)
            times, issued = _sweep(program.streams[unit], _unit(unit, cfg, rows, train_rows), tokens)
            moved |= times != done[unit]
            done[unit] = times
            ahead = VPU_AHEAD if unit == Unit.VPU else 0  # what is done is still writing
            work = zip(program.streams[unit], times, strict=True)
            last = max([last, issued, *(t + (0 if ins.op == Op.NOP else ahead) for ins, t in work)])
        if not moved:
            return last + 1


def _tokens(program: Program, done: dict[Unit, list[int]]) -> list[list[int]]:
    """Of each semaphore, when its n-th token is there at the earliest: the n-th smallest completion that signals it."""
    out: list[list[int]] = [[-1] * program.sem_init[k] for k in range(SEMAPHORES)]
    for unit, stream in program.streams.items():
        for ins, time in zip(stream, done[unit], strict=True):
            for k in range(SEMAPHORES):
                if ins.signal >> k & 1:
                    out[k].append(time)
    return [sorted(times) for times in out]


def _sweep(stream: Sequence[Instr], unit: _Mmu | _Vpu | _Ld | _St, tokens: list[list[int]]) -> tuple[list[int], int]:
    """Earliest completions of a stream, and its last issue, where semaphores get their tokens at these times."""
    taken, issue, out = [0] * SEMAPHORES, FIRST - NEXT, []  # a program without streams ends in its first cycle
    for ins in stream:
        issue += NEXT
        for k in range(SEMAPHORES):
            if ins.wait >> k & 1:
                if taken[k] < len(tokens[k]):
                    issue = max(issue, tokens[k][taken[k]] + 1)
                taken[k] += 1
        out.append(issue if ins.op == Op.NOP else unit.take(ins, issue))
    return out, issue


def serial_work(program: Program, cfg: Config, rows: int = 1, train_rows: int | None = None) -> int:
    """Cycles of the program with one instruction after another, nothing overlapping: what a scheduler that never idles
    stays below.
    """
    total = 0
    for unit, stream in program.streams.items():
        for ins in stream:
            total += NEXT + (0 if ins.op == Op.NOP else _unit(unit, cfg, rows, train_rows).take(ins, 0))
    return total
