"""Cycle-exact reference of the request dispatcher, written from docs/scheduler.md.

The model is given, cycle by cycle, what entered the block, and says what must leave it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from equinox_core.hw.pipeline import ANSWER_QUEUE
from equinox_core.hw.structs import HEADER
from equinox_core.isa.encoding import Status


@dataclass
class Service:
    """Settings of a service (the CSR fields the dispatcher looks at)."""

    enable: bool
    batch: int
    timeout: int
    threshold: int
    rx_lines: int
    tx_lines: int


@dataclass
class Inputs:
    """What the block is given in one cycle."""

    services: list[Service]
    accept: bool
    reject: bool
    valid: bool
    last: bool
    data: int
    idle: list[bool]
    freed: int
    ans_ready: bool


@dataclass
class Waiting:
    """A queued request."""

    id: int
    arrival: int
    payload: tuple[int, ...]


@dataclass
class Row:
    """A request handed to a context."""

    ctx: int
    svc: int
    rows: int
    row: int
    request: Waiting
    last: bool


@dataclass
class Outputs:
    """What the block must do in one cycle."""

    ready: bool
    row: Row | None
    answer: tuple[int, int, int] | None  # (service, id, status)
    pulses: int
    levels: list[int]
    above: bool
    expired: bool


@dataclass
class DispatcherModel:
    """State between two cycles; :meth:`cycle` advances it by one.

    Args:
        services: number of services. contexts: inference contexts. queue_depth, slots: capacities.
        n, rx_lines, tx_lines: largest legal batch and line counts of a service.
    """

    services: int
    queue_depth: int
    slots: int
    n: int
    rx_lines: int
    tx_lines: int
    now: int = 0
    phase: str = "head"
    svc: int = 0
    id: int = 0
    payload: list[int] = field(default_factory=list)
    status: int = 0
    free: int = 0
    offered: bool = False
    answers: deque = field(default_factory=deque)
    drained: tuple[int, int, int] | None = None
    held_since: int | None = (
        None  # first cycle of a hold, until a cycle that is not held and takes no beat of a good request
    )
    next_decision: int = 0
    last_served: int = -1
    scheduled: dict = field(default_factory=dict)
    dropping: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = self.slots
        self.queues = [deque() for _ in range(self.services)]
        self.known_from = [0] * self.services  # first cycle in which the age of the oldest is looked at

    def installed(self, s: Service) -> bool:
        """Whether a service's settings let it take requests."""
        return (
            s.enable
            and 1 <= s.rx_lines <= self.rx_lines
            and 1 <= s.batch <= self.n
            and 1 <= s.tx_lines <= self.tx_lines
        )

    def cycle(self, i: Inputs) -> Outputs:
        """Advance one cycle; returns what must be seen in it."""
        t = self.now
        installed = [self.installed(s) for s in i.services]
        levels = [len(q) for q in self.queues]
        held = self._held(installed, levels)
        out = Outputs(
            ready=False,
            row=self.scheduled.pop(t, None),
            answer=self.answers[0] if self.answers else None,
            pulses=0,
            levels=levels,
            above=held or any(s.enable and n > s.threshold for s, n in zip(i.services, levels, strict=True)),
            expired=any(installed[s] and self._old(i, s) for s in range(self.services)),
        )
        room_for_drained = len(self.answers) < ANSWER_QUEUE - 1
        pushed, verdict = self._receive(i, installed, levels, out)
        self._decide(i, installed, levels, held)
        if held and self.held_since is None:
            self.held_since = t
        elif not held and not (out.ready and i.valid and verdict is None and self.phase != "drop"):
            self.held_since = None
        # slots: one is offered; a freed one can be offered two cycles later
        refill = not self.offered or pushed is not None
        if refill:
            self.offered = self.free > 0
            self.free -= self.offered
        self.free += i.freed
        if t in self.dropping:
            self.free += 1
        # answers
        leaving = out.answer is not None and i.ans_ready
        new = verdict
        if new is None and self.drained is not None and room_for_drained:
            new, self.drained = self.drained, None
        if t in self.dropping:
            self.drained = self.dropping.pop(t)
        if leaving:
            self.answers.popleft()
        if new is not None:
            self.answers.append(new)
            out.pulses |= {Status.REJECTED: 2, Status.NOT_INSTALLED: 4, Status.BAD_LENGTH: 8}[Status(new[2])]
        if pushed is not None:
            out.pulses |= 1
            queue = self.queues[self.svc]
            queue.append(pushed)
            if levels[self.svc] == 0:
                self.known_from[self.svc] = t + 1
        self.now += 1
        return out

    def _receive(self, i, installed, levels, out):
        """The request stream; returns (queued request, answer) of this cycle."""
        known = self.svc < self.services and installed[self.svc]
        if self.phase == "short":
            self.phase = "head"
            return None, (self.svc, self.id, int(Status.BAD_LENGTH if known else Status.NOT_INSTALLED))
        if self.phase == "head":
            out.ready = i.accept and len(self.answers) < ANSWER_QUEUE
            if out.ready and i.valid:
                head = HEADER.unpack(i.data)
                self.svc, self.id, self.payload = head.svc, head.id, []
                self.phase = "short" if i.last else "body"
            return None, None
        if self.phase == "drop":
            out.ready = True
            if i.valid and i.last:
                self.phase = "head"
                return None, (self.svc, self.id, self.status)
            return None, None
        first = not self.payload
        if first and not known:
            verdict = int(Status.NOT_INSTALLED)
        elif first and not (self.offered and levels[self.svc] < self.queue_depth):
            if not i.reject:
                return None, None
            verdict = int(Status.REJECTED)
        else:
            verdict = 0
        out.ready = True
        if not i.valid:
            return None, None
        self.payload.append(i.data)
        if not verdict:
            complete = len(self.payload) == i.services[self.svc].rx_lines
            if complete and i.last:
                self.phase = "head"
                arrival = self.now if self.held_since is None else self.held_since
                return Waiting(self.id, arrival, tuple(self.payload)), None
            if not complete and not i.last:
                return None, None
            verdict = int(Status.BAD_LENGTH)
        if i.last:
            self.phase = "head"
            return None, (self.svc, self.id, verdict)
        self.phase, self.status = "drop", verdict
        return None, None

    def _held(self, installed, levels) -> bool:
        """Whether the request at the head of the stream has sent its header and finds no room."""
        if self.phase != "body" or self.payload or self.svc >= self.services or not installed[self.svc]:
            return False
        return not self.offered or levels[self.svc] == self.queue_depth

    def _decide(self, i, installed, levels, held):
        """Choose a batch, or a request to answer because its service is gone."""
        t = self.now
        if t < self.next_decision:
            return
        ready = [
            installed[s] and bool(levels[s]) and self._ready(i, s, levels[s], self.held_since is not None and not held)
            for s in range(self.services)
        ]
        if held and not any(ready):
            ready = [installed[s] and bool(levels[s]) for s in range(self.services)]
        for k in range(1, self.services + 1):
            s = (self.last_served + k) % self.services
            if not levels[s]:
                continue
            if not installed[s]:
                if self.drained is not None:
                    continue
                request = self.queues[s].popleft()
                self.dropping[t + 2] = (s, request.id, int(Status.NOT_INSTALLED))
                self._decided(s, 1)
                return
            cfg = i.services[s]
            if any(i.idle) and ready[s]:
                rows, ctx = min(levels[s], cfg.batch), i.idle.index(True)
                for r in range(rows):
                    self.scheduled[t + 2 + r] = Row(ctx, s, rows, r, self.queues[s].popleft(), r == rows - 1)
                self._decided(s, rows)
                return

    def _ready(self, i, s: int, level: int, flows: bool) -> bool:
        """Whether a service's batch can go on its own account."""
        return level >= i.services[s].batch or level == self.queue_depth or (self._old(i, s) and not flows)

    def _old(self, i, s: int) -> bool:
        """Whether the oldest request of a service has waited its timeout."""
        queue, t = self.queues[s], self.now
        return bool(queue) and t >= self.known_from[s] and t - queue[0].arrival >= i.services[s].timeout

    def _decided(self, s: int, rows: int) -> None:
        self.last_served = s
        self.next_decision = self.now + rows + 2
        # the new oldest is known after the look that follows the last row, or when it arrives (see cycle)
        self.known_from[s] = self.now + rows + 3
