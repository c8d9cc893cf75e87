"""Base of all chip-level tests: compiles the scenario, builds the environment, boots the core."""
from __future__ import annotations

import os
import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import Event
from pyuvm import ConfigDB, uvm_test

from verif.agents.axis import now
from verif.agents.csr_agent import Csr
from verif.env.deployment import Deployment
from verif.env.env import EquinoxEnv
from verif.env.scenario import POLICIES
from verif.sequences.boot import BootSeq, DrainTrainingSeq, StartTrainingSeq, reset
from verif.sequences.replay import ReplaySeq


class EquinoxTest(uvm_test):
    """Runs ``body()`` between boot and the scoreboards' checks. ``EQX_RUN_DIR`` names the run's folder.

    Subclasses write ``body``.
    """

    def build_phase(self):
        self.run_dir = Path(os.environ["EQX_RUN_DIR"])
        self.what = Deployment.load(self.run_dir)
        self.scenario = self.what.scenario
        self.rng = np.random.default_rng(cocotb.RANDOM_SEED)
        self.cfg = self.what.cfg
        self.dut = cocotb.top
        for key, value in (("DUT", self.dut), ("CONFIG", self.cfg), ("DEPLOYMENT", self.what), ("RUN_DIR", self.run_dir)):
            ConfigDB().set(None, "*", key, value)
        self.prepare()
        self.env = EquinoxEnv.create("env", self)

    def prepare(self) -> None:
        """Hook before the environment is built: factory overrides, ConfigDB settings."""

    async def run_phase(self):
        self.raise_objection()
        try:
            await self.boot()
            await self.body()
        finally:
            self.env.predictor.reference.close()
            self.drop_objection()

    async def boot(self) -> None:
        """Reset, stalls, DRAM image, instruction memories, boot program."""
        self.dut.rsp_stall_pct.value = self.scenario.rsp_stall
        self.dut.u_dram.stall_seed.value = self.scenario.seed + 1
        self.dut.u_dram.stall_pct.value = self.scenario.dram_stall
        await reset(self.dut)
        self.csr = Csr()
        self.ctx = self.cfg.C_INF  # the training context
        started = time.monotonic()
        await BootSeq(self.what.image, POLICIES.index(self.scenario.policy)).start()
        self.logger.info(f"booted at cycle {now()}, {time.monotonic() - started:.1f} s")

    async def body(self) -> None:
        raise TypeError(f"{type(self).__name__} has no body")

    async def start_training(self) -> None:
        """Start the training job; it runs until drained."""
        self.env.weight_board.armed = True
        await StartTrainingSeq(self.what.image, self.what.image.training).start()

    async def drain_training(self) -> None:
        """Stop it after the iteration under way."""
        await DrainTrainingSeq(self.ctx).start()

    async def serve(self, cycles, services: list[str]) -> list:
        """Replay requests and wait until all are answered; returns their :class:`Served` records, in order of answer."""
        board = self.env.response_board
        first, total, done = len(board.served), len(cycles), Event()

        def count(_served) -> None:
            if len(board.served) - first == total:
                done.set()

        board.on_served.append(count)
        await ReplaySeq(self.what, cycles, services, self.rng).run()
        await done.wait()
        board.on_served.remove(count)
        return board.served[first:]

    async def measure_capacity(self, service: str, batches: int = 8) -> tuple[float, int]:
        """Requests per cycle at full load, and the latency of a full batch in an idle core (cycles)."""
        alone = await self.serve([now()] * self.cfg.N, [service] * self.cfg.N)
        batch_latency = alone[-1].done - alone[0].arrival
        served = await self.serve([now()] * (batches * self.cfg.N), [service] * (batches * self.cfg.N))
        skip = 2 * self.cfg.N  # both contexts' first batches fill the pipeline
        return (len(served) - skip) / (served[-1].done - served[skip - 1].done), batch_latency
