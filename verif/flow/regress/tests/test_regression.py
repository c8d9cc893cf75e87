"""Regressions of cheap tests: planted failures, lost processes, what is resumed, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from verif.flow.campaign.store import RESULT
from verif.flow.collect import ROOT
from verif.flow.regress import groups
from verif.flow.regress.tests.project import Project
from verif.lib import process

TESTS = """
@pytest.mark.parametrize("n", [1, 2])
def test_good(n):
    note("good")

def test_bad():
    note("bad")
    if os.environ.get("WAVES") == "1":
        out = pathlib.Path(os.environ["EQX_OUT"]) / "runs"
        out.mkdir()
        (out / "dump.fst").write_text("waves")
    seed = os.environ["SEED"]
    raise AssertionError(f"FAILED (seed {seed}) cycle {seed}: seen 0x1f, expected 3\\n--- end of {os.getcwd()}/sim.log")

def test_also_bad():
    raise AssertionError("FAILED (seed 1) cycle 12: seen 0xabc, expected 77")

def test_other():
    assert [] == [1], "responses: compared nothing"

def test_left_out():
    pytest.skip("no such unit")
"""
TIERS = """small:
  minutes: 1
  tests:
    - match: ["cheap::test_good", "cheap::test_bad"]
      seeds: 2
    - match: cheap::*
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory):
    """A regression with planted failures."""
    project = Project(tmp_path_factory.mktemp("failed"), TESTS, TIERS)
    return project, project.regress()


def test_failures_are_found_and_grouped(failed) -> None:
    """Planted failures fail the regression; equal ones but for numbers and seeds are one group, the larger first."""
    _, found = failed
    assert not found.passed and found.verdict == "FAILED: 9 jobs of 5 tests: 4 passed, 4 failed, 1 skipped"
    assert [(g.message, len(g.results)) for g in found.groups] == [
        ("cycle <n>: seen <n>, expected <n>", 3),
        ("responses: compared nothing", 1),
    ]
    assert found.by_test() == {
        "cheap::test_good": "passed",
        "cheap::test_bad": "failed",
        "cheap::test_also_bad": "failed",
        "cheap::test_other": "failed",
        "cheap::test_left_out": "not run",
    }


def test_first_failure_runs_again_with_waves(failed) -> None:
    """Of each group the first, once, with its own seed; it is counted nowhere."""
    project, found = failed
    first = found.groups[0]
    assert [path.name for path in first.waves] == ["dump.fst"] and first.waves[0].is_relative_to(
        found.store.folder / "waves"
    )
    assert first.again is not None and first.again.status == "failed" and found.groups[1].waves == []
    seeds = [str(job.seed) for job in found.jobs if job.test == "cheap::test_bad"]
    assert sorted(project.runs("bad")) == sorted([*seeds, seeds[0]])


def test_a_folder_a_job(failed) -> None:
    """log, result and repro.sh, which repeats the very run."""
    project, found = failed
    assert len(list((found.store.folder / "runs").glob("*/"))) == len(found.jobs) == 9
    job = found.groups[0].first.job
    folder = found.store.place(job)
    assert "seen 0x1f, expected 3" in (folder / "log.txt").read_text(encoding="utf-8")
    assert json.loads((folder / RESULT).read_text(encoding="utf-8"))["status"] == "failed"
    before = project.runs("bad")
    again = process.run(
        ["sh", str(folder / "repro.sh")],
        cwd="/",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "SEED": "5"},
    )
    assert again.returncode == 1 and f"cycle {job.seed}: seen 0x1f" in again.stdout
    assert project.runs("bad") == [*before, str(job.seed)]


def test_files(failed) -> None:
    """JUnit over all jobs, the summary, the page."""
    _, found = failed
    root = ElementTree.parse(found.store.folder / "junit.xml").getroot()
    suites = {s.get("name"): (s.get("tests"), s.get("failures"), s.get("skipped")) for s in root}
    assert suites == {"small seed 0": ("6", "3", "1"), "small seed 1": ("3", "1", "0")}
    cases = [(c.get("classname"), c.get("name")) for c in root[0]]
    assert ("t.test_cheap", "test_good[1]") in cases and len(set(cases)) == 6
    summary = json.loads((found.store.folder / "regression.json").read_text(encoding="utf-8"))
    assert not summary["passed"] and len(summary["jobs"]) == 9 and [len(g["jobs"]) for g in summary["groups"]] == [3, 1]
    page = (found.store.folder / "report.html").read_text(encoding="utf-8")
    seed = f"SEED={found.groups[0].first.job.seed}"
    for words in (
        found.verdict,
        "cycle &lt;n&gt;: seen &lt;n&gt;, expected &lt;n&gt;",
        seed,
        "dump.fst",
        "no waves: no simulation",
        "test_cheap.py:",
    ):
        assert words in page, words
    assert 'src="http' not in page and 'href="http' not in page


def test_goes_on_where_it_was(tmp_path: Path) -> None:
    """Finished jobs are not run again, failed ones neither; what is half written, of other sources, or new, is."""
    project = Project(tmp_path, TESTS, 'small:\n  tests:\n    - match: ["*good", "*other"]\n')
    first = project.regress()
    assert (first.fresh, len(project.runs("good")), first.passed) == (3, 2, False)
    second = project.regress()
    assert (second.fresh, len(project.runs("good"))) == (0, 2) and second.verdict == first.verdict
    place = first.store.place(first.jobs[0])
    (place / RESULT).write_text('{"job"', encoding="utf-8")
    (place / "old").write_text("left by a run that was killed", encoding="utf-8")
    assert project.regress().fresh == 1 and len(project.runs("good")) == 3 and not (place / "old").exists()
    other = project.regress(sources="2", seed=2)
    assert (
        other.fresh == 3 and len(list((other.store.folder / "runs").glob("*/"))) == 3
    )  # those of other sources and seeds are gone
    assert not {job.seed for job in other.jobs} & {job.seed for job in first.jobs}
    assert project.regress(sources="2", seed=2, fresh=True).fresh == 3
    assert not list(tmp_path.rglob("*.part"))


LOST = """
def test_once():
    if note("once") == 1:
        os.kill(os.getpid(), 9)

def test_always():
    note("always")
    os.kill(os.getpid(), 9)

def test_hangs():
    note("hangs")
    time.sleep(60)

def test_good():
    pass
"""
LOST_TIERS = """small:
  tests:
    - match: cheap::test_hangs
      limit: 1
    - match: cheap::*
together:
  tests:
    - match: cheap::*
      seeds: fixed
"""


def test_lost_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies is started again; one that always dies, or is beyond its time, ends with an error and holds
    up nobody.
    """
    monkeypatch.setattr("verif.flow.campaign.batch.GRACE", 3)
    project = Project(tmp_path, LOST, LOST_TIERS)
    found = project.regress()
    status = {job.test.removeprefix("cheap::test_"): (r.status, r.message) for job, r in found.results.items()}
    assert status == {
        "once": ("passed", ""),
        "always": ("error", "its process ended by signal 9 (3 attempts)"),
        "hangs": ("error", "stopped at its time limit"),
        "good": ("passed", ""),
    }
    assert len(project.runs("once")) == 2 and len(project.runs("hangs")) == 2  # the second time with waves
    assert [g.message for g in found.groups] == [
        "its process ended by signal <n> (<n> attempts)",
        "stopped at its time limit",
    ]


def test_shared_process_that_dies(tmp_path: Path) -> None:
    """Tests without seeds share a process; where it dies, those without a result run again one by one."""
    project = Project(tmp_path, LOST.replace("time.sleep(60)", "pass"), LOST_TIERS)
    found = project.regress(tier="together")
    assert {job.test.removeprefix("cheap::test_"): r.status for job, r in found.results.items()} == {
        "once": "passed",
        "always": "error",
        "hangs": "passed",
        "good": "passed",
    }
    assert project.runs("once") == ["-", "-"] and len(project.runs("hangs")) == 1


def test_module_that_does_not_import(tmp_path: Path) -> None:
    """What imports only while it is collected is a failure with a reason."""
    project = Project(
        tmp_path,
        "assert os.environ.get('EQX_COLLECT'), 'no such package'\ndef test_it(): pass\n",
        "small:\n  tests:\n    - match: '*'\n",
    )
    (result,) = project.regress().results.values()
    assert result.status == "failed" and "not collected" in result.message and "no such package" in result.message


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends the jobs with the command and leaves no half results; the same command goes on."""
    project = Project(
        tmp_path,
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(n):\n    note(f'it{n}')\n    time.sleep(2 * (n == 1) if note('all') < 4 else 0)\n",
        "small:\n  tests:\n    - match: '*'\n",
    )
    code = (
        "import os, pathlib, sys\nprint(os.getpid(), flush=True)\n"
        "from verif.flow.regress.run import Options, regress\nroot = pathlib.Path(sys.argv[1])\n"
        "regress(Options('small', tiers=root.parent / 'tiers.yaml', out=root / 'build' / 'regress', root=root, "
        "jobs=1, coverage=False, sources='1'), print)\n"
    )
    started = process.start(
        [sys.executable, "-c", code, str(project.root)], cwd=ROOT, stderr=process.PIPE, stdout=process.PIPE
    )
    pid = int(started.stdout.readline())
    while len(project.runs("all")) < 2:
        time.sleep(0.05)
    os.kill(pid, signal.SIGINT)
    assert b"KeyboardInterrupt" in started.communicate(timeout=30)[1]
    ran = project.runs("all")
    time.sleep(1)
    assert project.runs("all") == ran and len(ran) == 2
    found = project.regress(jobs=1)
    assert found.passed and found.fresh == 3 and len(project.runs("it0")) == 1


def test_numpy_is_seeded(tmp_path: Path) -> None:
    """The global generators follow from the seed, too."""
    text = "def test_it():\n    import numpy, random\n    assert 0, f'{numpy.random.rand()} {random.random()}'\n"
    project = Project(tmp_path, text, "small:\n  tests:\n    - match: '*'\n      seeds: 2\n")
    one, two = (project.regress(name=name) for name in ("a", "b"))
    assert [r.message for r in one.results.values()] == [r.message for r in two.results.values()]
    assert len({r.message for r in one.results.values()}) == 2


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (
            "AssertionError: FAILED (seed 77) verif.tests.bench.equinox_replay_test: response_board: 3 of 40 wrong",
            "response_board: <n> of <n> wrong",
        ),
        (
            "verif.lib.sim.SimFailure: FAILED (seed 3) simulator exit code -6: an assertion fired\n"
            "--- end of /a/b.log\n12",
            "simulator exit code <n>: an assertion fired",
        ),
        ("word 12: 8'hff, 0x1234_abcd and deadbeef01 in /data/x-12/y.sv:3", "word <n> and <n> in <path>:<n>"),
        (
            "verif.lib.build.BuildError: the compiler fails on tb_x:\nx.sv:3: no such signal 'a7'\nmore",
            "the compiler fails on tb_x: x.sv:<n>: no such signal 'a<n>'",
        ),
        ("assert 3 == 4", "<n> == <n>"),
        ("", "no message"),
        ("\n  lane7 of lanes\n", "lane<n> of lanes"),
    ],
)
def test_normalise(message: str, wanted: str) -> None:
    """Numbers, hexadecimal, seeds, paths and what every message begins with are not what a failure is about."""
    assert groups.normalise(message) == wanted
