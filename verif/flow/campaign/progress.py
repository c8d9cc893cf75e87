"""How far a campaign is, and how long it will still take: by what its jobs took before, not by their number."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from verif.flow.campaign.job import Job
from verif.lib import keep

FILE = "durations.json"
PERIOD = 20.0
"""Seconds between two lines on how long it will take."""


class Durations:
    """Seconds that jobs took, in a file that outlives their results."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            self.seconds = {
                str(name): float(value) for name, value in json.loads(self.path.read_text(encoding="utf-8")).items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            self.seconds = {}

    def expected(self, jobs: Iterable[Job]) -> dict[str, float]:
        """Seconds that each job will take, by name; of those never run the median of the others."""
        jobs = list(jobs)
        known = [self.seconds[job.known_by] for job in jobs if job.known_by in self.seconds]
        usual = statistics.median(known) if known else 60.0
        return {job.name: self.seconds.get(job.known_by, usual) for job in jobs}

    def learn(self, took: Mapping[Job, float]) -> None:
        """Remember what jobs took."""
        fresh = {job.known_by: round(seconds, 3) for job, seconds in took.items()}
        if fresh:
            keep.write_whole(self.path, json.dumps(self.seconds | fresh, indent=1, sort_keys=True) + "\n")


class Progress:
    """Counts jobs and time; ``clock`` for tests."""

    def __init__(
        self,
        expected: Mapping[str, float],
        known: Iterable[str],
        done: int,
        parallel: Callable[[], int],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``expected``: seconds of the jobs to run, by name; ``known``: names of those that have run before;
        ``done``: jobs that are done already."""
        self.left, self.known, self.parallel, self.say, self.clock = dict(expected), set(known), parallel, say, clock
        self.done, self.total, self.bad = done, done + len(expected), 0
        self.began = self.last = clock()
        self.running: dict[str, float] = {}
        self.took = self.due = 0.0
        self.new: list[float] = []

    def begin(self, name: str) -> None:
        """A job has begun to run."""
        self.running[name] = self.clock()

    def end(self, name: str, seconds: float | None, good: bool = True) -> None:
        """A job is done; ``seconds`` None: nobody knows how long it took."""
        self.running.pop(name, None)
        expected = self.left.pop(name, None)
        self.done += 1
        self.bad += not good
        if expected is None or seconds is None:
            return
        if name in self.known:
            self.took, self.due = self.took + seconds, self.due + expected
        else:
            self.new.append(seconds)

    def seconds_left(self) -> float:
        """What is left: each job's expected time, as much longer or shorter as those that are done turned out to be;
        of jobs that never ran, what others of that kind took this time."""
        pace = self.took / self.due if self.due > 0 else 1.0
        usual = statistics.fmean(self.new) if self.new else None
        now, rest = self.clock(), []
        for name, expected in self.left.items():
            due = usual if name not in self.known and usual is not None else pace * expected
            spent = now - self.running.get(name, now)
            rest.append(max(due - spent, 0.05 * due) if spent < due else spent / 2)  # late: half as long again
        return max(sum(rest) / max(1, self.parallel()), max(rest)) if rest else 0.0

    def tick(self) -> None:
        """A line from time to time."""
        now = self.clock()
        if now - self.last < PERIOD and self.left:
            return
        self.last = now
        left = f", about {_words(self.seconds_left())} left" if self.left else ""
        bad = f", {self.bad} not good" if self.bad else ""
        self.say(f"{self.done}/{self.total} done{bad}, {_words(now - self.began)}{left}")


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"
