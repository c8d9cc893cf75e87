"""Merges the modules of an RTLIL file that are equal but for their names: with its hierarchy kept, the reader makes a
module of every instance, and synthesis would do the same work over and over.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_AUTO = re.compile(r"\$[^\s\]\[{}]+")  # a name that Yosys made
_CELL = re.compile(r"^(\s*cell )(\S+) (\S+)$")


@dataclass
class _Module:
    name: str
    attributes: list[str]
    body: list[str] = field(default_factory=list)


def _parse(text: str) -> tuple[list[str], dict[str, _Module]]:
    """Lines before the modules, and the modules by name."""
    head: list[str] = []
    modules: dict[str, _Module] = {}
    pending: list[str] = []
    current: _Module | None = None
    for line in text.split("\n"):
        if current is not None:
            if line == "end":
                current = None
            else:
                current.body.append(line)
        elif line.startswith("module "):
            current = modules[line[7:].strip()] = _Module(line[7:].strip(), pending)
            pending = []
        elif line.startswith("attribute "):
            pending.append(line)
        else:
            head.append(line)
    return head, modules


def base(name: str) -> str:
    """The source's module of a module's name: the reader appends ``$`` and the instance's path."""
    return name.split("$")[0]


class _Merger:
    """Finds for every module the first that is equal: children first, so that equal children make parents equal."""

    def __init__(self, modules: dict[str, _Module]) -> None:
        self.modules = modules
        self.same: dict[str, str] = {}  # module -> the one that stands for it
        self.seen: dict[tuple[str, str], str] = {}
        self.kept: list[str] = []
        for name in modules:
            self._visit(name)

    def _visit(self, name: str) -> None:
        if name in self.same:
            return
        module = self.modules[name]
        for line in module.body:
            cell = _CELL.match(line)
            if cell and cell[2] in self.modules:
                self._visit(cell[2])
        key = (base(name), self._normal(module))
        if key not in self.seen:
            self.seen[key] = name
            self.kept.append(name)
        self.same[name] = self.seen[key]

    def _normal(self, module: _Module) -> str:
        """The body without attributes, made names numbered in their order, children by what stands for them."""
        numbers: dict[str, str] = {}

        def number(found: str) -> str:
            return numbers.setdefault(found, f"@{len(numbers)}")

        lines = []
        for line in module.body:
            words = line.strip()
            if words.startswith("attribute "):
                continue
            cell = _CELL.match(line)
            if cell:
                kind = self.same.get(cell[2], cell[2])
                lines.append(f"cell {kind} {number(cell[3]) if cell[3].startswith('$') else cell[3]}")
            else:
                lines.append(_AUTO.sub(lambda match: number(match[0]), words))
        return "\n".join(lines)


def merge(source: Path, target: Path) -> tuple[int, int]:
    """Write the modules of ``source`` to ``target``, equal ones once, with short names (``eqx_arb``, ``eqx_arb_v1``);
    returns how many there were and how many there are.
    """
    head, modules = _parse(source.read_text(encoding="utf-8"))
    merger = _Merger(modules)
    counts: Counter[str] = Counter()
    short = {}
    for name in merger.kept:
        stem = base(name)
        short[name] = stem if not counts[stem] else f"{stem}_v{counts[stem]}"
        counts[stem] += 1
    lines = head
    for name in merger.kept:
        module = modules[name]
        lines += [*module.attributes, f"module {short[name]}"]
        for line in module.body:
            cell = _CELL.match(line)
            if cell and cell[2] in merger.same:
                line = f"{cell[1]}{short[merger.same[cell[2]]]} {cell[3]}"
            lines.append(line)
        lines.append("end")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(modules), len(merger.kept)
