"""What a regression knows beyond its jobs: the verification plan with results, coverage with its gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from equinox_core.report import html
from verif.flow.collect import ROOT, Test
from verif.flow.coverage import exclusions, gates
from verif.flow.coverage.gates import judge_run
from verif.flow.coverage.merge import merge_folders, seed_curve
from verif.flow.coverage.page import html_section
from verif.flow.plan import load as plan
from verif.flow.regress.regression import COVERAGE, Regression
from verif.lib.coverage import CoverageError


def read() -> None:
    """Read what a report is held against, so that a malformed file is named before anything runs.

    Raises:
        PlanError, GateError, ExclusionError: it is malformed; the message has file and line.
    """
    plan.load()
    gates.load_gates()
    exclusions.load(gates.EXCLUSIONS, str(gates.EXCLUSIONS.relative_to(ROOT)))


def build(regression: Regression, tests: Sequence[Test], say: Callable[[str], None]) -> list[str]:
    """Sections for the page. What is missed is added to the regression's problems."""
    parts = []
    if regression.env.get("COVERAGE") == "1" and (regression.gated or regression.coverage_folders()):
        say("merging coverage")
        parts.append(_coverage(regression))
    return parts


def _coverage(regression: Regression) -> str:
    """Merged coverage, held to the gates where all tests of the default suite have run."""
    try:
        report = merge_folders(regression.coverage_folders(), ROOT)
        curve = seed_curve(
            [
                (job.index, place)
                for job in regression.jobs
                if (place := regression.store.place(job) / COVERAGE).is_dir()
            ],
            ROOT,
        )
    except CoverageError as error:
        regression.problems.append(str(error))
        return html.section("Coverage", f"<p>{escape(str(error))}</p>")
    regression.gather_coverage()
    verdict = judge_run(report, ROOT)
    if regression.gated:
        regression.problems += verdict.problems
    return html_section(report, verdict, curve)
