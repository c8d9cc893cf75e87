#!/usr/bin/env python3
"""`make bench`: measure the figures that the core and its simulation are held to, and say which fall short."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.bench.figures import Figure, failed, table, verdict, write
from verif.flow.bench.measure import DEFAULT, WHAT, Setting, measure
from verif.flow.campaign.executor import ClusterError
from verif.lib import lock
from verif.lib.switch import option
from verif.lib.toolchain import ROOT


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--only", help=f"comma-separated, of {', '.join(WHAT)} [{','.join(DEFAULT)}]")
    parser.add_argument("--config", default="default", help="core: a name in configs/ or a file [default]")
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the fastest counts, for the speed [3]")
    parser.add_argument("--timeout", type=float, default=1800, help="limit of each simulation in seconds [1800]")
    parser.add_argument("--jobs", type=int, default=1, help="measurements at a time; what is timed runs alone [1]")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument(
        "--strict",
        type=option("STRICT"),
        nargs="?",
        default=False,
        const=True,
        help="exit with 1 when a figure falls short",
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "bench", help="folder of the results [build/bench]"
    )
    args = parser.parse_args(argv)
    args.only = tuple(args.only.split(",")) if args.only else DEFAULT
    for word in args.only:
        if word not in WHAT:
            parser.error(f"--only {word}: legal are {', '.join(WHAT)}")
    if args.repeat < 1 or args.jobs < 1 or args.timeout <= 0:
        parser.error("--repeat, --jobs and --timeout: legal are 1 or more, 1 or more, and above 0")
    return args


def say(line: str) -> None:
    print(f"[bench] {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parse(argv)
    args.out = args.out.resolve()
    try:
        with lock.hold(args.out):
            return bench(args)
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def bench(args: argparse.Namespace) -> int:
    """Measure, and print and write the table; returns the exit code."""
    figures: list[Figure] = []
    for word, found in measure(
        args.only, Setting(args.config, args.timeout, args.repeat), args.out, args.jobs, say, args.cluster
    ).items():
        if isinstance(found, str):
            print(f"error: {word}: {found}", file=sys.stderr)
            figures.append(failed(word, found))
        else:
            figures += found
    write(
        args.out, figures, {"config": args.config, "cores": os.cpu_count(), "load average": f"{os.getloadavg()[0]:.1f}"}
    )
    print(table(figures))
    print(verdict(figures))
    print(f"written: {args.out / 'figures.md'}, {args.out / 'figures.json'}")
    if any(f.measured is None for f in figures):
        return 2
    return int(args.strict and any(f.met is False for f in figures))


if __name__ == "__main__":
    cli.run(main)
