"""Where the results of cases are kept between runs."""
from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from verif.latency.cases import Case
from verif.latency.measure import Measured
from verif.lib import keep

_FREE = ("tolerance", "cycles", "unloaded")  # fields of a case that its run does not depend on
_COMMON = ("models", "verif/env", "verif/latency/measure.py", "verif/latency/confidence.py", "models/report/schema.py")
_DEPENDS = {
    "model": (_COMMON, keep.MODEL_PACKAGES),
    "rtl": ((*_COMMON, "rtl", "verif/agents", "verif/lib", "verif/sequences", "verif/tb", "verif/tests"), keep.RTL_PACKAGES),
}
"""What the result of an engine depends on, beside the case's own files: sources and packages."""


def key(case: Case) -> str:
    """Hash of everything that a case's result depends on."""
    fields = {name: value for name, value in asdict(case).items() if name not in _FREE}
    return keep.key(fields, case.config, case.trace_file, keep.fingerprint(*_DEPENDS[case.engine]))


class Store:
    """Results in a folder, a file each."""

    def __init__(self, folder: Path) -> None:
        self.kept = keep.Folder(folder)

    def path(self, case: Case) -> Path:
        """Where a case's result is kept."""
        return self.kept.path(case.name, key(case))

    def get(self, case: Case) -> Measured | None:
        """A result that still holds, or None."""
        try:
            return Measured.from_dict(self.kept.get(case.name, key(case)))
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, case: Case, measured: Measured) -> None:
        self.kept.put(case.name, key(case), measured.to_dict())
