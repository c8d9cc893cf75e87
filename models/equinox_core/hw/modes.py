"""Scheduling: modes, which the units obey, and policies, from which the core derives the mode each cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .coded import Coded, label


class Mode(Coded):
    """Effective scheduling mode of a cycle."""

    INF_ONLY = 0, "training is not issued"
    FAIR = 1, "classes alternate"
    PRIO = 2, "inference first, always"


class Policy(Coded):
    """Register POLICY; codes that no policy has count as ``inference_only``."""

    INFERENCE_ONLY = 0, "training is not issued (MODE_INF_ONLY)"
    FAIR = 1, "inference and training take turns (MODE_FAIR)"
    PRIORITY = 2, "inference first, always (MODE_PRIO)"
    ADAPTIVE = (
        3,
        "MODE_PRIO while inference is pressed: an enabled service's queue is longer than its threshold, "
        "or a request is held; else MODE_FAIR",
    )
    SLACK = 4, "MODE_PRIO while inference is pressed or some request is late, else MODE_FAIR"


@dataclass(frozen=True)
class PolicyTraits:
    """What software has to know of a policy.

    ``rows``: TRAIN_ROWS is a ``turn`` (twice the array's edge) where classes take turns that somebody waits for, else
    the ``longest`` product's.
    ``limited``: a service's TIMEOUT is what its latency limit leaves to a request, so a limit decides when batches go.
    ``waiting``: how many requests may wait of a service before inference is pressed (its THRESHOLD).
    """

    rows: Literal["turn", "longest"] = "longest"
    limited: bool = False
    waiting: Literal["few", "none"] = "few"


TRAITS = {
    Policy.INFERENCE_ONLY: PolicyTraits(),
    Policy.FAIR: PolicyTraits(rows="turn"),
    Policy.PRIORITY: PolicyTraits(),
    Policy.ADAPTIVE: PolicyTraits(rows="turn"),
    Policy.SLACK: PolicyTraits(limited=True, waiting="none"),
}
POLICIES = tuple(label(p) for p in Policy)
"""Names of the policies in order of their codes."""
MODES = ("inference_only", "fair", "priority")
"""Names of the modes in order of their codes: those of the policies that are always in them."""

if list(Policy) != list(range(len(Policy))) or set(TRAITS) != set(Policy) or len(MODES) != len(Mode):
    raise RuntimeError("policies and modes are numbered from 0, each has traits and a name")


def policy(name: str) -> Policy:
    """The policy of a name."""
    if name not in POLICIES:
        raise ValueError(f"POLICY = {name!r}: legal are {', '.join(POLICIES)}")
    return Policy(POLICIES.index(name))


def traits(name: str) -> PolicyTraits:
    """Traits of a policy by its name."""
    return TRAITS[policy(name)]
