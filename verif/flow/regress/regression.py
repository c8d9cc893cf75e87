"""A finished regression: what ran, what came of it, and the files that it leaves beside the folders of its jobs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from verif.flow.regress import junit
from verif.flow.regress.groups import Group
from verif.flow.regress.jobs import Job
from verif.flow.regress.results import STATES, Result, Store
from verif.lib import keep

SUMMARY, JUNIT, PAGE, COVERAGE = "regression.json", "junit.xml", "report.html", "cov"


@dataclass
class Regression:
    """``settings``: names and values for the report's head; ``wall``: seconds of this call; ``fresh``: jobs that this
    call ran; ``gated``: the gates of coverage hold for it, as its tier says so and nothing was filtered; ``problems``:
    what fails the regression besides its jobs.
    """

    name: str
    store: Store
    jobs: Sequence[Job]
    results: Mapping[Job, Result]
    command: str
    settings: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[Group] = ()
    wall: float = 0.0
    fresh: int = 0
    gated: bool = False
    problems: list[str] = field(default_factory=list)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Jobs by status."""
        return {state: sum(r.status == state for r in self.results.values()) for state in STATES}

    @property
    def passed(self) -> bool:
        """Whether something passed, and nothing is wrong."""
        return not self.problems and self.counts["passed"] > 0 and all(r.ok for r in self.results.values())

    @property
    def cpu(self) -> float:
        """Seconds of processor time of all jobs."""
        return sum(r.cpu for r in self.results.values())

    @property
    def verdict(self) -> str:
        """One line."""
        tests = len({job.test for job in self.jobs})
        seen = ", ".join(f"{n:,} {state}" for state, n in self.counts.items() if n or state == "passed")
        more = f"; {len(self.problems)} other problem{'s' * (len(self.problems) > 1)}" if self.problems else ""
        return f"{'PASSED' if self.passed else 'FAILED'}: {len(self.jobs):,} jobs of {tests:,} tests: {seen}{more}"

    def by_test(self) -> dict[str, str]:
        """passed, failed or "not run" by test id; a test whose jobs were all skipped was not run."""
        found: dict[str, set[str]] = {}
        for job, result in self.results.items():
            found.setdefault(job.test, set()).add(result.status)
        words = {"passed": "passed", "skipped": "not run"}
        return {
            test: "failed" if states & {"failed", "error"} else words["passed" if "passed" in states else "skipped"]
            for test, states in found.items()
        }

    def coverage_folders(self) -> list[Path]:
        """The folders with coverage data of the jobs, in the order of the jobs: all first seeds, then all second ones,
        ...
        """
        return [place for job in self.jobs if (place := self.store.place(job) / COVERAGE).is_dir()]

    def write(self) -> None:
        """Write the summary, the JUnit file, and the folder ``cov`` with all jobs' coverage data."""
        rows = [{**r.to_dict(), "folder": f"runs/{job.folder}"} for job, r in self.results.items()]
        groups = [
            {"message": g.message, "jobs": [r.job.folder for r in g.results], "waves": [str(p) for p in g.waves]}
            for g in self.groups
        ]
        data = {
            "name": self.name,
            "command": self.command,
            "verdict": self.verdict,
            "passed": self.passed,
            "settings": dict(self.settings),
            "problems": self.problems,
            "wall": round(self.wall, 1),
            "cpu": round(self.cpu, 1),
            "groups": groups,
            "jobs": rows,
        }
        keep.write_whole(self.store.folder / SUMMARY, json.dumps(data, indent=1) + "\n")
        junit.write(self.store.folder / JUNIT, self.name, self.results.values())

    def gather_coverage(self) -> Path:
        """The folder ``cov`` of the regression: links to the data files of all jobs."""
        target = self.store.folder / COVERAGE
        part = target.with_name(f".{COVERAGE}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for folder in self.coverage_folders():
            for file in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
                _link(file, part / f"{folder.parent.name}--{file.name}")
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
        return target


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without links
        shutil.copy(file, target)
