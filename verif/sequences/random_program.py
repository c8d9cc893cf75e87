"""Sequences of a random case: its requests, its changes of policy, its training program, all at their cycles."""

from __future__ import annotations

import cocotb
from pyuvm import uvm_sequence

from equinox_core.deploy.scenario import POLICIES
from verif.agents.axis import cycles, now
from verif.agents.csr_agent import Csr
from verif.agents.request_agent import RequestItem
from verif.agents.train_agent import ERROR, IDLE, wait_state
from verif.random.lower import RandomDeployment
from verif.sequences.boot import StartTrainingSeq
from verif.sequences.replay import fresh_id

LEAD = 20  # cycles from the sequence's start to cycle 0 of the case
POLL = 50  # cycles between two looks at the training context


class PolicyChangesSeq(uvm_sequence):
    """Writes POLICY at given cycles (absolute)."""

    def __init__(self, changes: list[tuple[int, str]]):
        super().__init__("policy_changes")
        self.changes = changes

    async def body(self):
        csr = Csr()
        for at, policy in self.changes:
            if at > now():
                await cycles(at - now())
            await csr.write("POLICY", policy=POLICIES.index(policy))


class RandomProgramSeq(uvm_sequence):
    """Runs the case's training program to its end; ``state`` is that of its context afterwards."""

    def __init__(self, deployment: RandomDeployment, at: int):
        super().__init__("random_program")
        self.deployment, self.at = deployment, at
        self.state: int | None = None

    async def body(self):
        ctx = self.deployment.cfg.C_INF
        if self.at > now():
            await cycles(self.at - now())
        await StartTrainingSeq(self.deployment.image, self.deployment.image.training).start()
        self.state = await wait_state(Csr(), ctx, {IDLE, ERROR}, poll=POLL, limit=self.deployment.patience)


class RandomProgramVseq(uvm_sequence):
    """The whole case.

    ``serve`` sends requests and waits for the answers (``EquinoxTest.send``). Inference gets priority at the end, so
    that training under ``inference_only`` ends too.
    """

    def __init__(self, deployment: RandomDeployment, serve):
        super().__init__("random_program_vseq")
        self.deployment, self.serve = deployment, serve
        self.training: RandomProgramSeq | None = None

    def items(self, zero: int) -> list[RequestItem]:
        """The requests; a tag is the request's number among those of its service."""
        counts = dict.fromkeys(range(len(self.deployment.case.services)), 0)
        out = []
        for at, service, _ in self.deployment.case.requests:
            tag = counts[service]
            counts[service] += 1
            out.append(
                RequestItem(service, fresh_id(), self.deployment.payloads[f"service{service}"][tag], zero + at, tag)
            )
        return out

    async def body(self):
        case, zero = self.deployment.case, now() + LEAD
        tasks = []
        if case.requests:
            tasks.append(cocotb.start_soon(self.serve(self.items(zero))))
        if case.training:
            self.training = RandomProgramSeq(self.deployment, zero + case.training.start)
            tasks.append(cocotb.start_soon(self.training.start()))
        changes = PolicyChangesSeq([(zero + at, policy) for at, policy in case.changes])
        await changes.start()
        if tasks and case.requests:
            await tasks[0]
        await Csr().write("POLICY", policy=POLICIES.index("priority"))
        for task in tasks:
            await task
