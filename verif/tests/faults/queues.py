"""Too many requests, too long ones, and a service removed while requests for it wait."""

from __future__ import annotations

from collections import Counter

import cocotb

from equinox_core.isa.encoding import Status
from verif.agents.axis import cycles
from verif.sequences.replay import bad_request
from verif.tests.faults.base import FaultTest

ENDED = frozenset({Status.OK, Status.NOT_INSTALLED})


class QueueOverflow(FaultTest):
    """Full queues, no free slots, a sink that takes nothing: the stream is held back, and nothing is lost."""

    timed = True
    sink_stall = 100  # percent

    async def body(self) -> None:
        for _ in range(2):
            await self.overflow()
        await self.clean_run()

    async def overflow(self) -> None:
        """More requests than fit, with oversize bursts among them, while no response can leave;
        then all are answered.
        """
        depth, board = self.cfg.QUEUE_DEPTH, self.env.response_board
        self.env_cfg.exact = False  # a sink that stands still is not in the model
        dut = self.dut
        served = len(board.served)
        dut.rsp_stall_pct.value = self.sink_stall
        items = []
        for name in self.names:
            items += self.some(name, count=2 * depth)
        items += [
            bad_request(
                self.deployment,
                self.below(2),
                self.pick((self.cfg.RX_LINES + 1, 200, 700)),
                self.rng,
                Status.BAD_LENGTH,
            )
            for _ in range(3)
        ]
        self.rng.shuffle(items)
        sending = cocotb.start_soon(self.send(items))
        for _ in range(400):
            await cycles(100)
            if int(dut.s_tvalid.value) and not int(dut.s_tready.value):
                levels = [(await self.csr.read(f"SVC[{n}].LEVEL"))["waiting"] for n in range(len(self.names))]
                if max(levels) == depth or sum(levels) + self.cfg.N * self.cfg.C_INF >= self.cfg.RX_SLOTS:
                    break
        else:
            raise TimeoutError(f"the stream is not held back, queues hold {levels}")
        await cycles(2000)
        self.expect("requests held back", not int(dut.s_tready.value), True)
        self.expect("answers while the sink stands still", len(board.served), served)
        dut.rsp_stall_pct.value = 0
        await sending
        self.expect("answers", len(board.served) - served, len(items))


class RemovedService(FaultTest):
    """A service is disabled at a random moment with requests on the stream, queued, and in batches."""

    timed = True

    async def body(self) -> None:
        for _ in range(5):
            await self.remove()
        await self.clean_run()

    async def counts(self) -> Counter:
        return Counter(
            {name: (await self.csr.read(f"CNT_{name}"))["count"] for name in ("ACCEPTED", "NOT_INSTALLED", "RESPONDED")}
        )

    async def remove(self) -> None:
        """Each request is answered once: OK if it was in a batch, else NOT_INSTALLED; counters agree; installed again
        it serves.
        """
        name = self.pick(self.names)
        index = self.deployment.index[name]
        await self.csr.write("IRQ_STATUS", not_installed=1)
        setting, before = self.deployment.image.services[index], await self.counts()
        await self.set_timeout(self.pick((0, 400, 20_000)))
        items = self.some(name, ENDED, (2 + self.below(4)) * self.cfg.N + self.below(self.cfg.N))
        others = [n for n in self.names if n != name] * self.cfg.N
        mixed = [*items, *(i for n in others for i in self.some(n, count=1))]
        self.rng.shuffle(mixed)
        sending = cocotb.start_soon(self.send(mixed))
        await cycles(self.below(1500))
        await self.csr.write(f"SVC[{index}].CTRL", enable=0, pc_valid=setting.pc_valid)
        await sending
        wanted = {i.request_id for i in items}
        statuses = [Status(s.status) for s in self.env.response_board.served if s.request_id in wanted]
        seen = Counter(statuses)
        self.logger.info(f"{name} removed: {dict(seen)}")
        self.expect("answers", len(statuses), len(items))
        self.expect("queue", (await self.csr.read(f"SVC[{index}].LEVEL"))["waiting"], 0)
        after = await self.counts()
        self.expect(
            "NOT_INSTALLED counted", after["NOT_INSTALLED"] - before["NOT_INSTALLED"], seen[Status.NOT_INSTALLED]
        )
        self.expect("responses counted", after["RESPONDED"] - before["RESPONDED"], len(mixed))
        self.expect("sticky", (await self.csr.read("IRQ_STATUS"))["not_installed"], int(seen[Status.NOT_INSTALLED] > 0))
        await self.csr.write("IRQ_STATUS", not_installed=1)
        await self.set_timeout(400)
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=setting.pc_valid)
        await self.send(self.some(name))
