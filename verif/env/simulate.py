"""Builds the chip-level simulator and runs one scenario in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from equinox_core.config import load_config
from equinox_core.deploy.deployment import Deployment, deploy
from equinox_core.deploy.scenario import Scenario
from verif.lib import checks, lock, plants
from verif.lib.rtl import closure
from verif.lib.sim import SimResult, build, env_flag, run
from verif.lib.toolchain import ROOT

MODULE = "verif.tests.bench_equinox"
TIMELINE = "timeline.json.gz"  # in a run's folder
LIBRARY = (ROOT / "rtl", ROOT / "verif/lib/sv", ROOT / "verif/tb")
VISIBLE = [
    *(
        ("core_probe", names)
        for names in ("batch_*", "state_*", "ctx_seen", "csr_*", "unit_*", "steps", "pc_*", "perf_*")
    ),
    *(("core_probe", names) for names in ("hang_limit", "stuck*")),
    ("axi_dram", "mem"),
    ("axi_dram", "stall_pct"),
    ("axi_dram", "stall_seed"),
    ("axi_dram", "err_*"),
    ("axi_dram", "latency"),
    ("axi_dram", "held*"),
    ("axi_checker", "transfers"),
]


def build_chip(
    config: str,
    *,
    trace: bool = False,
    sources: Sequence[Path] = (),
    faults: Mapping[str, Iterable[plants.Plant]] | None = None,
    **options,
) -> Path:
    """The simulator of ``verif/tb/tb_equinox.sv`` for a configuration; built once for each set of sources and flags.

    ``sources`` are C++ files to compile in; ``faults`` are planted in copies, each on where its run chooses it;
    ``options`` are those of :func:`verif.lib.sim.build`.
    """
    cfg = load_config(config)
    params = dict(cfg.params(), DRAM_BYTES=cfg.BYTES, DRAM_LATENCY=cfg.LATENCY, DRAM_GAP=cfg.GAP)
    options.setdefault("public", VISIBLE)
    # A traced model is large, and simulates briefly: what counts is the time of its build. One that is not counted for
    # coverage serves long runs.
    options.setdefault("opt", "-O0" if trace else "-O1" if env_flag("COVERAGE") else "-O2")
    files = closure(ROOT / "verif/tb/tb_equinox.sv", library=LIBRARY)
    if faults:
        files = plants.in_sources(files, faults, ROOT / "build/planted/chip")
    return build("tb_equinox", [*files, *sources], params, trace=trace, **options)


@dataclass
class ChipRun:
    """A finished simulation: its folder and the test runner's verdict."""

    run_dir: Path
    sim: SimResult
    build_seconds: float


def simulate(
    scenario: Scenario,
    run_dir: Path,
    *,
    trace: bool | None = None,
    timeout: float = 3600.0,
    check: bool = False,
    module: str = MODULE,
    deployment: Deployment | None = None,
    timeline: bool = False,
    plusargs: Sequence[str] = (),
    **options,
) -> ChipRun:
    """Build if needed, write the run's inputs, run ``scenario.test`` of ``module``.

    ``deployment`` is what runs, where it is not what :func:`deploy` makes of the scenario. ``trace``: dump waves
    (default: whether WAVES is set). ``timeline``: the test leaves a :data:`TIMELINE` in the folder. ``options`` are
    those of :func:`verif.lib.sim.build`.

    Raises:
        ValueError: the scenario is wrong or does not fit, or the folder holds something else than an earlier run.
        Busy: another run uses the folder.
    """
    scenario.check()
    if run_dir.is_dir() and any(run_dir.iterdir()) and not (run_dir / "scenario.json").exists():
        raise ValueError(
            f"{run_dir}: holds files that are not a run's; legal is a new folder, an empty one, "
            "or that of an earlier run"
        )
    trace = env_flag("WAVES") if trace is None else trace
    deployment = deploy(scenario) if deployment is None else deployment
    start = time.monotonic()
    exe = build_chip(scenario.config, trace=trace, **options)
    built = time.monotonic() - start
    with lock.hold(run_dir):
        run_dir.mkdir(parents=True, exist_ok=True)
        for old in run_dir.glob("*"):
            if old.is_file():
                old.unlink()
        scenario.save(run_dir / "scenario.json")
        deployment.save(run_dir)
        (run_dir / "dram.bin").write_bytes(deployment.image.dram.tobytes())
        result = run(
            exe,
            module,
            test_filter=rf"\b{scenario.test}$",
            seed=scenario.seed,
            plusargs=[f"+dram_image={run_dir / 'dram.bin'}", *plusargs],
            env={"EQX_RUN_DIR": str(run_dir), "EQX_TIMELINE": str(int(timeline)), "COCOTB_REWRITE_ASSERTION_FILES": ""},
            run_dir=run_dir / "sim",
            trace=trace,
            timeout=timeout,
            check=check,
        )
        checks.report(result.run_dir)
    return ChipRun(run_dir, result, built)


def default_run_dir(scenario: Scenario) -> Path:
    """Where ``make sim`` leaves what it writes."""
    return (
        ROOT
        / "build"
        / "sim_runs"
        / f"{Path(scenario.config).stem}_{scenario.test}_{os.environ.get('EQX_RUN_NAME', scenario.seed)}"
    )
