"""The timeline of a run as a trace file for the public viewers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equinox_core.deploy.deployment import Deployment
from equinox_core.timing.attribution import answered, stages
from equinox_core.timing.perfetto import Names, Written, write_trace
from verif.env.latency import LatencyScoreboard
from verif.env.simulate import TIMELINE


def write_timeline(
    board: LatencyScoreboard, deployment: Deployment, run_dir: Path, causes: dict[str, np.ndarray] | None = None
) -> Written | None:
    """Write :data:`~verif.env.simulate.TIMELINE`; None, and nothing is written, where times are not exact (random
    stalls, or a test that is not timed).

    ``causes``: cycles of each request's latency, int64 [requests]; default: the stages of its life.
    """
    if not (board.cfg.timed and board.cfg.exact):
        return None
    timeline = board.settle()
    before = np.concatenate(([0], timeline.requests["taken"][:-1]))[: len(board.offered)]
    at_once = np.array([r.arrival == 0 for r in board.offered], bool)  # sent as soon as the stream is free
    arrival = np.where(at_once, np.maximum(timeline.requests["offered"] - 1, before), board.arrivals)
    if causes is None:
        which, causes = answered(timeline), {}
        for name, cycles in stages(timeline, arrival, which).items():
            causes[name] = np.zeros(len(which), np.int64)
            causes[name][which] = cycles
    names = Names(
        {n: name for name, n in deployment.index.items()}, deployment.cfg.C_INF, [r.request_id for r in board.offered]
    )
    return write_trace(timeline, run_dir / TIMELINE, arrival, causes, names)
