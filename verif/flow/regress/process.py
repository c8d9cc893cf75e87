"""What the process of a batch does: runs the batch's jobs in one pytest, and leaves a folder each.

A job's folder holds ``log.txt``, ``repro.sh``, ``runs`` (what its simulations left), ``cov`` (their coverage) and,
last, result.json.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from verif.flow.campaign.job import Record, Work, whole_batch
from verif.flow.campaign.worker import cpu_seconds
from verif.flow.regress.jobs import Job
from verif.flow.regress.repro import write_script
from verif.flow.regress.results import Result


@dataclass(frozen=True)
class Entry:
    """A test to run: its job, its folder, and the key of its result."""

    job: Job
    folder: Path
    key: str


class Recorder:
    """pytest plugin: gives each test its job's seed and folder, and keeps what came of it."""

    def __init__(self, work: dict[str, Entry], put: Callable[[Path, Record], None]) -> None:
        """``work``: what to do by node id; ``put`` keeps a record in a folder."""
        self.work, self.put = work, put
        self.reports: list[pytest.TestReport] = []
        self.errors: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        entry = self.work[item.nodeid]
        _prepare(entry)
        self.reports = []
        began, before = time.monotonic(), cpu_seconds()
        try:
            return (yield)
        finally:
            result = self._result(entry, time.monotonic() - began, cpu_seconds() - before)
            (entry.folder / "log.txt").write_text(_log(self.reports), encoding="utf-8")
            if result.status == "passed":
                _thin(entry.folder)
            self.put(entry.folder, result.record)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def _result(self, entry: Entry, seconds: float, cpu: float) -> Result:
        failed = [r for r in self.reports if r.failed]
        skipped = any(r.skipped for r in self.reports)
        if failed:
            status, message = "failed", _message(failed[0])
        elif not any(r.when == "call" for r in self.reports) and not skipped:
            status, message = "error", "the test was not run to its end"
        else:
            status, message = ("skipped", _skip(self.reports)) if skipped else ("passed", "")
        return Result(entry.job, status, message, round(seconds, 3), round(cpu, 3), entry.key, socket.gethostname())


def _prepare(entry: Entry) -> None:
    """What a test sees of its job: its seed, also in the global generators, and where its runs go."""
    os.environ["EQX_OUT"] = str(entry.folder)
    os.environ.pop("SEED", None)
    if entry.job.seed:
        os.environ["SEED"] = str(entry.job.seed)
    random.seed(entry.job.seed)
    np.random.seed(entry.job.seed)


def _thin(folder: Path) -> None:
    """Remove what only helps to look into a failure: inputs as binaries, coverage data that is in ``cov`` too."""
    for pattern in ("*.bin", "*.pickle", "coverage.dat"):
        for path in (folder / "runs").rglob(pattern):
            path.unlink()


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
    for name, text in reports[-1].sections if reports else []:
        parts.append(f"---- {name}\n{text.rstrip()}\n")
    return "\n".join(parts)


@whole_batch
def run(works: list[Work], put: Callable[[Path, Record], None], batch: dict) -> None:
    """Run the tests of a batch."""
    entries = [Entry(Job(**work.job.args["job"]), work.folder, work.job.key) for work in works]
    for entry in entries:
        write_script(entry.folder, entry.job, batch["root"], batch["env"])
    first = entries[0]
    _prepare(first)  # for what a module reads while it is imported
    if os.environ.get("COVERAGE") == "1":  # where what is recorded of the whole process goes
        os.environ["EQX_COVERAGE_DIR"] = str(first.folder / "cov")
    recorder = Recorder({entry.job.node: entry for entry in entries}, put)
    pytest.main(["-q", "-m", "", "-p", "no:xdist", *recorder.work], plugins=[recorder])
    if recorder.errors and len(entries) == 1:  # several are run again one by one
        lines = recorder.errors[0].strip().splitlines()
        message = f"not collected: {next((line[2:].strip() for line in lines if line.startswith('E ')), lines[-1])}"
        put(first.folder, Result(first.job, "failed", message, key=first.key, host=socket.gethostname()).record)
