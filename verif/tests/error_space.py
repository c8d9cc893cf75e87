"""Every cause of an error in every unit that can raise it, in both kinds of context: the context alone stops, and says
why.
"""

from __future__ import annotations

from dataclasses import replace

import cocotb

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Err, Instr, LdDst, Op, Status, StSrc, Unit, encode, make
from equinox_core.isa.program import Program
from verif.agents.axis import cycles
from verif.agents.train_agent import ERROR, IDLE, wait_state
from verif.sequences.boot import CommandSeq, PatchSeq, StartTrainingSeq
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

SPARE = 300  # instructions from here on belong to no program
SLOW_SINK = 30  # percent of cycles, for half of the units
BEYOND = 0xFFFF  # an address beyond every buffer
CAUSES = [e for e in Err if e not in (Err.NONE, Err.DMA_TIMEOUT)]  # for a memory that does not answer: faults/dram.py
OPS = {Unit.MMU: Op.MATMUL, Unit.VPU: Op.VECTOR, Unit.LD: Op.LOAD, Unit.ST: Op.STORE}
OPERAND = {  # operands that no unit accepts
    Unit.MMU: {"rows": 1, "n_g": 1, "n_k": 0},
    Unit.VPU: {"cnt_o": 1, "cnt_i": 0},
    Unit.LD: {"sp": LdDst.ACTD, "n_o": 1, "len": 1, "l_base": BEYOND},
    Unit.ST: {"sp": StSrc.SOB, "n_o": 1, "len": 1, "l_base": BEYOND},
}


class ErrorSpace(EquinoxTest):
    """A context of each kind runs streams of one unit alone, each with one fault,
    while another service is asked for.
    """

    timed = False  # the sink stalls at times

    async def body(self) -> None:
        await self.set_timeout(200)
        self.good, self.bad = list(self.deployment.index)
        index = self.deployment.index[self.bad]
        setting = self.deployment.image.services[index]
        for unit in Unit:
            self.dut.rsp_stall_pct.value = SLOW_SINK * (unit in (Unit.LD, Unit.ST))
            for cause in CAUSES:
                if cause == Err.DMA_RESP and unit in (Unit.MMU, Unit.VPU):
                    continue
                at = await self.plant(unit, cause)
                await self.stop_training(unit, cause, at)
                await self.stop_inference(index, unit, cause, at)
        self.dut.rsp_stall_pct.value = 0
        await self.csr.write(f"SVC[{index}].PC0", mmu=setting.pc[Unit.MMU], vpu=setting.pc[Unit.VPU])
        await self.csr.write(f"SVC[{index}].PC1", ld=setting.pc[Unit.LD], st=setting.pc[Unit.ST])
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=setting.pc_valid)
        await self.send_good([self.good, self.bad] * self.cfg.N)

    def faulty(self, unit: Unit, cause: Err) -> list[Instr]:
        """A stream that must stop its context with a cause."""
        if cause == Err.SEM_OVERFLOW:
            return [make(Op.NOP, signal=1 << SEMAPHORES - 1)] * (SEM_MAX + 1)
        if cause == Err.DMA_RESP:
            space = LdDst.ACTD if unit == Unit.LD else StSrc.SOB
            return [make(OPS[unit], sp=space, n_o=1, len=1, d_base=self.cfg.BYTES)]
        return [make(OPS[unit], **OPERAND[unit])]

    async def plant(self, unit: Unit, cause: Err) -> int:
        """Write a faulty stream into the unit's memory; returns its first instruction."""
        if cause == Err.PC_RANGE:
            return self.cfg.IMEM_DEPTH
        program = Program(streams={u: self.faulty(unit, cause) if u == unit else [] for u in Unit}).set_last()
        for n, ins in enumerate(program.streams[unit]):
            word = encode(ins) & ~0xF if cause == Err.ILLEGAL_OP else encode(ins)
            await PatchSeq(unit, SPARE + n, word).start()
        return SPARE

    async def report(self, ctx: int, cause: Err, unit: Unit) -> None:
        """The context is in the error state and says why; clear it."""
        status = await self.csr.read(f"CTX[{ctx}].STATUS")
        self.expect(
            f"context {ctx}",
            (status["state"], Err(status["err_cause"]), Unit(status["err_unit"])),
            (ERROR, cause, unit),
        )
        self.env.coverage.error(ctx, cause, unit)
        await CommandSeq(ctx, "clear").start()

    async def stop_training(self, unit: Unit, cause: Err, at: int) -> None:
        """A training context that runs the stream, with requests beside."""
        self.env.weight_board.rest()
        serving = cocotb.start_soon(self.send_good([self.good] * 2))
        pc = tuple(at if u == unit else 0 for u in Unit)
        settings = replace(
            self.deployment.image.training, pc=pc, pc_valid=1 << unit, sem_init=(0,) * SEMAPHORES, iters=1
        )
        await StartTrainingSeq(self.deployment.image, settings).start()
        await wait_state(self.csr, self.ctx, {ERROR})
        await self.report(self.ctx, cause, unit)
        await serving

    async def stop_inference(self, index: int, unit: Unit, cause: Err, at: int) -> None:
        """A service that is only this stream: a batch of it is answered CTX_ERROR, and its context alone stops."""
        pc = {u: at if u == unit else 0 for u in Unit}
        await self.csr.write(f"SVC[{index}].PC0", mmu=pc[Unit.MMU], vpu=pc[Unit.VPU])
        await self.csr.write(f"SVC[{index}].PC1", ld=pc[Unit.LD], st=pc[Unit.ST])
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=1 << unit)
        bad = [
            good_request(self.deployment, self.bad, self.rng, frozenset({Status.CTX_ERROR})) for _ in range(self.cfg.N)
        ]
        await self.send([*bad, good_request(self.deployment, self.good, self.rng)])
        await cycles(100)
        states = [(await self.csr.read(f"CTX[{c}].STATUS"))["state"] for c in range(self.cfg.C_INF)]
        self.expect("states after a faulty batch", sorted(states), [IDLE] * (self.cfg.C_INF - 1) + [ERROR])
        await self.report(states.index(ERROR), cause, unit)
