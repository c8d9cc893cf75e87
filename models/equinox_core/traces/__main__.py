"""Write a generated trace: `python -m equinox_core.traces SPEC FILE [--requests N] [--seed S]`."""

from __future__ import annotations

import argparse
import sys

from equinox_core.traces import TraceError, generate, save_trace


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m equinox_core.traces", description="Write a generated arrival trace as CSV."
    )
    parser.add_argument("spec", help="poisson, bursty[:on=..,burst=..,len=..] or diurnal[:depth=..,period=..]")
    parser.add_argument("file", help="CSV to write; gzip where the name ends in .gz")
    parser.add_argument("--requests", type=int, default=2000, help="number of arrivals (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    args = parser.parse_args()
    try:
        trace = generate(args.spec, args.requests, args.seed)
        save_trace(trace, args.file)
    except (TraceError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{args.file}: {len(trace)} arrivals over {trace.arrival_us[-1] / 1e6:.3f} s, CV of gaps {trace.gap_cv:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
