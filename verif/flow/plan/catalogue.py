"""What a plan may refer to: tests, covergroups, modules, cover properties, Python modules, chapters of the docs.

All of it is found without a simulation. Covergroups are those that modules of ``verif/`` declare: each Python module
that defines some has a function ``covergroups() -> Groups``, which gives them with all bins, in the form in which runs
dump them; in HDL a module ``*_cg`` is a group, whose cover properties ``<point>__<bin>`` are its points and bins.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.flow.collect import Test, collect
from verif.lib.coverage import Groups, check_groups, merge_groups
from verif.lib.coverage_groups import property_bin
from verif.lib.packages import place
from verif.lib.rtl import strip_comments
from verif.lib.toolchain import ROOT

_DECLARES = re.compile(r"^def covergroups\(\)", re.M)
_MODULE = re.compile(r"^\s*module\s+(\w+)", re.M)
_COVER = re.compile(r"(?:(\w+)\s*:\s*)?\bcover\s+property\b")
_HEADING = re.compile(r"^(#+) (.+)$")
_GENERATED = {"testplan.md": 0, "registers.md": 1}  # page -> how many levels of its headings are chapters


@dataclass(frozen=True)
class Place:
    """Something with a place in a file."""

    where: str  # file:line


@dataclass(frozen=True)
class Catalogue:
    """Everything that exists, by name."""

    tests: Mapping[str, Test]
    groups: Mapping[str, Mapping[str, Mapping[str, int]]]
    group_places: Mapping[str, str]  # covergroup -> file:line
    modules: Mapping[str, Place]  # of rtl/
    properties: Mapping[str, Place]  # module.label
    unnamed_properties: tuple[Place, ...]
    chapters: Mapping[str, Place]  # page.md#anchor
    root: Path = ROOT

    def python(self, name: str) -> list[Path]:
        """The files of a Python module, or of all in a package; empty when there is none."""
        path = place(name, self.root) if re.fullmatch(r"\w+(\.\w+)*", name) else None
        if path is None:
            return []
        if path.is_dir():
            return sorted(p for p in path.rglob("*.py") if "tests" not in p.parts and not p.name.startswith("test_"))
        return [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else []


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def chapters(docs: Path, root: Path = ROOT) -> dict[str, Place]:
    """Headings of the first two levels of all written pages: ``mmu.md#time-of-a-row``; of the registers' page its
    title.
    """
    found = {}
    for page in sorted(docs.glob("*.md")):
        levels = _GENERATED.get(page.name, 2)
        fenced = False
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            fenced ^= line.startswith("```")
            match = None if fenced else _HEADING.match(line)
            if match and len(match[1]) <= levels:
                found[f"{page.name}#{anchor(match[2])}"] = Place(f"{page.relative_to(root)}:{number}")
    return found


def properties(root: Path = ROOT) -> tuple[dict[str, Place], list[Place]]:
    """Named cover properties of rtl/ and the benches by ``module.label``, and the places of those without a name."""
    named, unnamed = {}, []
    for folder in ("rtl", "verif"):
        for path in sorted((root / folder).rglob("*.sv")):
            if "tests" in path.parts:
                continue
            text = strip_comments(path.read_text(encoding="utf-8"))
            module = _MODULE.search(text)
            for match in _COVER.finditer(text):
                place = Place(f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}")
                if module and match[1]:
                    named[f"{module[1]}.{match[1]}"] = place
                else:
                    unnamed.append(place)
    return named, unnamed


def modules(root: Path = ROOT) -> dict[str, Place]:
    """The modules of rtl/ by name."""
    found = {}
    for path in sorted((root / "rtl").rglob("*.sv")):
        text = strip_comments(path.read_text(encoding="utf-8"))
        for match in _MODULE.finditer(text):
            found[match[1]] = Place(f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start(1)) + 1}")
    return found


def declared(root: Path = ROOT) -> tuple[Groups, dict[str, str]]:
    """Covergroups that modules of verif/ declare, and where each is declared.

    Raises:
        ValueError: two modules declare the same group.
    """
    groups: Groups = {}
    places: dict[str, str] = {}
    for path in sorted((root / "verif").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        match = _DECLARES.search(text)
        if not match or "tests" in path.relative_to(root / "verif").parts[1:]:
            continue
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        where = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}"
        for group, points in check_groups(importlib.import_module(name).covergroups(), where).items():
            if group in groups:
                raise ValueError(f"{where}: covergroup {group} is declared at {places[group]} too")
            groups[group], places[group] = points, where
    return groups, places


def catalogue(root: Path = ROOT, tests: list[Test] | None = None) -> Catalogue:
    """Look at the whole project; takes some seconds, most of them for pytest's collection.

    Raises:
        CollectError: the tests cannot be collected.
        ValueError: covergroups are declared badly.
    """
    groups, places = declared(root)
    named, unnamed = properties(root)
    for name in [name for name in named if name.partition(".")[0].endswith("_cg")]:
        group, label = name.split(".")
        place = named.pop(name)
        point, bin_ = property_bin(label, 0)
        groups = merge_groups([groups, {group: {point: {bin_: 0}}}])
        places.setdefault(group, place.where)
    found = collect() if tests is None else tests
    return Catalogue(
        {t.id: t for t in found},
        groups,
        places,
        modules(root),
        named,
        tuple(unnamed),
        chapters(root / "docs", root),
        root,
    )
