"""Programs from a plain sequence of instructions: the builder finds what depends on what and places the semaphores.

Instructions are given in an order in which executing them one after another is right. Each unit takes its own in that
order; what must wait for another unit follows from the addresses (``isa/access.py``): a read comes after the write of
what it reads, a write after the reads (by other units) of what it replaces. Because streams issue and complete in
order, it is enough to wait for the latest such instruction of each other stream, and the waits of one stream on another
are ordered as their signals are: one semaphore for each pair of streams, at most 13, serves any program. Dependences
that follow from others are left out. A looping program is unrolled until its pattern repeats; what an iteration takes
from the one before becomes a start value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..isa.check import check_needs, needs_of
from ..isa.encoding import SEM_MAX, SEMAPHORES, UNIT_OF_OP, Instr, Op, Unit, make
from ..isa.program import Program, with_fields
from ..isa.races import Footprints, History

_MAX_UNROLL = 8
_MAX_FIXES = 40


@dataclass(frozen=True)
class Edge:
    """Instruction ``after`` of stream ``dst`` waits for ``before`` of ``src``, ``turns`` iterations earlier."""

    src: Unit
    before: int
    dst: Unit
    after: int
    turns: int


class Builder:
    """Collects instructions in sequential order; :meth:`finish` makes the program."""

    def __init__(self, cfg: Config, name: str, training: bool = False, loop: bool | None = None) -> None:
        self.cfg, self.name, self.training = cfg, name, training
        self.loop = training if loop is None else loop
        self.seq: list[Instr] = []
        self.phase = ""  # what the instructions that follow belong to, for those who observe programs
        self.phases: list[str] = []
        self.after: dict[int, tuple[int, ...]] = {}

    def emit(self, op: Op, after: Sequence[int] = (), /, **fields: int) -> int:
        """Append an instruction; returns its place in the sequence. ``after``: places of others that it shall wait for
        as well.
        """
        self.seq.append(make(op, **fields))
        self.phases.append(self.phase)
        self.after[len(self.seq) - 1] = tuple(after)
        return len(self.seq) - 1

    def matmul(self, **fields: int) -> int:
        """Append a MATMUL."""
        return self.emit(Op.MATMUL, **fields)

    def vector(self, **fields: int) -> int:
        """Append a VECTOR."""
        return self.emit(Op.VECTOR, **fields)

    def load(self, after: Sequence[int] = (), **fields: int) -> int:
        """Append a LOAD."""
        return self.emit(Op.LOAD, after, **fields)

    def store(self, **fields: int) -> int:
        """Append a STORE."""
        return self.emit(Op.STORE, **fields)

    def finish(self, iter_mod: int = 1) -> Program:
        """The program with semaphores, ``last`` flags and needs.

        Raises:
            ValueError: a buffer or the instruction memory is too small (what, need and have).
        """
        prog = Program(name=self.name, training=self.training)
        for ins, phase in zip(self.seq, self.phases, strict=True):
            prog.add(ins)
            prog.phases[UNIT_OF_OP[ins.op]].append(phase)
        prog.needs = needs_of(prog, self.cfg, iter_mod)
        check_needs(prog.needs, self.cfg, who=self.name)
        for unit in Unit:
            if len(prog.streams[unit]) > self.cfg.IMEM_DEPTH:
                raise ValueError(
                    f"{self.name}: instruction memory of {unit.name}: need {len(prog.streams[unit])}, "
                    f"have {self.cfg.IMEM_DEPTH}"
                    f" (IMEM_DEPTH of configuration {self.cfg.name})"
                )
        edges = self._edges(iter_mod)
        _place(prog, edges)
        return prog.set_last()

    def _edges(self, iter_mod: int) -> list[Edge]:
        """Edges of an iteration.

        Where a semaphore could overflow, further dependences hold it back, and all is derived again.
        """
        extra: set[Edge] = set()
        for _ in range(_MAX_FIXES):
            edges, found = self._steady(iter_mod, extra)
            if found <= extra:
                return edges
            extra |= found
        raise ValueError(f"{self.name}: cannot keep its semaphores at {SEM_MAX} or below")

    def _steady(self, iter_mod: int, extra: set[Edge]) -> tuple[list[Edge], set[Edge]]:
        """Edges that repeat from iteration to iteration, and what would keep semaphores from overflowing."""
        turns = 4 if self.loop else 1
        while True:
            walk = _Analysis(self, turns, iter_mod, extra)
            if not self.loop:
                return walk.edges[0], walk.overruns(0)
            if set(walk.edges[-1]) == set(walk.edges[-2]) == set(walk.edges[-3]):
                return walk.edges[-1], walk.overruns(turns - 2)
            turns += 1
            if turns > _MAX_UNROLL:
                raise ValueError(f"{self.name}: the dependences of its iterations do not repeat within {_MAX_UNROLL}")


class _Analysis:
    """Sequential walk over unrolled iterations; ``edges[n]`` are the waits of iteration n."""

    def __init__(self, out: Builder, turns: int, iter_mod: int, extra: set[Edge]) -> None:
        seq = out.seq
        self.length = {u: sum(UNIT_OF_OP[i.op] == u for i in seq) for u in Unit}
        self.count = dict.fromkeys(Unit, 0)
        self.clock = {u: np.zeros(len(Unit), np.int64) for u in Unit}
        self.issued: dict[Unit, list[NDArray[np.int64]]] = {u: [] for u in Unit}
        self.order: dict[Unit, list[int]] = {u: [] for u in Unit}  # place in the sequence of each stream's instructions
        self.edges: list[list[Edge]] = []
        by_place: dict[tuple[Unit, int], list[Edge]] = {}
        for e in extra:
            by_place.setdefault((e.dst, e.after), []).append(e)
        prints, history = Footprints(out.cfg), History()
        for turn in range(turns):
            self.edges.append([])
            place: list[int] = []
            for ins in seq:
                unit = UNIT_OF_OP[ins.op]
                touched = prints.of(ins, turn % iter_mod)
                need = {UNIT_OF_OP[seq[n].op]: place[n] for n in out.after[len(place)]}
                for acc in touched:
                    for other, n in history.conflicts(unit, acc).items():
                        need[other] = max(need.get(other, 0), n)
                for e in by_place.get((unit, self.count[unit] % self.length[unit]), ()):
                    if turn >= e.turns:
                        n = (turn - e.turns) * self.length[e.src] + e.before + 1
                        need[e.src] = max(need.get(e.src, 0), n)
                self._order(unit, need, turn)
                self.order[unit].append(turn * len(seq) + len(place))
                self.count[unit] += 1
                place.append(self.count[unit])
                for acc in touched:
                    history.note(unit, acc, self.count[unit])

    def _after(self, unit: Unit, count: int) -> NDArray[np.int64]:
        """What is known once the ``count``-th instruction of a stream has completed."""
        known = self.issued[unit][count - 1].copy()
        known[unit] = max(known[unit], count)
        return known

    def _edge(self, src: Unit, before: int, dst: Unit, after: int) -> Edge:
        """From positions in unrolled streams."""
        turns = after // self.length[dst] - before // self.length[src]
        return Edge(src, before % self.length[src], dst, after % self.length[dst], turns)

    def _order(self, unit: Unit, need: dict[Unit, int], turn: int) -> None:
        clock = self.clock[unit].copy()
        open_ = {u: self._after(u, n) for u, n in need.items() if clock[u] < n}
        for src in sorted(open_):
            if any(open_[q][src] >= need[src] for q in open_ if q != src):
                del open_[src]
        for src, known in open_.items():
            self.edges[turn].append(self._edge(src, need[src] - 1, unit, self.count[unit]))
            clock = np.maximum(clock, known)
        self.clock[unit] = clock
        self.issued[unit].append(clock)

    def overruns(self, turn: int) -> set[Edge]:
        """Dependences that bound how far streams signal ahead in an iteration, where the present ones do not.

        A signal must know that the wait before the last SEM_MAX ones has issued. Is that wait earlier in the sequence,
        the signaller waits for it. Else all these signals come before it anyway: every other wait takes the next signal
        instead of its own, which halves their number; that comes first, since it may make the other unnecessary.
        """
        pairs: dict[tuple[Unit, Unit], list[tuple[int, int]]] = {}
        for n, edges in enumerate(self.edges):
            for e in edges:
                at = (n - e.turns) * self.length[e.src] + e.before
                pairs.setdefault((e.src, e.dst), []).append((at, n * self.length[e.dst] + e.after))
        held_back: set[Edge] = set()
        halved: set[Edge] = set()
        for (src, dst), tokens in pairs.items():
            tokens.sort()
            waits = np.array([after for _, after in tokens], np.int64)
            held = 0
            crowd: set[int] = set()
            for k, (before, _) in enumerate(tokens):
                known = before + 1 if src == dst else self.issued[src][before][dst]
                held = max(held, int(np.searchsorted(waits, known)))
                if before // self.length[src] != turn or k + 1 - held <= SEM_MAX:
                    continue
                wait = tokens[k - SEM_MAX][1]
                if self.order[dst][wait] < self.order[src][before]:
                    later = next(
                        n
                        for n in range(k - SEM_MAX // 2, -1, -1)
                        if self.order[dst][tokens[n][1]] < self.order[src][before]
                    )
                    held_back.add(self._edge(dst, tokens[later][1], src, before))
                    held = max(held, later + 1)
                else:
                    crowd |= set(range(k - SEM_MAX, k + 1))
            for k in sorted(crowd)[::2]:
                if k + 1 in crowd and self.order[dst][tokens[k][1]] > self.order[src][tokens[k + 1][0]]:
                    halved.add(self._edge(src, tokens[k + 1][0], dst, tokens[k][1]))
        return halved or held_back


def _place(prog: Program, edges: list[Edge]) -> None:
    """Number the pairs of streams, set wait and signal masks and start values."""
    pairs = sorted({(e.src, e.dst) for e in edges})
    if len(pairs) > SEMAPHORES:
        raise ValueError(f"{prog.name}: needs {len(pairs)} semaphores, has {SEMAPHORES}")
    start = [0] * SEMAPHORES
    for e in edges:
        sem = pairs.index((e.src, e.dst))
        for unit, pos, name in ((e.dst, e.after, "wait"), (e.src, e.before, "signal")):
            ins = prog.streams[unit][pos]
            prog.streams[unit][pos] = with_fields(ins, **{name: ins.fields[name] | 1 << sem})
        start[sem] += e.turns
    for sem, value in enumerate(start):
        if value > SEM_MAX:
            raise ValueError(f"{prog.name}: semaphore {sem} would start at {value}: legal range 0..{SEM_MAX}")
    prog.sem_init = tuple(start)
