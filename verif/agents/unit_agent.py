"""Passive agent on the core's insides, fed by its probe: batches, states of contexts, unit completions."""

from __future__ import annotations

from dataclasses import dataclass

import cocotb
from pyuvm import uvm_agent, uvm_analysis_port, uvm_component

from equinox_core.hw.structs import CTX_SEEN
from equinox_core.isa.encoding import Unit
from verif.agents.axis import now
from verif.agents.config import AgentConfig
from verif.agents.named import Named


@dataclass
class BatchEvent:
    """A batch was handed to an inference context; ``busy`` is the mask of contexts at work then, ``mode`` the
    scheduling mode.

    ``train`` and ``train_pc`` say what training did (``batch_train``, ``batch_train_pc`` of the probe).
    """

    cycle: int
    ctx: int
    service: int
    rows: int
    busy: int = 0
    mode: int = 0
    policy: int = 0
    train: int = 0
    train_pc: int = 0


@dataclass
class StateEvent:
    """A context's state is this from ``cycle`` on (``eqx_pkg::ctx_state_e``), with the cause and unit of its error."""

    cycle: int
    ctx: int
    state: int
    cause: int
    unit: int


@dataclass
class UnitEvent:
    """A unit completed an instruction of a context."""

    cycle: int
    unit: Unit
    ctx: int


class UnitMonitor(Named, uvm_component):
    """Wakes on the probe's events; ``units`` reports instruction completions only where ``watch_units`` is set."""

    def build_phase(self):
        self.batches = uvm_analysis_port("batches", self)
        self.states = uvm_analysis_port("states", self)
        self.units = uvm_analysis_port("units", self)

    async def run_phase(self):
        cfg = AgentConfig.of(self)
        probe = cfg.probe
        cocotb.start_soon(self._batches(probe))
        cocotb.start_soon(self._states(probe, cfg.core.CTX))
        if cfg.watch_units:
            probe.unit_probe.value = 1
            cocotb.start_soon(self._units(probe, cfg.core.CTX))

    async def _batches(self, probe):
        while True:
            await probe.batch_toggle.value_change
            values = (
                probe.batch_ctx,
                probe.batch_svc,
                probe.batch_rows,
                probe.batch_busy,
                probe.batch_mode,
                probe.batch_policy,
                probe.batch_train,
                probe.batch_train_pc,
            )
            self.batches.write(BatchEvent(now(), *(int(v.value) for v in values)))

    async def _states(self, probe, contexts: int):
        seen = [CTX_SEEN.unpack(0)] * contexts
        while True:
            await probe.state_toggle.value_change
            bits = int(probe.ctx_seen.value)
            for ctx, old in enumerate(seen):
                new = CTX_SEEN.unpack(bits >> CTX_SEEN.bits * ctx)
                seen[ctx] = new
                if new != old:
                    self.states.write(self.state(StateEvent(now(), ctx, new.state, new.err_cause, new.err_unit)))

    def state(self, event: StateEvent) -> StateEvent:
        """Hook: what is reported for a change of state."""
        return event

    async def _units(self, probe, contexts: int):
        while True:
            await probe.unit_toggle.value_change
            bits = int(probe.unit_done.value)
            for unit in Unit:
                for ctx in range(contexts):
                    if bits >> (unit * contexts + ctx) & 1:
                        self.units.write(UnitEvent(now(), unit, ctx))


class UnitAgent(Named, uvm_agent):
    """The passive agent that holds :class:`UnitMonitor`."""

    def build_phase(self):
        self.monitor = UnitMonitor.create("monitor", self)
