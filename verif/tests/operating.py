"""The operating space in one run: every policy at every load, in every phase of training, with full, partial and lonely
batches.
"""

from __future__ import annotations

import cocotb
import numpy as np

from equinox_core.compiler.training import PHASES
from equinox_core.deploy.deployment import train_rows
from equinox_core.deploy.scenario import POLICIES
from equinox_core.isa.encoding import Unit
from verif.agents.axis import cycles, now
from verif.env.coverage_operating import MODES, stalls_bin
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest

LOADS = (0.28, 0.6, 0.9, 1.6)  # one of each band of the covergroup
# a batch's timeout is this part of an unloaded batch, so that a lonely request is dispatched while others are at work
SHARE = 8
PATIENCE = 200  # looks at the training program's place, a few cycles apart, for a phase to come
LOOK = 40  # cycles between two of them
TRIES = 8  # at finding a training tile that is loaded and not begun,
SPREAD = 800  # with requests in so many cycles


class OperatingSpace(EquinoxTest):
    """Without stalls in the scenario: policies × loads × phases, to the cycle. With them: each kind of stall with each
    policy and phase.
    """

    async def body(self) -> None:
        self.names = list(self.deployment.index)
        measured = {name: await self.measure_capacity(name, 3) for name in self.names}
        self.capacity = {name: capacity for name, (capacity, _) in measured.items()}
        for name, (_, latency) in measured.items():
            await self.csr.write(f"SVC[{self.deployment.index[name]}].TIMEOUT", cycles=max(1, latency // SHARE))
        self.env_cfg.require("weight_board")
        if self.scenario.rsp_stall or self.scenario.dram_stall:
            await self.every_stall()
        else:
            await self.every_phase()
            for turn, policy in enumerate(POLICIES):
                await self.every_load(turn, policy)

    # ---- without stalls
    async def every_phase(self) -> None:
        """Batches of every fill with training off, held in each of its phases, and while it drains."""
        orders = [self.names, self.names[::-1]]
        await self.every_fill(*orders[0])
        await self.train()
        for turn, phase in enumerate(PHASES, 1):
            await self.to_phase(phase, "inference_only")
            await self.every_fill(*orders[turn % 2])
        draining = cocotb.start_soon(self.drain_training())
        await cycles(LOOK)
        await self.every_fill(*orders[0])
        await self.set_policy("priority")
        await draining

    async def every_load(self, turn: int, policy: str) -> None:
        """One training run: served at each load in some phase of it, while it drains, and when it is off."""
        self.logger.info(f"cycle {now()}: {policy}")
        await self.train()
        for n, load in enumerate(LOADS):
            await self.to_phase(PHASES[(turn + n) % len(PHASES)], policy)
            await self.offer_load(load, self.salvos())
        if policy in MODES:  # the others choose among these
            await self.pass_tiles(policy)
        one, other = self.names if turn % 2 else reversed(self.names)
        await self.drain_beside(policy, LOADS[turn % len(LOADS)], one)
        await self.set_policy(policy)
        await self.offer_load(LOADS[(turn + 1) % len(LOADS)], self.one_service(other))

    async def pass_tiles(self, policy: str) -> None:
        """Training with tiles of few rows: inference comes, and enters rows, while tiles are loaded and not begun."""
        for _ in range(TRIES):
            await self.set_policy("priority")
            await self.csr.write("TRAIN_ROWS", rows=2)
            await cycles(int(self.rng.integers(LOOK)))
            await self.csr.write("POLICY", policy=POLICIES.index(policy))
            await self.serve(
                np.sort(now() + self.rng.integers(SPREAD, size=6)), self.rng.choice(self.names, 6).tolist()
            )

    async def every_fill(self, one: str, other: str) -> None:
        """Batches of every fill: alone, beside one of the same service, beside one of the other."""
        n = self.cfg.N
        for rows in (1, 2, n):
            for salvo in ([one] * rows, [one] * (n + rows), [other] * n + [one] * rows):
                self.env_cfg.services = set(salvo)
                await self.send_good(salvo)
        self.env_cfg.services = set()

    def salvos(self) -> list[list[str]]:
        """Requests that come together, for both services: batches of every fill, alone and beside others."""
        n, (one, other) = self.cfg.N, self.rng.permutation(self.names).tolist()
        return [[one] * n + [other], [one] * 2 + [other] * n, [one], [other] * 2]

    def one_service(self, name: str) -> list[list[str]]:
        """The same for one service."""
        n = self.cfg.N
        return [[name] * (n + 1), [name] * (n + 2), [name], [name] * 2, [name] * n]

    async def offer_load(self, load: float, salvos: list[list[str]]) -> None:
        """Offer salvos so that their mean is a fraction of the capacity, and wait for the answers."""
        at, arrivals, services = now() + 100.0, [], []
        for salvo in salvos:
            arrivals += [int(at)] * len(salvo)
            services += salvo
            at += sum(1 / self.capacity[name] for name in salvo) / load
        self.env_cfg.load, self.env_cfg.services = load, set(services)
        await self.serve(np.array(arrivals), services)
        self.env_cfg.load, self.env_cfg.services = None, set()

    # ---- with stalls
    async def every_stall(self) -> None:
        """Each kind of stall with each policy, in each phase of training, while it drains, and when it is off."""
        sink, dram = self.scenario.rsp_stall, self.scenario.dram_stall
        for kinds in ((sink, 0), (0, dram), (sink, dram)):
            self.logger.info(f"cycle {now()}: stalls: {stalls_bin(*kinds)}")
            self.dut.rsp_stall_pct.value, self.dut.u_dram.stall_pct.value = kinds
            await self.train()
            for n, policy in enumerate(POLICIES):
                await self.to_phase(PHASES[n % len(PHASES)], policy)
                await self.send_good(self.names * 2)
            await self.drain_beside(POLICIES[2], None, "lstm")
            await self.send_good(self.names * 2)

    # ---- training
    async def train(self) -> None:
        """Start training from its first weights."""
        await self.set_policy("priority")
        self.restore_weights()
        self.env_cfg.checkpoints = {1, 2}
        await self.start_training()

    async def set_policy(self, policy: str) -> None:
        """A policy, with the cut of training tiles that goes with it."""
        await self.csr.write("TRAIN_ROWS", rows=train_rows(policy, self.cfg, self.deployment.image.work.program))
        await self.csr.write("POLICY", policy=POLICIES.index(policy))

    def phase(self) -> str:
        """What the training program's last MATMUL belongs to."""
        phases = self.deployment.image.work.program.phases[Unit.MMU]
        probe = self.env_cfg.probe
        if int(probe.pc_first.value):
            return phases[-1] if int(probe.pc_turns.value) else phases[0]
        return phases[int(probe.pc_next.value) - int(probe.pc_base.value) - 1]

    async def to_phase(self, phase: str, policy: str) -> None:
        """Let training run until it is in a phase, or has been waited for long enough; then a policy."""
        await self.set_policy("priority")
        for _ in range(PATIENCE):
            if self.phase() == phase:
                break
            await cycles(LOOK)
        await self.set_policy(policy)

    async def drain_beside(self, policy: str, load: float | None, name: str) -> None:
        """Drain training while requests are served; it must end with the reference's weights."""
        board = self.env.weight_board
        await self.set_policy("inference_only")
        draining = cocotb.start_soon(self.drain_training())
        await cycles(LOOK)
        await self.set_policy(policy)
        if load is None:
            await self.send([good_request(self.deployment, name, self.rng) for _ in range(2 * self.cfg.N)])
        else:
            await self.offer_load(load, self.one_service(name))
        await self.set_policy("priority")
        await draining
        await cycles(200)
        if board.steps:
            board.compare_weights(now())
