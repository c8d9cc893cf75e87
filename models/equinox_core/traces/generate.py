"""Arrival generators.

Only the shape of what they make matters, as a replay scales time to a load: the mean gap is `MEAN_GAP_US`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equinox_core.traces.trace import Trace, TraceError

MEAN_GAP_US = 1000.0


@dataclass(frozen=True)
class Parameter:
    """A parameter of a generator: its default and legal range (both ends included unless `open_low`)."""

    default: float
    low: float
    high: float
    open_low: bool = False

    def range_text(self) -> str:
        low = f"above {self.low:g}" if self.open_low else f"{self.low:g}"
        return f"{low} up to {self.high:g}" if self.open_low else f"{low} to {self.high:g}"

    def holds(self, value: float) -> bool:
        return (value > self.low if self.open_low else value >= self.low) and value <= self.high


def _poisson(rng: np.random.Generator, n: int, p: dict[str, float]) -> np.ndarray:
    return np.cumsum(rng.exponential(1.0, n))


def _bursty(rng: np.random.Generator, n: int, p: dict[str, float]) -> np.ndarray:
    """Markov-modulated Poisson process of two states: on at rate `burst`, off at what is left for a mean rate of 1."""
    on, burst, length = p["on"], p["burst"], p["len"]
    rates = (max(0.0, 1.0 - on * burst) / (1.0 - on), burst)
    mean_on = length / burst
    stays = (mean_on * (1.0 - on) / on, mean_on)
    state = int(rng.random() < on)
    start, count = 0.0, 0
    parts: list[np.ndarray] = []
    while count < n:
        stay = rng.exponential(stays[state])
        arrivals = start + np.sort(rng.random(rng.poisson(rates[state] * stay))) * stay
        parts.append(arrivals)
        count += arrivals.size
        start += stay
        state = 1 - state
    times: np.ndarray = np.concatenate(parts)[:n]
    return times


def _diurnal(rng: np.random.Generator, n: int, p: dict[str, float]) -> np.ndarray:
    """Poisson process of rate 1 - depth·cos(2πt/period),
    by thinning one of rate 1 + depth (Lewis and Shedler, 1979).
    """
    depth, period = p["depth"], p["period"]
    peak = 1.0 + depth
    start, count = 0.0, 0
    parts: list[np.ndarray] = []
    while count < n:
        t = start + np.cumsum(rng.exponential(1.0 / peak, max(1024, n)))
        kept = t[rng.random(t.size) * peak < 1.0 - depth * np.cos(2.0 * math.pi * t / period)]
        parts.append(kept)
        count += kept.size
        start = t[-1]
    times: np.ndarray = np.concatenate(parts)[:n]
    return times


_Make = Callable[[np.random.Generator, int, dict[str, float]], np.ndarray]

GENERATORS: dict[str, tuple[_Make, dict[str, Parameter]]] = {
    "poisson": (_poisson, {}),
    "bursty": (
        _bursty,
        {"on": Parameter(0.2, 0.001, 0.999), "burst": Parameter(4.0, 1.0, 1000.0), "len": Parameter(32.0, 1.0, 1e6)},
    ),
    "diurnal": (_diurnal, {"depth": Parameter(0.8, 0.0, 1.0), "period": Parameter(500.0, 2.0, 1e9)}),
}
"""Name -> (process with mean rate 1, its parameters). docs/traces.md says what the parameters mean."""


def is_spec(text: str) -> bool:
    """Whether `text` names a generator rather than a file."""
    return text.split(":", 1)[0] in GENERATORS


def parse_spec(spec: str) -> tuple[str, dict[str, float]]:
    """`name[:key=value,...]` -> generator's name and all its parameters, defaults filled in. Raises TraceError."""
    name, colon, rest = spec.partition(":")
    if name not in GENERATORS:
        raise TraceError(f"trace {spec!r}: no generator {name!r}; legal: {', '.join(GENERATORS)}")
    known = GENERATORS[name][1]
    legal = ", ".join(f"{key} ({p.range_text()})" for key, p in known.items()) or "none"
    given: dict[str, float] = {}
    for item in rest.split(",") if colon else []:
        key, equals, text = (part.strip() for part in item.partition("="))
        if not equals or key not in known:
            raise TraceError(f"trace {spec!r}: {item.strip()!r} is not a parameter of {name}; legal: {legal}")
        if key in given:
            raise TraceError(f"trace {spec!r}: {key} is given twice")
        try:
            given[key] = float(text)
        except ValueError:
            given[key] = math.nan
        if not known[key].holds(given[key]):
            raise TraceError(f"trace {spec!r}: {key} is {text!r}; legal is a number, {known[key].range_text()}")
    params = {key: given.get(key, p.default) for key, p in known.items()}
    if name == "bursty" and params["on"] * params["burst"] > 1.0 + 1e-9:
        if "burst" in given or "on" not in given:
            limit = 1.0 / params["on"]
            raise TraceError(
                f"trace {spec!r}: burst is {params['burst']:g}; legal is 1 up to 1/on = {limit:g} (else the mean "
                "rate is exceeded)"
            )
        params["burst"] = 1.0 / params["on"]
    return name, params


def generate(spec: str, requests: int, seed: int) -> Trace:
    """`requests` arrivals of the generator that `spec` names, mean gap about `MEAN_GAP_US`; equal seeds give equal
    traces.

    Raises TraceError for an unknown generator or parameter, a value outside its range, or `requests` < 1.
    """
    if requests < 1:
        raise TraceError(f"trace {spec!r}: {requests} requests asked for; legal is 1 or more")
    if seed < 0:
        raise TraceError(f"trace {spec!r}: seed is {seed}; legal is 0 or more")
    name, params = parse_spec(spec)
    times = GENERATORS[name][0](np.random.default_rng(seed), requests, params)
    return Trace(spec, (times - times[0]) * MEAN_GAP_US)
