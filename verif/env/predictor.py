"""Predicts what the core must produce: the response to each request, and the training's memory after each step."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_component

from verif.agents.named import Named
from verif.agents.request_agent import RequestItem
from verif.env.config import EnvConfig
from verif.env.reference import Reference


class Predictor(Named, uvm_component):
    """Asks the reference, which computes ahead in a process of its own; tests replace it through the factory."""

    def start_of_simulation_phase(self):
        cfg = EnvConfig.of(self)
        deployment = cfg.deployment
        self.names = {n: name for name, n in deployment.index.items()}
        self.reference = Reference(cfg.run_dir, deployment.tx_shapes, deployment.region_sizes)

    def response(self, item: RequestItem) -> np.ndarray:
        """uint16 [tx_lines, L] for a request whose tag is a payload's index."""
        return self.reference.responses(self.names[item.service], item.tag)

    def training(self, step: int, region: str) -> bytes:
        """A DRAM region's bytes after a step."""
        return self.reference.training(step, region)

    def close(self) -> None:
        """End what runs beside the simulation."""
        self.reference.close()
