#!/usr/bin/env python3
"""`make cost`: what the core costs in silicon, by block and purpose, and its clock; held to budgets."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from equinox_core.config import load_config
from verif.flow.campaign.executor import ClusterError, default_jobs
from verif.flow.cost import budgets, library, measure, page, report, timing
from verif.flow.cost.area import load_blocks
from verif.lib import lock
from verif.lib.switch import option
from verif.lib.toolchain import ROOT


def say(line: str) -> None:
    print(f"[cost] {line}", file=sys.stderr, flush=True)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--config", help="cores: names in configs/ or files, with commas [default; --docs: all three]")
    parser.add_argument(
        "--speed",
        type=option("SPEED"),
        nargs="?",
        default=False,
        const=True,
        help="1: map for speed, and say the clock of each block (needs OpenSTA)",
    )
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="configurations at a time")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "cost", help="folder of the results [build/cost]")
    parser.add_argument("--docs", action="store_true", help="for area and for speed; tables into docs/cost.md")
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f"JOBS = {args.jobs}: legal is 1 or more")
    given = args.config if args.config is not None else ",".join(page.CONFIGS) if args.docs else "default"
    args.configs = [word for word in given.split(",") if word]
    if not args.configs:
        parser.error("CONFIG is empty: legal are names in configs/ or files, with commas")
    return args


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 1 a budget is broken or a netlist cannot be made, 2 bad input."""
    args = parse(argv)
    out = args.out.resolve()
    ways = (False, True) if args.docs else (args.speed,)
    try:
        library.cells()
        if any(ways):
            timing.timer()
        limits = {}
        for config in args.configs:
            names = [name for block in load_blocks(load_config(config)) for name in (block.part, block.name)]
            limits[config] = budgets.load(config, dict.fromkeys(names))
        with lock.hold(out):
            costs = [
                cost
                for speed in ways
                for cost in measure.measure(args.configs, speed, out, args.jobs, say, args.cluster)
            ]
            for cost in costs:
                print(report.text(cost, limits[cost.config]), end="\n\n")
            files = [file for cost in costs for file in report.csv_files(cost, out)]
            files += report.plot([cost for cost in costs if cost.speed == ways[0]], out / page.FIGURE)
            files += page.update(costs, limits, out) if args.docs else []
            for file in files:
                print(f"written: {file}")
    except (measure.CostError, library.LibraryMissing, timing.TimerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    broken = [
        f"{cost.config}: {line}"
        for cost in costs
        for line in report.verdicts(cost, limits[cost.config])
        if "BROKEN" in line
    ]
    if unjudged := [cost.config for cost in costs if not report.judged(cost, limits[cost.config])]:
        print(f"no budget was there to hold to for {', '.join(dict.fromkeys(unjudged))}")
    held = [config for config in args.configs if config not in unjudged]
    print("\n".join(f"FAILED: {line}" for line in broken) or f"PASSED: {', '.join(held) or 'nothing'} within budget")
    return 1 if broken else 0


if __name__ == "__main__":
    cli.run(main)
