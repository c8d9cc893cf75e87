"""Report a stored result again: `python -m equinox_core.report RESULT.json PAGE.html`. Exits 1 where the run failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from equinox_core import cli
from equinox_core.cli import Parser
from equinox_core.report import ReportError, RunResult, summary, write_html


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="python -m equinox_core.report", description="Print a stored result and write its HTML page.")
    parser.add_argument("result", type=Path, help="JSON of RunResult.to_dict()")
    parser.add_argument("page", type=Path, help="HTML file to write")
    args = parser.parse_args(argv)
    try:
        data = json.loads(args.result.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ReportError("result: a JSON object is needed")
        result = RunResult.from_dict(data)
        write_html(result, args.page)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {args.result}: {error}", file=sys.stderr)
        return 2
    print(summary(result))
    print(f"report: {args.page}")
    return 0 if result.passed else 1


if __name__ == "__main__":
    cli.run(main)
