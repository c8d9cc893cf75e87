"""Where the results of points are kept between sweeps."""
from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from verif.lib.toolchain import ROOT
from verif.experiments.point import Point
from verif.experiments.result import Result
from verif.lib import keep

_MODEL = (
    "models", "models/deploy/predict.py", "models/deploy/limits.py", "models/deploy/deployment.py", "verif/bench/jobs.py", "verif/latency/confidence.py",
    "verif/experiments/jobs.py", "verif/experiments/result.py", "verif/experiments/model_engine.py",
)
_RTL = ("rtl", "verif/lib/sv", "verif/tb", "verif/agents", "verif/env", "verif/sequences", "verif/tests/base.py", "verif/tests/replay.py",
        "verif/tests/bench_experiments.py", "verif/experiments/rtl_engine.py")
_DEPENDS = {"model": (_MODEL, keep.MODEL_PACKAGES), "rtl": (_MODEL + _RTL, keep.RTL_PACKAGES)}
"""What the result of an engine depends on, beside the point's own files: sources and packages."""


def key(point: Point) -> str:
    """Hash of everything that a point's result depends on."""
    trace = ROOT / point.trace
    return keep.key(asdict(point), point.config, trace if trace.is_file() else None, keep.fingerprint(*_DEPENDS[point.engine]))


class Store:
    """Results in a folder, a file each: the point, its result, and what else was seen (``more``)."""

    def __init__(self, folder: Path) -> None:
        self.kept = keep.Folder(folder)

    def path(self, point: Point) -> Path:
        """Where a point's result is kept."""
        return self.kept.path(point.name, key(point))

    def get(self, point: Point) -> tuple[Result, dict] | None:
        """A result that still holds, or None."""
        try:
            data = self.kept.get(point.name, key(point))
            return Result.from_dict(data["result"]), data["more"]
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, point: Point, result: Result, more: dict) -> None:
        self.kept.put(point.name, key(point), {"point": asdict(point), "result": asdict(result), "more": more})
