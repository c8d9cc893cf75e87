"""The command line of the entry points that make calls, and what happens to their words."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (--help lists all options)\n")


def make_call(target: str, **knobs: object) -> str:
    """A call of make as it can be put into a shell; make reads ``$$`` as ``$``."""
    return shlex.join(["make", target, *(f"{name}={str(value).replace('$', '$$')}" for name, value in knobs.items())])


class Stream:
    """A standard stream that survives its reader and a full disk:
    what cannot be written is dropped, ``lost`` says why.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost: OSError | None = None
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # what the terminal's encoding lacks

    def write(self, text: str) -> int:
        self._try(lambda: self.stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self.stream.flush)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self.lost = self.lost or error
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.stream.fileno())  # what the stream still holds goes there
            os.close(null)


def run(main: Callable[[], int]) -> NoReturn:
    """Run an entry point and end the process with its exit code.

    Output that cannot be written makes the exit code 2 where it would be 0, except into a pipe that nobody reads any
    more. Without standard error its words go to standard output; without standard output nothing is started.
    """
    os.environ["PYTHONUTF8"] = "1"  # of the processes that are started: what they print is read as UTF-8
    if sys.stdout is None:
        if sys.stderr is not None:
            print("error: standard output is closed: nothing could be reported", file=sys.stderr)
        sys.exit(2)
    out = Stream(sys.stdout)
    err = out if sys.stderr is None else Stream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        code = main()
    except KeyboardInterrupt as stop:
        if type(stop) is not KeyboardInterrupt:  # told to stop by a signal: who has set that up says so
            raise
        print("interrupted", file=err)
        code = 130
    except SystemExit as end:  # the parser's
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 2
        if isinstance(end.code, str):
            print(end.code, file=err)
    out.flush()
    if out.lost and not isinstance(out.lost, BrokenPipeError):
        print(f"error: standard output: {out.lost.strerror}", file=err)
        code = code or 2
    err.flush()
    sys.exit(code)
