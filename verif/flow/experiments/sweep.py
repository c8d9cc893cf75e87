"""Runs points with the campaign engine, each result kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from verif.env.simulate import build_chip
from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.experiments import model_engine, rtl_engine
from verif.flow.experiments.jobs import measured
from verif.flow.experiments.point import Point
from verif.flow.experiments.result import Result
from verif.flow.experiments.rtl_engine import PointError
from verif.lib import keep
from verif.lib.toolchain import ROOT

Found = dict[Point, tuple[Result, dict]]
CALL = "verif.flow.experiments.sweep:run_point"
TOGETHER = 8
"""Points of the model that share a process, at most: a process takes seconds to begin."""
LIMIT = 7200.0  # seconds

_MODEL = (
    "models",
    "models/equinox_core/deploy/predict.py",
    "models/equinox_core/deploy/limits.py",
    "models/equinox_core/deploy/deployment.py",
    "verif/env/jobs.py",
    "verif/flow/latency/confidence.py",
    "verif/flow/experiments/jobs.py",
    "verif/flow/experiments/result.py",
    "verif/flow/experiments/model_engine.py",
)
_RTL = (
    "rtl",
    "verif/lib/sv",
    "verif/tb",
    "verif/agents",
    "verif/env",
    "verif/sequences",
    "verif/tests/base.py",
    "verif/tests/replay.py",
    "verif/tests/bench_experiments.py",
    "verif/flow/experiments/rtl_engine.py",
)
_DEPENDS = {"model": (_MODEL, keep.MODEL_PACKAGES), "rtl": (_MODEL + _RTL, keep.RTL_PACKAGES)}
"""What the result of an engine depends on, beside the point's own files: sources and packages."""


def job_of(point: Point) -> Job:
    """The point as the campaign has it, under a hash of everything that its result depends on."""
    trace = ROOT / point.trace
    key = keep.key(
        asdict(point), point.config, trace if trace.is_file() else None, keep.fingerprint(*_DEPENDS[point.engine])
    )
    return Job(point.name, key, asdict(point), LIMIT, group="model" if point.engine == "model" else "")


def run_point(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A job: a point's fields in; its result, and what else was seen, out."""
    point = Point(**args)
    result, more = rtl_engine.run(point, folder / "rtl") if point.engine == "rtl" else (model_engine.run(point), {})
    return {"result": asdict(result), "more": more}


def sweep(points: Iterable[Point], folder: Path, jobs: int, say: Callable[[str], None], cluster: str = "") -> Found:
    """Results of all points; what an earlier sweep left and still holds is not computed again.

    Raises:
        ValueError: a point is not legal, before anything runs.
        PointError: a point failed. What is done is kept.
    """
    points = list(dict.fromkeys(p.check() for p in points))
    works = [job_of(point) for point in points]
    engine = Campaign(CALL, Store(folder / "jobs"), say, _tell, together=TOGETHER)
    todo = [p for p, job in zip(points, works, strict=True) if engine.kept(job) is None]
    say(f"{len(points)} points, {len(points) - len(todo)} done already")
    for config in {p.config for p in todo if p.engine == "rtl"}:
        build_chip(config)
    if todo:
        measured(
            todo[0].job, todo[0].config
        )  # the model's machine code is in its cache before several processes ask for it
    with executor(cluster, jobs) as pool:
        records = list(engine.run(works, pool).values())
    failed = [record for record in records if record.status != DONE]
    if failed:
        raise PointError(
            f"{failed[0].name}: {failed[0].message}" + (f"\n({len(failed)} points failed)" if len(failed) > 1 else "")
        )
    return {
        p: (Result.from_dict(dict(r.data["result"])), dict(r.data["more"]))
        for p, r in zip(points, records, strict=True)
    }


def _tell(job: Job, record: Record) -> str:
    if record.status != DONE:
        return f"{job.name}: {record.reason}"
    result = Result.from_dict(dict(record.data["result"]))
    return (
        f"{job.args['engine']} {job.name}: p99 {result.p99 or 'saturated'}, training {result.fraction:.3f}, "
        f"{result.seconds:.0f} s"
    )
