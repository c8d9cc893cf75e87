"""Imports inside the project's Python packages, module by module, and the circles among them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from verif.lib.packages import FOLDERS


def modules(root: Path) -> dict[str, Path]:
    """Every module of the packages by its name; a package itself is its ``__init__``."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = [package, *path.relative_to(root / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, known: Mapping[str, Path]) -> dict[str, int]:
    """The modules that a module imports, anywhere in its text, with the line. A name taken from a package is its
    module where there is one, else the package.
    """
    path = known[name]
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):  # other rules say so
        return {}
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [full if (full := f"{base}.{alias.name}") in known else base for alias in node.names]
        else:
            continue
        for other in names:
            if other in known and other != name:
                found.setdefault(other, node.lineno)
    return found


def circles(root: Path) -> list[str]:
    """Modules that import each other in a circle: one line a circle, at an import that is part of it."""
    known = modules(root)
    arrows = {name: imported(name, known) for name in known}
    findings = []
    for group in _tied(arrows):
        way = _way(arrows, group)
        first = way[0]
        where = f"{known[first]}:{arrows[first][way[1 % len(way)]]}"
        findings.append(f"{where}: imports in a circle: {' -> '.join([*way, first])}")
    return findings


def _reached(arrows: Mapping[str, Mapping[str, int]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        new = [other for other in arrows[todo.pop()] if other not in seen]
        seen.update(new)
        todo += new
    return seen


def _tied(arrows: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """Groups of modules of which each imports each other, directly or not."""
    reached = {name: _reached(arrows, name) for name in arrows}
    groups: list[list[str]] = []
    for name in sorted(arrows):
        if name in reached[name] and not any(name in group for group in groups):
            groups.append([other for other in sorted(reached[name]) if name in reached[other]])
    return groups


def _way(arrows: Mapping[str, Mapping[str, int]], group: list[str]) -> list[str]:
    """A shortest circle through the first module of a group."""
    ways = [[group[0]]]
    while True:
        longer = []
        for way in ways:
            for other in sorted(arrows[way[-1]]):
                if other == group[0]:
                    return way
                if other in group and other not in way:
                    longer.append([*way, other])
        ways = longer
