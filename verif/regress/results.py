"""Results of jobs: a folder each, with everything that a job left; complete when its result.json is there."""
from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from verif.lib import keep
from verif.regress.collect import ROOT
from verif.regress.jobs import Job

STATES = ("passed", "failed", "skipped", "error")
"""error: no verdict, as the time ran out or the process died."""
RESULT = "result.json"
_TOOLS = ("verif/regress", "verif/plan", "verif/testplan", "verif/coverage", "scripts/regress.py")
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
    def from_dict(data: dict) -> Result:
        """Raises ValueError, TypeError or KeyError for what is no result."""
        result = Result(**{**data, "job": Job(**data["job"])})
        if result.status not in STATES:
            raise ValueError(f"status {result.status!r}")
        return result

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self)


class Store:
    """The results of a regression, in its folder."""

    def __init__(self, folder: Path, *, coverage: bool, sources: str | None = None) -> None:
        """``sources``: a fingerprint of what the jobs depend on (default: of the project's files)."""
        self.folder, self.coverage, self.sources = folder, coverage, sources

    def place(self, job: Job, kind: str = "runs") -> Path:
        """The job's folder; ``kind`` is runs, or waves for what is run again with waves."""
        return self.folder / kind / job.folder

    def key(self, job: Job) -> str:
        """Hash of everything that the job's result depends on."""
        return hashlib.sha256(f"{job.node} {job.seed} {self.coverage} {self.sources or _sources(job.block)}".encode()).hexdigest()[:16]

    def get(self, job: Job, kind: str = "runs") -> Result | None:
        """A result that still holds; one without a verdict does not."""
        result = read(self.place(job, kind))
        return result if result and result.key == self.key(job) and result.status != "error" else None

    def prune(self, jobs: Sequence[Job]) -> int:
        """Remove folders of runs whose sources are not those of now and which are none of these jobs; returns how many."""
        wanted = {job.folder for job in jobs}
        gone = 0
        for path in sorted((self.folder / "runs").glob("*/")):
            if path.name in wanted:
                continue
            result = read(path)
            if result is None or result.key != self.key(result.job):
                remove(path)
                gone += 1
        return gone


def read(folder: Path) -> Result | None:
    """The result in a job's folder; None when there is none, or a damaged one."""
    try:
        return Result.from_dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove(folder: Path) -> None:
    """Remove a job's folder, its result first: what is half removed counts as not there."""
    (folder / RESULT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, result: Result) -> None:
    """Write a job's result, as the last thing in its folder; it appears whole or not at all."""
    keep.write_whole(folder / RESULT, json.dumps(result.to_dict(), indent=1) + "\n")


def _sources(block: str) -> str:
    """Fingerprint of what tests of a block depend on: all sources, but those of the regressions' own tools for simulations only."""
    simulates = block == "chip" or (ROOT / "verif" / "block" / block).is_dir()
    places = tuple(place for place in _SOURCES if place not in ("verif", "scripts")) if simulates else _SOURCES
    if simulates:
        below = sorted(p for top in ("verif", "scripts") for p in (ROOT / top).iterdir())
        names = (str(p.relative_to(ROOT)) for p in below if p.name != "__pycache__")
        places += tuple(name for name in names if name not in _TOOLS)
    return keep.fingerprint(places, _PACKAGES, tests=True)
