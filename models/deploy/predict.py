"""A deployment on the timing model alone: capacity, and the timeline of a schedule of requests beside training.

The model starts from reset with everything installed (what boot moves has no part in time), so a run here is the RTL's run
but for the state that earlier requests left in the arbiters.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.compiler.image import register
from models.timing import Timeline, TimingModel
from models.timing.host import Host
from models.deploy.deployment import Deployment
from models.deploy.scenario import POLICIES

START = 10     # cycle in which training starts
FIRST = 1000   # cycle of the first request
TAIL = 200_000  # cycles that the last requests may take


def setup(what: Deployment, policy: str, timeouts: Mapping[str, int], train: bool, iters: int | None = None, start: bool = True) -> list[tuple[int, int, int]]:
    """Register writes (cycle, address, value) that install everything; with ``train`` the job starts in cycle START (unless not ``start``)."""
    image, cfg = what.image, what.cfg
    writes = [*image.service_writes(), register("TRAIN_ROWS", rows=image.train_rows)]
    for ctx, settings in enumerate(image.inference):
        writes += image.context_writes(ctx, settings)
    writes += [register(f"SVC[{what.index[name]}].TIMEOUT", cycles=cycles) for name, cycles in timeouts.items()]
    writes += [register("POLICY", policy=POLICIES.index(policy)), register("CTRL", accept_en=1)]
    if train:
        writes += image.context_writes(cfg.C_INF, image.training)
        if iters is not None:
            writes.append(register(f"CTX[{cfg.C_INF}].ITERS", count=iters))
        if start:
            writes.append(register(f"CTX[{cfg.C_INF}].CMD", start=1))
    return [(START, address, value) for address, value in writes]


def predict(
    what: Deployment, cycles: Sequence[int] | np.ndarray, services: Sequence[str], *, policy: str = "priority",
    timeouts: Mapping[str, int] | None = None, train: bool = False, until: int | None = None, log: bool = False,
    host: Host | None = None, extra: Sequence[tuple[int, int]] = (),
) -> Timeline:
    """Timeline of requests that come at ``cycles`` (ascending), each for a service by name.

    ``timeouts``: batch timeout of services by name (default: practically never). ``until``: last cycle (default: long enough
    for all answers). ``log``: with every instruction's times. ``host``: who starts training, a step at a time (default: it runs from the start on).
    ``extra``: register writes (address, value) behind those of :func:`setup`.
    """  # fmt: skip
    lines = {s.name: s.rx_lines for s in what.image.installed}
    requests = [(int(c) + 1, what.index[n], lines[n]) for c, n in zip(cycles, services, strict=True)]
    if until is None:
        until = (requests[-1][0] if requests else 0) + TAIL
    model = TimingModel(what.cfg, what.image.imem, log=log, host=host)
    writes = setup(what, policy, timeouts or {}, train) if host is None else setup(what, policy, timeouts or {}, train, 1, start=False)
    return model.run([*writes, *((START, *w) for w in extra)], requests, until)


def solo_response(what: Deployment, service: int, rows: int) -> int:
    """Cycles from the hand-over of a batch's last row to the last beat of its first response, alone in an idle core."""
    name = what.image.installed[service].name
    batch = predict(what, [FIRST] * rows, [name] * rows, timeouts={name: 1000}).batches[0]
    return int(batch["respond"] - batch["run"]) + what.image.services[service].tx_lines + 1


@dataclass(frozen=True)
class Capacity:
    """Of one service: requests per cycle with full batches in all contexts, and cycles of a full batch in an idle core."""

    per_cycle: float
    batch: int


def capacity(what: Deployment, name: str, batches: int = 8) -> Capacity:
    """What the bench measures at the start of each run (``EquinoxTest.measure_capacity``), on the model."""
    n, service = what.image.services[what.index[name]].batch, what.image.installed[what.index[name]]
    alone = predict(what, [FIRST] * n, [service.name] * n).requests
    full = predict(what, [FIRST] * n * batches, [service.name] * n * batches).requests
    done = np.sort(full["done"])
    skip = what.cfg.C_INF * n
    return Capacity((len(done) - skip) / float(done[-1] - done[skip - 1]), int(alone["done"].max()) - FIRST)


def training_alone(what: Deployment, cycles: int = 1_000_000) -> tuple[float, float]:
    """The dedicated trainer: steps per cycle, and share of the MMU's cycles, of the job alone on the core."""
    timeline = predict(what, [], [], train=True, until=cycles)
    steps = timeline.steps["cycle"]
    half = len(steps) // 2  # from step to step in the steady state
    return (len(steps) - 1 - half) / float(steps[-1] - steps[half]), float(timeline.busy[0, what.cfg.C_INF:].sum()) / cycles
