"""What a trace is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class TraceError(ValueError):
    """A trace or its parameters cannot be used; the message is one line that says what, where and what is legal."""


@dataclass(frozen=True)
class Trace:
    """Request arrivals in order.

    source      file or generator spec, for messages and reports
    arrival_us  float64[n], n >= 1, ascending microseconds from the first arrival (so element 0 is 0)
    models      for each arrival the name of the model it asks for, or None where the trace names none
    """

    source: str
    arrival_us: np.ndarray
    models: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        t = self.arrival_us
        if t.ndim != 1 or t.size == 0 or t[0] != 0 or not np.isfinite(t).all() or (np.diff(t) < 0).any():
            raise TraceError(f"{self.source}: arrivals must be one ascending row of finite times that starts at 0")
        if self.models is not None and len(self.models) != t.size:
            raise TraceError(f"{self.source}: {len(self.models)} model names for {t.size} arrivals")

    def __len__(self) -> int:
        return self.arrival_us.size

    @property
    def gap_cv(self) -> float:
        """Coefficient of variation of the gaps: 1 for Poisson, more when bursty; NaN with fewer than 2 gaps or no time
        passing.
        """
        gaps = np.diff(self.arrival_us)
        return float(gaps.std() / gaps.mean()) if gaps.size > 1 and gaps.mean() > 0 else float("nan")
