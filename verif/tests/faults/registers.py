"""The control bus misused, and settings changed under traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cocotb

from equinox_core.csr_map import REGS
from equinox_core.isa.encoding import Status, Unit
from equinox_core.isa.program import Program
from verif.agents.axis import cycles, now
from verif.agents.train_agent import IDLE, wait_state
from verif.lib.verdict import require
from verif.sequences.boot import CommandSeq, PatchSeq, StartTrainingSeq
from verif.tests.faults.base import FaultTest

SPACE = 0x800  # bytes of addresses
OKAY = 0
DISABLED = frozenset({Status.OK, Status.NOT_INSTALLED})


class CsrAbuse(FaultTest):
    """Addresses without a register, read-only ones, any strobes, address and data far apart,
    reads and writes at once.
    """

    timed = True

    async def body(self) -> None:
        serving = self.serve_beside(6)
        await self.csr_abuse(150)
        await serving
        await self.clean_run()

    async def csr_abuse(self, accesses: int) -> None:
        """Random accesses; registers of a context that a build does not have serve as memory."""
        driver = self.env.csrs.driver
        self.dut.csr_stall_pct.value = self.pick((0, 30, 60))
        driver.skew = 1 + self.below(12)
        settings, self.zeroed = await self.all_settings(), False
        scratch = {
            p: 0 for p in REGS if p.startswith(f"CTX[{self.cfg.CTX}].") and self.bits(p, "RW") and not p.endswith("CMD")
        }
        holes = [a for a in range(0, SPACE, 4) if a not in {address for address, _ in REGS.values()}]
        fixed = [p for p in REGS if not self.bits(p, "RW", "W1C", "WP", "WO") and not p.startswith(("CNT", "PERF"))]
        kinds = (self.hole, self.read_only, self.keep, self.at_once) if scratch else (self.hole, self.read_only)
        for _ in range(accesses):
            await self.pick(kinds)(holes, fixed, scratch)
        self.expect("responses other than OKAY", driver.responses, [])
        driver.skew, self.dut.csr_stall_pct.value = 0, 0
        self.expect("settings afterwards", await self.all_settings(), settings)

    @staticmethod
    def bits(path: str, *kinds: str) -> int:
        return sum(((1 << width) - 1) << lsb for lsb, width, _, kind in REGS[path][1].values() if kind in kinds)

    async def all_settings(self) -> dict[str, int]:
        """All that software has written and the core keeps, but the registers used as memory."""
        paths = [
            p
            for p in REGS
            if self.bits(p, "RW") and not p.endswith("CMD") and not p.startswith((f"CTX[{self.cfg.CTX}].", "IMEM"))
        ]
        return {p: await self.csr.read_raw(REGS[p][0]) for p in paths}

    async def hole(self, holes: list[int], fixed: list[str], scratch: dict[str, int]) -> None:
        """No register: a write does nothing, a read gives 0."""
        address = self.pick(holes)
        await self.csr.write_raw(address, self.below(1 << 32), self.below(16))
        self.expect(f"address {address:#x}", await self.csr.read_raw(address), 0)

    async def read_only(self, holes: list[int], fixed: list[str], scratch: dict[str, int]) -> None:
        path = self.pick([p for p in fixed if p in ("ID", "PARAMS", "DMA_STATUS")])
        before = await self.csr.read_raw(REGS[path][0])
        await self.csr.write_raw(REGS[path][0], self.below(1 << 32), self.below(16))
        self.expect(f"{path} after a write", await self.csr.read_raw(REGS[path][0]), before)

    def store(self, scratch: dict[str, int]) -> tuple[str, int, int]:
        """(register, value, strobe) of a random write, noted in ``scratch``."""
        path, value, strobe = self.pick(list(scratch)), self.below(1 << 32), self.below(16)
        named = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1) & self.bits(path, "RW")
        scratch[path] = scratch[path] & ~named | value & named
        return path, value, strobe

    async def keep(self, holes: list[int], fixed: list[str], scratch: dict[str, int]) -> None:
        """A write with random strobes, then a read of any of these registers; the first time all are set to 0."""
        if not self.zeroed:
            for path in scratch:
                await self.csr.write_raw(REGS[path][0], 0)
            self.zeroed = True
        path, value, strobe = self.store(scratch)
        await self.csr.write_raw(REGS[path][0], value, strobe)
        path = self.pick(list(scratch))
        self.expect(f"{path}", await self.csr.read_raw(REGS[path][0]), scratch[path])

    async def at_once(self, holes: list[int], fixed: list[str], scratch: dict[str, int]) -> None:
        """A read and a write of different registers overlap on the bus."""
        await self.keep(holes, fixed, scratch)
        bus = self.env.csrs.driver.bus
        path, value, strobe = self.store(scratch)
        other = self.pick([p for p in scratch if p != path])
        skew = [self.below(6) for _ in range(3)]
        writing = cocotb.start_soon(bus.write(REGS[path][0], value, strobe, *skew[:2]))
        self.expect(f"{other} beside a write", await bus.read(REGS[other][0], skew[2]), (scratch[other], OKAY))
        self.expect(f"{path}: response beside a read", await writing, OKAY)


class Reprogram(FaultTest):
    """Settings, programs and services change while requests are served."""

    timed = True

    async def body(self) -> None:
        await self.policies(12)
        await self.clean_run()
        await self.moved_training()
        await self.clean_run()
        await self.moved_service()
        for _ in range(4):
            await self.stop_and_go()
        await self.clean_run()

    async def policies(self, changes: int) -> None:
        """Policy, timeouts, thresholds, tile heights at random while everything runs: bits do not depend on them."""
        board = self.env.weight_board
        self.restore_weights()
        self.env_cfg.checkpoints = {1, 2, 3}
        serving = self.serve_beside(8)
        await self.start_training()
        for _ in range(changes):
            await self.csr.write("POLICY", policy=self.below(6))
            await self.csr.write("TRAIN_ROWS", rows=self.pick((0, 1, self.cfg.N, 64, 4095)))
            index = self.below(len(self.names))
            await self.csr.write(f"SVC[{index}].TIMEOUT", cycles=self.below(1000))
            await self.csr.write(f"SVC[{index}].THRESHOLD", waiting=self.below(self.cfg.N))
            await cycles(self.below(1500))
        await self.csr.write("POLICY", policy=2)
        await self.csr.write("TRAIN_ROWS", rows=self.deployment.image.train_rows)
        await self.set_timeout(400)
        await self.wait_steps(2)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())
        await serving

    def room(self, program: Program) -> bool:
        """Whether a program fits behind those in the instruction memories."""
        return all(len(self.deployment.image.imem[u]) + len(program.streams[u]) <= self.cfg.IMEM_DEPTH for u in Unit)

    async def load(self, program: Program) -> dict[Unit, int]:
        """Write a program into free instruction memory; returns where its streams begin."""
        require(self.room(program), f"{program.name} does not fit into the instruction memories")
        start = {}
        for unit in Unit:
            words, first = program.words(unit), len(self.deployment.image.imem[unit])
            start[unit] = first + self.below(self.cfg.IMEM_DEPTH - first - len(words) + 1)
            for n, word in enumerate(words):
                await PatchSeq(unit, start[unit] + n, word).start()
        return start

    async def moved_training(self) -> None:
        """A training program is loaded elsewhere while inference runs, works on other DRAM, and does the same."""
        image, job, board, base = (
            self.deployment.image,
            self.deployment.job,
            self.env.weight_board,
            self.deployment.image.training_base,
        )
        move = 4096 * (1 + self.below((self.cfg.BYTES - len(image.dram)) // 4096 - 1))
        serving = self.serve_beside(6)
        shift = await self.load(job.program)
        work = image.dram[base:].tobytes() + bytes(-len(image.dram[base:]) % self.cfg.BUS)
        self.dram.write(base + move, work)
        self.env_cfg.training_shift = move
        self.env_cfg.checkpoints = {1, 2}
        board.restart()
        await StartTrainingSeq(
            image, replace(image.training, pc=tuple(shift[u] for u in Unit), dram_base=image.training.dram_base + move)
        ).start()
        await self.wait_steps(2)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())
        self.env_cfg.training_shift = 0
        self.dram.write(base, work)  # the places may overlap
        await serving

    async def moved_service(self) -> None:
        """A service is uninstalled while requests come, its program loaded elsewhere, and installed again; the other
        service goes on.
        """
        name = self.pick([s.name for s in self.deployment.image.installed if self.room(s.program)])
        index = self.deployment.index[name]
        setting, program = self.deployment.image.services[index], self.deployment.image.installed[index].program
        serving = cocotb.start_soon(self.send(self.some(name, DISABLED, 3 * self.cfg.N)))
        others = cocotb.start_soon(self.send_good([n for n in self.names if n != name] * 3 * self.cfg.N))
        await cycles(self.below(1000))
        await self.csr.write(f"SVC[{index}].CTRL", enable=0, pc_valid=setting.pc_valid)
        await serving
        self.expect("queue", (await self.csr.read(f"SVC[{index}].LEVEL"))["waiting"], 0)
        start = await self.load(program)
        await self.install(index, [start[u] for u in Unit], setting.pc_valid)
        old = [
            PatchSeq(u, setting.pc[u] + n, 0xE) for u in Unit for n in range(min(2, len(program.streams[u])))
        ]  # the old one would stop the context
        for patch in old:
            await patch.start()
        await self.send(self.some(name, count=2 * self.cfg.N))
        await others
        await self.csr.write(f"SVC[{index}].CTRL", enable=0, pc_valid=setting.pc_valid)
        for patch in old:
            await PatchSeq(patch.unit, patch.index, self.deployment.image.imem[patch.unit][patch.index]).start()
        await self.install(index, setting.pc, setting.pc_valid)

    async def install(self, index: int, pc: Sequence[int], valid: int) -> None:
        """Let a service run a program at these addresses."""
        await self.csr.write(f"SVC[{index}].PC0", mmu=pc[Unit.MMU], vpu=pc[Unit.VPU])
        await self.csr.write(f"SVC[{index}].PC1", ld=pc[Unit.LD], st=pc[Unit.ST])
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=valid)

    async def stop_and_go(self) -> None:
        """Training started and stopped at random under traffic; every way of stopping leaves the context idle, without
        an error.
        """
        serving = self.serve_beside()
        self.env.weight_board.rest()
        await StartTrainingSeq(
            self.deployment.image, replace(self.deployment.image.training, iters=self.pick((1, 1000)))
        ).start()
        await cycles(self.below(6000))
        how = self.pick(("drain", "kill", "both"))
        if how == "both":
            await self.csr.write(f"CTX[{self.ctx}].CMD", drain=1)
            await cycles(self.below(500))
            how = "kill"
        await CommandSeq(self.ctx, how).start()
        self.expect(f"state after {how}", await wait_state(self.csr, self.ctx, {IDLE}, limit=200_000), IDLE)
        await serving
