"""Plants faults and shows that each checker catches its own; exits with 1 when one does not, with 2 for a bad list."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.campaign.executor import ClusterError
from verif.flow.campaign.store import StoreError
from verif.flow.selftest.campaign import OUT, Campaign
from verif.flow.selftest.faultlist import Fault, FaultList, FaultListError, load
from verif.flow.selftest.output import save, table
from verif.lib import lock
from verif.lib.asserts import never_exercised
from verif.lib.coverage import CoverageError, merge, parse
from verif.lib.toolchain import BUILD


def exercised(folder: Path, parser: Parser) -> int:
    """Print the covers that were never hit."""
    files = sorted(folder.glob("*.dat"))
    if not files:
        parser.error(f"{folder}: no coverage data: run the tests with COVERAGE=1 (`make cov`)")
    try:
        idle = never_exercised(merge(map(parse, files)))
    except CoverageError as error:
        parser.error(str(error))
    print(
        "\n".join(
            [
                *idle,
                f"{len(idle)} covers were never hit in {len(files)} runs"
                if idle
                else f"every assertion was exercised in {len(files)} runs",
            ]
        )
    )
    return 1 if idle else 0


def main() -> int:
    """Entry point."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--only", default="", help="only faults whose id, category, run or checker this expression is found in"
    )
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument("--again", action="store_true", help="run also what earlier runs have shown")
    parser.add_argument(
        "--exercised",
        type=Path,
        nargs="?",
        const=BUILD / "cov",
        help="list covers that no run in a coverage folder has hit [build/cov]",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the results [build/selftest]")
    parser.add_argument(
        "--list", action="store_true", help="print the faults and the checkers without one, run nothing"
    )
    options = parser.parse_args()
    if options.exercised:
        return exercised(options.exercised, parser)
    try:
        what = load()
        wanted = re.compile(options.only)
    except FaultListError as error:
        parser.error(str(error))
    except re.error as error:
        parser.error(f"--only {options.only!r} is not a regular expression: {error}")
    if not 1 <= options.jobs <= 64:
        parser.error(f"--jobs {options.jobs}: legal is 1..64")
    faults = [f for f in what.faults if any(wanted.search(x) for x in (f.id, f.category, f.run.name, f.checker))]
    if not faults:
        parser.error(f"--only {options.only!r}: no fault matches")
    if options.list:
        missing = what.uncovered()
        for f in faults:
            print(f"{f.id:32}{f.category:12}{f.run.name:22}{f.checker}")
        print(
            f"{len(faults)} faults, {len(what.checkers)} checkers, {len(missing)} without a fault", *missing, sep="\n  "
        )
        return 0
    try:
        with lock.hold(options.out):
            return run(what, faults, options)
    except (FaultListError, ClusterError, StoreError, lock.Busy) as error:
        parser.error(str(error))


def run(what: FaultList, faults: list[Fault], options: argparse.Namespace) -> int:
    """Run the faults, and print and write what came of them; returns the exit code."""
    began = time.monotonic()
    missing = what.uncovered()
    campaign = Campaign(
        what,
        faults,
        lambda text: print(f"[selftest] {text}", file=sys.stderr, flush=True),
        options.again,
        options.out.resolve() / "tree",
    )
    verdicts = campaign.run(options.jobs, options.cluster)
    seconds = time.monotonic() - began
    print(table(verdicts))
    covers = campaign.exercised()
    print(
        f"{sum(map(bool, covers.values()))} of {len(covers)} covers of assertions were hit in the runs without a fault"
    )
    save(options.out / "selftest.json", what, verdicts, seconds, covers)
    print(f"{seconds:.0f} s; {options.out / 'selftest.json'}")
    for name in missing:
        print(f"FAIL: no fault is planted for the checker {name}")
    return 0 if not missing and all(v.ok for v in verdicts) else 1


if __name__ == "__main__":
    cli.run(main)
