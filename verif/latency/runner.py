"""Runs cases side by side, each in a process of its own, and keeps what is done."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path

from models.deploy.deployment import deploy
from models.deploy.predict import capacity
from models.deploy.scenario import Scenario
from verif.latency.cases import Case
from verif.latency.measure import Measured, measure
from verif.latency.store import Store
from verif.lib import process
from verif.lib.sim import BuildError

Outcome = Measured | str
"""What became of a case: its result, or in one line why there is none."""


def run_case(case: Case, folder: Path) -> tuple[Outcome, float]:
    """Run a case and keep its result in ``folder``; returns the outcome and how long it took, in seconds."""
    began = time.monotonic()
    store = Store(folder / "cases")
    place = store.path(case)
    try:
        outcome: Outcome = measure(case, folder / "rtl" / place.stem.rsplit("-", 1)[0])
        store.put(case, outcome)
    except (RuntimeError, ValueError, OSError) as error:  # BuildError and MeasureError are RuntimeErrors
        lines = str(error).splitlines() or [type(error).__name__]
        outcome = " ".join(lines[:2]) if isinstance(error, BuildError) else lines[0]
    return outcome, time.monotonic() - began


def run_all(cases: Sequence[Case], folder: Path, jobs: int, say: Callable[[str], None]) -> dict[str, Outcome]:
    """Outcomes by case name; what an earlier run left and still holds is not computed again.

    ``say`` gets a line of progress for each case.
    """
    store = Store(folder / "cases")
    out: dict[str, Outcome] = {}
    for case in cases:
        if (kept := store.get(case)) is not None:
            out[case.name] = kept
    todo = sorted((c for c in cases if c.name not in out), key=lambda c: c.engine != "rtl")  # the long ones first
    if out:
        say(f"{len(out)} of {len(cases)} are done already")
    if any(c.engine == "model" for c in todo):
        _compile(say)
    with _workers(min(jobs, len(todo))) as submit:
        for n, (case, (outcome, seconds)) in enumerate(submit(todo, folder), len(out) + 1):
            out[case.name] = outcome
            say(f"{n}/{len(cases)} {case.name}: {seconds:.1f} s" + (f", failed: {outcome}" if isinstance(outcome, str) else ""))
    return out


def _compile(say: Callable[[str], None]) -> None:
    """Have the timing model's machine code in its cache before several processes ask for it."""
    began = time.monotonic()
    capacity(deploy(Scenario(config="tiny", train="off", requests=1)), "mlp")
    if time.monotonic() - began > 5:
        say(f"timing model compiled: {time.monotonic() - began:.0f} s")


@contextmanager
def _workers(jobs: int) -> Iterator[Callable]:
    """A function (cases, folder) -> iterator of (case, (outcome, seconds)), in order of completion."""
    if jobs <= 1:
        yield lambda cases, folder: ((case, run_case(case, folder)) for case in cases)
        return
    with process.pool(jobs) as pool:
        def submit(cases: Sequence[Case], folder: Path) -> Iterator[tuple[Case, tuple[Outcome, float]]]:
            waiting = {pool.submit(run_case, case, folder): case for case in cases}
            return ((waiting[done], done.result()) for done in as_completed(waiting))
        yield submit
