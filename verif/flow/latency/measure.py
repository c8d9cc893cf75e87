"""Replays a case on its engine and measures its percentiles."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equinox_core.deploy.replay import replay
from equinox_core.report.schema import RunResult, percentile
from verif.env.simulate import simulate
from verif.flow.latency.cases import NAMES, Case
from verif.flow.latency.confidence import interval

RTL_SECONDS = 900  # limit of one simulation


class MeasureError(RuntimeError):
    """A case did not run to its end, or a scoreboard found something; the message says what, in one line."""


@dataclass(frozen=True)
class Latencies:
    """``cycles`` int64 [n], in order of arrival; ``service`` int64 [n], for whom each was; ``unloaded``: cycles of a
    full batch in an idle core, of each service; ``period``: arrivals in a pass of the trace.
    """

    cycles: np.ndarray
    service: np.ndarray
    unloaded: tuple[int, ...]
    period: int


@dataclass(frozen=True)
class Percentile:
    """A percentile in cycles and in multiples of the unloaded service time, with the ends of their 95 % intervals."""

    cycles: int
    cycles_low: int
    cycles_high: int
    unloaded: float
    unloaded_low: float
    unloaded_high: float


@dataclass(frozen=True)
class Measured:
    """What a case's run gave.

    ``requests``: answered; ``passes``: of the trace; ``service_cycles``: unloaded service time by service.
    """

    requests: int
    passes: float
    service_cycles: dict[str, int]
    percentiles: dict[str, Percentile]

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(data: dict) -> Measured:
        return Measured(**{**data, "percentiles": {name: Percentile(**p) for name, p in data["percentiles"].items()}})


def on_model(case: Case) -> Latencies:
    """Replay on the timing model."""
    run = replay(case.scenario)
    refused = int((run.timeline.requests["status"] != 0).sum())
    if refused:
        raise MeasureError(f"{refused} of {len(run.arrivals)} requests were not answered well")
    return Latencies(
        run.latencies,
        run.plan.service,
        tuple(run.capacities[n].batch for n in case.scenario.services),
        len(run.deployment.trace),
    )


def on_rtl(case: Case, folder: Path) -> Latencies:
    """Replay on the RTL, where all scoreboards compare, among them each time with the model's."""
    s = case.scenario
    run = simulate(s, folder, timeout=RTL_SECONDS)
    file = folder / "result.json"
    if not run.sim.ok or not file.exists():
        raise MeasureError(f"{run.sim.explain().strip().splitlines()[0]} (log: {run.sim.log})")
    result = RunResult.from_dict(json.loads(file.read_text(encoding="utf-8")))
    if not result.passed:
        raise MeasureError(result.problems[0])
    unloaded = tuple(int(str(result.scenario[f"full batch of {name}, idle core"]).split()[0]) for name in s.services)
    parts = [
        (np.array(found.arrival), np.array(found.latency), np.full(len(found.latency), k))
        for k, found in enumerate(result.services)
    ]
    arrival, cycles, service = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(arrival, kind="stable")
    return Latencies(cycles[order], service[order], unloaded, len(s.arrivals))


def summarise(case: Case, seen: Latencies) -> Measured:
    """Percentiles of a run."""
    times = {"cycles": seen.cycles, "unloaded": seen.cycles / np.array(seen.unloaded, float)[seen.service]}
    out = {}
    for name in case.percentiles:
        values = {}
        for gate, series in times.items():
            low, high = interval(series, NAMES[name], seen.period)
            values |= {gate: percentile(series.tolist(), NAMES[name]), f"{gate}_low": low, f"{gate}_high": high}
        out[name] = Percentile(**values)
    service_cycles = dict(zip(case.scenario.services, seen.unloaded, strict=True))
    return Measured(len(seen.cycles), max(1.0, len(seen.cycles) / seen.period), service_cycles, out)


def job(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A job of the campaign: a case's fields in, what was measured out."""
    return measure(Case(**args), folder / "rtl").to_dict()


def measure(case: Case, folder: Path) -> Measured:
    """Run a case; an RTL run leaves its files in ``folder``.

    Raises:
        MeasureError, ReplayError: see there.
        ValueError, BuildError, OSError: as :func:`~verif.env.simulate.simulate`.
    """
    return summarise(case, on_model(case) if case.engine == "model" else on_rtl(case, folder))
