"""Sequences of requests: replay of an arrival schedule, and requests given one by one."""

from __future__ import annotations

import numpy as np
from pyuvm import ConfigDB, uvm_sequence

from equinox_core.deploy.deployment import Deployment
from equinox_core.isa.encoding import Status
from verif.agents.request_agent import RequestItem

_next_id = 0


def fresh_id() -> int:
    """A request id that was not used before in this simulation."""
    global _next_id
    _next_id += 1
    return _next_id & 0xFFFFFFFF


class ItemsSeq(uvm_sequence):
    """Sends given requests in order, each from its arrival cycle on."""

    def __init__(self, items: list[RequestItem]):
        super().__init__("items")
        self.items = items

    async def body(self):
        for item in self.items:
            await self.start_item(item)
            await self.finish_item(item)

    async def run(self) -> None:
        """Start on the request sequencer."""
        await self.start(ConfigDB().get(None, "", "REQUEST_SEQR"))


def good_request(
    deployment: Deployment, name: str, rng: np.random.Generator, legal: frozenset[Status] = frozenset({Status.OK})
) -> RequestItem:
    """A request that service ``name`` can answer: a random test image, offered at once."""
    tag = int(rng.integers(len(deployment.payloads[name])))
    return RequestItem(deployment.index[name], fresh_id(), deployment.payloads[name][tag], 0, tag, legal)


def bad_request(
    deployment: Deployment, service: int, lines: int, rng: np.random.Generator, status: Status
) -> RequestItem:
    """A request of ``lines`` random payload lines (0: a header alone) that must be answered with ``status``."""
    payload = rng.integers(0, 1 << 16, (lines, deployment.cfg.L), dtype=np.uint16)
    return RequestItem(service, fresh_id(), payload, 0, None, frozenset({status}))


class ReplaySeq(uvm_sequence):
    """Requests at given cycles (absolute), each for a service by name, with random test images as payload."""

    def __init__(self, deployment: Deployment, cycles: np.ndarray, services: list[str], rng: np.random.Generator):
        super().__init__("replay")
        self.deployment, self.cycles, self.services, self.rng = deployment, cycles, services, rng
        self.items: list[RequestItem] = []

    async def body(self):
        for cycle, name in zip(self.cycles, self.services, strict=True):
            data = self.deployment.payloads[name]
            tag = int(self.rng.integers(len(data)))
            item = RequestItem(self.deployment.index[name], fresh_id(), data[tag], int(cycle), tag)
            self.items.append(item)
            await self.start_item(item)
            await self.finish_item(item)

    async def run(self) -> None:
        """Start on the request sequencer."""
        await self.start(ConfigDB().get(None, "", "REQUEST_SEQR"))
