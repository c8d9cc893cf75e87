"""The DRAM fails: error responses at random beats, stalls, and a memory that does not answer."""

from __future__ import annotations

from dataclasses import replace

import cocotb

from equinox_core.isa.encoding import Err, LdDst, Op, Status, StSrc, Unit, make
from equinox_core.isa.program import Program
from verif.agents.axis import cycles, now
from verif.agents.train_agent import ERROR, IDLE, wait_state
from verif.sequences.boot import PatchSeq, StartTrainingSeq
from verif.tests.faults.base import DMA_UNITS, FaultTest

SLVERR, DECERR = 2, 3
AR, R, AW, W, B = (1 << n for n in range(5))  # bits of err_mute
BROKEN = frozenset({Status.CTX_ERROR})
MOST_RUNS = 8  # under stalls, until each channel was held back: the rarest stalls meet few beats of a run


class DramErrors(FaultTest):
    """``dram_error``, ``boot_error``: a burst fails while training, or while the boot program runs."""

    async def start_armless(self) -> None:
        """Start training without comparing its steps: a fault is to come."""
        self.env.weight_board.rest()
        self.restore_weights()
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()

    def plant_error(self, unit: Unit, within: int) -> None:
        dram = self.dut.u_dram
        dram.err_resp.value = self.pick((SLVERR, DECERR))
        (dram.err_read_in if unit == Unit.LD else dram.err_write_in).value = 1 + self.below(within)

    async def dram_error(self) -> None:
        """One read beat or one write burst fails at random."""
        unit = self.pick(DMA_UNITS)
        serving = self.serve_beside()
        await self.start_armless()
        await cycles(self.below(2000))
        self.plant_error(unit, 200 if unit == Unit.LD else 20)
        await self.stopped(self.ctx, {Err.DMA_RESP: (unit,)}, f"{unit.name} error")
        await serving

    async def boot_error(self) -> None:
        """The boot program stops; booted again, the core is right."""
        await self.reset_now()
        image = self.deployment.image
        for address, value in image.setup_writes():
            await self.csr.write_raw(address, value)
        await self.csr.write("IRQ_ENABLE", ctx_err=1)
        self.plant_error(Unit.LD, 100)
        await self.csr.write(f"CTX[{self.ctx}].CMD", start=1)
        await self.stopped(self.ctx, {Err.DMA_RESP: (Unit.LD,)}, "boot error")
        await self.boot_again()

    async def side_stream(self, name: str, unit: Unit) -> int:
        """Give a service a DMA stream of one instruction beside its own; returns the service's number."""
        index, scratch = self.deployment.index[name], self.cfg.BYTES - 4096
        ins = (
            make(Op.LOAD, sp=LdDst.ACTD, n_o=1, len=3, d_base=scratch)
            if unit == Unit.LD
            else make(Op.STORE, sp=StSrc.SOB, n_o=1, len=2, d_base=scratch)
        )
        program = Program(streams={u: [ins] if u == unit else [] for u in Unit}, name="side").set_last()
        spare = self.cfg.IMEM_DEPTH - 1  # no program is so long
        await PatchSeq(unit, spare, program.words(unit)[0]).start()
        await self.csr.write(f"SVC[{index}].PC1", ld=spare, st=spare)
        await self.csr.write(
            f"SVC[{index}].CTRL", enable=1, pc_valid=self.deployment.image.services[index].pc_valid | 1 << unit
        )
        return index

    async def no_side_stream(self, name: str) -> None:
        index = self.deployment.index[name]
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=self.deployment.image.services[index].pc_valid)

    async def service_dma_error(self) -> None:
        """A service that uses DMA meets an error: its batch is answered CTX_ERROR, the other service's and training go
        on.
        """
        name, unit = self.pick(self.names), self.pick(DMA_UNITS)
        await self.side_stream(name, unit)
        self.plant_error(unit, 1)
        await self.send(self.some(name, BROKEN, self.cfg.N))
        await self.stopped_inference({Err.DMA_RESP: (unit,)}, f"{name}: {unit.name} error")
        await self.send(self.some(name))
        await self.no_side_stream(name)

    async def stopped_inference(self, causes: dict, what: str) -> None:
        for _ in range(200):
            states = [(await self.status(c))[0] for c in range(self.cfg.C_INF)]
            if ERROR in states:
                await self.stopped(states.index(ERROR), causes, what)
                return
            await cycles(20)
        raise TimeoutError(f"{what}: no inference context stopped")


class AxiErrors(DramErrors):
    """AXI error responses on reads and writes of the DRAM."""

    async def body(self) -> None:
        for _ in range(6):
            await self.dram_error()
        await self.clean_run()
        for _ in range(2):
            await self.service_dma_error()
        await self.boot_error()
        await self.clean_run()


class DramTimeout(DramErrors):
    """A DRAM that does not answer, with and without the watchdog."""

    limit = 2_000  # cycles of the watchdog: longer than any burst takes

    async def body(self) -> None:
        await self.off_by_default()
        await self.clean_run()
        for channels in (AR | R, AW | W | B, None):
            await self.silence(channels)
        await self.clean_run()
        await self.killed_in_silence()
        for name, unit in zip(self.names, DMA_UNITS, strict=True):
            await self.service_in_silence(name, unit)
        await self.reset_in_silence()
        await self.clean_run()

    def mute(self, channels: int) -> None:
        self.dut.u_dram.err_mute.value = channels

    async def lost(self) -> tuple[int, int]:
        status = await self.csr.read("DMA_STATUS")
        return status["ld_lost"], status["st_lost"]

    async def off_by_default(self) -> None:
        """Without a limit nothing stops: training waits as long as it takes, inference goes on, and all comes out
        right.
        """
        board = self.env.weight_board
        self.restore_weights()
        self.env_cfg.checkpoints = {1, 2}
        await self.start_training()
        await cycles(self.below(4000))
        self.mute(AR | R | AW | W | B)
        await cycles(100)
        await self.send_good(self.names * self.cfg.N)
        steps = board.steps
        await cycles(20_000)
        self.expect("steps in silence", board.steps - steps <= 1, True)
        self.expect("state in silence", (await self.status(self.ctx))[0], 2)
        self.mute(0)
        await self.wait_steps(steps + 2)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())

    async def fall_silent(self, channels: int) -> None:
        """Training runs under the watchdog, and some channels stop at a random moment."""
        await self.csr.write("DMA_TIMEOUT", cycles=self.limit)
        await self.start_armless()
        await cycles(self.below(6000))
        self.mute(channels)

    async def silence(self, channels: int | None = None) -> None:
        """Training stops with DMA_TIMEOUT, inference does not notice; new work is refused until the late answers have
        come. Default: random channels.
        """
        channels = channels or 1 + self.below(31)
        serving = self.serve_beside(6)
        await self.fall_silent(channels)
        units = tuple(u for u, needs in ((Unit.LD, AR | R), (Unit.ST, AW | W | B)) if channels & needs)
        await self.stopped(self.ctx, {Err.DMA_TIMEOUT: units}, f"silence of channels {channels:05b}")
        self.expect("a unit is lost", any(await self.lost()), True)
        await self.send_good(self.names * self.cfg.N)
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
        await self.stopped(self.ctx, {Err.DMA_TIMEOUT: DMA_UNITS}, "started in silence")
        await self.send_good(self.names)
        await self.answered_late()
        await serving

    async def answered_late(self) -> None:
        """The memory answers again: everything late is absorbed."""
        self.mute(0)
        for _ in range(100):
            if await self.lost() == (0, 0):
                break
            await cycles(50)
        self.expect("late answers absorbed", await self.lost(), (0, 0))
        await self.csr.write("DMA_TIMEOUT", cycles=0)

    async def killed_in_silence(self) -> None:
        """A kill waits for the watchdog at most, and is no error."""
        await self.fall_silent(1 + self.below(31))
        await cycles(100)
        begin = now()
        await self.csr.write(f"CTX[{self.ctx}].CMD", kill=1)
        state = await wait_state(self.csr, self.ctx, {IDLE, ERROR}, poll=20, limit=4 * self.limit)
        self.expect("time of the kill", now() - begin < 2 * self.limit, True)
        if state == ERROR:  # the limit was over first
            await self.stopped(self.ctx, {Err.DMA_TIMEOUT: DMA_UNITS}, "killed in silence")
        else:
            self.expect("status after the kill", await self.status(self.ctx), (0, Err.NONE, 0))
        await self.answered_late()

    async def service_in_silence(self, name: str | None = None, unit: Unit | None = None) -> None:
        """A service (default: any) that uses DMA: its batch is answered CTX_ERROR, the other service's are right."""
        name, unit = name or self.pick(self.names), self.pick(DMA_UNITS) if unit is None else unit
        await self.side_stream(name, unit)
        await self.csr.write("DMA_TIMEOUT", cycles=self.limit)
        self.mute({Unit.LD: R, Unit.ST: B}[unit])
        answered = cocotb.start_soon(self.send(self.some(name, BROKEN)))
        await self.send_good([other for other in self.names if other != name] * self.cfg.N)
        await answered
        await self.stopped_inference({Err.DMA_TIMEOUT: (unit,)}, f"{name} in silence")
        await self.answered_late()
        await self.send(self.some(name))
        await self.no_side_stream(name)

    async def reset_in_silence(self) -> None:
        """A reset helps too, whatever is outstanding."""
        await self.fall_silent(1 + self.below(31))
        await cycles(200 + self.below(2 * self.limit))
        await self.reset_now()
        self.mute(0)
        self.expect("lost after a reset", await self.lost(), (0, 0))
        self.expect("limit after a reset", (await self.csr.read("DMA_TIMEOUT"))["cycles"], 0)
        await self.boot_again()


class Stalls(FaultTest):
    """Random stalls on every channel at once; results are right and times within their bounds."""

    timed = True

    async def boot(self) -> None:
        percent = lambda: 5 + self.below(75)  # noqa: E731
        self.scenario = replace(self.scenario, dram_stall=percent(), rsp_stall=percent())
        dut = self.dut
        dut.gate_seed.value = 1 + self.below(1 << 30)
        dut.req_stall_pct.value, dut.csr_stall_pct.value = percent(), percent()
        self.env_cfg.exact = False
        self.env.csrs.driver.skew = 4
        await super().boot()

    async def body(self) -> None:
        for _ in range(MOST_RUNS):
            await self.clean_run()
            if all(self.cycles_held().values()):
                break
        self.all_held()

    def cycles_held(self) -> dict[str, int]:
        """Cycles in which stalls held each channel back."""
        dut = self.dut
        held = {name: int(getattr(dut, name).value) for name in ("rsp_held", "req_held")}
        held |= {f"DRAM {name}": int(dut.u_dram.held_by[n].value) for n, name in enumerate(("AR", "R", "AW", "W", "B"))}
        held |= {f"CSR {name}": int(dut.csr_held_by[n].value) for n, name in enumerate(("AW", "W", "B", "AR", "R"))}
        return held

    def all_held(self) -> None:
        """Every channel was held back at some time."""
        held = self.cycles_held()
        self.expect("channels that were not held back", [name for name, count in held.items() if not count], [])
        self.logger.info(f"cycles held back: {held}")
