"""Planted faults: changes of source text, made in a copy, each behind a switch, so that one build serves many faults.

The one mechanism of the project. A list of faults is a ``faults.yaml``; each entry has an ``id``, what the fault
``says``, and under ``plant`` one or more changes ``{file, find, replace}``. ``find`` is code that stands in the file
once, in whatever layout (``anchor.py``); ON in ``replace`` stands for "this fault is on in this run". The sources
themselves have no switches.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from verif.lib import anchor
from verif.lib.toolchain import ROOT

ON = "ON"
FAULT = "EQX_FAULT"  # environment: id of the fault that is on, for Python
PLUSARG = "fault"  # of the simulator: its number
PACKAGE = """// The number of the fault that is on in this run; 0: none.
package fault_pkg;
  function automatic int chosen();
    int number;
    if (!$value$plusargs("fault=%d", number)) number = 0;
    return number;
  endfunction
  int planted = chosen();
endpackage
"""
_ON = re.compile(rf"\b{ON}\b")


@dataclass(frozen=True)
class Plant:
    """A change of a source file (path from the project's root)."""

    file: str
    find: str
    replace: str

    def __post_init__(self) -> None:
        if not _ON.search(self.replace):
            raise ValueError(f"{self.file}: the replacement has no {ON}, so the fault could not be taken out")


class PlantError(ValueError):
    """A fault's code does not stand in its file once; ``fault`` and ``file`` say whose and where."""

    def __init__(self, fault: str, file: str, words: str) -> None:
        super().__init__(f"{file}: fault {fault}: {words}")
        self.fault, self.file = fault, file


def number(fault: str) -> int:
    """What the simulator is told (+fault=): a number that does not depend on the other faults."""
    return zlib.crc32(fault.encode()) & 0x7FFFFFFF


def chosen(fault: str) -> list[str]:
    """The plusargs that put a fault on; none for the empty name."""
    return [f"+{PLUSARG}={number(fault)}"] if fault else []


def _switch(fault: str, file: str) -> str:
    """The condition that the fault is on, in the file's language."""
    if file.endswith(".py"):
        return f"(__import__('os').environ.get({FAULT!r}) == {fault!r})"
    return f"(fault_pkg::planted == {number(fault)})"


def planted(faults: Mapping[str, Iterable[Plant]], root: Path = ROOT) -> dict[str, str]:
    """File -> its text with all faults planted.

    Raises:
        PlantError: a place is not there once, or another fault has changed it.
    """
    texts: dict[str, str] = {}
    for fault, plants in faults.items():
        for plant in plants:
            text = texts.get(plant.file) or (root / plant.file).read_text(encoding="utf-8")
            switch = _switch(fault, plant.file)
            try:
                texts[plant.file] = anchor.replaced(text, plant.find, _ON.sub(lambda _, by=switch: by, plant.replace))
            except ValueError as error:
                raise PlantError(fault, plant.file, str(error)) from None
    return texts


def in_sources(sources: Sequence[Path], faults: Mapping[str, Iterable[Plant]], folder: Path) -> list[Path]:
    """HDL sources with those that faults change replaced by copies in a folder, behind the package of their switch.

    Raises:
        PlantError: see :func:`planted`.
    """
    texts = {ROOT / file: text for file, text in planted(faults).items()}
    copies = {path: folder / path.name for path in texts}
    package = folder / "fault_pkg.sv"
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in ((package, PACKAGE), *((copies[path], text) for path, text in texts.items())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return [package, *(copies.get(path.resolve(), path) for path in sources)]


def load(path: Path) -> dict[str, dict]:
    """The entries of a small list by id, their ``plant`` as a tuple of :class:`Plant`; other fields as they stand.

    The large list of ``make selftest`` has runs and checkers besides: ``verif/flow/selftest/faultlist.py``.
    """
    entries = {}
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        changes = entry["plant"] if isinstance(entry["plant"], list) else [entry["plant"]]
        if entry["id"] in entries:
            raise ValueError(f"{path}: {entry['id']} stands twice")
        entries[entry["id"]] = {**entry, "plant": tuple(Plant(**change) for change in changes)}
    return entries
