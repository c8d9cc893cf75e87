"""How far each coverage item of the plan is covered by the runs that left data in a folder (``build/cov``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from verif.flow.plan import pycov
from verif.flow.plan.catalogue import Catalogue
from verif.flow.plan.items import Item
from verif.flow.plan.load import Plan
from verif.lib import coverage
from verif.lib.coverage import FileCoverage, Groups, Tally

Measured = Mapping[str, Tally]
"""Coverage item, as the plan writes it, to what of it was hit; an item without data is absent."""
_CODE = ("line", "branch", "expression")


def dumped(folder: Path) -> Groups:
    """The covergroups that the runs of a folder dumped, merged.

    Raises:
        CoverageError: a file is damaged.
    """
    return coverage.merge_groups(map(coverage.read_groups, sorted(folder.glob("*.json"))))


class Measure:
    """The data of a folder, read once.

    Raises:
        CoverageError: a file of the folder is damaged.
    """

    def __init__(self, known: Catalogue, folder: Path, passed: Mapping[str, set[str]] | None = None) -> None:
        """``passed``: of each test the pytest nodes that passed, for items of the kind ``cases:``."""
        self.known, self.passed = known, passed or {}
        points = coverage.merge(map(coverage.parse, sorted(folder.glob("*.dat"))))
        self.files: dict[str, FileCoverage] = {
            Path(file.file).stem: file for file in coverage.by_file(points, known.root)
        }
        self.properties: dict[str, int] = {}
        for point, hits in points.items():
            if point.kind == "user":
                name = f"{point.module}.{point.what}"
                self.properties[name] = self.properties.get(name, 0) + hits
        self.dumped = dumped(folder)
        self.groups = coverage.merge_groups([self.dumped, coverage.property_groups(points, known.root)])
        self.lines = pycov.executed(folder, known.root)

    def all_of(self, plan: Plan) -> dict[str, Tally]:
        """Tallies of all items of a plan that have data."""
        found = {text.value: self.tally(Item.parse(text.value)) for point in plan.testpoints for text in point.coverage}
        return {text: tally for text, tally in found.items() if tally.total}

    def tally(self, item: Item) -> Tally:
        """What was hit of an item; empty without data."""
        return getattr(self, f"_{item.kind}")(item)

    def _group(self, item: Item) -> Tally:
        bins = [
            hits
            for group, point in item.points(self.known)
            for hits in self.groups.get(group, {}).get(point, {}).values()
        ]
        return Tally(sum(hits > 0 for hits in bins), len(bins))

    def _code(self, item: Item) -> Tally:
        files = [self.files[name] for name in item.modules(self.known) if name in self.files]
        return sum((file.tally(kind) for file in files for kind in _CODE), Tally())

    def _sva(self, item: Item) -> Tally:
        hits = [self.properties[name] for name in item.properties(self.known) if name in self.properties]
        return Tally(sum(count > 0 for count in hits), len(hits))

    def _py(self, item: Item) -> Tally:
        total = Tally()
        for path in self.known.python(item.name):
            hit = self.lines.get(str(path.relative_to(self.known.root)))
            if hit is not None:
                statements = pycov.statements(path)
                total += Tally(len(statements & hit), len(statements))
        return total

    def _cases(self, item: Item) -> Tally:
        if item.name not in self.passed:
            return Tally()
        runs = set(self.known.tests[item.name].runs)
        return Tally(len(self.passed[item.name] & runs), len(runs))
