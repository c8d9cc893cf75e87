"""What a replay on the timing model gives to the report."""

from __future__ import annotations

import shlex

import numpy as np

from equinox_core.deploy.predict import START, setup, training_alone
from equinox_core.deploy.replay import Replay
from equinox_core.deploy.scenario import Scenario
from equinox_core.isa.encoding import Status, Unit
from equinox_core.report.schema import RunResult, Service, Training
from equinox_core.timing.attribution import Solo, answered, attribute

KNOBS = ("config", "trace", "load", "requests", "policy", "train", "service", "seed", "limit")
"""What of a scenario a prediction depends on."""
NOTE = "Predicted by the timing model, whose cycles the RTL keeps; numbers are not computed, and nothing is compared."


def command(scenario: Scenario) -> str:
    """One line that repeats the prediction."""
    default = Scenario()
    changed = [(name, getattr(scenario, name)) for name in KNOBS if getattr(scenario, name) != getattr(default, name)]
    return " ".join(["equinox-core predict", *(f"--{name} {shlex.quote(str(value))}" for name, value in changed)])


def run_result(run: Replay) -> RunResult:
    """Figures of a replay."""
    s, line = run.deployment.scenario, run.timeline
    return RunResult(
        _scenario(run),
        s.seed,
        command(s),
        line.end,
        run.seconds,
        _services(run),
        training=_training(run),
        notes=[NOTE],
        kind="prediction",
    )


def _scenario(run: Replay) -> dict[str, str | int | float]:
    s, line, c_inf = run.deployment.scenario, run.timeline, run.deployment.cfg.C_INF
    shown = [name for name in KNOBS if name != "seed" and (name != "limit" or s.limit)]
    out = {name: getattr(s, name) for name in shown}
    for name, found in run.capacities.items():
        out[f"capacity of {name}"] = f"{1e6 * found.per_cycle:.1f} requests per million cycles"
        out[f"full batch of {name}, idle core"] = f"{found.batch} cycles"
        out[f"batch timeout of {name}"] = f"{run.timeouts[name]} cycles"
    busy = line.busy[Unit.MMU] / line.end
    out["MMU works"] = f"{busy[:c_inf].sum():.1%} of cycles for inference, {busy[c_inf:].sum():.1%} for training"
    return out


def _services(run: Replay) -> list[Service]:
    deployment, line, status = run.deployment, run.timeline, run.timeline.requests["status"]
    lines = {n: svc.rx_lines for n, svc in enumerate(deployment.image.installed)}
    which = answered(line)
    alone = Solo(
        deployment.cfg,
        setup(deployment, deployment.scenario.policy, run.timeouts, False),
        lines.__getitem__,
        deployment.image.imem,
    )
    parts = attribute(line, run.arrivals, alone, which)
    out = []
    for place, name in enumerate(deployment.scenario.services):
        index = deployment.index[name]
        mine = run.plan.service == place
        good = mine & which
        rows = line.batches["rows"][line.batches["svc"] == index]
        out.append(
            Service(
                name,
                offered=int(mine.sum()),
                batch_limit=deployment.image.services[index].batch,
                arrival=run.arrivals[good].tolist(),
                latency=run.latencies[good].tolist(),
                batch_rows=rows.tolist(),
                limit=run.limit,
                refused=int((mine & (status != Status.OK)).sum()),
                causes={cause: cycles[good[which]].tolist() for cause, cycles in parts.items()},
            )
        )
    return out


def _training(run: Replay) -> Training | None:
    deployment = run.deployment
    if deployment.job is None:
        return None
    rate, _ = training_alone(deployment)
    name = f"{deployment.scenario.train} {'-'.join(map(str, deployment.sizes))}"
    steps = np.unique(run.timeline.steps["cycle"]).tolist()
    return Training(name, deployment.job.batch, steps, alone_cycles=1 / rate, started=START)
