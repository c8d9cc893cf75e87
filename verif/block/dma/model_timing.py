"""Cycle-exact model of dma_load, dma_store and axi_dram without stalls: the rules of docs/dma.md, executed.

It knows no data and no signals, only when pieces (bursts of LD, segments of ST) are taken, gathered, sent and answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import LD_OUTSTANDING, ST_OUTSTANDING, ST_SEGMENTS
from verif.block.dma.model import LD, ST, Env, Shape, Step, load_bursts, runs, store_bursts, store_segments


@dataclass
class Piece:
    """A burst of LD, or a segment of ST."""

    ctx: int
    beats: int
    lines: bool = False
    words: int = 0
    word_beats: int = 1
    bursts: list[int] = field(default_factory=list)  # ST: beats of each
    ends: bool = False  # an instruction


@dataclass
class Stream:
    """What one context of a unit holds: next instruction, runs of the current one, pieces of the current run."""

    todo: deque[list[list[Piece]]]
    prepared: list[list[Piece]] | None = None
    walked: deque[list[Piece]] = field(default_factory=deque)
    pieces: deque[Piece] = field(default_factory=deque)
    issued: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)

    def cycle(self, t: int, took: bool) -> None:
        """One clock: ``took`` says that the front piece was taken in this cycle."""
        accept = self.prepared is None and bool(self.todo)
        if took:
            self.pieces.popleft()
        free = not self.pieces  # the run is over, or there is none
        hand = free and bool(self.walked)
        moved = self.prepared is not None and (not self.walked or (hand and len(self.walked) == 1))
        if hand:
            self.pieces = deque(self.walked.popleft())
        if moved:
            self.walked = deque(self.prepared)
            self.prepared = None
        if accept:
            self.prepared = self.todo.popleft()
            self.issued.append(t)


class Arbiter:
    """eqx_arb: classes by mode, round robin inside a class."""

    def __init__(self, mode: int, c_inf: int, ctx: int) -> None:
        self.mode, self.c_inf, self.ctx = mode, c_inf, ctx
        self.last = {True: -1, False: -1}
        self.inf_last = False

    def pick(self, want: list[int]) -> int | None:
        inf, trn = [c for c in want if c < self.c_inf], [c for c in want if c >= self.c_inf]
        kind = bool(inf) and (self.mode != Mode.FAIR or not self.inf_last or not trn)
        cand = inf if kind else [] if self.mode == Mode.INF_ONLY else trn
        if not cand:
            return None
        c = min((x for x in cand if x > self.last[kind]), default=cand[0])
        self.last[kind], self.inf_last = c, kind
        return c


class Dram:
    """The bus of axi_dram: one beat per 1+gap cycles, a burst at a time."""

    def __init__(self, latency: int, gap: int) -> None:
        self.latency, self.gap = latency, gap
        self.reads: deque[tuple[int, int]] = deque()  # (cycle of the address's transfer, beats)
        self.writes: deque[tuple[int, int]] = deque()
        self.free, self.wrote, self.last_b = 0, True, -1
        self.read_ends: deque[int] = deque()  # cycles of the last beats
        self.responses: deque[int] = deque()
        self.write_beats: set[int] = set()

    def cycle(self, t: int) -> None:
        if t < self.free:
            return
        read = bool(self.reads) and self.reads[0][0] + self.latency <= t
        write = bool(self.writes) and self.writes[0][0] < t
        if read and (not write or self.wrote):
            _, beats = self.reads.popleft()
            self.read_ends.append(t + (beats - 1) * (self.gap + 1))
            self.free, self.wrote = self.read_ends[-1] + 1 + self.gap, False
        elif write:
            _, beats = self.writes.popleft()
            cycles = range(t, t + beats * (self.gap + 1), self.gap + 1)
            self.write_beats.update(cycles)
            self.last_b = max(self.last_b + 1, cycles[-1] + self.latency)
            self.responses.append(self.last_b)
            self.free, self.wrote = cycles[-1] + 1 + self.gap, True


class Load:
    """dma_load behind its streams."""

    def __init__(self, dram: Dram, arb: Arbiter) -> None:
        self.dram, self.arb = dram, arb
        self.flight: deque[Piece] = deque()

    def cycle(self, t: int, streams: list[Stream]) -> None:
        took = None
        if len(self.flight) < LD_OUTSTANDING:
            took = self.arb.pick([c for c, s in enumerate(streams) if s.pieces])
        piece = streams[took].pieces[0] if took is not None else None
        for c, s in enumerate(streams):
            s.cycle(t, c == took)
        if self.dram.read_ends and self.dram.read_ends[0] == t:  # last beat of the oldest burst
            self.dram.read_ends.popleft()
            over = self.flight.popleft()
            if over.ends:
                streams[over.ctx].done.append(t + 1)
        if piece is not None:
            self.flight.append(piece)
            self.dram.reads.append((t + 1, piece.beats))


class Store:
    """dma_store behind its streams: gather, send, responses."""

    def __init__(self, dram: Dram, arb: Arbiter, shape: Shape) -> None:
        self.dram, self.arb, self.slots = dram, arb, 2 * shape.k + 2
        self.segs = self.used = 0
        self.seg: Piece | None = None  # being read
        self.left = 0  # words of it
        self.word: tuple[Piece, bool, int] | None = None  # in the data stage: segment, its last word, beat
        self.exps: Piece | None = None  # its exponents are being written
        self.sent: deque[list[int]] = deque()  # committed: bursts to come
        self.owner: deque[Piece] = deque()
        self.stream: deque[int] = deque()  # beats of the bursts whose data is to come
        self.held = False  # a beat is offered
        self.flight: deque[tuple[Piece, bool]] = deque()  # bursts without response, last of its segment

    def cycle(self, t: int, streams: list[Stream]) -> None:
        # what the registers say
        over = self.word is not None and self.word[2] == self.word[0].word_beats - 1
        wait = self.word is not None and (not over or (self.word[1] and not self.word[0].lines))
        seg = self.seg
        need = 0 if seg is None else seg.word_beats + (not seg.lines and self.left == seg.words)
        read = seg is not None and not wait and self.used + need <= self.slots
        free = seg is None or (read and self.left == 1)
        issue = bool(self.sent) and len(self.stream) < ST_OUTSTANDING and len(self.flight) < ST_OUTSTANDING
        fetch = bool(self.stream) and (not self.held or t in self.dram.write_beats)
        took = (
            self.arb.pick([c for c, s in enumerate(streams) if s.pieces]) if free and self.segs < ST_SEGMENTS else None
        )
        piece = streams[took].pieces[0] if took is not None else None
        # the clock edge
        for c, s in enumerate(streams):
            s.cycle(t, c == took)
        if self.dram.responses and self.dram.responses[0] == t:
            self.dram.responses.popleft()
            done, last = self.flight.popleft()
            if done.ends and last:
                streams[done.ctx].done.append(t + 1)
        self.held = fetch or (self.held and t not in self.dram.write_beats)
        if fetch:
            self.stream[0] -= 1
            if self.stream[0] == 0:
                self.stream.popleft()
        if issue:
            beats = self.sent[0].pop(0)
            self.stream.append(beats)
            self.flight.append((self.owner[0], not self.sent[0]))
            self.dram.writes.append((t + 1, beats))
            if not self.sent[0]:
                self.sent.popleft()
                self.owner.popleft()
                self.segs -= 1
        commit = self.exps
        if commit is None and over and self.word is not None and self.word[1] and self.word[0].lines:
            commit = self.word[0]
        if commit is not None:
            self.sent.append(list(commit.bursts))
            self.owner.append(commit)
        self.exps = self.word[0] if over and self.word is not None and self.word[1] and not self.word[0].lines else None
        if read:
            self.word = (seg, self.left == 1, 0)
            self.left -= 1
        elif over:
            self.word = None
        elif self.word is not None:
            self.word = (self.word[0], self.word[1], self.word[2] + 1)
        self.used += (need if read else 0) - fetch
        if free:
            self.seg = piece
            self.left = piece.words if piece else 0
        self.segs += piece is not None


def pieces(shape: Shape, unit: int, ctx: int, step: Step, env: Env) -> list[list[Piece]]:
    """Pieces of each run of an instruction."""
    out = []
    for run in runs(step, env):
        lines = run.buffer in ("stg", "sof")
        if unit == LD:
            out.append([Piece(ctx, n) for _, n in load_bursts(shape, run)])
            continue
        bursts = [n for _, n in store_bursts(shape, run)]
        segs = []
        for _, words in store_segments(shape, run):
            piece = Piece(ctx, shape.beats(run.buffer, words), lines, words, shape.word_beats(run.buffer))
            while sum(piece.bursts) < piece.beats:
                piece.bursts.append(bursts.pop(0))
            segs.append(piece)
        out.append(segs)
    out[-1][-1].ends = True
    return out


def predict(
    shape: Shape,
    programs: dict[tuple[int, int], list[Step]],
    envs: list[Env],
    *,
    start: int,
    mode: int | Callable[[int], int],
    c_inf: int,
    latency: int,
    gap: int,
    limit: int = 200_000,
) -> dict[tuple[int, int], Stream]:
    """Issue and completion cycles of all streams; ``start`` is the first cycle in which instructions are offered,
    ``mode`` that of all cycles, or of each.

    Raises:
        ValueError: the programs do not end within ``limit`` cycles.
    """
    ctx = shape.ctx
    streams = {
        (u, c): Stream(deque(pieces(shape, u, c, s, envs[c]) for s in programs.get((u, c), [])))
        for u in (LD, ST)
        for c in range(ctx)
    }
    dram = Dram(latency, gap)
    mode_in = mode if callable(mode) else lambda _: mode
    load, store = (
        Load(dram, Arbiter(mode_in(start), c_inf, ctx)),
        Store(dram, Arbiter(mode_in(start), c_inf, ctx), shape),
    )
    total = sum(len(s) for s in programs.values())
    for t in range(start, start + limit):
        load.arb.mode = store.arb.mode = mode_in(t)
        dram.cycle(t)
        load.cycle(t, [streams[LD, c] for c in range(ctx)])
        store.cycle(t, [streams[ST, c] for c in range(ctx)])
        if sum(len(s.done) for s in streams.values()) == total:
            return streams
    raise ValueError(f"the programs do not end within {limit} cycles")
