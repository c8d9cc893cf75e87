"""What runs at a point: the deployment, its capacity, and the dedicated trainer it is measured against."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from equinox_core.config import load_config
from equinox_core.deploy.deployment import Deployment, deploy
from equinox_core.deploy.predict import Capacity, capacity, training_alone
from equinox_core.deploy.scenario import Scenario
from verif.env.jobs import COMPUTE_BOUND, training_deployment, work_of
from verif.flow.experiments.point import Point

SLOW_GAP = 4  # idle cycles after each beat: a fifth of the bandwidth
ALONE = 3_000_000  # cycles over which the dedicated trainer is measured


@dataclass(frozen=True)
class Trainer:
    """The dedicated trainer: this core, its DRAM, the job alone. ``kappa``: DRAM time over compute time of the job."""

    steps_per_cycle: float
    mmu_share: float
    kappa: float

    def bound(self, rho: float) -> float:
        """Of the fraction that training can keep when inference takes ``rho`` of the MMU (docs/experiments.md)."""
        return min(1.0, max(1.0, self.kappa) * (1 - rho))


@functools.lru_cache(8)
def deployed(job: str, config: str, policy: str, requests: int, trace: str, seed: int) -> Deployment:
    """Services and job, compiled; the trace is that of the arguments."""
    scenario = Scenario(
        config=config, policy=policy, train="off" if job == "off" else "mlp", requests=requests, trace=trace, seed=seed
    )
    if job in ("digits", "off"):
        return deploy(scenario)
    deployment = training_deployment(scenario, COMPUTE_BOUND)
    return slowed(deployment) if job == "wide_slow" else deployment


def slowed(deployment: Deployment) -> Deployment:
    """The same on a core with slower DRAM (its programs do not depend on that)."""
    return replace(deployment, cfg=deployment.cfg.changed(GAP=SLOW_GAP))


def of_point(point: Point) -> Deployment:
    """The deployment of a point."""
    return deployed(point.job, point.config, point.core_policy, point.requests, point.trace, point.seed)


@functools.cache
def measured(job: str, config: str) -> tuple[Capacity, Trainer]:
    """Capacity of the LSTM service, and the dedicated trainer (with the longest training tiles), both on the model."""
    deployment = deployed(job, config, "priority", 1, "poisson", 1)
    if deployment.job is None:
        return capacity(deployment, "lstm"), Trainer(float("nan"), float("nan"), float("nan"))
    steps, share = training_alone(deployment, ALONE)
    kappa = work_of(load_config(config), deployment.job.program).kappa * (1 + deployment.cfg.GAP)
    return capacity(deployment, "lstm"), Trainer(steps, share, kappa)
