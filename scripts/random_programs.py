#!/usr/bin/env python3
"""`make random`: run constrained-random programs, a case a seed; the exit code is 1 when one fails."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser, make_call
from verif.flow.campaign.engine import CampaignError
from verif.flow.campaign.executor import ClusterError, default_jobs
from verif.flow.random.search import OUT, search
from verif.lib.sim import BuildError
from verif.lib.toolchain import ROOT
from verif.random.knobs import Knobs


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--config", default="tiny", help="configuration of the core [tiny]")
    parser.add_argument("--seeds", default="1..20", help="one seed, or FIRST..LAST [1..20]")
    parser.add_argument("--knobs", default="", help="knobs of verif/random/knobs.py, as `rows=1..8 edge=0.5`")
    parser.add_argument("--plant", default="", help="a planted fault of verif/random/faults.yaml")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="simulations at a time [the cores, at most 8]")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the results [build/random]")
    args = parser.parse_args(argv)
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", args.seeds)
    if not found or int(found[2] or found[1]) < int(found[1]):
        parser.error(f"--seeds {args.seeds!r}: legal is a number, or FIRST..LAST")
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs}: legal is 1 or more")
    args.seeds = range(int(found[1]), int(found[2] or found[1]) + 1)
    return args


def main(argv: list[str] | None = None) -> int:
    """Entry point; exit code 0: all passed, 1: some failed, 2: bad input."""
    args = parse(argv)
    try:
        found = search(
            args.config,
            args.seeds,
            Knobs().changed(args.knobs.split()),
            plant=args.plant,
            folder=args.out.resolve(),
            jobs=args.jobs,
            cluster=args.cluster,
            say=lambda line: print(f"[random] {line}", file=sys.stderr, flush=True),
        )
    except (ClusterError, CampaignError, ValueError, OSError, BuildError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = [f for f in found if f.outcome.failed]
    for f in failed:
        place = f.path.relative_to(ROOT) if f.path.is_relative_to(ROOT) else f.path
        print(f"FAILED: seed {f.seed}: {f.outcome.kind}; {make_call('shrink', RUN=place)}")
    print(
        f"{'FAILED' if failed else 'PASSED'}: {len(failed)} of {len(found)} cases failed"
        if failed
        else f"PASSED: {len(found)} cases"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main)
