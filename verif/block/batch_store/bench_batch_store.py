"""Tests of what a context keeps of its batch: every value class of settings and rows, and the time that is left."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from equinox_core.hw.structs import BATCH_ROW, SVC_CFG
from verif.lib import checks, coverage
from verif.lib.bench import generator, param, reset
from verif.lib.covergroup import Covergroup
from verif.lib.field_sweep import value_classes
from verif.lib.verdict import equal, require

KEPT = {"tx_lines": 8, "pc_valid": 4, "w_base": 16, "c_base": 16}  # settings, as they were with the first row
OF_ROWS = {"svc": (8, 0, 255), "rows": (8, 1, 128), "slot": (10, 0, 1023)}  # bits, least and greatest of any core
LEFT = {"left": 32}


def classes() -> dict[str, dict[str, int]]:
    """Every field with its value classes."""
    out = {name: value_classes(width) for name, width in (KEPT | LEFT).items()}
    for name, (width, least, most) in OF_ROWS.items():
        out[name] = {label: v for label, v in value_classes(width).items() if least <= v <= most}
    return out


def batch_store_fields_cg() -> Covergroup:
    """``batch_store_fields_cg``: a bin for each field and class."""
    return Covergroup("batch_store_fields_cg", {f"cp_{name}": tuple(of) for name, of in classes().items()})


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {batch_store_fields_cg().name: coverage.cocotb_groups()["batch_store_fields_cg"]}


class Bench:
    """Hands a batch over and compares all outputs in every cycle."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.rng = dut, generator()
        self.n, self.slots = param("N"), param("RX_SLOTS")
        self.kept: dict[str, int] = {}
        self.held: dict[int, int] = {}  # row -> slot, of all rows that ever came
        self.mask = self.left = self.compared = 0
        self.opened = False

    def random(self, struct: Any) -> int:
        """A struct's bits, all of them anything."""
        return int.from_bytes(self.rng.bytes(-(-struct.bits // 8)), "little") & (1 << struct.bits) - 1

    async def cycle(
        self, row: dict[str, int] | None = None, settings: dict[str, int] | None = None, left: int = 0
    ) -> None:
        """A cycle with a row, or without; what is not given is random."""
        dut = self.dut
        word, svc = BATCH_ROW.unpack(self.random(BATCH_ROW)), SVC_CFG.unpack(self.random(SVC_CFG))
        vars(word).update(row or {})
        vars(svc).update(settings or {})
        free = bool(self.rng.random() < 0.3)
        dut.row_valid.value, dut.row.value = int(row is not None), BATCH_ROW.pack(**vars(word))
        dut.svc.value, dut.free.value = SVC_CFG.pack(**vars(svc)), int(free)
        dut.left.value = left if row is not None and row["row"] == 0 else int(self.rng.integers(1 << 32))
        await FallingEdge(dut.clk)
        first = row is not None and row["row"] == 0
        self.left = left if first else max(self.left - 1, 0)
        if first:
            self.kept = {name: getattr(svc, name) for name in KEPT} | {"svc_number": word.svc, "rows": word.rows}
        if row is not None:
            self.mask = (0 if first else self.mask) | 1 << word.slot
            self.held[word.row] = word.slot
        self.opened = first
        if not self.kept:
            return
        seen = {name: int(getattr(dut, name).value) for name in self.kept}
        equal(seen, self.kept, "settings, service and rows")
        equal(int(dut.free_mask.value), self.mask if free else 0, "slots that are free")
        equal((int(dut.open.value), int(dut.late.value)), (int(self.opened), int(self.left == 0)), "open, late")
        self.compared += 3
        if row is not None and self.rng.random() < 0.8:
            return  # many slots, which the cycles behind the last row show too
        slots, bits = int(dut.slot.value), (self.slots - 1).bit_length()
        for number, slot in self.held.items():
            equal(slots >> bits * number & (1 << bits) - 1, slot, f"slot of row {number}")
        self.compared += len(self.held)

    def preset(self, left: int) -> None:
        """Let time pass: so many cycles are left."""
        self.dut.preset_value.value, self.left = left, left
        self.dut.preset.value = not int(self.dut.preset.value)

    async def batch(self, rows: int, slots: list[int], svc: int, settings: dict[str, int], left: int) -> None:
        """All rows of a batch, with pauses, of which the settings of the first count."""
        for number in range(rows):
            while self.rng.random() < 0.1:
                await self.cycle()
            row = {"svc": svc, "rows": rows, "row": number, "slot": slots[number]}
            await self.cycle(row, settings if number == 0 else None, left)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def fields(dut: Any) -> None:
    """Every value class of every field, side by side with others; the time that is left is counted down to the end."""
    bench, of, group = Bench(dut), classes(), batch_store_fields_cg()
    await reset(dut)
    values = {name: list(cases.items()) for name, cases in of.items()}
    for n in range(max(map(len, values.values()))):
        chosen = {name: cases[(n + 3 * k) % len(cases)] for k, (name, cases) in enumerate(values.items())}
        value = {name: v for name, (_, v) in chosen.items()}
        require(value["rows"] <= bench.n and value["slot"] < bench.slots, "the build is too small")
        slots = [int(s) for s in bench.rng.permutation(bench.slots)[: value["rows"]]]
        slots[-1] = value["slot"]
        settings = {name: value[name] for name in KEPT}
        await bench.batch(value["rows"], slots, value["svc"], settings, value["left"])
        for _ in range(4):
            await bench.cycle()
        if bench.left:
            for left in (value["left"] // 2 + 2, 3):  # a carry on the way, and the end
                bench.preset(left)
                for _ in range(5):
                    await bench.cycle()
        group.sample(**{f"cp_{name}": label for name, (label, _) in chosen.items()})
    left = [
        f"{p}: {b}"
        for p, bins in covergroups()["batch_store_fields_cg"].items()
        for b, hits in bins.items()
        if not hits
    ]
    require(not left, f"{len(left)} classes were never tried: {'; '.join(left[:8])}")
    coverage.dump(covergroups(), "batch_store")
    checks.compared("outputs of the store", bench.compared)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def countdown(dut: Any) -> None:
    """The time that is left borrows from each of its bits."""
    bench = Bench(dut)
    await reset(dut)
    await bench.batch(1, [0], 0, {}, 1)
    for k in range(32):
        bench.preset(1 << k)
        for _ in range(3):
            await bench.cycle()
            equal(int(dut.dut.left_q.value), bench.left, f"cycles left, from 2^{k}")
    checks.compared("cycles left", 96)
