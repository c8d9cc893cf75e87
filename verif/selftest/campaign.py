"""Runs the planted faults and judges: each must be reported first by the checker that is there for it, and without it all must be well."""
from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verif.lib import lock, process
from verif.lib.asserts import exercised
from verif.lib.coverage import merge, parse
from verif.lib.keep import RTL_PACKAGES, Folder, fingerprint
from verif.lib.toolchain import BUILD
from verif.selftest import tree
from verif.selftest.faultlist import Fault, FaultList, Run

_NOT_FOR_JOBS = {"COVERAGE", "EQX_COVERAGE_DIR", "EQX_OUT", "WAVES"}  # runs with faults count for nobody's coverage

OUT = BUILD / "selftest"
SOURCES = ("rtl", "models", "configs", "verif/agents", "verif/block", "verif/env", "verif/lib", "verif/sequences", "verif/tb", "verif/tests",
           "verif/selftest/job.py", "verif/selftest/reports.py")  # fmt: skip
CAUGHT, MISSED, OTHER, WORDS, BROKEN, CLEAN = "caught", "not caught", "other checker", "other message", "did not run", "clean"
GOOD = (CAUGHT, CLEAN)


@dataclass(frozen=True)
class Verdict:
    """What came of a fault, or of a run without one (``fault`` empty, ``checker`` empty)."""

    run: str
    fault: str
    category: str
    checker: str
    verdict: str
    by: str        # the checker that reported first
    message: str   # its words
    seconds: float
    log: str

    @property
    def ok(self) -> bool:
        return self.verdict in GOOD


def judge(fault: Fault | None, ran: dict[str, Any]) -> tuple[str, str, str]:
    """(verdict, checker that reported first, its words) of an answer of :mod:`verif.selftest.job`."""
    first = ran["reports"][0] if ran["reports"] else ["", ""]
    if fault is None:
        if ran["ok"]:
            return CLEAN, "", ""
        return BROKEN, first[0], first[1] or "\n".join(ran["tail"])
    if ran["ok"]:
        return MISSED, "", ""
    if not ran["reports"]:
        return BROKEN, "", "\n".join(ran["tail"])
    if fault.run.kind == "command":  # a command's output has lines of no interest
        hit = next((text for _, text in ran["reports"] if re.search(fault.message, text)), None)
        source = fault.run.options["source"]
        return (CAUGHT, source, hit) if hit is not None and source == fault.checker else (WORDS, *first)
    if first[0] != fault.checker:
        return OTHER, *first
    return (CAUGHT if re.search(fault.message, first[1]) else WORDS), *first


def execute(run: Run, fault: Fault | None, where: Path) -> dict[str, Any]:
    """Carry a run out in the planted copy ``where``; the answer of :mod:`verif.selftest.job`."""
    name = f"{run.name}-{fault.id if fault else 'none'}"
    folder = where / "build" / "faults" / name
    request = {"kind": run.kind, "what": run.what, "seed": run.seed, "options": dict(run.options), "folder": str(folder),
               "fault": fault.id if fault else "", "number": fault.number if fault else 0}  # fmt: skip
    asked, told = (folder.with_name(f"{name}.{kind}.json") for kind in ("request", "answer"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    asked.write_text(json.dumps(request), encoding="utf-8")
    told.unlink(missing_ok=True)
    done = process.run(
        [sys.executable, "-m", "verif.selftest.job", str(asked), str(told)], cwd=where, stdout=process.PIPE, stderr=process.STDOUT, text=True,
        env={name: value for name, value in os.environ.items() if name not in _NOT_FOR_JOBS},
    )
    if told.exists():
        return json.loads(told.read_text(encoding="utf-8"))
    return {"ok": False, "log": str(asked), "tail": done.stdout.splitlines()[-8:], "reports": []}


class Campaign:
    """A selection of faults, run in the planted copy ``where``; good results are kept beside it, and while they hold not run again unless ``again``."""

    def __init__(
        self, what: FaultList, faults: Iterable[Fault], say: Callable[[str], None] = print, again: bool = False, where: Path = tree.TREE,
    ) -> None:
        self.what, self.faults, self.say, self.again = what, list(faults), say, again
        self.kept = Folder(where.with_name("results"))
        self.where = where
        self.todo = len(self.faults) + len({f.run.name for f in self.faults})
        self.lock, self.done = threading.Lock(), 0

    def _key(self, run: Run, fault: Fault | None) -> str:
        what = [asdict(run), asdict(fault) if fault else None, fingerprint(SOURCES, RTL_PACKAGES)]
        for part in what[1:2]:
            if part:
                part.pop("line")
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def _one(self, run: Run, fault: Fault | None) -> Verdict:
        name = fault.id if fault else f"none-{run.name}"
        key = self._key(run, fault)
        old = None if self.again else self.kept.get(name, key)
        if old is not None and Verdict(**old).ok:
            verdict, note = Verdict(**old), " (kept)"
        else:
            began = time.monotonic()
            ran = execute(run, fault, self.where)
            found, by, text = judge(fault, ran)
            verdict = Verdict(run.name, fault.id if fault else "", fault.category if fault else "", fault.checker if fault else "", found, by,
                              text[:400], round(time.monotonic() - began, 1), ran["log"])  # fmt: skip
            self.kept.put(name, key, asdict(verdict))
            note = f" ({verdict.seconds:.0f} s)"
        with self.lock:
            self.done += 1
            shown = f"{fault.id}: {verdict.verdict} by {verdict.by}" if fault else f"no fault in {run.name}: {verdict.verdict}"
            self.say(f"[selftest] {self.done}/{self.todo} {shown}{note}")
            if not verdict.ok:
                self.say(f"           {verdict.by}: {verdict.message}\n           log: {verdict.log}")
        return verdict

    def exercised(self) -> dict[tuple[str, str], int]:
        """(file, label) of each cover -> hits in the runs without a fault, as they were last run."""
        files = sorted((self.where / "build" / "faults").glob("*-none/**/coverage.dat"))
        return exercised(merge(map(parse, files)), self.where)

    def _order(self, groups: dict[str, list[Fault]]) -> list[str]:
        """Runs: first one of each simulator, the largest (the core's) first, so that different ones are built beside each other."""
        place: dict[str, int] = {}

        def turn(name: str) -> tuple[int, bool, int]:
            run = self.what.runs[name]
            simulator = "chip" if run.kind == "chip" else f"{run.kind} {run.what} {run.options.get('params')}"
            place[simulator] = place.get(simulator, -1) + 1
            return place[simulator], run.kind != "chip", -len(groups[name])

        return [name for _, name in sorted((turn(name), name) for name in groups)]

    def run(self, jobs: int = 1) -> list[Verdict]:
        """All verdicts: of each run without a fault, then of its faults. A run's build is made by its first, fault-free one."""
        with lock.hold(self.where.parent):
            return self._run(jobs)

    def _run(self, jobs: int) -> list[Verdict]:
        tree.make(self.what.faults, self.where)
        groups: dict[str, list[Fault]] = {}
        for fault in self.faults:
            groups.setdefault(fault.run.name, []).append(fault)
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            controls = {name: pool.submit(self._one, self.what.runs[name], None) for name in self._order(groups)}
            results: dict[str, list[Future]] = {}
            waiting = dict(controls)
            while waiting:
                for name in [n for n, control in waiting.items() if control.done()]:
                    del waiting[name]
                    results[name] = [pool.submit(self._one, self.what.runs[name], fault) for fault in groups[name]]
                time.sleep(0.05)
            return [v for name, control in controls.items() for v in (control.result(), *(f.result() for f in results[name]))]
