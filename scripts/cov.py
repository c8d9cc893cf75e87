"""Merges the coverage that test runs left in build/cov and writes build/coverage.html."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from verif.lib import coverage, coverage_html  # noqa: E402


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


def main() -> int:
    """Entry point; returns 1 when there is no data or a minimum is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "cov", help="folder with the runs' data")
    parser.add_argument("--html", type=Path, default=ROOT / "build" / "coverage.html", help="the report")
    parser.add_argument(
        "--min", type=_minimum, action="append", default=[], metavar="KIND=PERCENT",
        help="fail when a kind of coverage is below this; may be repeated",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        report = coverage.collect(options.data, ROOT)
    except coverage.CoverageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    coverage_html.write(report, options.html, ROOT)
    print(report.summary())
    print(f"  report: {options.html}")
    low = 0
    for kind, wanted in options.min:
        percent = coverage.totals(report.files)[kind].percent
        if percent is None or percent < wanted:
            print(f"error: {kind} coverage {percent or 0:.1f} % is below {wanted} %", file=sys.stderr)
            low = 1
    return low


if __name__ == "__main__":
    sys.exit(main())
