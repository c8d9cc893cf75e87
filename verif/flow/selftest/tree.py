"""A copy of the project in which all faults are planted, each behind a switch, so that one build serves every fault of
a bench.

Without a fault chosen the copy behaves as the project does: the control runs show it. The project's own sources have no
switches.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from verif.flow.selftest.faultlist import Fault, FaultListError
from verif.lib import plants
from verif.lib.toolchain import BUILD, ROOT

TREE = BUILD / "selftest" / "tree"
COPIED = (
    "rtl",
    "verif",
    "models",
    "scripts",
    "configs",
    "docs",
    "pyproject.toml",
    "requirements.txt",
    "README.md",
    "Makefile",
)


def planted(faults: Iterable[Fault], root: Path = ROOT) -> dict[str, str]:
    """File -> its text with all faults planted.

    Raises:
        FaultListError: faults get in each other's way.
    """
    try:
        return plants.planted({fault.id: fault.plants for fault in faults}, root)
    except plants.PlantError as error:
        raise FaultListError(f"fault {error.fault}: another fault has changed its place in {error.file}") from None


def _wanted(root: Path) -> Iterable[Path]:
    for place in COPIED:
        path = root / place
        files = [path] if path.is_file() else path.rglob("*")
        yield from (f for f in files if f.is_file() and "__pycache__" not in f.parts)


def make(faults: Iterable[Fault], tree: Path = TREE, root: Path = ROOT) -> Path:
    """Bring the copy up to date (files that are as they should be stay untouched) and return its folder."""
    texts = planted(faults, root)
    texts["verif/lib/sv/fault_pkg.sv"] = plants.PACKAGE
    kept = set()
    for path in _wanted(root):
        name = str(path.relative_to(root))
        data = texts[name].encode() if name in texts else path.read_bytes()
        _put(tree / name, data)
        kept.add(name)
    for name in texts.keys() - kept:
        _put(tree / name, texts[name].encode())
        kept.add(name)
    for place in COPIED:
        if (tree / place).is_dir():
            for path in (tree / place).rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts and str(path.relative_to(tree)) not in kept:
                    path.unlink()
    return tree


def _put(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
