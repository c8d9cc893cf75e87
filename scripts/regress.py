#!/usr/bin/env python3
"""`make regress`: run a tier of tests with derived seeds and report; `--compare A B` says what differs between two
regressions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.campaign.executor import ClusterError, default_jobs
from verif.flow.campaign.store import StoreError
from verif.flow.collect import CollectError
from verif.flow.coverage.exclusions import ExclusionError
from verif.flow.coverage.gates import GateError
from verif.flow.plan.load import PlanError
from verif.flow.regress.compare import CompareError, compare
from verif.flow.regress.jobs import FilterError, Filters
from verif.flow.regress.regression import JUNIT, PAGE, Regression
from verif.flow.regress.run import OUT, Options, plan, regress
from verif.flow.regress.tiers import FILE, TierError
from verif.lib.coverage import CoverageError
from verif.lib.switch import option

_SHOWN = 40


def parse(argv: list[str] | None) -> tuple[Options, object]:
    """The regression asked for, and the other options."""
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tier", default="smoke", help="smoke, tools, nightly or soak [smoke]")
    parser.add_argument("--block", default="", help="only tests of these blocks, joined by commas")
    parser.add_argument("--test", default="", help="only runs whose test id or node holds this, or fits this pattern")
    parser.add_argument("--tag", default="", help="only runs with one of these tags, joined by commas")
    parser.add_argument("--seeds", type=int, default=None, help="seeds a run [the tier's own]")
    parser.add_argument("--seed", type=int, default=1, help="the root from which all seeds are derived [1]")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="jobs at a time [the cores, at most 8]")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument("--name", default="", help="name of the regression's folder [the tier]")
    parser.add_argument("--coverage", type=option("COVERAGE"), default=True, help="collect coverage [1]")
    parser.add_argument(
        "--fresh",
        type=option("FRESH"),
        nargs="?",
        default=False,
        const=True,
        help="forget what earlier calls of that name finished",
    )
    parser.add_argument("--tiers", type=Path, default=FILE, help="list of tiers [verif/flow/regress/tiers.yaml]")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of all regressions [build/regress]")
    parser.add_argument("--list", action="store_true", help="print the jobs and run nothing")
    parser.add_argument(
        "--compare", nargs=2, type=Path, metavar=("A", "B"), help="folders of two regressions: say what differs"
    )
    args = parser.parse_args(argv)
    if args.seeds is not None and args.seeds < 1:
        parser.error(f"--seeds {args.seeds}: legal is 1 or more")
    filters = Filters(args.block, args.test, args.tag, args.seeds or 0)
    options = Options(
        args.tier,
        filters,
        args.seed,
        args.jobs,
        args.cluster,
        args.name,
        args.coverage,
        args.fresh,
        args.tiers,
        args.out.resolve(),
    )
    return options, args


def say(line: str) -> None:
    print(f"[regress] {line}", file=sys.stderr, flush=True)


def report(regression: Regression) -> int:
    """Print what came of it, the verdict last; returns the exit code."""
    for group in regression.groups:
        first = group.first
        print(f"\n{len(group.results)} x {group.message}\n  first: {first.job.run} with seed {first.job.seed or 1}")
        print(f"  repeat with: sh {regression.store.place(first.job)}/repro.sh")
        print("".join(f"  waves: {path}\n" for path in group.waves), end="")
    for line in regression.problems:
        print(f"problem: {line}")
    folder = regression.store.folder
    print(f"\nreport: {folder / PAGE}\njunit:  {folder / JUNIT}\nrepeat with: {regression.command}")
    print(
        f"{regression.fresh} jobs ran in {regression.wall / 60:.1f} min; "
        f"all jobs take {regression.cpu / 60:.1f} min of processor time"
    )
    print(regression.verdict)
    return 0 if regression.passed else 1


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 all is well, 1 a job or gate failed, 2 bad input."""
    options, args = parse(argv)
    try:
        if args.compare:
            count, lines = compare(*args.compare)
            more = [f"... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
            print(
                "\n".join(
                    [
                        *lines[:_SHOWN],
                        *more,
                        f"{len(lines)} differences"
                        if lines
                        else f"identical: {count} jobs, their verdicts, figures and coverage",
                    ]
                )
            )
            return 1 if lines else 0
        if args.list:
            _, jobs, _ = plan(options.check())
            print("\n".join(f"{job.node}  seed {job.seed or '-'}" for job in jobs))
            print(f"{len(jobs)} jobs of {len({job.test for job in jobs})} tests")
            return 0
        return report(regress(options, say))
    except (
        TierError,
        FilterError,
        CollectError,
        ClusterError,
        CompareError,
        CoverageError,
        PlanError,
        GateError,
        ExclusionError,
        StoreError,
        OSError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    cli.run(main)
