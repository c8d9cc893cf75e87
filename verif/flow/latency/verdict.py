"""Holds a measurement against its budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from verif.flow.latency.cases import GATES, Case
from verif.flow.latency.measure import Measured


@dataclass(frozen=True)
class Gate:
    """A percentile (``name``) against one of its two budgets (``gate``: cycles or unloaded)."""

    name: str
    gate: str
    value: float
    low: float
    high: float
    budget: float
    tolerance: float

    @property
    def broken(self) -> bool:
        """The estimate is above the budget by more than the tolerance."""
        return self.value > self.budget * (1 + self.tolerance)

    @property
    def certain(self) -> bool:
        """So is chance no excuse: the interval's lower end is above the budget."""
        return self.low > self.budget

    @property
    def slack(self) -> bool:
        """The estimate is below the budget by more than the tolerance: the budget could be tightened."""
        return self.value < self.budget * (1 - self.tolerance)

    def __str__(self) -> str:
        value, low, budget = (
            f"{v:,.0f} cycles" if self.gate == "cycles" else f"{v:.3f} x unloaded"
            for v in (self.value, self.low, self.budget)
        )
        more = f"; even its interval's lower end, {low}, is above" if self.certain else ""
        return f"{self.name} {value}, budget {budget} + {100 * self.tolerance:g} %{more}"


def gates(case: Case, measured: Measured) -> Iterator[Gate]:
    """Every budget of a case with what was measured; all must hold."""
    for name in case.cycles:
        p = measured.percentiles[name]
        for gate in GATES:
            yield Gate(
                name,
                gate,
                getattr(p, gate),
                getattr(p, f"{gate}_low"),
                getattr(p, f"{gate}_high"),
                getattr(case, gate)[name],
                case.tolerance,
            )


def broken(case: Case, measured: Measured) -> list[str]:
    """One line a broken budget, which names the case."""
    return [f"{case.name}: {gate}" for gate in gates(case, measured) if gate.broken]
