"""Agent of the training job: commands to a training context through the registers, and its steps as events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pyuvm import ConfigDB, uvm_agent, uvm_analysis_port, uvm_component, uvm_driver, uvm_sequence_item, uvm_sequencer

from equinox_core.compiler.image import ContextSettings, Image
from equinox_core.hw.states import CtxState
from verif.agents.axis import cycles, now
from verif.agents.config import AgentConfig
from verif.agents.csr_agent import Csr
from verif.agents.named import Named

IDLE, ERROR = CtxState.IDLE, CtxState.ERROR
POLL = 200  # cycles between two looks at a context's state
PATIENCE = 5_000_000  # cycles until a wait counts as failed


class TrainCommand(Enum):
    """What a training context can be told."""

    START = "start"  # write the settings, run
    DRAIN = "drain"  # finish the furthest iteration, wait until idle
    KILL = "kill"  # stop at once, wait until idle
    CLEAR = "clear"  # leave the error state, wait until idle


class TrainItem(uvm_sequence_item):
    """One command to context ``ctx``; START needs ``image`` and ``settings``. ``state`` is the context's state
    afterwards.
    """

    def __init__(
        self, command: TrainCommand, ctx: int, image: Image | None = None, settings: ContextSettings | None = None
    ):
        super().__init__(f"train_{command.value}")
        self.command, self.ctx, self.image, self.settings = command, ctx, image, settings
        self.state: int | None = None


async def wait_state(csr: Csr, ctx: int, states: set[int], poll: int = POLL, limit: int = PATIENCE) -> int:
    """Poll a context's state until it is one of ``states``; returns it.

    Raises:
        TimeoutError: not within ``limit`` cycles.
    """
    state = None
    for _ in range(max(1, limit // poll)):
        state = (await csr.read(f"CTX[{ctx}].STATUS"))["state"]
        if state in states:
            return state
        await cycles(poll)
    legal = ", ".join(CtxState(s).name for s in sorted(states))
    raise TimeoutError(f"context {ctx} is in state {CtxState(state).name}, not in {legal}, after {limit} cycles")


class TrainDriver(Named, uvm_driver):
    """Turns commands into register accesses; reports each on ``done`` when it is carried out."""

    def build_phase(self):
        self.done = uvm_analysis_port("done", self)

    async def run_phase(self):
        csr = Csr()
        while True:
            item = await self.seq_item_port.get_next_item()
            if item.command is TrainCommand.START:
                for address, value in item.image.context_writes(item.ctx, item.settings):
                    await csr.write_raw(address, value)
            await csr.write(f"CTX[{item.ctx}].CMD", **{item.command.value: 1})
            if item.command is TrainCommand.START:
                item.state = (await csr.read(f"CTX[{item.ctx}].STATUS"))["state"]
            else:
                stop = {IDLE} if item.command is TrainCommand.CLEAR else {IDLE, ERROR}
                item.state = await wait_state(csr, item.ctx, stop)
            self.done.write(item)
            self.seq_item_port.item_done()


@dataclass
class StepEvent:
    """``steps`` training steps are done since the start."""

    cycle: int
    steps: int


class TrainMonitor(Named, uvm_component):
    """Reports each completed step, fed by the core's probe."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self):
        probe = AgentConfig.of(self).probe
        while True:
            await probe.steps.value_change
            self.ap.write(StepEvent(now(), int(probe.steps.value)))


class TrainAgent(Named, uvm_agent):
    """Sequencer, driver and monitor of the training job."""

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = TrainDriver.create("driver", self)
        self.monitor = TrainMonitor.create("monitor", self)
        ConfigDB().set(None, "*", "TRAIN_SEQR", self.sequencer)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
