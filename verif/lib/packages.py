"""Where the project's Python packages lie in a checkout, and from which of its folders they are imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable
from pathlib import Path

from verif.lib.toolchain import ROOT

FOLDERS = {"equinox_core": "models/equinox_core", "verif": "verif", "scripts": "scripts"}
"""Import name -> folder below the root."""
PLACES = (".", "models")
"""What stands on the path of Python (pyproject.toml: dev-mode-dirs)."""


def place(module: str, root: Path = ROOT) -> Path | None:
    """A module's file without its suffix, or a package's folder; None for names that are none of the project's."""
    first, *rest = module.split(".")
    return root.joinpath(FOLDERS[first], *rest) if first in FOLDERS else None


def python_closure(files: Iterable[Path], root: Path = ROOT) -> list[Path]:
    """The files and those of the project's packages that they import, directly or not."""
    found: dict[Path, None] = {}
    todo = list(files)
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found[path] = None
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                package = ".".join(path.parents[node.level - 1].relative_to(root).parts) if node.level else ""
                base = ".".join(filter(None, (package, node.module)))
                names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for base in filter(None, (place(name, root) for name in names)):
                todo += [file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()]
    return sorted(found)


def python_path(root: Path = ROOT) -> str:
    """PYTHONPATH for a program that is to import from one checkout, whatever is installed; the given one follows."""
    places = [os.path.normpath(root / folder) for folder in PLACES]
    return os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])])
