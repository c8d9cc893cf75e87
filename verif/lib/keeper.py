"""Stands between a process and a command that it starts, so that nothing of the command outlives either; see
process.py.

Usage: python -I -S keeper.py DESCRIPTORS SECONDS COMMAND [ARGUMENT ...]

The first descriptor is the reading end of a pipe whose other end only the starting process has: the pipe ends when that
process does, however it ends. Then, after SECONDS (0: no limit), on SIGTERM, SIGINT or SIGHUP, and when the command
has ended, everything that the command has started is killed, too: whoever loses its parent becomes a child of this
process, which asked the kernel for that. The other descriptors are locks (lock.py), which so last until nobody is
left. The exit code is the command's; if a signal ended the command, that signal ends this process; at the time limit
SIGALRM does.

Imports little: it starts in some ten milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LINGER = 1.0  # seconds that what a command leaves behind may take to end by itself


def _children() -> list[int]:
    """Processes whose parent is this one, those that have ended already left out."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:  # ended meanwhile
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.append(int(name))
    return found


def _end_all() -> None:
    """Kill what is below this process, level by level, until nobody is left."""
    while True:
        for pid in _children():
            try:  # noqa: SIM105 - contextlib would be one more import
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _reap(command: int) -> int | None:
    """Take in all that have ended; the command's wait status if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status


def _linger(woken: int) -> None:
    """Let what the command left behind end by itself for a moment."""
    until = time.monotonic() + LINGER
    while _children() and (left := until - time.monotonic()) > 0:
        if select.select([woken], [], [], left)[0]:
            os.read(woken, 512)
        _reap(0)


def _die(number: int) -> None:
    """End as by this signal, without a core dump of one's own."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _become(words: list[str], prctl, keeper: int) -> None:
    """In the child: turn into the command. It is killed when the keeper is, whatever kills that."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in (*STOPPING, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == keeper:
            os.execvp(words[0], words)
    except OSError as error:
        os.write(2, f"{words[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main() -> None:
    """Start the command and stay until nothing of it is left."""
    descriptors, seconds, words = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    lifeline, *_ = numbers = [int(word) for word in descriptors.split(",")]
    for number in numbers:
        os.set_inheritable(number, False)
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told: list[int] = []
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in STOPPING:
        signal.signal(number, lambda n, _: told.append(n))
    keeper = os.getpid()
    command = os.fork()
    if command == 0:
        _become(words, prctl, keeper)
    until = time.monotonic() + seconds if seconds else None
    while True:
        left = None if until is None else max(0.0, until - time.monotonic())
        ready = select.select([lifeline, woken], [], [], left)[0]
        if woken in ready:
            os.read(woken, 512)
        status = _reap(command)
        if status is not None:
            _linger(woken)
            _end_all()
            code = os.waitstatus_to_exitcode(status)
            if code < 0:
                _die(-code)
            os._exit(code)
        if lifeline in ready or told:
            _end_all()
            _die(told[0] if told else signal.SIGKILL)
        if until is not None and time.monotonic() >= until:
            _end_all()
            _die(signal.SIGALRM)


if __name__ == "__main__":
    main()
