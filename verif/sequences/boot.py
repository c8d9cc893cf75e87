"""Sequences that bring the core up and steer its contexts, all through the registers."""

from __future__ import annotations

from cocotb.triggers import ClockCycles, Timer
from pyuvm import ConfigDB, uvm_sequence

from equinox_core.compiler.image import ContextSettings, Image
from equinox_core.hw.coded import label
from equinox_core.hw.modes import Policy
from equinox_core.hw.states import Perf, Unit
from equinox_core.isa.program import words32
from verif.agents.csr_agent import Csr
from verif.agents.train_agent import ERROR, IDLE, TrainCommand, TrainItem, wait_state


async def reset(dut) -> None:
    """Drive reset 1 → 0 → 1 (held low from time 0 there would be no edge)."""
    dut.rst_n.value = 1
    await Timer(3, "ns")
    dut.rst_n.value = 0
    await Timer(40, "ns")
    dut.rst_n.value = 1
    await ClockCycles(dut.clk, 2)


class BootSeq(uvm_sequence):
    """Writes instruction memories and settings, runs the boot program, opens the intake."""

    def __init__(self, image: Image, policy: int, reject: bool = False):
        super().__init__("boot")
        self.image, self.policy, self.reject = image, policy, reject

    async def body(self):
        csr, ctx = Csr(), self.image.cfg.C_INF
        for address, value in self.image.setup_writes():
            await csr.write_raw(address, value)
        await csr.write("POLICY", policy=Policy.PRIORITY)
        await csr.write(f"CTX[{ctx}].CMD", start=1)
        state = await wait_state(csr, ctx, {IDLE, ERROR})
        if state != IDLE:
            raise AssertionError(f"boot program failed: {await csr.read(f'CTX[{ctx}].STATUS')}")
        await csr.write("POLICY", policy=self.policy)
        await csr.write("CTRL", accept_en=1, reject_mode=int(self.reject))


class _CommandItem(uvm_sequence):
    def __init__(self, item: TrainItem):
        super().__init__(item.get_name())
        self.item = item

    async def body(self):
        await self.start_item(self.item)
        await self.finish_item(self.item)


async def command(item: TrainItem) -> TrainItem:
    """Hand a command to the training agent; returns the item when it is carried out."""
    await _CommandItem(item).start(ConfigDB().get(None, "", "TRAIN_SEQR"))
    return item


class StartTrainingSeq(uvm_sequence):
    """Sets a training context and starts it."""

    def __init__(self, image: Image, settings: ContextSettings):
        super().__init__("start_training")
        self.image, self.settings = image, settings

    async def body(self):
        await command(TrainItem(TrainCommand.START, self.image.cfg.C_INF, self.image, self.settings))


class DrainTrainingSeq(uvm_sequence):
    """Lets the furthest iteration finish and waits until the context is idle."""

    def __init__(self, ctx: int):
        super().__init__("drain_training")
        self.ctx = ctx

    async def body(self):
        item = await command(TrainItem(TrainCommand.DRAIN, self.ctx))
        if item.state != IDLE:
            raise AssertionError(f"training stopped with an error: {await Csr().read(f'CTX[{self.ctx}].STATUS')}")


class PatchSeq(uvm_sequence):
    """Overwrites one instruction of a unit's memory."""

    def __init__(self, unit: int, index: int, word: int):
        super().__init__("patch")
        self.unit, self.index, self.word = unit, index, word

    async def body(self):
        csr = Csr()
        await csr.write("IMEM_ADDR", index=self.index, unit=self.unit)
        for part in words32(self.word):
            await csr.write("IMEM_DATA", part)


class CommandSeq(uvm_sequence):
    """Gives a context a command (``kill``, ``clear``) and waits until it is idle."""

    def __init__(self, ctx: int, command: str):
        super().__init__(command)
        self.ctx, self.command = ctx, command

    async def body(self):
        item = await command(TrainItem(TrainCommand(self.command), self.ctx))
        if item.state != IDLE:
            raise AssertionError(
                f"context {self.ctx} stopped with an error: {await Csr().read(f'CTX[{self.ctx}].STATUS')}"
            )


CAUSES = {int(index): label(index) for index in Perf if index is not Perf.ALL}


class PerfSeq(uvm_sequence):
    """Starts the counters from zero, or (``start=False``) stops and reads them into ``units`` and ``cycles``."""

    def __init__(self, start: bool, c_inf: int = 2, ctx: int = 3):
        super().__init__("perf")
        self.start_counting, self.c_inf, self.ctx = start, c_inf, ctx
        self.units: dict[str, dict[str, int]] = {}
        self.counts: dict[tuple[str, int], int] = {}  # by unit and PERF_SEL.index
        self.cycles = 0

    async def body(self):
        csr = Csr()
        if self.start_counting:
            await csr.write("PERF_CTRL", enable=0, clear=1)
            await csr.write("PERF_CTRL", enable=1)
            return
        await csr.write("PERF_CTRL", enable=0)
        for unit in Unit:
            split = dict.fromkeys(("inference", "training", *CAUSES.values()), 0)
            for index in [*range(self.ctx), *CAUSES]:
                cause = CAUSES.get(index, "inference" if index < self.c_inf else "training")
                self.counts[unit.name, index] = await self._read(csr, unit, index)
                split[cause] += self.counts[unit.name, index]
            self.units[unit.name] = split
        self.cycles = await self._read(csr, Unit.MMU, Perf.ALL)
        self.counts |= {(unit.name, int(Perf.ALL)): self.cycles for unit in Unit}

    async def _read(self, csr: Csr, unit: int, index: int) -> int:
        await csr.write("PERF_SEL", index=index, unit=unit)
        return (await csr.read("PERF_LO"))["value"] | (await csr.read("PERF_HI"))["value"] << 32
