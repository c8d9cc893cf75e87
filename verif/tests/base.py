"""Base of all chip-level tests: compiles the scenario, builds the environment, boots the core."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import Event, First
from pyuvm import uvm_test

from equinox_core.deploy.deployment import Deployment
from equinox_core.deploy.scenario import POLICIES
from verif.agents.axis import cycles, now
from verif.agents.csr_agent import Csr
from verif.agents.request_agent import RequestItem
from verif.env.config import EnvConfig
from verif.env.env import EquinoxEnv
from verif.env.timeline import write_timeline
from verif.lib import checks
from verif.lib.dram import DramBackdoor
from verif.lib.verdict import require
from verif.sequences.boot import BootSeq, DrainTrainingSeq, StartTrainingSeq, reset
from verif.sequences.replay import ItemsSeq, ReplaySeq, good_request


class EquinoxTest(uvm_test):
    """Runs ``body()`` between boot and the scoreboards' checks. ``EQX_RUN_DIR`` names the run's folder.

    Subclasses write ``body``.
    """

    expects = False  # the test has expectations of its own (expect); none compared is a failure
    without: tuple[str, ...] = ()  # scoreboards that have nothing to compare in this test; all others must have
    timed = True  # compare every time with the timing model's
    patience = 2_000_000  # cycles without any answer after which the rest counts as lost
    step_patience = 2_000_000  # cycles without a training step after which a wait for one fails

    def build_phase(self):
        self.run_dir = self.find_run_dir()
        self.deployment = Deployment.load(self.run_dir)
        self.scenario = self.deployment.scenario
        self.rng = np.random.default_rng(cocotb.RANDOM_SEED)
        self.cfg = self.deployment.cfg
        self.dut = cocotb.top
        self.dram = DramBackdoor(self.dut.u_dram)
        self.expected_things = 0
        self.causes: dict[str, np.ndarray] | None = None  # cycles of each request's latency, where the test found them
        self.env_cfg = EnvConfig.make(self.dut, self.deployment, self.run_dir, self.timed, self.without)
        self.prepare()
        self.env_cfg.publish()
        self.env = EquinoxEnv.create("env", self)

    def find_run_dir(self) -> Path:
        """Folder of the run."""
        return Path(os.environ["EQX_RUN_DIR"])

    def prepare(self) -> None:
        """Hook before the environment is built: factory overrides, settings of ``env_cfg``."""

    async def run_phase(self):
        self.raise_objection()
        try:
            await self.boot()
            await self.body()
        finally:
            self.env.predictor.close()
            self.drop_objection()

    def extract_phase(self):
        self.count_checks()
        if os.environ.get("EQX_TIMELINE") == "1":
            done = write_timeline(self.env.latency_board, self.deployment, self.run_dir, self.causes)
            self.logger.info(f"timeline: {done or 'none, the times of this run are not exact'}")

    def count_checks(self) -> None:
        """Leave what was compared in the run's folder; the scoreboards judge by themselves."""
        self.env.latency_board.judge()
        self.env.axi_watch.count()
        for what, items in {**self.env.counts(), "expectations of the test": self.expected_things}.items():
            if items:
                checks.compared(what, items)

    def check_phase(self):
        require(
            self.expected_things or not self.expects, f"{type(self).__name__}: compared nothing with what it expects"
        )

    async def boot(self) -> None:
        """Reset, stalls, DRAM image, instruction memories, boot program."""
        self.dut.rsp_stall_pct.value = self.scenario.rsp_stall
        self.dut.u_dram.stall_seed.value = self.scenario.seed + 1
        self.dut.u_dram.stall_pct.value = self.scenario.dram_stall
        await reset(self.dut)
        self.csr = Csr()
        self.ctx = self.cfg.C_INF  # the training context
        started = time.monotonic()
        await BootSeq(self.deployment.image, POLICIES.index(self.scenario.policy)).start()
        self.env.coverage.executed(self.deployment.image.programs["boot"])
        self.logger.info(f"booted at cycle {now()}, {time.monotonic() - started:.1f} s")

    async def body(self) -> None:
        raise TypeError(f"{type(self).__name__} has no body")

    async def start_training(self) -> None:
        """Start the training job; it runs until drained."""
        self.env.weight_board.restart()
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()

    async def drain_training(self) -> None:
        """Stop it after the iteration under way."""
        await DrainTrainingSeq(self.ctx).start()

    async def serve(self, cycles, services: list[str]) -> list:
        """Replay requests and wait until all are answered;
        returns their :class:`Served` records, in order of answer.
        """
        return await self._all_served(ReplaySeq(self.deployment, cycles, services, self.rng))

    async def send(self, items: list[RequestItem]) -> list:
        """Send requests as fast as the core takes them and wait until all are answered; returns as :meth:`serve`."""
        return await self._all_served(ItemsSeq(items))

    async def offer(self, items: list[RequestItem]) -> None:
        """Send requests and go on as soon as the core has taken the last beat."""
        await ItemsSeq(items).run()

    async def send_good(self, services: list[str]) -> list:
        """Send good requests to services by name, and wait for the answers."""
        return await self.send([good_request(self.deployment, name, self.rng) for name in services])

    async def _all_served(self, sequence: ItemsSeq | ReplaySeq) -> list:
        board, answered, news = self.env.response_board, {}, Event()

        def note(served) -> None:
            answered[served.request_id] = served
            news.set()

        board.on_served.append(note)
        await sequence.run()
        mine = {item.request_id for item in sequence.items}
        while not mine <= answered.keys():
            news.clear()
            await First(news.wait(), cycles(self.patience))
            if not news.is_set():
                break  # the scoreboard reports what is lost
        board.on_served.remove(note)
        return [served for request_id, served in answered.items() if request_id in mine]

    async def set_timeout(self, limit: int) -> None:
        """Batch timeout of all services."""
        for index in range(len(self.deployment.image.installed)):
            await self.csr.write(f"SVC[{index}].TIMEOUT", cycles=limit)

    async def wait_steps(self, steps: int) -> None:
        """Wait until training has done that many steps since it was started.

        Raises:
            TimeoutError: no step for :attr:`step_patience` cycles.
        """
        board, last, since = self.env.weight_board, -1, now()
        while board.steps < steps:
            if board.steps != last:
                last, since = board.steps, now()
            elif now() - since > self.step_patience:
                raise TimeoutError(f"no training step after {last} for {self.step_patience} cycles")
            await cycles(500)

    def dram_errors(self, first: int = 1, last: int = 0) -> None:
        """From now on the DRAM answers bursts that touch these bytes with an error (default: none does); to be changed
        while none is in flight.
        """
        dram = self.dut.u_dram
        dram.err_addr_lo.value, dram.err_addr_hi.value, dram.err_en.value = first, last, int(first <= last)
        self.env.latency_board.dram_errors.append((now(), first, last))

    def restore_weights(self) -> None:
        """Put the weights of the DRAM image back (while training is at rest)."""
        image = self.deployment.image.dram
        for address, size in self.deployment.weight_ranges:
            self.dram.write(address, image[address : address + size].tobytes())

    def expect(self, what: str, seen: object, legal: object) -> None:
        """Fail the test unless two things are equal."""
        require(seen == legal, f"{what}: {seen}, expected {legal}")
        self.expected_things += 1

    async def measure_capacity(self, service: str, batches: int = 8) -> tuple[float, int]:
        """Requests per cycle at full load, and the latency of a full batch in an idle core (cycles)."""
        alone = await self.serve([now()] * self.cfg.N, [service] * self.cfg.N)
        batch_latency = alone[-1].done - alone[0].arrival
        served = await self.serve([now()] * (batches * self.cfg.N), [service] * (batches * self.cfg.N))
        skip = 2 * self.cfg.N  # both contexts' first batches fill the pipeline
        return (len(served) - skip) / (served[-1].done - served[skip - 1].done), batch_latency
