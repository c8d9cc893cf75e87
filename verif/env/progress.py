"""Progress of a run: the bench leaves it in a file, the command that started the run shows it as a bar."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

FILE = "progress"
PERIOD = 0.2  # seconds between two looks


class ProgressWriter:
    """The bench's side: ``show(done, text)`` costs next to nothing more often than every 0.2 s."""

    def __init__(self, run_dir: Path, total: int) -> None:
        self.path, self.total, self.last = run_dir / FILE, total, 0.0

    def show(self, done: int, text: str) -> None:
        """``done`` of the total, and what to say beside it."""
        if time.monotonic() - self.last > PERIOD or done == self.total:
            self.last = time.monotonic()
            fresh = self.path.with_suffix(".new")
            fresh.write_text(f"{done} {self.total} {text}", encoding="utf-8")
            fresh.replace(self.path)


class ProgressBar:
    """The terminal's side, as a context manager: a bar on standard error while that is a terminal."""

    def __init__(self, run_dir: Path, width: int = 30) -> None:
        self.path, self.width, self.stop, self.shown = run_dir / FILE, width, threading.Event(), ""
        self.before = self.path.stat().st_mtime_ns if self.path.exists() else 0  # an earlier run's
        self.thread = threading.Thread(target=self._watch, daemon=True) if sys.stderr.isatty() else None

    def __enter__(self) -> ProgressBar:
        if self.thread:
            self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.thread:
            self.stop.set()
            self.thread.join()
            if self.shown:
                print(file=sys.stderr)

    def _watch(self) -> None:
        while not self.stop.wait(PERIOD):
            self.shown = self.look() or self.shown
            if self.shown:
                print(f"\r{self.shown:78}", end="", file=sys.stderr, flush=True)

    def look(self) -> str:
        """The bar as the bench has left it; empty while this run's bench has left nothing."""
        try:
            if self.path.stat().st_mtime_ns == self.before:
                return ""
            done, total, text = self.path.read_text(encoding="utf-8").split(" ", 2)
        except FileNotFoundError:
            return ""
        filled = self.width * int(done) // max(1, int(total))
        return f"[{'#' * filled:{self.width}}] {done}/{total} {text}"
