"""Sequences of requests: replay of an arrival schedule, and a burst that measures capacity."""
from __future__ import annotations

import numpy as np
from pyuvm import ConfigDB, uvm_sequence

from verif.agents.request_agent import RequestItem
from verif.env.deployment import Deployment

_next_id = 0


def fresh_id() -> int:
    """A request id that was not used before in this simulation."""
    global _next_id
    _next_id += 1
    return _next_id & 0xFFFFFFFF


class ReplaySeq(uvm_sequence):
    """Requests at given cycles (absolute), each for a service by name, with random test images as payload."""

    def __init__(self, what: Deployment, cycles: np.ndarray, services: list[str], rng: np.random.Generator):
        super().__init__("replay")
        self.what, self.cycles, self.services, self.rng = what, cycles, services, rng
        self.items: list[RequestItem] = []

    async def body(self):
        for cycle, name in zip(self.cycles, self.services, strict=True):
            data = self.what.payloads[name]
            tag = int(self.rng.integers(len(data)))
            item = RequestItem(self.what.index[name], fresh_id(), data[tag], int(cycle), tag)
            self.items.append(item)
            await self.start_item(item)
            await self.finish_item(item)

    async def run(self) -> None:
        """Start on the request sequencer."""
        await self.start(ConfigDB().get(None, "", "REQUEST_SEQR"))
