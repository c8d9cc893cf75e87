"""cocotb's entry of `make bench`: measures MMU use and training throughput from the counters; each test writes
``bench.json``.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import Event, FallingEdge
from cocotb.utils import get_sim_time

from equinox_core.numerics import bf16_from_float, hbfp_matmul, quantise
from verif.agents.axis import PERIOD, cycles, now
from verif.agents.request_agent import RequestItem
from verif.env.jobs import gemm_operands
from verif.env.stimulus import Digest, Recorder
from verif.lib.verdict import equal, require
from verif.sequences.boot import ERROR, IDLE, PerfSeq, StartTrainingSeq, wait_state
from verif.sequences.replay import ReplaySeq, fresh_id
from verif.tests.base import EquinoxTest
from verif.tests.replay import EquinoxReplay

LOADS = (0.1, 0.3, 0.5)
GEMM_RUNS = 2  # measured, after one that fills the pipeline
FULL_BATCHES = 24  # of the run at full load; the first and last SKIPPED are not measured
SKIPPED = 4


class PoissonSeq(ReplaySeq):
    """Requests with exponential gaps of mean ``1/rate`` cycles until ``stop`` is set and a multiple of ``batch`` was
    sent.
    """

    def __init__(self, deployment, service: str, rate: float, batch: int, rng: np.random.Generator):
        super().__init__(deployment, [], [], rng)
        self.service, self.rate, self.batch, self.stop = service, rate, batch, False
        self.done = Event()

    async def body(self):
        data, arrival = self.deployment.payloads[self.service], float(now())
        while not self.stop or len(self.items) % self.batch:
            arrival += self.rng.exponential(1 / self.rate)
            tag = int(self.rng.integers(len(data)))
            item = RequestItem(self.deployment.index[self.service], fresh_id(), data[tag], int(arrival), tag)
            self.items.append(item)
            await self.start_item(item)
            await self.finish_item(item)
        self.done.set()


class Figures(EquinoxTest):
    """Base: windows of the counters."""

    async def open_window(self) -> None:
        await PerfSeq(start=True).start()

    async def close_window(self) -> dict:
        """Stops counting; returns cycles and each unit's split."""
        perf = PerfSeq(start=False, c_inf=self.cfg.C_INF, ctx=self.cfg.CTX)
        await perf.start()
        return {"cycles": perf.cycles, **perf.units}

    async def until_step(self, step: int) -> int:
        """Waits until the training context has done ``step`` steps; returns the cycle."""
        while int(self.env_cfg.probe.steps.value) < step:
            await self.env_cfg.probe.steps.value_change
        return now()

    async def steps_window(self, steps: int) -> dict:
        """Counts from the end of one step to the end of the ``steps``-th after it."""
        first = int(self.env_cfg.probe.steps.value) + 1
        begin = await self.until_step(first)
        await self.open_window()
        end = await self.until_step(first + steps)
        return {"steps": steps, "step_cycles": end - begin, **await self.close_window()}

    def write(self, **values) -> None:
        (self.run_dir / "bench.json").write_text(json.dumps(values), encoding="utf-8")


@pyuvm.test()
class figure_gemm(Figures):
    """Resident GEMM, again and again: the MMU's share of cycles with a row; C against the numerics."""

    without = ("response_board", "batches")  # nobody sends a request

    async def body(self):
        job, image = self.deployment.image.work, self.deployment.image
        load = replace(
            image.training,
            pc_valid=job.loader.pc_valid,
            pc=image.linked.pc[job.loader.name],
            sem_init=job.loader.sem_init,
            iters=1,
            iter_mod=1,
        )
        await StartTrainingSeq(image, load).start()
        equal(await wait_state(self.csr, self.ctx, {IDLE, ERROR}), IDLE)
        await self.start_training()
        window = await self.steps_window(GEMM_RUNS)
        await self.drain_training()
        got = self._result(job, image.training_base)
        a, b = (quantise(bf16_from_float(x).reshape(len(x), -1, self.cfg.K)) for x in gemm_operands())
        want = hbfp_matmul(*a, *b)
        wrong = int((got.view(np.uint32) != want.view(np.uint32)).sum())
        require(not wrong, f"{wrong} of {want.size} elements of C differ from the numerics")
        self.write(window=window, compared=want.size)

    def _result(self, job, base: int) -> np.ndarray:
        dram = np.zeros(job.size, np.uint8)
        for _, rows, _, lines, at in job.parts:
            size = 4 * rows * lines * self.cfg.L
            dram[at : at + size] = np.frombuffer(self.dram.read(base + at, size), np.uint8)
        return job.result(dram)


@pyuvm.test()
class figure_full_load(Figures):
    """Queue never empty, full batches, all inference contexts at work."""

    async def body(self):
        n, board = self.cfg.N, self.env.response_board
        total, split = FULL_BATCHES * n, {}
        opened, closed = Event(), Event()

        def count(_):
            done = len(board.served)
            if done == SKIPPED * n:
                opened.set()
            elif done == total - SKIPPED * n:
                closed.set()

        async def measure():
            await opened.wait()
            await self.open_window()
            await closed.wait()
            split.update(await self.close_window())

        board.on_served.append(count)
        task = cocotb.start_soon(measure())
        await self.serve([now()] * total, ["lstm"] * total)
        await task
        rows = {b.rows for b in self.env.batches.batches}
        require(rows == {n}, f"batches of {sorted(rows)} rows: only full ones of {n} are legal here")
        self.write(window=split, batches=FULL_BATCHES - 2 * SKIPPED)


@pyuvm.test()
class figure_training(Figures):
    """A training job alone, then beside half-filled batches; the job's results against the reference.

    Loads are fractions of the capacity with full batches; half-filled ones reach only some half of that capacity.
    """

    async def body(self):
        half, steps, service = self.cfg.N // 2, self.scenario.steps, self.deployment.image.services[0]
        capacity, _ = await self.measure_capacity("lstm")
        await self.csr.write("SVC[0].SHAPE", batch=half, rx_lines=service.rx_lines, tx_lines=service.tx_lines)
        halved, _ = await self.measure_capacity("lstm")
        await self.start_training()
        alone = await self.steps_window(steps)
        loads = [await self._at_load(load, capacity, half, steps) for load in LOADS]
        await self.drain_training()
        await cycles(200)
        board = self.env.weight_board
        board.compare_weights(now())
        self.write(alone=alone, loads=loads, capacity=capacity, halved=halved, compared=board.compared)

    async def _at_load(self, load: float, capacity: float, half: int, steps: int) -> dict:
        first = len(self.env.batches.batches)
        sequence = PoissonSeq(self.deployment, "lstm", load * capacity, half, self.rng)
        cocotb.start_soon(sequence.run())
        window = await self.steps_window(steps)
        sequence.stop = True
        await sequence.done.wait()
        while self.env.response_board.outstanding:
            await cycles(100)
        fill = {b.rows for b in self.env.batches.batches[first:]}
        require(fill == {half}, f"batches of {sorted(fill)} rows: only half-filled ones of {half} are legal here")
        return {"load": load, "requests": len(sequence.items), **window}


@pyuvm.test()
class record_replay(EquinoxReplay, Figures):
    """What `make sim` runs, with everything that is driven recorded for the bare loop."""

    def prepare(self) -> None:
        self.recorder, self.answers = Recorder(self.dut), Digest()

    async def start_training(self) -> None:
        self.started = time.process_time()
        await super().start_training()

    async def body(self) -> None:
        self.env.responses.monitor.bus.add_callback(self._answer)
        await super().body()
        cpu = time.process_time() - self.started
        await FallingEdge(self.dut.clk)  # where nothing else changes
        end = int(get_sim_time("step"))
        begin = (end // PERIOD - self.result.cycles) * PERIOD
        ranges, memory = self.deployment.weight_ranges if self.deployment.job is not None else [], Digest()
        memory.add(b"".join(self.dram.read(*r) for r in ranges))
        self.recorder.write(self.run_dir / "stimulus.txt", begin, end, ranges)
        self.write(
            cycle=int(self.dut.cycle.value),
            responses=len(self.env.response_board.served),
            steps=int(self.env_cfg.probe.steps.value),
            answers=self.answers.value,
            memory=memory.value,
            cpu=cpu,
        )

    def _answer(self, packet: tuple[list[int], int]) -> None:
        for beat in packet[0]:
            self.answers.add(beat.to_bytes(2 * self.cfg.L, "little"))
