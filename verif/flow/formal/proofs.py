"""The list of proofs: which modules, of which sizes, and which planted faults each has to refute; read strictly.

What is proved of a module stands as labelled assertions in ``verif/formal/fv_<module>.sv``. An assertion that no fault
breaks is an error: it might be one that cannot fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from verif.lib import anchor
from verif.lib.rtl import RTL, find
from verif.lib.toolchain import ROOT

FILE = Path(__file__).with_name("proofs.yaml")
FOLDER = ROOT / "verif" / "formal"
_LABEL = re.compile(r"^\s*(a_\w+) : assert\b", re.M)
_KEYS = {"module", "says", "sizes", "faults"}
_FAULT = {"breaks", "find", "replace", "size"}


class ProofsError(ValueError):
    """The list is malformed, or does not fit the sources; one line."""


@dataclass(frozen=True)
class Fault:
    """A change of the module, text for text, of which the assertion ``breaks`` has to tell at the size ``size``."""

    breaks: str
    find: str
    replace: str
    size: Mapping[str, int]


@dataclass(frozen=True)
class Proof:
    """What is proved of a module: its assertions, at each of these sizes."""

    module: str
    says: str
    sizes: tuple[Mapping[str, int], ...]
    faults: tuple[Fault, ...]
    labels: tuple[str, ...]

    @property
    def top(self) -> str:
        return f"fv_{self.module.removeprefix('eqx_')}"


def load(file: Path = FILE, folder: Path = FOLDER) -> list[Proof]:
    """The proofs, in the order of the file.

    Raises:
        ProofsError: the file is malformed, or does not fit the sources.
    """
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ProofsError(f"{file}: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not entries:
        raise ProofsError(f"{file}: legal is a list of proofs")
    return [_proof(entry, f"{file}: entry {number}", folder) for number, entry in enumerate(entries, 1)]


def idle(proofs: Iterable[Proof], folder: Path = FOLDER) -> list[str]:
    """Wrappers that no proof uses."""
    used = {proof.top for proof in proofs}
    return sorted(path.stem for path in folder.glob("*.sv") if path.stem not in used)


def _proof(entry: Any, where: str, folder: Path) -> Proof:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise ProofsError(f"{where}: legal is a mapping of {', '.join(sorted(_KEYS))}, all of them")
    module = str(entry["module"])
    where = f"{where}, {module}"
    sources = {path.stem: path for path in find(RTL)}
    if module not in sources:
        raise ProofsError(f"{where}: no such module in rtl/")
    sizes = entry["sizes"]
    if not isinstance(sizes, list) or not sizes or not all(map(_is_size, sizes)):
        raise ProofsError(f"{where}: sizes: legal is a list of mappings of parameters to whole numbers, at least one")
    wrapper = folder / f"fv_{module.removeprefix('eqx_')}.sv"
    if not wrapper.is_file():
        raise ProofsError(f"{where}: {wrapper} is missing: legal is a module with labelled assertions")
    labels = tuple(_LABEL.findall(wrapper.read_text(encoding="utf-8")))
    text = sources[module].read_text(encoding="utf-8")
    faults = tuple(_fault(fault, where, labels, text, sizes[0]) for fault in entry["faults"] or ())
    if idle := [label for label in labels if label not in {fault.breaks for fault in faults}]:
        raise ProofsError(f"{where}: no fault breaks {', '.join(idle)}: legal is at least one for each assertion")
    return Proof(module, str(entry["says"]), tuple(sizes), faults, labels)


def _is_size(size: Any) -> bool:
    return isinstance(size, dict) and all(isinstance(k, str) and type(v) is int for k, v in size.items())


def _fault(entry: Any, where: str, labels: tuple[str, ...], text: str, first: Mapping[str, int]) -> Fault:
    if not isinstance(entry, dict) or not _FAULT - {"size"} <= set(entry) <= _FAULT:
        raise ProofsError(
            f"{where}: a fault is {entry!r}; legal is a mapping of breaks, find, replace and, if wanted, size"
        )
    fault = Fault(str(entry["breaks"]), str(entry["find"]), str(entry["replace"]), entry.get("size", first))
    if fault.breaks not in labels:
        raise ProofsError(f"{where}: breaks {fault.breaks}: legal are {', '.join(labels)}")
    if (times := anchor.count(text, fault.find)) != 1:
        raise ProofsError(f"{where}: {fault.find!r} stands in the module {times} times; legal is once")
    if not _is_size(fault.size):
        raise ProofsError(f"{where}: size {fault.size!r}: legal is a mapping of parameters to whole numbers")
    return fault
