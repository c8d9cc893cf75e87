"""Nothing is left of a process, however it or its parent ends."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from verif.lib import lock, process
from verif.lib.toolchain import ROOT

MARK = "EQX_TEST_MARK"
FAMILY = "sleep 600 & setsid sleep 600 & sleep 600"  # a command with a child, and one that has left its group
PARENT = f"""
import sys
from verif.lib import process
process.stoppable("again")
print("here", flush=True)
process.run(["sh", "-c", {FAMILY!r}])
"""


@pytest.fixture
def family() -> tuple[dict[str, str], Callable[[int], list[str]]]:
    """An environment, and what lists the processes that have it once there are so many, or after ten seconds."""
    mark = uuid.uuid4().hex

    def alive(wanted: int) -> list[str]:
        until = time.monotonic() + 10
        while len(found := marked(mark)) != wanted and time.monotonic() < until:
            time.sleep(0.02)
        return found

    return {**os.environ, MARK: mark}, alive


def marked(mark: str) -> list[str]:
    """Command lines of the processes that have the mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                    found.append(
                        (folder / "cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
                        or "(ended)"
                    )
            except OSError:
                continue
    return found


def below(keeper: int) -> int:
    """The process that a keeper has started."""
    for folder in (f for f in Path("/proc").iterdir() if f.name.isdigit()):
        try:
            if (
                int((folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
                == keeper
            ):
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"process {keeper} has no child")


def test_results() -> None:
    """Exit codes, signals, input, output and a missing program are as those of subprocess."""
    done = process.run(["sh", "-c", "cat; echo no >&2; exit 3"], input="hello", capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "hello", "no\n")
    assert process.run(["sh", "-c", "kill -XCPU $$"]).returncode == -signal.SIGXCPU
    with pytest.raises(FileNotFoundError, match="no_such_program: no such program"):
        process.run(["no_such_program"])


def test_time_limit(family) -> None:
    """The limit ends all of a command; the keeper knows it, too, for when the parent no longer looks."""
    env, alive = family
    with pytest.raises(process.TimeoutExpired):
        process.run(["sh", "-c", FAMILY], env=env, timeout=0.3)
    assert alive(0) == []
    started = process.start(["sh", "-c", FAMILY], env=env, timeout=0.3)
    assert alive(5) and alive(0) == []
    assert started.wait(5) == -signal.SIGALRM


def test_nothing_is_left_behind(family) -> None:
    """What a command leaves running when it ends is ended."""
    env, alive = family
    assert process.run(["sh", "-c", "setsid sleep 600 & exit 1"], env=env).returncode == 1
    assert alive(0) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_parent_ends(number: int, family) -> None:
    """Whatever ends the parent ends its commands; a signal that can be caught, in one line and with the usual exit
    code."""
    env, alive = family
    parent = process.start(
        [sys.executable, "-c", PARENT], cwd=ROOT, env=env, stdout=process.PIPE, stderr=process.PIPE, text=True
    )
    assert parent.stdout.readline() == "here\n" and len(alive(7)) == 7  # keeper, parent, keeper, shell, three sleeps
    os.kill(below(parent.pid), number)
    out, err = parent.communicate(timeout=20)
    caught = number != signal.SIGKILL
    assert parent.returncode == (128 + number if caught else -number)
    assert (out, err) == ("", f"stopped: {signal.Signals(number).name}; again\n" if caught else "")
    assert alive(0) == []


def test_the_keeper_is_killed(family) -> None:
    """Even then its command is."""
    env, alive = family
    started = process.start(["sleep", "600"], env=env)
    assert len(alive(2)) == 2
    os.kill(started.pid, signal.SIGKILL)
    assert alive(0) == [] and started.wait(5) == -signal.SIGKILL


def test_stopped_while_threads_work(family) -> None:
    """Commands that threads wait for end at once, no further one is started, and none counts as done."""
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from verif.lib import process
process.stoppable()
with ThreadPoolExecutor(2) as pool:
    todo = [pool.submit(process.run, ["sh", "-c", "echo begun; sleep 600"]) for _ in range(8)]
    for one in todo:
        print("done", one.result(), flush=True)
"""
    env, alive = family
    parent = process.start(
        [sys.executable, "-c", program], cwd=ROOT, env=env, stdout=process.PIPE, stderr=process.PIPE, text=True
    )
    assert [parent.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
    os.kill(below(parent.pid), signal.SIGTERM)
    assert parent.communicate(timeout=20) == ("", "stopped: SIGTERM\n") and parent.returncode == 143
    assert alive(0) == []


def test_ignored_signals_stay_ignored(family) -> None:
    """As below nohup."""
    program = (
        "from verif.lib import process; process.stoppable(); import os, signal; os.kill(os.getpid(), signal.SIGHUP); "
        "print('on')"
    )
    done = process.run(
        ["sh", "-c", 'trap "" HUP; exec "$0" -c "$1"', sys.executable, program],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "on\n" and done.returncode == 0, done.stderr


HOLDER = """
import sys
from pathlib import Path
from verif.lib import lock, process
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    process.run(["sh", "-c", sys.argv[2]])
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second one is refused with the folder and the holder, unless its parent is the holder; the lock ends with its
    processes."""
    place = tmp_path / "out"
    again = f"exec {sys.executable} -c '{HOLDER}' {place} true"
    inner = process.run([sys.executable, "-c", HOLDER, str(place), again], cwd=ROOT, capture_output=True, text=True)
    assert inner.stdout == "held\nheld\n" and list(tmp_path.iterdir()) == [], inner.stderr
    holder = process.start([sys.executable, "-c", HOLDER, str(place), "sleep 600"], cwd=ROOT, stdout=process.PIPE)
    assert holder.stdout.readline() == b"held\n"
    pid = below(holder.pid)
    with pytest.raises(lock.Busy) as error, lock.hold(place):
        pass
    assert str(error.value).startswith(f"{place}: in use by process {pid} (") and "\n" not in str(error.value)
    with lock.hold(tmp_path / "another"):
        pass
    os.kill(pid, signal.SIGKILL)
    with lock.hold(place), lock.hold(place):
        assert lock.HELD in os.environ
    holder.wait(5)
    assert str(place) not in os.environ.get(lock.HELD, "") and list(tmp_path.iterdir()) == []


def test_a_lock_lasts_until_nobody_is_left(tmp_path: Path) -> None:
    """What a killed holder has started still counts."""
    handle = lock.attempt(tmp_path / "x.lock")
    started = process.start(["sleep", "600"])
    lock._open.discard(handle)
    handle.close()  # as if this process had ended, but for its child
    assert lock.attempt(tmp_path / "x.lock") is None
    started.end()
    handle = lock.attempt(tmp_path / "x.lock")
    assert handle is not None
    lock.release(handle)
