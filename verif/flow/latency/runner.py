"""Runs cases with the campaign engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from equinox_core.deploy.deployment import deploy
from equinox_core.deploy.predict import capacity
from equinox_core.deploy.scenario import Scenario
from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.latency.cases import Case
from verif.flow.latency.measure import RTL_SECONDS, Measured
from verif.lib import keep

Outcome = Measured | str
"""What became of a case: its result, or in one line why there is none."""
CALL = "verif.flow.latency.measure:job"
TOGETHER = 8
"""Cases of the model that share a process, at most: a process takes seconds to begin."""
LIMIT = RTL_SECONDS + 1800  # seconds, a build included

_FREE = ("tolerance", "cycles", "unloaded")  # fields of a case that its run does not depend on
_COMMON = (
    "models",
    "verif/env",
    "verif/flow/latency/measure.py",
    "verif/flow/latency/confidence.py",
    "models/equinox_core/report/schema.py",
)
_DEPENDS = {
    "model": (_COMMON, keep.MODEL_PACKAGES),
    "rtl": (
        (*_COMMON, "rtl", "verif/agents", "verif/lib", "verif/sequences", "verif/tb", "verif/tests"),
        keep.RTL_PACKAGES,
    ),
}
"""What the result of an engine depends on, beside the case's own files: sources and packages."""


def job_of(case: Case) -> Job:
    """The case as the engine has it, under a hash of everything that its result depends on."""
    fields = {name: value for name, value in asdict(case).items() if name not in _FREE}
    key = keep.key(fields, case.config, case.trace_file, keep.fingerprint(*_DEPENDS[case.engine]))
    return Job(case.name, key, fields, LIMIT, group="model" if case.engine == "model" else "")


def run_all(
    cases: Sequence[Case], folder: Path, jobs: int, say: Callable[[str], None], cluster: str = ""
) -> dict[str, Outcome]:
    """Outcomes by case name; what an earlier run left and still holds is not computed again.

    ``say`` gets a line of progress for each case.
    """
    works = [job_of(case) for case in cases]
    engine = Campaign(CALL, Store(folder / "jobs"), say, _tell, together=TOGETHER)
    if any(job.group and engine.kept(job) is None for job in works):
        _compile(say)
    with executor(cluster, jobs) as pool:
        return {job.name: outcome(record) for job, record in engine.run(works, pool).items()}


def outcome(record: Record) -> Outcome:
    """What a record says of its case. Of a heading the first line that follows says more."""
    if record.status == DONE:
        return Measured.from_dict(dict(record.data))
    lines = record.message.splitlines() or [record.status]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _tell(job: Job, record: Record) -> str:
    return f"{job.name}: {record.seconds:.1f} s" + ("" if record.status == DONE else f", failed: {outcome(record)}")


def _compile(say: Callable[[str], None]) -> None:
    """Have the timing model's machine code in its cache before several processes ask for it."""
    began = time.monotonic()
    capacity(deploy(Scenario(config="tiny", train="off", requests=1)), "mlp")
    if time.monotonic() - began > 5:
        say(f"timing model compiled: {time.monotonic() - began:.0f} s")
