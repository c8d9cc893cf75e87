"""The verification plan with a regression's results, as a section of its page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from equinox_core.report import html
from verif.flow.collect import Test
from verif.flow.plan import render
from verif.flow.plan.catalogue import catalogue
from verif.flow.plan.check import check, check_dumped
from verif.flow.plan.load import PlanError, load
from verif.flow.plan.measure import Measure
from verif.flow.plan.results import unmet
from verif.flow.regress.regression import COVERAGE, Regression
from verif.lib.coverage import CoverageError


def build(regression: Regression, tests: Sequence[Test]) -> list[str]:
    """The section.

    A plan that is wrong, or whose tests passed without what they are to cover, is one of the regression's problems.
    """
    try:
        plan, known = load(), catalogue(tests=list(tests))
        measure = Measure(known, regression.store.folder / COVERAGE, passed_nodes(regression))
        findings, figures = [*check(plan, known), *check_dumped(measure.dumped, known)], measure.all_of(plan)
    except PlanError as error:
        findings = list(error.findings)
    except (CoverageError, ValueError) as error:
        findings = [str(error)]
    if findings:
        regression.problems += findings
        return [html.section("Plan", f"<p>{escape(findings[0])}</p>")]
    results = regression.by_test()
    if regression.gated and regression.coverage_folders():
        regression.problems += unmet(plan, results, figures)
    return [html.section("Plan", render.html(plan, results, figures))]


def passed_nodes(regression: Regression) -> dict[str, set[str]]:
    """Of each test the pytest nodes all of whose jobs passed."""
    states: dict[tuple[str, str], set[str]] = {}
    for job, result in regression.results.items():
        states.setdefault((job.test, job.node), set()).add(result.status)
    passed: dict[str, set[str]] = {}
    for (test, node), found in states.items():
        if found == {"passed"}:
            passed.setdefault(test, set()).add(node)
    return passed
