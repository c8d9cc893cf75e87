"""A point on the RTL: every bit and every cycle compared on the way (verif/tests/bench_experiments.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from equinox_core.deploy.scenario import Scenario
from verif.env.simulate import simulate
from verif.flow.experiments.jobs import measured
from verif.flow.experiments.point import SOFTWARE, Point
from verif.flow.experiments.result import NOTHING, Result, percentiles

MODULE = "verif.tests.bench_experiments"
LIMIT = 3600.0  # seconds


class PointError(RuntimeError):
    """A run failed; the message says which and why."""


def scenario_of(point: Point) -> Scenario:
    """The scenario that the bench runs."""
    test = "experiment_software" if point.policy == SOFTWARE else "experiment_replay"
    return Scenario(
        config=point.config,
        trace=point.trace,
        load=point.load,
        requests=point.requests,
        policy=point.core_policy,
        train="off" if point.job == "off" else "mlp",
        steps=1,
        test=test,
        seed=point.seed,
    )


def run(point: Point, folder: Path) -> tuple[Result, dict]:
    """Simulate the point in ``folder``; returns the result and what the bench saw of each request (latencies, response
    digests).

    Raises:
        PointError: the test failed: a bit, a cycle, or an assertion.
    """
    done = simulate(scenario_of(point.check()), folder, timeout=LIMIT, module=MODULE, trace=False)
    file = folder / "experiment.json"
    if not done.sim.ok or not file.exists():
        raise PointError(f"{point.name}: {done.sim.explain()}")
    seen = json.loads(file.read_text(encoding="utf-8"))
    _, trainer = measured(point.job, point.config)
    latencies, mmu = np.array(seen["latencies"]), seen["mmu"]
    saturated = seen["backlog"] > seen["slots"]
    steps = seen["steps"] / seen["cycles"]
    return Result(
        len(latencies),
        saturated,
        seen["unloaded"],
        seen["timeout"],
        **(NOTHING if saturated else percentiles(latencies)),
        steps_per_cycle=steps,
        fraction=steps / trainer.steps_per_cycle,
        inference_share=mmu["inference"] / seen["counted"],
        training_share=mmu["training"] / seen["counted"],
        rows=float(np.mean(seen["rows"])),
        held=None,
        throughput=len(latencies) / seen["span"] / seen["capacity"],
        cycles=seen["cycles"],
        seconds=seen["seconds"],
    ), {name: seen[name] for name in ("latencies", "digests", "compared", "host")}
