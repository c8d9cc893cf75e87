"""Two runs in one folder, and runs that are told to stop: no result is anybody else's, and no process is left."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import pytest

from verif.lib import lock, process
from verif.lib.tests.test_process import MARK, below, marked
from verif.lib.toolchain import ROOT

CASE = next((ROOT / "verif/random/cases").glob("*.toml"))
SIM = ("scripts/sim.py", "--config", "tiny", "--service", "mlp")
LONG = ("--requests", "20000", "--load", "0.9")
WAIT = 300  # seconds that a simulation may take to begin, a build included


def environment(mark: str = "") -> dict[str, str]:
    """That of a command which somebody else starts."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in (lock.HELD, "SEED", "EQX_OUT", "COVERAGE", "MAKELEVEL", "MAKEFLAGS")
    }
    return {**env, MARK: mark}


def command(*words: str | Path) -> process.CompletedProcess[str]:
    """Run a command of the project to its end."""
    return process.run(
        [sys.executable, *words], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=WAIT
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("out", (*SIM, "--out", "{out}")),
        ("out", ("scripts/bench.py", "--only", "tail", "--out", "{out}")),
        ("out", ("scripts/latency.py", "--only", "bursty/0.3/priority", "--out", "{out}")),
        ("out", ("scripts/plan.py", "--html", "{out}")),
        ("out", ("scripts/cov.py", "--data", "{out}")),
        ("out", ("scripts/cov.py", "--html", "{out}", "--data", "{out}.none")),
        pytest.param("out", ("scripts/experiments.py", "--only", "e6", "--out", "{out}"), marks=pytest.mark.nightly),
        pytest.param(
            "out",
            ("scripts/selftest.py", "--only", "policy_ignores_queues", "--out", "{out}"),
            marks=pytest.mark.nightly,
        ),
        pytest.param("out", ("scripts/mutants.py", "--blocks", "policy", "--out", "{out}"), marks=pytest.mark.nightly),
        pytest.param(
            "out", ("scripts/random_programs.py", "--seeds", "1", "--out", "{out}"), marks=pytest.mark.nightly
        ),
        pytest.param(
            "out/smoke", ("scripts/regress.py", "--test", "reports::", "--out", "{out}"), marks=pytest.mark.nightly
        ),
        (ROOT / "build/toggle", ("scripts/cov.py", "--toggle", "--html", "{out}")),
        (ROOT / "build/test-results.xml", ("scripts/tests.py", "--co")),
        (ROOT / "build/cov", ("scripts/tests.py", "--co", "--gates")),
    ],
    ids=lambda value: Path(value[0]).stem if isinstance(value, tuple) else "",
)
def test_a_second_run_is_refused(place: Path | str, words: tuple[str, ...], tmp_path: Path) -> None:
    """By one line that names folder and process, with exit code 2; nothing is written."""
    folder = tmp_path / place
    handle = lock.attempt(Path(f"{folder}.lock"))  # None: whoever runs these tests has it, or somebody else
    try:
        done = command(*(word.replace("{out}", str(tmp_path / "out")) for word in words))
    finally:
        if handle:
            lock.release(handle)
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    held = (
        [folder, ROOT / "build/cov", ROOT / "build/test-results.xml"] if folder.is_relative_to(ROOT) else [folder]
    )  # this run's own
    assert line.startswith("error: ") and any(f"{one}: in use by process " in line for one in held), line
    assert not folder.exists() or folder.is_relative_to(ROOT)


def test_a_second_pytest_is_refused(tmp_path: Path) -> None:
    """Where it would write the first one's results."""
    words = ["-m", "pytest", "-q", "-m", "", f"--junitxml={tmp_path / 'out.xml'}", "verif/lib/tests/test_keep.py"]
    with lock.hold(tmp_path / "out.xml"):
        done = command(*words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and "out.xml: in use by process" in done.stdout + done.stderr
    assert command(*words).returncode == 0 and (tmp_path / "out.xml").exists()


def test_a_second_shrink_is_refused(tmp_path: Path) -> None:
    """Of the same case; the folder's name is known only once the simulator is."""
    from verif.random.case import load_case
    from verif.random.minimise import minimise, place

    case = load_case(CASE)
    handle = lock.attempt(tmp_path / f"{place(case, '')}.lock")
    with pytest.raises(lock.Busy, match=f"in use by process {os.getpid()}"):
        minimise(case, tmp_path)
    lock.release(handle)


def begun(mark: str, started: process.Process) -> list[str]:
    """Wait until the simulation and its reference run; what runs then."""
    until = time.monotonic() + WAIT
    while started.poll() is None and time.monotonic() < until:
        found = marked(mark)
        if all(any(word in line for line in found) for word in ("/simulator ", "reference_worker")):
            return found
        time.sleep(0.05)
    raise AssertionError(f"no simulation: {marked(mark)}")


def gone(mark: str) -> list[str]:
    """What is left of a run after at most ten seconds."""
    until = time.monotonic() + 10
    while (found := marked(mark)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def figures(folder: Path) -> dict:
    """What a run measured, without what depends on the host."""
    data = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {name: value for name, value in data.items() if not name.startswith(("wall", "speed", "build", "command"))}


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGKILL, marks=pytest.mark.nightly),
        pytest.param(signal.SIGHUP, marks=pytest.mark.nightly),
        pytest.param(signal.SIGINT, marks=pytest.mark.nightly),
    ],
    ids=lambda number: signal.Signals(number).name,
)
def test_a_simulation_is_stopped(number: int, tmp_path: Path) -> None:
    """Its simulator and reference end with it, and a run in the same folder gives what it gives in a folder of its
    own; so does one beside it."""
    mark, out = uuid.uuid4().hex, tmp_path / "out"
    started = process.start(
        [sys.executable, *SIM, *LONG, "--out", str(out)],
        cwd=ROOT,
        env=environment(mark),
        stdout=process.PIPE,
        stderr=process.PIPE,
        text=True,
    )
    begun(mark, started)
    short = ("--requests", "8", "--load", "0.3", "--train", "off", "--out")
    refused = command(*SIM, *short, out)
    assert refused.returncode == 2 and f"{out}: in use by process {below(started.pid)} " in refused.stderr
    os.kill(below(started.pid), number)
    said = started.communicate(timeout=30)[1]
    assert gone(mark) == []
    assert started.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert [line for line in said.splitlines() if not line.startswith("[sim] ")] == (
        [] if number == signal.SIGKILL else [f"stopped: {signal.Signals(number).name}"]
    )
    for folder in (out, tmp_path / "own"):
        done = command(*SIM, *short, folder)
        assert done.returncode == 0 and "PASSED" in done.stdout, done.stdout + done.stderr
    assert figures(out) == figures(tmp_path / "own")


def test_make_is_stopped() -> None:
    """SIGTERM to make ends what the command has started."""
    mark = uuid.uuid4().hex
    words = ["make", "sim", "CONFIG=tiny", "SERVICE=mlp", "REQUESTS=20000", "LOAD=0.9"]
    started = process.start(
        words,
        cwd=ROOT,
        env={**environment(mark), "EQX_RUN_NAME": mark},
        stdout=process.PIPE,
        stderr=process.PIPE,
        text=True,
    )
    begun(mark, started)
    os.kill(below(started.pid), signal.SIGTERM)
    said = started.communicate(timeout=30)[1]
    assert gone(mark) == []
    assert "stopped: SIGTERM\n" in said and "Traceback" not in said and started.returncode != 0
