"""Race detector: proves, for an unrolled program, that semaphores order every pair of conflicting accesses.

Issue and completion are events. Known order: a stream issues, and completes, in order; the n-th wait on a semaphore
comes after its (n - start)-th signal, which comes at a completion. Each instruction carries the number of instructions
of each stream that are known to have completed when it issues (a vector clock). A read is safe if the writer of what it
reads has completed; a write is safe if earlier readers in other streams have (the same stream reads in order), and
writers through the converter's other path. What a VECTOR reads of its own results is looked at instruction by
instruction (``own_lines.py``). Counters are bounded by the same knowledge: a signal may come before all waits that are
not known to have issued.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from .access import Access, accesses
from .asm import format_instr
from .encoding import SEM_MAX, SEMAPHORES, Instr, Unit
from .own_lines import OwnLines, check_own_lines
from .program import Program

WRITER = {
    "ACTC": Unit.VPU,
    "WGTC": Unit.VPU,
    "SOB": Unit.VPU,
    "SOF": Unit.VPU,
    "VEC": Unit.VPU,
    "CST": Unit.VPU,
    "TXB": Unit.VPU,
    "ACC": Unit.MMU,
    "ACTD": Unit.LD,
    "WGTD": Unit.LD,
    "STG": Unit.LD,
    "DRAM": Unit.ST,
}
"""The one unit that writes each space (the host writes RXB)."""


class Race(ValueError):
    """Two accesses that no semaphore orders, or a semaphore that may overflow."""


class Footprints:
    """Accesses of instructions, computed once where they do not depend on the iteration."""

    def __init__(self, cfg: Config, rows: int | None = None) -> None:
        self.cfg, self.rows = cfg, rows
        self._known: dict[int, tuple[Instr, list[Access]]] = {}

    def of(self, ins: Instr, iteration: int) -> list[Access]:
        """Accesses of ``ins`` in an iteration (already modulo ITER_MOD)."""
        if ins.fields.get("d_iter"):
            return accesses(ins, self.cfg, self.rows, iteration)
        found = self._known.get(id(ins))
        if found is None or found[0] is not ins:
            found = self._known[id(ins)] = (ins, accesses(ins, self.cfg, self.rows))
        return found[1]


class History:
    """Last writer and last reader of every address, as counts of instructions of a stream (0 = none)."""

    def __init__(self) -> None:
        self._wrote: dict[str, NDArray[np.int64]] = {}
        self._read: dict[tuple[str, Unit], NDArray[np.int64]] = {}
        self._path: dict[tuple[str, int], NDArray[np.int64]] = {}

    @staticmethod
    def _grown(table: dict[Any, NDArray[np.int64]], key: object, addr: NDArray[np.int64]) -> NDArray[np.int64]:
        have = table.get(key)
        top = int(addr.max()) + 1
        if have is None or len(have) < top:
            new = np.zeros(max(top, 1024, 0 if have is None else 2 * len(have)), np.int64)
            if have is not None:
                new[: len(have)] = have
            have = table[key] = new
        return have

    def conflicts(self, unit: Unit, acc: Access) -> dict[Unit, int]:
        """What an access of ``unit`` must come after: stream → count of its instructions that must have completed."""
        out: dict[Unit, int] = {}
        writer = WRITER.get(acc.space)
        if not acc.write:
            if writer is not None:
                out[writer] = int(self._grown(self._wrote, acc.space, acc.addr)[acc.addr].max())
        else:
            for (space, reader), table in self._read.items():
                if space == acc.space and reader != unit:
                    inside = acc.addr[acc.addr < len(table)]
                    if inside.size:
                        out[reader] = int(table[inside].max())
            for (space, path), table in self._path.items():
                if space == acc.space and path != acc.path:
                    inside = acc.addr[acc.addr < len(table)]
                    if inside.size:
                        out[unit] = max(out.get(unit, 0), int(table[inside].max()))
        return {u: n for u, n in out.items() if n}

    def note(self, unit: Unit, acc: Access, count: int) -> None:
        """Record an access by the ``count``-th instruction of a stream."""
        table, key = (self._wrote, acc.space) if acc.write else (self._read, (acc.space, unit))
        self._grown(table, key, acc.addr)[acc.addr] = count
        if acc.path:
            self._grown(self._path, (acc.space, acc.path), acc.addr)[acc.addr] = count


class _Stream:
    def __init__(self, unit: Unit, instrs: list[Instr], iters: int) -> None:
        self.unit, self.instrs, self.total = unit, instrs, len(instrs) * iters
        self.pos = 0
        self.clock = np.zeros(len(Unit), np.int64)

    def text(self, pos: int) -> str:
        """An instruction, by its place in the unrolled stream."""
        n = len(self.instrs)
        return f"{self.unit.name}[{pos % n}] of iteration {pos // n} `{format_instr(self.instrs[pos % n], self.unit)}`"


def _bits(mask: int) -> list[int]:
    return [s for s in range(SEMAPHORES) if mask >> s & 1]


def check_races(
    prog: Program,
    cfg: Config,
    iters: int | None = None,
    iter_mod: int = 1,
    rows: int | None = None,
    sem_init: Sequence[int] | None = None,
) -> int:
    """Check ``iters`` iterations (default 3 for training programs, else 1); returns the number of accesses compared.

    Raises:
        Race: the two instructions and the address space, or the semaphore.
        ValueError: a semaphore is signalled by two streams (then order cannot be known), or the program deadlocks.
    """
    walk = _Walk(prog, cfg, (3 if prog.training else 1) if iters is None else iters, iter_mod, rows, sem_init)
    walk.run()
    walk.check_counters()
    return walk.compared


class _Walk:
    """Issues an unrolled program in one legal order, knowing of each instruction what must have completed."""

    def __init__(
        self, prog: Program, cfg: Config, iters: int, iter_mod: int, rows: int | None, sem_init: Sequence[int] | None
    ) -> None:
        self.name, self.iter_mod, self.compared = prog.name, iter_mod, 0
        self.start = list(prog.sem_init if sem_init is None else sem_init)
        self.streams = {u: _Stream(u, prog.streams[u], iters) for u in Unit}
        self.prints, self.history = Footprints(cfg, rows), History()
        self.signals: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in range(SEMAPHORES)]
        self.waits: list[list[int]] = [[] for _ in range(SEMAPHORES)]
        self.waiter: dict[int, Unit] = {}
        self.signaller: dict[int, Unit] = {}
        for u in Unit:
            for s in {s for ins in prog.streams[u] for s in _bits(ins.signal)}:
                if self.signaller.setdefault(s, u) != u:
                    who = f"{self.signaller[s].name} and {u.name}"
                    raise ValueError(
                        f"{prog.name}: semaphore {s} is signalled by {who}; races can be excluded for one only"
                    )

    def run(self) -> None:
        progress = True
        while progress:
            progress = False
            for st in self.streams.values():
                while st.pos < st.total and self._ready(st):
                    self._issue(st)
                    progress = True
        stuck = [st.text(st.pos) for st in self.streams.values() if st.pos < st.total]
        if stuck:
            raise ValueError(f"{self.name}: deadlock: {'; '.join(stuck)}")

    def _ready(self, st: _Stream) -> bool:
        mask = st.instrs[st.pos % len(st.instrs)].wait
        return all(len(self.waits[s]) < self.start[s] + len(self.signals[s]) for s in _bits(mask))

    def _issue(self, st: _Stream) -> None:
        ins = st.instrs[st.pos % len(st.instrs)]
        for s in _bits(ins.wait):
            self.waiter[s] = st.unit
            n = len(self.waits[s]) - self.start[s]
            self.waits[s].append(st.pos)
            if n >= 0:
                pos, clock = self.signals[s][n]
                st.clock = np.maximum(st.clock, clock)
                st.clock[self.signaller[s]] = max(st.clock[self.signaller[s]], pos + 1)
        touched = self.prints.of(ins, st.pos // len(st.instrs) % self.iter_mod)
        try:
            check_own_lines(touched, self.prints.cfg.L)
        except OwnLines as why:
            raise Race(f"{self.name}: {st.text(st.pos)}: {why}") from None
        for acc in touched:
            for other, count in self.history.conflicts(st.unit, acc).items():
                self.compared += 1
                if st.clock[other] < count:
                    does = "writes" if acc.write else "reads"
                    before = self.streams[other].text(count - 1)
                    raise Race(f"{self.name}: {st.text(st.pos)} {does} {acc.space} with no semaphore after {before}")
            self.history.note(st.unit, acc, st.pos + 1)
        for s in _bits(ins.signal):
            self.signals[s].append((st.pos, st.clock.copy()))
        st.pos += 1

    def check_counters(self) -> None:
        """No semaphore may pass its limit, however far its signaller runs ahead."""
        for s in range(SEMAPHORES):
            positions = np.array(self.waits[s], np.int64)
            for n, (pos, clock) in enumerate(self.signals[s]):
                issued = 0
                if s in self.waiter:
                    known = pos + 1 if self.waiter[s] == self.signaller[s] else clock[self.waiter[s]]
                    issued = int(np.searchsorted(positions, known))
                most = self.start[s] + n + 1 - issued
                if most > SEM_MAX:
                    who = self.signaller[s].name
                    raise Race(
                        f"{self.name}: semaphore {s} may reach {most}: {who} may run too far ahead (legal is {SEM_MAX})"
                    )
