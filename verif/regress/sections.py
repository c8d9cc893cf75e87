"""What a regression knows beyond its jobs: the verification plan with results, coverage with its gates."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from verif.lib import coverage
from verif.regress.collect import ROOT, Test
from verif.regress.regression import Regression
from verif.report import html


def build(regression: Regression, tests: Sequence[Test], say: Callable[[str], None]) -> list[str]:
    """Sections for the page. What is missed is added to the regression's problems."""
    parts = []
    if regression.env.get("COVERAGE") == "1" and regression.coverage_folders():
        say("merging coverage")
        parts.append(_coverage(regression))
    return parts


def _coverage(regression: Regression) -> str:
    try:
        report = coverage.collect(regression.gather_coverage(), ROOT)
    except coverage.CoverageError as error:
        regression.problems.append(str(error))
        return html.section("Coverage", f"<p>{escape(str(error))}</p>")
    sums = coverage.totals(report.files)
    rows = [[kind, *_cells(sums[kind])] for kind in coverage.KINDS if sums[kind].total]
    functional = sum((coverage.group_tally(points) for points in report.groups.values()), coverage.Tally())
    rows.append(["functional", *_cells(functional)])
    rows += [[f"- {name}", *_cells(coverage.group_tally(points))] for name, points in sorted(report.groups.items())]
    return html.section("Coverage", html.table((["kind", "hit", "of", "share"], rows)))


def _cells(tally: coverage.Tally) -> list[str]:
    return [f"{tally.hit:,}", f"{tally.total:,}", f"{tally.percent:.1f} %" if tally.percent is not None else "-"]
