#!/usr/bin/env python3
"""`make shrink RUN=...`: reduce a failing random case to a minimal one and keep it as a regression case."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.lib.sim import BuildError
from verif.lib.toolchain import ROOT
from verif.random.case import load_case, save_case
from verif.random.minimise import minimise
from verif.random.run import CASE

CASES = ROOT / "verif/random/cases"


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("run", type=Path, help="a case (.toml), or the folder of its run")
    parser.add_argument("--name", default="", help="name of the case that is kept [how it fails, and its seed]")
    parser.add_argument("--out", type=Path, default=CASES, help="folder of the case that is kept [verif/random/cases]")
    parser.add_argument("--plant", default="", help="a planted fault of verif/random/faults.yaml")
    args = parser.parse_args(argv)
    if args.name and not re.fullmatch(r"[a-z0-9_-]+", args.name):
        parser.error(f"--name {args.name!r}: legal are letters a..z, digits, - and _")
    return args


def say(line: str) -> None:
    print(f"[shrink] {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; exit code 0: a minimal case is kept, 1: the case does not fail, 2: bad input."""
    args = parse(argv)
    try:
        case = load_case(args.run / CASE if args.run.is_dir() else args.run)
        best = minimise(case, ROOT / "build/random/shrink", args.plant, say)
        if best is None:
            say(f"{args.run}: passes, there is nothing to shrink")
            return 1
        name = args.name or re.sub(r"[^a-z0-9]+", "-", f"{best.fails} {case.config} {case.seed}".lower()).strip("-")
        kept = args.out.resolve() / f"{name}.toml"
        save_case(best, kept)
    except (ValueError, OSError, BuildError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    say(f"{case.size} -> {best.size} instructions; written: {kept}")
    return 0


if __name__ == "__main__":
    cli.run(main)
