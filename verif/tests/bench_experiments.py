"""cocotb's entry of `make experiments`: `make sim`'s scenario, with each request's latency and response kept, and the
software baseline.
"""

from __future__ import annotations

import hashlib
import json

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import Event, First

from equinox_core.csr_map import REGS
from verif.agents.axis import cycles, now
from verif.agents.train_agent import wait_state
from verif.lib.verdict import equal
from verif.sequences.boot import IDLE
from verif.tests.noninterference import ResponseTap
from verif.tests.replay import EquinoxReplay

POLL = 200  # cycles between two looks of the host at the training context


class Experiment(EquinoxReplay):
    """Writes ``experiment.json``: latencies and response digests in order of arrival, the MMU's split, the training
    steps meanwhile.
    """

    def build_phase(self):
        super().build_phase()
        self.rng = np.random.default_rng(
            self.scenario.seed
        )  # the same payloads in every test; cocotb's seed depends on the test's name
        self.tap = ResponseTap("tap", self)
        self.reactions: list[dict[str, int]] = []

    def connect_phase(self):
        super().connect_phase()
        self.env.responses.monitor.ap.connect(self.tap.analysis_export)

    def _result(self, measured, served, perf, begin, last, seconds, first_batch, in_window):
        result = super()._result(measured, served, perf, begin, last, seconds, first_batch, in_window)
        ((_, (capacity, unloaded)),) = measured.items()
        order = sorted(served, key=lambda r: r.request_id)
        end, final = max(r.done for r in order), order[-1].arrival
        report = {
            "latencies": [r.latency for r in order],
            "digests": [hashlib.sha256(self.tap.seen[r.request_id][1].encode()).hexdigest()[:16] for r in order],
            "backlog": sum(r.done > final for r in order),
            "slots": self.cfg.RX_SLOTS,
            "capacity": capacity,
            "unloaded": unloaded,
            "timeout": self._timeout(),
            "mmu": perf.units["MMU"],
            "counted": perf.cycles,
            "steps": sum(begin <= c <= end for c in self.env.weight_board.step_cycles),
            "cycles": end - begin,
            "span": end - order[0].arrival,
            "rows": [b.rows for b in self.env.batches.batches[first_batch:]],
            "seconds": seconds,
            "compared": self.env.response_board.compared,
            "host": self.reactions[:20],
        }
        (self.run_dir / "experiment.json").write_text(json.dumps(report), encoding="utf-8")
        return result

    def _timeout(self) -> int:
        """The batch timeout that was last written."""
        address = REGS[f"SVC[{self.deployment.index[self.scenario.services[0]]}].TIMEOUT"][0]
        return next(w.data for w in reversed(self.env.latency_board.writes) if w.address == address)


@pyuvm.test()
class experiment_replay(Experiment):
    """A scheduler in the core decides when training works."""


@pyuvm.test()
class experiment_software(Experiment):
    """The host decides: when every request is answered it closes the intake, runs one whole training step, and opens it
    again.

    Each start begins with the job's first minibatch, so weights are not those of the reference, and are not compared;
    responses and all times are.
    """

    async def start_training(self) -> None:
        self.env_cfg.weight_regions = self.env_cfg.step_regions = ()
        self.env_cfg.require("weight_board", False)
        for address, value in self.deployment.image.context_writes(self.ctx, self.deployment.image.training):
            await self.csr.write_raw(address, value)
        await self.csr.write(f"CTX[{self.ctx}].ITERS", count=1)
        self.stop, self.stopped, self.news = False, Event(), Event()
        self.env.response_board.on_served.append(lambda _: self.news.set())
        cocotb.start_soon(self._host())

    async def _host(self) -> None:
        board = self.env.response_board
        while not self.stop:
            while board.outstanding:
                self.news.clear()
                await First(self.news.wait(), cycles(self.patience))
            quiet = now()
            await self.csr.write("CTRL", accept_en=0)
            closed = now()
            self.env.weight_board.restart()
            await self.csr.write(f"CTX[{self.ctx}].CMD", start=1)
            started = now()
            equal(await wait_state(self.csr, self.ctx, {IDLE}, poll=POLL), IDLE)
            found = now()
            await self.csr.write("CTRL", accept_en=1)
            await cycles(1)
            self.reactions.append(
                {"quiet": quiet, "closed": closed, "started": started, "found": found, "opened": now()}
            )
        self.stopped.set()

    async def wait_steps(self, steps: int) -> None:
        self.stop = True
        await self.stopped.wait()

    async def drain_training(self) -> None:
        """At rest already."""
