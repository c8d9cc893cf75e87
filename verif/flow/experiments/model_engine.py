"""A point on the timing model."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from equinox_core.compiler.image import register
from equinox_core.deploy.deployment import NEVER as ENDLESS
from equinox_core.deploy.limits import LIMIT_SHARE, batch_timeout
from equinox_core.deploy.predict import FIRST, predict
from equinox_core.timing import NEVER
from equinox_core.timing.host import Host
from equinox_core.traces import scale_to_load
from verif.flow.experiments.jobs import measured, of_point
from verif.flow.experiments.point import SOFTWARE, STATIC, Point
from verif.flow.experiments.result import NOTHING, Result, percentiles

SERVICE = "lstm"


def timeout_of(point: Point, unloaded: int) -> int:
    """Batch timeout in cycles."""
    if point.timeout == STATIC:
        return ENDLESS
    if point.timeout:
        return max(1, int(point.timeout * unloaded))
    return batch_timeout(point.core_policy, int((point.limit or LIMIT_SHARE) * unloaded), unloaded)


def run(point: Point) -> Result:
    """Replay the point's trace from reset, training beside it.

    Raises:
        ValueError: the point is not legal, or does not fit the configuration.
    """
    deployment = of_point(point.check())
    room, trainer = measured(point.job, point.config)
    index, cfg = deployment.index[SERVICE], deployment.cfg
    plan = scale_to_load(deployment.trace, point.requests, point.load, room.per_cycle)
    arrivals, timeout = plan.cycles + FIRST, timeout_of(point, room.batch)
    end = int(arrivals[-1])
    extra = [register(f"SVC[{index}].THRESHOLD", waiting=point.threshold)] if point.threshold >= 0 else []
    if point.batch:
        s = deployment.image.services[index]
        extra.append(register(f"SVC[{index}].SHAPE", batch=point.batch, rx_lines=s.rx_lines, tx_lines=s.tx_lines))
    if point.train_rows >= 0:
        deployment = replace(deployment, image=replace(deployment.image, train_rows=point.train_rows))
    began = time.monotonic()
    line = predict(
        deployment,
        arrivals,
        [SERVICE] * len(arrivals),
        policy=point.core_policy,
        timeouts={SERVICE: timeout},
        train=deployment.job is not None,
        until=end,
        host=Host() if point.policy == SOFTWARE else None,
        extra=extra,
    )
    seconds = time.monotonic() - began
    done = line.requests["done"]
    answered = done != NEVER
    latencies = (done - arrivals)[answered]
    saturated = int((~answered).sum()) > cfg.RX_SLOTS or len(latencies) == 0
    closed = line.batches[line.batches["end"] != NEVER]
    inference, training = (float(line.busy[0, c].sum()) / end for c in (slice(0, cfg.C_INF), slice(cfg.C_INF, None)))
    steps = len(line.steps) / end
    return Result(
        int(answered.sum()),
        saturated,
        room.batch,
        timeout,
        **(NOTHING if saturated else percentiles(latencies)),
        steps_per_cycle=steps,
        fraction=steps / trainer.steps_per_cycle,
        inference_share=inference,
        training_share=training,
        rows=float(np.mean(line.batches["rows"])),
        held=float(closed["held_trn"].mean()) if len(closed) else None,
        throughput=float(answered.sum()) / (end - FIRST) / room.per_cycle,
        cycles=end,
        seconds=seconds,
    )
