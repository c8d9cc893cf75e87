"""One run of the planted copy, in a process of its own that runs the copy's code; and the verdict on it.

What is asked for: kind, what, seed, options; id and number of the fault that is on (empty and 0: none); the checker
that must report it first, and in which words.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from verif.flow.campaign.job import Outcome
from verif.flow.selftest.reports import Report, reports
from verif.lib import build as builder
from verif.lib import process
from verif.lib import sim as simulation
from verif.lib.plants import FAULT, PLUSARG
from verif.lib.rtl import RTL, closure
from verif.lib.sim import ROOT, SimResult, build

COVERS = ("--coverage-user",)  # counts covers, and costs next to nothing
LIMIT = 900  # seconds a run may take, beside its build
VERDICTS = CAUGHT, MISSED, OTHER, WORDS, BROKEN, CLEAN = (
    "caught",
    "not caught",
    "other checker",
    "other message",
    "did not run",
    "clean",
)
GOOD = (CAUGHT, CLEAN)


def _plusarg(request: dict[str, Any]) -> list[str]:
    return [f"+{PLUSARG}={request['number']}"]


def block(request: dict[str, Any], folder: Path) -> SimResult:
    """A block's bench: as :func:`verif.lib.sim.run_block`, in this folder."""
    dut, options = request["what"], request["options"]
    home = ROOT / "verif/block" / dut
    params = options.get("params", {})
    exe = build(
        f"tb_{dut}",
        closure(home / f"tb_{dut}.sv", library=(RTL, ROOT / "verif")),
        params,
        public=[tuple(word.split(".")) for word in options.get("public", [])],
        opt="-O0",
        extra_args=COVERS,
    )
    env = simulation.as_environment(params) | {k: str(v) for k, v in options.get("env", {}).items()}
    return simulation.run(
        exe,
        simulation.bench_modules(home),
        seed=request["seed"],
        test_filter=options.get("tests"),
        env={**env, FAULT: request["fault"]},
        plusargs=[*options.get("plusargs", []), *_plusarg(request)],
        run_dir=folder,
        timeout=LIMIT,
        check=False,
    )


def chip(request: dict[str, Any], folder: Path) -> SimResult:
    """A chip-level test."""
    from equinox_core.deploy.scenario import Scenario  # the models' numba takes seconds to load: not for a block
    from verif.env.simulate import simulate

    knobs = {
        "config": "tiny",
        "requests": 12,
        "steps": 1,
        "seed": request["seed"],
        **request["options"].get("knobs", {}),
    }
    os.environ[FAULT] = request["fault"]
    scenario = Scenario(test=f"equinox_{request['what']}_test", **knobs)
    return simulate(scenario, folder, timeout=LIMIT, plusargs=_plusarg(request), opt="-O1", extra_args=COVERS).sim


def command(request: dict[str, Any], folder: Path) -> tuple[bool, list[str]]:
    """A command of the project, Python's own arguments: whether it succeeds, and what it prints."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, *shlex.split(request["what"].replace("$OUT", str(folder)))]
    done = process.run(
        words,
        cwd=ROOT,
        env={**os.environ, FAULT: request["fault"]},
        stdout=process.PIPE,
        stderr=process.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=LIMIT,
    )
    (folder / "out.log").write_text(done.stdout, encoding="utf-8")
    return done.returncode == 0, done.stdout.splitlines()


def answer(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Carry a run out: whether it is ok, its log and the end of that, the reports in order."""
    if request["kind"] == "command":
        ok, lines = command(request, folder)
        said = [] if ok else [Report(request["options"]["source"], line) for line in lines if line.strip()]
        return {
            "ok": ok,
            "log": str(folder / "out.log"),
            "tail": lines[-15:],
            "reports": [[r.checker, r.text] for r in said],
        }
    try:
        result = {"block": block, "chip": chip}[request["kind"]](request, folder)
    except builder.BuildError as error:
        return {
            "ok": False,
            "log": "",
            "tail": str(error).splitlines()[:15],
            "reports": [["build", line] for line in str(error).splitlines()],
        }
    lines = result.log.read_text(errors="replace", encoding="utf-8").splitlines()
    said = reports(lines)
    return {
        "ok": result.ok,
        "log": str(result.log),
        "tail": lines[-15:],
        "reports": [[r.checker, r.text] for r in said],
    }


def judge(request: dict[str, Any], ran: dict[str, Any]) -> tuple[str, str, str]:
    """(verdict, checker that reported first, its words) of an answer."""
    first = ran["reports"][0] if ran["reports"] else ["", ""]
    checker, message = request["checker"], request["message"]
    if not request["fault"]:
        if ran["ok"]:
            return CLEAN, "", ""
        return BROKEN, first[0], first[1] or "\n".join(ran["tail"])
    if ran["ok"]:
        return MISSED, "", ""
    if not ran["reports"]:
        return BROKEN, "", "\n".join(ran["tail"])
    if request["kind"] == "command":  # a command's output has lines of no interest
        hit = next((text for _, text in ran["reports"] if re.search(message, text)), None)
        source = request["options"]["source"]
        return (CAUGHT, source, hit) if hit is not None and source == checker else (WORDS, *first)
    if first[0] != checker:
        return OTHER, *first
    return (CAUGHT if re.search(message, first[1]) else WORDS), *first


def run(request: dict[str, Any], folder: Path) -> Outcome:
    """Carry a job of the campaign out."""
    ran = answer(request, folder / "run")
    verdict, by, text = judge(request, ran)
    return Outcome(verdict, text, {"by": by, "log": ran["log"]})
