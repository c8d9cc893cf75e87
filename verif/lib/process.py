"""The one way to start processes: in a group of their own below a keeper (keeper.py), so that nothing of them is left.

What is started here ends, with all that it has started itself, when its time limit is over, when this process ends for
whatever reason, SIGKILL included, and when this process is told to stop. A command calls :func:`stoppable` first:
from then on SIGINT (Ctrl-C), SIGTERM and SIGHUP end it in one line, with exit code 130, 143 or 129.

Needs the standard library only: workers of a cluster load this file by its path.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

DEVNULL, PIPE, STDOUT = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
CompletedProcess, TimeoutExpired = subprocess.CompletedProcess, subprocess.TimeoutExpired

KEEPER = Path(__file__).with_name("keeper.py")
GRACE = 10.0
"""Seconds that ending may take, of processes and of this one, before it is enforced."""
_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2
_live: set[Process] = set()
_told = 0  # the signal that told this process to stop


class Stopped(KeyboardInterrupt):
    """This process was told to stop; ``number`` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Process(subprocess.Popen):
    """A command below its keeper, whose process id and exit code these are."""

    lifeline: list[int]  # the writing end of the pipe, as long as it is open

    def end(self) -> None:
        """Kill it and all that it has started, and wait until nobody is left."""
        self._cut()
        try:
            self.wait(GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()
        _live.discard(self)

    def _cut(self) -> None:
        """Let go of the pipe: the keeper kills the command."""
        with contextlib.suppress(IndexError):  # taken out by whoever comes first: threads and signal handlers come here
            os.close(self.lifeline.pop())


def start(command: Sequence[str | Path], *, timeout: float | None = None, **options: object) -> Process:
    """Start a command; ``options`` are those of :class:`subprocess.Popen`, ``text`` is UTF-8. It is killed after
    ``timeout`` seconds.

    Raises:
        FileNotFoundError: there is no such program.
        Stopped: this process was told to stop.
    """
    words = [str(word) for word in command]
    if options.pop("text", False):
        options |= {"encoding": "utf-8", "errors": "replace"}  # whatever the locale is
    path = (options.get("env") or os.environ).get("PATH")  # type: ignore[attr-defined]
    if shutil.which(words[0], path=path) is None:
        raise FileNotFoundError(f"{words[0]}: no such program")
    go_on()
    ending, lifeline = os.pipe()
    held = [ending, *_locks()]
    try:
        process = Process(
            [_python(), "-I", "-S", str(KEEPER), ",".join(map(str, held)), str(timeout or 0), *words],
            start_new_session=True,
            pass_fds=held,
            **{"stdin": DEVNULL, **options},
        )
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(ending)
    process.lifeline = [lifeline]
    _live.add(process)
    if _told:  # meanwhile
        process.end()
        go_on()
    return process


def run(
    command: Sequence[str | Path],
    *,
    input: str | bytes | None = None,
    timeout: float | None = None,
    check: bool = False,
    capture_output: bool = False,
    **options: object,
) -> CompletedProcess:
    """Run a command to its end, as :func:`subprocess.run` does.

    Raises:
        TimeoutExpired: it took longer than ``timeout`` seconds.
        FileNotFoundError, Stopped: see :func:`start`.
    """
    if capture_output:
        options |= {"stdout": PIPE, "stderr": PIPE}
    if input is not None:
        options["stdin"] = PIPE
    process = start(command, timeout=timeout, **options)
    try:
        out, err = process.communicate(input, None if timeout is None else timeout + GRACE)
    finally:
        process.end()
    go_on()
    if timeout is not None and process.returncode == -signal.SIGALRM:
        raise TimeoutExpired(command, timeout, out, err)
    done = CompletedProcess(command, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _python() -> str:
    """An interpreter for the keeper: inside a simulator ``sys.executable`` may be anything."""
    here = Path(sys.executable or "")
    return str(here if here.name.startswith("python") and here.is_file() else Path(sys.prefix) / "bin" / "python")


def _locks() -> list[int]:
    """Locks that the keeper shall hold, too."""
    lock = sys.modules.get("verif.lib.lock")
    return lock.descriptors() if lock else []


def go_on() -> None:
    """Raises Stopped when this process was told to stop."""
    if _told:
        raise Stopped(_told)


def end_all() -> None:
    """Kill everything that was started here and is still there."""
    processes = list(_live)
    for process in processes:
        process._cut()
    for process in processes:
        process.end()


# ---- being told to stop


def stoppable(again: str = "") -> None:
    """From here on a signal ends this command in one line: ``stopped: SIGTERM``, and ``again``, what calling it again
    would do.

    Signals that whoever started it has it ignore (nohup) stay ignored. Below make it ends with make, too.
    """

    def told(number: int, _frame: object) -> None:
        global _told
        if _told:
            _leave(again)
        _told = number
        for process in list(_live):
            process._cut()
        threading.Thread(target=_insist, args=(again,), daemon=True).start()
        raise Stopped(number)

    def uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
        if _told:
            end_all()
            _leave(again)
        before(kind, error, trace)

    before, sys.excepthook = sys.excepthook, uncaught
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, told)
    if os.environ.get("MAKELEVEL"):
        die_with_parent(signal.SIGTERM)


def _leave(again: str) -> NoReturn:
    """The one line, and the end."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    words = "; ".join(filter(None, (f"stopped: {signal.Signals(_told).name}", again)))
    with contextlib.suppress(OSError):
        os.write(2, f"{words}\n".encode())
    os._exit(128 + _told)


def _insist(again: str) -> None:
    """End this process, which something holds up."""
    time.sleep(GRACE)
    _leave(again)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends, unless one is due then already."""
    prctl, due = ctypes.CDLL(None).prctl, ctypes.c_int()
    prctl(_PR_GET_PDEATHSIG, ctypes.byref(due), 0, 0, 0)
    if not due.value:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
