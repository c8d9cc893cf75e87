#!/usr/bin/env python3
"""`make experiments`: load against tail latency and training throughput; tables and plots in build/experiments."""

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
from verif.flow.campaign.executor import ClusterError
from verif.flow.experiments.experiments import EXPERIMENTS, Setting
from verif.flow.experiments.page import update
from verif.flow.experiments.rtl_engine import PointError
from verif.flow.experiments.sweep import sweep
from verif.lib import lock
from verif.lib.sim import BuildError, ToolError
from verif.lib.toolchain import ROOT

ENGINES = {"model": (True, False), "rtl": (False, True), "both": (True, True)}


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    default = Setting()
    parser.add_argument("--engine", default="both", help="model, rtl or both [both]")
    parser.add_argument(
        "--only", default=",".join(EXPERIMENTS), help=f"comma-separated, of {', '.join(EXPERIMENTS)} [all]"
    )
    parser.add_argument("--requests", type=int, help=f"requests a point [model {default.model}, RTL {default.rtl}]")
    parser.add_argument("--loads", help="loads of the main grid, on both engines, comma-separated")
    parser.add_argument(
        "--config", default="default", help="core of the main grid: a name in configs/ or a file [default]"
    )
    parser.add_argument("--jobs", type=int, default=1, help="points at a time [1]")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "experiments", help="folder of the results [build/experiments]"
    )
    parser.add_argument("--docs", action="store_true", help="then put the tables and plots into docs/experiments.md")
    args = parser.parse_args(argv)
    args.only = args.only.split(",")
    for word in args.only:
        if word not in EXPERIMENTS:
            parser.error(f"ONLY = {word!r}: legal are {', '.join(EXPERIMENTS)}")
    if args.engine not in ENGINES:
        parser.error(f"ENGINE = {args.engine!r}: legal are {', '.join(ENGINES)}")
    if args.jobs < 1:
        parser.error(f"JOBS = {args.jobs}: legal is 1 or more")
    if args.requests is not None and args.requests < 1:
        parser.error(f"REQUESTS = {args.requests}: legal is 1 or more")
    try:
        loads = tuple(float(word) for word in args.loads.split(",")) if args.loads else None
    except ValueError:
        parser.error(f"LOADS = {args.loads!r}: legal are numbers, comma-separated")
    model, rtl = ENGINES[args.engine]
    args.setting = Setting(
        model * (args.requests or default.model),
        rtl * (args.requests or default.rtl),
        loads or default.loads,
        loads or default.rtl_loads,
        args.config,
    )
    return args


def say(line: str) -> None:
    print(f"[experiments] {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 1 a simulation failed, 2 bad input."""
    args = parse(argv)
    out = args.out.resolve()
    try:
        load_config(args.config)
        plans = {name: [p.check() for p in EXPERIMENTS[name][0](args.setting)] for name in args.only}
        with lock.hold(out):
            for name, todo in plans.items():
                report = EXPERIMENTS[name][1]
                if not todo:
                    say(f"{name}: nothing to run on this engine")
                    continue
                say(f"{name} ...")
                for file in report(args.setting, sweep(todo, out, args.jobs, say, args.cluster), out):
                    print(f"written: {file}")
            for file in update(ROOT / "docs" / "experiments.md", out) if args.docs else ():
                print(f"written: {file}")
    except (PointError, BuildError, ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    cli.run(main)
