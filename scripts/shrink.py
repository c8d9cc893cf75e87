#!/usr/bin/env python3
"""`make shrink RUN=...`: reduce a failing random case to a minimal one and keep it as a regression case."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from verif.env.simulate import build_chip  # noqa: E402
from verif.lib.cli import Parser  # noqa: E402
from verif.lib.keep import RTL_PACKAGES, fingerprint  # noqa: E402
from verif.random.case import Case, load_case, save_case  # noqa: E402
from verif.random.run import CASE, run_cases  # noqa: E402
from verif.random.shrink import Oracle, shrink  # noqa: E402

CASES = ROOT / "verif/random/cases"


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument("run", type=Path, help="a case (.toml), or the folder of its run")
    parser.add_argument("--name", default="", help="name of the case that is kept [how it fails, and its seed]")
    parser.add_argument("--out", type=Path, default=CASES, help="folder of the case that is kept [verif/random/cases]")
    parser.add_argument("--plusarg", action="append", default=[], help="an argument of the simulator, such as a planted fault")
    args = parser.parse_args(argv)
    if args.name and not re.fullmatch(r"[a-z0-9_-]+", args.name):
        parser.error(f"--name {args.name!r}: legal are letters a..z, digits, - and _")
    return args


def say(line: str) -> None:
    print(f"[shrink] {line}", file=sys.stderr, flush=True)


def place(case: Case, plusargs: list[str]) -> Path:
    """Folder of the search: another one for another case, core or bench."""
    what = f"{case!r} {plusargs} {build_chip(case.config)} {fingerprint(('models', 'verif/random', 'verif/env', 'verif/agents', 'verif/tests', 'verif/sequences'), RTL_PACKAGES)}"
    return ROOT / "build/random/shrink" / hashlib.sha256(what.encode()).hexdigest()[:16]


def main(argv: list[str] | None = None) -> int:
    """Entry point; exit code 0: a minimal case is kept, 1: the case does not fail, 2: bad input."""
    args = parse(argv)
    try:
        case = load_case(args.run / CASE if args.run.is_dir() else args.run)
        folder = place(case, args.plusarg)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = run_cases([case], folder / "runs", plusargs=args.plusarg)[0]
        if not outcome.failed:
            say(f"{args.run}: passes, there is nothing to shrink")
            return 1
        say(f"{case.size} instructions fail: {outcome.message.splitlines()[0]}")
        began = time.monotonic()
        oracle = Oracle(lambda cases: run_cases(cases, folder / "runs", stop=True, plusargs=args.plusarg), outcome.kind, folder / "known.jsonl", say)
        best = replace(shrink(case, oracle, folder / CASE), fails=outcome.kind)
        name = args.name or re.sub(r"[^a-z0-9]+", "-", f"{outcome.kind} {case.config} {case.seed}".lower()).strip("-")
        kept = args.out.resolve() / f"{name}.toml"
        save_case(best, kept)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the next run goes on from here", file=sys.stderr)
        return 130
    say(f"{case.size} -> {best.size} instructions in {oracle.runs} runs, {time.monotonic() - began:.0f} s; written: {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
