"""Arrival traces: read them, generate them, and scale them to a load.

>>> trace = open_trace("bursty:on=0.2,burst=5", requests=1000, seed=7)
>>> plan = scale_to_load(trace, requests=1000, load=0.5, capacity=0.01)
>>> plan.cycles        # int64[1000], ascending, the first is 0
"""

from equinox_core.traces.generate import generate, is_spec
from equinox_core.traces.load import load_trace, save_trace
from equinox_core.traces.schedule import Schedule, map_services, scale_to_load
from equinox_core.traces.trace import Trace, TraceError

__all__ = [
    "Schedule",
    "Trace",
    "TraceError",
    "generate",
    "is_spec",
    "load_trace",
    "map_services",
    "open_trace",
    "save_trace",
    "scale_to_load",
]


def open_trace(source: str, requests: int, seed: int) -> Trace:
    """The trace that `source` names: a generator's spec (`poisson`, `bursty:on=0.2,burst=5`, `diurnal:depth=0.8`) or a
    file.

    `requests` (arrivals to generate) and `seed` matter to generators only. A file whose name is a generator's is
    reached as `./poisson`. Raises TraceError.
    """
    return generate(source, requests, seed) if is_spec(source) else load_trace(source)
