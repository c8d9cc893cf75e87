"""Where latency comes from: every cycle of an answered request's latency has one cause (``docs/attribution.md``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import Config
from ..csr_map import REGS
from ..isa.encoding import Unit
from .layout import LD, MMU, NEVER, ST, VPU
from .model import Timeline, TimingModel

#: Parts of a request's life, in order of time; the fifth is split further.
STAGES = ("receive", "fill", "context", "dispatch", "run", "response")
#: Parts of the run. ``anomaly`` is zero or negative, the others are zero or positive.
RUN = ("compute", "dram", "training", "inference", "anomaly")
CAUSES = (*STAGES[:4], *RUN, STAGES[5])

_COMMANDS = {address for path, (address, _) in REGS.items() if path.startswith("CTX[") and path.endswith("CMD")}
_TIMEOUT = [REGS[f"SVC[{n}].TIMEOUT"][0] for n in range(sum(path.endswith("].TIMEOUT") for path in REGS))]


class AttributionError(ValueError):
    """Times that cannot be attributed; the message names the request or batch."""


def answered(timeline: Timeline) -> NDArray[np.bool_]:
    """Which requests were answered with results before the timeline's end: bool [requests]."""
    requests = timeline.requests
    found: NDArray[np.bool_] = (requests["batch"] >= 0) & (requests["done"] < timeline.end) & (requests["status"] == 0)
    return found


def stages(timeline: Timeline, arrival: ArrayLike, which: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """Cycles of each of :data:`STAGES`, int64 [selected requests]; they sum to ``done - arrival``.

    Args:
        arrival: cycle in which each request of the timeline arrived, [requests].
        which: the requests wanted, bool [requests]; all of them :func:`answered`.

    Raises:
        AttributionError: a selected request was not answered, or a part is negative (it arrived after its last beat).
    """
    if (which & ~answered(timeline)).any():
        raise AttributionError(f"request {np.flatnonzero(which & ~answered(timeline))[0]}: not answered out of a batch")
    req = timeline.requests[which]
    batch = timeline.batches[req["batch"]]
    points = np.stack(
        [
            np.asarray(arrival, np.int64)[which],
            req["taken"],
            np.maximum(req["taken"], batch["ready"]),
            batch["decided"],
            batch["run"],
            batch["end"],
            req["done"],
        ]
    )
    parts = np.diff(points, axis=0)
    if (parts < 0).any():
        stage, k = np.argwhere(parts < 0)[0]
        raise AttributionError(f"request {np.flatnonzero(which)[k]}: {parts[stage, k]} cycles of {STAGES[stage]}")
    return dict(zip(STAGES, parts, strict=True))


def attribute(
    timeline: Timeline,
    arrival: ArrayLike,
    solo: Callable[[int, int], tuple[int, int]],
    which: NDArray[np.bool_] | None = None,
) -> dict[str, NDArray[np.int64]]:
    """Cycles of each of :data:`CAUSES`, int64 [selected requests]; they sum to ``done - arrival``.

    Args:
        arrival: as for :func:`stages`.
        solo: (compute, dram) cycles of a batch of a service with so many rows in an idle core, as :class:`Solo`.
        which: the requests wanted, bool [requests] (default: all that were answered).

    Raises:
        AttributionError: as :func:`stages`.
    """
    which = answered(timeline) if which is None else which
    parts = stages(timeline, arrival, which)
    row = timeline.requests["batch"][which]
    used, place = np.unique(row, return_inverse=True)
    batch = timeline.batches[used]
    alone = np.array([solo(int(b["svc"]), int(b["rows"])) for b in batch], np.int64).reshape(-1, 2)
    extra = batch["end"] - batch["run"] - alone.sum(1)
    delay = np.maximum(extra, 0)
    held = batch["held_trn"] + batch["held_inf"]
    training = delay * batch["held_trn"] // np.maximum(held, 1)
    split = dict(zip(RUN, (alone[:, 0], alone[:, 1], training, delay - training, extra - delay), strict=True))
    parts.update({cause: cycles[place] for cause, cycles in split.items()})
    return {cause: parts[cause] for cause in CAUSES}


def only_dma(log: NDArray[np.void], first: int, last: int) -> int:
    """Cycles ``first`` < t <= ``last`` in which LD or ST had an instruction under way and neither MMU nor VPU had.

    ``log``: LOG records. An instruction is under way from the cycle after its issue until it is done.
    """
    under_way = np.zeros((2, last - first + 1), np.int64)  # MMU and VPU; LD and ST
    for kind, units in enumerate(((MMU, VPU), (LD, ST))):
        mine = log[np.isin(log["unit"], units) & (log["done"] > log["issue"])]
        for name, step in (("issue", 1), ("done", -1)):
            np.add.at(under_way[kind], np.clip(mine[name], first, last) - first, step)
    active = under_way.cumsum(1)[:, :-1] > 0
    return int((active[1] & ~active[0]).sum())


class Solo:
    """(compute, dram) cycles of batches alone in an idle core, by (service, rows); each is run once on the timing
    model.

    Args:
        cfg: parameters of the core.
        writes: register writes (cycle, address, value) that install the services; commands to contexts among them are
            left out.
        imem: instruction memories, as :class:`TimingModel` takes them.
        rx_lines: payload beats of a request, by service.
    """

    def __init__(
        self,
        cfg: Config,
        writes: Iterable[tuple[int, int, int]],
        rx_lines: Callable[[int], int],
        imem: Mapping[Unit, Sequence[int]] | None = None,
    ) -> None:
        self.cfg, self.imem, self.rx_lines = cfg, imem, rx_lines
        self.writes = [(0, address, value) for _, address, value in writes if address not in _COMMANDS]
        self.known: dict[tuple[int, int], tuple[int, int]] = {}

    def __call__(self, service: int, rows: int) -> tuple[int, int]:
        """Raises :class:`AttributionError` if the service does not answer such a batch."""
        key = (service, rows)
        if key not in self.known:
            self.known[key] = self._run(service, rows)
        return self.known[key]

    def _run(self, service: int, rows: int) -> tuple[int, int]:
        lines = self.rx_lines(service)
        wait = (rows + 1) * (lines + 1)  # until all rows are there
        model = TimingModel(self.cfg, self.imem)
        timeline = model.run([*self.writes, (0, _TIMEOUT[service], wait)], [(10, service, lines)] * rows)
        batch = timeline.batches[0] if len(timeline.batches) else None
        if batch is None or batch["rows"] != rows or batch["end"] >= NEVER:
            raise AttributionError(f"service {service}: no batch of {rows} rows in an idle core")
        dram = only_dma(timeline.instructions, int(batch["run"]), int(batch["end"]))
        return int(batch["end"] - batch["run"]) - dram, dram
