"""Scoreboards: results and order of responses, and the weights that training leaves in DRAM.

Each counts what it compared and fails in its check phase on any mismatch, or when it was to compare and compared
nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pyuvm import uvm_component, uvm_subscriber

from equinox_core.isa.encoding import Status
from verif.agents.named import Named
from verif.agents.request_agent import RequestItem
from verif.agents.response_agent import Response
from verif.agents.train_agent import StepEvent
from verif.agents.unit_agent import BatchEvent
from verif.env.config import EnvConfig
from verif.env.predictor import Predictor
from verif.lib.dram import DramBackdoor

MAX_LISTED = 20


@dataclass
class Served:
    """A request that was answered: cycles of its arrival (as the trace says) and of its response's last beat."""

    request_id: int
    service: int
    arrival: int
    done: int
    status: int
    tag: object

    @property
    def latency(self) -> int:
        return self.done - self.arrival


class Scoreboard(Named, uvm_component):
    """Base: collects mismatch messages, counts comparisons, decides in the check phase."""

    def build_phase(self):
        self.cfg = EnvConfig.of(self)
        self.compared = 0
        self.mismatches: list[str] = []

    @property
    def required(self) -> bool:
        """To have compared nothing is a failure."""
        return self.get_name() in self.cfg.required

    def counts(self) -> dict[str, int]:
        """What was compared -> how many of it."""
        return {self.get_name(): self.compared}

    def mismatch(self, text: str) -> None:
        self.mismatches.append(text)
        if len(self.mismatches) <= MAX_LISTED:
            self.logger.error(text)

    def problems(self) -> list[str]:
        """All that is wrong, as lines; empty when the scoreboard is content."""
        out = list(self.mismatches)
        if self.required and not self.compared:
            out.append(f"{self.get_name()}: compared nothing")
        return out

    def check_phase(self):
        found = self.problems()
        if found:
            raise AssertionError(f"{self.get_name()}: {len(found)} problem(s), first: {found[0]}")


class OfferedPort(Named, uvm_subscriber):
    def write(self, item: RequestItem) -> None:
        self.get_parent().offered(item)


class ResponsePort(Named, uvm_subscriber):
    def write(self, item: Response) -> None:
        self.get_parent().answered(item)


class ResponseScoreboard(Scoreboard):
    """Every request is answered once, in order within its service, with the bits of the reference.

    ``predictor`` knows the right answers; the request says which statuses are legal. Order is checked among OK answers.
    """

    def build_phase(self):
        super().build_phase()
        self.offered_port = OfferedPort("offered_port", self)
        self.response_port = ResponsePort("response_port", self)
        self.predictor: Predictor | None = None
        self.payloads = self.ordered = 0
        self.outstanding: dict[int, RequestItem] = {}
        self.order: dict[int, deque[int]] = {}
        self.served: list[Served] = []
        self.on_served: list[Callable[[Served], None]] = []

    def offered(self, item: RequestItem) -> None:
        if item.request_id in self.outstanding:
            raise ValueError(f"request id {item.request_id} is used twice at a time")
        self.outstanding[item.request_id] = item
        self.order.setdefault(item.service, deque()).append(item.request_id)

    def answered(self, rsp: Response) -> None:
        item = self.outstanding.pop(rsp.request_id, None)
        if item is None:
            self.mismatch(
                f"cycle {rsp.cycle}: response to request {rsp.request_id}, "
                "which is not outstanding (duplicate or invented)"
            )
            return
        if rsp.service != item.service:
            self.mismatch(
                f"cycle {rsp.cycle}: request {rsp.request_id} of service {item.service} answered as service "
                f"{rsp.service}"
            )
        queue = self.order[item.service]
        if rsp.status != Status.OK:
            queue.remove(rsp.request_id)
        else:
            if queue[0] != rsp.request_id:
                self.mismatch(
                    f"cycle {rsp.cycle}: service {item.service} answered request {rsp.request_id} before {queue[0]} "
                    "(order)"
                )
            queue.remove(rsp.request_id)
            self.ordered += 1
        if rsp.status not in item.legal:
            self.mismatch(
                f"cycle {rsp.cycle}: request {rsp.request_id} has status {rsp.status}, "
                f"legal {sorted(map(int, item.legal))}"
            )
        elif rsp.status == Status.OK:
            self._compare(item, rsp)
        elif len(rsp.payload):
            self.mismatch(f"cycle {rsp.cycle}: request {rsp.request_id} has status {rsp.status} and a payload")
        self.compared += 1
        done = Served(rsp.request_id, item.service, item.arrival, rsp.cycle, rsp.status, item.tag)
        self.served.append(done)
        for callback in self.on_served:
            callback(done)

    def _compare(self, item: RequestItem, rsp: Response) -> None:
        want = self.predictor.response(item)
        self.payloads += 1
        if want.shape != rsp.payload.shape:
            self.mismatch(
                f"request {rsp.request_id}: response of {rsp.payload.shape[0]} lines, reference {want.shape[0]}"
            )
        elif not np.array_equal(want, rsp.payload):
            line, lane = np.argwhere(want != rsp.payload)[0]
            self.mismatch(
                f"cycle {rsp.cycle}: request {rsp.request_id} line {line} lane {lane}: "
                f"{rsp.payload[line, lane]:#06x}, reference {want[line, lane]:#06x}"
            )

    def counts(self) -> dict[str, int]:
        return {
            "responses (status, once)": self.compared,
            "payloads": self.payloads,
            "responses in order": self.ordered,
        }

    def problems(self) -> list[str]:
        lost = [
            f"request {i} of service {r.service}, offered from cycle {r.arrival}, was never answered"
            for i, r in self.outstanding.items()
        ]
        return lost + super().problems()

    def position(self) -> str:
        """How far the host has come with its requests."""
        oldest = next(iter(self.outstanding.values()), None)
        offered, answered = len(self.served) + len(self.outstanding), len(self.served)
        text = f"{offered} requests offered, {answered} answered"
        if oldest is None:
            return text
        return f"{text}, the oldest outstanding is request {oldest.request_id}, offered in cycle {oldest.offered}"


class StepPort(Named, uvm_subscriber):
    def write(self, item: StepEvent) -> None:
        self.get_parent().step(item)


class WeightScoreboard(Scoreboard):
    """Compares what training leaves in DRAM with the reference, at each checkpoint step and in every step its evidence.

    The configuration names the regions: those compared after every step, and those of the weights, compared after each
    of ``checkpoints``. ``predictor`` knows their right contents.
    """

    def build_phase(self):
        super().build_phase()
        self.step_port = StepPort("step_port", self)
        self.counted = 0
        self.dram = DramBackdoor(self.cfg.dut.u_dram)
        self.predictor: Predictor | None = None
        self.armed = False  # steps count from the start of the training job on
        self.steps = 0
        self.step_cycles: list[int] = []
        self.losses: list[tuple[float, float]] = []

    def step(self, event: StepEvent) -> None:
        if not self.armed or event.steps == 0:
            return
        self.counted += 1
        if event.steps != self.steps + 1:
            self.mismatch(f"cycle {event.cycle}: step count went from {self.steps} to {event.steps}")
        self.steps = event.steps
        self.step_cycles.append(event.cycle)
        loss = self.cfg.deployment.loss
        for region in self.cfg.step_regions:
            seen, want = self._compare(event, region)
            self.losses.append((loss(self.steps, seen), loss(self.steps, want)))
        if self.steps in self.cfg.checkpoints:
            for region in self.cfg.weight_regions:
                self._compare(event, region)

    def counts(self) -> dict[str, int]:
        return {"training regions in DRAM": self.compared, "step counts": self.counted}

    def restart(self) -> None:
        """The job starts over from its first step."""
        self.steps, self.armed = 0, True

    def rest(self) -> None:
        """Steps do not count until the job is started over."""
        self.armed = False

    def compare_weights(self, cycle: int) -> None:
        """Compare the weights as they are after the last step; training must be at rest."""
        for region in self.cfg.weight_regions:
            self._compare(StepEvent(cycle, self.steps), region)

    def _read(self, region: str, step: int) -> bytes:
        """What stands in DRAM, by the back door."""
        ranges = self.cfg.deployment.ranges(region, step)
        return b"".join(self.dram.read(at + self.cfg.training_shift, size).tobytes() for at, size in ranges)

    def _compare(self, event: StepEvent, region: str) -> tuple[bytes, bytes]:
        """What was seen, and what it should be."""
        seen, want = self._read(region, event.steps), self.predictor.training(event.steps, region)
        self.compared += 1
        if seen != want:
            a, b = np.frombuffer(seen, np.uint8), np.frombuffer(want, np.uint8)
            where = np.flatnonzero(a != b) if a.size == b.size else np.array([min(a.size, b.size)])
            self.mismatch(
                f"cycle {event.cycle}: after step {event.steps} region {region} differs in {where.size} bytes, "
                f"first at offset {where[0]}"
            )
        return seen, want


class BatchPort(Named, uvm_subscriber):
    def write(self, item: BatchEvent) -> None:
        self.get_parent().batch(item)


class BatchRecorder(Scoreboard):
    """Keeps every batch that was dispatched, and checks its fill against the service's batch limit."""

    def build_phase(self):
        super().build_phase()
        self.batch_port = BatchPort("batch_port", self)
        self.batches: list[BatchEvent] = []
        self.limits = {n: s.batch for n, s in enumerate(self.cfg.deployment.image.services)}

    def batch(self, event: BatchEvent) -> None:
        self.batches.append(event)
        limit = self.limits.get(event.service)
        if limit is not None:
            self.compared += 1
            if not 1 <= event.rows <= limit:
                self.mismatch(f"cycle {event.cycle}: batch of {event.rows} rows, limit {limit}")


class AxiWatch(Scoreboard):
    """How many transfers the AXI checker of the HDL top has watched (what it finds ends the simulation)."""

    def count(self) -> None:
        """Read the checker's count; at the end of the run."""
        self.compared = int(self.cfg.dut.u_checker.transfers.value)

    def extract_phase(self):
        self.count()
