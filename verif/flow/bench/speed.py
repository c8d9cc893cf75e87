"""Figures of the simulator: its speed against a bare loop over the same model, and how long builds and runs take."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from equinox_core.deploy.scenario import Scenario
from verif.env.simulate import VISIBLE, build_chip
from verif.flow.bench.chip import BenchError, measure
from verif.flow.bench.figures import Figure
from verif.lib import process
from verif.lib.toolchain import ROOT

BARE = Path(__file__).with_name("bare_loop.cpp")
END_STATE = ("cycle", "responses", "steps", "answers", "memory")


@dataclass(frozen=True)
class SimRun:
    """A `make sim`: wall-clock seconds in all, and simulated cycles and seconds of its main part."""

    total: float
    cycles: int
    seconds: float


def run_sim(config: str, folder: Path, timeout: float) -> SimRun:
    """The default `make sim`, built before.

    Raises:
        BenchError: it failed.
    """
    began = time.monotonic()
    command = [sys.executable, str(ROOT / "scripts" / "sim.py"), "--config", config, "--out", str(folder)]
    done = process.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout)
    total = time.monotonic() - began
    if done.returncode:
        raise BenchError(f"make sim: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return SimRun(total, result["cycles"], result["wall_seconds"])


def bare_run(exe: Path, folder: Path, seed: int, timeout: float) -> dict:
    """Replay the recorded stimulus without Python; returns what the loop printed."""
    command = [
        str(exe),
        str(folder / "stimulus.txt"),
        f"+dram_image={folder / 'dram.bin'}",
        "+verilator+rand+reset+2",
        f"+verilator+seed+{seed}",
    ]
    done = process.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout)
    if done.returncode:
        raise BenchError(f"bare loop: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def simulation_speed(config: str, folder: Path, timeout: float, repeat: int = 3) -> list[Figure]:
    """`make sim` against the bare loop, turn by turn; the best of each counts.

    Raises:
        BenchError: a run failed, or the bare loop did not do the same work.
    """
    scenario = Scenario(config=config, test="record_replay")
    recorded = measure(scenario, None, folder / "record", timeout)
    bare_exe = build_chip(
        config,
        sources=[BARE],
        name="tb_equinox_bare",
        cocotb=False,
        extra_args=["--no-main"],
        public=[("tb_equinox", "*"), *VISIBLE],
    )
    sims: list[SimRun] = []
    bares: list[dict] = []
    for _ in range(repeat):
        sims.append(run_sim(config, folder / "sim", timeout))
        bare = bare_run(bare_exe, folder / "record", scenario.seed, timeout)
        for key in END_STATE:
            if bare[key] != recorded[key]:
                raise BenchError(
                    f"bare loop: {key} is {bare[key]} at the end, {recorded[key]} in the recorded run: "
                    "not the same work"
                )
        bares.append(bare)
    cycles = json.loads((folder / "record" / "result.json").read_text(encoding="utf-8"))["cycles"]
    fast, loop = max(s.cycles / s.seconds for s in sims), cycles / min(b["seconds"] for b in bares)
    by_cpu = min(b["cpu"] for b in bares) / recorded["cpu"]  # the recorder's own time counts too
    detail = {"make sim": [s.__dict__ for s in sims], "bare loop": bares, "cycles": cycles, "end state": recorded}
    speed = Figure(
        "speed of `make sim` over that of a bare C++ loop",
        fast / loop,
        0.5,
        "x",
        why=f"{fast / 1000:.1f} k and {loop / 1000:.1f} k cycles a second, best of {repeat}; "
        f"by processor time {by_cpu:.2f}",
        detail=detail,
    )
    total = min(s.total for s in sims)
    return [
        speed,
        Figure(
            "`make sim` after the build",
            total,
            120,
            "s",
            True,
            detail=detail,
            why=f"{sims[0].cycles} cycles; all runs: {', '.join(f'{s.total:.0f}' for s in sims)} s",
        ),
    ]


def build_time(config: str) -> list[Figure]:
    """A build of the simulator from nothing, in a folder of its own."""
    name = f"tb_equinox_timed{os.getpid()}"
    began = time.monotonic()
    exe = None
    try:
        exe = build_chip(config, name=name)
        seconds = time.monotonic() - began
    finally:
        if exe is not None:
            shutil.rmtree(exe.parent)
            exe.parent.with_suffix(".lock").unlink(missing_ok=True)
    return [
        Figure(
            "build of the simulator",
            seconds,
            180,
            "s",
            True,
            why=f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        )
    ]


def test_time(timeout: float) -> list[Figure]:
    """`make test`, everything included; what it has built before is not built again.

    Raises:
        BenchError: a test failed.
    """
    began = time.monotonic()
    done = process.run(
        ["make", "test"], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise BenchError(f"make test: exit code {done.returncode}\n{done.stdout[-2000:]}")
    return [
        Figure(
            "`make test`",
            seconds,
            900,
            "s",
            True,
            why=f"{os.cpu_count()} cores, {done.stdout.strip().splitlines()[-1].strip('= ')}",
        )
    ]
