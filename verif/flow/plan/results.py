"""What came of the plan: verdicts of tests, and of the testpoints and stages that they add up to."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from pathlib import Path

from verif.flow.collect import Test
from verif.flow.plan.load import STAGES, Plan, Testpoint
from verif.lib.coverage import Tally

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"
Results = Mapping[str, str]
"""Test id to :data:`PASSED`, :data:`FAILED` or :data:`NOT_RUN`; an absent one was not run."""


def combine(verdicts: Iterable[str]) -> str:
    """One verdict of several: a failure outweighs all, and what was not run leaves the whole not run."""
    found = set(verdicts)
    return FAILED if FAILED in found else PASSED if found == {PASSED} else NOT_RUN


def verdict(point: Testpoint, results: Results) -> str:
    """The verdict of a testpoint: that of all its tests."""
    return combine(results.get(text.value, NOT_RUN) for text in point.tests)


def unmet(plan: Plan, results: Results, coverage: Mapping[str, Tally] | None) -> list[str]:
    """Testpoints with a failed test, and those all of whose tests passed although some coverage item was not hit at
    all.

    Args:
        coverage: tally of each item that has data, from runs that collected coverage
            (:meth:`verif.flow.plan.measure.Measure.all_of`). An item without data is let pass where another has some: a
            module may have no statements. None: no coverage was collected.
    """
    out = []
    for point in plan.testpoints:
        came, where = verdict(point, results), f"{point.name.where}: testpoint {point.name}"
        if came == FAILED:
            out.append(
                f"{where}: failed: {', '.join(text.value for text in point.tests if results.get(text.value) == FAILED)}"
            )
        elif came == PASSED and coverage is not None:
            tallies = {text.value: coverage[text.value] for text in point.coverage if text.value in coverage}
            missed = [item for item, tally in tallies.items() if not tally.hit]
            if missed or not tallies:
                out.append(f"{where}: its tests passed, and nothing was hit of {', '.join(missed) or 'its coverage'}")
    return out


def stages(plan: Plan, results: Results) -> dict[str, tuple[int, int]]:
    """Stage to (testpoints passed, testpoints)."""
    count = {}
    for stage in STAGES:
        points = [point for point in plan.testpoints if point.stage == stage]
        count[stage] = (sum(verdict(point, results) == PASSED for point in points), len(points))
    return count


def read_junit(path: Path, tests: Mapping[str, Test]) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Verdicts from a JUnit file as pytest writes it.

    Returns:
        results (a test all of whose runs there were skipped counts as not run), and of each test the pytest nodes that
        passed.

    Raises:
        ValueError: not a JUnit file.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}:{error.position[0]}: not a JUnit file: {error}") from None
    nodes = {node: test.id for test in tests.values() for node in test.runs}
    runs: dict[str, list[str]] = {}
    passed: dict[str, set[str]] = {}
    for case in root.iter("testcase"):
        node = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        name = nodes.get(node) or nodes.get(re.sub(r"\[.*", "", node))
        if name is None or case.find("skipped") is not None:
            continue
        bad = case.find("failure") is not None or case.find("error") is not None
        runs.setdefault(name, []).append(FAILED if bad else PASSED)
        if not bad:
            passed.setdefault(name, set()).add(node)
    return {name: combine(found) for name, found in runs.items()}, passed
