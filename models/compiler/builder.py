"""Programs from a plain sequence of instructions: the builder finds what depends on what and places the semaphores.

Instructions are given in an order in which executing them one after another is right. Each unit takes its own in that order;
what must wait for another unit follows from the addresses (``isa/access.py``): a read comes after the write of what it reads, a
write after the reads (by other units) of what it replaces. Because streams issue and complete in order, it is enough to wait
for the latest such instruction of each other stream, and the waits of one stream on another are ordered as their signals are:
one semaphore for each pair of streams, at most 13, serves any program. Dependences that follow from others are left out.
A looping program is unrolled until its pattern repeats; what an iteration takes from the one before becomes a start value.
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

_MAX_UNROLL = 6


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
        self.after: dict[int, tuple[int, ...]] = {}

    def emit(self, op: Op, after: Sequence[int] = (), **fields: int) -> int:
        """Append an instruction; returns its place in the sequence. ``after``: places of others that it shall wait for as well."""
        self.seq.append(make(op, **fields))
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
        for ins in self.seq:
            prog.add(ins)
        prog.needs = needs_of(prog, self.cfg, iter_mod)
        check_needs(prog.needs, self.cfg, who=self.name)
        for unit in Unit:
            if len(prog.streams[unit]) > self.cfg.IMEM_DEPTH:
                raise ValueError(
                    f"{self.name}: instruction memory of {unit.name}: need {len(prog.streams[unit])}, have {self.cfg.IMEM_DEPTH}"
                    f" (IMEM_DEPTH of configuration {self.cfg.name})"
                )
        edges = self._edges(iter_mod)
        _place(prog, edges)
        return prog.set_last()

    def _edges(self, iter_mod: int) -> list[Edge]:
        turns = 3 if self.loop else 1
        while True:
            found = _Analysis(self, turns, iter_mod).edges
            if not self.loop:
                return found[0]
            if set(found[-1]) == set(found[-2]):
                return found[-1]
            turns += 1
            if turns > _MAX_UNROLL:
                raise ValueError(f"{self.name}: the dependences of its iterations do not repeat within {_MAX_UNROLL}")


class _Analysis:
    """Sequential walk over unrolled iterations; ``edges[n]`` are the waits of iteration n."""

    def __init__(self, out: Builder, turns: int, iter_mod: int) -> None:
        cfg, seq = out.cfg, out.seq
        self.length = {u: sum(UNIT_OF_OP[i.op] == u for i in seq) for u in Unit}
        self.count = dict.fromkeys(Unit, 0)
        self.clock = {u: np.zeros(len(Unit), np.int64) for u in Unit}
        self.issued: dict[Unit, list[NDArray[np.int64]]] = {u: [] for u in Unit}
        self.edges: list[list[Edge]] = []
        prints, history = Footprints(cfg), History()
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
                self._order(unit, need, turn)
                self.count[unit] += 1
                place.append(self.count[unit])
                for acc in touched:
                    history.note(unit, acc, self.count[unit])

    def _after(self, unit: Unit, count: int) -> NDArray[np.int64]:
        """What is known once the ``count``-th instruction of a stream has completed."""
        known = self.issued[unit][count - 1].copy()
        known[unit] = max(known[unit], count)
        return known

    def _order(self, unit: Unit, need: dict[Unit, int], turn: int) -> None:
        clock = self.clock[unit].copy()
        open_ = {u: self._after(u, n) for u, n in need.items() if clock[u] < n}
        for src in sorted(open_):
            if any(open_[q][src] >= need[src] for q in open_ if q != src):
                del open_[src]
        for src, known in open_.items():
            before, after = need[src] - 1, self.count[unit]
            gap = after // self.length[unit] - before // self.length[src]
            self.edges[turn].append(Edge(src, before % self.length[src], unit, after % self.length[unit], gap))
            clock = np.maximum(clock, known)
        self.clock[unit] = clock
        self.issued[unit].append(clock)


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
