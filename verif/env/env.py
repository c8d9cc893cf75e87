"""The chip-level environment: agents, predictor, scoreboards."""

from __future__ import annotations

from pyuvm import uvm_env

from verif.agents.csr_agent import CsrAgent
from verif.agents.named import Named
from verif.agents.request_agent import RequestAgent
from verif.agents.response_agent import ResponseAgent
from verif.agents.train_agent import TrainAgent
from verif.agents.unit_agent import UnitAgent
from verif.env.coverage import FunctionalCoverage
from verif.env.hang import HangWatch
from verif.env.latency import LatencyScoreboard
from verif.env.predictor import Predictor
from verif.env.scoreboards import AxiWatch, BatchRecorder, ResponseScoreboard, Scoreboard, WeightScoreboard


class EquinoxEnv(Named, uvm_env):
    """Everything around the core, set up by :class:`~verif.env.config.EnvConfig`;
    tests replace parts through the factory.
    """

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
        self.response_board.predictor = self.weight_board.predictor = self.predictor
        self.coverage.latency_board = self.latency_board
        self.hang_watch.host = self.response_board
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

    @property
    def boards(self) -> list[Scoreboard]:
        """All scoreboards."""
        return [self.response_board, self.weight_board, self.batches, self.latency_board, self.axi_watch]

    def counts(self) -> dict[str, int]:
        """Check -> items compared, over all scoreboards; those that compared nothing are left out."""
        return {what: items for board in self.boards for what, items in board.counts().items() if items}
