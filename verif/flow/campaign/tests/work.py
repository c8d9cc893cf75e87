"""What the jobs of these tests do: ``work`` is called in a process of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from verif.flow.campaign.job import Outcome


def note(notes: str, name: str) -> int:
    """A line for each time that a job ran; how often that was."""
    path = Path(notes, name)
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return len(path.read_text(encoding="utf-8").splitlines())


def work(args: dict, folder: Path) -> dict | Outcome:
    """Do what ``args["does"]`` says, and leave a file."""
    count = note(args["notes"], args["name"])
    (folder / "left").write_text("x", encoding="utf-8")
    what = args["does"]
    if what in ("sleeps", "fails after"):
        time.sleep(args["seconds"])
    if what == "dies" or what == "dies once" and count == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if what in ("fails", "fails after") or what == "fails once" and count == 1:
        raise ValueError("no such thing\nmore")
    if what == "breaks":
        raise ZeroDivisionError("oh")
    return Outcome("bad", "is bad") if what == "is bad" else {"count": count, "env": os.environ.get("COLOUR", "")}
