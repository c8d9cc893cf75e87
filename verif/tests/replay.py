"""The main scenario: a trace of requests is served while training runs; writes ``result.json`` for the report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import numpy as np

from equinox_core.deploy.limits import batch_timeout, default_limit
from equinox_core.deploy.scenario import POLICIES
from equinox_core.report import Check, RunResult, Service, Training, Unit
from equinox_core.traces import map_services, scale_to_load
from verif.agents.axis import cycles, now
from verif.env.perf import probe_counts
from verif.env.progress import ProgressWriter
from verif.env.scoreboards import Served
from verif.lib.verdict import require
from verif.sequences.boot import PerfSeq
from verif.tests.base import EquinoxTest

NO_CAUSES = "Where latency comes from is not shown: with random stalls the timing model does not know every cycle."
CHECKPOINTS = 8  # comparisons of all weights on the way


class EquinoxReplay(EquinoxTest):
    """Measures capacity, scales the trace to the load, replays it with training beside, and compares everything."""

    async def body(self) -> None:
        s, board, weights = self.scenario, self.env.response_board, self.env.weight_board
        names = list(s.services)
        measured = {name: await self.measure_capacity(name, 8 if s.requests >= 100 else 4) for name in names}
        self.limit = s.limit or default_limit(latency for _, latency in measured.values())
        for name, (_, latency) in measured.items():
            await self.csr.write(
                f"SVC[{self.deployment.index[name]}].TIMEOUT", cycles=batch_timeout(s.policy, self.limit, latency)
            )
        trace = self.deployment.trace
        plan = scale_to_load(trace, s.requests, s.load, [measured[n][0] for n in names], map_services(trace, names))
        self.env_cfg.require("weight_board", s.train != "off")
        self.env_cfg.checkpoints = {1, *np.unique(np.geomspace(2, max(2, s.steps), CHECKPOINTS).astype(int)).tolist()}
        first_batch = len(self.env.batches.batches)
        await PerfSeq(start=True).start()
        wall, begin = time.monotonic(), now()
        if s.train != "off":
            await self.start_training()
        progress = ProgressWriter(self.run_dir, len(plan))
        counted = len(board.served)
        board.on_served.append(
            lambda _: progress.show(len(board.served) - counted, f"requests, {weights.steps} training steps")
        )
        self.env_cfg.load, self.env_cfg.services = s.load, set(names)
        served = await self.serve(plan.cycles + now() + 100, [names[k] for k in plan.service])
        perf = PerfSeq(start=False, c_inf=self.cfg.C_INF, ctx=self.cfg.CTX)
        await perf.start()
        counted = probe_counts(self.env_cfg.probe, self.cfg).counts
        require(perf.counts == counted, f"performance counters are {perf.counts}, the probe counted {counted}")
        in_window = len(weights.step_cycles)
        if s.train != "off":
            if s.policy == "inference_only":  # training has had nothing so far; it gets the core now
                await self.csr.write("POLICY", policy=POLICIES.index("priority"))
            await self.wait_steps(s.steps)
            await self.drain_training()
            await cycles(200)
            weights.compare_weights(now())
        seconds = time.monotonic() - wall
        self._attribute()
        self.result = self._result(measured, served, perf, begin, now(), seconds, first_batch, in_window)
        (self.run_dir / "result.json").write_text(json.dumps(self.result.to_dict()), encoding="utf-8")

    def _attribute(self) -> None:
        """Find the causes of every request's latency, unless random stalls keep the model from knowing the times."""
        latency = self.env.latency_board
        if self.env_cfg.timed and self.env_cfg.exact:
            self.causes = latency.causes()
            self.env.coverage.causes(self.causes)

    def _causes_of(self, requests: list[Served]) -> dict[str, list[int]]:
        """Cycles of each request by cause; empty where they are not known."""
        if self.causes is None:
            return {}
        place = {item.request_id: n for n, item in enumerate(self.env.latency_board.offered)}
        return {
            cause: cycles[[place[r.request_id] for r in requests]].tolist() for cause, cycles in self.causes.items()
        }

    def _result(self, measured, served, perf, begin, last, seconds, first_batch, in_window) -> RunResult:
        s, board, weights, latency = (
            self.scenario,
            self.env.response_board,
            self.env.weight_board,
            self.env.latency_board,
        )
        services = []
        for name in s.services:
            index = self.deployment.index[name]
            mine = sorted((r for r in served if r.service == index), key=lambda r: r.arrival)
            services.append(
                Service(
                    name,
                    len(mine),
                    self.deployment.image.services[index].batch,
                    [r.arrival for r in mine],
                    [r.latency for r in mine],
                    [b.rows for b in self.env.batches.batches[first_batch:] if b.service == index],
                    self.limit,
                    causes=self._causes_of(mine),
                )
            )
        training = None
        if s.train != "off":
            training = Training(
                f"{s.train} {'-'.join(map(str, self.deployment.sizes))}",
                self.deployment.job.batch,
                weights.step_cycles,
                list(range(1, len(weights.losses) + 1)),
                [a for a, _ in weights.losses],
                [b for _, b in weights.losses],
                None,
                begin,
            )
        scenario = {k: v for k, v in asdict(s).items() if k != "seed" and (k != "limit" or v)}
        for name, (capacity, batch) in measured.items():
            scenario[f"capacity of {name}"] = f"{1e6 * capacity:.1f} requests per million cycles"
            scenario[f"full batch of {name}, idle core"] = f"{batch} cycles"
        scenario["steps while requests ran"] = in_window
        checks = [
            Check("responses", "responses", board.compared, len(board.mismatches)),
            Check("order and loss", "requests", board.compared, len(board.outstanding)),
        ]
        latency.judge()
        checks.append(
            Check(
                "times" if self.env_cfg.exact else "bounds of times",
                "batches, responses, steps",
                latency.compared,
                len(latency.mismatches),
            )
        )
        batches, axi = self.env.batches, self.env.axi_watch
        axi.count()
        checks.append(Check("fill of batches", "batches", batches.compared, len(batches.mismatches)))
        checks.append(Check("AXI rules", "transfers", axi.compared))
        if s.train != "off":
            checks.append(Check("training in DRAM", "regions", weights.compared, len(weights.mismatches)))
        return RunResult(
            scenario,
            s.seed,
            s.command(),
            last - begin,
            seconds,
            services,
            [Unit(n, split) for n, split in perf.units.items()],
            training,
            checks,
            [*board.problems(), *weights.problems(), *latency.problems()],
            counted=perf.cycles,
            notes=[] if self.causes else [NO_CAUSES],
        )
