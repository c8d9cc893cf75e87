"""From a trace in microseconds to arrivals in clock cycles at a stated load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from equinox_core.traces.trace import Trace, TraceError

MAX_CYCLE = 2**48
"""Last legal arrival cycle; keeps cycle arithmetic exact everywhere."""


@dataclass(frozen=True)
class Schedule:
    """Arrivals to replay.

    cycles      int64[n], ascending, the first is 0; several may be equal
    service     int64[n], index of the service each request is for
    load        offered load: requests × their share of capacity ÷ time
    us_per_cycle  how much of the trace's time one cycle stands for
    passes      how often the trace was begun (1: not repeated)
    """

    cycles: np.ndarray
    service: np.ndarray
    load: float
    us_per_cycle: float
    passes: int

    def __len__(self) -> int:
        return self.cycles.size


def map_services(trace: Trace, services: Sequence[str], mapping: Mapping[str, str] | None = None) -> np.ndarray:
    """Service index of each arrival: int64[len(trace)].

    `mapping` (model name -> service name) decides where given, and must name every model of the trace. Without it a
    model named like a service gets that one, and the others are dealt out in order of their first arrival, round robin
    over all services. A trace without model names deals its arrivals out round robin. Raises TraceError.
    """
    if not services:
        raise TraceError(f"{trace.source}: no services to map arrivals to; at least one is needed")
    if trace.models is None:
        return np.arange(len(trace), dtype=np.int64) % len(services)
    index = {name: i for i, name in enumerate(services)}
    chosen: dict[str, int] = {}
    dealt = 0
    for model in dict.fromkeys(trace.models):
        if mapping is not None:
            if model not in mapping:
                raise TraceError(
                    f"{trace.source}: model {model!r} is not in the mapping; it names {', '.join(mapping) or 'none'}"
                )
            if mapping[model] not in index:
                raise TraceError(
                    f"model {model!r} is mapped to service {mapping[model]!r}; legal: {', '.join(services)}"
                )
            chosen[model] = index[mapping[model]]
        elif model in index:
            chosen[model] = index[model]
        else:
            chosen[model] = dealt % len(services)
            dealt += 1
    return np.array([chosen[model] for model in trace.models], dtype=np.int64)


def _extend(trace: Trace, service: np.ndarray, requests: int) -> tuple[np.ndarray, np.ndarray]:
    """First `requests` arrivals of the endlessly repeated trace; a mean gap lies between two passes."""
    n = len(trace)
    index = np.arange(requests)
    span = float(trace.arrival_us[-1])
    period = span * n / (n - 1) if n > 1 else 0.0
    return trace.arrival_us[index % n] + (index // n) * period, service[index % n]


def scale_to_load(
    trace: Trace, requests: int, load: float, capacity: float | Sequence[float], service: np.ndarray | None = None
) -> Schedule:
    """Scale the trace's time so that its first `requests` arrivals offer `load` × the capacity.

    capacity  requests per cycle the core completes at full load: one number, or one for each service (alone on the
    core) service   int64[len(trace)] from `map_services`; None: all for service 0

    A trace shorter than `requests` is repeated, a mean gap between passes; a longer one is cut. The load is that of the
    arrivals used: the sum of 1/capacity over them, over their time (n arrivals count as n mean gaps). Times are rounded
    down to whole cycles, so several arrivals may share one.

    Raises TraceError: requests < 1, load or a capacity not positive and finite, or a trace whose arrivals are all at
    one time.
    """
    if requests < 1:
        raise TraceError(f"{trace.source}: {requests} requests asked for; legal is 1 or more")
    if not (math.isfinite(load) and load > 0):
        raise TraceError(f"load is {load}; legal is a number above 0 (1 is the measured capacity)")
    capacities = np.atleast_1d(np.asarray(capacity, dtype=np.float64))
    if not (np.isfinite(capacities) & (capacities > 0)).all():
        raise TraceError(f"capacity is {capacities.tolist()} requests per cycle; legal are numbers above 0")
    if service is None:
        service = np.zeros(len(trace), dtype=np.int64)
    if service.shape != (len(trace),) or service.min() < 0 or service.max() >= capacities.size:
        raise TraceError(
            f"{trace.source}: services must be {len(trace)} numbers from 0 to {capacities.size - 1} (one capacity each)"
        )
    times, used = _extend(trace, service, requests)
    work = float(np.sum(1.0 / capacities[used]))  # cycles of the whole core
    passes = -(-requests // len(trace))
    if requests == 1:
        return Schedule(np.zeros(1, np.int64), used, load, 0.0, passes)
    if times[-1] <= 0:
        raise TraceError(
            f"{trace.source}: its first {requests} arrivals are all at one time; legal are two times or more, "
            "else no load can be set"
        )
    span = work / load * (requests - 1) / requests
    if span >= MAX_CYCLE:
        raise TraceError(
            f"load {load:g} spreads {requests} requests over {span:.3g} cycles; legal is below {MAX_CYCLE}"
        )
    cycles = np.floor(times * (span / float(times[-1]))).astype(np.int64)
    return Schedule(cycles, used, load, float(times[-1]) / span, passes)
