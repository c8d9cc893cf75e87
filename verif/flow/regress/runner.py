"""Carries out jobs with the campaign engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import Pool
from verif.flow.campaign.job import ERROR, Record
from verif.flow.regress.jobs import Job
from verif.flow.regress.results import Result, Store

CALL = "verif.flow.regress.process:run"
TOGETHER = 40
"""At most so many jobs of tests without seeds share a process."""


@dataclass(frozen=True)
class Runner:
    """Runs tests of the checkout ``root``, with environment variables for all of them. ``durations``: folder of what
    each took."""

    store: Store
    pool: Pool
    say: Callable[[str], None]
    root: Path
    env: Mapping[str, str]
    durations: Path

    def kept(self, job: Job) -> bool:
        """Whether there is a result that still holds; one without a verdict does not."""
        return self._campaign("runs", []).kept(self.store.work(job)) is not None

    def run(self, jobs: Sequence[Job], kind: str = "runs", **env: str) -> dict[Job, Result]:
        """Results by job, in the order of the jobs; those that are kept already are not run again."""
        works = [self.store.work(job) for job in jobs]
        records = replace(self._campaign(kind, jobs), env={**self.env, **env}).run(works, self.pool)
        return {job: Result.of(records[work], job) for job, work in zip(jobs, works, strict=True)}

    def _campaign(self, kind: str, jobs: Sequence[Job]) -> Campaign:
        named = {job.folder: job for job in jobs}
        return Campaign(
            CALL,
            self.store.kind(kind),
            self.say,
            lambda work, record: _tell(named[work.name], record),
            again=(ERROR,),
            good=("passed", "skipped"),
            together=TOGETHER,
            root=self.root,
            durations=self.durations,
        )


def _tell(job: Job, record: Record) -> str:
    """A line for what is not good."""
    return (
        ""
        if Result.of(record, job).ok
        else f"{record.status}: {job.run} with seed {job.seed or 1}: {record.reason[:160]}"
    )
