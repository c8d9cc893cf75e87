"""A made-up but consistent result: queueing of bursty arrivals at a server that works in batches."""

from __future__ import annotations

import numpy as np

from equinox_core.report import LATENCY_CAUSES, Check, RunResult, Service, Training, Unit
from equinox_core.traces import generate, scale_to_load

SHARES = (1, 20, 12, 1, 30, 6, 12, 12, -2, 8)  # of each cause, in percent
SERVICE_CYCLES = 2000
BATCH = 8


def service(name: str, requests: int, load: float, seed: int, limit: int | None) -> Service:
    """Answers of one server that takes up to `BATCH` waiting requests at a time."""
    arrival = scale_to_load(generate("bursty", requests, seed), requests, load, BATCH / SERVICE_CYCLES).cycles
    latency, rows = [], []
    free = done = 0
    while done < requests:
        start = max(free, int(arrival[done]) + 500)
        n = min(BATCH, int(np.searchsorted(arrival, start, side="right")) - done)
        free = start + SERVICE_CYCLES // 2 + n * SERVICE_CYCLES // 2 // BATCH
        latency += [free - int(a) for a in arrival[done : done + n]]
        rows.append(n)
        done += n
    causes = {
        cause: [value * share // 100 for value in latency] for cause, share in zip(LATENCY_CAUSES, SHARES, strict=True)
    }
    causes["response"] = [
        value - sum(parts) for value, parts in zip(latency, zip(*list(causes.values())[:-1], strict=True), strict=True)
    ]
    return Service(name, requests, BATCH, arrival.tolist(), latency, rows, limit, causes=causes)


def result(requests: int = 1500, services: int = 1, training: bool = True, limit: int | None = 40_000) -> RunResult:
    """A passing result."""
    made = [
        service(f"{'lstm mlp gru rnn'.split()[i % 4]}", requests, 0.5 / services, i + 1, limit) for i in range(services)
    ]
    cycles = max(a + d for s in made for a, d in zip(s.arrival, s.latency, strict=True)) + 1000
    rng = np.random.default_rng(3)
    steps = np.cumsum(rng.integers(cycles // 220, cycles // 120, 120)).tolist()
    loss = (2.3 * np.exp(-np.arange(120) / 25) + 0.1 + rng.normal(0, 0.03, 120)).tolist()
    job = Training("mlp 64-128-10, batch 128", 128, steps, list(range(1, 121)), loss, list(loss), cycles / 230)
    mix = {
        "MMU": (31, 48, 0, 6, 9, 1, 5),
        "VPU": (22, 31, 0, 2, 30, 1, 14),
        "LD": (0, 41, 0, 12, 20, 0, 27),
        "ST": (0, 12, 0, 4, 44, 0, 40),
    }
    causes = ("inference", "training", "policy", "internal", "dependency", "fetch", "idle")
    units = []
    for name, shares in mix.items():
        split = {cause: cycles * share // 100 for cause, share in zip(causes, shares, strict=True)}
        split["idle"] += cycles - sum(split.values())
        units.append(Unit(name, split))
    return RunResult(
        scenario={
            "configuration": "default (N = 8, M = 2, W = 4)",
            "trace": "configs/traces/bursty.csv",
            "load": "0.5 of 4.00 requests a thousand cycles",
            "requests": requests * services,
            "policy": "priority",
            "services": ", ".join(s.name for s in made),
            "training": "mlp" if training else "off",
        },
        seed=20211018,
        command="make sim TRACE=configs/traces/bursty.csv LOAD=0.5 REQUESTS=1500 SEED=20211018",
        cycles=cycles,
        wall_seconds=cycles / 41_000,
        services=made,
        units=units,
        training=job if training else None,
        checks=[
            Check("responses, bit for bit", "responses", requests * services),
            Check("order within a service", "responses", requests * services),
            Check("weights in DRAM, bit for bit", "words", 12 * 10_496),
        ],
    )
