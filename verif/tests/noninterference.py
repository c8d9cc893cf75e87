"""The same requests in the same batches, to be run with and without training: writes every response's bits for
comparison.
"""

from __future__ import annotations

import json

from pyuvm import uvm_subscriber

from verif.agents.axis import now
from verif.agents.response_agent import Response
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

FILE = "responses.json"
WAVES = 16
TIMEOUT = 600  # cycles; longer than it takes to send a wave


class ResponseTap(uvm_subscriber):
    """Keeps service and payload of every response, by request id."""

    def build_phase(self):
        self.seen: dict[int, tuple[int, str]] = {}

    def write(self, rsp: Response) -> None:
        self.seen[rsp.request_id] = (rsp.service, rsp.payload.astype("<u2").tobytes().hex())


class NonInterference(EquinoxTest):
    """Waves of 1..N requests a service, each answered before the next comes, then full batches back to back.

    So batches are the same whatever the pace of the core; the file holds them, the responses and the training steps
    beside.
    """

    def build_phase(self):
        super().build_phase()
        self.tap = ResponseTap("tap", self)

    def connect_phase(self):
        self.env.responses.monitor.ap.connect(self.tap.analysis_export)

    async def body(self) -> None:
        await self.set_timeout(TIMEOUT)
        if self.scenario.train != "off":
            self.env_cfg.require("weight_board")
            await self.start_training()
        begin = now()
        for _ in range(WAVES):
            wave = [name for name in self.deployment.index for _ in range(int(self.rng.integers(1, self.cfg.N + 1)))]
            await self.send([good_request(self.deployment, name, self.rng) for name in wave])
        await self.send_good(list(self.deployment.index) * (2 * self.cfg.N))
        taken = now() - begin
        if self.scenario.train != "off":
            await self.wait_steps(1)
            await self.drain_training()
        batches = {
            name: [b.rows for b in self.env.batches.batches if b.service == n]
            for name, n in self.deployment.index.items()
        }
        steps = sum(begin <= cycle <= begin + taken for cycle in self.env.weight_board.step_cycles)
        report = {"batches": batches, "responses": self.tap.seen, "steps": steps, "cycles": taken}
        (self.run_dir / FILE).write_text(json.dumps(report), encoding="utf-8")
