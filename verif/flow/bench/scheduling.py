"""Figures of scheduling: what training costs and gets beside inference, and the timing model against the RTL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verif.flow.bench.figures import Figure
from verif.flow.experiments import model_engine, rtl_engine
from verif.flow.experiments.jobs import measured
from verif.flow.experiments.point import Point

REQUESTS = 20_000  # a point on the model
LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
COMPARED = Point("priority", 0.5, 500, engine="rtl")


def tail(config: str, folder: Path) -> list[Figure]:
    """The largest inflation of p99 by the job of `make sim` under `priority`, at loads up to 60 %."""
    seen = []
    for load in LOADS:
        off, on = (
            model_engine.run(Point(policy, load, REQUESTS, config=config)) for policy in ("inference_only", "priority")
        )
        seen.append((on.p99 / off.p99 - 1, load, on.held))
    worst, load, held = max(seen)
    return [
        Figure(
            "p99 inflation from training, `priority`, load 10 to 60 %, worst",
            worst,
            0.05,
            at_most=True,
            why=f"at {load:g}; by load: {', '.join(f'{100 * s:.1f}' for s, _, _ in seen)} %; "
            f"{held:.0f} cycles a batch held up by training, others by what follows from it",
            detail={"inflation, load, held": seen},
        )
    ]


def kept(config: str, folder: Path) -> list[Figure]:
    """Training throughput under `priority` against what inference leaves, and against the bound."""
    out = []
    capacity, trainer = measured("wide", config)
    seen = [
        (r.fraction / (1 - r.inference_share), load)
        for load in LOADS
        for r in [model_engine.run(Point("priority", load, REQUESTS, job="wide", config=config))]
    ]
    worst, load = min(seen)
    out.append(
        Figure(
            "training throughput over (dedicated × MMU share that inference leaves), compute-bound job, "
            "load 10 to 60 %, worst",
            worst,
            0.95,
            why=f"at {load:g}; by load: {', '.join(f'{100 * s:.1f}' for s, _ in seen)} %; "
            f"DRAM/compute time {trainer.kappa:.2f}",
        )
    )
    for job, name in (("wide", "compute-bound"), ("wide_slow", "DRAM-bound")):
        _, trainer = measured(job, config)
        r = model_engine.run(Point("priority", 0.3, REQUESTS, job=job, config=config))
        out.append(
            Figure(
                f"training throughput at 30 % load over dedicated, {name} job",
                r.fraction,
                why=f"bound {100 * trainer.bound(r.inference_share):.1f} %, DRAM/compute time {trainer.kappa:.2f}",
            )
        )
    return out


def model(config: str, folder: Path) -> list[Figure]:
    """Completion cycles of model and RTL, and the speed of both on the same scenario (the model compiled before)."""
    point = Point(COMPARED.policy, COMPARED.load, COMPARED.requests, engine="rtl", config=config)
    result, more = rtl_engine.run(point, folder)  # fails on the first cycle of difference
    same = Point(point.policy, point.load, point.requests, config=config)
    model_engine.run(same)
    runs = [model_engine.run(same) for _ in range(3)]
    fast, slow = max(r.cycles / r.seconds for r in runs), result.cycles / result.seconds
    return [
        Figure(
            "requests whose completion cycle differs between model and RTL",
            0.0,
            0.0,
            "x",
            True,
            why=f"of {more['compared']}; every batch and training step too",
        ),
        Figure(
            "speed of the timing model over that of the RTL simulation",
            fast / slow,
            100,
            "x",
            why=f"{fast / 1e6:.1f} M and {slow / 1e6:.3f} M cycles a second",
        ),
    ]


SCHEDULING: dict[str, Callable[[str, Path], list[Figure]]] = {"tail": tail, "kept": kept, "model": model}
"""The measurements: name → f(config, folder)."""
