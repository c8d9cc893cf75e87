"""The chip-level environment: agents, predictor, scoreboards."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pyuvm import ConfigDB, uvm_component, uvm_env

from equinox_core.deploy.deployment import Deployment
from equinox_core.deploy.predict import earliest_response
from verif.agents.csr_agent import CsrAgent
from verif.agents.request_agent import RequestAgent, RequestItem
from verif.agents.response_agent import ResponseAgent
from verif.agents.train_agent import TrainAgent
from verif.agents.unit_agent import UnitAgent
from verif.env.coverage import FunctionalCoverage
from verif.env.hang import HangWatch
from verif.env.latency import LatencyScoreboard
from verif.env.reference import Reference
from verif.env.scoreboards import AxiWatch, BatchRecorder, ResponseScoreboard, Scoreboard, WeightScoreboard
from verif.lib.dram import DramBackdoor


class Predictor(uvm_component):
    """Runs the reference (in a process of its own) and answers what the core must produce."""

    def start_of_simulation_phase(self):
        self.what: Deployment = ConfigDB().get(self, "", "DEPLOYMENT")
        run_dir: Path = ConfigDB().get(self, "", "RUN_DIR")
        self.names = {n: name for name, n in self.what.index.items()}
        self.reference = Reference(run_dir, self.what.tx_shapes, self.what.region_sizes)

    def response(self, item: RequestItem):
        """uint16 [tx_lines, L] for a request whose tag is a payload's index."""
        return self.reference.responses(self.names[item.service], item.tag)

    def training(self, step: int, region: str) -> bytes:
        """A DRAM region's bytes after a step."""
        return self.reference.training(step, region)


class EquinoxEnv(uvm_env):
    """Everything around the core; tests replace parts through the factory."""

    def build_phase(self):
        self.requests = RequestAgent.create("requests", self)
        self.responses = ResponseAgent.create("responses", self)
        self.csrs = CsrAgent.create("csrs", self)
        self.training = TrainAgent.create("training", self)
        self.units = UnitAgent.create("units", self)
        self.predictor = Predictor.create("predictor", self)
        self.response_board = ResponseScoreboard.create("response_board", self)
        self.weight_board = WeightScoreboard.create("weight_board", self)
        self.batches = BatchRecorder.create("batches", self)
        self.latency_board = LatencyScoreboard.create("latency_board", self)
        self.axi_watch = AxiWatch.create("axi_watch", self)
        self.coverage = FunctionalCoverage.create("coverage", self)
        self.hang_watch = HangWatch.create("hang_watch", self)

    def connect_phase(self):
        self.requests.driver.offered.connect(self.response_board.offered_port.analysis_export)
        self.responses.monitor.ap.connect(self.response_board.response_port.analysis_export)
        self.training.monitor.ap.connect(self.weight_board.step_port.analysis_export)
        self.units.monitor.batches.connect(self.batches.batch_port.analysis_export)
        for port, name in (
            (self.csrs.writes.ap, "writes"),
            (self.requests.driver.offered, "offered"),
            (self.requests.monitor.ap, "sent"),
            (self.responses.monitor.ap, "answers"),
            (self.training.monitor.ap, "steps"),
            (self.units.monitor.batches, "batches"),
            (self.units.monitor.states, "states"),
        ):
            port.connect(self.latency_board.port(name))
        for port in (
            self.responses.monitor.ap,
            self.training.monitor.ap,
            self.training.driver.done,
            self.units.monitor.batches,
            self.csrs.writes.ap,
        ):
            port.connect(self.coverage.port.analysis_export)

    def end_of_elaboration_phase(self):
        what: Deployment = ConfigDB().get(self, "", "DEPLOYMENT")
        ConfigDB().set(None, "*", "LATENCY_BOARD", self.latency_board)
        self.latency_board.config = what.cfg
        self.latency_board.timed = ConfigDB().get(self, "", "TIMED")
        self.latency_board.exact = not (what.scenario.rsp_stall or what.scenario.dram_stall)
        self.latency_board.earliest = cache(lambda service, rows: earliest_response(what, service, rows))
        dut = ConfigDB().get(self, "", "DUT")
        self.latency_board.held = lambda: int(dut.rsp_held.value) + int(dut.u_dram.held.value)
        self.axi_watch.transfers = lambda: int(dut.u_checker.transfers.value)
        self.response_board.expected = self.predictor.response
        self.hang_watch.position = self._position
        board = self.weight_board
        board.required = False
        self.batches.limits = {n: s.batch for n, s in enumerate(what.image.services)}
        if what.job is not None:
            dram = DramBackdoor(ConfigDB().get(self, "", "DUT").u_dram)
            board.read = lambda region, step: b"".join(dram.read(a, n).tobytes() for a, n in what.ranges(region, step))
            board.reference = self.predictor.training
            board.loss = what.loss
            board.step_regions, board.weight_regions = ("errors",), ("weights",)

    def _position(self) -> str:
        """How far the host has come with its requests."""
        board = self.response_board
        oldest = next(iter(board.outstanding.values()), None)
        text = f"{len(board.served) + len(board.outstanding)} requests offered, {len(board.served)} answered"
        return (
            text
            if oldest is None
            else f"{text}, the oldest outstanding is request {oldest.request_id}, offered in cycle {oldest.offered}"
        )

    @property
    def boards(self) -> list[Scoreboard]:
        """All scoreboards."""
        return [self.response_board, self.weight_board, self.batches, self.latency_board, self.axi_watch]

    def counts(self) -> dict[str, int]:
        """Check -> items compared, over all scoreboards; those that compared nothing are left out."""
        return {what: items for board in self.boards for what, items in board.counts().items() if items}
