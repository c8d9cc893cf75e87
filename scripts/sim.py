#!/usr/bin/env python3
"""`make sim`: serve a trace of requests on the core while it trains, compare everything, report."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from equinox_core.deploy.scenario import Scenario, add_knobs
from equinox_core.report import RunResult, summary, write_html
from verif.env.progress import ProgressBar
from verif.env.simulate import TIMELINE, ChipRun, default_run_dir, simulate
from verif.lib import lock
from verif.lib.sim import BuildError, ToolError
from verif.lib.switch import switch
from verif.lib.toolchain import ROOT

BENCH = ROOT / "verif" / "tests" / "bench_equinox.py"


def parse(argv: list[str] | None) -> tuple[Scenario, bool, bool, Path | None]:
    """Scenario, whether to dump waves and to write the timeline, and the folder of the results if one is given;
    ScenarioError for what is no number.
    """
    parser = Parser(description=__doc__, allow_abbrev=False)
    add_knobs(parser)
    parser.add_argument("--waves", nargs="?", default="0", const="1", help="1: dump waves, from a build of its own")
    parser.add_argument(
        "--timeline",
        nargs="?",
        default="0",
        const="1",
        help="1: write the run as a trace for Perfetto or chrome://tracing",
    )
    parser.add_argument("--out", type=Path, help="folder of the results [build/sim_runs/...]")
    args = vars(parser.parse_args(argv))
    waves, timeline = (switch(args.pop(name), name.upper()) for name in ("waves", "timeline"))
    out = args.pop("out")
    return Scenario.from_text(args), waves, timeline, out


def known_tests() -> list[str]:
    """Names of the tests of the bench (which only a simulator can import)."""
    return re.findall(r"^class (\w+_test)\(", BENCH.read_text(encoding="utf-8"), re.M)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        scenario, waves, timeline, out = parse(argv)
        if scenario.test not in known_tests():
            nearest = get_close_matches(scenario.test, known_tests(), cutoff=0)
            raise ValueError(
                f"TEST = {scenario.test!r}: legal are the tests of {BENCH.relative_to(ROOT)}, "
                f"the nearest {', '.join(nearest)}"
            )
        run_dir = (out or default_run_dir(scenario)).resolve()
        with lock.hold(run_dir):
            with ProgressBar(run_dir):
                done = simulate(scenario, run_dir, trace=waves, timeline=timeline)
            return report(scenario, run_dir, done, waves, timeline)
    except (ValueError, OSError, BuildError, ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def report(scenario: Scenario, run_dir: Path, done: ChipRun, waves: bool, timeline: bool) -> int:
    """Print what came of the run, and write its page; returns the exit code."""
    if timeline:
        trace = run_dir / TIMELINE
        how = f"{trace} (for ui.perfetto.dev or chrome://tracing; 1 us is 1 cycle)"
        print(f"timeline: {how if trace.exists() else 'none, the times of this run are not exact'}")
    result_file = run_dir / "result.json"
    if not result_file.exists() and done.sim.ok:  # a test that has no figures to report
        print(f"PASSED: {scenario.test}, log: {done.sim.log}\nrepeat with: {scenario.command()}")
        return 0
    if not result_file.exists():
        print(done.sim.explain(), file=sys.stderr)
        print(f"FAILED, log: {done.sim.log}\nrepeat with: {scenario.command()}", file=sys.stderr)
        return 1
    result = RunResult.from_dict(json.loads(result_file.read_text(encoding="utf-8")))
    if not done.sim.ok and not result.mismatches:
        result.mismatches += [f"{t.name}: {t.message}" for t in done.sim.failures] or [
            f"simulator exit code {done.sim.exit_code}, log: {done.sim.log}"
        ]
    page = run_dir / "report.html"
    write_html(result, page)
    print(summary(result))
    print(f"report: {page}")
    if waves:
        print(f"waves: {done.sim.run_dir}")
    return 0 if result.passed and done.sim.ok else 1


if __name__ == "__main__":
    cli.run(main)
