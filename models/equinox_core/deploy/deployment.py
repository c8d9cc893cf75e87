"""From a scenario to what runs: programs, DRAM image, request payloads, and what to compare."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from equinox_core.compiler.image import Image, build_image
from equinox_core.compiler.service import lstm_classifier, mlp_classifier
from equinox_core.compiler.space import room_beside
from equinox_core.compiler.training import mlp_training
from equinox_core.compiler.training_data import TrainingJob
from equinox_core.config import Config, load_config
from equinox_core.deploy.scenario import SERVICES, Scenario
from equinox_core.hw.modes import traits
from equinox_core.isa.encoding import Op, Unit
from equinox_core.isa.program import Program
from equinox_core.traces import Trace
from equinox_core.workloads import digits, mlp, mlp_serve
from equinox_core.workloads.lstm import load_params

FILE = "deployment.pickle"
BATCH, HIDDEN = 8, 4  # minibatch and hidden layer of the training job, in blocks,
MOST_BATCH = 256  # as far as this many (but a whole block), and as the network's own width
RATE = 0.5
NEVER = 2**31  # cycles
THRESHOLD_SHARE = 4  # few waiting requests are N/4 (docs/scheduler.md says why)
MANY = 1_000_000  # iterations asked for: training goes on until it is drained


@dataclass
class Deployment:
    """Both services installed, and the training job where the scenario has one.

    ``payloads[service]`` is uint16 [n, rx_lines, L]: test images, all 360 or as many as there are requests; request
    tags are indices into it.
    """

    scenario: Scenario
    cfg: Config
    image: Image
    job: TrainingJob | None
    payloads: dict[str, np.ndarray]
    targets: np.ndarray | None
    trace: Trace

    def save(self, run_dir: Path) -> None:
        """Keep it for the processes of a run (the bench, the reference worker)."""
        (run_dir / FILE).write_bytes(pickle.dumps(self))

    @staticmethod
    def load(run_dir: Path) -> Deployment:
        """Inverse of :meth:`save`."""
        kept: Deployment = pickle.loads((run_dir / FILE).read_bytes())
        return kept

    @cached_property
    def index(self) -> dict[str, int]:
        """Number of each service on the core."""
        return {s.name: n for n, s in enumerate(self.image.installed)}

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Widths of the training job's layers."""
        layers = self.training.layers
        return (layers[0].size_in, *(layer.size_out for layer in layers))

    @property
    def training(self) -> TrainingJob:
        """The training job.

        Raises:
            ValueError: the scenario has none.
        """
        if self.job is None:
            raise ValueError("the scenario has no training job")
        return self.job

    @property
    def tx_shapes(self) -> dict[str, tuple[int, int]]:
        """Response payload [lines, L] of each service."""
        return {s.name: (s.tx_lines, self.cfg.L) for s in self.image.installed}

    def error_range(self, step: int) -> list[tuple[int, int]]:
        """DRAM range of the recorded softmax errors of a step (from 1)."""
        job = self.training
        size = 4 * job.batch * self.cfg.L
        return [(self.image.training_base + job.error + (step - 1) % job.batches * size, size)]

    @cached_property
    def weight_ranges(self) -> list[tuple[int, int]]:
        """DRAM ranges of all master weights and of their HBFP8 copies."""
        base, job = self.image.training_base, self.training
        return [(base + at, size) for layer in job.layers for at, size in job.masters(layer) + job.copies(layer)]

    def ranges(self, region: str, step: int) -> list[tuple[int, int]]:
        """DRAM ranges (address, bytes) of a named region after a step."""
        return self.error_range(step) if region == "errors" else self.weight_ranges

    @cached_property
    def region_sizes(self) -> dict[str, int]:
        """Bytes of each region."""
        if self.job is None:
            return {}
        return {r: sum(size for _, size in self.ranges(r, 1)) for r in ("errors", "weights")}

    def loss(self, step: int, errors: bytes) -> float:
        """Mean cross-entropy of a step from its recorded errors (softmax minus target)."""
        job, targets = self.training, self.targets
        if targets is None:
            raise ValueError("the training job has no targets")
        recorded: NDArray[np.float32] = np.frombuffer(errors, "<f4").reshape(job.batch, self.cfg.L)
        d = recorded[:, : targets.shape[2]]
        y = targets[(step - 1) % job.batches].astype(np.float64)
        return float(-np.log(np.maximum(((d + y) * y).sum(1), 2.0**-60)).mean())


def train_rows(policy: str, cfg: Config, program: Program | None) -> int:
    """TRAIN_ROWS for a policy and a training program: under ``priority`` inference passes training at any row, so the
    more rows a weight load buys the better, and no tile is cut; where classes take turns (``fair``, and ``adaptive``
    below its threshold) a turn is a tile, so twice the array's edge (but under ``slack``, which lets classes take turns
    only while nobody is pressed).
    """
    return 2 * cfg.N if program is None or traits(policy).rows == "turn" else most_rows(program)


def most_rows(program: Program) -> int:
    """Rows of a training program's longest product."""
    return max(i.rows for i in program.streams[Unit.MMU] if i.op == Op.MATMUL)


def deploy(scenario: Scenario) -> Deployment:
    """Compile a scenario.

    Batch timeouts start out practically infinite; the test sets them when it has measured a batch.

    Raises:
        ValueError: something does not fit the configuration (which buffer, need and have).
    """
    cfg = load_config(scenario.config)
    weights, biases = mlp_serve.serving_weights()
    services = {
        "lstm": lambda: lstm_classifier(cfg, load_params()),
        "mlp": lambda: mlp_classifier(cfg, weights, biases),
    }
    installed = [services[name]() for name in SERVICES]
    job = targets = data = None
    if scenario.train == "mlp":
        batch = max(cfg.K, min(MOST_BATCH, BATCH * cfg.K))
        training = mlp.digits_training_set(batch)
        classes = min(digits.CLASSES, cfg.L)  # a narrow core learns the digit modulo its lanes
        sizes = (mlp.FEATURES, min(mlp.HIDDEN, HIDDEN * cfg.K), classes)
        targets = np.eye(classes, dtype=np.float32)[training.labels % classes]
        room = room_beside(cfg, [s.needs for s in installed])
        job = mlp_training(cfg, sizes, batch, RATE, len(training.features), room=room)
        data = job.image(training.features, targets, mlp.initial_weights(sizes=sizes))
    rows = train_rows(scenario.policy, cfg, job.program if job else None)
    threshold = 0 if traits(scenario.policy).waiting == "none" else max(1, cfg.N // THRESHOLD_SHARE)
    image = build_image(cfg, installed, job, data, iters=MANY, timeout=NEVER, threshold=threshold, train_rows=rows)
    images = digits.digits_split().test_images[: scenario.requests]
    payloads = {"lstm": digits.to_payload(images, cfg.L), "mlp": mlp_serve.to_payload(images, cfg.L)}
    return Deployment(scenario, cfg, image, job, payloads, targets, scenario.arrivals)
