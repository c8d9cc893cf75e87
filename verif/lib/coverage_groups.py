"""Covergroups as data: ``{"group": {"point": {"bin": hits}}}``, written by benches, checked, merged, summed up.

They come from three places: the cocotb-coverage library (:mod:`verif.lib.covergroup`), counters that a bench keeps
itself, and cover properties. Hits of several runs are added by the bins' names, so runs may differ in their bins; the
library's own merge needs files whose bins are the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Groups = dict[str, dict[str, dict[str, int]]]


class CoverageError(ValueError):
    """A coverage file is not in the expected format."""


@dataclass(frozen=True)
class Tally:
    """How many of how many were hit."""

    hit: int = 0
    total: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.hit + other.hit, self.total + other.total)

    @property
    def percent(self) -> float | None:
        """Share that was hit in percent; None when there is nothing to hit."""
        return 100.0 * self.hit / self.total if self.total else None

    def __str__(self) -> str:
        return f"{self.percent:5.1f} % ({self.hit}/{self.total})" if self.total else "-"


def check_groups(data: object, where: str) -> Groups:
    """Return covergroups as they were given, once their shape is checked.

    Raises:
        CoverageError: not ``{"group": {"point": {"bin": hits}}}`` with hits >= 0.
    """
    form = '{"group": {"point": {"bin": hits}}}'
    if not isinstance(data, dict):
        raise CoverageError(f"{where}: expected {form}")
    for group, points in data.items():
        if not isinstance(points, dict):
            raise CoverageError(f"{where}: group {group!r}: expected {form}")
        for point, bins in points.items():
            if not isinstance(bins, dict) or not bins:
                raise CoverageError(f"{where}: {group}.{point}: expected bins with hits")
            for name, hits in bins.items():
                if isinstance(hits, bool) or not isinstance(hits, int) or hits < 0:
                    raise CoverageError(f"{where}: {group}.{point}.{name}: hits must be >= 0, not {hits!r}")
    return data


def merge_groups(parts: Iterable[Groups]) -> Groups:
    """Add up the hits of several covergroup files."""
    total: Groups = {}
    for part in parts:
        for group, points in part.items():
            for point, bins in points.items():
                into = total.setdefault(group, {}).setdefault(point, {})
                for name, hits in bins.items():
                    into[name] = into.get(name, 0) + hits
    return total


def group_tally(points: Mapping[str, Mapping[str, int]]) -> Tally:
    """Bins hit of one covergroup."""
    values = [hits for bins in points.values() for hits in bins.values()]
    return Tally(sum(hits > 0 for hits in values), len(values))


def dump(groups: Groups, name: str = "functional") -> Path | None:
    """Write covergroups of the current simulation where the report finds them.

    Does nothing unless coverage is being collected.  Call it once at the end of a bench.

    Args:
        groups: ``{"group": {"point": {"bin": hits}}}``, all bins listed.
        name: part of the file's name, to tell several calls of one simulation apart.
    """
    check_groups(groups, "covergroups")
    folder = os.environ.get("EQX_COVERAGE_DIR")
    if not folder:
        return None
    run = "-".join(Path.cwd().parts[-2:])  # a simulation runs in its own folder
    target = Path(folder) / f"{run}-{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(groups, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(part, target)
    return target


def cocotb_groups() -> Groups:
    """The points and crosses sampled so far with the cocotb-coverage library, as covergroups."""
    from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_db

    groups: Groups = {}
    for name, item in coverage_db.items():
        if isinstance(item, (CoverPoint, CoverCross)):
            group, _, point = name.rpartition(".")
            bins = {_label(label): int(hits) for label, hits in item.detailed_coverage.items()}
            groups.setdefault(group or name, {})[point] = bins
    return groups


def _label(label: object) -> str:
    """Name of a bin; a cross's is the names of its points' bins."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def property_bin(label: str, line: int) -> tuple[str, str]:
    """Point and bin of a cover property from its label; one without a label is known by its line."""
    if label in ("", "cover"):
        return "cover", f"line {line}"
    point, *bins = label.split("__")
    return point, ", ".join(part.replace("_", " ") for part in bins) or "hit"
