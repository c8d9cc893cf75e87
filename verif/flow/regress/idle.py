"""Finds what nobody runs: benches that no test starts, files of tests that are not collected, runs that no tier has.

A module with cocotb's tests is called ``bench_<name>.py``. A test starts it when it, or what it imports, has the
module's dotted name as a string; a block's bench, with the parts ``bench_<name>_<part>.py`` of it, also when
``test_<name>.py`` beside it calls ``run_block``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path

from verif.flow.collect import Test
from verif.flow.regress.tiers import Tier, TierError, choose, load
from verif.lib.packages import FOLDERS, python_closure
from verif.lib.toolchain import ROOT

EVERYTHING = "nightly"
"""The tier that has all runs but those marked ``soak``."""
BY_FOLDER = {"verif/flow/mutants/tests/example": "mutants::test_example"}
"""Folders of benches that a test gives to a tool, which finds them by their names."""


def idle(tests: Sequence[Test], root: Path = ROOT) -> list[str]:
    """Everything that lies idle: lines that begin with a place, empty when there is nothing."""
    try:
        runs = idle_runs(tests, load())
    except TierError as error:
        runs = [str(error)]
    return [*idle_benches(tests, root), *idle_files(tests, root), *runs]


def idle_benches(tests: Sequence[Test], root: Path = ROOT) -> list[str]:
    """Benches that no test starts."""
    files = {root / test.file for test in tests}
    named = {text for path in python_closure(files, root) for text in _strings(path)}
    known = {test.id for test in tests}
    findings = []
    for path in sorted((root / "verif").rglob("bench_*.py")):
        name = path.relative_to(root)
        block = path.parent.name
        of_block = path.stem == f"bench_{block}" or path.stem.startswith(f"bench_{block}_")
        beside = path.with_name(f"test_{block if of_block else path.stem.removeprefix('bench_')}.py")
        by_folder = next((test for folder, test in BY_FOLDER.items() if name.is_relative_to(folder)), None)
        if ".".join(name.with_suffix("").parts) in named or by_folder in known:
            continue
        if beside in files and "run_block" in _calls(beside):
            continue
        findings.append(f"{name}:1: no test starts this bench")
    return findings


def idle_files(tests: Sequence[Test], root: Path = ROOT) -> list[str]:
    """Files of tests without any that pytest collects."""
    collected = {root / test.file for test in tests}
    folders = [root / folder.split("/")[0] for folder in FOLDERS.values()]
    found = sorted(path for folder in folders for path in folder.rglob("test_*.py"))
    return [f"{path.relative_to(root)}:1: pytest collects no test in it" for path in found if path not in collected]


def idle_runs(tests: Sequence[Test], tiers: Mapping[str, Tier]) -> list[str]:
    """Runs that no tier takes, or only a tier for which they are not marked.

    Raises:
        TierError: see :func:`verif.flow.regress.tiers.choose`.
    """
    taken = {name: {run.node for _, run, _ in choose(tier, tests)} for name, tier in tiers.items()}
    findings = []
    for test in tests:
        for run in test.cases:
            what = f"{test.file}:{test.line}: {test.id}{f'[{run.variant}]' if run.variant else ''}"
            if not any(run.node in nodes for nodes in taken.values()):
                findings.append(f"{what} is a run that no tier has")
            elif "soak" not in run.marks and run.node not in taken[EVERYTHING]:
                findings.append(f"{what} is not marked soak, and the tier {EVERYTHING} does not have it")
    return findings


def _strings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _calls(path: Path) -> set[str]:
    """Names of the functions that a file calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {getattr(n.func, "id", getattr(n.func, "attr", "")) for n in ast.walk(tree) if isinstance(n, ast.Call)}
