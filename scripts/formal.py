#!/usr/bin/env python3
"""`make formal`: prove the small modules for all inputs and all times, and refute every planted fault."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verif.lib import process

if __name__ == "__main__":
    process.stoppable("the same command goes on from here")  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.flow.campaign.executor import ClusterError, default_jobs
from verif.flow.campaign.job import Record
from verif.flow.formal import proofs, prove
from verif.lib import lock
from verif.lib.toolchain import ROOT


def say(line: str) -> None:
    print(f"[formal] {line}", file=sys.stderr, flush=True)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--proofs", type=Path, default=proofs.FILE, help="list of proofs [verif/flow/formal/proofs.yaml]"
    )
    parser.add_argument("--blocks", default="", help="some of the modules, with commas [all]")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="proofs at a time")
    parser.add_argument(
        "--cluster", default="", help="address of a Dask scheduler (tcp://host:port), or slurm, lsf, pbs [this machine]"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "formal", help="folder of the results [build/formal]"
    )
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f"JOBS = {args.jobs}: legal is 1 or more")
    return args


def how(proof: proofs.Proof, records: list[Record]) -> str:
    """In which way a module's sizes were proved, and whether for ever."""
    ways = sorted({str(record.data["how"]) for record in records if "how" in record.data})
    return f"proved for {proof.depth} cycles" if proof.depth else f"proved by {' and '.join(ways)}"


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 1 a proof does not close or a fault is not found, 2 bad input."""
    args = parse(argv)
    out = args.out.resolve()
    try:
        found = proofs.load(args.proofs)
        names = [word for word in args.blocks.split(",") if word]
        known = [proof.module for proof in found]
        if wrong := [name for name in names if name not in known]:
            raise ValueError(f"BLOCK = {wrong[0]}: legal are {', '.join(known)}")
        chosen = [proof for proof in found if not names or proof.module in names]
        with lock.hold(out):
            records = prove.prove(chosen, out, args.jobs, say, args.cluster)
    except (ClusterError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    bad = {job.name: why for job, record in records.items() if (why := prove.verdict(job, record))}
    for proof in chosen:
        mine = [job for job in records if job.args["module"] == proof.module]
        faults = sum(job.args["fault"] is not None for job in mine)
        seconds = sum(records[job].data.get("seconds", 0.0) for job in mine)
        failed = any(job.name in bad for job in mine)
        print(
            f"{proof.module:22} {'FAILED' if failed else how(proof, [records[job] for job in mine]):34} "
            f"{len(proof.labels)} assertions at {len(proof.sizes)} sizes, "
            f"{faults} faults refuted, {seconds:.0f} s: {proof.says}"
        )
    for name, why in bad.items():
        print(f"FAILED: {name}: {why}")
    if not bad:
        print(f"PASSED: {len(chosen)} modules, {len(records)} proofs and refutations")
    return 1 if bad else 0


if __name__ == "__main__":
    cli.run(main)
