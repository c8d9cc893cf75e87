"""Shrinking on the simulator: a failing case in, a minimal one out; goes on where it was interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from verif.lib import lock
from verif.lib.keep import RTL_PACKAGES, fingerprint
from verif.random.case import Case
from verif.random.run import CASE, SOURCES, run_cases, simulator
from verif.random.shrink import Oracle, shrink


def place(case: Case, plant: str) -> str:
    """Name of the search's folder: another one for another case, core or bench."""
    what = f"{case!r} {plant} {simulator(case.config, plant)} {fingerprint(SOURCES, RTL_PACKAGES)}"
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def minimise(case: Case, out: Path, plant: str = "", say: Callable[[str], None] = lambda _: None) -> Case | None:
    """The smallest case found that fails like ``case``, with the kind of its failure; None if it passes.

    Runs are remembered below ``out``, where ``case.toml`` is always the best case so far.

    Raises:
        ValueError: the case is not legal.
        Busy: somebody else shrinks it.
    """
    folder = out / place(case, plant)
    with lock.hold(folder):
        return _minimise(case, folder, plant, say)


def _minimise(case: Case, folder: Path, plant: str, say: Callable[[str], None]) -> Case | None:
    folder.mkdir(parents=True, exist_ok=True)
    outcome = run_cases([case], folder / "runs", plant=plant)[0]
    if not outcome.failed:
        return None
    say(f"{case.size} instructions fail: {outcome.message.splitlines()[0]}")
    oracle = Oracle(
        lambda cases: run_cases(cases, folder / "runs", stop=True, plant=plant),
        outcome.kind,
        folder / "known.jsonl",
        say,
    )
    return replace(shrink(case, oracle, folder / CASE), fails=outcome.kind)
