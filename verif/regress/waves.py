"""Runs the first failure of each group again by itself, with waves on."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from verif.regress.groups import Group
from verif.regress.results import Store
from verif.regress.runner import TIME_LIMIT, Runner, Setting

KIND = "waves"
"""Folder of the regression in which these runs are."""
LONGER = 4
"""A run with waves may take so many times its limit."""


def rerun(groups: Sequence[Group], store: Store, setting: Setting, pool: Executor, say: Callable[[str], None]) -> None:
    """Run them, and note in each group its run and the dumps that it left (FST, or VCD where the library for FST is missing)."""
    groups = [g for g in groups if g.first.status == "failed" or g.first.message == TIME_LIMIT]  # others say nothing about the design
    if not groups:
        return
    say(f"running the first failure of each of {len(groups)} groups again with waves")
    firsts = [replace(g.first.job, limit=LONGER * g.first.job.limit) for g in groups]
    runner = Runner(store, replace(setting, env={**setting.env, "WAVES": "1", "COVERAGE": "0"}), pool, say)
    again = runner.run(firsts, kind=KIND)
    for one, job in zip(groups, firsts, strict=True):
        one.again = again[job]
        one.waves = dumps(store.place(job, KIND))


def dumps(folder: Path) -> list[Path]:
    """The waves below a folder."""
    return sorted(path for path in folder.rglob("dump.*") if path.suffix in (".fst", ".vcd"))
