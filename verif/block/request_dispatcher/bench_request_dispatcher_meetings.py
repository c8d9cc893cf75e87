"""A directed test of the request dispatcher: any two things that happen to it, up to eight cycles around each other."""

from __future__ import annotations

import itertools

import cocotb
import pyuvm

from verif.block.request_dispatcher.bench_request_dispatcher_fields import NEVER, FieldsTest
from verif.block.request_dispatcher.harness import Settings
from verif.lib import coverage
from verif.lib.bench import param
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.verdict import require

AROUND = range(-8, 9)
ACTIONS = ("request", "other", "disable", "expire", "shrink", "idle", "reject", "pause", "answers")
PAIRS = {f"{a} {b}": (a, b) for a, b in itertools.combinations(ACTIONS, 2)}


def meetings_cg() -> Covergroup:
    """``dispatcher_meetings_cg``: each pair, and how many cycles the second came behind the first."""
    return Covergroup(
        "dispatcher_meetings_cg",
        {"cp_pair": PAIRS, "cp_offset": map(str, AROUND)},
        {"cr_pair_offset": Cross("cp_pair", "cp_offset")},
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {meetings_cg().name: coverage.cocotb_groups()["dispatcher_meetings_cg"]}


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class Meetings(FieldsTest):
    """A queue holds requests; then two things happen. Each cycle of what follows is compared with the model."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=NEVER, rx_lines=1) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(1, 4), rest=(0, 2), beat_gap=0.0, ans_ready=1.0)

    async def sweep(self) -> None:
        group = meetings_cg()
        for number, (pair, (first, second)) in enumerate(PAIRS.items()):
            for offset in AROUND:
                await self.meet(first, second, offset, waiting=(number + offset) % 3)
                group.sample(cp_pair=pair, cp_offset=str(offset))
        if param("RX_SLOTS") <= 16:
            for action, cycle in itertools.product(("disable", "expire", "shrink", "reject", "pause"), range(30)):
                await self.held(action, cycle)
        coverage.dump(covergroups(), "dispatcher_meetings")
        left = [b for b, hits in covergroups()["dispatcher_meetings_cg"]["cr_pair_offset"].items() if not hits]
        require(not left, f"{len(left)} meetings never were: {'; '.join(left[:8])}")

    async def meet(self, first: str, second: str, offset: int, waiting: int) -> None:
        """The one in cycle 10, the other so many cycles behind it."""
        self.cfg.stopped = "idle" in (first, second)
        for service in self.cfg.services:
            service.timeout = NEVER
        await self.change()
        for _ in range(waiting):
            await self.one()
        self.sent = []
        now = 0
        for at, action in sorted([(10, first), (10 + offset, second)]):
            await self.clocks(at - now)
            now = at
            await self.act(action)
        await self.clocks(14)
        await self.over()

    async def held(self, action: str, cycle: int) -> None:
        """All slots wait and others are held; contexts become idle, and so many cycles later something happens, while
        those come in that were held.
        """
        self.cfg.stopped = True
        for service in self.cfg.services:
            service.timeout = NEVER
        await self.change()
        for n in range(param("RX_SLOTS")):
            await self.to(n % param("SERVICES"))
        self.sent = [cocotb.start_soon(self.to((n + 1) % param("SERVICES"))) for n in range(5)]
        await self.clocks(6)
        self.cfg.stopped = False
        await self.clocks(cycle)
        await self.act(action)
        await self.clocks(20)
        await self.over()

    async def to(self, svc: int) -> None:
        """A good request to a service."""
        await self.one(beats=self.cfg.services[svc].rx_lines, svc=svc)

    async def over(self) -> None:
        """As it was before, with all requests gone."""
        self.cfg.stopped = self.cfg.reject = False
        self.cfg.accept, self.cfg.ans_ready = True, 1.0
        for service in self.cfg.services:
            service.timeout = 0
        await self.set(enable=1, batch=param("N"))
        for task in self.sent:
            await task
        await self.settle()

    async def act(self, action: str) -> None:
        """Let it happen in this cycle."""
        if action == "request":
            self.sent.append(cocotb.start_soon(self.one()))
        elif action == "other":
            self.sent.append(cocotb.start_soon(self.one(beats=self.cfg.services[0].rx_lines, svc=0)))
        elif action == "disable":
            await self.set(enable=0)
        elif action == "expire":
            await self.set(timeout=0)
        elif action == "shrink":
            await self.set(batch=1)
        elif action == "idle":
            self.cfg.stopped = False
        elif action == "reject":
            self.cfg.reject = True
            await self.change()
        elif action == "pause":
            self.cfg.accept = False
            await self.change()
        elif action == "answers":  # nobody takes any
            self.cfg.ans_ready = 0.0
