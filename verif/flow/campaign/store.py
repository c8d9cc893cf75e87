"""Kept results: a folder for each job, complete when its result.json is there, which is written last and whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from verif.flow.campaign.job import Job, Record
from verif.lib import keep, lock

RESULT, ABOUT = "result.json", "store.json"
FORMAT = 1
"""Raise it where an earlier version's results cannot be read any more."""


class StoreError(ValueError):
    """A folder holds something else than results of this version; one line."""


class Store:
    """The results of a campaign's jobs, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> Store:
        """Return self, ready for results.

        Raises:
            StoreError: the folder holds results of another version.
        """
        about = self.folder / ABOUT
        try:
            found = json.loads(about.read_text(encoding="utf-8"))["format"]
        except FileNotFoundError:
            found = FORMAT if not self.folder.is_dir() or not any(self.folder.iterdir()) else "none"
        except (ValueError, KeyError, TypeError):
            found = "unknown"
        if found != FORMAT:
            raise StoreError(
                f"{self.folder}: results of another version (format {found}, this is format {FORMAT}); "
                "remove the folder to begin anew"
            )
        if not about.exists():
            keep.write_whole(about, json.dumps({"format": FORMAT}) + "\n")
        return self

    def place(self, job: Job) -> Path:
        """The job's folder."""
        return self.folder / job.place

    def get(self, job: Job) -> Record | None:
        """The record of this very job; None when there is none, or one of other inputs."""
        record = read(self.place(job))
        return record if record is not None and record.key == job.key else None

    def put(self, job: Job, record: Record) -> None:
        """Keep a record; it appears whole or not at all."""
        write(self.place(job), record)

    def forget(self, job: Job) -> None:
        """Keep no record of this job."""
        (self.place(job) / RESULT).unlink(missing_ok=True)

    def records(self) -> Iterator[tuple[Path, Record | None]]:
        """All folders of jobs, with their records."""
        for path in sorted(self.folder.glob("*/")):
            yield path, read(path)

    def claim(self, job: Job) -> AbstractContextManager[None]:
        """Holds the job's folder against other processes, which wait."""
        return lock.waiting(self.folder / f"{job.place}.lock")


def read(folder: Path) -> Record | None:
    """The record in a job's folder; None when there is none, or a damaged one."""
    try:
        return Record.from_dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(folder: Path, record: Record) -> None:
    """Write a record as the last thing in its folder."""
    keep.write_whole(folder / RESULT, json.dumps(record.to_dict(), indent=1) + "\n")


def remove(folder: Path) -> None:
    """Remove a job's folder, its record first: what is half removed counts as not there."""
    (folder / RESULT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
