"""Jobs: a job is one run of a test (a pytest node) with one seed."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from verif.flow.collect import Run, Test
from verif.flow.regress.tiers import Entry, Tier, choose

MOST_ROOT = 2**31 - 1
_SEEDS = 2**30
"""Seeds of jobs lie in 1.._SEEDS: a test may count up from its seed, and all stay within 31 bits."""


class FilterError(ValueError):
    """A filter of a regression is wrong, or leaves no run; one line."""


@dataclass(frozen=True)
class Filters:
    """What a caller wants of a tier; empty means all. Names are words joined by commas."""

    blocks: str = ""
    test: str = ""  # part of a test's id or run's node id, or a pattern for all of it
    tags: str = ""
    seeds: int = 0  # instead of the tier's own number, for tests whose seed matters


@dataclass(frozen=True)
class Job:
    """A run with a seed.

    ``index`` counts the seeds of a run from 0; ``seed`` 0 stands for a test whose seed does not matter.
    """

    test: str
    node: str
    block: str
    config: str
    file: str
    line: int
    index: int
    seed: int
    limit: int

    @property
    def run(self) -> str:
        """The test's id with the run's variant."""
        variant = self.node.partition("[")[2]
        return f"{self.test}[{variant}" if variant else self.test

    @property
    def folder(self) -> str:
        """Name of the folder of its results, unique among all jobs."""
        name = re.sub(r"[^\w.=-]+", "-", f"{self.block}-{self.run}").strip("-")
        if len(name) > 100 or re.search(r"[^\w.=\-\[\]:]", self.run):
            name = f"{name[:90]}-{hashlib.sha256(self.node.encode()).hexdigest()[:6]}"
        return f"{name}-s{self.seed}"

    def to_dict(self) -> dict:
        """Plain data, for :func:`from_dict`."""
        return asdict(self)


def derive(root: int, run: str, index: int) -> int:
    """The seed number ``index`` (from 0) of a run, in 1..2**30:
    a hash, so that adding tests or seeds changes no other.
    """
    digest = hashlib.sha256(f"{root}/{run}/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % _SEEDS + 1


def expand(tier: Tier, tests: Sequence[Test], filters: Filters, root: int) -> list[Job]:
    """All jobs of a tier that the filters leave: each run's first seed, then each run's second, ...

    Raises:
        TierError: see :func:`verif.flow.regress.tiers.choose`.
        FilterError: a filter names what is not there, or nothing is left.
    """
    chosen = [item for item in choose(tier, tests) if _wanted(item[0], item[1], _check(filters, tests))]
    if not chosen:
        words = {"BLOCK": filters.blocks, "TEST": filters.test, "TAG": filters.tags}
        given = " ".join(f"{name}={value}" for name, value in words.items() if value)
        raise FilterError(f"{given}: fits no run of the tier {tier.name}")
    jobs = [
        _job(test, run, entry, index, root) for test, run, entry in chosen for index in range(_count(entry, filters))
    ]
    folders: dict[str, Job] = {}
    for job in jobs:
        if (other := folders.setdefault(job.folder.lower(), job)) is not job:
            raise FilterError(
                f"{job.node} and {other.node}: would use the same folder {job.folder}; legal are names that differ more"
            )
    return sorted(jobs, key=lambda job: job.index)


def _count(entry: Entry, filters: Filters) -> int:
    return 1 if entry.seeds is None else filters.seeds or entry.seeds


def _job(test: Test, run: Run, entry: Entry, index: int, root: int) -> Job:
    seed = 0 if entry.seeds is None else derive(root, run.node, index)
    return Job(test.id, run.node, test.block, run.config or "", test.file, test.line, index, seed, entry.limit)


def _check(filters: Filters, tests: Sequence[Test]) -> Filters:
    """The filters, once their names are known to exist."""
    for name, words, legal in (
        ("BLOCK", filters.blocks, {t.block for t in tests}),
        ("TAG", filters.tags, {tag for t in tests for tag in t.tags}),
    ):
        for word in filter(None, words.split(",")):
            if word not in legal:
                raise FilterError(f"{name}={word}: legal: {', '.join(sorted(legal)) or 'none, no test has a tag'}")
    return filters


def _wanted(test: Test, run: Run, filters: Filters) -> bool:
    if filters.blocks and test.block not in filters.blocks.split(","):
        return False
    if filters.tags and not run.tags & set(filters.tags.split(",")):
        return False
    names = (test.id, run.node, f"{test.id}[{run.variant}]")
    return not filters.test or any(filters.test in name or fnmatch.fnmatchcase(name, filters.test) for name in names)
