"""A case on the timing model alone: its whole timeline, without a simulator."""

from __future__ import annotations

from equinox_core.compiler.image import register
from equinox_core.deploy.predict import FIRST, START, setup
from equinox_core.deploy.scenario import POLICIES
from equinox_core.timing import Timeline, TimingModel
from verif.random.lower import RandomDeployment


def predict_case(deployment: RandomDeployment, until: int) -> Timeline:
    """Timeline up to cycle ``until``; cycle 0 of the case is ``FIRST``.

    As in a run, inference gets priority when all requests are answered and all changes made, so that training under
    ``inference_only`` ends too.
    """
    case, image, ctx = deployment.case, deployment.image, deployment.cfg.C_INF
    writes = [*setup(deployment, case.policy, {}, False)]
    if image.training:
        writes += [(START, *w) for w in image.context_writes(ctx, image.training)]
        writes.append((FIRST + case.training.start, *register(f"CTX[{ctx}].CMD", start=1)))
    writes += [(FIRST + at, *register("POLICY", policy=POLICIES.index(policy))) for at, policy in case.changes]
    requests = sorted((FIRST + at + 1, service, case.services[service].rx_lines) for at, service, _ in case.requests)
    quiet = max((cycle for cycle, *_ in writes), default=FIRST)
    if requests:
        quiet = max(quiet, int(_run(deployment, writes, requests, until).requests["done"].max()))
    return _run(
        deployment, [*writes, (quiet + 1, *register("POLICY", policy=POLICIES.index("priority")))], requests, until
    )


def _run(
    deployment: RandomDeployment, writes: list[tuple[int, int, int]], requests: list[tuple[int, int, int]], until: int
) -> Timeline:
    return TimingModel(deployment.cfg, deployment.image.imem).run(sorted(writes, key=lambda w: w[0]), requests, until)
