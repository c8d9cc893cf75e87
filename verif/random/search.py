"""Runs seeds until there are no more: results are kept, failing cases written where `make shrink` finds them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from verif.lib import lock
from verif.lib.keep import ROOT, RTL_PACKAGES, Folder, fingerprint, key
from verif.random.case import Case, save_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.run import SOURCES, Outcome, run_cases, simulator

TOGETHER = 10  # cases in one simulation
OUT = ROOT / "build/random"


@dataclass(frozen=True)
class Found:
    """What a seed brought."""

    seed: int
    case: Case
    outcome: Outcome
    path: Path | None = None  # of a failing case


def search(
    config: str, seeds: Sequence[int], knobs: Knobs = Knobs(), *, folder: Path = OUT, plant: str = "", say: Callable[[str], None] = lambda _: None,
) -> list[Found]:
    """Run a case for each seed; those whose result is known (same sources, core, knobs) are not run again.

    Raises:
        ValueError: the configuration, or the knobs, are not legal.
        Busy: another search runs in the folder.
    """
    knobs.check()
    with lock.hold(folder):
        return _search(config, seeds, knobs, folder, plant, say)


def _search(config: str, seeds: Sequence[int], knobs: Knobs, folder: Path, plant: str, say: Callable[[str], None]) -> list[Found]:
    kept, sources = Folder(folder / "kept"), fingerprint(SOURCES, RTL_PACKAGES)
    exe = str(simulator(config, plant))
    out: list[Found] = []
    for first in range(0, len(seeds), TOGETHER):
        waiting: list[tuple[int, Case]] = []
        known: dict[int, Outcome] = {}
        group = {seed: generate(config, seed, knobs) for seed in seeds[first : first + TOGETHER]}
        keys = {seed: key([seed, repr(knobs), plant, exe], config, None, sources) for seed in group}
        for seed, case in group.items():
            old = kept.get(f"{config}-{seed}", keys[seed])
            if old is None:
                waiting.append((seed, case))
            else:
                known[seed] = Outcome(**old)
        while waiting:  # an assertion that fires ends the simulation
            outcomes = run_cases([case for _, case in waiting], folder / f"{config}-{waiting[0][0]}", plant=plant)
            for (seed, _), outcome in zip(waiting, outcomes, strict=True):
                if outcome is not None:
                    known[seed] = outcome
                    kept.put(f"{config}-{seed}", keys[seed], vars(outcome))
            left = [w for w in waiting if w[0] not in known]
            if len(left) == len(waiting):
                raise RuntimeError(f"the simulation of seeds {[s for s, _ in waiting]} ran none of them")
            waiting = left
        for seed, case in group.items():
            out.append(_report(config, seed, case, known[seed], folder, say))
    return out


def _report(config: str, seed: int, case: Case, outcome: Outcome, folder: Path, say: Callable[[str], None]) -> Found:
    path = None
    if outcome.failed:
        path = folder / "failures" / f"{config}-{seed}.toml"
        save_case(case, path)
    say(f"{config} seed {seed}: {case.summary()}: " + (f"FAILED: {outcome.message.splitlines()[0]}" if outcome.failed else "ok"))
    return Found(seed, case, outcome, path)
