#!/usr/bin/env python3
"""`make latency`: replay traces at loads and hold the percentiles of latency to their budgets; `--update` takes new
budgets.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.campaign.executor import ClusterError
from verif.flow.latency.budgets import update
from verif.flow.latency.cases import FILE, load_cases
from verif.flow.latency.output import table, verdict, write
from verif.flow.latency.runner import run_all
from verif.flow.latency.verdict import broken, gates
from verif.lib import lock
from verif.lib.toolchain import ROOT


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--budgets", type=Path, default=FILE, help="budget file [configs/budgets/latency.toml]")
    parser.add_argument("--only", default="", help="regular expression: cases whose name it is found in [all]")
    parser.add_argument("--jobs", type=int, default=min(8, os.cpu_count() or 1), help="cases at a time")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "latency", help="folder of the results [build/latency]"
    )
    parser.add_argument("--update", action="store_true", help="write what is measured into the budget file")
    args = parser.parse_args(argv)
    try:
        args.only = re.compile(args.only)
    except re.error as error:
        parser.error(f"--only {args.only!r}: legal is a regular expression ({error})")
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs}: legal is 1 or more")
    args.out = args.out.resolve()
    return args


def say(line: str) -> None:
    print(f"[latency] {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 all budgets hold, 1 one does not or a case failed, 2 bad input."""
    args = parse(argv)
    try:
        listed = load_cases(args.budgets)
        chosen = [case for case in listed if args.only.search(case.name)]
        if not chosen:
            raise ValueError(
                f"--only {args.only.pattern!r}: fits none of the {len(listed)} cases of {args.budgets.name}"
            )
        bare = [case.name for case in chosen if not case.cycles]
        if bare and not args.update:
            raise ValueError(
                f"{args.budgets.name}: {bare[0]}: cycles is missing; legal is a table (make latency-budgets takes it "
                "from a run)"
            )
        present = [case for case in chosen if not case.absent]
        for trace in dict.fromkeys(case.trace for case in chosen if case.absent):
            say(f"{trace}: not there, {sum(case.trace == trace for case in chosen)} cases skipped")
        with lock.hold(args.out):
            outcomes = run_all(present, args.out, args.jobs, say, args.cluster)
            write(args.out, chosen, outcomes)
        failed = [f"{name}: {outcome}" for name, outcome in outcomes.items() if isinstance(outcome, str)]
        print(table(chosen, outcomes))
        print(f"written: {args.out / 'latency.csv'}, {args.out / 'latency.json'}")
        if failed or not present:
            print(
                "\n".join(
                    [
                        "",
                        *failed,
                        f"FAILED: {len(failed)} cases did not run" if failed else "FAILED: nothing was checked",
                    ]
                )
            )
            return 1
        if args.update:
            changed = update(args.budgets, listed, outcomes)
            print("\n".join(["", *changed, f"{len(changed)} of {len(present)} budgets changed in {args.budgets.name}"]))
            return 0
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    lines = [line for case in present for line in broken(case, outcomes[case.name])]
    loose = [case.name for case in present if any(g.slack for g in gates(case, outcomes[case.name]))]
    if loose:
        print(
            f"\n{len(loose)} cases are faster than their budgets by more than the tolerance (make latency-budgets "
            f"takes that in): {', '.join(loose)}"
        )
    count = sum(verdict(case, outcomes[case.name]) == "BROKEN" for case in present)
    print(
        "\n".join(
            [
                "",
                *lines,
                f"FAILED: {count} of {len(present)} cases break a budget"
                if lines
                else f"PASSED: {len(present)} cases within budget",
            ]
        )
    )
    return 1 if lines else 0


if __name__ == "__main__":
    cli.run(main)
