"""The bounds that hold under random stalls can be broken, both ways."""

from __future__ import annotations

import numpy as np

from verif.agents.response_agent import Response
from verif.agents.unit_agent import BatchEvent
from verif.env.latency_bounds import GRACE, too_early, too_late

NO_PAYLOAD = np.zeros((0, 4), np.uint16)


def answer(cycle: int, service: int = 0, status: int = 0) -> Response:
    return Response(service, cycle, status, NO_PAYLOAD, cycle)


def test_too_early() -> None:
    """Each batch owns the next answers of its service; its first one is compared with the batch's earliest."""
    batches = [BatchEvent(100, 0, 0, 2), BatchEvent(150, 1, 1, 1), BatchEvent(200, 0, 0, 1)]
    answers = [answer(180), answer(184), answer(210, 1), answer(271)]
    assert too_early(batches, answers, lambda service, rows: 60 + 10 * rows) == (
        3,
        ["batch of cycle 150 (service 1, 1 rows): first response after 60 cycles, it takes 70 at least"],
    )
    assert too_early(batches, answers, lambda service, rows: 60) == (3, [])


def test_batches_without_results_are_passed_over() -> None:
    """A batch answered CTX_ERROR has no time of its own; one that is not answered yet is not judged."""
    batches = [BatchEvent(100, 0, 0, 1), BatchEvent(200, 0, 0, 1), BatchEvent(300, 0, 0, 1)]
    checked, out = too_early(batches, [answer(101, status=4), answer(201)], lambda service, rows: 50)
    assert checked == 1 and len(out) == 1 and "batch of cycle 200" in out[0]


def test_too_late() -> None:
    """Stalls may cost what they held back, and a place in a later batch."""
    wanted, begun, service = {0: 100, 1: 200}, {0: 0, 1: 50}, {0: 0, 1: 0}
    latest = 200 + 30 + int(GRACE * 150)
    assert too_late({0: 100, 1: latest}, wanted, begun, service, 30) == (2, [])
    checked, out = too_late({0: 100, 1: latest + 1}, wanted, begun, service, 30)
    assert checked == 2 and len(out) == 1 and f"at the latest {latest}" in out[0]
