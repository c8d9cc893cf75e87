"""Tests of the performance counters: every look at a counter against a model fed with the same inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from equinox_core.hw.params import MAX_CTX
from equinox_core.hw.states import Perf, Unit
from verif.lib import checks, coverage
from verif.lib.bench import generator, reset
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.verdict import equal, require

BITS = 48
LEAST = 2  # contexts of the smallest core
SIZES = range(LEAST, MAX_CTX + 1)
BINS = int(Perf.IDLE) + 1
NONE, POLICY, INTERNAL = range(3)  # codes of a unit's stall
COUNTERS = {f"{unit.name} {index}": (int(unit), index) for unit in Unit for index in range(BINS)}
COUNTERS |= {"all cycles": (0, int(Perf.ALL))}
CAUSES = ("work", "POLICY", "INTERNAL", "DEPENDENCY", "FETCH", "IDLE")


def perf_cg() -> Covergroup:
    """``perf_cg``: which bit each counter has carried into (48: it wrapped), and which causes of a cycle met."""
    return Covergroup(
        "perf_cg",
        {
            "cp_counter": COUNTERS,
            "cp_carry": [str(k) for k in range(1, BITS + 1)],
            "cp_unit": [unit.name for unit in Unit],
            "cp_worked": ["none", *map(str, range(MAX_CTX))],
            "cp_stall": ["NONE", "POLICY", "INTERNAL"],
            "cp_waits": ["none", "fetch", "dependency", "both"],
            "cp_clear": [str(n) for n in range(-8, 9)],
            "cp_against": ["enabled", "disabled"],
        },
        {
            "cr_counter_carry": Cross("cp_counter", "cp_carry"),
            "cr_causes": Cross("cp_unit", "cp_worked", "cp_stall", "cp_waits"),
            "cr_clear_enable": Cross("cp_clear", "cp_against"),
        },
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {perf_cg().name: coverage.cocotb_groups()["perf_cg"]}


@dataclass
class Cycle:
    """What goes in during a cycle: of each unit the context it works for (None: none), its stall, and its waits."""

    worked: list[int | None]
    stall: list[int]
    waits: list[int]  # bit 0: for an instruction, bit 1: on a semaphore
    enable: bool = True
    clear: bool = False

    def counter(self, unit: int, contexts: int) -> int:
        """The counter that the unit's cycle belongs to, in a core with so many contexts."""
        worked = self.worked[unit]
        if worked is not None and worked < contexts:
            return worked
        if self.stall[unit] != NONE:
            return int(Perf.POLICY if self.stall[unit] == POLICY else Perf.INTERNAL)
        if self.waits[unit]:
            return int(Perf.DEPENDENCY if self.waits[unit] & 2 else Perf.FETCH)
        return int(Perf.IDLE)


@dataclass
class Counters:
    """Counters of a core: those of each unit, and all cycles. They count what was in the cycle before."""

    contexts: int
    values: dict[tuple[int, int], int] = field(default_factory=dict)
    before: Cycle | None = None

    def preset(self, value: int) -> None:
        self.values = dict.fromkeys(COUNTERS.values(), value)

    def cycle(self, now: Cycle) -> list[tuple[int, int]]:
        """Advance by a cycle; the counters that have counted."""
        counted: list[tuple[int, int]] = []
        if now.clear:
            self.preset(0)
        elif self.before and self.before.enable:
            units = range(len(now.worked))
            counted = [(u, self.before.counter(u, self.contexts)) for u in units] + [(0, int(Perf.ALL))]
            for key in counted:
                self.values[key] = (self.values[key] + 1) % (1 << BITS)
        self.before = now
        return counted

    def shown(self, unit: int, index: int) -> int:
        """What the selection shows; an index without a counter shows 0."""
        return self.values.get((0 if index == Perf.ALL else unit, index), 0)


class Bench:
    """Drives the counters and compares one of them in every cycle."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.rng = dut, generator()
        self.models = [Counters(n) for n in SIZES]
        self.names = {key: name for name, key in COUNTERS.items()}
        self.group = perf_cg()
        self.carried: set[tuple[tuple[int, int], int]] = set()  # sampled once each: a sample looks at every bin
        self.compared = 0

    async def start(self) -> None:
        await reset(self.dut)
        self.preset(0)

    def preset(self, value: int) -> None:
        """Give all counters a value, at once."""
        self.dut.preset_value.value = value
        self.dut.preset.value = not int(self.dut.preset.value)
        for model in self.models:
            model.preset(value)

    def random(self, **fixed: bool) -> Cycle:
        """A cycle of units that work, stall and wait anyhow."""
        rng = self.rng
        worked = [int(c) if c < MAX_CTX else None for c in rng.integers(2 * MAX_CTX, size=len(Unit))]
        return Cycle(
            worked, rng.integers(3, size=len(Unit)).tolist(), rng.integers(4, size=len(Unit)).tolist(), **fixed
        )

    async def step(self, now: Cycle, select: tuple[int, int] | None = None) -> None:
        """One cycle with these inputs; compares the selected counter of each core behind it."""
        dut = self.dut
        unit, index = select or (int(self.rng.integers(len(Unit))), int(self.rng.integers(16)))
        dut.busy.value = sum(1 << MAX_CTX * u + c for u, c in enumerate(now.worked) if c is not None)
        dut.stall.value = sum(s << 2 * u for u, s in enumerate(now.stall))
        dut.fetch_wait.value = sum((w & 1) << u for u, w in enumerate(now.waits))
        dut.dep_wait.value = sum((w >> 1) << u for u, w in enumerate(now.waits))
        dut.enable.value, dut.clear.value = int(now.enable), int(now.clear)
        dut.sel_unit.value, dut.sel_index.value = unit, index
        await FallingEdge(dut.clk)
        for model in self.models:
            for key in model.cycle(now):
                value = model.values[key]
                carry = (value & -value).bit_length() - 1 if value else BITS
                if carry and model.contexts == MAX_CTX and (key, carry) not in self.carried:
                    self.carried.add((key, carry))
                    self.group.sample(cp_counter=self.names[key], cp_carry=str(carry))
        seen = int(dut.value.value)
        for n, model in enumerate(self.models):
            what = f"{model.contexts} contexts, unit {unit}, counter {index}"
            equal(seen >> BITS * n & (1 << BITS) - 1, model.shown(unit, index), what)
        self.compared += len(self.models)

    async def look(self) -> None:
        """Look at every selection that there is while nothing counts."""
        for unit in range(len(Unit)):
            for index in range(16):
                await self.step(self.random(enable=False), (unit, index))

    def end(self) -> None:
        require(self.compared, "nothing was compared")
        checks.compared("counters shown", self.compared)


def every_cause(n: int) -> Iterator[Cycle]:
    """Cycles in which every unit meets each combination of causes, all units others."""
    combinations = [(c, s, w) for c in (None, *range(MAX_CTX)) for s in (NONE, POLICY, INTERNAL) for w in range(4)]
    for k in range(len(combinations)):
        of_unit = [combinations[(k + u * n) % len(combinations)] for u in range(len(Unit))]
        yield Cycle([c for c, _, _ in of_unit], [s for _, s, _ in of_unit], [w for _, _, w in of_unit])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def causes(dut: Any) -> None:
    """Every combination of causes in every unit counts once, for the cause that ranks first."""
    bench = Bench(dut)
    await bench.start()
    for n in (1, 7, 13):
        for now in every_cause(n):
            await bench.step(now)
            for unit in Unit:
                worked = now.worked[unit]
                bench.group.sample(
                    cp_unit=unit.name,
                    cp_worked="none" if worked is None else str(worked),
                    cp_stall=("NONE", "POLICY", "INTERNAL")[now.stall[unit]],
                    cp_waits=("none", "fetch", "dependency", "both")[now.waits[unit]],
                )
        await bench.look()
    bench.end()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def carries(dut: Any) -> None:
    """Every counter carries into each of its bits and wraps at 2^48, alone among those that do not count."""
    bench = Bench(dut)
    await bench.start()
    for carry in range(1, BITS + 1):
        bench.preset((1 << carry) - 1)
        orders = [bench.rng.permutation(BINS) for _ in Unit]
        for k in range(BINS):  # each unit's counters in an order of its own
            now = Cycle([None] * len(Unit), [NONE] * len(Unit), [0] * len(Unit))
            for unit in Unit:
                which = int(orders[unit][k])
                if which < MAX_CTX:
                    now.worked[unit] = which
                elif which in (Perf.POLICY, Perf.INTERNAL):
                    now.stall[unit] = POLICY if which == Perf.POLICY else INTERNAL
                elif which != Perf.IDLE:
                    now.waits[unit] = 2 if which == Perf.DEPENDENCY else 1
            await bench.step(now)
        for _ in range(4):
            await bench.step(bench.random())
        await bench.look()
    bench.end()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def commands(dut: Any) -> None:
    """Counters stand still while disabled; clearing sets all of them to zero, whenever it comes around a change of
    ``enable``, and wins over what would count in that cycle.
    """
    bench = Bench(dut)
    await bench.start()
    for enabled in (True, False):
        for offset in range(-8, 9):
            bench.preset(int(bench.rng.integers(1 << BITS)))
            for t in range(-10, 12):
                await bench.step(bench.random(enable=enabled == (t >= 0), clear=t == offset))
            bench.group.sample(cp_clear=str(offset), cp_against="enabled" if enabled else "disabled")
            await bench.look()
    for _ in range(500):
        await bench.step(bench.random(enable=bool(bench.rng.random() < 0.7), clear=bool(bench.rng.random() < 0.03)))
    bench.end()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def visited(dut: Any) -> None:
    """Every counter carried into every bit, and every combination of causes was there. Must run behind the others."""
    await FallingEdge(dut.clk)
    coverage.dump(covergroups(), "perf_counters")
    left = [f"{p}: {b}" for p, bins in covergroups()["perf_cg"].items() for b, hits in bins.items() if not hits]
    require(not left, f"{len(left)} bins were never hit: {'; '.join(left[:8])}")
