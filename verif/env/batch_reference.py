"""The reference for programs whose responses depend on the batch they come in: it runs each batch as the core formed
it.
"""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_subscriber

from equinox_core.core import Core
from verif.agents.named import Named
from verif.agents.request_agent import RequestItem
from verif.agents.unit_agent import BatchEvent
from verif.env.config import EnvConfig
from verif.env.predictor import Predictor


class _BatchPort(Named, uvm_subscriber):
    def write(self, item: BatchEvent) -> None:
        self.get_parent().batches.setdefault(item.service, []).append(item)


class BatchPredictor(Predictor):
    """Runs each batch itself. Requests of a service are served in order, so the batches seen say who was in which.

    A request's tag is its number among those of its service, and its payload's index. ``core`` is the functional core
    that ran them.
    """

    def build_phase(self):
        self.batch_port = _BatchPort("batch_port", self)
        self.batches: dict[int, list[BatchEvent]] = {}
        self.done: dict[int, list[np.ndarray]] = {}  # responses of each service, in order

    def start_of_simulation_phase(self):
        self.deployment = EnvConfig.of(self).deployment
        self.core: Core = self.deployment.image.core()

    def response(self, item: RequestItem) -> np.ndarray:
        """uint16 [tx_lines, L] of a request whose batch has been dispatched."""
        rows = self.done.setdefault(item.service, [])
        while len(rows) <= item.tag:
            batches = self.batches.get(item.service, [])
            if not batches:
                raise RuntimeError(
                    f"request {item.request_id} of service {item.service} was answered, but is in no batch"
                )
            batch = batches.pop(0)
            payloads = self.deployment.payloads[self.deployment.image.installed[item.service].name]
            rows += list(
                self.deployment.image.run_inference(
                    self.core, item.service, payloads[len(rows) : len(rows) + batch.rows], batch.ctx
                )
            )
        return rows[item.tag]

    def training(self, step: int, region: str) -> bytes:
        raise NotImplementedError("memory is compared at the end")

    def close(self) -> None:
        """Nothing runs beside the simulation."""
