"""Runs seeds with the campaign engine: results are kept, failing cases written where `make shrink` finds them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, ERROR, FAILED, Job, Record, Work, whole_batch
from verif.flow.campaign.store import Store
from verif.flow.campaign.worker import cpu_seconds
from verif.lib import lock
from verif.lib.keep import ROOT, RTL_PACKAGES, fingerprint, key
from verif.random.case import Case, save_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.run import SECONDS, SOURCES, Outcome, run_cases, simulator

CALL = "verif.flow.random.search:run"
TOGETHER = 10  # cases in one simulation
FAILS = "fails"
"""Status of a seed whose case fails."""
OUT = ROOT / "build/random"
_COUNTED = ("COVERAGE", "EQX_OUT")  # of the environment: coverage of these runs counts where it is collected


@dataclass(frozen=True)
class Found:
    """What a seed brought."""

    config: str
    seed: int
    knobs: Knobs
    outcome: Outcome
    path: Path | None = None  # of a failing case

    @cached_property
    def case(self) -> Case:
        """The case: configuration, seed and knobs always give the same."""
        return generate(self.config, self.seed, self.knobs)


def search(
    config: str,
    seeds: Sequence[int],
    knobs: Knobs = Knobs(),
    *,
    folder: Path = OUT,
    plant: str = "",
    say: Callable[[str], None] = lambda _: None,
    jobs: int = 1,
    cluster: str = "",
) -> list[Found]:
    """Run a case for each seed; those whose result is known (same sources, core, knobs) are not run again.

    Raises:
        ValueError: the configuration, or the knobs, are not legal.
        RuntimeError: a seed brought no verdict.
        Busy, ClusterError, StoreError: see there.
    """
    knobs.check()
    with lock.hold(folder):
        sources, exe = fingerprint(SOURCES, RTL_PACKAGES), str(simulator(config, plant))

        def job_of(seed: int) -> Job:
            args = {"config": config, "seed": seed, "knobs": asdict(knobs), "plant": plant}
            return Job(
                f"{config} seed {seed}",
                key([seed, repr(knobs), plant, exe], config, None, sources),
                args,
                SECONDS + 60,
                group=config,
                like=f"{config} seed",
            )

        works = [job_of(seed) for seed in seeds]
        engine = Campaign(
            CALL,
            Store(folder / "jobs"),
            say,
            _tell,
            again=(ERROR, FAILED),
            fatal=(ERROR, FAILED),
            good=(DONE,),
            together=TOGETHER,
            env={name: os.environ[name] for name in _COUNTED if name in os.environ},
        )
        with executor(cluster, jobs) as pool:
            records = engine.run(works, pool).values()
        return [_found(config, seed, knobs, record, folder) for seed, record in zip(seeds, records, strict=True)]


def _found(config: str, seed: int, knobs: Knobs, record: Record, folder: Path) -> Found:
    outcome = Outcome(record.data["kind"], record.message)
    if not outcome.failed:
        return Found(config, seed, knobs, outcome)
    found = Found(config, seed, knobs, outcome, folder / "failures" / f"{config}-{seed}.toml")
    save_case(found.case, found.path)
    return found


def _tell(job: Job, record: Record) -> str:
    return f"{job.name}: {record.data.get('summary', '')}: " + (
        "ok" if record.status == DONE else f"FAILED: {record.reason}"
    )


@whole_batch
def run(works: list[Work], put: Callable[[Path, Record], None], batch: dict) -> None:
    """Run the cases of seeds in one simulation, and in another what an assertion that ended it has left."""
    waiting = [(work, _case(work.job.args)) for work in works]
    while waiting:
        began, before, first = time.monotonic(), cpu_seconds(), waiting[0][0]
        outcomes = run_cases(
            [case for _, case in waiting], first.folder / f"run-{first.job.key}", plant=first.job.args["plant"]
        )
        ended = sum(outcome is not None for outcome in outcomes)
        if not ended:
            raise RuntimeError(f"the simulation of {first.job.name} and {len(waiting) - 1} more ran none of them")
        seconds, cpu = (
            (after - since) / ended for after, since in ((time.monotonic(), began), (cpu_seconds(), before))
        )
        for (work, case), outcome in zip(waiting, outcomes, strict=True):
            if outcome is not None:
                data = {"kind": outcome.kind, "summary": case.summary()}
                put(
                    work.folder,
                    Record(
                        work.job.name,
                        work.job.key,
                        FAILS if outcome.failed else DONE,
                        outcome.message,
                        data,
                        round(seconds, 3),
                        round(cpu, 3),
                        socket.gethostname(),
                    ),
                )
        waiting = [one for one, outcome in zip(waiting, outcomes, strict=True) if outcome is None]


def _case(args: dict[str, Any]) -> Case:
    values = {f.name: args["knobs"][f.name] for f in fields(Knobs)}
    knobs = Knobs(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    return generate(args["config"], args["seed"], knobs)
