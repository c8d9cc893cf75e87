"""Where things lie: rings of buffer slots, regions with lifetimes, DRAM addresses."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config
from ..dram_layout import block_beats, line_beats
from ..isa.program import Needs


@dataclass(frozen=True)
class Room:
    """What of each relocated memory a training program may use: lines (vec, acc) or blocks (actc, wgtd)."""

    vec: int
    acc: int
    actc: int
    wgtd: int

    @staticmethod
    def whole(cfg: Config) -> Room:
        """All of a core without services."""
        return Room(cfg.VEC_DEPTH, cfg.ACC_DEPTH, cfg.ACTC_DEPTH, cfg.WGTD_DEPTH)


def too_small(who: str, buffer: str, need: int, have: int, what: str) -> ValueError:
    """The error for something that does not fit."""
    return ValueError(f"{who}: {buffer}: need {need}, have {have} ({what})")


class Ring:
    """Slots of varying size taken one after another from a region, over and over.

    At most ``items`` slots are taken before it starts again at the bottom: that bounds how far a producer runs ahead.
    """

    def __init__(self, who: str, buffer: str, base: int, size: int, items: int = 6) -> None:
        self.who, self.buffer, self.base, self.size, self.items = who, buffer, base, size, items
        self._next = self._taken = 0

    def take(self, size: int, after: int | None = None) -> int:
        """Address of the next slot; ``after``: not before this address, until it starts again at the bottom.

        Raises:
            ValueError: it is larger than the region.
        """
        if size > self.size:
            raise too_small(self.who, self.buffer, size, self.size, "one operand at a time")
        if after is not None:
            self._next = max(self._next, after - self.base)
        if self._next + size > self.size or self._taken == self.items:
            self._next = self._taken = 0
        at = self.base + self._next
        self._next += size
        self._taken += 1
        return at


class Regions:
    """First-fit allocation of regions that live from a first to a last phase (inclusive) of an iteration."""

    def __init__(self) -> None:
        self._held: list[tuple[int, int, int, int]] = []  # base, size, first, last
        self.top = 0

    def take(self, size: int, first: int, last: int) -> int:
        """Address of a region of ``size``."""
        base = 0
        for at, n, start, end in sorted(self._held):
            if first <= end and start <= last and base < at + n and at < base + size:
                base = at + n
        self._held.append((base, size, first, last))
        self.top = max(self.top, base + size)
        return base


class DramMap:
    """Consecutive DRAM addresses (bytes, relative to the context's base), aligned to beats."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.size = 0

    def bytes(self, count: int) -> int:
        """Address of a new region of ``count`` bytes."""
        at = self.size
        self.size += -(-count // self.cfg.BUS) * self.cfg.BUS
        return at

    def blocks(self, count: int, times: int = 1) -> int:
        """Address of ``times`` consecutive runs of ``count`` blocks."""
        return self.bytes(times * self.block_bytes(count))

    def lines(self, count: int, times: int = 1) -> int:
        """Address of ``times`` consecutive runs of ``count`` fp32 lines."""
        return self.bytes(times * self.line_bytes(count))

    def block_bytes(self, count: int) -> int:
        """Bytes of a run of blocks."""
        return block_beats(count, self.cfg.K, self.cfg.BUS) * self.cfg.BUS

    def line_bytes(self, count: int) -> int:
        """Bytes of a run of lines."""
        return line_beats(count, self.cfg.L, self.cfg.BUS) * self.cfg.BUS


def room_beside(cfg: Config, needs: list[Needs]) -> Room:
    """What services (by their needs, any of them in any inference context) leave for training.

    Raises:
        ValueError: the services alone do not fit.
    """
    used = {"vec": 0, "acc": 0, "actc": 0, "wgtd": 0}
    for name in ("vec", "acc", "actc"):
        used[name] = cfg.C_INF * max((getattr(n, name) for n in needs), default=0)
    used["vec"] += sum(n.cst for n in needs)
    used["wgtd"] = sum(-(-n.wgtd // cfg.L) * cfg.L for n in needs)
    left = {}
    for name, count in used.items():
        have = getattr(cfg, f"{name.upper()}_DEPTH")
        if count > have:
            raise too_small("services", name.upper(), count, have, f"{name.upper()}_DEPTH of configuration {cfg.name}")
        left[name] = have - count
    return Room(**left)
