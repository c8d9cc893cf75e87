"""Results of jobs: a folder each, with everything that a job left; complete when its result.json is there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from verif.flow.campaign import job as campaign
from verif.flow.campaign import store
from verif.flow.campaign.job import ERROR, Record
from verif.flow.collect import ROOT
from verif.flow.regress.jobs import Job
from verif.lib import keep

STATES = ("passed", "failed", "skipped", ERROR)
"""error: no verdict, as the time ran out or the process died."""
_TOOLS = ("verif/flow", "verif/testplan", "scripts/regress.py")
"""What runs, plans and reports: simulations do not depend on it."""
_SOURCES = ("rtl", "models", "configs", "verif", "scripts", "pyproject.toml", "requirements.txt")
_PACKAGES = (*keep.RTL_PACKAGES, "pytest", "cocotb-bus", "cocotb-coverage", "cocotbext-axi", "scikit-learn")


@dataclass(frozen=True)
class Result:
    """What came of a job. ``seconds``: wall time; ``cpu``: seconds of processor time, its simulator included."""

    job: Job
    status: str
    message: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    key: str = ""
    host: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: passed, or left out by the test itself."""
        return self.status in ("passed", "skipped")

    @staticmethod
    def of(record: Record, job: Job | None = None) -> Result:
        """Raises ValueError, TypeError or KeyError for a record that is no result of a test."""
        if record.status not in STATES:
            raise ValueError(f"status {record.status!r}")
        return Result(
            job or Job(**record.data["job"]),
            record.status,
            record.message,
            record.seconds,
            record.cpu,
            record.key,
            record.host,
        )

    @property
    def record(self) -> Record:
        """The same as the engine keeps it."""
        return Record(
            self.job.folder,
            self.key,
            self.status,
            self.message,
            {"job": asdict(self.job)},
            self.seconds,
            self.cpu,
            self.host,
        )

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self)


class Store:
    """The results of a regression, in its folder."""

    def __init__(self, folder: Path, *, coverage: bool, sources: str | None = None) -> None:
        """``sources``: a fingerprint of what the jobs depend on (default: of the project's files)."""
        self.folder, self.coverage, self.sources = folder, coverage, sources

    def kind(self, kind: str = "runs") -> store.Store:
        """The engine's store; ``kind`` is runs, or waves for what is run again with waves."""
        return store.Store(self.folder / kind)

    def place(self, job: Job, kind: str = "runs") -> Path:
        """The job's folder."""
        return self.folder / kind / job.folder

    def key(self, job: Job) -> str:
        """Hash of everything that the job's result depends on."""
        return hashlib.sha256(
            f"{job.node} {job.seed} {self.coverage} {self.sources or _sources(job.block)}".encode()
        ).hexdigest()[:16]

    def work(self, job: Job) -> campaign.Job:
        """The job as the engine has it. Those without a seed may share a process with others of their block."""
        return campaign.Job(
            job.folder,
            self.key(job),
            {"job": asdict(job)},
            job.limit,
            "" if job.seed else job.block,
            like=job.node,
            folder=job.folder,
        )

    def prune(self, jobs: Sequence[Job]) -> int:
        """Remove folders of runs whose sources are not those of now and which are none of these jobs;
        returns how many.
        """
        wanted = {job.folder for job in jobs}
        gone = 0
        for path, record in self.kind().records():
            if path.name in wanted:
                continue
            result = _result(record)
            if result is None or result.key != self.key(result.job):
                store.remove(path)
                gone += 1
        return gone


def _result(record: Record | None) -> Result | None:
    try:
        return None if record is None else Result.of(record)
    except (ValueError, TypeError, KeyError):
        return None


def read(folder: Path) -> Result | None:
    """The result in a job's folder; None when there is none, or a damaged one."""
    return _result(store.read(folder))


def _sources(block: str) -> str:
    """Fingerprint of what tests of a block depend on: all sources, but those of the flow's own tools for simulations
    only.
    """
    simulates = block == "chip" or (ROOT / "verif" / "block" / block).is_dir()
    places = tuple(place for place in _SOURCES if place not in ("verif", "scripts")) if simulates else _SOURCES
    if simulates:
        below = sorted(p for top in ("verif", "scripts") for p in (ROOT / top).iterdir())
        names = (str(p.relative_to(ROOT)) for p in below if p.name != "__pycache__")
        places += tuple(name for name in names if name not in _TOOLS)
    return keep.fingerprint(places, _PACKAGES, tests=True)
