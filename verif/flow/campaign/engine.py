"""Carries out jobs: in batches, the longest first, lost ones again, finished ones not again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

from verif.flow.campaign.executor import Pool
from verif.flow.campaign.job import DONE, ERROR, FAILED, Job, Record
from verif.flow.campaign.progress import PERIOD, Durations, Progress
from verif.flow.campaign.store import Store
from verif.lib.packages import python_path
from verif.lib.toolchain import ROOT
from verif.lib.verdict import require

ATTEMPTS = 3
"""How often a job is started before it counts as lost."""
FINAL = 1000
"""Not an exit code: the engine has tried the batch again on other workers, and given up."""
LOST, TIME_LIMIT = "its worker was lost", "stopped at its time limit"

Say = Callable[[str], None]


class CampaignError(RuntimeError):
    """A job ended as none may; the message is its own."""


@dataclass(frozen=True)
class Campaign:
    """How jobs are carried out.

    ``call``: the function that does, "module:function" (see worker.py). ``store``: where records are kept. ``again``:
    status of records that do not stand: such a job runs again. ``fatal``: status upon which everything stops.
    ``good``: status of what is well.
    ``tell``: the line on a job that is done, "" for none. ``together``: jobs of a group that share a process, at
    most. ``home``: checkout whose verif/ has the function, ``root``: folder in which it runs, ``env``: more
    environment variables.
    """

    call: str
    store: Store
    say: Say
    tell: Callable[[Job, Record], str] = lambda job, record: f"{job.name}: {record.status}"
    again: tuple[str, ...] = (ERROR, FAILED)
    fatal: tuple[str, ...] = ()
    good: tuple[str, ...] = (DONE,)
    together: int = 1
    home: Path = ROOT
    root: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)
    durations: Path | None = None  # folder in which they are remembered [the one of the store]

    def batch(self, jobs: Sequence[Job]) -> dict:
        """Plain data for :func:`~verif.flow.campaign.batch.run_batch`."""
        return {
            "python": sys.executable,
            "tools": str(ROOT),
            "path": python_path(self.home),
            "root": str(self.root),
            "store": str(self.store.folder),
            "call": self.call,
            "again": list(self.again),
            "jobs": [asdict(job) for job in jobs],
            "env": {"PYTHONDONTWRITEBYTECODE": "1", **self.env},
            "limit": sum(job.limit for job in jobs),
        }

    def kept(self, job: Job) -> Record | None:
        """A record that stands."""
        record = self.store.get(job)
        return record if record is not None and record.status not in self.again else None

    def run(self, jobs: Sequence[Job], pool: Pool) -> dict[Job, Record]:
        """Records by job, in the order of the jobs; every job ends with exactly one. Those that are kept already do
        not run.

        Raises:
            StoreError: the store is another version's.
            CampaignError: a job ended with a fatal status.
        """
        self.store.prepare()
        return _Run(self, jobs, pool).run()


def batches(jobs: Iterable[Job], expected: Mapping[str, float], together: int, parallel: int) -> list[list[Job]]:
    """Jobs as they share processes, the longest first. A group is shared out among ``parallel`` processes at least,
    where it has so many jobs."""
    out: list[list[Job]] = []
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        if job.group and together > 1:
            groups.setdefault(job.group, []).append(job)
        else:
            out.append([job])
    for group in groups.values():
        size = max(1, min(together, -(-len(group) // max(1, parallel))))
        out += [group[n : n + size] for n in range(0, len(group), size)]
    return sorted(out, key=lambda batch: -sum(expected[job.name] for job in batch))


class _Run:
    def __init__(self, campaign: Campaign, jobs: Sequence[Job], pool: Pool) -> None:
        self.campaign, self.jobs, self.pool = campaign, jobs, pool
        names = [job.name for job in jobs]
        require(len(set(names)) == len(names), "two jobs of one name")
        self.done = {job: kept for job in jobs if (kept := campaign.kept(job)) is not None}
        self.todo = [job for job in jobs if job not in self.done]
        for job in self.todo:
            campaign.store.forget(job)  # what an earlier run has left is no result of this one
        self.ended = {job.name for job in self.done}
        self.durations = Durations(campaign.durations or campaign.store.folder)
        self.expected = self.durations.expected(self.todo)
        known = {job.name for job in self.todo if job.known_by in self.durations.seconds}
        self.progress = Progress(self.expected, known, len(self.done), pool.parallel, campaign.say)
        self.tries = dict.fromkeys(self.todo, 0)
        self.waiting: dict[Future, list[Job]] = {}

    def run(self) -> dict[Job, Record]:
        if self.done:
            self.campaign.say(f"{len(self.done)} of {len(self.jobs)} are done already")
        try:
            self._submit_ready(self.todo)
            while self.waiting:
                ready, _ = wait(self.waiting, timeout=PERIOD, return_when=FIRST_COMPLETED)
                for future in ready:
                    self._take(future)
                self.progress.tick()
        finally:
            self.durations.learn(
                {
                    job: record.seconds
                    for job, record in self.done.items()
                    if job in self.tries and record.status != ERROR
                }
            )
        return {job: self.done[job] for job in self.jobs}

    def _submit_ready(self, jobs: Iterable[Job]) -> None:
        """Submit those for which everything is there that they come after."""
        ready = [
            job for job in jobs if not self.tries[job] and job not in self.done and self.ended.issuperset(job.after)
        ]
        for group in batches(ready, self.expected, self.campaign.together, self.pool.parallel()):
            self._submit(group)

    def _submit(self, group: list[Job]) -> None:
        for job in group:
            self.tries[job] += 1
        self.waiting[self.pool.submit(self.campaign.batch(group), lambda: self.progress.begin(group[0].name))] = group

    def _take(self, future: Future) -> None:
        group = self.waiting.pop(future)
        code, why = _ending(future)
        for job in group:
            record = self.campaign.store.get(job)
            if record is not None:
                self._end(job, record)
            elif self.tries[job] < ATTEMPTS and code != FINAL and not (code is None and len(group) == 1):
                self.campaign.say(f"{job.name}: {why}; again")
                self._submit([job])
            else:
                record = Record(
                    job.name, job.key, ERROR, why + (f" ({self.tries[job]} attempts)" if self.tries[job] > 1 else "")
                )
                self.campaign.store.put(job, record)
                self._end(job, record)
        self._submit_ready(self.todo)

    def _end(self, job: Job, record: Record) -> None:
        self.done[job] = record
        self.ended.add(job.name)
        self.progress.end(
            job.name, None if record.status == ERROR else record.seconds, record.status in self.campaign.good
        )
        if line := self.campaign.tell(job, record):
            self.campaign.say(f"{self.progress.done}/{self.progress.total} {line}")
        if record.status in self.campaign.fatal:
            raise CampaignError(record.message)


def _ending(future: Future) -> tuple[int | None, str]:
    """Exit code of a batch's process (None at the time limit; FINAL when its workers were lost), and in one line why
    a job of it may have no record."""
    try:
        ended = future.result()
    except Exception as error:  # noqa: BLE001 - whatever the engine raises for a worker that is gone
        words = str(error).splitlines() or [type(error).__name__]
        return FINAL, f"{LOST}: {words[0][:200]}"
    code, said = ended["code"], ended["words"].strip().splitlines()
    if code is None:
        return None, TIME_LIMIT
    if code < 0:
        return code, f"its process ended by signal {-code}"
    return code, f"its process left no result (exit code {code}): {said[-1][:200] if said else 'no output'}"
