"""Everything that coverage counts, one item a thing to hit, in one form for gates, exclusions and lists of what is
missed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from verif.lib.coverage import FileCoverage, Report
from verif.lib.rtl import port_names

CODE = ("line", "branch", "expression")
"""Kinds of code coverage that every run collects."""
KINDS = (*CODE, "functional", "toggle")
_TOGGLE = re.compile(r"^(\w+)(.*?):?(0->1|1->0)?$")
WIDEST = 256
"""Bits of a port, or of a field of a struct at a port, up to which its toggling counts: instruction words have more."""


@dataclass(frozen=True)
class Item:
    """A thing to hit.

    kind    one of :data:`KINDS`
    where   file (code), covergroup (functional), module (toggle)
    at      text of the source line (code), point (functional), port (toggle)
    what    Verilator's words (branch, expression), bin (functional), bit and edge (toggle); empty for a line
    shown   how people find it
    """

    kind: str
    where: str
    at: str
    what: str
    shown: str
    hits: int


def squeeze(text: str) -> str:
    """A source line as exclusions name it: white space counts once, comments do not."""
    return " ".join(text.split("//")[0].split())


def code_items(files: Iterable[FileCoverage], kind: str, root: Path) -> list[Item]:
    """Lines, branches or expressions of source files below ``root``."""
    items = []
    for file in files:
        lines = [squeeze(line) for line in (root / file.file).read_text(encoding="utf-8").splitlines()]
        if kind == "line":
            items += [
                Item(kind, file.file, lines[n - 1], "", f"{file.file}:{n}", count)
                for n, count in sorted(file.line_counts.items())
            ]
            continue
        for point, count in sorted(file.points.items()):
            if point.kind == kind:
                items.append(
                    Item(
                        kind,
                        file.file,
                        lines[point.line - 1],
                        point.what,
                        f"{file.file}:{point.line} {point.what}",
                        count,
                    )
                )
    return items


def functional_items(report: Report) -> list[Item]:
    """Bins of all covergroups."""
    return [
        Item("functional", group, point, name, f"{group}.{point}: {name}", hits)
        for group, points in sorted(report.groups.items())
        for point, bins in sorted(points.items())
        for name, hits in bins.items()
    ]


def _field(bits: str) -> str:
    """A bit's place without its number: the word it is of."""
    return re.sub(r"\[\d+\]$", "", bits)


def toggle_items(files: Iterable[FileCoverage], root: Path) -> list[Item]:
    """Both edges of every bit of the modules' ports."""
    items = []
    for file in files:
        known = set(port_names((root / file.file).read_text(encoding="utf-8")))
        module = Path(file.file).stem
        found = [
            (*_TOGGLE.match(point.what).groups(), count)
            for point, count in sorted(file.points.items())
            if point.kind == "toggle"
        ]
        width = Counter((name, _field(bits), edge) for name, bits, edge, _ in found)
        for name, bits, edge, count in found:
            if name in known and width[name, _field(bits), edge] <= WIDEST:
                what = f"{bits} {edge or ''}".strip()
                items.append(Item("toggle", module, name, what, f"{module}.{name}{bits} {edge or ''}".strip(), count))
    return items


def items_of(report: Report, kind: str, root: Path) -> list[Item]:
    """All items of one kind."""
    if kind == "functional":
        return functional_items(report)
    return toggle_items(report.files, root) if kind == "toggle" else code_items(report.files, kind, root)
