"""A deployment on the timing model alone: capacity, and the timeline of a schedule of requests beside training.

The model starts from reset with everything installed (what boot moves has no part in time), so a run here is the RTL's
run but for the state that earlier requests left in the arbiters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from equinox_core.compiler.image import register
from equinox_core.deploy.deployment import Deployment
from equinox_core.hw.modes import POLICIES
from equinox_core.timing import NEVER, Timeline, TimingModel
from equinox_core.timing.bounds import earliest_end
from equinox_core.timing.host import Host

START = 10  # cycle in which training starts
FIRST = 1000  # cycle of the first request
TAIL = 200_000  # cycles that the last requests are given at first
LONGEST = 1 << 30  # cycles in which a training job must do some steps
LONGER = 10  # how often they are given twice as many


def setup(
    deployment: Deployment,
    policy: str,
    timeouts: Mapping[str, int],
    train: bool,
    iters: int | None = None,
    start: bool = True,
) -> list[tuple[int, int, int]]:
    """Register writes (cycle, address, value) that install everything; with ``train`` the job starts in cycle START
    (unless not ``start``).
    """
    image, cfg = deployment.image, deployment.cfg
    writes = [*image.service_writes(), register("TRAIN_ROWS", rows=image.train_rows)]
    for ctx, settings in enumerate(image.inference):
        writes += image.context_writes(ctx, settings)
    writes += [register(f"SVC[{deployment.index[name]}].TIMEOUT", cycles=cycles) for name, cycles in timeouts.items()]
    writes += [register("POLICY", policy=POLICIES.index(policy)), register("CTRL", accept_en=1)]
    if train:
        if image.training is None:
            raise ValueError("nothing to train: the scenario has no training job")
        writes += image.context_writes(cfg.C_INF, image.training)
        if iters is not None:
            writes.append(register(f"CTX[{cfg.C_INF}].ITERS", count=iters))
        if start:
            writes.append(register(f"CTX[{cfg.C_INF}].CMD", start=1))
    return [(START, address, value) for address, value in writes]


def predict(
    deployment: Deployment,
    cycles: Sequence[int] | np.ndarray,
    services: Sequence[str],
    *,
    policy: str = "priority",
    timeouts: Mapping[str, int] | None = None,
    train: bool = False,
    until: int | None = None,
    log: bool = False,
    host: Host | None = None,
    extra: Sequence[tuple[int, int]] = (),
) -> Timeline:
    """Timeline of requests that come at ``cycles`` (ascending), each for a service by name.

    ``timeouts``: batch timeout of services by name (default: practically never). ``until``: last cycle (default:
    without training the end of everything, with it TAIL cycles behind the last request, or longer where there is no
    answer by then). ``log``: with every instruction's times. ``host``: who starts training, a step at a time (default:
    it runs from the start on). ``extra``: register writes (address, value) behind those of :func:`setup`.
    """
    lines = {s.name: s.rx_lines for s in deployment.image.installed}
    requests = [(int(c) + 1, deployment.index[n], lines[n]) for c, n in zip(cycles, services, strict=True)]
    writes = (
        setup(deployment, policy, timeouts or {}, train)
        if host is None
        else setup(deployment, policy, timeouts or {}, train, 1, start=False)
    )
    writes += [(START, *write) for write in extra]
    if until is not None:
        ends = [until]
    elif train or host is not None:  # training goes on for ever
        ends = [(requests[-1][0] if requests else 0) + (TAIL << longer) for longer in range(LONGER + 1)]
    else:
        ends = [NEVER - 1]
    for end in ends:
        timeline = TimingModel(deployment.cfg, deployment.image.imem, log=log, host=host).run(writes, requests, end)
        if (timeline.requests["done"] < NEVER).all():
            break
    return timeline


def earliest_response(deployment: Deployment, service: int, rows: int) -> int:
    """Cycles from the hand-over of a batch's last row to the last beat of its first response, at least, whatever runs
    beside it.
    """
    work = earliest_end(deployment.image.installed[service].program, deployment.cfg, rows)
    return (
        work + deployment.image.services[service].tx_lines + 4
    )  # it runs in the next cycle, ends, and is chosen in the cycle after that


@dataclass(frozen=True)
class Capacity:
    """Of one service: requests per cycle with full batches in all contexts,
    and cycles of a full batch in an idle core.
    """

    per_cycle: float
    batch: int


def capacity(deployment: Deployment, name: str, batches: int = 8) -> Capacity:
    """What the bench measures at the start of each run (``EquinoxTest.measure_capacity``), on the model."""
    n, service = (
        deployment.image.services[deployment.index[name]].batch,
        deployment.image.installed[deployment.index[name]],
    )
    alone = predict(deployment, [FIRST] * n, [service.name] * n).requests
    full = predict(deployment, [FIRST] * n * batches, [service.name] * n * batches).requests
    done = np.sort(full["done"])
    skip = deployment.cfg.C_INF * n
    return Capacity((len(done) - skip) / float(done[-1] - done[skip - 1]), int(alone["done"].max()) - FIRST)


def training_alone(deployment: Deployment, cycles: int = 1_000_000) -> tuple[float, float]:
    """The dedicated trainer: steps per cycle, and share of the MMU's cycles, of the job alone on the core."""
    timeline = predict(deployment, [], [], train=True, until=cycles)
    steps = timeline.steps["cycle"]
    if len(steps) < 4 and cycles < LONGEST:
        return training_alone(deployment, 4 * cycles)
    half = len(steps) // 2  # from step to step in the steady state
    return (len(steps) - 1 - half) / float(steps[-1] - steps[half]), float(
        timeline.busy[0, deployment.cfg.C_INF :].sum()
    ) / cycles
