"""Simulates mutants: one build for a block, then one run of its bench for each mutant and seed until a run fails."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import platform
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from verif.lib.build import build
from verif.lib.keep import ROOT, RTL_PACKAGES, Folder
from verif.lib.rtl import closure
from verif.lib.sim import SimResult, run
from verif.mutants import limit
from verif.mutants.campaign import Block, Dut
from verif.mutants.netlist import IN_PLACE, PLUSARG, Mutant, make

PACKAGES = (*RTL_PACKAGES, "pyosys")
SPARE_S = 30
"""Processor seconds that a run of a mutant may take on top of five times the run without one; then it hangs, and counts as killed."""
STUCK_S = 7200
"""Seconds on the clock after which something other than the mutant is wrong."""

Say = Callable[[str], None]


def python_closure(files: Iterable[Path]) -> list[Path]:
    """The files and those of models/ and verif/ that they import, directly or not."""
    found: dict[Path, None] = {}
    todo = list(files)
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found[path] = None
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                package = ".".join(path.parents[node.level - 1].relative_to(ROOT).parts) if node.level else ""
                base = ".".join(filter(None, (package, node.module)))
                names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for place in (ROOT.joinpath(*name.split(".")) for name in names if name.split(".")[0] in ("models", "verif")):
                todo += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return sorted(found)


class CampaignFailure(RuntimeError):
    """The campaign cannot go on: the bench fails without a mutant, or a run says nothing about its mutant."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant. ``status``: killed, hang (also killed) or survived. ``by``: the test that failed, and how. ``seconds``: of the processor."""

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
        self.mutants, replaced = make(block, self.folder)
        top = f"tb_{block.bench.name}"
        self.sources: list[Path] = []
        for path in closure(block.bench / f"{top}.sv", library=(*block.library, ROOT / "verif")):
            self.sources += replaced.get(path.stem, [path])
        self.top = top
        self.limits: dict[str | None, float] = {}
        # what decides an outcome; not how the simulator is called
        digest = hashlib.sha256(f"{platform.python_version()} {[(name, version(name)) for name in PACKAGES]}".encode())
        for path in (*self.sources, *python_closure([block.bench / f"bench_{block.bench.name}.py"])):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
        self.key = digest.hexdigest()

    def build(self) -> None:
        self.exe = build(self.top, self.sources, self.block.params, name=f"mutants_{self.block.name}", trace=False, coverage=False,
                         extra_args=["-Wno-fatal", "-Wno-lint", "-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN"])  # fmt: skip

    def simulate(self, number: int, dut: Dut, seed: int, cpu_s: float) -> tuple[SimResult, float]:
        """One run of the tests of a module with a mutant (0: none), and its processor time; it ends with the first test that fails."""
        module = "verif.mutants.limit," + ".".join((*self.block.bench.relative_to(ROOT).parts, f"bench_{self.block.bench.name}"))
        env = {f"P_{key}": str(value) for key, value in self.block.params.items()} | {"COCOTB_MAX_FAILURES": "1", limit.SECONDS: str(math.ceil(cpu_s))}
        result = run(self.exe, module, seed=seed, test_filter=dut.tests, plusargs=[f"+{PLUSARG}={number}"], env=env, trace=False,
                   run_dir=self.folder / "runs" / f"{number}-{dut.module}-s{seed}", timeout=STUCK_S, check=False)  # fmt: skip
        spent = re.search(rf"^{limit.SPENT} ([\d.]+)", result.log.read_text(errors="replace", encoding="utf-8"), re.M)
        return result, float(spent[1]) if spent else cpu_s

    def check_without_mutant(self) -> None:
        """The unmutated netlists pass; sets the time limits.

        Raises:
            CampaignFailure: they do not, so no result would mean anything.
        """
        for dut in {dut.tests: dut for dut in self.block.duts}.values():
            for seed in self.block.seeds:
                result, spent = self.simulate(0, dut, seed, STUCK_S)
                if not result.ok:
                    raise CampaignFailure(f"{self.block.name}: the bench fails without a mutant\n{result.explain()}")
                self.limits[dut.tests] = max(self.limits.get(dut.tests, 0), SPARE_S + 5 * spent)
                shutil.rmtree(result.run_dir)

    def attack(self, mutant: Mutant) -> Outcome:
        """Run a mutant with one seed after the other.

        Raises:
            CampaignFailure: a run says nothing about the mutant: it was not in the simulation, or the bench itself broke.
        """
        seconds = 0.0
        for seed in self.block.seeds:
            result, spent = self.simulate(mutant.number, mutant.dut, seed, self.limits[mutant.dut.tests])
            seconds += spent
            log = result.log.read_text(errors="replace", encoding="utf-8")
            if f"{IN_PLACE} {mutant.number}\n" not in log.replace(f"{IN_PLACE}  ", f"{IN_PLACE} "):
                raise CampaignFailure(f"{mutant.block}: {mutant.label} with these parameters is not part of the bench\n{result.explain()}")
            if result.ok:
                shutil.rmtree(result.run_dir)
                continue
            status, by = _reason(result, log)
            shutil.rmtree(result.run_dir)
            return Outcome(status, by, seed, round(seconds, 1))
        return Outcome("survived", "", self.block.seeds[-1], round(seconds, 1))


def _reason(result: SimResult, log: str) -> tuple[str, str]:
    if result.exit_code == -signal.SIGXCPU:
        return "hang", "time limit"
    fired = re.search(r"%Error: (\S+) *(.*)", log)
    if result.failures and not fired:
        test = result.failures[0]
        return "killed", f"{test.name.split('.')[-1]}: {test.message.splitlines()[0] if test.message else ''}"[:200].rstrip(": ")
    if fired is None:
        raise CampaignFailure(f"a run broke that neither a test nor an assertion failed in\n{result.explain()}")
    return "killed", f"{Path(fired[1]).name} {fired[2]}"[:200].strip()


def attack_all(bench: Bench, folder: Path, jobs: int, say: Say, only: Iterable[int] = ()) -> dict[int, Outcome]:
    """Outcomes by mutant's number; what is kept from an earlier run of the same sources is not simulated again."""
    kept = Folder(folder / "kept")
    chosen = [m for m in bench.mutants if not only or m.number in set(only)]
    keys = {m.number: hashlib.sha256(json.dumps([bench.key, bench.block.seeds, m.dut.tests, m.command]).encode()).hexdigest()[:16] for m in chosen}
    outcomes: dict[int, Outcome] = {}
    for m in chosen:
        data = kept.get(f"{m.block}-{m.number}", keys[m.number])
        if data:
            outcomes[m.number] = Outcome(**data)
    todo = [m for m in chosen if m.number not in outcomes]
    say(f"{bench.block.name}: {len(chosen)} mutants, {len(outcomes)} known from before")
    if not todo:
        return outcomes
    began = time.monotonic()
    bench.build()
    bench.check_without_mutant()
    say(f"{bench.block.name}: passes without a mutant ({time.monotonic() - began:.0f} s)")
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(bench.attack, m): m for m in todo}
        try:
            for done in as_completed(waiting):
                m, outcome = waiting[done], done.result()
                outcomes[m.number] = outcome
                kept.put(f"{m.block}-{m.number}", keys[m.number], asdict(outcome))
                say(f"{m.block} {len(outcomes)}/{len(chosen)}: {outcome.status} {outcome.seconds:.1f} s, {m.number}: {m.label} {m.what} at {m.source}"
                    + (f": {outcome.by}" if outcome.by else ""))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return outcomes
