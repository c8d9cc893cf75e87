"""A random case on the core: responses and DRAM against the functional core, and without random stalls every time
against the timing model.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from pyuvm import uvm_factory

from verif.agents.axis import cycles
from verif.agents.train_agent import IDLE
from verif.env.batch_reference import BatchPredictor
from verif.env.instructions import InstructionScoreboard
from verif.env.latency import LatencyScoreboard
from verif.env.predictor import Predictor
from verif.random.lower import NOT_RUN, RandomDeployment
from verif.sequences.random_program import RandomProgramVseq
from verif.tests.base import EquinoxTest


class RandomProgramTest(EquinoxTest):
    """Runs the case of a run folder; ``number``: which of those of ``EQX_RUN_DIRS``."""

    number = 0
    passed = 0  # cases that ran before this one, all of them good
    deployment: RandomDeployment

    def build_phase(self):
        if os.environ.get("EQX_STOP") == "1" and RandomProgramTest.passed < self.number:
            raise RuntimeError(NOT_RUN)
        super().build_phase()

    def final_phase(self):
        RandomProgramTest.passed += 1

    def find_run_dir(self) -> Path:
        return Path(os.environ["EQX_RUN_DIRS"].split(os.pathsep)[self.number])

    @property
    def patience(self) -> int:
        return self.deployment.patience

    @property
    def timed(self) -> bool:
        return self.deployment.case.timed

    def prepare(self) -> None:
        uvm_factory().set_type_override_by_type(Predictor, BatchPredictor)
        uvm_factory().set_type_override_by_type(LatencyScoreboard, InstructionScoreboard)
        self.env_cfg.watch_units = self.timed

    def connect_phase(self):
        self.env.units.monitor.batches.connect(self.env.predictor.batch_port.analysis_export)
        self.env.units.monitor.units.connect(self.env.latency_board.port("units"))

    async def boot(self) -> None:
        """The DRAM may hold what an earlier case of this simulation left: its contents are written anew."""
        image = self.deployment.image
        end = image.training_base + (image.work.size if image.work else 0)
        for at, size in [(0, end), *self.deployment.areas()]:
            data = np.zeros(-(-size // self.cfg.BUS) * self.cfg.BUS, np.uint8)
            part = image.dram[at : at + size]
            data[: part.size] = part
            self.dram.write(at, data)
        await super().boot()

    async def body(self) -> None:
        case = self.deployment.case
        for board in ("response_board", "batches"):
            self.env_cfg.require(board, bool(case.requests))
        match os.environ.get("EQX_TAMPER"):  # hangs that the bench makes, for the test that they are found
            case "memory":
                self.dut.u_dram.stall_pct.value = 100
            case "sink":
                self.dut.rsp_stall_pct.value = 100
        self.env_cfg.require("axi_watch", self.deployment.moves)
        vseq = RandomProgramVseq(self.deployment, self.send)
        await vseq.start()
        await cycles(200)
        if os.environ.get("EQX_TAMPER") == "completion":  # misled, for the comparison's own test
            units = self.env.latency_board.units
            units[len(units) // 2].cycle += 1
        if vseq.training is not None:
            self.expect("state at the end", vseq.training.state, IDLE)
        self.compare_memory()
        if self.timed and case.requests:
            self.env.coverage.causes(self.env.latency_board.causes())

    def compare_memory(self) -> None:
        """What programs may have written in DRAM: the training program's area, and those of the services."""
        image, case = self.deployment.image, self.deployment.case
        served = self.env.predictor.core
        trained = image.core()
        if case.training:
            trained.run_training(image.work.program, case.training.iters, image.training.iter_mod, image.training.bases)
        for at, size in self.deployment.areas():
            core = trained if image.work is not None and at == image.training_base else served
            seen, want = self.dram.read(at, size), core.mem.DRAM[at : at + size]
            wrong = np.flatnonzero(seen != want)
            if wrong.size:
                raise AssertionError(
                    f"memory: {wrong.size} bytes of DRAM differ, first at {at + wrong[0]:#x}: "
                    f"{seen[wrong[0]]:#x}, reference {want[wrong[0]]:#x}"
                )
            self.expected_things += 1
