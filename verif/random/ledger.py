"""What a program may do next: it reads only what it has written, and keeps to what is its own.

Memories start with random contents, so a value is known only where the program (or boot, or the host) has written it.
An inference program runs in several contexts at once. What it writes into buffers that all contexts share, or into
DRAM, is therefore computed from constants, not from the batch, and each address is written once: whichever context
writes it, the same value stands there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from equinox_core.config import Config
from equinox_core.isa.access import Access, accesses
from equinox_core.isa.check import Fault, check_fields
from equinox_core.isa.encoding import UNIT_OF_OP, Instr, Op
from equinox_core.isa.own_lines import OwnLines, check_own_lines
from verif.random.layout import COMMON, DEPTHS, Area, service_area, share, training_area

SHARED = frozenset((*COMMON, "WGTD", "DRAM"))
OF_THE_BATCH = frozenset(("VEC", "ACC", "ACTC", "RXB", "TXB"))


class Refused(ValueError):
    """An instruction may not come here; ``space`` is where a value is missing, or ""."""

    def __init__(self, why: str, space: str = "") -> None:
        super().__init__(why)
        self.space = space


class Ledger:
    """Which addresses hold known values, for every number of rows that a batch may have.

    Args:
        rows: numbers of rows to follow (a training program: (None,)).
        ends: end of what the program may use of each space (DRAM: beats).
        given: addresses below which a space is known at the start.
        area: its DRAM; a service reads below ``area.out`` and writes from there on.
        starts: first address that it may use of a space (default 0).
        turns: iterations after which DMA addresses come again.
    """

    def __init__(
        self,
        cfg: Config,
        rows: tuple[int | None, ...],
        ends: Mapping[str, int],
        given: Mapping[str, int],
        area: Area,
        starts: Mapping[str, int] | None = None,
        turns: int = 1,
    ) -> None:
        self.cfg, self.rows, self.ends, self.area, self.turns = cfg, rows, dict(ends), area, turns
        self.training = rows == (None,)
        self.starts = dict(starts or {})
        self.known: dict[int | None, dict[str, NDArray[np.bool_]]] = {
            r: {s: np.arange(end) < given.get(s, 0) for s, end in ends.items() if s != "DRAM"} for r in rows
        }
        self.once: set[tuple[str, int]] = set()  # shared addresses that a service has written

    def admit(self, ins: Instr) -> None:
        """Take note of an instruction.

        Raises:
            Refused: it is illegal here; nothing is noted.
        """
        if ins.op == Op.NOP:
            return
        for rows in self.rows:
            try:
                check_fields(ins, UNIT_OF_OP[ins.op], self.cfg, self.training, rows)
            except Fault as fault:
                raise Refused(str(fault)) from None
        touched = {rows: self._touched(ins, rows) for rows in self.rows}
        for rows, every in touched.items():
            for acc in every:
                self._check_range(acc)
            try:
                check_own_lines(every, self.cfg.L)
            except OwnLines as why:
                raise Refused(str(why)) from None
            for acc in self._reads(ins, every):
                known = self.known[rows].get(acc.space)
                if known is not None and not known[acc.addr].all():
                    raise Refused(
                        f"{acc.space} {acc.addr[~known[acc.addr]][0]} is read and not written before", acc.space
                    )
        if not self.training:
            self._check_shared(ins, touched[self.rows[0]])
        for rows, every in touched.items():
            for acc in every:
                if acc.write and acc.space in self.known[rows]:
                    self.known[rows][acc.space][acc.addr] = True

    def _touched(self, ins: Instr, rows: int | None) -> list[Access]:
        if ins.op in (Op.LOAD, Op.STORE) and ins.fields["d_iter"] and self.training:
            first, *more = (accesses(ins, self.cfg, rows, n) for n in range(self.turns))
            return first + [acc for turn in more for acc in turn if acc.space == "DRAM"]
        return accesses(ins, self.cfg, rows)

    @staticmethod
    def _reads(ins: Instr, every: list[Access]) -> list[Access]:
        """What is read; a product that accumulates reads its own lines."""
        adds = ins.op == Op.MATMUL and ins.accum
        return [acc for acc in every if not acc.write or (adds and acc.space == "ACC")]

    def _check_range(self, acc: Access) -> None:
        end, low = self.ends.get(acc.space, 0), self.starts.get(acc.space, 0)
        if acc.addr.max() >= end or acc.addr.min() < low:
            raise Refused(f"{acc.space} {acc.addr.min()}..{acc.addr.max()}: its own are {low}..{end - 1}")

    def _check_shared(self, ins: Instr, every: list[Access]) -> None:
        out = self.area.out // self.cfg.BUS
        for acc in every:
            if acc.space == "DRAM" and ((acc.addr < out) if acc.write else (acc.addr >= out)).any():
                raise Refused("a service reads its DRAM's inputs and writes the rest")
        writes = [a for a in every if a.write and a.space in SHARED]
        if not writes:
            return
        dynamic = any(ins.fields.get(f) for f in ("dyn_rows", "dyn_o", "dyn_i"))
        if dynamic or any(not a.write and a.space in OF_THE_BATCH for a in every):
            raise Refused("a service writes what all contexts share from constants only")
        places = [(a.space, int(n)) for a in writes for n in a.addr]
        if len(set(places)) < len(places) or not self.once.isdisjoint(places):
            raise Refused("a service writes what all contexts share once")
        self.once.update(places)


def service_ledger(cfg: Config, part, index: int, ends: Mapping[str, int] | None = None) -> Ledger:
    """Of a service (a ``ServiceCase``): payload, weights and constants are there; ``ends`` bound VEC, ACC and ACTC
    (default: the memory).
    """
    area = service_area(cfg, index)
    shares = {space: share(cfg, index, space) for space in COMMON}
    limits = {s: getattr(cfg, DEPTHS[s]) // cfg.C_INF for s in ("VEC", "ACC", "ACTC")} | dict(ends or {})
    limits |= {s: end for s, (_, end) in shares.items()}
    limits |= {
        "WGTD": part.weights + part.loaded,
        "CST": part.constants,
        "RXB": part.rx_lines,
        "TXB": cfg.N * cfg.TX_LINES,
        "DRAM": area.end // cfg.BUS,
    }
    starts = {s: low for s, (low, _) in shares.items()} | {"DRAM": area.lines // cfg.BUS}
    given = {"WGTD": part.weights, "CST": part.constants, "RXB": part.rx_lines}
    ledger = Ledger(cfg, tuple(range(1, cfg.N + 1)), limits, given, area, starts)
    ledger.once.update(("WGTD", n) for n in range(part.weights))
    return ledger


def training_ledger(cfg: Config, part, ends: Mapping[str, int]) -> Ledger:
    """Of a training program (a ``TrainingCase``) that may use what ``ends`` says of each space."""
    area = training_area(cfg)
    limits = {**ends, "CST": part.constants, "DRAM": area.end // cfg.BUS}
    return Ledger(cfg, (None,), limits, {"CST": part.constants}, area, turns=part.iter_mod)
