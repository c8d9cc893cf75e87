#!/usr/bin/env python3
"""Checks the verification plan (verif/testplan) and prints it with the results of the last run of the tests, which must
meet it as far as they went.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.collect import CollectError
from verif.flow.plan import render
from verif.flow.plan.catalogue import catalogue
from verif.flow.plan.check import check, check_dumped
from verif.flow.plan.load import PlanError, load
from verif.flow.plan.measure import Measure
from verif.flow.plan.results import read_junit, unmet
from verif.flow.regress.idle import idle
from verif.lib import lock
from verif.lib.coverage import CoverageError
from verif.lib.keep import write_whole
from verif.lib.toolchain import ROOT


def main() -> int:
    """Entry point; returns 1 when the plan is wrong or not met, 2 when what it is held against cannot be read."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--junit",
        type=Path,
        default=ROOT / "build" / "test-results.xml",
        help="results of the tests, as pytest writes them",
    )
    parser.add_argument("--cov", type=Path, default=ROOT / "build" / "cov", help="folder with the runs' coverage")
    parser.add_argument("--html", type=Path, help="write the plan with results as a page")
    options = parser.parse_args()
    try:
        with lock.hold(options.html) if options.html else contextlib.nullcontext():
            return run(options)
    except lock.Busy as error:
        parser.error(str(error))


def run(options: argparse.Namespace) -> int:
    """Check the plan, print it and write its page; returns the exit code."""
    try:
        plan, known = load(), catalogue()
        results, passed = read_junit(options.junit, known.tests) if options.junit.exists() else ({}, {})
        measure = Measure(known, options.cov, passed)
        findings = [*check(plan, known), *check_dumped(measure.dumped, known), *idle(list(known.tests.values()))]
    except PlanError as error:
        findings = error.findings
    except (CollectError, CoverageError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if findings:
        print("\n".join(findings), file=sys.stderr)
        print(f"error: the verification plan has {len(findings)} faults", file=sys.stderr)
        return 1
    figures = measure.all_of(plan)
    print(render.text(plan, results, figures))
    if not results:
        print(f"no results: {options.junit} is absent (`make test` or `make cov` writes it)")
    print(
        f"plan: {len(plan.testpoints)} testpoints, {len(known.tests)} tests, {len(known.groups)} covergroups: "
        "all linked"
    )
    if options.html:
        page = (
            '<!doctype html><meta charset="utf-8"><title>Verification plan</title>\n<h1>Verification plan</h1>\n'
            f"{render.html(plan, results, figures)}\n"
        )
        write_whole(options.html, page)
    short = unmet(plan, results, figures if any(options.cov.glob("*.dat")) else None)
    print("\n".join(short), file=sys.stderr, end="\n" if short else "")
    return 1 if short else 0


if __name__ == "__main__":
    cli.run(main)
