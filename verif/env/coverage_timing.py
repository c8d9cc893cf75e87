"""Covergroup of the events whose times the timing model predicts and the core kept (``timing_cg``)."""

from __future__ import annotations

import numpy as np

from equinox_core.isa.encoding import Unit
from equinox_core.timing import Timeline
from equinox_core.timing.attribution import CAUSES
from verif.lib.covergroup import Covergroup, Cross

KINDS = ("inference", "training")
WAITS = ("issued at once", "waited for semaphores", "waited for the unit", "waited for both")
REQUESTS = ("filled a batch", "timed out", "waited for a context")
UNITS = tuple(u.name for u in Unit)


def timing_cg() -> Covergroup:
    """``timing_cg``: why instructions waited, by unit and kind of context; how batches came about;
    causes of latency.
    """
    return Covergroup(
        "timing_cg",
        {"cp_unit": UNITS, "cp_kind": KINDS, "cp_wait": WAITS, "cp_batch": REQUESTS, "cp_cause": CAUSES},
        {
            "cr_stream": Cross("cp_unit", "cp_kind"),
            "cr_unit_wait": Cross("cp_unit", "cp_wait"),
            "cr_kind_wait": Cross("cp_kind", "cp_wait"),
        },
    )


def sample_timeline(group: Covergroup, timeline: Timeline, c_inf: int, batch_sizes: list[int]) -> None:
    """Sample each combination that occurs in a timeline; ``batch_sizes``: rows of a full batch, by service."""
    log = timeline.instructions
    log = log[log["issue"] < timeline.end]
    semaphores, unit = log["met"] > log["head"], log["issue"] > np.maximum(log["met"], log["head"])
    for u, training, a, b in sorted(
        set(zip(log["unit"].tolist(), (log["ctx"] >= c_inf).tolist(), semaphores.tolist(), unit.tolist(), strict=True))
    ):
        group.sample(cp_unit=UNITS[u], cp_kind=KINDS[training], cp_wait=WAITS[a + 2 * b])
    for batch in timeline.batches:
        if batch["decided"] > batch["ready"]:
            group.sample(cp_batch="waited for a context")
        group.sample(cp_batch="filled a batch" if batch["rows"] == batch_sizes[int(batch["svc"])] else "timed out")


def sample_causes(group: Covergroup, causes: dict[str, np.ndarray]) -> None:
    """Sample the causes that cost some request a cycle."""
    for cause, cycles in causes.items():
        if cycles.any():
            group.sample(cp_cause=cause)
