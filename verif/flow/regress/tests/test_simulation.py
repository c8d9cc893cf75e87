"""A regression of real simulations: one with a planted fault leaves waves; each leaves its own coverage; twice is the
same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.flow.regress.compare import compare
from verif.flow.regress.tests.project import Project
from verif.lib.coverage import parse

TESTS = """
from verif.lib import sim
from verif.lib.tests import test_sim

@pytest.mark.parametrize("wrong", [0, 1])
def test_counter(wrong):
    env = {"P_WIDTH": "8", **({"EQX_WRONG": "1"} if wrong else {})}
    sim.run(test_sim.build(), test_sim.BENCH, env=env)
"""


@pytest.mark.nightly
def test_planted_fault_in_a_simulation(tmp_path: Path) -> None:
    """The failure is one group, its waves are there, both runs have their log and coverage, and the same seeds give the
    same.
    """
    project = Project(tmp_path, TESTS, "small:\n  tests:\n    - match: '*'\n")
    found = project.regress(coverage=True, name="one")
    assert found.verdict == "FAILED: 2 jobs of 1 tests: 1 passed, 1 failed"
    (group,) = found.groups
    assert group.message == "told to be wrong"
    (dump,) = group.waves
    assert dump.suffix in (".fst", ".vcd") and dump.stat().st_size > 1000
    seeds = set()
    for job in found.jobs:
        folder = found.store.place(job)
        (data,) = (folder / "cov").glob("*.dat")
        assert any(parse(data).values()) and list((folder / "cov").glob("*.json"))
        (log,) = (folder / "runs").rglob("sim.log")
        seeds.add(job.seed)
        assert str(job.seed) in log.read_text(encoding="utf-8")
    assert len(seeds) == 2
    again = project.regress(coverage=True, name="two")
    assert compare(found.store.folder, again.store.folder) == (2, [])
    other = project.regress(coverage=True, name="three", seed=2)
    assert len(compare(found.store.folder, other.store.folder)[1]) == 4  # other seeds, other folders
