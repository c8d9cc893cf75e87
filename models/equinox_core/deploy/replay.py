"""A scenario on the timing model: its capacity, the requests of its trace beside training, and their timeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from equinox_core.deploy.deployment import Deployment, deploy
from equinox_core.deploy.limits import batch_timeout, default_limit
from equinox_core.deploy.predict import FIRST, Capacity, capacity, predict
from equinox_core.deploy.scenario import Scenario
from equinox_core.timing import NEVER, Timeline
from equinox_core.traces import Schedule, map_services, scale_to_load


class ReplayError(RuntimeError):
    """Requests are never answered; one line."""


@dataclass(frozen=True)
class Replay:
    """A run that ends with its last answer.

    ``arrivals``: cycle in which each request comes. ``timeouts``: batch timeout of services by name. ``seconds``: what
    the model took, compiling not included.
    """

    deployment: Deployment
    capacities: Mapping[str, Capacity]
    limit: int
    timeouts: Mapping[str, int]
    plan: Schedule
    arrivals: np.ndarray
    timeline: Timeline
    seconds: float

    @property
    def latencies(self) -> np.ndarray:
        """Cycles from each request's arrival to the last beat of its answer, int64 [requests]."""
        cycles: np.ndarray = self.timeline.requests["done"] - self.arrivals
        return cycles


def replay(scenario: Scenario) -> Replay:
    """Measure the capacity, scale the trace to the load, and replay it, as the chip-level test does on the RTL.

    Raises:
        ValueError: the scenario does not fit its configuration.
        ReplayError: the core does not get done with the requests.
    """
    deployment, names = deploy(scenario), list(scenario.services)
    found = {name: capacity(deployment, name) for name in names}
    limit = scenario.limit or default_limit(c.batch for c in found.values())
    timeouts = {name: batch_timeout(scenario.policy, limit, c.batch) for name, c in found.items()}
    trace = deployment.trace
    rates = [found[name].per_cycle for name in names]
    plan = scale_to_load(trace, scenario.requests, scenario.load, rates, map_services(trace, names))
    arrivals = plan.cycles + FIRST
    asked = [names[k] for k in plan.service]
    run = partial(
        predict,
        deployment,
        arrivals,
        asked,
        policy=scenario.policy,
        timeouts=timeouts,
        train=deployment.job is not None,
    )
    done = run().requests["done"]
    if missing := int((done == NEVER).sum()):
        raise ReplayError(f"{missing} of {len(done)} requests are never answered")
    began = time.monotonic()
    timeline = run(until=int(done.max()))
    return Replay(deployment, found, limit, timeouts, plan, arrivals, timeline, time.monotonic() - began)
