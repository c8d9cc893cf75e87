"""What a run hands to the report.

Plain fields only, so a result goes through JSON unchanged (`to_dict`, `from_dict`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from equinox_core.hw.coded import label
from equinox_core.hw.states import Perf

PERCENTILES = (50.0, 95.0, 99.0, 99.9)
MAX_LISTED = 50
"""Mismatches that the page lists; the rest are counted."""

CAUSES = {
    "inference": "worked for an inference context",
    "training": "worked for a training context",
    **{label(index): index.meaning.removeprefix("idle: ") for index in Perf if index is not Perf.ALL},
}
"""Everything a unit can do in a cycle, in the order of the bars."""


LATENCY_CAUSES = {
    "receive": "until its last beat was taken: stream busy, back-pressure, its own beats",
    "fill": "until its batch was full, or the batch's timeout over",
    "context": "until a context was idle, and the dispatcher free",
    "dispatch": "until its batch's rows were handed over",
    "compute": "its batch's run as it is in an idle core, without the next",
    "dram": "the part of that run in which only loads and stores were under way",
    "training": "the run's delay by training",
    "inference": "the run's delay by other inference contexts",
    "anomaly": "negative: what the run beside others was shorter than alone",
    "response": "until the last beat of its response: its turn, and the rows before it",
}
"""Where a request's latency comes from, in order of time."""


KINDS = {"simulation": "simulated", "prediction": "predicted"}
"""Where the cycles of a run come from, the RTL or the timing model, and what they were."""


class ReportError(ValueError):
    """A result that cannot be reported; the message names the field and what is legal."""


def percentile(values: list[int], percent: float) -> int:
    """Nearest rank: the smallest of `values` that at least `percent` % of them do not exceed.
    Needs one value or more.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100.0 - 1e-9) - 1)]


@dataclass
class Service:
    """One inference service.

    arrival          cycle at which each answered request arrived (was offered to the core), in order of arrival
    latency          cycles from arrival to the last beat of its response, for the same requests
    offered          requests sent; those not in `arrival` are lost or refused
    limit            latency limit in cycles, or None
    limit_percentile the limit holds for this percentile of latency (100: for all requests)
    batch_limit      largest legal number of rows in a batch
    batch_rows       rows of each batch that was dispatched, in order
    refused          requests answered with a status other than OK
    causes           cause (a key of `LATENCY_CAUSES`) -> its cycles of each request, parallel to `latency`; empty: not
    known
    """

    name: str
    offered: int
    batch_limit: int
    arrival: list[int] = field(default_factory=list)
    latency: list[int] = field(default_factory=list)
    batch_rows: list[int] = field(default_factory=list)
    limit: int | None = None
    limit_percentile: float = 99.0
    refused: int = 0
    causes: dict[str, list[int]] = field(default_factory=dict)

    @property
    def groups(self) -> list[tuple[str, list[int]]]:
        """Requests around the median (latency from p45 to p55) and the slowest 1 %: name, and their places in
        `latency`.
        """
        if not self.latency:
            return []
        low, high = (percentile(self.latency, p) for p in (45.0, 55.0))
        middle = [n for n, value in enumerate(self.latency) if low <= value <= high]
        slowest = sorted(range(len(self.latency)), key=lambda n: -self.latency[n])[: max(1, len(self.latency) // 100)]
        return [("median (p45 to p55)", middle), ("slowest 1 %", slowest)]

    def mean_causes(self, places: list[int]) -> dict[str, float]:
        """Mean cycles of each cause over some requests."""
        return {
            cause: sum(self.causes[cause][n] for n in places) / len(places) if cause in self.causes else 0.0
            for cause in LATENCY_CAUSES
        }

    @property
    def limited(self) -> int | None:
        """Latency that the limit is compared with; None without a limit or without answers."""
        return percentile(self.latency, self.limit_percentile) if self.limit is not None and self.latency else None

    def problems(self) -> list[str]:
        out = []
        if self.causes:
            sums = [sum(parts) for parts in zip(*self.causes.values(), strict=True)]
            wrong = [n for n, (total, latency) in enumerate(zip(sums, self.latency, strict=True)) if total != latency]
            if wrong:
                n = wrong[0]
                out.append(
                    f"{self.name}: the causes of {len(wrong)} latencies do not sum to them, first request {n}: "
                    f"{sums[n]}, {self.latency[n]}"
                )
        missing = self.offered - len(self.latency) - self.refused
        if missing:
            out.append(
                f"{self.name}: {self.offered} requests offered, {len(self.latency)} answered, {self.refused} refused"
            )
        if self.limited is not None and self.limit is not None and self.limited > self.limit:
            shown = percentile_name(self.limit_percentile)
            out.append(f"{self.name}: {shown} latency of {self.limited} cycles is above the limit of {self.limit}")
        return out


@dataclass
class Training:
    """The training job.

    step_cycles       cycle at which each step completed
    samples_per_step  rows of a minibatch
    loss_steps        steps at which the loss was computed
    loss_core         loss from the weights (or outputs) that the core left, at those steps
    loss_reference    the same from the reference
    alone_cycles      cycles a step takes with inference off, where measured
    started           cycle at which the job was started
    """

    name: str
    samples_per_step: int
    step_cycles: list[int] = field(default_factory=list)
    loss_steps: list[int] = field(default_factory=list)
    loss_core: list[float] = field(default_factory=list)
    loss_reference: list[float] = field(default_factory=list)
    alone_cycles: float | None = None
    started: int = 0

    @property
    def steps(self) -> int:
        return len(self.step_cycles)

    @property
    def rate(self) -> float:
        """Steps a cycle, from the start to the last step."""
        return self.steps / (self.step_cycles[-1] - self.started) if self.steps else 0.0


@dataclass
class Unit:
    """How a unit spent all cycles: cause (a key of `CAUSES`) -> cycles; causes left out are 0."""

    name: str
    cycles: dict[str, int]

    def share(self, cause: str) -> float:
        """Share of all its cycles, 0..1."""
        total = sum(self.cycles.values())
        return self.cycles.get(cause, 0) / total if total else 0.0


@dataclass
class Check:
    """Something that was compared: how many `things` (a plural), and how many of them were wrong."""

    name: str
    things: str
    compared: int
    wrong: int = 0


@dataclass
class RunResult:
    """A run.

    scenario      what was run, in order of display: configuration, trace, load, policy, ... -> value
    seed, command seed and the line that repeats the run
    cycles        clock cycles, simulated or predicted; `counted` of them were split by the units' counters (None: all)
    wall_seconds  time that took, building and compiling not included
    checks        comparisons; one that compared nothing is a problem
    mismatches    lines, each one thing that was wrong; `wrong` counts may be larger than what is listed
    notes         lines to show that are no problems (warnings)
    kind          what the cycles come from: a key of `KINDS`
    """

    scenario: dict[str, str | int | float]
    seed: int
    command: str
    cycles: int
    wall_seconds: float
    services: list[Service] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    training: Training | None = None
    checks: list[Check] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counted: int | None = None
    kind: str = "simulation"

    def __post_init__(self) -> None:
        """Refuse what cannot be shown; what is merely wrong is a problem (`problems`)."""
        if self.kind not in KINDS:
            raise ReportError(f"kind is {self.kind!r}; legal: {', '.join(KINDS)}")
        for service in self.services:
            if len(service.arrival) != len(service.latency):
                raise ReportError(
                    f"service {service.name}: {len(service.arrival)} arrivals, {len(service.latency)} latencies"
                )
            if unknown := service.causes.keys() - LATENCY_CAUSES.keys():
                raise ReportError(
                    f"service {service.name}: no cause {', '.join(sorted(unknown))}; legal: {', '.join(LATENCY_CAUSES)}"
                )
            for cause, cycles in service.causes.items():
                if len(cycles) != len(service.latency):
                    raise ReportError(
                        f"service {service.name}: {len(cycles)} cycles of {cause}, {len(service.latency)} latencies"
                    )
            if not 0 < service.limit_percentile <= 100:
                raise ReportError(
                    f"service {service.name}: limit_percentile is {service.limit_percentile}; "
                    "legal is above 0 up to 100"
                )
        for unit in self.units:
            unknown = unit.cycles.keys() - CAUSES.keys()
            if unknown:
                raise ReportError(
                    f"unit {unit.name}: no cause {', '.join(sorted(unknown))}; legal: {', '.join(CAUSES)}"
                )
        if t := self.training:
            if not len(t.loss_steps) == len(t.loss_core) == len(t.loss_reference):
                raise ReportError(
                    f"training {t.name}: {len(t.loss_steps)} loss_steps for {len(t.loss_core)}, "
                    f"{len(t.loss_reference)} losses"
                )
            if t.steps and t.step_cycles[-1] <= t.started:
                raise ReportError(
                    f"training {t.name}: its last step is at cycle {t.step_cycles[-1]}, its start at {t.started}"
                )

    @property
    def speed(self) -> float:
        """Simulated cycles per second."""
        return self.cycles / self.wall_seconds if self.wall_seconds > 0 else 0.0

    @property
    def latencies(self) -> list[int]:
        """Of all services."""
        return [value for service in self.services for value in service.latency]

    @property
    def problems(self) -> list[str]:
        """Everything that makes the run a failure, one line each; empty when it passed."""
        out = list(self.mismatches)
        for service in self.services:
            out += service.problems()
        for check in self.checks:
            if not check.compared:
                out.append(f"{check.name}: no {check.things} compared")
            if check.wrong:
                out.append(f"{check.name}: {check.wrong} of {check.compared} {check.things} wrong")
        counted = self.cycles if self.counted is None else self.counted
        for unit in self.units:
            total = sum(unit.cycles.values())
            if total != counted:
                out.append(f"unit {unit.name}: its causes sum to {total} of {counted} cycles")
        return out

    @property
    def passed(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dicts and lists."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunResult:
        """Inverse of `to_dict`; fields with a default may be left out. Raises ReportError for unknown or missing
        fields.
        """
        kept = dict(_known(cls, data, "result"))
        for name, kind in (("services", Service), ("units", Unit), ("checks", Check)):
            kept[name] = [_make(kind, item, f"{name}[{i}]") for i, item in enumerate(kept.get(name, []))]
        if kept.get("training") is not None:
            kept["training"] = _make(Training, kept["training"], "training")
        return _make(cls, kept, "result")


def percentile_name(percent: float) -> str:
    """'p99.9', or 'max' for 100."""
    return "max" if percent >= 100 else f"p{percent:g}"


def _known(kind: type, data: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    names = [f.name for f in fields(kind)]
    unknown = sorted(data.keys() - set(names))
    if unknown:
        raise ReportError(f"{where}: no field {unknown[0]!r}; legal: {', '.join(names)}")
    return data


_Kind = TypeVar("_Kind")


def _make(kind: type[_Kind], data: Mapping[str, Any], where: str) -> _Kind:
    try:
        return kind(**_known(kind, data, where))
    except TypeError as error:
        raise ReportError(f"{where}: {error}") from None
