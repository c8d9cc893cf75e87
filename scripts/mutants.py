#!/usr/bin/env python3
"""`make mutants`: plant faults into the RTL, one at a time, and count how many the blocks' benches notice; what is
known is not run again.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.campaign.executor import ClusterError, executor
from verif.flow.mutants import campaign, output, survivors
from verif.flow.mutants.judge import judge_block
from verif.flow.mutants.runner import SPARE_S, Bench, simulate, without
from verif.lib import lock
from verif.lib.keep import write_whole
from verif.lib.toolchain import ROOT


def say(line: str) -> None:
    print(f"[mutants] {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 the goal is met, 1 it is not or the campaign failed, 2 bad input."""
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--campaign", type=Path, default=campaign.FILE, help="campaign file [verif/flow/mutants/campaign.yaml]"
    )
    parser.add_argument(
        "--survivors",
        type=Path,
        default=survivors.FILE,
        help="explanations of survivors [verif/flow/mutants/survivors.yaml]",
    )
    parser.add_argument("--blocks", default="", help="some of the campaign's blocks, with commas [all]")
    parser.add_argument(
        "--mutant", type=int, default=0, help="run this mutant of one block again and show the end of its log"
    )
    parser.add_argument("--jobs", type=int, default=min(8, os.cpu_count() or 1), help="mutants at a time")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "mutants", help="folder of the results [build/mutants]"
    )
    args = parser.parse_args(argv)
    try:
        if args.jobs < 1:
            raise ValueError(f"--jobs {args.jobs}: legal is 1 or more")
        blocks = campaign.load(args.campaign)
        explained = survivors.load_explained(args.survivors)
        names = [word for word in args.blocks.split(",") if word]
        for name in names:
            if name not in {block.name for block in blocks}:
                raise ValueError(f"--blocks {name}: legal are {', '.join(block.name for block in blocks)}")
        chosen = [block for block in blocks if not names or block.name in names]
        with lock.hold(args.out):
            if args.mutant:
                return _one(chosen, args.mutant, args.out.resolve())
            with executor(args.cluster, args.jobs) as pool:
                judged = [j for block in chosen for j in judge_block(block, explained, args.out.resolve(), pool, say)]
            return _report(
                judged, chosen, explained, args.out / "-".join(["mutants", *(block.name for block in chosen if names)])
            )
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


def _one(blocks: list[campaign.Block], number: int, out: Path) -> int:
    if len(blocks) != 1:
        raise ValueError("--mutant: needs one block (--blocks NAME)")
    bench = Bench(blocks[0], out)
    found = [m for m in bench.mutants if m.number == number]
    if not found:
        raise ValueError(f"--mutant {number}: legal is 1..{len(bench.mutants)}")
    bench.build()
    setting = bench.setting(found[0].dut)
    say(f"{found[0].block} {number}: {found[0].label} {found[0].what} {found[0].wire} at {found[0].source}")
    spent = without(setting, bench.folder / "one")["cpu"]
    killed = False
    for seed in blocks[0].seeds:
        result, _ = simulate(setting, number, seed, SPARE_S + 5 * spent, bench.folder / "one" / f"{number}-s{seed}")
        killed = killed or not result.ok
        print(f"seed {seed}: {'survived' if result.ok else result.explain()}")
    return 0 if killed else 1


def _report(
    judged: list[output.Judged], blocks: list[campaign.Block], explained: list[survivors.Explained], stem: Path
) -> int:
    """Print the scores and write them into ``stem``.json and .md; returns the exit code."""
    modules, by_block = output.scores(judged)
    groups = output.group_scores(judged, {block.name: block.group for block in blocks})
    table = output.markdown(modules, by_block, groups)
    lines = output.survivor_lines(judged)
    goals: dict[str, float] = {}
    for block in blocks:
        goals[block.group] = min(block.goal, goals.get(block.group, 1.0))
    data = {
        "goals": goals,
        "groups": [s.as_json() for s in groups],
        "blocks": [s.as_json() for s in by_block],
        "modules": [s.as_json() for s in modules],
        "mutants": [j.as_json() for j in judged],
    }
    data_file, table_file = stem.with_suffix(".json"), stem.with_suffix(".md")
    write_whole(data_file, json.dumps(data, indent=1) + "\n")
    write_whole(table_file, "\n".join([table, *(f"- {line}" for line in lines), ""]))
    print(table)
    print("\n".join(lines))
    print(f"written: {data_file}, {table_file}")
    mutants: dict[str, list] = {}
    for j in judged:
        mutants.setdefault(j.mutant.block, []).append(j.mutant)
    wrong = survivors.faults(
        explained, mutants, [j.mutant for j in judged if j.fate in ("explained", "hole", "proved")]
    )
    short = [
        f"{s.name}: {100 * s.score:.1f} % of the mutants that are not equivalent were killed, "
        f"the goal is {100 * goals[s.name]:.0f} %"
        for s in groups
        if s.score < goals[s.name]
    ]
    counts = Counter(j.fate for j in judged)
    print("\n".join(["", *wrong, *short]))
    print(
        f"{'FAILED' if wrong or short else 'PASSED'}: {len(judged)} mutants, "
        + ", ".join(f"{n} {fate}" for fate, n in sorted(counts.items()))
    )
    return 1 if wrong or short else 0


if __name__ == "__main__":
    cli.run(main)
