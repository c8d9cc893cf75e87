"""Functional coverage of a chip-level test: samples covergroups from what the probe, the buses and the timing model
report.

The groups are in ``coverage_operating.py``, ``coverage_isa.py`` and ``coverage_timing.py``; a test that knows more
samples its own, with :class:`~verif.lib.covergroup.Covergroup`. Merged over runs by the coverage report (``make cov``).
"""

from __future__ import annotations

from pyuvm import uvm_component, uvm_subscriber

from equinox_core.csr_map import REGS
from equinox_core.deploy.scenario import POLICIES
from equinox_core.isa.encoding import Err, Status, Unit
from equinox_core.isa.program import Program
from verif.agents.csr_agent import CsrWrite
from verif.agents.named import Named
from verif.agents.response_agent import Response
from verif.agents.train_agent import IDLE, StepEvent, TrainCommand, TrainItem
from verif.agents.unit_agent import BatchEvent
from verif.env import coverage_isa as isa
from verif.env import coverage_operating as op
from verif.env import coverage_timing as timing
from verif.env.config import EnvConfig
from verif.env.latency import LatencyScoreboard
from verif.lib import coverage

POLICY = REGS["POLICY"][0]
_EVENTS = {TrainCommand.START: "started", TrainCommand.DRAIN: "drained", TrainCommand.KILL: "killed"}


def covergroups() -> coverage.Groups:
    """All groups with all their bins, none of them hit unless a test has run in this process."""
    made = (op.operating_cg(), op.response_cg(), op.training_cg(), op.error_cg(), isa.isa_cg(), timing.timing_cg())
    groups = coverage.cocotb_groups()
    return {group.name: groups[group.name] for group in made}


class _Port(Named, uvm_subscriber):
    def write(self, item) -> None:
        self.get_parent().sample(item)


class FunctionalCoverage(Named, uvm_component):
    """Samples batches, answers and training steps; programs count as executed when a batch of theirs is answered OK, or
    a step is done.

    What cannot be seen the configuration says: ``load`` and ``services``. ``latency_board`` knows the timeline.
    """

    def build_phase(self):
        self.port = _Port("port", self)
        self.cfg = EnvConfig.of(self)
        self.deployment, self.dut = self.cfg.deployment, self.cfg.dut
        self.latency_board: LatencyScoreboard | None = None
        self.operating, self.response, self.training = op.operating_cg(), op.response_cg(), op.training_cg()
        self.errors, self.isa, self.timing = op.error_cg(), isa.isa_cg(), timing.timing_cg()
        self.policy: str | None = None
        self.beside = False  # a batch was dispatched since the last step
        self.programs: dict[str, Program] = {}

    def sample(self, item: BatchEvent | Response | StepEvent | TrainItem | CsrWrite) -> None:
        """Take one event."""
        if isinstance(item, BatchEvent):
            self._batch(item)
        elif isinstance(item, Response):
            self.response.sample(
                cp_status=Status(item.status).name, cp_sink="stalls" if int(self.dut.rsp_stall_pct.value) else "ready"
            )
            if item.status == Status.OK:
                self.executed(self.deployment.image.installed[item.service].program)
        elif isinstance(item, TrainItem):
            self._command(item)
        elif isinstance(item, CsrWrite):
            if item.address == POLICY:
                self.policy = POLICIES[item.data] if item.data < len(POLICIES) else None
        elif item.steps and self.deployment.image.work is not None:
            self._step()

    def _step(self) -> None:
        shared = (
            self.policy if self.policy in POLICIES[1:] else None
        )  # a step can end just after the policy has changed
        self.training.sample(cp_event="step", cp_policy=shared, cp_beside=op.BESIDE[self.beside])
        self.beside = False
        self.executed(self.deployment.image.work.program)

    def _command(self, item: TrainItem) -> None:
        event = _EVENTS.get(item.command)
        if (
            event
            and item.ctx >= self.deployment.cfg.C_INF
            and (item.command is TrainCommand.START or item.state == IDLE)
        ):
            self.training.sample(cp_event=event)

    def _batch(self, event: BatchEvent) -> None:
        cfg, work = self.deployment.cfg, self.deployment.image.work
        values = op.batch_values(event, cfg.N, cfg.C_INF, work.program.phases[Unit.MMU] if work else [])
        values["cp_stalls"] = op.stalls_bin(int(self.dut.rsp_stall_pct.value), int(self.dut.u_dram.stall_pct.value))
        if self.cfg.load is not None:
            values["cp_load"] = op.load_band(self.cfg.load)
        if self.cfg.services:
            values["cp_mix"] = op.mix_bin(self.cfg.services)
        self.operating.sample(**values)
        self.beside = True

    def executed(self, program: Program) -> None:
        """A context ran a program (or one iteration of it)."""
        self.programs[program.name] = program

    def ended(self) -> None:
        """A training context was seen to have run to its end."""
        self.training.sample(cp_event="ran to its end")

    def error(self, ctx: int, cause: Err, unit: Unit) -> None:
        """A context was seen to have stopped with an error."""
        training = ctx >= self.deployment.cfg.C_INF
        self.errors.sample(cp_kind=op.KINDS[training], cp_cause=cause.name, cp_unit=unit.name)
        if training:
            self.training.sample(cp_event="stopped by an error")

    def causes(self, causes) -> None:
        """Cycles of requests' latency by cause, as the latency scoreboard finds them."""
        timing.sample_causes(self.timing, causes)

    def final_phase(self):
        for program in self.programs.values():
            isa.sample_program(self.isa, program)
        board = self.latency_board
        if self.cfg.timed and self.cfg.exact and board.timeline is not None:
            timing.sample_timeline(
                self.timing,
                board.timeline,
                self.deployment.cfg.C_INF,
                [s.batch for s in self.deployment.image.services],
            )
        coverage.dump(coverage.cocotb_groups())
