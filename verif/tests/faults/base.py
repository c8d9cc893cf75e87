"""What the tests of faults share: traffic beside a fault, reset at any moment, and the clean run that must follow."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, FallingEdge, Timer
from pyuvm import uvm_factory

from equinox_core.deploy.scenario import POLICIES
from equinox_core.isa.encoding import Err, Status, Unit
from verif.agents.axis import PERIOD, cycles, now
from verif.agents.csr_agent import CsrDriver
from verif.agents.request_agent import RequestDriver
from verif.agents.reset_control import ResetControl
from verif.agents.resettable import ResettableCsrDriver, ResettableRequestDriver
from verif.agents.train_agent import ERROR, wait_state
from verif.sequences.boot import BootSeq, CommandSeq
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

OK = frozenset({Status.OK})
DMA_UNITS = (Unit.LD, Unit.ST)
STEPS = 2  # of a clean run


class FaultTest(EquinoxTest):
    """Base: all drivers may be cut by a reset;
    ``body`` runs ordeals, each of which ends with the core as good as new.
    """

    timed = False  # times of runs with faults are not predicted
    patience = 300_000
    stop_patience = 400_000  # cycles within which a fault must have stopped its context

    def prepare(self) -> None:
        self.cuts = ResetControl()
        self.env_cfg.resets = self.cuts
        uvm_factory().set_type_override_by_type(RequestDriver, ResettableRequestDriver)
        uvm_factory().set_type_override_by_type(CsrDriver, ResettableCsrDriver)

    async def boot(self) -> None:
        await super().boot()
        self.env_cfg.require("weight_board")
        self.names = list(self.deployment.index)
        await self.set_timeout(400)
        await self.csr.write("IRQ_STATUS", value=0x1F)
        await self.csr.write("IRQ_ENABLE", ctx_err=1)

    def below(self, limit: int) -> int:
        return int(self.rng.integers(limit))

    def pick(self, choices):
        return choices[self.below(len(choices))]

    async def clean_run(self) -> None:
        """All services and training from its first weights on, everything compared: the core must be as good as new."""
        board = self.env.weight_board
        self.restore_weights()
        self.env_cfg.checkpoints = set(range(1, STEPS + 1))
        compared, served = board.compared, len(self.env.response_board.served)
        serving = cocotb.start_soon(self.send_good(self.names * self.cfg.N))
        await self.start_training()
        await self.wait_steps(STEPS)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())
        await serving
        self.expect("clean run: training compared", board.compared - compared >= 2 * STEPS + 1, True)
        self.expect("clean run: answers", len(self.env.response_board.served) - served, len(self.names) * self.cfg.N)
        for ctx in range(self.cfg.CTX):
            self.expect(f"clean run: context {ctx}", await self.status(ctx), (0, Err.NONE, 0))
        self.env.response_board.check_phase()
        board.check_phase()

    async def status(self, ctx: int) -> tuple[int, Err, int]:
        """(state, cause, unit) of a context."""
        status = await self.csr.read(f"CTX[{ctx}].STATUS")
        return status["state"], Err(status["err_cause"]), status["err_unit"]

    async def stopped(self, ctx: int, causes: dict[Err, tuple[Unit, ...]], what: str) -> tuple[Err, Unit]:
        """Wait until a context has stopped; check cause, unit, sticky event and interrupt; clear it all."""
        await wait_state(self.csr, ctx, {ERROR}, limit=self.stop_patience)
        _, cause, unit = await self.status(ctx)
        if not (cause in causes and Unit(unit) in causes[cause]):
            raise AssertionError(f"{what}: stopped with {cause.name} in {Unit(unit).name}, legal {causes}")
        self.expect(f"{what}: sticky", (await self.csr.read("IRQ_STATUS"))["ctx_err"], 1)
        self.expect(f"{what}: interrupt", int(self.dut.irq.value), 1)
        self.env.coverage.error(ctx, cause, Unit(unit))
        self.logger.info(f"cycle {now()}: {what}: {cause.name} in {Unit(unit).name}")
        await CommandSeq(ctx, "clear").start()
        self.expect(f"{what}: cleared", await self.status(ctx), (0, Err.NONE, 0))
        await self.csr.write("IRQ_STATUS", ctx_err=1)
        self.expect(f"{what}: interrupt after clearing", (await self.csr.read("IRQ_STATUS"))["ctx_err"], 0)
        return cause, Unit(unit)

    def serve_beside(self, batches: int = 3):
        """Good requests for random services in the background, all of which must be answered right;
        returns the task.
        """
        names = [self.pick(self.names) for _ in range(batches * self.cfg.N)]
        return cocotb.start_soon(self.send_good(names))

    async def reset_now(self, work: list = ()) -> int:
        """Reset at once, at any place in a clock period, and wait for the tasks ``work``, whose drivers are cut;
        returns the cycle from which the core is new. Scoreboards forget what was under way.
        """
        await Timer(1 + self.below(PERIOD - 1), "step")
        self.dut.rst_n.value = 0
        self.cuts.cut()
        begin = now()
        for task in work:
            await task
        await cycles(4 + self.below(8))
        env = self.env
        env.latency_board.restart(begin)
        env.response_board.outstanding.clear()
        env.response_board.order.clear()
        env.weight_board.rest()
        env.requests.monitor.bus.forget()
        env.responses.monitor.bus.forget()
        await FallingEdge(self.dut.clk)
        await Timer(3, "ns")  # as after power-up
        self.dut.rst_n.value = 1
        await ClockCycles(self.dut.clk, 2)
        self.cuts.release()
        return now()

    async def boot_again(self) -> None:
        """What :meth:`boot` does after its reset."""
        await BootSeq(self.deployment.image, POLICIES.index(self.scenario.policy)).start()
        await self.set_timeout(400)
        await self.csr.write("IRQ_STATUS", value=0x1F)
        await self.csr.write("IRQ_ENABLE", ctx_err=1)

    def some(self, name: str, legal: frozenset[Status] = OK, count: int | None = None) -> list:
        """Good requests for a service, with answers of their own."""
        return [
            good_request(self.deployment, name, self.rng, legal) for _ in range(self.cfg.N if count is None else count)
        ]

    def reseed(self, seed: int) -> None:
        """Let everything random of the test start anew."""
        self.rng = np.random.default_rng(seed)
