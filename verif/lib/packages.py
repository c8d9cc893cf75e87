"""Where the project's Python packages lie in a checkout, and from which of its folders they are imported."""

from __future__ import annotations

import os
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


def python_path(root: Path = ROOT) -> str:
    """PYTHONPATH for a program that is to import from one checkout, whatever is installed; the given one follows."""
    places = [os.path.normpath(root / folder) for folder in PLACES]
    return os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])])
