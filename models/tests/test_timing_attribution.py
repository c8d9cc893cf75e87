"""Causes of latency: exact sums, no negative parts, and what must be zero."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from equinox_core.compiler.image import Image, build_image, register
from equinox_core.compiler.service import lstm_classifier, mlp_classifier
from equinox_core.compiler.space import room_beside
from equinox_core.compiler.training import mlp_training
from equinox_core.config import load_config
from equinox_core.hw.modes import POLICIES
from equinox_core.timing import Timeline, TimingModel
from equinox_core.timing.attribution import (
    CAUSES,
    RUN,
    STAGES,
    AttributionError,
    Solo,
    answered,
    attribute,
    only_dma,
    stages,
)
from equinox_core.timing.layout import LD, MMU, ST, VPU
from equinox_core.timing.records import LOG
from equinox_core.workloads import mlp, mlp_serve
from equinox_core.workloads.lstm import load_params

CONFIGS = ("tiny", "default")
FIRST = 1000


@cache
def image(config: str) -> Image:
    """Both services and a training job."""
    cfg = load_config(config)
    services = [lstm_classifier(cfg, load_params()), mlp_classifier(cfg, *mlp_serve.serving_weights())]
    sizes, batch = (mlp.FEATURES, 2 * cfg.K, min(10, cfg.L)), 2 * cfg.K
    rng = np.random.default_rng(0)
    features, targets = (
        rng.integers(0, 1 << 14, (2, batch, sizes[0]), np.uint16),
        np.zeros((2, batch, sizes[2]), np.float32),
    )
    job = mlp_training(cfg, sizes, batch, 0.5, len(features), room=room_beside(cfg, [s.needs for s in services]))
    weights = tuple(np.zeros((b, a), np.float32) for a, b in zip(sizes, sizes[1:], strict=False))
    return build_image(
        cfg,
        services,
        job,
        job.image(features, targets, weights),
        iters=10**6,
        timeout=4000,
        threshold=2,
        train_rows=2 * cfg.N,
    )


def writes(config: str, policy: str, train: bool) -> list[tuple[int, int, int]]:
    """Register writes that install everything and, with ``train``, start the job."""
    made = image(config)
    out = [*made.service_writes(), register("TRAIN_ROWS", rows=made.train_rows)]
    for ctx, settings in enumerate(made.inference):
        out += made.context_writes(ctx, settings)
    out += [register("POLICY", policy=POLICIES.index(policy)), register("CTRL", accept_en=1)]
    if train:
        out += [*made.context_writes(made.cfg.C_INF, made.training), register(f"CTX[{made.cfg.C_INF}].CMD", start=1)]
    return [(10, address, value) for address, value in out]


def run(config: str, policy: str, train: bool, cycles: Sequence[int], services: Sequence[int]) -> Timeline:
    made = image(config)
    requests = [(int(c) + 1, int(n), made.installed[n].rx_lines) for c, n in zip(cycles, services, strict=True)]
    return TimingModel(made.cfg, made.imem).run(writes(config, policy, train), requests, int(cycles[-1]) + 400_000)


@cache
def solo(config: str) -> Solo:
    made = image(config)
    return Solo(made.cfg, writes(config, "priority", True), lambda n: made.installed[n].rx_lines, made.imem)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("config", CONFIGS)
def test_sums(config: str, policy: str, train: bool) -> None:
    """Random arrivals of both services, calm and in bursts."""
    rng = np.random.default_rng([CONFIGS.index(config), POLICIES.index(policy), train])
    for gap in (200, 2000, 12_000):
        cycles = FIRST + np.cumsum(rng.exponential(gap, 60).astype(int))
        services = rng.integers(0, 2, len(cycles))
        timeline = run(config, policy, train, cycles, services)
        assert answered(timeline).all()
        parts = attribute(timeline, cycles, solo(config))
        assert tuple(parts) == CAUSES
        values = np.stack(list(parts.values()))
        assert (
            values.dtype == np.int64
            and (parts["anomaly"] <= 0).all()
            and (np.delete(values, CAUSES.index("anomaly"), 0) >= 0).all()
        )
        assert np.array_equal(values.sum(0), timeline.requests["done"] - cycles)
        assert (parts["compute"] > 0).all() and not parts["dram"].any()  # the services' weights are on the chip
        assert (parts["training"].sum() > 0) == (train and policy != "inference_only")
        coarse = stages(timeline, cycles, answered(timeline))
        assert tuple(coarse) == STAGES
        assert np.array_equal(coarse["run"], sum(parts[c] for c in RUN))


@pytest.mark.parametrize("service", [0, 1])
@pytest.mark.parametrize("config", CONFIGS)
def test_alone(config: str, service: int) -> None:
    """One request at a time in an idle core waits for nobody."""
    cycles = FIRST + 100_000 * np.arange(3)
    parts = attribute(run(config, "priority", False, cycles, [service] * 3), cycles, solo(config))
    for cause in ("context", "dram", "training", "inference", "anomaly"):
        assert not parts[cause].any(), cause
    assert set(parts["receive"]) == {image(config).installed[service].rx_lines + 1}
    assert set(parts["fill"]) == {4000} and len(set(parts["compute"])) == 1


def test_selected_requests() -> None:
    cycles = FIRST + np.arange(12) * 50
    timeline = run("tiny", "fair", True, cycles, [0, 1] * 6)
    every, which = attribute(timeline, cycles, solo("tiny")), np.arange(12) % 3 == 0
    some = attribute(timeline, cycles, solo("tiny"), which)
    assert all(np.array_equal(every[cause][which], some[cause]) for cause in CAUSES)
    nobody = attribute(timeline, cycles, solo("tiny"), np.zeros(12, bool))
    assert all(len(nobody[cause]) == 0 for cause in CAUSES)


def test_split_follows_what_held_the_batch() -> None:
    """The delay is divided as the cycles in which training and inference held the batch, to the cycle."""
    cycles = FIRST + np.arange(8)
    timeline = run("tiny", "priority", True, cycles, [0] * 8)
    first = timeline.requests["batch"] == 0
    length = int(timeline.batches[0]["end"] - timeline.batches[0]["run"])
    for trn, inf, extra, training in ((1, 2, 10, 3), (0, 0, 10, 0), (5, 0, 10, 10), (0, 5, 10, 0), (7, 7, 0, 0)):
        timeline.batches["held_trn"][0], timeline.batches["held_inf"][0] = trn, inf
        parts = attribute(timeline, cycles, lambda *_, extra=extra: (length - extra - 1, 1), first)
        assert (
            set(parts["training"]) == {training}
            and set(parts["inference"]) == {extra - training}
            and set(parts["dram"]) == {1}
        )


def test_shorter_than_alone() -> None:
    """A batch that ran shorter than its solo run has no delay, whatever held it; the difference stands with its sign,
    and the sum is exact.
    """
    cycles = FIRST + np.arange(8)
    timeline = run("tiny", "priority", True, cycles, [0] * 8)
    first = timeline.requests["batch"] == 0
    length = int(timeline.batches[0]["end"] - timeline.batches[0]["run"])
    timeline.batches["held_trn"][0], timeline.batches["held_inf"][0] = 3, 4
    for less in (0, 1, 17):
        parts = attribute(timeline, cycles, lambda *_, less=less: (length + less - 5, 5), first)
        assert (
            set(parts["anomaly"]) == {-less}
            and set(parts["compute"]) == {length + less - 5}
            and set(parts["dram"]) == {5}
        )
        assert not parts["training"].any() and not parts["inference"].any()
        assert np.array_equal(sum(parts.values()), (timeline.requests["done"] - cycles)[first])


def test_refusals() -> None:
    cycles = FIRST + np.arange(8)
    timeline = run("tiny", "priority", False, cycles, [0] * 8)
    with pytest.raises(AttributionError, match="request 2: -.* cycles of receive"):
        stages(timeline, np.where(np.arange(8) == 2, 10**6, cycles), answered(timeline))
    timeline.requests["batch"][3] = -1
    with pytest.raises(AttributionError, match="request 3: not answered"):
        stages(timeline, cycles, np.ones(8, bool))
    with pytest.raises(AttributionError, match="service 3: no batch of 2 rows"):
        Solo(image("tiny").cfg, writes("tiny", "fair", False), lambda _: 4)(3, 2)


def test_only_dma() -> None:
    """Against counting cycle by cycle."""
    rng = np.random.default_rng(5)
    log = np.zeros(60, LOG)
    log["unit"] = rng.choice([MMU, VPU, LD, ST], 60)
    log["issue"] = rng.integers(0, 500, 60)
    log["done"] = log["issue"] + rng.integers(0, 20, 60)
    for first, last in ((0, 600), (100, 300), (250, 251), (40, 40)):
        want = 0
        for t in range(first + 1, last + 1):
            busy = {int(e["unit"]) for e in log if e["issue"] < t <= e["done"]}
            want += bool(busy & {LD, ST}) and not busy & {MMU, VPU}
        assert only_dma(log, first, last) == want
