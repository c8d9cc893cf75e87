"""Tests of the register block by value class: every field of every register, between the bus and the ports."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pyuvm
from cocotb.triggers import ClockCycles

from equinox_core.csr_map import REGS
from verif.block.csr.harness import CsrTest
from verif.block.csr.model import settings
from verif.lib import coverage
from verif.lib.field_sweep import FieldSweep
from verif.lib.verdict import require

CONSTANT = ("ID", "PARAMS")  # follow from the build
IMEM = ("IMEM_ADDR", "IMEM_DATA")

Place = tuple[str, str]  # register path, field


def _places() -> dict[str, Place]:
    """Every field that keeps what software writes, or shows what hardware gives: its name in the covergroup, and where
    it is. Bits that are cleared by writing, commands and counters are the subject of ``csr_events_cg``.
    """
    return {
        f"{path}.{name}".replace("[", "").replace("]", "").replace(".", "_"): (path, name)
        for path, (_, layout) in REGS.items()
        for name, (*_, kind) in layout.items()
        if kind in ("RW", "RO", "WO") and path not in CONSTANT and not path.startswith("CNT_")
    }


def fields() -> FieldSweep[Place]:
    """``csr_fields_cg``, and the sweep that hits it."""
    places = _places()
    widths = {label: REGS[path][1][name][1] for label, (path, name) in places.items()}
    return FieldSweep("csr_fields_cg", widths, places)


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {fields().group.name: coverage.cocotb_groups()["csr_fields_cg"]}


class Steps:
    """Of the fields that lie in one register, each step's values and their labels: all classes of each, side by side
    with other classes of the others.
    """

    def __init__(self, sweep: FieldSweep[Place], path: str) -> None:
        self.sweep = sweep
        self.labels = {label: name for label, (at, name) in sweep.contexts.items() if at == path}
        self.path = path

    def __iter__(self) -> Iterator[tuple[dict[str, int], list[tuple[str, str]]]]:
        classes = {label: list(self.sweep.classes[label].items()) for label in self.labels}
        for n in range(max(map(len, classes.values()))):
            values, labels = {}, []
            for shift, (label, of_field) in zip(count(0, 5), classes.items(), strict=False):
                kind, value = of_field[(n + shift) % len(of_field)]
                values[self.labels[label]] = value
                labels.append((label, kind))
            yield values, labels

    def word(self, values: dict[str, int]) -> int:
        """The register's value with these in its fields."""
        return sum(value << REGS[self.path][1][name][0] for name, value in values.items())


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_fields_test(CsrTest):
    """Every value class of every setting goes through the bus to its port, alone, and back; every value class of what
    hardware shows comes through the bus.
    """

    async def body(self) -> None:
        self.sweep = fields()
        self.met: list[tuple[str, str]] = []  # field and class
        self.ports = settings(self.size["CTX"], self.size["SERVICES"])
        self.held = {path: sum(r << lsb for lsb, _, r, _ in layout.values()) for path, (_, layout) in REGS.items()}
        for path in {path for path, _ in self.sweep.contexts.values()}:
            kinds = {kind for *_, kind in REGS[path][1].values()}
            if path in IMEM:
                continue
            await (self.shows(path) if "RO" in kinds else self.keeps(path))
        await self.pointer()
        await self.words()
        self.sample()
        coverage.dump(covergroups(), "csr_fields")
        if (self.size["CTX"], self.size["SERVICES"]) == (4, 4):
            left = [f"{p}: {b}" for p, bins in covergroups()["csr_fields_cg"].items() for b, n in bins.items() if not n]
            require(not left, f"{len(left)} classes were never tried: {'; '.join(left[:8])}")

    def sample(self) -> None:
        """Note all classes that were compared: many fields at a time, as each sample looks at every bin."""
        left: dict[str, set[str]] = {}
        for label, kind in self.met:
            left.setdefault(f"cp_{label}", set()).add(kind)
        while left:
            self.sweep.group.sample(**{point: kinds.pop() for point, kinds in left.items()})
            left = {point: kinds for point, kinds in left.items() if kinds}

    def expected(self) -> dict[str, int]:
        """Each port's value, from what was written."""
        out = {}
        for port, places in self.ports.items():
            value = 0
            for path, name, width in places:
                lsb, bits, _, _ = REGS[path][1][name]
                value = value << width | self.held[path] >> lsb & (1 << bits) - 1
            out[port] = value
        return out

    async def keeps(self, path: str) -> None:
        """A register of settings: all ports after each write, so that nothing else changes either."""
        steps = Steps(self.sweep, path)
        before = self.held[path]
        for values, labels in steps:
            self.held[path] = steps.word(values)
            await self.bus.write(REGS[path][0], self.held[path])
            what = f"{path} = {self.held[path]:#x}"
            self.expect(f"{what}, read", await self.bus.read(REGS[path][0]), self.held[path])
            for port, value in self.expected().items():
                self.expect(f"{what}: {port}", int(getattr(self.dut, port).value), value)
            for label, kind in labels:
                self.met.append((label, kind))
        self.held[path] = before
        await self.bus.write(REGS[path][0], before)

    async def shows(self, path: str) -> None:
        """A register of the hardware's signals; what this build does not have reads 0."""
        steps, hw = Steps(self.sweep, path), self.hardware
        index = int(path.partition("[")[2].partition("]")[0] or 0)
        there = index < self.size["CTX" if path.startswith("CTX") else "SERVICES"]
        for values, labels in steps:
            if path.startswith("PERF"):
                high = path == "PERF_HI"
                hw.perf = values["value"] << 32 | 0x5A5A5A5A if high else 0xA5A5 << 32 | values["value"]
            elif path == "DMA_STATUS":
                hw.lost = values["ld_lost"] | values["st_lost"] << 1
            elif there and path.endswith(".LEVEL"):
                hw.level[index] = values["waiting"]
            elif there and path.endswith(".STEPS"):
                hw.steps[index] = values["count"]
            elif there:
                hw.state[index] = values["state"]
                hw.cause[index], hw.unit[index] = values["err_cause"], values["err_unit"]
            hw.drive(self.dut)
            await ClockCycles(self.dut.clk, 1)
            if path == "PERF_HI":
                await self.bus.read(REGS["PERF_LO"][0])
            seen = await self.bus.read(REGS[path][0])
            self.expect(f"{path} shows {values}", seen, steps.word(values) if there else 0)
            for other in ("CTX[0].STEPS", "SVC[0].LEVEL", "DMA_STATUS"):
                if other != path and labels[0][1] in ("0", "greatest"):
                    live = self.live()[other]
                    self.expect(f"{other} beside {path}", await self.bus.read(REGS[other][0]), live)
            for label, kind in labels:
                self.met.append((label, kind))

    async def pointer(self) -> None:
        """Every value class of the instruction pointer: it reads back, and the next instruction goes there."""
        steps = Steps(self.sweep, "IMEM_ADDR")
        for values, labels in steps:
            await self.bus.write(REGS["IMEM_ADDR"][0], steps.word(values))
            self.expect("IMEM_ADDR", await self.bus.read(REGS["IMEM_ADDR"][0]), steps.word(values))
            await self.instruction([int(w) for w in self.rng.integers(1 << 32, size=12)], values)
            for label, kind in labels:
                self.met.append((label, kind))

    async def words(self) -> None:
        """Every value class of a word's two parts, in every place of an instruction that their number fills."""
        steps = list(Steps(self.sweep, "IMEM_DATA"))
        path, at = Steps(self.sweep, "IMEM_DATA"), {"index": 0, "unit": 3}
        await self.bus.write(REGS["IMEM_ADDR"][0], at["index"] | at["unit"] << 16)
        for first in range(0, len(steps), 12):
            part = steps[first : first + 12]
            part += steps[: 12 - len(part)]
            await self.instruction([path.word(values) for values, _ in part], at)
            at["index"] += 1
            for _, labels in part:
                for label, kind in labels:
                    self.met.append((label, kind))

    async def instruction(self, words: list[int], at: dict[str, int]) -> None:
        """Twelve words, stored as one instruction at a place."""
        before = int(self.dut.imem_count.value)
        for word in words:
            await self.bus.write(REGS["IMEM_DATA"][0], word)
        await self.settle()
        seen = (int(self.dut.imem_count.value) - before, int(self.dut.stored_unit.value))
        seen += (int(self.dut.stored_addr.value), int(self.dut.stored_word.value))
        legal = (1, at["unit"], at["index"], sum(w << 32 * i for i, w in enumerate(words)))
        self.expect(f"instruction at {at}: count, unit, index, word", seen, legal)
