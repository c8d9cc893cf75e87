"""The command `equinox-core`: what the models can do without a simulator."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import equinox_core
from equinox_core.cli import Parser

PAGE = "equinox-prediction.html"


def _parser() -> Parser:
    from equinox_core.deploy.result import KNOBS
    from equinox_core.deploy.scenario import add_knobs

    about = "Equinox, an inference accelerator that trains in its idle cycles: its models."
    parser = Parser(prog="equinox-core", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"equinox-core {equinox_core.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    what = "predict latencies and training of a scenario, to the cycle; exits 1 where the latency limit is broken"
    sub = commands.add_parser("predict", help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False)
    add_knobs(sub, KNOBS)
    sub.add_argument("--report", type=Path, default=Path(PAGE), help=f"HTML page to write [{PAGE}]")
    sub.add_argument("--result", type=Path, help="write the result as JSON too")
    return parser


def predict(args: Namespace) -> int:
    """Predict a scenario and report; the exit code is 0 where all was answered within the limit."""
    from equinox_core.deploy.replay import replay
    from equinox_core.deploy.result import run_result
    from equinox_core.deploy.scenario import Scenario
    from equinox_core.files import write_whole
    from equinox_core.report import summary, write_html
    from equinox_core.timing import compiled

    scenario = Scenario.from_text(vars(args)).check()
    for file in filter(None, (args.report, args.result)):  # said now, and not when all is done
        file.parent.mkdir(parents=True, exist_ok=True)
    if compiled.is_cold():
        print("compiling the timing model; that takes a minute, once ...", file=sys.stderr)
    result = run_result(replay(scenario))
    write_html(result, args.report)
    if args.result:
        write_whole(args.result, json.dumps(result.to_dict()) + "\n")
    print(summary(result))
    print(f"report: {args.report}")
    return 0 if result.passed else 1


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        args = _parser().parse_args(argv)
        return {"predict": predict}[args.command](args)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}", file=sys.stderr)
    except (ValueError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
