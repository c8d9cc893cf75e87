"""Regressions on a real Dask cluster of worker processes, one of which is killed while it works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from verif.flow.campaign.tests.cluster import a_worker_killed, given_out, workers
from verif.flow.regress import results
from verif.flow.regress.tests.project import Project

TESTS = """
@pytest.mark.parametrize("n", range(4))
def test_work(n):
    note(f"work{n}")
    time.sleep(2)
"""
TIERS = "small:\n  tests:\n    - match: '*'\n      seeds: 2\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with workers(tmp_path_factory.mktemp("dask")) as running:
        yield running


def test_a_worker_is_killed(tmp_path: Path, cluster) -> None:
    """Its job, and no other, is done again by another worker; every job has exactly one result, none done by halves."""
    project, began = Project(tmp_path, TESTS, TIERS), time.time()
    with a_worker_killed(
        cluster, lambda: sum(len(project.runs(f"work{n}")) for n in range(4)) >= 3
    ):  # each worker is at work
        found = project.regress(cluster=cluster.scheduler_address)
    assert found.passed and found.verdict == "PASSED: 8 jobs of 1 tests: 8 passed"
    assert set(given_out(cluster, began).values()) == {1, 2}
    folders = sorted(path.name for path in (found.store.folder / "runs").glob("*/"))
    assert folders == sorted(job.folder for job in found.jobs) and len(set(folders)) == 8
    assert [results.read(found.store.place(job)).job for job in found.jobs] == list(found.jobs)
    ran = [project.runs(f"work{n}") for n in range(4)]
    assert [sorted(set(seeds)) for seeds in ran] == [
        sorted(str(job.seed) for job in found.jobs if f"[{n}]" in job.node) for n in range(4)
    ]
    assert sum(map(len, ran)) == 9
    again = project.regress(cluster=cluster.scheduler_address)
    assert again.fresh == 0 and again.passed


KILLS = """
def test_kills():
    import psutil
    note("kills")
    parent = psutil.Process(os.getppid())
    if "spawn_main" in " ".join(parent.cmdline()):
        parent.kill()
    os.kill(os.getpid(), 9)
"""


@pytest.mark.nightly
def test_a_worker_that_always_dies(tmp_path: Path, cluster) -> None:
    """A job that takes its worker with it each time ends with an error; the others do not suffer."""
    project = Project(tmp_path, TESTS.replace("range(4)", "range(2)") + KILLS, "small:\n  tests:\n    - match: '*'\n")
    found = project.regress(cluster=cluster.scheduler_address)
    status = {job.run: r.status for job, r in found.results.items()}
    assert status == {"cheap::test_work[0]": "passed", "cheap::test_work[1]": "passed", "cheap::test_kills": "error"}
    assert [g.message.partition(":")[0] for g in found.groups] == ["its worker was lost"] and len(
        project.runs("kills")
    ) >= 3
