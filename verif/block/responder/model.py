"""Cycle-exact reference of the responder, written from docs/scheduler.md."""

from __future__ import annotations

from dataclasses import dataclass, field

from equinox_core.hw.structs import HEADER
from equinox_core.isa.encoding import Status


@dataclass
class Batch:
    """A batch that a context holds."""

    svc: int
    status: int
    tx_lines: int
    ids: list[int]
    generation: int
    order: int  # when it was dispatched
    ready: bool = False

    def beats(self, ctx: int, row: int, n: int, lines: int, lanes: int) -> list[int]:
        """The beats of one response; ``n``, ``lines``, ``lanes``: rows a context, lines a row, lanes a line."""
        out = [HEADER.pack(id=self.ids[row], status=self.status, svc=self.svc)]
        for line in range(self.tx_lines if self.status == Status.OK else 0):
            addr = (ctx * n + row) * lines + line
            mixed = addr ^ self.generation * 40503 & 0xFFFF
            out.append(sum((mixed ^ lane * 257 & 0xFFFF) << 16 * lane for lane in range(lanes)))
        return out


@dataclass
class ResponderModel:
    """State between two cycles."""

    n: int
    lines: int
    lanes: int
    contexts: int
    stage: tuple[int, bool] | None = None  # (data, last) offered on the stream
    current: int | None = None
    row: int = 0
    beat: int = 0
    was_answer: bool = False
    served: int = -1
    held: dict[int, Batch] = field(default_factory=dict)  # batches that must be answered before later ones

    def eligible(self, c: int) -> bool:
        """Whether the batch of a context may be answered: it is ready and the oldest of its service."""
        batch = self.held.get(c)
        older = (b for b in self.held.values() if batch and b.svc == batch.svc and b.order < batch.order)
        return batch is not None and batch.ready and not any(older)

    def cycle(self, answer: int | None, ready: bool) -> dict:
        """One cycle; returns what is seen in it and leaves the state of the next."""
        out = {"stage": self.stage, "ans_ready": False, "done": None}
        room = self.stage is None or ready
        inside = self.beat != 0
        out["ans_ready"] = room and not inside and not (self.was_answer and self.current is not None)
        chosen = None
        if self.current is None:
            order = [(self.served + k) % self.contexts for k in range(1, self.contexts + 1)]
            chosen = next((c for c in (order if self.served >= 0 else range(self.contexts)) if self.eligible(c)), None)
        if room:
            self.stage = None
        if out["ans_ready"] and answer is not None:
            self.stage, self.was_answer = (answer, True), True
        elif room and self.current is not None:
            batch = self.held[self.current]
            beats = batch.beats(self.current, self.row, self.n, self.lines, self.lanes)
            last = self.beat == len(beats) - 1
            self.stage, self.was_answer = (beats[self.beat], last), False
            self.beat = 0 if last else self.beat + 1
            if last:
                self.row += 1
                if self.row == len(batch.ids):
                    out["done"] = self.current
                    del self.held[self.current]
                    self.current = None
        if chosen is not None:
            self.current, self.served, self.row = chosen, chosen, 0
        return out
