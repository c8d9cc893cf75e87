"""Merges the coverage that test runs left, writes build/coverage.html with badges,
and fails where a gate is not met.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.coverage import gates, merge, toggle
from verif.lib import coverage, coverage_html, lock
from verif.lib.keep import write_whole
from verif.lib.toolchain import ROOT


def _minimum(text: str) -> tuple[str, float]:
    kind, _, percent = text.partition("=")
    if kind not in coverage.KINDS:
        raise argparse.ArgumentTypeError(f"{kind!r} is none of {', '.join(coverage.KINDS)}")
    try:
        value = float(percent)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}: the percentage must be in 0..100")
    return kind, value


def _options() -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--data", type=Path, action="append", help="folder with runs' data [build/cov]; may be repeated"
    )
    parser.add_argument("--html", type=Path, help="the report [build/coverage.html]; badges are written beside it")
    parser.add_argument("--no-gates", action="store_true", help="report only: a few tests cannot reach what all must")
    parser.add_argument(
        "--toggle", action="store_true", help="run the toggle job first, then judge toggle coverage of ports alone"
    )
    parser.add_argument(
        "--block",
        default="",
        help="of --toggle: only these of its tests and blocks, with commas; nothing is judged then [all]",
    )
    parser.add_argument("--gates", type=Path, default=gates.GATES, help="file with the gates")
    parser.add_argument("--exclusions", type=Path, default=gates.EXCLUSIONS, help="file with the exclusions")
    parser.add_argument(
        "--min",
        type=_minimum,
        action="append",
        default=[],
        metavar="KIND=PERCENT",
        help="fail when a kind of coverage, nothing excluded, is below this; may be repeated",
    )
    return parser.parse_args()


def main() -> int:
    """Entry point; returns 1 when there is no data, a gate is not met, or a minimum is missed."""
    options = _options()
    html = options.html or ROOT / "build" / ("toggle.html" if options.toggle else "coverage.html")
    folders, kinds = options.data or [ROOT / "build" / "cov"], gates.RUN_KINDS
    try:
        with contextlib.ExitStack() as stack:
            for place in (*folders, html, *([toggle.FOLDER] if options.toggle else [])):
                stack.enter_context(lock.hold(place))
            if options.toggle:
                folders, kinds = (
                    options.data or [toggle.run_all(print, filter(None, options.block.split(",")))],
                    ("toggle",),
                )
            return judge(options, merge.merge_folders(folders, ROOT), html, kinds)
    except lock.Busy as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (coverage.CoverageError, toggle.ToggleError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def judge(options: argparse.Namespace, report: coverage.Report, html: Path, kinds: tuple[str, ...]) -> int:
    """Write the pages; returns 1 when a gate or a minimum is missed."""
    verdict = (
        None
        if options.no_gates or options.block
        else gates.judge_run(report, ROOT, kinds, options.gates, options.exclusions)
    )
    coverage_html.write(report, html, ROOT, verdict)
    print(report.summary())
    print(f"  report: {html}")
    failed = _minima(report, options.min)
    if verdict is not None:
        print(verdict.text(), file=sys.stdout if verdict.ok else sys.stderr)
        for name, text in merge.badges((row.kind, row.tally.percent, row.ok) for row in verdict.rows).items():
            write_whole(html.parent / "badges" / name, text)
        failed |= not verdict.ok
    return int(failed)


def _minima(report: coverage.Report, minima: list[tuple[str, float]]) -> bool:
    low = False
    for kind, wanted in minima:
        percent = coverage.totals(report.files)[kind].percent
        if percent is None or percent < wanted:
            print(f"error: {kind} coverage {percent or 0:.1f} % is below {wanted} %", file=sys.stderr)
            low = True
    return low


if __name__ == "__main__":
    cli.run(main)
