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
_LABEL = re.compile(r"^\s*(a_\w+) :\s+assert\b", re.M)
_KEYS = {"module", "says", "sizes", "faults"}
_OPTIONS = {"cuts", "depth"}
_FAULT = {"breaks", "find", "replace"}
_FAULT_OPTIONS = {"size", "part"}


class ProofsError(ValueError):
    """The list is malformed, or does not fit the sources; one line."""


@dataclass(frozen=True)
class Fault:
    """A change of the module, or of ``part`` inside it, text for text, of which the assertion ``breaks`` has to tell at
    the size ``size``."""

    breaks: str
    find: str
    replace: str
    size: Mapping[str, int]
    part: str


@dataclass(frozen=True)
class Proof:
    """What is proved of a module: its assertions, at each of these sizes.

    ``cuts`` are signals that the proof lets do what they like: it then holds whatever drives them. With ``depth``, not
    0, the assertions are proved for so many cycles from reset on only.
    """

    module: str
    says: str
    sizes: tuple[Mapping[str, int], ...]
    faults: tuple[Fault, ...]
    labels: tuple[str, ...]
    cuts: tuple[str, ...] = ()
    depth: int = 0

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
    if not isinstance(entry, dict) or not _KEYS <= set(entry) <= _KEYS | _OPTIONS:
        raise ProofsError(
            f"{where}: legal is a mapping of {', '.join(sorted(_KEYS))}, all of them, and if wanted "
            f"{', '.join(sorted(_OPTIONS))}"
        )
    module = str(entry["module"])
    where = f"{where}, {module}"
    sources = {path.stem: path for path in find(RTL)}
    if module not in sources:
        raise ProofsError(f"{where}: no such module in rtl/")
    sizes = entry["sizes"]
    if not isinstance(sizes, list) or not sizes or not all(map(_is_size, sizes)):
        raise ProofsError(f"{where}: sizes: legal is a list of mappings of parameters to whole numbers, at least one")
    cuts, depth = entry.get("cuts", []), entry.get("depth", 0)
    if not isinstance(cuts, list) or not all(isinstance(cut, str) and re.fullmatch(r"[\w.\[\]]+", cut) for cut in cuts):
        raise ProofsError(f"{where}: cuts: legal is a list of signals, by their names in the wrapper (dut.u_part.name)")
    if type(depth) is not int or depth < 0 or ("depth" in entry and depth == 0):
        raise ProofsError(f"{where}: depth: legal is a number of cycles, 1 or more")
    wrapper = folder / f"fv_{module.removeprefix('eqx_')}.sv"
    if not wrapper.is_file():
        raise ProofsError(f"{where}: {wrapper} is missing: legal is a module with labelled assertions")
    labels = tuple(_LABEL.findall(wrapper.read_text(encoding="utf-8")))
    faults = tuple(_fault(fault, where, labels, sources, (module, sizes[0])) for fault in entry["faults"] or ())
    if idle := [label for label in labels if label not in {fault.breaks for fault in faults}]:
        raise ProofsError(f"{where}: no fault breaks {', '.join(idle)}: legal is at least one for each assertion")
    return Proof(module, str(entry["says"]), tuple(sizes), faults, labels, tuple(cuts), depth)


def _is_size(size: Any) -> bool:
    return isinstance(size, dict) and all(isinstance(k, str) and type(v) is int for k, v in size.items())


def _fault(
    entry: Any, where: str, labels: tuple[str, ...], sources: Mapping[str, Path], default: tuple[str, Mapping[str, int]]
) -> Fault:
    if not isinstance(entry, dict) or not _FAULT <= set(entry) <= _FAULT | _FAULT_OPTIONS:
        raise ProofsError(
            f"{where}: a fault is {entry!r}; legal is a mapping of breaks, find, replace and, if wanted, size and part"
        )
    part = str(entry.get("part", default[0]))
    fault = Fault(str(entry["breaks"]), str(entry["find"]), str(entry["replace"]), entry.get("size", default[1]), part)
    if fault.breaks not in labels:
        raise ProofsError(f"{where}: breaks {fault.breaks}: legal are {', '.join(labels)}")
    if part not in sources:
        raise ProofsError(f"{where}: part {part}: no such module in rtl/")
    if (times := anchor.count(sources[part].read_text(encoding="utf-8"), fault.find)) != 1:
        raise ProofsError(f"{where}: {fault.find!r} stands in {part} {times} times; legal is once")
    if not _is_size(fault.size):
        raise ProofsError(f"{where}: size {fault.size!r}: legal is a mapping of parameters to whole numbers")
    return fault
