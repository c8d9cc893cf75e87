"""Finds what nobody runs: benches that no test starts, tests in them that none chooses, files of tests that are not
collected, runs that no tier has.

A module with cocotb's tests is called ``bench_<name>.py``. A test starts it when it, or what it imports, has the
module's dotted name as a string; a block's bench, with the parts ``bench_<name>_<part>.py`` of it, also when
``test_<name>.py`` beside it calls ``run_block``. That takes all tests of the bench, or those that its ``test_filter``
fits; a test of the whole core is taken by its name, with or without ``equinox_`` and ``_test`` around it.
"""

from __future__ import annotations

import ast
import re
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
    return [*idle_benches(tests, root), *idle_cocotb(tests, root), *idle_files(tests, root), *runs]


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


def idle_cocotb(tests: Sequence[Test], root: Path = ROOT) -> list[str]:
    """Tests of benches of blocks, and of the core, that no test chooses."""
    findings = []
    for path in sorted((root / "verif/block").glob("*/bench_*.py")):
        block = path.parent.name
        beside = path.with_name(f"test_{block}.py")
        filters = _filters(beside) if beside in {root / test.file for test in tests} else []
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for name, line in _cocotb_tests(path):
            full = f"{module}.{name}"  # behind a slash stand the values of its parameters
            if not any(chosen.search(full) or chosen.search(f"{full}/") for chosen in filters):
                findings.append(f"{path.relative_to(root)}:{line}: no test chooses {name}")
    known = {word for path in python_closure({root / test.file for test in tests}, root) for word in _strings(path)}
    for path in sorted((root / "verif").rglob("*.yaml")):
        known.update(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    for path in sorted((root / "verif/tests").glob("bench_*.py")):
        for name, line in _cocotb_tests(path):
            if not {name, name.removeprefix("equinox_").removesuffix("_test")} & known:
                findings.append(f"{path.relative_to(root)}:{line}: no test chooses {name}")
    return findings


def _cocotb_tests(path: Path) -> list[tuple[str, int]]:
    """Names and lines of what is decorated as a test of cocotb or pyuvm."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (node.name, node.lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and any(re.match(r"(cocotb|pyuvm)\.test\b", ast.unparse(mark)) for mark in node.decorator_list)
    ]


def _filters(path: Path) -> list[re.Pattern[str]]:
    """What each call of ``run_block`` in a file chooses; what is filled in at run time may be anything."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "run_block":
            given = next((word.value for word in node.keywords if word.arg == "test_filter"), None)
            if isinstance(given, ast.JoinedStr):
                parts = [str(v.value) if isinstance(v, ast.Constant) else ".*" for v in given.values]
                found.append(re.compile("".join(parts)))
            else:
                found.append(re.compile(str(given.value) if isinstance(given, ast.Constant) else ""))
    return found


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
