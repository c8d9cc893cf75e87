"""What the bench runs on the core: deployments with the jobs whose figures are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equinox_core.compiler.gemm import gemm
from equinox_core.compiler.image import build_image
from equinox_core.compiler.service import lstm_classifier
from equinox_core.compiler.space import room_beside
from equinox_core.compiler.training import mlp_training
from equinox_core.compiler.training_data import TrainingJob
from equinox_core.config import Config, load_config
from equinox_core.deploy.deployment import MANY, NEVER, RATE, Deployment, most_rows
from equinox_core.deploy.scenario import Scenario
from equinox_core.dram_layout import block_beats, line_beats
from equinox_core.isa.encoding import LdDst, StSrc, Unit
from equinox_core.isa.program import Program
from equinox_core.workloads import digits, mlp
from equinox_core.workloads.lstm import load_params

GEMM = (256, 256, 256)
COMPUTE_BOUND = (256, 256, 256, 10)
"""Layers of the compute-bound training job; its features are random."""
BATCH = 128
"""Rows of a minibatch."""
IMAGES = 64
"""Distinct requests: enough to keep data from repeating within a batch, few enough for the reference to be ready at
once.
"""


def gemm_deployment(scenario: Scenario) -> Deployment:
    """A product of :data:`GEMM` in the training context; its job is ``image.work``. The service is there and idle."""
    cfg = load_config(scenario.config)
    job = gemm(cfg, *GEMM, room=room_beside(cfg, [_service(cfg).needs]))
    a, b = gemm_operands()
    return _deployment(scenario, cfg, job, job.image(a, b))


def gemm_operands() -> tuple[np.ndarray, np.ndarray]:
    """Real matrices ``a [m, k]`` and ``b [n, k]``: random signs and magnitudes over some decades, so that blocks'
    exponents differ.
    """
    rng = np.random.default_rng(256)
    m, n, k = GEMM
    return tuple(rng.normal(size=(rows, k)) * np.exp2(rng.integers(-6, 7, (rows, k))) for rows in (m, n))


def training_deployment(scenario: Scenario, sizes: tuple[int, ...]) -> Deployment:
    """The LSTM service beside a perceptron of ``sizes`` that is trained: on the digits if it has their features, else
    on random data.
    """
    cfg = load_config(scenario.config)
    data = mlp.digits_training_set(BATCH)
    classes = min(sizes[-1], cfg.L)
    targets = np.eye(classes, dtype=np.float32)[data.labels % classes]
    features = data.features
    if sizes[0] != mlp.FEATURES:
        features = np.random.default_rng(sizes).normal(0.0, 0.5, (2, BATCH, sizes[0]))
        targets = targets[: len(features)]
    shape = (*sizes[:-1], classes)
    job = mlp_training(cfg, shape, BATCH, RATE, len(features), room=room_beside(cfg, [_service(cfg).needs]))
    return _deployment(scenario, cfg, job, job.image(features, targets, mlp.initial_weights(sizes=shape)), targets)


def inference_deployment(scenario: Scenario) -> Deployment:
    """The LSTM service alone."""
    return _deployment(scenario, load_config(scenario.config), None, None)


def _service(cfg: Config):
    return lstm_classifier(cfg, load_params())


def _deployment(scenario: Scenario, cfg: Config, work, data, targets=None) -> Deployment:
    rows = most_rows(work.program) if work else BATCH
    image = build_image(cfg, [_service(cfg)], work, data, iters=MANY, timeout=NEVER, threshold=cfg.N, train_rows=rows)
    payloads = {"lstm": digits.to_payload(digits.digits_split().test_images[:IMAGES], cfg.L)}
    job = work if isinstance(work, TrainingJob) else None
    return Deployment(scenario, cfg, image, job, payloads, targets, scenario.arrivals)


@dataclass(frozen=True)
class Work:
    """Cycles that one run of a program needs in each unit if nothing ever waits: MMU rows, VPU lines, beats of LD and
    ST.
    """

    mmu: int
    vpu: int
    read: int
    write: int

    @property
    def kappa(self) -> float:
        """Time of the busier DRAM channel over time of the MMU; below 1 the job is bound by computation."""
        return max(self.read, self.write) / self.mmu


def work_of(cfg: Config, program: Program) -> Work:
    """Count a looping program's work; LD and ST move one beat of K bytes a cycle.

    Raises:
        ValueError: its size depends on the batch (an inference program).
    """
    streams = program.streams
    if any(i.dyn_rows for i in streams[Unit.MMU] if i.op.name == "MATMUL"):
        raise ValueError(f"{program.name}: rows depend on the batch; legal are training programs")

    def beats(unit: Unit, lines: tuple) -> int:
        total = 0
        for i in streams[unit]:
            if i.op.name == "NOP":
                continue
            one = line_beats(i.len, cfg.L, cfg.BUS) if i.sp in lines else block_beats(i.len, cfg.K, cfg.BUS)
            total += i.n_o * one
        return total

    return Work(
        sum(i.rows * i.n_g * i.n_k for i in streams[Unit.MMU] if i.op.name == "MATMUL"),
        sum(i.cnt_o * i.cnt_i for i in streams[Unit.VPU] if i.op.name == "VECTOR"),
        beats(Unit.LD, (LdDst.STG,)),
        beats(Unit.ST, (StSrc.SOF,)),
    )
