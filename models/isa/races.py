"""Race detector: proves, for an unrolled program, that semaphores order every pair of conflicting accesses.

Issue and completion are events. Known order: a stream issues, and completes, in order; the n-th wait on a semaphore comes after
its (n - start)-th signal, which comes at a completion. Each instruction carries the number of instructions of each stream
that are known to have completed when it issues (a vector clock). A read is safe if the writer of what it reads has
completed; a write is safe if earlier readers in other streams have (the same stream reads in order). Counters are bounded by
the same knowledge: a signal may come before all waits that are not known to have issued.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from .access import Access, accesses
from .asm import format_instr
from .encoding import SEM_MAX, SEMAPHORES, Instr, Unit
from .program import Program

WRITER = {
    "ACTC": Unit.VPU, "WGTC": Unit.VPU, "SOB": Unit.VPU, "SOF": Unit.VPU, "VEC": Unit.VPU, "CST": Unit.VPU, "TXB": Unit.VPU,
    "ACC": Unit.MMU, "ACTD": Unit.LD, "WGTD": Unit.LD, "STG": Unit.LD, "DRAM": Unit.ST,
}  # fmt: skip
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

    @staticmethod
    def _grown(table: dict, key: object, addr: NDArray[np.int64]) -> NDArray[np.int64]:
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
        return {u: n for u, n in out.items() if n}

    def note(self, unit: Unit, acc: Access, count: int) -> None:
        """Record an access by the ``count``-th instruction of a stream."""
        table, key = (self._wrote, acc.space) if acc.write else (self._read, (acc.space, unit))
        self._grown(table, key, acc.addr)[acc.addr] = count


class _Stream:
    def __init__(self, instrs: list[Instr], iters: int) -> None:
        self.instrs, self.total = instrs, len(instrs) * iters
        self.pos = 0
        self.clock = np.zeros(len(Unit), np.int64)

    @property
    def ins(self) -> Instr:
        return self.instrs[self.pos % len(self.instrs)]


def check_races(
    prog: Program, cfg: Config, iters: int | None = None, iter_mod: int = 65535, rows: int | None = None, sem_init: Sequence[int] | None = None
) -> int:
    """Check ``iters`` iterations (default 3 for training programs, else 1); returns the number of accesses compared.

    Raises:
        Race: the two instructions and the address space, or the semaphore.
        ValueError: a semaphore is signalled by two streams (then order cannot be known), or the program deadlocks.
    """
    iters = (3 if prog.training else 1) if iters is None else iters
    start = list(prog.sem_init if sem_init is None else sem_init)
    streams = {u: _Stream(prog.streams[u], iters) for u in Unit}
    signaller: dict[int, Unit] = {}
    for u in Unit:
        for ins in prog.streams[u]:
            for s in range(SEMAPHORES):
                if ins.signal >> s & 1 and signaller.setdefault(s, u) != u:
                    raise ValueError(f"{prog.name}: semaphore {s} is signalled by {signaller[s].name} and {u.name}; races can be excluded for one only")
    signals: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in range(SEMAPHORES)]
    waits: list[list[int]] = [[] for _ in range(SEMAPHORES)]
    waiter: dict[int, Unit] = {}
    prints, history = Footprints(cfg, rows), History()
    compared = 0
    progress = True
    while progress:
        progress = False
        for u, st in streams.items():
            while st.pos < st.total:
                ins = st.ins
                masks = [s for s in range(SEMAPHORES) if ins.wait >> s & 1]
                if any(len(waits[s]) >= start[s] + len(signals[s]) for s in masks):
                    break
                progress = True
                for s in masks:
                    waiter[s] = u
                    n = len(waits[s]) - start[s]
                    waits[s].append(st.pos)
                    if n >= 0:
                        pos, clock = signals[s][n]
                        st.clock = np.maximum(st.clock, clock)
                        st.clock[signaller[s]] = max(st.clock[signaller[s]], pos + 1)
                where = f"{prog.name}: {u.name}[{st.pos % len(st.instrs)}] of iteration {st.pos // len(st.instrs)}"
                for acc in prints.of(ins, st.pos // len(st.instrs) % iter_mod):
                    for other, count in history.conflicts(u, acc).items():
                        compared += 1
                        if st.clock[other] < count:
                            base = streams[other].instrs
                            raise Race(
                                f"{where} {'writes' if acc.write else 'reads'} {acc.space} with no semaphore after {other.name}[{(count - 1) % len(base)}]"
                                f" of iteration {(count - 1) // len(base)} `{format_instr(base[(count - 1) % len(base)], other)}`: `{format_instr(ins, u)}`"
                            )
                    history.note(u, acc, st.pos + 1)
                for s in range(SEMAPHORES):
                    if ins.signal >> s & 1:
                        signals[s].append((st.pos, st.clock.copy()))
                st.pos += 1
    stuck = [f"{u.name}[{st.pos % len(st.instrs)}] `{format_instr(st.ins, u)}`" for u, st in streams.items() if st.pos < st.total]
    if stuck:
        raise ValueError(f"{prog.name}: deadlock: {'; '.join(stuck)}")
    _check_counters(prog, start, signals, waits, waiter, signaller)
    return compared


def _check_counters(prog: Program, start, signals, waits, waiter, signaller) -> None:
    for s in range(SEMAPHORES):
        positions = np.array(waits[s], np.int64)
        for n, (pos, clock) in enumerate(signals[s]):
            issued = 0
            if s in waiter:
                known = pos + 1 if waiter[s] == signaller[s] else clock[waiter[s]]
                issued = int(np.searchsorted(positions, known))
            if start[s] + n + 1 - issued > SEM_MAX:
                raise Race(f"{prog.name}: semaphore {s} may reach {start[s] + n + 1 - issued}: {signaller[s].name} may run too far ahead (legal is {SEM_MAX})")
