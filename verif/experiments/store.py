"""Results of points that outlive a sweep: each under a key of everything it depends on, written whole or not at all."""
from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from models.config import load_config
from verif.env.scenario import ROOT
from verif.experiments.point import Point
from verif.experiments.result import Result
from verif.latency.store import write_whole

_MODEL = (
    "models", "verif/env/predict.py", "verif/env/limits.py", "verif/env/deployment.py", "verif/bench/jobs.py", "verif/latency/confidence.py",
    "verif/experiments/jobs.py", "verif/experiments/result.py", "verif/experiments/model_engine.py",
)
_RTL = ("rtl", "verif/lib/sv", "verif/tb", "verif/agents", "verif/env", "verif/sequences", "verif/tests/base.py", "verif/tests/replay.py",
        "verif/tests/bench_experiments.py", "verif/experiments/rtl_engine.py")
_TYPES = (".py", ".sv", ".toml", ".npz", ".json", ".hex", ".mem")


@functools.cache
def _sources(engine: str) -> str:
    digest = hashlib.sha256()
    for place in _MODEL + (_RTL if engine == "rtl" else ()):
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in _TYPES and "tests" not in p.parts[-2:]):
            digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def key(point: Point) -> str:
    """Hash of the point, its configuration and trace file, and the sources of its engine."""
    trace = ROOT / point.trace
    digest = hashlib.sha256(json.dumps([asdict(point), asdict(load_config(point.config)), _sources(point.engine)], sort_keys=True).encode())
    digest.update(trace.read_bytes() if trace.is_file() else b"")
    return digest.hexdigest()[:16]


class Store:
    """Results in a folder, a file each: the point, its result, and what else was seen (``more``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, point: Point) -> Path:
        """Where a point's result is kept."""
        return self.folder / f"{point.name.replace('/', '-').replace(':', '-')}-{key(point)}.json"

    def get(self, point: Point) -> tuple[Result, dict] | None:
        """A result that still holds, or None."""
        try:
            data = json.loads(self.path(point).read_text())
            return Result.from_dict(data["result"]), data["more"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, point: Point, result: Result, more: dict) -> None:
        write_whole(self.path(point), json.dumps({"point": asdict(point), "result": asdict(result), "more": more}) + "\n")
