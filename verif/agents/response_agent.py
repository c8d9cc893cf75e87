"""Passive agent of the response stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyuvm import uvm_agent, uvm_analysis_port, uvm_component

from equinox_core.hw.structs import HEADER
from verif.agents.axis import AxisMonitor
from verif.agents.config import AgentConfig
from verif.agents.named import Named
from verif.agents.request_agent import unpack_lines


@dataclass
class Response:
    """One response: header fields, payload (uint16 [lines, L] of bf16) and the cycle of its last beat."""

    service: int
    request_id: int
    status: int
    payload: np.ndarray
    cycle: int


class ResponseMonitor(Named, uvm_component):
    """Decodes the response stream into :class:`Response`."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)

    def start_of_simulation_phase(self):
        cfg = AgentConfig.of(self)
        self.lanes = cfg.core.L
        self.bus = AxisMonitor(cfg.dut, "m", cfg.dut.clk, callback=self._packet)

    def _packet(self, packet: tuple[list[int], int]) -> None:
        beats, cycle = packet
        head = HEADER.unpack(beats[0])
        payload = unpack_lines(beats[1:], self.lanes) if len(beats) > 1 else np.zeros((0, self.lanes), np.uint16)
        self.ap.write(Response(head.svc, head.id, head.status, payload, cycle))


class ResponseAgent(Named, uvm_agent):
    """Monitor of the response stream; the sink's back-pressure is made in HDL (``rsp_stall_pct``)."""

    def build_phase(self):
        self.monitor = ResponseMonitor.create("monitor", self)
