"""One run of the planted copy, as a program of its own inside it: ``python -m verif.selftest.job <request.json> <answer.json>``.

The request: kind, what, seed, options, id and number of the fault that is on (empty and 0: none), folder for the run. The
answer: ok, the end of the log, the reports in order.
"""
from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from verif.lib import build as builder, process
from verif.lib.rtl import RTL, closure
from verif.lib.sim import ROOT, SimResult, build, run
from verif.selftest.reports import Report, reports
from verif.selftest.tree import FAULT, PLUSARG

COVERS = ("--coverage-user",)  # counts covers, and costs next to nothing
LIMIT = 900  # seconds a run may take, beside its build


def _plusarg(request: dict[str, Any]) -> list[str]:
    return [f"+{PLUSARG}={request['number']}"]


def block(request: dict[str, Any], folder: Path) -> SimResult:
    """A block's bench: as :func:`verif.lib.sim.run_block`, in a folder of its own."""
    dut, options = request["what"], request["options"]
    home = ROOT / "verif/block" / dut
    params = options.get("params", {})
    exe = build(f"tb_{dut}", closure(home / f"tb_{dut}.sv", library=(RTL, ROOT / "verif")), params, opt="-O0", extra_args=COVERS)
    env = {**{f"P_{k}": str(int(v)) for k, v in params.items()}, **{k: str(v) for k, v in options.get("env", {}).items()}}
    return run(
        exe, f"verif.block.{dut}.bench_{dut}", seed=request["seed"], test_filter=options.get("tests"), env={**env, FAULT: request["fault"]},
        plusargs=[*options.get("plusargs", []), *_plusarg(request)], run_dir=folder, timeout=LIMIT, check=False,
    )


def chip(request: dict[str, Any], folder: Path) -> SimResult:
    """A chip-level test."""
    from models.deploy.scenario import Scenario  # the models' numba takes seconds to load: not for a block
    from verif.env.simulate import simulate

    knobs = {"config": "tiny", "requests": 12, "steps": 1, "seed": request["seed"], **request["options"].get("knobs", {})}
    os.environ[FAULT] = request["fault"]
    scenario = Scenario(test=f"equinox_{request['what']}_test", **knobs)
    return simulate(scenario, folder, timeout=LIMIT, plusargs=_plusarg(request), opt="-O1", extra_args=COVERS).sim


def command(request: dict[str, Any], folder: Path) -> tuple[bool, list[str]]:
    """A command of the project, Python's own arguments: whether it succeeds, and what it prints."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, *shlex.split(request["what"].replace("$OUT", str(folder)))]
    done = process.run(
        words, cwd=ROOT, env={**os.environ, FAULT: request["fault"]}, stdout=process.PIPE, stderr=process.STDOUT, text=True, timeout=LIMIT,
    )
    (folder / "out.log").write_text(done.stdout, encoding="utf-8")
    return done.returncode == 0, done.stdout.splitlines()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry the request out."""
    folder = Path(request["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    if request["kind"] == "command":
        ok, lines = command(request, folder)
        said = [] if ok else [Report(request["options"]["source"], line) for line in lines if line.strip()]
        return {"ok": ok, "log": str(folder / "out.log"), "tail": lines[-15:], "reports": [[r.checker, r.text] for r in said]}
    try:
        result = {"block": block, "chip": chip}[request["kind"]](request, folder)
    except builder.BuildError as error:
        return {"ok": False, "log": "", "tail": str(error).splitlines()[:15], "reports": [["build", line] for line in str(error).splitlines()]}
    lines = result.log.read_text(errors="replace", encoding="utf-8").splitlines()
    said = reports(lines)
    return {"ok": result.ok, "log": str(result.log), "tail": lines[-15:], "reports": [[r.checker, r.text] for r in said]}


def main() -> int:
    """Entry point."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(answer(request)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
