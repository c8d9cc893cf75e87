"""Simulates mutants: one build for a block, then one run of its bench for each mutant and seed until a run fails."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from verif.flow.campaign.engine import Campaign, CampaignError
from verif.flow.campaign.executor import Pool
from verif.flow.campaign.job import DONE, FAILED, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.mutants import limit, netlist, source
from verif.flow.mutants.campaign import Block, Dut
from verif.flow.mutants.netlist import IN_PLACE, PLUSARG
from verif.lib.build import build
from verif.lib.keep import ROOT, RTL_PACKAGES, fingerprint
from verif.lib.packages import python_closure
from verif.lib.rtl import closure
from verif.lib.sim import SimResult, bench_modules, run

PACKAGES = (*RTL_PACKAGES, "pyosys")
Mutant = netlist.Mutant | source.SourceMutant
SPARE_S = 30
"""Processor seconds that a run of a mutant may take on top of five times the run without one; then it hangs, and counts
as killed.
"""
STUCK_S = 7200
"""Seconds on the clock after which something other than the mutant is wrong."""

TOGETHER = 10
"""Mutants that share a process, at most."""

Say = Callable[[str], None]


class CampaignFailure(RuntimeError):
    """The campaign cannot go on: the bench fails without a mutant, or a run says nothing about its mutant."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    ``status``: killed, hang (also killed) or survived. ``by``: the test that failed, and how. ``seconds``: of the
    processor.
    """

    status: str
    by: str
    seed: int
    seconds: float

    @property
    def killed(self) -> bool:
        return self.status != "survived"


class Bench:
    """A block's mutants and the simulator that holds them all."""

    def __init__(self, block: Block, folder: Path) -> None:
        self.block, self.folder = block, folder / block.name
        made = source.make(block, self.folder) if block.source else netlist.make(block, self.folder)
        self.mutants: Sequence[Mutant] = made[0]
        self.top = f"tb_{block.bench.name}"
        originals = closure(block.bench / f"{self.top}.sv", library=(*block.library, ROOT / "verif"))
        self.sources = [copy for path in originals for copy in made[1].get(path.stem, [path])]
        self.limits: dict[str | None, float] = {}
        # what decides an outcome; not how the simulator is called, nor (in source) which other mutants are there
        digest = hashlib.sha256(f"{platform.python_version()} {[(name, version(name)) for name in PACKAGES]}".encode())
        deciding = originals if block.source else self.sources
        for path in (*deciding, *python_closure(block.bench.glob("bench_*.py"))):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
        if block.source:
            how = fingerprint(("verif/flow/mutants/source.py",), ())
            digest.update(repr((how, sorted(block.params.items()), block.plusargs)).encode())
        self.key = digest.hexdigest()

    def build(self) -> None:
        self.exe = build(
            self.top,
            self.sources,
            self.block.params,
            name=f"mutants_{self.block.name}",
            trace=False,
            coverage=False,
            public=self.block.public,
            extra_args=["-Wno-fatal", "-Wno-lint", "-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN"],
        )

    def setting(self, dut: Dut) -> dict[str, Any]:
        """What :func:`simulate` needs to know of the bench and the module, as plain data."""
        module = f"verif.flow.mutants.limit,{bench_modules(self.block.bench)}"
        return {
            "exe": str(self.exe),
            "module": module,
            "params": dict(self.block.params),
            "tests": dut.tests,
            "seeds": list(self.block.seeds),
            "plusargs": list(self.block.plusargs),
        }

    def key_of(self, *what: object) -> str:
        """Hash of what a job's result depends on: the bench, and this."""
        return hashlib.sha256(json.dumps([self.key, *what]).encode()).hexdigest()[:16]

    def job(self, mutant: Mutant, setting: Mapping[str, Any]) -> Job:
        """A mutant as the engine has it; what it depends on is known before the bench is built."""
        b = self.block
        return Job(
            f"{mutant.block}-{mutant.number}",
            self.key_of(b.seeds, mutant.dut.tests, mutant.command),
            {**setting, "number": mutant.number, "label": f"{mutant.block}: {mutant.label}"},
            STUCK_S * len(b.seeds),
            group=b.name,
        )

    def without_mutant(self, dut: Dut) -> Job:
        """The unmutated netlists, under the tests of a module."""
        return Job(
            f"{self.block.name}-none-{dut.tests or 'all'}",
            self.key_of("none", self.block.seeds, dut.tests),
            self.setting(dut),
            STUCK_S * len(self.block.seeds),
        )


def simulate(
    setting: Mapping[str, Any], number: int, seed: int, cpu_s: float, run_dir: Path
) -> tuple[SimResult, float]:
    """One run of the tests of a module with a mutant (0: none), and its processor time; it ends with the first test
    that fails.
    """
    env = {f"P_{key}": str(value) for key, value in setting["params"].items()} | {
        "COCOTB_MAX_FAILURES": "1",
        limit.SECONDS: str(math.ceil(cpu_s)),
    }
    result = run(
        Path(setting["exe"]),
        setting["module"],
        seed=seed,
        test_filter=setting["tests"],
        plusargs=[f"+{PLUSARG}={number}", *setting["plusargs"]],
        env=env,
        trace=False,
        run_dir=run_dir,
        timeout=STUCK_S,
        check=False,
    )
    spent = re.search(rf"^{limit.SPENT} ([\d.]+)", result.log.read_text(errors="replace", encoding="utf-8"), re.M)
    return result, float(spent[1]) if spent else cpu_s


def without(args: dict[str, Any], folder: Path) -> dict[str, float]:
    """A job: the unmutated netlists pass; the most processor time of a seed.

    Raises:
        CampaignFailure: they do not, so no result would mean anything.
    """
    most = 0.0
    for seed in args["seeds"]:
        result, spent = simulate(args, 0, seed, STUCK_S, folder / f"s{seed}")
        if not result.ok:
            raise CampaignFailure(f"the bench fails without a mutant\n{result.explain()}")
        most = max(most, spent)
        shutil.rmtree(result.run_dir)
    return {"cpu": most}


def attack(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A job: run a mutant with one seed after the other; an :class:`Outcome` as plain data.

    Raises:
        CampaignFailure: a run says nothing about the mutant: it was not in the simulation, or the bench itself broke.
    """
    seconds, number = 0.0, args["number"]
    for seed in args["seeds"]:
        result, spent = simulate(args, number, seed, args["cpu"], folder / f"s{seed}")
        seconds += spent
        log = result.log.read_text(errors="replace", encoding="utf-8")
        if f"{IN_PLACE} {number}\n" not in log.replace(f"{IN_PLACE}  ", f"{IN_PLACE} "):
            raise CampaignFailure(f"{args['label']} with these parameters is not part of the bench\n{result.explain()}")
        killed = None if result.ok else _reason(result, log)
        shutil.rmtree(result.run_dir)
        if killed:
            return asdict(Outcome(*killed, seed, round(seconds, 1)))
    return asdict(Outcome("survived", "", args["seeds"][-1], round(seconds, 1)))


def _reason(result: SimResult, log: str) -> tuple[str, str]:
    if result.exit_code == -signal.SIGXCPU:
        return "hang", "time limit"
    fired = re.search(r"%Error: (\S+) *(.*)", log)
    if result.failures and not fired:
        test = result.failures[0]
        return "killed", f"{test.name.split('.')[-1]}: {test.message.splitlines()[0] if test.message else ''}"[
            :200
        ].rstrip(": ")
    if fired is None:
        raise CampaignFailure(f"a run broke that neither a test nor an assertion failed in\n{result.explain()}")
    return "killed", f"{Path(fired[1]).name} {fired[2]}"[:200].strip()


def attack_all(bench: Bench, folder: Path, pool: Pool, say: Say, only: Iterable[int] = ()) -> dict[int, Outcome]:
    """Outcomes by mutant's number; what is kept from an earlier run of the same sources is not simulated again.

    Raises:
        CampaignFailure: see :func:`without` and :func:`attack`.
    """
    chosen = {m.number: m for m in bench.mutants if not only or m.number in set(only)}
    engine = Campaign(
        "verif.flow.mutants.runner:attack", Store(folder / "jobs"), say, fatal=(FAILED,), together=TOGETHER
    )
    known = {m.number: record for m in chosen.values() if (record := engine.kept(bench.job(m, {}))) is not None}
    say(f"{bench.block.name}: {len(chosen)} mutants, {len(known)} known from before")
    if len(known) < len(chosen):
        began = time.monotonic()
        bench.build()
        bench.limits = _limits(bench, folder, pool, say)
        say(f"{bench.block.name}: passes without a mutant ({time.monotonic() - began:.0f} s)")
        jobs = {bench.job(m, {**bench.setting(m.dut), "cpu": bench.limits[m.dut.tests]}): m for m in chosen.values()}

        def tell(job: Job, record: Record) -> str:
            m = jobs[job]
            if record.status == FAILED:
                return ""
            outcome = Outcome(**record.data)
            return (
                f"{outcome.status} {outcome.seconds:.1f} s, {m.block} {m.number}: {m.label} {m.what} at {m.source}"
                + (f": {outcome.by}" if outcome.by else "")
            )

        found = _run(replace(engine, tell=tell), list(jobs), pool)
        known = {jobs[job].number: record for job, record in found.items()}
    return {number: _outcome(known[number]) for number in chosen}


def _limits(bench: Bench, folder: Path, pool: Pool, say: Say) -> dict[str | None, float]:
    """Processor seconds that a run may take, by the tests of a module."""
    jobs = {bench.without_mutant(dut): dut.tests for dut in {dut.tests: dut for dut in bench.block.duts}.values()}
    engine = Campaign(
        "verif.flow.mutants.runner:without", Store(folder / "jobs"), say, tell=lambda job, record: "", fatal=(FAILED,)
    )
    found = _run(engine, list(jobs), pool)
    return {jobs[job]: SPARE_S + 5 * _data(record)["cpu"] for job, record in found.items()}


def _run(engine: Campaign, jobs: list[Job], pool: Pool) -> dict[Job, Record]:
    try:
        return engine.run(jobs, pool)
    except CampaignError as error:
        raise CampaignFailure(str(error)) from None


def _data(record: Record) -> Mapping[str, Any]:
    if record.status != DONE:
        raise CampaignFailure(f"{record.name}: {record.message}")
    return record.data


def _outcome(record: Record) -> Outcome:
    return Outcome(**_data(record))
