"""Runs the planted faults: each must be reported first by the checker that is there for it, and without it all must
be well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from verif.flow.campaign.engine import Campaign as Engine
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import ERROR, FAILED, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.selftest import tree
from verif.flow.selftest.faultlist import Fault, FaultList, Run
from verif.flow.selftest.job import BROKEN, GOOD, LIMIT, VERDICTS
from verif.lib import lock
from verif.lib.asserts import exercised
from verif.lib.coverage import merge, parse
from verif.lib.keep import RTL_PACKAGES, fingerprint
from verif.lib.toolchain import BUILD

OUT = BUILD / "selftest"
SOURCES = (
    "rtl",
    "models",
    "configs",
    "verif/agents",
    "verif/block",
    "verif/env",
    "verif/lib",
    "verif/sequences",
    "verif/tb",
    "verif/tests",
    "verif/flow/selftest/job.py",
    "verif/flow/selftest/reports.py",
)
CALL = "verif.flow.selftest.job:run"
WITH_BUILD = 1800 + LIMIT  # seconds


@dataclass(frozen=True)
class Verdict:
    """What came of a fault, or of a run without one (``fault`` empty, ``checker`` empty)."""

    run: str
    fault: str
    category: str
    checker: str
    verdict: str
    by: str  # the checker that reported first
    message: str  # its words
    seconds: float
    log: str

    @property
    def ok(self) -> bool:
        return self.verdict in GOOD


def name_of(run: Run, fault: Fault | None) -> str:
    """A run with a fault, or without."""
    return f"{run.name}-{fault.id if fault else 'none'}"


class Campaign:
    """A selection of faults, run in the planted copy ``where``; good results are kept beside it, and while they hold
    not run again unless ``again``."""

    def __init__(
        self,
        what: FaultList,
        faults: Iterable[Fault],
        say: Callable[[str], None] = print,
        again: bool = False,
        where: Path = tree.TREE,
    ) -> None:
        self.what, self.faults, self.say = what, list(faults), say
        self.where, self.store = where, Store(where.with_name("jobs"))
        self.again = (ERROR, FAILED, *(v for v in VERDICTS if again or v not in GOOD))

    def _job(self, run: Run, fault: Fault | None, after: str) -> Job:
        planted = asdict(fault) if fault else {}
        planted.pop("line", None)
        what = [asdict(run), planted or None, fingerprint(SOURCES, RTL_PACKAGES)]
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        args = {
            "kind": run.kind,
            "what": run.what,
            "seed": run.seed,
            "options": dict(run.options),
            "fault": fault.id if fault else "",
            "number": fault.number if fault else 0,
            "checker": fault.checker if fault else "",
            "message": fault.message if fault else "",
        }
        name = name_of(run, fault)
        return Job(name, key, args, WITH_BUILD, after=(after,) if after else (), folder=name)

    def exercised(self) -> dict[tuple[str, str], int]:
        """(file, label) of each cover -> hits in the runs without a fault, as they were last run."""
        files = sorted(self.store.folder.glob("*-none/**/coverage.dat"))
        return exercised(merge(map(parse, files)), self.where)

    def jobs(self) -> dict[Job, tuple[Run, Fault | None]]:
        """The runs without a fault, and then with each of their faults. Of the runs of one simulator the first, which
        builds it, goes before the others, so that different ones are built beside each other; the largest, the
        core's, first of all."""
        groups: dict[str, list[Fault]] = {}
        for fault in self.faults:
            groups.setdefault(fault.run.name, []).append(fault)
        first: dict[str, str] = {}
        jobs: dict[Job, tuple[Run, Fault | None]] = {}
        for name in sorted(groups, key=lambda name: (self.what.runs[name].kind != "chip", -len(groups[name]), name)):
            run = self.what.runs[name]
            simulator = "chip" if run.kind == "chip" else f"{run.kind} {run.what} {run.options.get('params')}"
            jobs[self._job(run, None, first.get(simulator, ""))] = run, None
            first.setdefault(simulator, name_of(run, None))
        for name, faults in groups.items():
            run = self.what.runs[name]
            jobs |= {self._job(run, fault, name_of(run, None)): (run, fault) for fault in faults}
        return jobs

    def run(self, jobs: int = 1, cluster: str = "") -> list[Verdict]:
        """All verdicts: of each run without a fault, and of its faults.

        Raises:
            FaultListError: faults get in each other's way.
            Busy, ClusterError, StoreError: see there.
        """
        with lock.hold(self.where.parent):
            tree.make(self.what.faults, self.where)
            listed = self.jobs()
            engine = Engine(
                CALL,
                self.store,
                self.say,
                lambda job, record: self._tell(*listed[job], record),
                again=self.again,
                good=GOOD,
                home=self.where,
                root=self.where,
            )
            with executor(cluster, jobs) as pool:
                found = engine.run(list(listed), pool)
        return [self._verdict(*listed[job], record) for job, record in found.items()]

    def _verdict(self, run: Run, fault: Fault | None, record: Record) -> Verdict:
        verdict = BROKEN if record.status in (ERROR, FAILED) else record.status
        return Verdict(
            run.name,
            fault.id if fault else "",
            fault.category if fault else "",
            fault.checker if fault else "",
            verdict,
            record.data.get("by", ""),
            record.message[:400],
            round(record.seconds, 1),
            record.data.get("log", ""),
        )

    def _tell(self, run: Run, fault: Fault | None, record: Record) -> str:
        verdict = self._verdict(run, fault, record)
        shown = (
            f"{fault.id}: {verdict.verdict} by {verdict.by}" if fault else f"no fault in {run.name}: {verdict.verdict}"
        )
        more = "" if verdict.ok else f"\n           {verdict.by}: {verdict.message}\n           log: {verdict.log}"
        return f"{shown} ({verdict.seconds:.0f} s){more}"
