"""Faults of the training context: it alone stops, with the cause; inference goes on; cleared and repaired it trains
right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cocotb

from equinox_core.compiler.image import ContextSettings
from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, UNIT_OF_OP, Err, Instr, Op, Unit, encode
from equinox_core.isa.program import with_fields
from verif.agents.axis import cycles, now
from verif.agents.train_agent import ERROR, wait_state
from verif.sequences.boot import CommandSeq, PatchSeq, StartTrainingSeq
from verif.tests.base import EquinoxTest

ILLEGAL = 0x0  # one of the opcodes that mean nothing
BEYOND = 0xFFFF  # an address beyond every buffer


@dataclass
class Fault:
    """A way to break training: what to patch or set, and what the context must report."""

    name: str
    cause: Err
    unit: Unit
    word: Callable[[Instr], int] | None = None  # replaces one instruction of the unit's stream
    settings: Callable[[ContextSettings], ContextSettings] | None = None
    dram: tuple[int, int] | None = None  # range whose bursts fail


def op(code: int) -> Callable[[Instr], int]:
    return lambda ins: encode(ins) & ~0xF | code


def fields(**values: int) -> Callable[[Instr], int]:
    return lambda ins: encode(with_fields(ins, **values))


class TrainingErrors(EquinoxTest):
    """Every cause, in every unit that can raise it, each with requests in flight."""

    expects = True

    def faults(self) -> list[list[Fault]]:
        job, base = self.deployment.job, self.deployment.image.training_base
        in_dram = {"x": (base + job.x, base + job.x + 4), "error": (base + job.error, base + job.error + 4)}
        illegal = [Fault(f"opcode {ILLEGAL} in {u.name}", Err.ILLEGAL_OP, u, op(ILLEGAL)) for u in Unit]
        illegal += [
            Fault(f"{o.name} in {u.name}", Err.ILLEGAL_OP, u, op(o))
            for o, u in ((Op.VECTOR, Unit.MMU), (Op.LOAD, Unit.ST))
        ]
        operand = [
            Fault("MATMUL line beyond ACC", Err.OPERAND, Unit.MMU, fields(c_base=BEYOND)),
            Fault("MATMUL of no rows", Err.OPERAND, Unit.MMU, fields(rows=0)),
            Fault("MATMUL with a batch's rows", Err.OPERAND, Unit.MMU, fields(dyn_rows=1)),
            Fault("VECTOR of no lines", Err.OPERAND, Unit.VPU, fields(cnt_o=0)),
            Fault("VECTOR operand beyond VEC", Err.OPERAND, Unit.VPU, fields(a_sp=1, a_base=BEYOND)),
            Fault("LOAD beyond its buffer", Err.OPERAND, Unit.LD, fields(l_base=BEYOND)),
            Fault("LOAD from an odd address", Err.OPERAND, Unit.LD, fields(d_base=1)),
            Fault("STORE beyond its buffer", Err.OPERAND, Unit.ST, fields(l_base=BEYOND)),
        ]
        memory = [
            Fault("read error", Err.DMA_RESP, Unit.LD, dram=in_dram["x"]),
            Fault("write error", Err.DMA_RESP, Unit.ST, dram=in_dram["error"]),
            Fault("read beyond the memory", Err.DMA_RESP, Unit.LD, fields(d_base=self.cfg.BYTES)),
            Fault("stream beyond the instruction memory", Err.PC_RANGE, Unit.ST, settings=self._far_stream),
            Fault(
                "semaphores full",
                Err.SEM_OVERFLOW,
                Unit.LD,
                settings=lambda s: replace(s, sem_init=(SEM_MAX,) * SEMAPHORES),
            ),
        ]
        return [illegal, operand, memory]

    def _far_stream(self, settings: ContextSettings) -> ContextSettings:
        return replace(settings, pc=(*settings.pc[:3], self.cfg.IMEM_DEPTH))

    async def body(self) -> None:
        await self.set_timeout(400)
        await self.csr.write("IRQ_STATUS", value=0x1F)
        await self.csr.write("IRQ_ENABLE", ctx_err=1)
        self.env_cfg.require("weight_board")
        for group in self.faults():
            for fault in group:
                await self.stop_by(fault)
            await self.train_right()

    async def stop_by(self, fault: Fault) -> None:
        """Start training with the fault while requests are served; check what is reported, clear, repair."""
        serving = cocotb.start_soon(
            self.send_good([str(n) for n in self.rng.choice(list(self.deployment.index), 3 * self.cfg.N)])
        )
        place = await self._break(fault)
        self.env.weight_board.rest()
        settings = fault.settings(self.deployment.image.training) if fault.settings else self.deployment.image.training
        await StartTrainingSeq(self.deployment.image, settings).start()
        await wait_state(self.csr, self.ctx, {ERROR})
        self.logger.info(f"cycle {now()}: {fault.name} ({fault.cause.name}, {fault.unit.name})")
        status = await self.csr.read(f"CTX[{self.ctx}].STATUS")
        self.expect(f"{fault.name}: cause", Err(status["err_cause"]), fault.cause)
        if fault.cause != Err.SEM_OVERFLOW:  # whose signal is one too many is a matter of time
            self.expect(f"{fault.name}: unit", Unit(status["err_unit"]), fault.unit)
        self.env.coverage.error(self.ctx, Err(status["err_cause"]), Unit(status["err_unit"]))
        self.expect(f"{fault.name}: sticky", (await self.csr.read("IRQ_STATUS"))["ctx_err"], 1)
        self.expect(f"{fault.name}: interrupt", int(self.dut.irq.value), 1)
        for ctx in range(self.cfg.C_INF):
            self.expect(
                f"{fault.name}: cause in context {ctx}", (await self.csr.read(f"CTX[{ctx}].STATUS"))["err_cause"], 0
            )
        await self.csr.write(f"CTX[{self.ctx}].CMD", start=1)  # must not start
        await self.csr.write(f"CTX[{self.ctx}].CMD", drain=1, kill=1)
        await cycles(100)
        self.expect(f"{fault.name}: still stopped", await self.csr.read(f"CTX[{self.ctx}].STATUS"), status)
        await CommandSeq(self.ctx, "clear").start()
        self.expect(f"{fault.name}: cleared", await self.csr.read(f"CTX[{self.ctx}].STATUS"), dict.fromkeys(status, 0))
        await self.csr.write("IRQ_STATUS", ctx_err=1)
        self.dram_errors()
        if place:
            await PatchSeq(*place, self.deployment.image.imem[place[0]][place[1]]).start()
        await serving

    async def _break(self, fault: Fault) -> tuple[Unit, int] | None:
        """Plant a fault; returns which instruction was replaced."""
        if fault.dram:
            self.dram_errors(*fault.dram)
        if not fault.word:
            return None
        stream = self.deployment.job.program.streams[fault.unit]
        real = [n for n, ins in enumerate(stream) if UNIT_OF_OP.get(ins.op) == fault.unit]
        at = int(self.rng.choice(real))
        place = fault.unit, self.deployment.image.training.pc[fault.unit] + at
        await PatchSeq(*place, fault.word(stream[at])).start()
        return place

    async def train_right(self) -> None:
        """From the first weights on, with requests beside: two steps, then drained; all equal to the reference."""
        board = self.env.weight_board
        self.restore_weights()
        self.env_cfg.checkpoints = {1, 2}
        before = board.compared
        serving = cocotb.start_soon(self.send_good(list(self.deployment.index) * self.cfg.N))
        await self.start_training()
        await self.wait_steps(2)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())
        self.expect("repaired training compared", board.compared - before >= 5, True)
        await serving
