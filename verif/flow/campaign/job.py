"""A job, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DONE, FAILED, ERROR = "done", "failed", "error"
"""Status of a record. done: the function returned; a function may say something else instead. failed: it said in an
exception why it cannot. error: no verdict, as the time ran out or the process died."""


@dataclass(frozen=True)
class Job:
    """One piece of work, as plain data.

    ``name``: unique in its campaign. ``key``: hash of everything that the result depends on. ``args``: what the
    campaign's function gets. ``limit``: seconds. ``group``: jobs of one group may share a process, "" for a process
    of its own. ``after``: names of jobs that must be done first. ``like``: under which name the time it takes is
    remembered [its name]. ``folder``: of its results, below the store's [its name and key].
    """

    name: str
    key: str
    args: Mapping[str, Any] = field(default_factory=dict, compare=False)
    limit: float = 3600.0
    group: str = ""
    after: tuple[str, ...] = ()
    like: str = ""
    folder: str = ""

    @property
    def place(self) -> str:
        """Where its results are, below the store's folder."""
        return self.folder or f"{slug(self.name)}-{self.key}"

    @property
    def known_by(self) -> str:
        """Under which name the time it takes is remembered."""
        return self.like or self.name


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^A-Za-z0-9.=]+", "-", name).strip("-")


@dataclass(frozen=True)
class Record:
    """What came of a job. ``seconds``: wall time; ``cpu``: of the processor, with what the job started; ``host``:
    where it ran."""

    name: str
    key: str
    status: str
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0
    host: str = ""

    @property
    def reason(self) -> str:
        """The first line of the message."""
        return (self.message.splitlines() or [self.status])[0]

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Record:
        """Raises TypeError for what is no record."""
        record = Record(**data)
        if not isinstance(record.status, str) or not isinstance(record.data, Mapping):
            raise TypeError("not a record")
        return record

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """What a function has to say of a job beside data."""

    status: str = DONE
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def whole_batch(function: Callable) -> Callable:
    """Mark a function that takes all jobs of a batch."""
    function.whole_batch = True  # type: ignore[attr-defined]
    return function


@dataclass(frozen=True)
class Work:
    """A job as the process that carries it out sees it: ``folder`` is its own, empty at the beginning."""

    job: Job
    folder: Path
