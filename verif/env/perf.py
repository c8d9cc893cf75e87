"""Two other roads to the performance counters of the core: what the probe counted, and what the timing model says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from equinox_core.config import Config
from equinox_core.csr_map import REGS
from equinox_core.hw.states import Perf
from equinox_core.isa.encoding import Unit
from equinox_core.timing import Timeline
from equinox_core.timing.layout import NEVER
from verif.env.latency import LatencyScoreboard

PLACES = 16  # values of PERF_SEL.index
WORD = 0xFFFFFFFF


@dataclass
class Counted:
    """Counters of a window of time: ``counts[unit, index]`` by PERF_SEL.index, and for each context the cycles in which
    it waited for a semaphore (``dep[unit, ctx]``) and for an instruction (``fetch``).
    """

    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    dep: dict[tuple[str, int], int] = field(default_factory=dict)
    fetch: dict[tuple[str, int], int] = field(default_factory=dict)


def indices(cfg: Config) -> list[int]:
    """Those of PERF_SEL that count something in a core."""
    return [*range(cfg.CTX), *(int(p) for p in Perf)]


def probe_counts(probe: Any, cfg: Config) -> Counted:
    """What ``verif/tb/perf_watch.sv`` has counted; counters have 32 bits there."""
    counts, dep, fetch = (int(getattr(probe, f"perf_{name}").value) for name in ("count", "dep", "fetch"))
    units = [(int(u), u.name) for u in Unit]
    return Counted(
        {(name, k): counts >> 32 * (PLACES * u + k) & WORD for u, name in units for k in indices(cfg)},
        {(name, c): dep >> 32 * (cfg.CTX * u + c) & WORD for u, name in units for c in range(cfg.CTX)},
        {(name, c): fetch >> 32 * (cfg.CTX * u + c) & WORD for u, name in units for c in range(cfg.CTX)},
    )


def window(board: LatencyScoreboard) -> tuple[int, int]:
    """Cycles from which the counters last ran, and from which they stood still."""
    ctrl = REGS["PERF_CTRL"]
    lsb = ctrl[1]["enable"][0]
    writes = [(w.cycle, w.data >> lsb & 1) for w in board.writes if w.address == ctrl[0]]
    on = max(cycle for cycle, enable in writes if enable)
    return on, min((cycle for cycle, enable in writes if not enable and cycle > on), default=NEVER)


def model_counts(board: LatencyScoreboard, cfg: Config) -> Counted:
    """What the timing model says of the counters' last window; the core must be idle at both of its ends.

    Waits are those of instructions that were issued: heads between their arrival and the cycle in which all semaphores
    were there, and the time to the next head of a stream that runs on. For training contexts, whose instructions are
    read again where another context has read since, the model keeps no log of the waits for instructions.
    """
    on, off = window(board)
    timeline = board.settle()
    before, after = (board.predict(until=cycle - 1).busy for cycle in (on, off))
    out = Counted({(u.name, int(Perf.ALL)): off - on for u in Unit})
    for unit in Unit:
        for c in range(cfg.CTX):
            out.counts[unit.name, c] = int(after[unit, c] - before[unit, c])
            mine = _issued(timeline, unit, c, on, off)
            out.dep[unit.name, c] = int((mine["met"] - mine["head"]).sum())
            if c < cfg.C_INF:
                out.fetch[unit.name, c] = _fetched(timeline, mine)
    return out


def _issued(timeline: Timeline, unit: int, ctx: int, on: int, off: int) -> np.ndarray:
    """Instructions of a stream that came to its head in a window, in order."""
    log = timeline.instructions
    mine = log[(log["unit"] == unit) & (log["ctx"] == ctx) & (log["head"] >= on) & (log["head"] < off)]
    order: np.ndarray = np.argsort(mine["head"], kind="stable")
    return np.asarray(mine[order])


def _fetched(timeline: Timeline, mine: np.ndarray) -> int:
    """Cycles in which a stream of an inference context waited for instructions: from the start of a batch's run, or
    from the issue of the one before, to the next head.
    """
    total = 0
    for n, entry in enumerate(mine):
        first = n == 0 or mine[n - 1]["run"] != entry["run"]
        asked = int(timeline.batches[entry["run"]]["run"]) if first else int(mine[n - 1]["issue"]) + 1
        total += int(entry["head"]) - asked
    return total
