"""What a point brought, and the figures drawn from a run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from equinox_core.report.schema import percentile
from verif.flow.latency.confidence import interval

PERCENTS = (50, 95, 99)
FEW = 40  # latencies below which there is no interval


@dataclass(frozen=True)
class Result:
    """Times in cycles, shares of cycles of the window from the start to the last arrival (model) or answer (RTL).

    ``p50`` ... ``p99_high``: None when saturated: more requests wait at the end than the core has slots for.
    ``held``: mean cycles of a batch in which its work was ready and a unit served training (model only).
    """

    answered: int
    saturated: bool
    unloaded: int
    timeout: int
    p50: float | None
    p95: float | None
    p99: float | None
    p99_low: float | None
    p99_high: float | None
    steps_per_cycle: float
    fraction: float  # of the dedicated trainer
    inference_share: float
    training_share: float
    rows: float  # a batch's, on average
    held: float | None
    throughput: float  # answers per cycle over the capacity
    cycles: int
    seconds: float

    @staticmethod
    def from_dict(data: dict) -> Result:
        """Inverse of ``asdict``."""
        return Result(**{f.name: data[f.name] for f in dataclasses.fields(Result)})

    @property
    def reclaimed(self) -> float:
        """Share of the MMU cycles that inference leaves in which training works."""
        return self.training_share / (1 - self.inference_share)


def percentiles(latencies: np.ndarray) -> dict[str, float]:
    """``p50``, ``p95``, ``p99`` and the 95 % interval of p99 (equal ends where there are too few) of latencies in order
    of arrival.
    """
    values = latencies.tolist()
    out = {f"p{q}": float(percentile(values, q)) for q in PERCENTS}
    low, high = interval(latencies, 99) if len(latencies) >= FEW else (out["p99"], out["p99"])
    return {**out, "p99_low": float(low), "p99_high": float(high)}


NOTHING = dict.fromkeys((*(f"p{q}" for q in PERCENTS), "p99_low", "p99_high"))
