"""A service whose program is faulty: its requests are answered CTX_ERROR, the other service's as ever."""

from __future__ import annotations

import cocotb

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Err, LdDst, Op, Status, StSrc, Unit, encode, make
from equinox_core.isa.program import Program, with_fields
from verif.agents.axis import cycles
from verif.agents.train_agent import ERROR, IDLE
from verif.sequences.boot import CommandSeq, PatchSeq
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

BROKEN = frozenset({Status.CTX_ERROR})
SPARE = 300  # instructions from here on belong to no program
EITHER = frozenset({Status.OK, Status.CTX_ERROR})


class ServiceErrors(EquinoxTest):
    """Breaks each service in turn while both are asked for, and kills contexts."""

    expects = True

    async def body(self) -> None:
        await self.set_timeout(400)
        self.reports: set[tuple[Err, Unit]] = set()
        self.clearing = True
        janitor = cocotb.start_soon(self.clear_errors())
        for name in self.deployment.index:
            for unit in (Unit.MMU, Unit.VPU):
                await self.broken(name, unit, Err.ILLEGAL_OP)
                await self.broken(name, unit, Err.OPERAND)
            await self.send_good(list(self.deployment.index) * self.cfg.N)
        await self.side_streams()
        self.clearing = False
        await janitor
        await self.killed()

    async def clear_errors(self) -> None:
        """What a driver does: looks for stopped contexts, notes why, clears them."""
        while self.clearing:
            for ctx in range(self.cfg.C_INF):
                status = await self.csr.read(f"CTX[{ctx}].STATUS")
                if status["state"] == ERROR:
                    self.reports.add((Err(status["err_cause"]), Unit(status["err_unit"])))
                    self.env.coverage.error(ctx, Err(status["err_cause"]), Unit(status["err_unit"]))
                    await CommandSeq(ctx, "clear").start()
            await cycles(50)

    async def serve_both(self, name: str, legal: frozenset[Status]) -> None:
        """Requests for all services mixed, those for ``name`` with these answers; until every context is idle again."""
        names = list(self.deployment.index) * 2 * self.cfg.N
        self.rng.shuffle(names)
        await self.send(
            [good_request(self.deployment, n, self.rng, legal if n == name else frozenset({Status.OK})) for n in names]
        )
        for _ in range(100):  # the last context stops just after its answers
            if all([(await self.csr.read(f"CTX[{c}].STATUS"))["state"] == IDLE for c in range(self.cfg.C_INF)]):
                return
            await cycles(50)
        raise TimeoutError("a context is not idle after its answers")

    async def side_streams(self) -> None:
        """A service with DMA streams beside its own: first harmless ones, then one for each further cause of errors."""
        name = list(self.deployment.index)[-1]
        index, bus = self.deployment.index[name], self.cfg.BUS
        scratch = self.cfg.BYTES - 4096
        load = make(Op.LOAD, sp=LdDst.ACTD, n_o=2, len=3, l_so=3, d_base=scratch, d_so=8 * bus)
        store = make(Op.STORE, sp=StSrc.SOB, n_o=1, len=2, d_base=scratch + 2048)
        nop, token = make(Op.NOP), make(Op.NOP, signal=1 << SEMAPHORES - 1)
        cases = [
            ([nop, load], [nop, store], None),
            ([with_fields(load, d_base=self.cfg.BYTES)], [store], (Err.DMA_RESP, Unit.LD)),
            ([load], [with_fields(store, d_base=self.cfg.BYTES - bus)], (Err.DMA_RESP, Unit.ST)),
            ([load], [with_fields(store, l_base=0xFFFF)], (Err.OPERAND, Unit.ST)),
            ([token] * (SEM_MAX + 1), [store], (Err.SEM_OVERFLOW, Unit.LD)),
        ]
        for ld, st, report in cases:
            program = Program(
                streams={Unit.MMU: [], Unit.VPU: [], Unit.LD: ld, Unit.ST: st}, name=f"side {report}"
            ).set_last()
            for unit in (Unit.LD, Unit.ST):
                for n, word in enumerate(program.words(unit)):
                    await PatchSeq(unit, SPARE + n, word).start()
            await self._side(index, SPARE, SPARE)
            self.reports.clear()
            await self.serve_both(name, BROKEN if report else frozenset({Status.OK}))
            self.expect(f"{name}: causes", self.reports, {report} - {None})
            if report is None:
                self.env.coverage.executed(program)
        await self._side(index, SPARE, self.cfg.IMEM_DEPTH)
        self.reports.clear()
        await self.serve_both(name, BROKEN)
        self.expect(f"{name}: causes", self.reports, {(Err.PC_RANGE, Unit.ST)})
        setting = self.deployment.image.services[index]
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=setting.pc_valid)
        await self.serve_both(name, frozenset({Status.OK}))

    async def _side(self, index: int, ld: int, st: int) -> None:
        """Give a service LD and ST streams at these addresses."""
        await self.csr.write(f"SVC[{index}].PC1", ld=ld, st=st)
        valid = self.deployment.image.services[index].pc_valid | 1 << Unit.LD | 1 << Unit.ST
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=valid)

    async def broken(self, name: str, unit: Unit, cause: Err) -> None:
        """Replace one instruction of a service, ask for all services, put it right."""
        index = self.deployment.index[name]
        stream = self.deployment.image.installed[index].program.streams[unit]
        at = int(self.rng.choice([n for n, ins in enumerate(stream) if ins.op != Op.NOP]))
        place = self.deployment.image.services[index].pc[unit] + at
        if cause == Err.ILLEGAL_OP:
            word = encode(stream[at]) & ~0xF | int(self.rng.choice([0, 5, 14]))
        else:
            word = encode(with_fields(stream[at], **({"n_k": 0} if unit == Unit.MMU else {"cnt_i": 0, "dyn_i": 0})))
        await PatchSeq(unit, place, word).start()
        self.reports.clear()
        await self.serve_both(name, BROKEN)
        await PatchSeq(unit, place, self.deployment.image.imem[unit][place]).start()
        self.expect(f"{name}: causes", self.reports, {(cause, unit)})

    async def killed(self) -> None:
        """Killing an inference context answers its batch CTX_ERROR, needs no clearing, and leaves the others alone."""
        name = next(iter(self.deployment.index))
        board, first = self.env.response_board, len(self.env.response_board.served)
        items = [good_request(self.deployment, name, self.rng, EITHER) for _ in range(3 * self.cfg.N)]
        serving = cocotb.start_soon(self.send(items))
        batches, before = self.env.batches.batches, len(self.env.batches.batches)
        while not any(b.ctx == 0 for b in batches[before:]):
            await cycles(20)
        await cycles(int(self.rng.integers(10, 100)))
        await self.csr.write("CTX[0].CMD", kill=1)
        await serving
        statuses = [s.status for s in board.served[first:]]
        self.expect("answers CTX_ERROR", statuses.count(Status.CTX_ERROR), self.cfg.N)
        self.expect("state", (await self.csr.read("CTX[0].STATUS"))["err_cause"], 0)
        await self.send_good(list(self.deployment.index) * self.cfg.N)
