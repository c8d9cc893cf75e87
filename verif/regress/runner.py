"""Carries out jobs: in batches, lost ones again, finished ones not again."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from verif.lib.packages import python_path
from verif.regress import results
from verif.regress.batch import run_batch
from verif.regress.collect import ROOT
from verif.regress.jobs import Job
from verif.regress.results import Result, Store

ATTEMPTS = 3
"""How often a job is started before it counts as lost."""
FINAL = 1000
"""Not an exit code: the engine has tried the batch again on other workers, and given up."""
LOST, TIME_LIMIT = "its worker was lost", "stopped at its time limit"
TOGETHER = 40
"""At most so many jobs of tests without seeds share a process."""
_PROGRESS_SECONDS = 20


@dataclass(frozen=True)
class Setting:
    """How jobs are run: the checkout, the interpreter, environment variables for all of them."""

    root: Path = ROOT
    python: str = sys.executable
    env: Mapping[str, str] = field(default_factory=dict)

    def batch(self, jobs: Sequence[Job], store: Store, kind: str = "runs") -> dict:
        """Plain data for :func:`run_batch`."""
        listed = [{"job": job.to_dict(), "folder": str(store.place(job, kind)), "key": store.key(job)} for job in jobs]
        env = {"PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1", **self.env}
        return {"python": self.python, "home": str(ROOT), "root": str(self.root), "jobs": listed, "env": env, "limit": sum(job.limit for job in jobs)}


def batches(jobs: Sequence[Job], seconds: Mapping[str, float]) -> list[list[Job]]:
    """Jobs as they share processes: one each, but those without seed together by block. The longest (``seconds`` by node id) come first."""
    alone = [[job] for job in jobs if job.seed]
    by_block: dict[str, list[Job]] = {}
    for job in jobs:
        if not job.seed:
            by_block.setdefault(job.block, []).append(job)
    shared = [group[n : n + TOGETHER] for group in by_block.values() for n in range(0, len(group), TOGETHER)]
    return sorted([*alone, *shared], key=lambda group: -sum(seconds.get(job.node, 60.0) for job in group))


class Runner:
    """Runs jobs with an executor; every job ends with exactly one result."""

    def __init__(self, store: Store, setting: Setting, pool: Executor, say: Callable[[str], None]) -> None:
        self.store, self.setting, self.pool, self.say = store, setting, pool, say

    def run(self, jobs: Sequence[Job], seconds: Mapping[str, float] | None = None, kind: str = "runs") -> dict[Job, Result]:
        """Results by job, in the order of the jobs; those that are kept already are not run again."""
        done = {job: kept for job in jobs if (kept := self.store.get(job, kind)) is not None}
        if done:
            self.say(f"{len(done)} of {len(jobs)} are done already")
        progress = _Progress(len(jobs), len(done), self.say)
        tries = dict.fromkeys(jobs, 0)
        waiting: dict[Future, list[Job]] = {}

        def submit(group: list[Job]) -> None:
            for job in group:
                tries[job] += 1
            waiting[self.pool.submit(run_batch, self.setting.batch(group, self.store, kind))] = group

        for group in batches([job for job in jobs if job not in done], seconds or {}):
            submit(group)
        while waiting:
            ready, _ = wait(waiting, timeout=_PROGRESS_SECONDS, return_when=FIRST_COMPLETED)
            for future in ready:
                group = waiting.pop(future)
                code, why = _ending(future)
                for job in group:
                    result = results.read(self.store.place(job, kind))
                    if result is not None and result.key == self.store.key(job):
                        done[job] = result
                        progress.one(result)
                    elif tries[job] < ATTEMPTS and code != FINAL and not (code is None and len(group) == 1):
                        self.say(f"{job.run} with seed {job.seed or 1}: {why}; again")
                        submit([job])
                    else:
                        done[job] = self._lost(job, kind, why, tries[job])
                        progress.one(done[job])
            progress.tick()
        return {job: done[job] for job in jobs}

    def _lost(self, job: Job, kind: str, why: str, tries: int) -> Result:
        folder = self.store.place(job, kind)
        result = Result(job, "error", why + (f" ({tries} attempts)" if tries > 1 else ""), key=self.store.key(job))
        results.write(folder, result)
        return result


def _ending(future: Future) -> tuple[int | None, str]:
    """Exit code of a batch's process (None at the time limit; FINAL when its workers were lost), and in one line why a job of it may have no result."""
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


class _Progress:
    """A line for each failure, and one from time to time."""

    def __init__(self, total: int, done: int, say: Callable[[str], None]) -> None:
        self.total, self.done, self.kept, self.bad, self.say = total, done, done, 0, say
        self.began = self.last = time.monotonic()

    def one(self, result: Result) -> None:
        self.done += 1
        if not result.ok:
            self.bad += 1
            words = (result.message.splitlines() or [""])[0][:160]
            self.say(f"{result.status}: {result.job.run} with seed {result.job.seed or 1}: {words}")

    def tick(self) -> None:
        now = time.monotonic()
        if now - self.last < _PROGRESS_SECONDS and self.done < self.total:
            return
        self.last = now
        spent = now - self.began
        ran = self.done - self.kept
        left = f", about {spent / ran * (self.total - self.done) / 60:.0f} min left" if ran and self.done < self.total else ""
        self.say(f"{self.done}/{self.total} done, {self.bad} not passed, {spent / 60:.1f} min{left}")
