"""Reads, merges and sums up coverage: the simulator's data files and the benches' covergroups.

Verilator writes one text line per point, ``C '<key>' <count>``, whose key is a list of fields, each
``\\x01<name>\\x02<value>``: ``f`` file, ``l`` line, ``n`` column, ``t`` kind (line, branch, expr,
toggle, user), ``page`` kind and module, ``o`` what the point stands for, ``S`` the source lines that
are executed when it is hit (``3,5-7``), ``h`` instance.  Points of all instances of a module, of all
its parameter sets and of all runs are merged by their place in the source.

Covergroups (:mod:`verif.lib.coverage_groups`) are JSON files, ``{"group": {"point": {"bin": hits}}}``, which benches
write with :func:`dump`; bins that were never hit are listed with 0. Cover properties are bins too.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verif.lib.coverage_groups import (
    CoverageError,
    Groups,
    Tally,
    check_groups,
    cocotb_groups,
    dump,
    group_tally,
    merge_groups,
    property_bin,
)

__all__ = [
    "KINDS",
    "CoverageError",
    "FileCoverage",
    "Groups",
    "Point",
    "Report",
    "Tally",
    "by_file",
    "check_groups",
    "cocotb_groups",
    "collect",
    "collect_files",
    "dump",
    "group_tally",
    "merge",
    "merge_groups",
    "parse",
    "property_groups",
    "read_groups",
    "totals",
]

KINDS = ("line", "branch", "expression", "toggle", "user")
"""Kinds of code coverage, in the order of the report."""

_KIND_OF = {"line": "line", "branch": "branch", "expr": "expression", "toggle": "toggle", "user": "user"}
_ENTRY = re.compile(r"^C '(.*)' (\d+)$")


@dataclass(frozen=True, order=True)
class Point:
    """One place in the source that counts how often it was reached."""

    file: str
    line: int
    column: int
    kind: str
    what: str
    module: str = field(compare=False, default="")
    lines: tuple[int, ...] = field(compare=False, default=())


def _lines(text: str) -> tuple[int, ...]:
    """Expand ``3,5-7`` to (3, 5, 6, 7)."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)


def parse(path: Path) -> dict[Point, int]:
    """Read one data file of the simulator.

    Raises:
        CoverageError: the file is not a Verilator coverage file, or a line of it is damaged.
    """
    counts: dict[Point, int] = defaultdict(int)
    rows = path.read_text(errors="replace", encoding="utf-8").splitlines()
    if not rows or not rows[0].startswith("# SystemC::Coverage-3"):
        raise CoverageError(f"{path}: not a Verilator coverage file (no '# SystemC::Coverage-3' line)")
    for number, row in enumerate(rows[1:], 2):
        if not row or row.startswith("#"):
            continue
        match = _ENTRY.match(row)
        if match is None:
            raise CoverageError(f"{path}:{number}: not a coverage point: {row[:60]!r}")
        fields = dict(item.split("\x02", 1) for item in match[1].split("\x01") if "\x02" in item)
        try:
            kind = _KIND_OF[fields["t"]]
            place = (fields["f"], int(fields["l"]), int(fields.get("n", 0)))
            lines = _lines(fields.get("S", ""))
        except (KeyError, ValueError) as error:
            raise CoverageError(f"{path}:{number}: bad or missing field: {error}") from None
        module = fields.get("page", "").partition("/")[2].split("__", 1)[0]
        what = fields.get("o", "").replace("___05F", "__")  # how Verilator writes two underscores in a label
        counts[Point(*place, kind, what, module, lines)] += int(match[2])
    return dict(counts)


def merge(runs: Iterable[Mapping[Point, int]]) -> dict[Point, int]:
    """Add up the counts of several runs; a point that only some runs know is kept."""
    total: dict[Point, int] = {}
    for run in runs:
        for point, count in run.items():
            total[point] = total.get(point, 0) + count
    return total


@dataclass
class FileCoverage:
    """What is known of one source file."""

    file: str
    points: dict[Point, int]

    @property
    def line_counts(self) -> dict[int, int]:
        """Largest count among the points that execute a line, by line number."""
        counts: dict[int, int] = {}
        for point, count in self.points.items():
            if point.kind in ("line", "branch"):
                for line in point.lines or ((point.line,) if point.kind == "line" else ()):
                    counts[line] = max(count, counts.get(line, 0))
        return counts

    def tally(self, kind: str) -> Tally:
        """Coverage of one kind; for ``line`` source lines are counted, not points."""
        if kind == "line":
            values = list(self.line_counts.values())
        else:
            values = [count for point, count in self.points.items() if point.kind == kind]
        return Tally(sum(value > 0 for value in values), len(values))

    def missed(self, kind: str) -> list[Point]:
        """Points of one kind that were never hit, in source order."""
        return sorted(p for p, count in self.points.items() if p.kind == kind and not count)


def by_file(points: Mapping[Point, int], root: Path, below: str = "rtl") -> list[FileCoverage]:
    """Sort points into files, with paths relative to ``root``; only files in folder ``below`` count."""
    files: dict[str, dict[Point, int]] = defaultdict(dict)
    base = root.resolve()
    for point, count in points.items():
        path = Path(point.file)
        path = path if path.is_absolute() else base / path
        if path.is_relative_to(base / below):
            files[str(path.relative_to(base))][point] = count
    return [FileCoverage(name, files[name]) for name in sorted(files)]


def totals(files: Iterable[FileCoverage]) -> dict[str, Tally]:
    """Coverage of each kind over several files."""
    result = dict.fromkeys(KINDS, Tally())
    for item in files:
        for kind in KINDS:
            result[kind] += item.tally(kind)
    return result


@dataclass
class Report:
    """All coverage found in a folder."""

    files: list[FileCoverage]
    groups: Groups
    runs: int
    never_built: list[str]

    def summary(self) -> str:
        """A table for the terminal: kinds in total, then lines by folder, then covergroups."""
        rows = [f"coverage of rtl/ over {self.runs} runs"]
        rows += [f"  {kind:<12}{tally}" for kind, tally in totals(self.files).items() if tally.total]
        if self.groups:
            whole = sum((group_tally(g) for g in self.groups.values()), Tally())
            rows.append(f"  {'functional':<12}{whole} in {len(self.groups)} groups")
        folders: dict[str, list[FileCoverage]] = defaultdict(list)
        for item in self.files:
            folders[str(Path(item.file).parent)].append(item)
        for folder, items in sorted(folders.items()):
            sums = totals(items)
            shown = ", ".join(f"{kind} {sums[kind].percent:.1f} %" for kind in KINDS[:3] if sums[kind].total)
            rows.append(f"  {folder + ':':<18}{shown}")
        if self.never_built:
            rows.append(f"  never simulated: {', '.join(self.never_built)}")
        return "\n".join(rows)


def property_groups(points: Mapping[Point, int], root: Path) -> Groups:
    """Hits of cover properties as covergroups: the module is the group, a label ``<point>__<bin>`` its point and bin.

    Those outside ``root`` and in folders called ``tests`` do not count.
    """
    groups: Groups = {}
    base = root.resolve()
    for point, count in sorted(points.items()):
        path = base / point.file
        if point.kind == "user" and path.is_relative_to(base) and "tests" not in path.relative_to(base).parts:
            name, label = property_bin(point.what, point.line)
            bins = groups.setdefault(point.module, {}).setdefault(name, {})
            bins[label] = bins.get(label, 0) + count
    return groups


def collect(folder: Path, root: Path, below: str = "rtl") -> Report:
    """Read everything in ``folder`` and merge it.

    Raises:
        CoverageError: a file is damaged, or the folder holds no coverage data at all.
    """
    data = sorted(folder.glob("*.dat"))
    if not data:
        raise CoverageError(f"{folder}: no coverage data: run the tests with COVERAGE=1 (`make cov`)")
    return collect_files(data, sorted(folder.glob("*.json")), root, below)


def read_groups(path: Path) -> Groups:
    """Read a covergroup file.

    Raises:
        CoverageError: it is damaged.
    """
    try:
        return check_groups(json.loads(path.read_text(encoding="utf-8")), str(path))
    except json.JSONDecodeError as error:
        raise CoverageError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None


def collect_files(data: Sequence[Path], texts: Sequence[Path], root: Path, below: str = "rtl") -> Report:
    """Merge the simulator's data files and covergroup files.

    Raises:
        CoverageError: a file is damaged.
    """
    points = merge(map(parse, data))
    files = by_file(points, root, below)
    seen = {item.file for item in files}
    never = []
    for path in sorted((root / below).rglob("*.sv")):
        name = str(path.relative_to(root))
        if name not in seen and not re.search(r"^\s*package\s", path.read_text(encoding="utf-8"), re.M):
            never.append(name)
    return Report(files, merge_groups([*map(read_groups, texts), property_groups(points, root)]), len(data), never)
