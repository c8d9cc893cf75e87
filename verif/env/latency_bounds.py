"""Bounds on time where random stalls make it unpredictable to the cycle.

Never earlier: a batch's first response comes no sooner than its program can end at all
(``models/equinox_core/timing/bounds.py``): not the batch alone in an idle core, since beside others, or with stalls, a
batch can end earlier than alone.
Never later: a response comes at most as late as the model predicts without stalls, plus every cycle in which a stall
held
something back so far, plus GRACE: stalls shift dispatch decisions, so a request may find itself in a later batch than
predicted. This one is an allowance, not a theorem.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from equinox_core.isa.encoding import Status
from verif.agents.response_agent import Response
from verif.agents.unit_agent import BatchEvent

GRACE = 2.0  # times the longest predicted latency of the service


def too_early(
    batches: Iterable[BatchEvent], answers: Iterable[Response], earliest: Callable[[int, int], int]
) -> tuple[int, list[str]]:
    """(batches checked, complaints).

    ``earliest(service, rows)``: cycles from the batch's last row handed over to its first response, at least.

    The OK answers of a service come in the order of its batches, so each batch owns the next ``rows`` of them.
    """
    waiting: dict[int, deque[Response]] = {}
    for answer in answers:
        if answer.status in (Status.OK, Status.CTX_ERROR):
            waiting.setdefault(answer.service, deque()).append(answer)
    checked, out = 0, []
    for b in batches:
        mine = (
            [waiting[b.service].popleft() for _ in range(b.rows)] if len(waiting.get(b.service, ())) >= b.rows else []
        )
        if not mine or mine[0].status != Status.OK:
            continue
        checked += 1
        least = earliest(b.service, b.rows)
        if mine[0].cycle - b.cycle < least:
            out.append(
                f"batch of cycle {b.cycle} (service {b.service}, {b.rows} rows): "
                f"first response after {mine[0].cycle - b.cycle} cycles, it takes {least} at least"
            )
    return checked, out


def too_late(
    seen: Mapping[int, int], wanted: Mapping[int, int], begun: Mapping[int, int], service: Mapping[int, int], held: int
) -> tuple[int, list[str]]:
    """(responses checked, complaints); cycles of response, predicted response and offer, and the service, by request.

    ``held``: cycles in which stalls held something back.
    """
    longest: dict[int, int] = {}
    for n, cycle in wanted.items():
        longest[service[n]] = max(longest.get(service[n], 0), cycle - begun[n])
    out = []
    for n, cycle in seen.items():
        latest = wanted[n] + held + int(GRACE * longest[service[n]])
        if cycle > latest:
            out.append(
                f"request {n} answered in cycle {cycle}, at the latest {latest} (predicted {wanted[n]}, "
                f"held back {held} cycles)"
            )
    return len(seen), out
