"""Runs points side by side, each result kept as soon as it is there."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from pathlib import Path

from verif.env.simulate import build_chip
from verif.experiments import model_engine, rtl_engine
from verif.experiments.jobs import measured
from verif.experiments.point import Point
from verif.experiments.result import Result
from verif.experiments.store import Store
from verif.lib import process

Found = dict[Point, tuple[Result, dict]]


def run_point(point: Point, folder: Path) -> tuple[Result, dict]:
    """Run one point and keep its result below ``folder``."""
    if point.engine == "rtl":
        result, more = rtl_engine.run(point, folder / "rtl" / point.name)
    else:
        result, more = model_engine.run(point), {}
    Store(folder / "points").put(point, result, more)
    return result, more


def sweep(points: Iterable[Point], folder: Path, jobs: int, say: Callable[[str], None]) -> Found:
    """Results of all points; what an earlier sweep left and still holds is not computed again.

    Raises:
        ValueError: a point is not legal, before anything runs.
        PointError: a simulation failed. What is done is kept.
    """
    points = list(dict.fromkeys(p.check() for p in points))
    store, out = Store(folder / "points"), {}
    for point in points:
        if (kept := store.get(point)) is not None:
            out[point] = kept
    todo = [p for p in points if p not in out]
    say(f"{len(points)} points, {len(out)} done already")
    for config in {p.config for p in todo if p.engine == "rtl"}:
        build_chip(config)
    if todo:
        measured(todo[0].job, todo[0].config)  # the model's machine code is in its cache before several processes ask for it
    began = time.monotonic()

    def took(point: Point, found: tuple[Result, dict]) -> None:
        out[point] = found
        say(f"{len(out)}/{len(points)} {point.engine} {point.name}: p99 {found[0].p99 or 'saturated'}, training {found[0].fraction:.3f}, "
            f"{found[0].seconds:.0f} s ({time.monotonic() - began:.0f} s so far)")

    if jobs <= 1:
        for point in todo:
            took(point, run_point(point, folder))
        return out
    with process.pool(min(jobs, len(todo) or 1)) as pool:
        waiting = {pool.submit(run_point, p, folder): p for p in todo}
        for done in as_completed(waiting):
            took(waiting[done], done.result())
    return out
