"""The process of a batch: reads it as JSON from the standard input, runs its jobs in one pytest, leaves a folder each.

A job's folder holds ``log.txt``, ``repro.sh``, ``runs`` (what its simulations left), ``cov`` (their coverage) and, last, result.json.
While a job runs, its folder is locked: a process that was given up as lost and a second one for the same job do not meet.
"""
from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from verif.lib import lock
from verif.regress import results
from verif.regress.jobs import Job
from verif.regress.repro import write_script
from verif.regress.results import Result


class Recorder:
    """pytest plugin: gives each test its job's seed and folder, and keeps what came of it."""

    def __init__(self, work: dict[str, dict]) -> None:
        """``work``: what to do by node id: ``job``, ``folder``, ``key``."""
        self.work = work
        self.reports: list[pytest.TestReport] = []
        self.errors: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        entry = self.work[item.nodeid]
        job, folder = Job(**entry["job"]), Path(entry["folder"])
        _prepare(job, folder)
        self.reports = []
        began, before = time.monotonic(), _cpu()
        try:
            return (yield)
        finally:
            result = self._result(job, entry["key"], time.monotonic() - began, _cpu() - before)
            (folder / "log.txt").write_text(_log(self.reports), encoding="utf-8")
            if result.status == "passed":
                _thin(folder)
            results.write(folder, result)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def _result(self, job: Job, key: str, seconds: float, cpu: float) -> Result:
        failed = [r for r in self.reports if r.failed]
        skipped = any(r.skipped for r in self.reports)
        if failed:
            status, message = "failed", _message(failed[0])
        elif not any(r.when == "call" for r in self.reports) and not skipped:
            status, message = "error", "the test was not run to its end"
        else:
            status, message = ("skipped", _skip(self.reports)) if skipped else ("passed", "")
        return Result(job, status, message, round(seconds, 3), round(cpu, 3), key, socket.gethostname())


def _prepare(job: Job, folder: Path) -> None:
    """What a test sees of its job: its seed, also in the global generators, and where its runs go."""
    os.environ["EQX_OUT"] = str(folder)
    os.environ.pop("SEED", None)
    if job.seed:
        os.environ["SEED"] = str(job.seed)
    random.seed(job.seed)
    np.random.seed(job.seed)


def _thin(folder: Path) -> None:
    """Remove what only helps to look into a failure: inputs as binaries, coverage data that is in ``cov`` too."""
    for pattern in ("*.bin", "*.pickle", "coverage.dat"):
        for path in (folder / "runs").rglob(pattern):
            path.unlink()


def _cpu() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _message(report: pytest.TestReport) -> str:
    """Why a test failed: the exception's own words."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr)).strip()


def _skip(reports: list[pytest.TestReport]) -> str:
    found = [r.longrepr for r in reports if r.skipped]
    return str(found[0][2] if isinstance(found[0], tuple) else getattr(reports[-1], "wasxfail", ""))


def _log(reports: list[pytest.TestReport]) -> str:
    parts = []
    for report in reports:
        if report.longrepr and not report.passed:
            parts.append(f"---- {report.when}: {report.outcome}\n{report.longreprtext}\n")
    for name, text in (reports[-1].sections if reports else []):
        parts.append(f"---- {name}\n{text.rstrip()}\n")
    return "\n".join(parts)


@contextlib.contextmanager
def _claimed(entry: dict) -> Iterator[bool]:
    """Lock the job's folder and empty it; False when another process has meanwhile done the job."""
    folder = Path(entry["folder"])
    with lock.waiting(folder.parent.parent / "locks" / f"{folder.parent.name}-{folder.name}"):
        done = results.read(folder)
        if done is not None and done.key == entry["key"] and done.status != "error":
            yield False
            return
        results.remove(folder)
        folder.mkdir(parents=True)
        write_script(folder, Job(**entry["job"]), entry["root"], entry["env"])
        yield True


def main() -> int:
    """Run the batch on the standard input; returns 0 when every job has a result."""
    batch = json.load(sys.stdin)
    with contextlib.ExitStack() as stack:
        work = {}
        for job in batch["jobs"]:
            entry = {**job, "root": batch["root"], "env": batch["env"]}
            if stack.enter_context(_claimed(entry)):
                work[job["job"]["node"]] = entry
        if not work:
            return 0
        first = next(iter(work.values()))
        _prepare(Job(**first["job"]), Path(first["folder"]))  # for what a module reads while it is imported
        if os.environ.get("COVERAGE") == "1":  # where what is recorded of the whole process goes
            os.environ["EQX_COVERAGE_DIR"] = str(Path(first["folder"]) / "cov")
        recorder = Recorder(work)
        pytest.main(["-q", "-m", "", "-p", "no:xdist", *work], plugins=[recorder])
        if recorder.errors and len(work) == 1:  # several are run again one by one
            entry = next(iter(work.values()))
            lines = recorder.errors[0].strip().splitlines()
            message = f"not collected: {next((line[2:].strip() for line in lines if line.startswith('E ')), lines[-1])}"
            results.write(Path(entry["folder"]), Result(Job(**entry["job"]), "failed", message, key=entry["key"], host=socket.gethostname()))
        return int(any(results.read(Path(entry["folder"])) is None for entry in work.values()))


if __name__ == "__main__":
    sys.exit(main())
