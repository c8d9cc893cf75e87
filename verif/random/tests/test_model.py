"""Random cases on the timing model alone: what bounds and attribution promise, and how long a run may take, over many
seeds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from equinox_core.deploy.predict import FIRST, setup
from equinox_core.isa.encoding import Op
from equinox_core.timing import NEVER
from equinox_core.timing.attribution import Solo, answered, attribute
from equinox_core.timing.bounds import earliest_end
from verif.random.case import load_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.legal import check_case
from verif.random.lower import RandomDeployment, lower
from verif.random.model import predict_case

HEAVY = Knobs().changed(["depth=12", "groups=8", "rows=64", "training_ops=60..120"])
KNOBS = {"usual": Knobs(), "heavy": HEAVY}


def solo(deployment: RandomDeployment) -> Solo:
    return Solo(
        deployment.cfg,
        setup(deployment, deployment.case.policy, {}, False),
        lambda n: deployment.case.services[n].rx_lines,
        deployment.image.imem,
    )


def anomalies(deployment: RandomDeployment) -> int:
    """Run a case; every promise is kept. Returns how many requests were in a batch that ran shorter than alone."""
    limit, cfg = deployment.patience, deployment.cfg
    timeline = predict_case(deployment, FIRST + limit)
    arrival = np.array(sorted(FIRST + at for at, *_ in deployment.case.requests), np.int64)
    assert len(arrival) == len(timeline.requests) and (timeline.requests["done"] < NEVER).all(), (
        "a request is not answered in time"
    )
    if deployment.case.training:
        states = timeline.states[timeline.states["ctx"] == cfg.C_INF]
        assert len(states) and states[-1]["state"] == 0, "training has not ended in time"
    least = {}
    for batch in timeline.batches:
        key = (int(batch["svc"]), int(batch["rows"]))
        if key not in least:
            least[key] = earliest_end(deployment.image.installed[key[0]].program, cfg, key[1])
        assert batch["end"] - batch["run"] >= least[key], (
            f"{key}: ran {batch['end'] - batch['run']} cycles, {least[key]} are the least"
        )
    parts = attribute(timeline, arrival, solo(deployment))
    assert np.array_equal(sum(parts.values()), (timeline.requests["done"] - arrival)[answered(timeline)])
    assert all((cycles <= 0 if cause == "anomaly" else cycles >= 0).all() for cause, cycles in parts.items())
    shorter = parts["anomaly"] < 0
    assert not parts["training"][shorter].any() and not parts["inference"][shorter].any()
    return int(shorter.sum())


@pytest.mark.parametrize(
    ("config", "knobs", "count"),
    [
        ("tiny", "usual", 40),
        ("tiny", "heavy", 4),
        *(
            pytest.param(config, knobs, count, marks=pytest.mark.nightly)
            for config, knobs, count in [
                ("tiny", "usual", 600),
                ("default", "usual", 250),
                ("tiny", "heavy", 24),
                ("default", "heavy", 24),
            ]
        ),
    ],
)
def test_bounds_and_causes(config: str, knobs: str, count: int) -> None:
    """No batch ends before its bound, causes sum, and every case ends within its patience."""
    for seed in range(1, 1 + count):
        anomalies(lower(generate(config, seed, KNOBS[knobs])))


def test_a_run_beside_others_can_be_shorter() -> None:
    """The kept case is an anomaly: by one cycle; its cause is negative."""
    path = Path(__file__).parents[1] / "cases" / "shorter-than-alone.toml"
    assert anomalies(lower(load_case(path))) == 1


def test_patience_follows_the_work() -> None:
    """More iterations, requests or stalls need more; none of it is a fixed number."""
    case = next(c for c in (generate("tiny", seed) for seed in range(1, 50)) if c.training and c.requests and c.timed)
    base = check_case(case).patience
    longer = lower(replace(case, training=replace(case.training, iters=10 * case.training.iters))).patience
    assert longer > base and lower(replace(case, dram_stall=60)).patience > base
    assert lower(replace(case, requests=case.requests[:1])).patience < base or len(case.requests) == 1
    assert any(line.ins.op != Op.NOP for line in case.training.program)
