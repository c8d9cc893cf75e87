"""Runs cases on the simulator: several in one process, each a test of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verif.env.simulate import build_chip
from verif.lib import lock, plants
from verif.lib.sim import SimResult, env_flag, run
from verif.random.case import Case, save_case
from verif.random.legal import check_case
from verif.random.lower import NOT_RUN
from verif.random.table import is_of_table

MODULE = "verif.random.bench_random"
SECONDS = 300.0  # that a case may take, beside its cycles
SLOWEST = 2000.0  # cycles a second that a simulation makes at least, on a machine that is busy
CASE = "case.toml"
FAULTS = plants.load(Path(__file__).with_name("faults.yaml"))
SOURCES = (
    "models",
    "verif/random",
    "verif/env",
    "verif/agents",
    "verif/tests",
    "verif/sequences",
)  # what an outcome depends on beside the simulator
_FIRED = re.compile(r"%Error: \S+?(\w+\.sv):\d+: (.*)")


@dataclass(frozen=True)
class Outcome:
    """What a case's run brought: ``kind`` is "" when it passed, else how it failed, ``message`` the words."""

    kind: str
    message: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.kind)


def kind_of(message: str) -> str:
    """How a case failed, so that two failures can be told apart: who complained, without numbers."""
    text = message.strip().splitlines()[0] if message.strip() else "no message"
    text = re.sub(r"^\w*(Error|Exception)\b:?\s*", "", text)
    board = re.match(r"(\w+_board): \d+ problem\(s\), first: ", text)
    if board:
        rest = text[board.end() :]
        return f"{board[1]}: {re.sub(r'[ (].*', '', rest) if board[1] == 'latency_board' else ''}".rstrip(": ")
    return re.sub(r"\s+", " ", re.sub(r"0x[0-9a-f]+|\d+", "#", text.split(":")[0]))[:80]


def prepare(case: Case, folder: Path) -> float:
    """Write a run folder; returns the seconds that the case may take.

    Raises:
        ValueError: the case is not legal.
    """
    deployment = check_case(case)
    folder.mkdir(parents=True, exist_ok=True)
    save_case(case, folder / CASE)
    deployment.scenario.save(folder / "scenario.json")
    deployment.save(folder)
    return SECONDS + deployment.patience / SLOWEST


def _crash(result: SimResult) -> Outcome:
    """Of a simulation that ended before its tests did."""
    if result.exit_code is None:
        return Outcome("hang", f"the simulator took more than {result.seconds:.0f} s")
    fired = _FIRED.search(result.log.read_text(errors="replace", encoding="utf-8"))
    if fired:
        return Outcome(f"assertion in {fired[1]}: {re.sub(r'[0-9]+', '#', fired[2])[:60]}", fired[0])
    return Outcome(f"simulator exit code {result.exit_code}", result.tail(5))


def simulator(config: str, plant: str = "") -> Path:
    """The executable, built where it is not there; one that can dump waves where WAVES is set.

    Raises:
        ValueError: there is no fault ``plant``.
    """
    if plant not in ("", *FAULTS):
        raise ValueError(f"plant '{plant}': legal are {', '.join(FAULTS)}")
    faults = {name: entry["plant"] for name, entry in FAULTS.items()} if plant else {}
    few = (
        {"opt": "-O0"} if is_of_table(config) else {}
    )  # a few short cases a core: what counts is the time of its build
    return build_chip(config, trace=env_flag("WAVES"), faults=faults, **few)


def run_cases(
    cases: Sequence[Case], folder: Path, *, stop: bool = False, plant: str = "", env: Mapping[str, str] | None = None
) -> list[Outcome | None]:
    """Run cases of one configuration in one simulation, each in a folder of its own below ``folder``.

    ``stop``: not beyond the first that fails. ``plant``: a fault of ``faults.yaml``. ``env``: for the simulation.
    None stands for a case that was not run: an assertion of the RTL ends the simulation.
    """
    with lock.hold(folder):
        return _run(cases, folder, stop, plant, env or {})


def _run(cases: Sequence[Case], folder: Path, stop: bool, plant: str, env: Mapping[str, str]) -> list[Outcome | None]:
    folders: list[Path] = []
    seconds = 0.0
    for n, case in enumerate(cases):
        seconds += prepare(case, folder / f"case{n}")
        folders.append(folder / f"case{n}")
    exe = simulator(cases[0].config, plant)
    settings = {
        "EQX_RUN_DIRS": os.pathsep.join(map(str, folders)),
        "EQX_STOP": str(int(stop)),
        "COCOTB_REWRITE_ASSERTION_FILES": "",
        **env,
    }
    result = run(
        exe,
        MODULE,
        seed=1 + cases[0].data % 1000,
        plusargs=plants.chosen(plant),
        env=settings,
        run_dir=folder / "sim",
        timeout=seconds,
        check=False,
    )
    outcomes: list[Outcome | None] = [None] * len(cases)
    for test in result.tests:
        number = int(test.name.rsplit("_", 1)[-1])
        if NOT_RUN not in test.message:
            outcomes[number] = Outcome("" if test.status == "passed" else kind_of(test.message), test.message)
    if result.exit_code in (126, 127):
        raise RuntimeError(f"the simulator did not start: {result.tail(3)}")
    if not result.tests or result.exit_code != 0:
        died = next((n for n, o in enumerate(outcomes) if o is None), None)
        if died is not None:
            outcomes[died] = _crash(result)
    return outcomes
