"""Latency scoreboard: the timing model predicts every request, batch, training step and state; the core must keep every
cycle.
"""

from __future__ import annotations

from collections import deque
from functools import cache, partial
from itertools import zip_longest

import numpy as np
from pyuvm import uvm_subscriber

from equinox_core.deploy.predict import earliest_response
from equinox_core.isa.encoding import Status
from equinox_core.timing import Timeline, TimingModel
from equinox_core.timing.attribution import Solo, answered, attribute
from equinox_core.timing.layout import KILLING
from verif.agents.csr_agent import CsrWrite
from verif.agents.named import Named
from verif.agents.request_agent import RequestItem, SentRequest
from verif.agents.response_agent import Response
from verif.agents.train_agent import StepEvent
from verif.agents.unit_agent import BatchEvent, StateEvent
from verif.env.latency_bounds import too_early, too_late
from verif.env.scoreboards import Scoreboard

AROUND = 4  # events shown before and behind the first difference


class _Port(Named, uvm_subscriber):
    """Hands what it gets to a list of its parent's."""

    def __init__(self, name, parent, store: list):
        super().__init__(name, parent)
        self.store = store

    def write(self, item) -> None:
        self.store.append(item)


class LatencyScoreboard(Scoreboard):
    """Records what enters the core and when, and at the end compares the times of all that left it with the model's.

    With ``exact`` off in the configuration (random stalls) times are bounded instead, see ``latency_bounds.py``; with
    ``timed`` off nothing is compared.
    """

    def build_phase(self):
        super().build_phase()
        self.earliest = cache(partial(earliest_response, self.cfg.deployment))
        self.writes: list[CsrWrite] = []
        self.offered: list[RequestItem] = []
        self.sent: list[SentRequest] = []
        self.answers: list[Response] = []
        self.steps: list[StepEvent] = []
        self.batches: list[BatchEvent] = []
        self.states: list[StateEvent] = []
        self.dram_errors: list[
            tuple[int, int, int]
        ] = []  # (cycle, first, last address) that the DRAM answers with errors from then on
        self.ports: dict[str, _Port] = {}
        for name in ("writes", "offered", "sent", "answers", "steps", "batches", "states"):
            self.add_port(name)
        self.timeline: Timeline | None = None
        self.until: int | None = None  # the core is reset in this cycle
        self.before: tuple[int, list[str]] = (0, [])  # comparisons and complaints before the last reset
        self.kinds: dict[str, int] = {}  # what was compared -> how many of it
        self.settled = self.judged = -1  # events recorded when the timeline was predicted, and when it was compared

    def add_port(self, name: str) -> None:
        """A port whose events go into the list of that name."""
        self.ports[name] = _Port(f"{name}_port", self, getattr(self, name))

    def port(self, name: str):
        """Analysis export for one kind of event."""
        return self.ports[name].analysis_export

    def predict(self, until: int | None = None) -> Timeline:
        """The model's timeline of what was recorded, up to a cycle (default: a little beyond the last event)."""
        model = TimingModel(self.cfg.core)
        writes = [(w.cycle, w.address, w.data) for w in self.writes]
        requests = [(r.offered, r.service, len(r.payload)) for r in self.offered]
        return model.run(writes, requests, self.last_cycle() + 2 if until is None else until, self.dram_errors)

    def last_cycle(self) -> int:
        """Of all events that were recorded; the simulation may end in the middle of it."""
        return max(
            (e.cycle for events in (self.writes, self.answers, self.steps, self.states) for e in events), default=0
        )

    def settle(self) -> Timeline:
        """The model's timeline of all that was recorded so far; predicted once as long as nothing more happens."""
        recorded = sum(map(len, (self.writes, self.offered, self.batches, self.answers, self.steps, self.states)))
        if recorded != self.settled:
            self.timeline, self.settled = self.predict(), recorded
        return self.timeline

    @property
    def killed(self) -> int:
        """How often a context was stopped so far."""
        return sum(event.state == KILLING for event in self.states)

    @property
    def arrivals(self) -> np.ndarray:
        """Cycle in which each request came to the host, int64 [requests]."""
        return np.array([r.arrival for r in self.offered], np.int64)

    def causes(self) -> dict[str, np.ndarray]:
        """Cycles of every request's latency by cause, int64 [requests]; 0 for those not answered out of a batch.

        The services must have been installed before the first request, and have stayed as they were.
        """
        timeline, lines = self.settle(), {r.service: len(r.payload) for r in self.offered}
        boot = [(w.cycle, w.address, w.data) for w in self.writes if w.cycle < self.offered[0].offered]
        which = answered(timeline)
        out = {}
        for cause, cycles in attribute(
            timeline, self.arrivals, Solo(self.cfg.core, boot, lines.__getitem__), which
        ).items():
            out[cause] = np.zeros(len(which), np.int64)
            out[cause][which] = cycles
        return out

    def restart(self, cycle: int) -> None:
        """The core is reset in ``cycle``: judge what came before, then begin again with nothing."""
        self.until = cycle
        if self.writes:
            self.judge()
        self.until, self.before = None, (self.compared, list(self.mismatches))
        for record in (
            self.writes,
            self.offered,
            self.sent,
            self.answers,
            self.steps,
            self.batches,
            self.states,
            self.dram_errors,
        ):
            record.clear()
        self.timeline, self.settled, self.judged = None, -1, -1

    def extract_phase(self):
        self.judge()

    def judge(self) -> None:
        """Compare all that was recorded so far; again only when something more has happened."""
        if not self.cfg.timed:
            return
        self.settle()
        if self.judged == self.settled:
            return
        self.judged, self.compared = self.settled, self.before[0]
        self.mismatches[:] = self.before[1]
        self.kinds.clear()
        if not self.cfg.exact:
            self._bound()
            return
        self.compare_all()

    def compare_all(self) -> None:
        """Every kind of event, cycle for cycle."""
        self._compare("request (cycle of its last beat, service)", self._observed_taken(), self._predicted_taken())
        self._compare("batch (cycle, context, service, rows)", self._observed_batches(), self._predicted_batches())
        self._compare("response (cycle, request, status)", self._observed_requests(), self._predicted_requests())
        self._compare("training step (cycle, steps)", self._observed_steps(), self._predicted_steps())
        self._compare(
            "state of a context (cycle, context, state, cause, unit)", self._observed_states(), self._predicted_states()
        )

    def _bound(self) -> None:
        """With random stalls: nothing comes impossibly early or late."""
        seen = {n: cycle for cycle, n, status in self._observed_requests() if status == Status.OK}
        wanted = {n: cycle for cycle, n, _ in self._predicted_requests()}
        begun = {n: r.offered for n, r in enumerate(self.offered)}
        service = {n: r.service for n, r in enumerate(self.offered)}
        early, late = (
            too_early(self.batches, self.answers, self.earliest),
            too_late(seen, wanted, begun, service, self.held()),
        )
        for what, (checked, complaints) in (("earliest times of batches", early), ("latest times of responses", late)):
            self._count(what, checked)
            if not checked and seen:
                self.mismatch(f"{what}: compared nothing")
            for text in complaints:
                self.mismatch(text)

    def held(self) -> int:
        """Cycles in which a stall held something back: a response, the memory, a request."""
        dut = self.cfg.dut
        return int(dut.rsp_held.value) + int(dut.u_dram.held.value) + int(dut.req_held.value)

    @property
    def required(self) -> bool:
        return self.cfg.timed and super().required

    def _count(self, what: str, items: int) -> None:
        self.compared += items
        self.kinds[what] = self.kinds.get(what, 0) + items

    def counts(self) -> dict[str, int]:
        return dict(self.kinds)

    def _observed_taken(self) -> list[tuple[int, ...]]:
        return [(s.cycle, s.service) for s in self.sent]

    def _predicted_taken(self) -> list[tuple[int, ...]]:
        return [(int(r["taken"]), int(r["service"])) for r in self.timeline.requests]

    def _observed_batches(self) -> list[tuple[int, ...]]:
        return [(b.cycle, b.ctx, b.service, b.rows) for b in self.batches]

    def _predicted_batches(self) -> list[tuple[int, ...]]:
        return [
            (int(b["decided"] + b["rows"] + 1), int(b["ctx"]), int(b["svc"]), int(b["rows"]))
            for b in self.timeline.batches
        ]

    def _observed_requests(self) -> list[tuple[int, ...]]:
        place: dict[int, deque[int]] = {}
        for n, item in enumerate(self.offered):
            place.setdefault(item.request_id, deque()).append(n)
        return [(a.cycle, place[a.request_id].popleft(), a.status) for a in self.answers]

    def _predicted_requests(self) -> list[tuple[int, ...]]:
        return sorted((int(r["done"]), n, int(r["status"])) for n, r in enumerate(self.timeline.requests))

    def _observed_steps(self) -> list[tuple[int, ...]]:
        return [(s.cycle, s.steps) for s in self.steps if s.steps and s.cycle > self._born()]

    def _predicted_steps(self) -> list[tuple[int, ...]]:
        return list({int(s["cycle"]): int(s["count"]) for s in self.timeline.steps}.items())  # of one cycle the last

    def _observed_states(self) -> list[tuple[int, ...]]:
        return [
            (s.cycle, s.ctx, s.state, s.cause, s.unit)
            for s in self.states
            if self._born() < s.cycle < self.last_cycle()
        ]

    def _predicted_states(self) -> list[tuple[int, ...]]:
        return sorted(s for s in self.timeline.states.tolist() if s[0] < self.last_cycle())

    def _born(self) -> int:
        """Cycle of the first register write: before reset the registers hold anything."""
        return self.writes[0].cycle if self.writes else 0

    def _compare(self, what: str, seen: list[tuple[int, ...]], want: list[tuple[int, ...]]) -> None:
        """Event by event, in order of time, as far as the model predicts; at the first difference, both timelines
        around it.
        """
        end = self.timeline.end if self.until is None else min(self.timeline.end, self.until)
        seen, want = ([e for e in events if e[0] < end] for events in (seen, want))
        for n, (a, b) in enumerate(zip_longest(seen, want)):
            self._count(f"times: {what.split(' (')[0]}", 1)
            if a != b:
                self.mismatch(f"{what} {n}: seen {a or 'nothing'}, predicted {b or 'nothing'}")
                for k in range(max(0, n - AROUND), n + AROUND + 1):
                    pair = [events[k] if k < len(events) else "nothing" for events in (seen, want)]
                    self.logger.error(f"  {'->' if k == n else '  '} {k}: seen {pair[0]}, predicted {pair[1]}")
                return
