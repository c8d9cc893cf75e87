"""The engine: each job ends with one result, whatever happens to processes; results are kept, and the time left is
told."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.campaign import executor as executors
from verif.flow.campaign import store as stores
from verif.flow.campaign.engine import Campaign, CampaignError, batches
from verif.flow.campaign.executor import ClusterError, executor
from verif.flow.campaign.job import DONE, ERROR, FAILED, Job, Record
from verif.flow.campaign.progress import Durations, Progress
from verif.flow.campaign.store import Store, StoreError
from verif.flow.campaign.tests.cluster import a_worker_killed, given_out, workers
from verif.lib import process
from verif.lib.tests.test_process import MARK, below, marked
from verif.lib.toolchain import ROOT

CALL = "verif.flow.campaign.tests.work:work"


class Work:
    """A campaign of cheap jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes, self.said = folder, folder / "notes", []
        self.campaign = Campaign(CALL, Store(folder / "store"), self.said.append, env={"COLOUR": "red"})

    def job(self, name: str, does: str = "works", key: str = "1", **more) -> Job:
        seconds = more.pop("seconds", 600)
        return Job(name, key, {"notes": str(self.notes), "name": name, "does": does, "seconds": seconds}, **more)

    def run(self, *jobs: Job, parallel: int = 2, cluster: str = "", **changed) -> dict[str, Record]:
        with executor(cluster, parallel) as pool:
            return {job.name: record for job, record in replace(self.campaign, **changed).run(jobs, pool).items()}

    def ran(self, name: str) -> int:
        path = self.notes / name
        return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_every_end(work: Work) -> None:
    """What is returned, said in an exception, or never said; a process that dies is started again, three times at
    most."""
    jobs = [
        work.job(does.replace(" ", "-"), does) for does in ("works", "is bad", "fails", "dies once", "dies", "breaks")
    ]
    found = work.run(*jobs, work.job("hangs", "sleeps", limit=-58.0))  # the process as such may take two seconds
    assert list(found) == [*(job.name for job in jobs), "hangs"]
    assert {name: (r.status, r.message) for name, r in found.items()} == {
        "works": (DONE, ""),
        "is-bad": ("bad", "is bad"),
        "fails": (FAILED, "no such thing\nmore"),
        "dies-once": (DONE, ""),
        "dies": (ERROR, "its process ended by signal 9 (3 attempts)"),
        "hangs": (ERROR, "stopped at its time limit"),
        "breaks": (ERROR, "its process left no result (exit code 1): ZeroDivisionError: oh (3 attempts)"),
    }
    assert found["works"].data == {"count": 1, "env": "red"} and found["fails"].reason == "no such thing"
    assert found["works"].seconds >= 0 and found["works"].host
    assert [work.ran(name) for name in ("works", "fails", "dies-once", "dies", "breaks", "hangs")] == [1, 1, 2, 3, 3, 1]
    assert (work.campaign.store.place(jobs[0]) / "left").exists()


def test_goes_on_where_it_was(work: Work) -> None:
    """Results stand while their inputs do; others, damaged ones, and those that do not stand are made anew, each
    alone."""
    jobs = [work.job("a"), work.job("b", "fails once"), work.job("c", "is bad")]
    assert [r.status for r in work.run(*jobs).values()] == [DONE, FAILED, "bad"]
    assert [r.status for r in work.run(*jobs).values()] == [DONE, DONE, "bad"]
    assert [work.ran(name) for name in "abc"] == [1, 2, 1] and "2 of 3 are done already" in work.said
    assert [r.status for r in work.run(*jobs, again=("bad",)).values()] == [DONE, DONE, "bad"] and work.ran("c") == 2
    (work.campaign.store.place(jobs[0]) / stores.RESULT).write_text('{"name"', encoding="utf-8")
    (work.campaign.store.place(jobs[0]) / "old").write_text("of a process that was killed", encoding="utf-8")
    work.run(*jobs)
    assert [work.ran(name) for name in "abc"] == [2, 2, 2] and not (work.campaign.store.place(jobs[0]) / "old").exists()
    work.run(work.job("a", key="2"), *jobs[1:])
    assert [work.ran(name) for name in "abc"] == [3, 2, 2]
    assert not list(work.folder.rglob("*.part")) and not list(work.folder.rglob("*.lock"))


def test_a_stale_record_is_no_result(work: Work) -> None:
    """A process that dies before it begins does not end with what an earlier one left."""
    job = work.job("a", "is bad")
    work.run(job)
    found = work.run(job, again=("bad",), call="verif.flow.campaign.tests.work:nothing")
    assert found["a"].status == ERROR and "has no attribute 'nothing'" in found["a"].message


def test_another_version(work: Work) -> None:
    """Of a store, or no store at all: one line, and nothing runs."""
    work.run(work.job("a"))
    (work.folder / "store" / stores.ABOUT).write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(
        StoreError, match=r"store: results of another version \(format 99, this is format 1\); remove the folder"
    ) as error:
        work.run(work.job("b"))
    assert "\n" not in str(error.value) and not work.ran("b")
    (work.folder / "store" / stores.ABOUT).unlink()
    with pytest.raises(StoreError, match="format none"):
        work.run(work.job("b"))


def test_order(work: Work) -> None:
    """A job waits for those it comes after; a fatal end stops everything; names that clash are refused."""
    found = work.run(work.job("z", after=("y", "x")), work.job("y", after=("x",)), work.job("x", "dies once"))
    assert [r.status for r in found.values()] == [DONE] * 3
    places = sorted((work.notes / name).stat().st_mtime for name in "xyz")
    assert places == [(work.notes / name).stat().st_mtime for name in "xyz"]
    with pytest.raises(CampaignError, match="no such thing"):
        work.run(work.job("f", "fails"), work.job("g", "sleeps", after=("f",)), fatal=(FAILED,))
    assert not work.ran("g")


def test_batches(work: Work) -> None:
    """Jobs of a group share a process, those without do not; the longest come first; a death costs nobody else
    anything."""
    jobs = [work.job(str(n), group="a") for n in range(5)] + [
        work.job("long"),
        work.job("dead", "dies once", group="b"),
        work.job("other", group="b"),
    ]
    expected = {job.name: 1.0 for job in jobs} | {"long": 100.0}
    assert [[job.name for job in group] for group in batches(jobs, expected, 3, 2)] == [
        ["long"],
        ["0", "1", "2"],
        ["3", "4"],
        ["dead"],
        ["other"],
    ]
    assert [len(group) for group in batches(jobs, expected, 1, 2)] == [1] * 8
    found = work.run(*jobs, together=3, parallel=1)
    assert {r.status for r in found.values()} == {DONE}
    pids = [(work.notes / str(n)).read_text(encoding="utf-8") for n in range(5)]
    assert len(set(pids)) == 2 and work.ran("dead") == 2 and work.ran("other") == 1


def test_stopped(work: Work) -> None:
    """SIGTERM ends the jobs with the command, whole results only; the same command goes on."""
    program = (
        "from pathlib import Path\nimport sys\nfrom verif.lib import process\nprocess.stoppable('again')\n"
        "from verif.flow.campaign.tests.test_engine import Work\nwork = Work(Path(sys.argv[1]))\n"
        "work.run(work.job('a'), work.job('b', 'sleeps', after=('a',)))\n"
    )
    started = process.start(
        [sys.executable, "-c", program, str(work.folder)], cwd=ROOT, stdout=process.PIPE, stderr=process.PIPE, text=True
    )
    while not work.ran("b"):
        time.sleep(0.02)
    os.kill(below(started.pid), signal.SIGTERM)
    assert started.communicate(timeout=30)[1] == "stopped: SIGTERM; again\n" and started.returncode == 143
    assert [record is not None for _, record in work.campaign.store.records()] == [True, False]
    found = work.run(work.job("a"), work.job("b", "sleeps", after=("a",), seconds=0))
    assert [r.status for r in found.values()] == [DONE, DONE] and [work.ran(name) for name in "ab"] == [1, 2]


# ---- time


def test_the_time_left_is_weighted() -> None:
    """By known durations: many short jobs that are done say little about a long one; a slow machine shows; what runs
    counts."""
    now = [0.0]
    said: list[str] = []
    expected = {**{f"short{n}": 1.0 for n in range(99)}, "long": 300.0}
    progress = Progress(expected, expected, 0, lambda: 2, said.append, lambda: now[0])
    assert 300 <= progress.seconds_left() <= 310
    for n in range(99):
        progress.end(f"short{n}", 1.0)
    now[0] = 50.0
    assert progress.seconds_left() == 300  # by numbers alone it would be half a second
    progress.tick()
    assert said == ["99/100 done, 50 s, about 5 min left"]
    progress.begin("long")
    now[0] = 250.0
    assert progress.seconds_left() == 100
    now[0] = 450.0
    assert progress.seconds_left() == 200
    slow = Progress({"a": 10.0, "b": 100.0}, ["a", "b"], 0, lambda: 1, said.append, lambda: now[0])
    slow.end("a", 20.0)
    assert slow.seconds_left() == 200
    unknown = Progress({"a": 60.0, "b": 60.0, "c": 60.0}, [], 0, lambda: 1, said.append, lambda: now[0])
    unknown.end("a", 4.0)
    assert unknown.seconds_left() == 8
    unknown.end("b", 4.0, good=False)
    unknown.end("c", 4.0)
    unknown.tick()
    assert said[-1] == "3/3 done, 1 not good, 0 s"


def test_durations_are_kept(work: Work, tmp_path: Path) -> None:
    """They outlive results and keys; what never ran is taken for the median."""
    jobs = [work.job("a", "sleeps", seconds=0.3, like="kind a"), work.job("b"), work.job("c", "fails")]
    work.run(*jobs)
    known = Durations(work.folder / "store")
    assert set(known.seconds) == {"kind a", "b", "c"} and known.seconds["kind a"] > 0.25
    expected = known.expected([replace(jobs[0], key="2"), work.job("new")])
    assert expected == {"a": known.seconds["kind a"], "new": known.seconds["kind a"]}
    assert Durations(tmp_path / "nowhere").expected([work.job("x")]) == {"x": 60.0}
    (work.folder / "store" / "durations.json").write_text("[]", encoding="utf-8")
    assert Durations(work.folder / "store").seconds == {}


# ---- on a cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with workers(tmp_path_factory.mktemp("dask")) as running:
        yield running


def test_a_worker_is_killed(work: Work, cluster) -> None:
    """Its job, and no other, is done again by another worker, and has one result: the later one's."""
    jobs = [work.job(str(n), "sleeps", seconds=2) for n in range(6)]
    began = time.time()
    with a_worker_killed(cluster, lambda: sum(work.ran(job.name) for job in jobs) >= 3):  # each worker is at work
        found = work.run(*jobs, cluster=cluster.scheduler_address)
    assert {r.status for r in found.values()} == {DONE}
    assert set(given_out(cluster, began).values()) == {1, 2}
    assert sorted(work.ran(job.name) for job in jobs) == [1, 1, 1, 1, 1, 2]
    (again,) = [name for name, record in found.items() if work.ran(name) == 2]
    assert found[again].data["count"] == 2
    assert (
        work.run(*jobs, cluster=cluster.scheduler_address).keys() == found.keys()
        and sum(work.ran(job.name) for job in jobs) == 7
    )


def test_a_stopped_campaign_leaves_nothing_on_the_cluster(work: Work, cluster) -> None:
    """Jobs that run on workers end when the campaign does."""
    mark = uuid.uuid4().hex
    jobs = [work.job("a", "sleeps"), work.job("b", "sleeps"), work.job("c", "fails after", seconds=3)]
    with pytest.raises(CampaignError, match="no such thing"):
        work.run(*jobs, cluster=cluster.scheduler_address, fatal=(FAILED,), env={MARK: mark})
    assert work.ran("a") == work.ran("b") == 1
    until = time.monotonic() + 20
    while (left := marked(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line; so for what cannot be an address."""
    monkeypatch.setattr(executors, "_CONNECT_SECONDS", 1)
    for where, told in (
        ("tcp://127.0.0.1:9", "no Dask scheduler answers there"),
        ("tcp://host", "legal are the address"),
        ("lsf", "bsub is not installed"),
    ):
        with pytest.raises(ClusterError, match=f"CLUSTER={where}: .*{told}") as error, executor(where, 1):
            pass
        assert "\n" not in str(error.value)


@pytest.mark.nightly
def test_queueing_system(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLUSTER=slurm asks for workers with sbatch, has the jobs done by them, and cancels them; sbatch here is a
    script that starts them on this machine."""
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "sbatch": f'cp "$1" {tmp_path}/asked\nsh "$1" > {tmp_path}/worker.log 2>&1 &\necho $! >> {tmp_path}/pids\n'
        'echo "Submitted batch job $!"\n',
        "scancel": f'echo "$@" >> {tmp_path}/cancelled\nkill "$@"\n',
    }
    for name, text in scripts.items():
        (tools / name).write_text("#!/bin/sh\n" + text, encoding="utf-8")
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    found = work.run(work.job("a"), work.job("b"), cluster="slurm")
    assert [r.status for r in found.values()] == [DONE, DONE]
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "#SBATCH --cpus-per-task=1" in asked and sys.executable in asked and "--nthreads 1" in asked
    assert len((tmp_path / "pids").read_text(encoding="utf-8").split()) == 2 and (tmp_path / "cancelled").exists()


def test_records_round_trip(tmp_path: Path) -> None:
    """A record is what was kept; what is none is none."""
    record = Record("a", "k", DONE, "m", {"x": [1]}, 1.5, 1.0, "here")
    stores.write(tmp_path, record)
    assert stores.read(tmp_path) == record
    for text in ("[]", '{"name": "a"}', json.dumps({**record.to_dict(), "status": 3}), "{"):
        (tmp_path / stores.RESULT).write_text(text, encoding="utf-8")
        assert stores.read(tmp_path) is None
