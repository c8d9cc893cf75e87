"""Measures figures with the campaign engine, a job a measurement."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from equinox_core.config import load_config
from verif.flow.bench.chip import CHIP
from verif.flow.bench.figures import Figure
from verif.flow.bench.scheduling import SCHEDULING
from verif.flow.bench.speed import build_time, simulation_speed, test_time
from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, Job, Record
from verif.flow.campaign.store import Store
from verif.lib import process
from verif.lib.keep import RTL_PACKAGES, fingerprint

WHAT = (*CHIP, *SCHEDULING, "speed", "build", "test")
DEFAULT = tuple(w for w in WHAT if w != "test")
TIMED = ("model", "speed", "build", "test")
"""What measures time on the clock: runs alone, and always anew."""
TEST_LIMIT = 4
"""Times the limit of a simulation, for `make test`."""
CALL = "verif.flow.bench.measure:job"
SOURCES = ("rtl", "models", "configs", "verif")


@dataclass(frozen=True)
class Setting:
    """``timeout``: seconds of each simulation; ``repeat``: runs of which the fastest counts, for the speed."""

    config: str = "default"
    timeout: float = 1800
    repeat: int = 3


def figures_of(word: str, setting: Setting, folder: Path) -> list[Figure]:
    """The figures of one word of :data:`WHAT`. Raises what the measurement does."""
    if word in CHIP:
        return CHIP[word](setting.config, folder, setting.timeout)
    if word in SCHEDULING:
        return SCHEDULING[word](setting.config, folder)
    if word == "speed":
        return simulation_speed(setting.config, folder, setting.timeout, setting.repeat)
    return build_time(setting.config) if word == "build" else test_time(TEST_LIMIT * setting.timeout)


def job(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A job of the campaign."""
    try:
        return {
            "figures": [
                asdict(figure) for figure in figures_of(args["word"], Setting(**args["setting"]), folder / "run")
            ]
        }
    except process.TimeoutExpired as error:
        raise RuntimeError(str(error)) from None


def jobs_of(words: Sequence[str], setting: Setting) -> list[Job]:
    """What is timed comes after everything else, one after the other, and is never taken from an earlier run."""
    made: list[Job] = []
    sources = fingerprint(SOURCES, RTL_PACKAGES)
    for word in sorted(dict.fromkeys(words), key=lambda word: word in TIMED):
        once = time.time_ns() if word in TIMED else 0
        what = json.dumps([word, asdict(setting), vars(load_config(setting.config)), sources, once], sort_keys=True)
        after = tuple(other.name for other in made) if word in TIMED else ()
        args = {"word": word, "setting": asdict(setting)}
        made.append(
            Job(
                word,
                hashlib.sha256(what.encode()).hexdigest()[:16],
                args,
                10 * setting.timeout,
                after=after,
                folder=word,
            )
        )
    return made


def measure(
    words: Sequence[str], setting: Setting, folder: Path, jobs: int, say: Callable[[str], None], cluster: str = ""
) -> dict[str, list[Figure] | str]:
    """The figures of each word, or why there are none."""
    engine = Campaign(
        CALL,
        Store(folder / "jobs"),
        say,
        lambda job, record: f"{job.name}: {record.seconds:.0f} s"
        + ("" if record.status == DONE else f", {record.reason}"),
    )
    with executor(cluster, jobs) as pool:
        found = {job.name: record for job, record in engine.run(jobs_of(words, setting), pool).items()}
    return {word: _figures(found[word]) for word in words}


def _figures(record: Record) -> list[Figure] | str:
    if record.status != DONE:
        return record.message
    return [Figure(**figure) for figure in record.data["figures"]]
