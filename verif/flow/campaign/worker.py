"""The process of a batch: reads it as JSON from the standard input and carries its jobs out, each record kept at once.

A campaign's function gets one job, ``function(args, folder)``, and returns plain data, or an :class:`Outcome`
(job.py); what it raises as RuntimeError, ValueError or OSError is why the job failed. Or it takes a whole batch:
``function(works, put, batch)``, marked with :func:`whole_batch`. While a job runs, its folder is locked: a process
that was given up as lost and a second one for the same job do not meet.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import resource
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from verif.flow.campaign import store
from verif.flow.campaign.job import FAILED, Job, Outcome, Record, Work


def cpu_seconds() -> float:
    """Processor time of this process and of all that it has waited for."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def job_from(data: Mapping[str, Any]) -> Job:
    """The inverse of ``asdict``."""
    return Job(**{**data, "after": tuple(data["after"])})


def carry_out(batch: dict) -> int:
    """Carry the jobs out; returns 0 when each has a record."""
    kept = store.Store(Path(batch["store"]))
    module, _, name = batch["call"].partition(":")
    with contextlib.ExitStack() as stack:
        works = []
        for job in map(job_from, batch["jobs"]):
            stack.enter_context(kept.claim(job))
            done = kept.get(job)
            if done is not None and done.status not in batch["again"]:
                continue  # by another process meanwhile
            place = kept.place(job)
            store.remove(place)
            place.mkdir(parents=True)
            works.append(Work(job, place))
        if not works:
            return 0
        function = getattr(importlib.import_module(module), name)
        (function if hasattr(function, "whole_batch") else _one_by_one(function))(works, store.write, batch)
        return int(any(kept.get(work.job) is None for work in works))


def _one_by_one(function: Callable) -> Callable:
    def carry_out_each(works: list[Work], put: Callable[[Path, Record], None], batch: dict) -> None:
        for work in works:
            began, before = time.monotonic(), cpu_seconds()
            try:
                said = function(dict(work.job.args), work.folder)
                outcome = said if isinstance(said, Outcome) else Outcome(data=said)
            except (RuntimeError, ValueError, OSError) as error:
                outcome = Outcome(FAILED, str(error).strip() or type(error).__name__)
            seconds, cpu = time.monotonic() - began, cpu_seconds() - before
            put(
                work.folder,
                Record(
                    work.job.name,
                    work.job.key,
                    outcome.status,
                    outcome.message,
                    outcome.data,
                    round(seconds, 3),
                    round(cpu, 3),
                    socket.gethostname(),
                ),
            )

    return carry_out_each


if __name__ == "__main__":
    sys.exit(carry_out(json.load(sys.stdin)))
