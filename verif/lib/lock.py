"""One run at a time in a folder: a second one is refused in one line that names the folder and who holds it.

A lock is a file beside the folder, ``<folder>.lock``, locked with flock: it ends with the process that holds it, and
with what that process has started (process.py hands the descriptor on). Children of a process that holds a folder may
use it, too: a regression runs pytest, a bench runs simulations. The names of held folders reach them in the
environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

HELD = "EQX_HELD"
"""Environment variable: the folders that this process and those that started it hold."""
PATIENCE = 1.0
"""Seconds before a run is refused: what a run that was killed has left needs a moment to end."""
_open: set[IO[str]] = set()


class Busy(BlockingIOError):
    """Another run uses the folder; one line."""


def descriptors() -> list[int]:
    """Descriptors of the locks that this process holds."""
    return [handle.fileno() for handle in list(_open)]


def attempt(path: Path, wait: bool = False) -> IO[str] | None:
    """Lock a file; None when somebody else has it, unless told to ``wait``. :func:`release` gives it back, as the end
    of the process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - stays open while it is locked
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.fstat(handle.fileno()).st_ino == path.stat().st_ino:
                break
        except BlockingIOError:
            handle.close()
            return None
        except FileNotFoundError:
            pass
        handle.close()  # its last holder has removed this very file
    handle.truncate(0)
    json.dump({"process": os.getpid(), "host": socket.gethostname(), "command": _command()}, handle)
    handle.flush()
    _open.add(handle)
    return handle


def release(handle: IO[str]) -> None:
    """Give a lock back, and remove its file."""
    _open.discard(handle)
    Path(handle.name).unlink(missing_ok=True)
    handle.close()


@contextlib.contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold the lock on a file; others wait for it."""
    handle = attempt(path, wait=True)
    if handle is None:
        raise AssertionError("waiting ends with the lock")
    try:
        yield
    finally:
        release(handle)


@contextlib.contextmanager
def hold(place: Path) -> Iterator[None]:
    """Hold a folder, or a file that a run writes, against other runs. Those that hold it already, or whose parent
    does, go on.

    Raises:
        Busy: another run has it.
    """
    name, held = str(place.resolve()), os.environ.get(HELD)
    names = json.loads(held or "[]")
    if name in names:
        yield
        return
    path = Path(f"{name}.lock")
    until = time.monotonic() + PATIENCE
    while (handle := attempt(path)) is None:
        if time.monotonic() > until:
            raise Busy(f"{place}: in use by {_holder(path)}; legal is one run at a time in a folder")
        time.sleep(0.05)
    os.environ[HELD] = json.dumps([*names, name])
    try:
        yield
    finally:
        if held is None:
            os.environ.pop(HELD, None)
        else:
            os.environ[HELD] = held
        release(handle)


def _command() -> str:
    """This process's command line, short."""
    words = getattr(sys, "orig_argv", sys.argv)[1:] or sys.argv
    return " ".join(Path(word).name if word.endswith(".py") else word for word in words)[:120]


def _holder(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        where = "" if told["host"] == socket.gethostname() else f" on {told['host']}"
        return f"process {told['process']}{where} ({' '.join(str(told['command']).split())})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
