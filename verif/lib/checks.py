"""How much each check of a simulation has compared: counted in the bench, kept in the run's ``checks.json``; nothing is
a failure.

A bench calls :func:`compared` wherever a check has done its work. The file holds ``{check: items}``; :func:`read` is
for those who report a run, :func:`require` for those who judge it.
"""

from __future__ import annotations

import atexit
import json
from collections import Counter
from pathlib import Path

from verif.lib.keep import write_whole

FILE = "checks.json"
_counts: Counter[str] = Counter()


def compared(check: str, items: int) -> None:
    """Count what a check has compared.

    Raises:
        AssertionError: it has compared nothing.
    """
    if items <= 0:
        raise AssertionError(f"{check}: compared nothing")
    if not _counts:
        atexit.register(_write, Path(FILE).resolve())  # the simulation runs in the run's folder
    _counts[check] += items


def _write(path: Path) -> None:
    write_whole(path, json.dumps(dict(sorted(_counts.items())), indent=1) + "\n")


def read(run_dir: Path) -> dict[str, int]:
    """Check -> items compared of a finished run; empty when no check has reported."""
    try:
        return json.loads((run_dir / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def report(run_dir: Path) -> dict[str, int]:
    """The same, appended to the run's log as a line."""
    found = read(run_dir)
    if found:
        with open(run_dir / "sim.log", "a", encoding="utf-8") as log:
            log.write(f"compared: {', '.join(f'{check} {items}' for check, items in found.items())}\n")
    return found


def require(run_dir: Path) -> dict[str, int]:
    """As :func:`report`, of a run that must have compared something.

    Raises:
        AssertionError: no check has compared anything.
    """
    found = report(run_dir)
    if not found:
        raise AssertionError(f"{run_dir}: no check of this run has compared anything")
    return found
