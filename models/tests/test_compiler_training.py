"""The training program equals the reference step by step: master weights, HBFP8 copies and recorded errors, bit for
bit.
"""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.image import build_image
from equinox_core.compiler.service import lstm_classifier
from equinox_core.compiler.space import Regions, Ring, Room, room_beside
from equinox_core.compiler.training import mlp_training
from equinox_core.compiler.training_data import TrainingJob
from equinox_core.config import Config, load_config
from equinox_core.core import Core
from equinox_core.isa.check import Bases, check_program
from equinox_core.isa.encoding import Unit
from equinox_core.isa.races import check_races
from equinox_core.numerics import bf16_from_float
from equinox_core.reference.mlp import train_step
from equinox_core.workloads import mlp
from equinox_core.workloads.lstm import load_params


def bits(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).view(np.uint32)


def data(job: TrainingJob, sizes: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(job.batches, job.batch, sizes[0]))
    y = np.eye(sizes[-1], dtype=np.float32)[rng.integers(0, sizes[-1], (job.batches, job.batch))]
    w = [(rng.normal(size=(o, i)) / np.sqrt(i)).astype(np.float32) for i, o in zip(sizes, sizes[1:], strict=False)]
    return x, y, w


def started(job: TrainingJob, image: np.ndarray) -> tuple[Core, Bases]:
    core = Core(job.cfg, image)
    base = job.cfg.VEC_DEPTH - job.constant_lines
    core.mem.VEC[base:] = job.constants
    return core, Bases(cst=base)


def compare(
    cfg: Config,
    sizes: tuple[int, ...],
    batch: int,
    steps: int,
    batches: int,
    biases: list | None = None,
    room: Room | None = None,
) -> TrainingJob:
    """Runs a job step by step beside the reference, then in random orders."""
    job = mlp_training(cfg, sizes, batch, 0.4, batches, biases, room)
    check_program(job.program, cfg, iter_mod=batches)
    assert check_races(job.program, cfg, iter_mod=batches) > 50
    x, y, weights = data(job, sizes, sum(sizes))
    image = job.image(x, y, weights)
    core, bases = started(job, image)
    consts = [None if b is None else bf16_from_float(b) for b in (biases or [None] * (len(sizes) - 1))]
    run = job_steps = 0
    walk = core.start_training(job.program, steps, batches, bases).steps()
    for run in walk:  # noqa: B007 - the last one is looked at below
        n = job_steps % batches
        weights, error = train_step(weights, consts, bf16_from_float(x[n]), y[n], job.rate_bits, cfg.K, cfg.L)
        job_steps += 1
        for got, want in zip(job.weights(core.mem.DRAM), weights, strict=True):
            assert np.array_equal(bits(got), bits(want))
        assert np.array_equal(bits(job.errors(core.mem.DRAM, n)), bits(error))
        p = (error + y[n])[y[n] == 1]
        assert job.loss(core.mem.DRAM, n, y[n]) == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert run == job_steps == steps
    fresh = image.copy()
    job.put_weights(fresh, weights)
    for have, want in zip(job.stored_copies(core.mem.DRAM), job.stored_copies(fresh), strict=True):
        assert len(have) == len(want) > 0
        assert all(np.array_equal(a, b) for a, b in zip(have, want, strict=True))
    for seed in range(2):
        again, bases = started(job, image)
        again.run_training(job.program, steps, batches, bases, order=np.random.default_rng(seed))
        assert np.array_equal(again.mem.DRAM, core.mem.DRAM)
    return job


@pytest.mark.parametrize(
    ("name", "sizes", "batch"),
    [
        ("tiny", (16, 3), 16),
        ("tiny", (12, 24, 4), 16),
        ("tiny", (9, 16, 30, 8, 2), 24),
        ("default", (64, 128, 10), 128),
        ("default", (20, 33, 40, 5), 32),
        ("large", (64, 128, 10), 128),
        ("default", (100, 10), 64),
        ("default", (128, 32, 10), 64),
        ("default", (200, 96, 64, 16), 64),
    ],
)
def test_steps(name: str, sizes: tuple[int, ...], batch: int) -> None:
    compare(load_config(name), sizes, batch, 3, 2)


def _shape(job: TrainingJob) -> list[tuple[bool, int, list[int]]]:
    return [(layer.turned, layer.rows, [p.groups for p in layer.pieces]) for layer in job.layers]


def test_pieces_are_tall() -> None:
    """Rows of a gradient's tiles: as many as fit; of layers with few outputs the inputs, if ACTC and ACTD have room."""
    cfg = load_config("default")
    assert _shape(mlp_training(cfg, (64, 128, 10), 128, 0.1)) == [(False, 128, [2, 2]), (True, 128, [1])]
    assert _shape(mlp_training(cfg, (256, 32, 10), 128, 0.1))[0] == (True, 128, [2, 2])
    tight = compare(cfg, (64, 128, 10), 128, 2, 1, room=Room(3000, 1536, 1000, 4000))
    assert _shape(tight) == [(False, 128, [2, 2]), (False, 16, [8])]
    narrow = compare(load_config("tiny"), (20, 40, 3), 16, 2, 1, room=Room(400, 90, 150, 400))
    assert _shape(narrow)[1] == (False, 4, [4, 4, 2])
    shared = compare(cfg.changed(ACTD_DEPTH=512), (256, 10), 64, 2, 2)
    assert shared.layers[0].turned and shared.program.needs.actd == 512


@pytest.mark.parametrize(("m", "w"), [(1, 4), (4, 4), (1, 8)])
def test_wide_blocks(m: int, w: int) -> None:
    """Four lines, one, eight make a block; of eight it takes two beats."""
    compare(load_config("tiny").changed(M=m, W=w), (20, 32, 16, 3), 32, 2, 1)


def test_biases() -> None:
    compare(load_config("default"), (20, 40, 70, 5), 64, 3, 1, [np.full(40, 0.1), np.linspace(-1, 1, 70), None])


def test_little_room_spills_activations() -> None:
    cfg = load_config("tiny")
    sizes = (12, 24, 16, 4)
    wide = mlp_training(cfg, sizes, 16, 0.4)
    assert all(layer.mask is not None for layer in wide.layers[:-1])
    narrow = compare(cfg, sizes, 16, 3, 2, room=Room(vec=120, acc=140, actc=400, wgtd=400))
    assert [layer.mask is None for layer in narrow.layers] == [True, False, True]
    assert narrow.program.needs.vec <= 120 and narrow.program.needs.acc <= 140


def test_hundreds_of_wide() -> None:
    """Several pieces a panel; the figure that the benches use for a compute-bound job."""
    cfg = load_config("default")
    job = compare(cfg, (256, 256, 256, 16), 128, 1, 1)
    rows = sum(i.rows * i.n_g * i.n_k for i in job.program.streams[Unit.MMU])
    lines = sum(i.cnt_o * i.cnt_i for i in job.program.streams[Unit.VPU])
    assert rows * cfg.K * cfg.L >= 5 * 128 * 256 * 256 and lines < rows / 2


def test_learns_digits() -> None:
    """Two passes over the digits' minibatches beside an installed service."""
    cfg = load_config("default")
    service = lstm_classifier(cfg, load_params())
    sizes = (mlp.FEATURES, mlp.HIDDEN, 10)
    ts = mlp.digits_training_set(128)
    n = len(ts.features)
    job = mlp_training(cfg, sizes, 128, 1.0, n, room=room_beside(cfg, [service.needs]))
    weights = mlp.initial_weights(1, sizes)
    image = build_image(cfg, [service], job, job.image(ts.features, ts.targets, weights), iters=2 * n)
    assert image.training is not None
    core = image.core()
    losses = []
    for step in core.start_training(job.program, 2 * n, n, image.training.bases).steps():
        slot = (step - 1) % n
        losses.append(job.loss(core.mem.DRAM, slot, ts.targets[slot], image.training_base))
    for slot in [*range(n)] * 2:
        x = bf16_from_float(ts.features[slot])
        weights, _ = train_step(weights, [None] * 2, x, ts.targets[slot], job.rate_bits, cfg.K, cfg.L)
    for got, want in zip(job.weights(core.mem.DRAM, image.training_base), weights, strict=True):
        assert np.array_equal(bits(got), bits(want))
    assert losses[0] > 2.0 and np.mean(losses[n:]) < 0.6


@pytest.mark.parametrize(
    ("sizes", "batch", "more", "message"),
    [
        ((16,), 16, {}, "two or more layer widths"),
        ((16, 5), 16, {}, r"5 classes: legal is 1\.\.4 \(one line\)"),
        ((16, 3), 12, {}, "batch 12: legal is a multiple of K = 8"),
        ((16, 3), 16, {"rate": -1.0}, "rate -1.0: legal is a positive number"),
        ((16, 3), 16, {"batches": 0}, r"0 minibatches: legal range 1\.\.65535"),
        ((16, 3), 16, {"biases": [np.zeros(4)]}, r"bias of layer 0 has shape \(4,\): legal is \(3,\)"),
        ((16, 16, 3), 16, {"room": Room(200, 200, 5, 400)}, r"ACTC: need \d+, have 5"),
        ((16, 3), 16, {"room": Room(40, 200, 100, 400)}, "VEC: need 49, have 40"),
        ((16, 16, 3), 16, {"room": Room(200, 200, 1000, 40)}, "WGTD: need 16, have 8"),
        ((16, 16, 3), 16, {"room": Room(200, 20, 1000, 400)}, "SOF, STG or ACC: need 16, have 5"),
    ],
)
def test_refused(sizes: tuple[int, ...], batch: int, more: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mlp_training(load_config("tiny"), sizes, batch, **({"rate": 0.1} | more))


def test_too_large_for_a_core() -> None:
    with pytest.raises(ValueError, match=r"ACTC: need \d+, have 4096 \(batch 512, configuration default"):
        mlp_training(load_config("default"), (256, 256, 256, 16), 512, 0.1)
    with pytest.raises(ValueError, match=r"DRAM: need \d+ bytes, have 65536"):
        mlp_training(load_config("default").changed(BYTES=65536), (64, 128, 10), 128, 0.1)
    job = mlp_training(load_config("tiny"), (12, 16, 3), 16, 0.1)
    with pytest.raises(ValueError, match=r"features have shape \(1, 16, 3\): legal is \(1, 16, 12\)"):
        job.image(np.zeros((1, 16, 3)), np.zeros((1, 16, 3)), [])
    with pytest.raises(ValueError, match=r"slot 1: legal range 0\.\.0"):
        job.errors(np.zeros(job.size, np.uint8), 1)


def test_rings_and_regions() -> None:
    ring = Ring("x", "ACC", 100, 10, items=3)
    assert [ring.take(n) for n in (4, 4, 4, 1, 1, 1)] == [100, 104, 100, 104, 105, 100]
    with pytest.raises(ValueError, match="x: ACC: need 11, have 10"):
        ring.take(11)
    regions = Regions()
    a, b, c, d = regions.take(10, 0, 1), regions.take(10, 1, 2), regions.take(5, 2, 3), regions.take(20, 3, 3)
    assert (a, b, c, d, regions.top) == (0, 10, 0, 5, 25)
