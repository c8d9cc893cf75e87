"""`slack` keeps its limit of p99 wherever `priority` with the same batch timeouts keeps it with a little to spare:
traces by loads to 90 %, on the timing model.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest

from equinox_core.compiler.image import register
from equinox_core.deploy.deployment import deploy
from equinox_core.deploy.limits import batch_timeout, default_limit
from equinox_core.deploy.predict import FIRST, capacity, predict
from equinox_core.deploy.scenario import Scenario
from equinox_core.report.schema import percentile
from equinox_core.timing import NEVER
from equinox_core.traces import is_spec, map_services, scale_to_load
from verif.lib.sim import out_dir
from verif.lib.toolchain import ROOT

LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REQUESTS = 4000
SPARE = (
    0.02  # of the limit: where `priority` has less, what was shared before a burst can be too much (docs/scheduler.md)
)
SHARED = "../shared/traces"  # beside the project, where they are there
TRACES = (
    "poisson",
    "bursty",
    "diurnal",
    "configs/traces/bursty.csv",
    f"{SHARED}/azure2023_conv.csv.gz",
    f"{SHARED}/servegen_deepseek_r1_600s_seed20261123.csv.gz",
    f"{SHARED}/disb_real.csv.gz",
)
SERVICES = ("lstm", "mlp", "lstm,mlp")
NO_PRESSURE = [register(f"SVC[{n}].THRESHOLD", waiting=0xFFFF) for n in range(2)]


def p99s(trace: str, load: float, service: str, *, extra: tuple = ()) -> tuple[int, dict[str, int]]:
    """The limit, and p99 under ``slack`` and under ``priority`` with the same timeouts; training beside, config
    `default`.
    """
    s = Scenario(trace=trace, load=load, policy="slack", service=service, requests=REQUESTS).check()
    deployment, names = deploy(s), list(s.services)
    found = {name: capacity(deployment, name) for name in names}
    plan = scale_to_load(
        deployment.trace, s.requests, s.load, [found[n].per_cycle for n in names], map_services(deployment.trace, names)
    )
    arrivals, whose = plan.cycles + FIRST, [names[k] for k in plan.service]
    limit = default_limit(c.batch for c in found.values())
    timeouts = {name: batch_timeout("slack", limit, c.batch) for name, c in found.items()}
    out = {}
    for policy in ("slack", "priority"):
        done = predict(deployment, arrivals, whose, policy=policy, timeouts=timeouts, train=True, extra=extra).requests[
            "done"
        ]
        assert (done != NEVER).all(), f"{policy}: {np.count_nonzero(done == NEVER)} requests were not answered"
        out[policy] = percentile((done - arrivals).tolist(), 99)
    return limit, out


def there(trace: str) -> str:
    """The trace, as a scenario takes it; skips the test where it is one of those that lie beside the project and is not
    there.
    """
    if is_spec(trace):
        return trace
    path = (ROOT / trace).resolve()
    if not path.exists() and not path.is_relative_to(ROOT):
        pytest.skip(f"{trace} is not there")
    return str(path)


@pytest.mark.parametrize(("trace", "load"), [("poisson", 0.9), ("configs/traces/bursty.csv", 0.5)])
def test_high_load(trace: str, load: float) -> None:
    """Points at which `priority` has room and age alone would not do."""
    limit, found = p99s(there(trace), load, "lstm")
    assert found["priority"] <= found["slack"] <= limit


def test_the_check_lives() -> None:
    """Without thresholds `slack` shares the core while work piles up, notices when requests are old already, and breaks
    its limit.
    """
    limit, found = p99s("poisson", 0.9, "lstm", extra=NO_PRESSURE)
    assert found["priority"] <= limit < found["slack"]


@pytest.mark.nightly
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("trace", TRACES)
def test_all_loads(trace: str, service: str) -> None:
    """At every load; writes what was measured to ``slack_limit/``."""
    rows = []
    for load in LOADS:
        limit, found = p99s(there(trace), load, service)
        rows.append({"trace": trace, "service": service, "load": load, "limit": limit, **found})
    folder = out_dir() / "slack_limit"
    folder.mkdir(parents=True, exist_ok=True)
    name = trace.rsplit("/", 1)[-1].split(".")[0].split(":")[0]
    with (folder / f"{name}-{service.replace(',', '+')}-{'file' if '/' in trace else 'made'}.csv").open(
        "w", newline="", encoding="utf-8"
    ) as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    kept = [row for row in rows if row["priority"] <= (1 - SPARE) * row["limit"]]
    assert kept, "priority breaks the limit at every load: nothing to compare"
    assert not [row for row in kept if row["slack"] > row["limit"]]
