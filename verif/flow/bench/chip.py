"""Figures of the core: use of the MMU, and how training fares beside inference; each from the counters of an RTL
simulation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from equinox_core.deploy.deployment import Deployment
from equinox_core.deploy.scenario import Scenario
from equinox_core.workloads import mlp
from verif.env.jobs import COMPUTE_BOUND, GEMM, gemm_deployment, inference_deployment, training_deployment, work_of
from verif.env.simulate import simulate
from verif.flow.bench.figures import Figure

MODULE = "verif.tests.bench_figures"
SAME = 0.03
"""How far the rows that training streamed in a window may be from those of its steps: LD runs ahead of the others over
its edges.
"""


class BenchError(RuntimeError):
    """A measurement failed; the message says which and why."""


def measure(scenario: Scenario, deployment: Deployment | None, folder: Path, timeout: float) -> dict:
    """Run a test of ``bench_figures``; returns what it wrote.

    Raises:
        BenchError: the test failed (a mismatch, an assertion, the time limit).
    """
    done = simulate(scenario, folder, timeout=timeout, module=MODULE, deployment=deployment, trace=False)
    file = folder / "bench.json"
    if not done.sim.ok or not file.exists():
        raise BenchError(f"{scenario.test}: {done.sim.explain()}")
    return json.loads(file.read_text(encoding="utf-8"))


def idle(split: dict[str, int]) -> str:
    """Where the cycles without work went, as a remark."""
    total = sum(split.values())
    rest = {cause: count / total for cause, count in split.items() if cause not in ("inference", "training") and count}
    return "idle: " + (
        ", ".join(f"{cause} {100 * share:.1f} %" for cause, share in sorted(rest.items(), key=lambda i: -i[1]))
        or "none"
    )


def share(window: dict, who: str) -> float:
    """Part of all cycles of a window in which the MMU worked for inference or training."""
    return window["MMU"][who] / window["cycles"]


def gemm_use(config: str, folder: Path, timeout: float) -> list[Figure]:
    scenario = Scenario(config=config, test="figure_gemm")
    deployment = gemm_deployment(scenario)
    seen = measure(scenario, deployment, folder, timeout)
    window, work = seen["window"], work_of(deployment.cfg, deployment.image.work.program)
    _check_rows("GEMM", window, work.mmu)
    why = f"{idle(window['MMU'])}; {seen['compared']} results equal the numerics"
    # a row is K·L MACs, the peak of a cycle
    return [
        Figure(
            f"MMU use, resident GEMM {'×'.join(map(str, GEMM))}, of peak MACs",
            share(window, "training"),
            0.98,
            why=why,
            detail=seen,
        )
    ]


def inference_use(config: str, folder: Path, timeout: float) -> list[Figure]:
    scenario = Scenario(config=config, test="figure_full_load", train="off")
    seen = measure(scenario, inference_deployment(scenario), folder, timeout)
    window = seen["window"]
    return [
        Figure(
            "MMU use, two LSTM contexts, full load, no training",
            share(window, "inference"),
            0.75,
            why=idle(window["MMU"]),
            detail=seen,
        )
    ]


def training(config: str, folder: Path, timeout: float) -> list[Figure]:
    """The compute-bound job, alone and beside inference."""
    return _training(config, COMPUTE_BOUND, 2, 0.85, 0.9, folder, timeout)


def digits_training(config: str, folder: Path, timeout: float) -> list[Figure]:
    """The job of ``make sim``: small layers, for information."""
    return _training(config, (mlp.FEATURES, mlp.HIDDEN, 10), 10, None, None, folder, timeout)


def _training(
    config, sizes, steps: int, use: float | None, kept: float | None, folder: Path, timeout: float
) -> list[Figure]:
    scenario = Scenario(config=config, test="figure_training", steps=steps)
    deployment = training_deployment(scenario, sizes)
    seen = measure(scenario, deployment, folder, timeout)
    work, alone = work_of(deployment.cfg, deployment.job.program), seen["alone"]
    name = f"MLP {'-'.join(map(str, sizes))}, batch {deployment.job.batch}"
    for window in (alone, *seen["loads"]):
        _check_rows(name, window, work.mmu)
    out = [
        Figure(
            f"MMU use, training alone: {name}",
            share(alone, "training"),
            use,
            detail={"kappa": work.kappa, **alone},
            why=f"{idle(alone['MMU'])}; DRAM/compute time {work.kappa:.2f}",
        )
    ]
    for window in seen["loads"]:
        left = 1 - share(window, "inference")
        by_steps = alone["step_cycles"] / window["step_cycles"] / left  # equal numbers of steps
        by_rows = share(window, "training") / share(alone, "training") / left
        why = (
            f"inference {100 * (1 - left):.1f} %, training {100 * share(window, 'training'):.1f} % of MMU cycles; "
            f"by rows {100 * by_rows:.1f} %"
        )
        title = f"training throughput at {100 * window['load']:.0f} % load: {name}"
        detail = {"capacity": seen["capacity"], "capacity of half-filled batches": seen["halved"], **window}
        out.append(Figure(title, by_steps, kept, why=why, detail=detail))
    return out


def _check_rows(name: str, window: dict, rows: int) -> None:
    """The counters must agree with the program: so many rows a step."""
    counted, due = window["MMU"]["training"], window["steps"] * rows
    if abs(counted - due) > SAME * due:
        raise BenchError(f"{name}: the MMU counted {counted} rows in {window['steps']} steps, the program has {due}")


CHIP: dict[str, Callable[[str, Path, float], list[Figure]]] = {
    "gemm": gemm_use,
    "inference": inference_use,
    "training": training,
    "digits": digits_training,
}
"""The measurements: name → f(config, folder, timeout in seconds)."""
