"""Runs the first failure of each group again by itself, with waves on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from verif.flow.campaign.engine import TIME_LIMIT
from verif.flow.regress.groups import Group
from verif.flow.regress.runner import Runner

KIND = "waves"
"""Folder of the regression in which these runs are."""
LONGER = 4
"""A run with waves may take so many times its limit."""


def rerun(groups: Sequence[Group], runner: Runner) -> None:
    """Run them, and note in each group its run and the dumps that it left (FST, or VCD where the library for FST is
    missing).
    """
    groups = [
        g for g in groups if g.first.status == "failed" or g.first.message == TIME_LIMIT
    ]  # others say nothing about the design
    if not groups:
        return
    runner.say(f"running the first failure of each of {len(groups)} groups again with waves")
    firsts = [replace(g.first.job, limit=LONGER * g.first.job.limit) for g in groups]
    again = runner.run(firsts, KIND, WAVES="1", COVERAGE="0")
    for one, job in zip(groups, firsts, strict=True):
        one.again = again[job]
        one.waves = dumps(runner.store.place(job, KIND))


def dumps(folder: Path) -> list[Path]:
    """The waves below a folder."""
    return sorted(path for path in folder.rglob("dump.*") if path.suffix in (".fst", ".vcd"))
