"""Regressions on a real Dask cluster of worker processes, one of which is killed while it works."""
from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from verif.regress import results
from verif.regress.executor import ClusterError, executor
from verif.regress.tests.project import Project

TESTS = '''
@pytest.mark.parametrize("n", range(4))
def test_work(n):
    note(f"work{n}")
    time.sleep(1)
'''
TIERS = "small:\n  tests:\n    - match: '*'\n      seeds: 2\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A scheduler and three worker processes, each with a nanny that replaces it when it dies."""
    import distributed

    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0", silence_logs=50, local_directory=str(tmp_path_factory.mktemp("dask"))) as running:
        yield running


def _kill_a_worker(project: Project, cluster, killed: list[int]) -> None:
    """Wait until jobs have begun, and kill a worker process that has one."""
    notes = project.root / "t" / "notes"
    while not (notes.exists() and len(list(notes.iterdir())) >= 2):
        time.sleep(0.05)
    for nanny in cluster.workers.values():
        if nanny.pid is not None and not killed:
            killed.append(nanny.pid)
            os.kill(nanny.pid, signal.SIGKILL)


def test_a_worker_is_killed(tmp_path: Path, cluster) -> None:
    """Every job has exactly one result, and none was lost, or done by halves."""
    project, killed = Project(tmp_path, TESTS, TIERS), []
    killer = threading.Thread(target=_kill_a_worker, args=(project, cluster, killed))
    killer.start()
    found = project.regress(cluster=cluster.scheduler_address)
    killer.join()
    assert killed and found.passed and found.verdict == "PASSED: 8 jobs of 1 tests: 8 passed"
    folders = sorted(path.name for path in (found.store.folder / "runs").iterdir())
    assert folders == sorted(job.folder for job in found.jobs) and len(set(folders)) == 8
    assert [results.read(found.store.place(job)).job for job in found.jobs] == list(found.jobs)
    assert [sorted(set(project.runs(f"work{n}"))) for n in range(4)] == [
        sorted(str(job.seed) for job in found.jobs if f"[{n}]" in job.node) for n in range(4)]
    again = project.regress(cluster=cluster.scheduler_address)
    assert again.fresh == 0 and again.passed


KILLS = '''
def test_kills():
    import psutil
    note("kills")
    parent = psutil.Process(os.getppid())
    if "spawn_main" in " ".join(parent.cmdline()):
        parent.kill()
    os.kill(os.getpid(), 9)
'''


@pytest.mark.nightly
def test_a_worker_that_always_dies(tmp_path: Path, cluster) -> None:
    """A job that takes its worker with it each time ends with an error; the others do not suffer."""
    project = Project(tmp_path, TESTS.replace("range(4)", "range(2)") + KILLS, "small:\n  tests:\n    - match: '*'\n")
    found = project.regress(cluster=cluster.scheduler_address)
    status = {job.run: r.status for job, r in found.results.items()}
    assert status == {"cheap::test_work[0]": "passed", "cheap::test_work[1]": "passed", "cheap::test_kills": "error"}
    assert [g.message.partition(":")[0] for g in found.groups] == ["its worker was lost"] and len(project.runs("kills")) >= 3


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line."""
    monkeypatch.setattr("verif.regress.executor._CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match=r"CLUSTER=tcp://127.0.0.1:9: no Dask scheduler answers there"), executor("tcp://127.0.0.1:9", 1):
        pass


@pytest.mark.nightly
def test_queueing_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLUSTER=slurm asks for workers with sbatch, has the jobs done by them, and cancels them; sbatch here is a script that starts them on this machine."""
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "sbatch": f'cp "$1" {tmp_path}/asked\nsh "$1" > {tmp_path}/worker.log 2>&1 &\necho $! >> {tmp_path}/pids\necho "Submitted batch job $!"\n',
        "scancel": f'echo "$@" >> {tmp_path}/cancelled\nkill "$@"\n',
    }
    for name, text in scripts.items():
        (tools / name).write_text("#!/bin/sh\n" + text, encoding="utf-8")
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    project = Project(tmp_path, TESTS.replace("range(4)", "range(2)"), "small:\n  tests:\n    - match: '*'\n")
    found = project.regress(cluster="slurm", jobs=2)
    assert found.passed and len(found.jobs) == 2
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "#SBATCH --cpus-per-task=1" in asked and sys.executable in asked and "--nthreads 1" in asked
    assert len((tmp_path / "pids").read_text(encoding="utf-8").split()) == 2 and (tmp_path / "cancelled").exists()
