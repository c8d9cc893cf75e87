"""Requests that cannot be served: each gets its status, counts once, and nothing else suffers."""

from __future__ import annotations

from collections import Counter

from equinox_core.isa.encoding import Status
from verif.agents.axis import cycles
from verif.agents.train_agent import ERROR, wait_state
from verif.sequences.boot import CommandSeq, PatchSeq
from verif.sequences.replay import bad_request, good_request
from verif.tests.base import EquinoxTest

EVENTS = {"not_installed": "CNT_NOT_INSTALLED", "bad_length": "CNT_BAD_LENGTH", "rejected": "CNT_REJECTED"}
FAR = 200  # a service number beyond any that can be installed


class RequestErrors(EquinoxTest):
    """Unknown services, wrong lengths, full queues; sticky bits, interrupt and counters."""

    expects = True

    async def body(self) -> None:
        await self.set_timeout(400)
        await self.idle_registers()
        await self.not_installed()
        await self.bad_length()
        await self.mixed()
        await self.rejected()
        await self.disabled()

    async def counters(self) -> dict[str, int]:
        names = {"accepted": "CNT_ACCEPTED", "responded": "CNT_RESPONDED", **EVENTS}
        return {k: (await self.csr.read(v))["count"] for k, v in names.items()}

    async def sticky(self) -> set[str]:
        return {name for name, bit in (await self.csr.read("IRQ_STATUS")).items() if bit}

    async def idle_registers(self) -> None:
        self.expect("counters before", await self.counters(), dict.fromkeys(("accepted", "responded", *EVENTS), 0))
        await self.csr.write("IRQ_STATUS", value=0x1F)
        self.expect("sticky events before", await self.sticky(), set())

    async def check(self, event: str, count: int) -> None:
        """One kind of event happened ``count`` times since the last check; its bit is set, interrupts, and can be
        cleared.
        """
        before, after = self.seen, await self.counters()
        self.expect(f"{event} counted", after[event] - before[event], count)
        self.expect("sticky events", await self.sticky(), {event})
        self.expect("interrupt while disabled", int(self.dut.irq.value), 0)
        await self.csr.write("IRQ_ENABLE", **{event: 1})
        await cycles(4)
        self.expect("interrupt", int(self.dut.irq.value), 1)
        await self.csr.write("IRQ_STATUS", value=0x1F & ~self.bit(event))
        self.expect("sticky events after clearing others", await self.sticky(), {event})
        await self.csr.write("IRQ_STATUS", **{event: 1})
        self.expect("sticky events after clearing", await self.sticky(), set())
        await cycles(4)
        self.expect("interrupt after clearing", int(self.dut.irq.value), 0)
        await self.csr.write("IRQ_ENABLE", value=0)
        self.seen = after

    @staticmethod
    def bit(event: str) -> int:
        return 1 << ("ctx_err", "not_installed", "bad_length", "rejected", "ctx_done").index(event)

    async def not_installed(self) -> None:
        self.seen = await self.counters()
        free = len(self.deployment.image.installed)
        bad = [
            bad_request(self.deployment, n, lines, self.rng, Status.NOT_INSTALLED)
            for n in (free, FAR)
            for lines in (0, 1, 5, 40)
        ]
        await self.send(bad)
        await self.check("not_installed", len(bad))

    async def bad_length(self) -> None:
        self.seen = await self.counters()
        bad = []
        for index, service in enumerate(self.deployment.image.installed):
            right = service.rx_lines
            lengths = {0, 1, right - 1, right + 1, self.cfg.RX_LINES + 3, 2 * right + 1} - {right}
            bad += [
                bad_request(self.deployment, index, lines, self.rng, Status.BAD_LENGTH) for lines in sorted(lengths)
            ]
        await self.send(bad)
        await self.check("bad_length", len(bad))

    async def mixed(self) -> None:
        """Good requests among bad ones, in random order: the good ones are answered right and in order."""
        self.seen = await self.counters()
        names = [s.name for s in self.deployment.image.installed]
        items = [good_request(self.deployment, str(self.rng.choice(names)), self.rng) for _ in range(3 * self.cfg.N)]
        items += [bad_request(self.deployment, 0, 1, self.rng, Status.BAD_LENGTH) for _ in range(5)]
        items += [bad_request(self.deployment, 3, 2, self.rng, Status.NOT_INSTALLED) for _ in range(5)]
        self.rng.shuffle(items)
        served = await self.send(items)
        wanted = Counter({Status.OK: 3 * self.cfg.N, Status.BAD_LENGTH: 5, Status.NOT_INSTALLED: 5})
        self.expect("statuses", Counter(Status(r.status) for r in served), wanted)
        now = await self.counters()
        self.expect("accepted", now["accepted"] - self.seen["accepted"], 3 * self.cfg.N)
        self.expect("responded", now["responded"] - self.seen["responded"], 3 * self.cfg.N + 10)
        await self.csr.write("IRQ_STATUS", value=0x1F)

    async def rejected(self) -> None:
        """Reject mode: with both contexts stopped by an error nothing leaves the queue, so exactly its depth is
        accepted.
        """
        stopped = range(self.cfg.C_INF)
        await self.stop_contexts()
        await self.csr.write("IRQ_STATUS", value=0x1F)
        await self.csr.write("CTRL", accept_en=1, reject_mode=1)
        self.seen = await self.counters()
        name, extra = self.deployment.image.installed[-1].name, 7
        queued = [good_request(self.deployment, name, self.rng) for _ in range(self.cfg.QUEUE_DEPTH)]
        refused = [good_request(self.deployment, name, self.rng, frozenset({Status.REJECTED})) for _ in range(extra)]
        served = len(self.env.response_board.served)
        await self.offer(queued)
        self.expect(
            "queue level",
            (await self.csr.read(f"SVC[{self.deployment.index[name]}].LEVEL"))["waiting"],
            self.cfg.QUEUE_DEPTH,
        )
        await self.send(refused)
        await self.check("rejected", extra)
        self.expect("answered while stopped", len(self.env.response_board.served) - served, extra)
        for ctx in stopped:
            await CommandSeq(ctx, "clear").start()
        await self.send_good([name])  # waits in its turn: everything before it is answered then
        await self.csr.write("CTRL", accept_en=1, reject_mode=0)
        self.expect(
            "answered after clearing", len(self.env.response_board.served) - served, extra + self.cfg.QUEUE_DEPTH + 1
        )

    async def stop_contexts(self) -> None:
        """Put all inference contexts into the error state, with a service whose first instruction is illegal."""
        index = len(self.deployment.image.installed) - 1
        setting, unit = self.deployment.image.services[index], 1
        at = setting.pc[unit]
        await PatchSeq(unit, at, 0x9).start()
        name = self.deployment.image.installed[index].name
        for _ in range(self.cfg.C_INF):
            await self.send([good_request(self.deployment, name, self.rng, frozenset({Status.CTX_ERROR}))])
        for ctx in range(self.cfg.C_INF):
            await wait_state(self.csr, ctx, {ERROR})
        await PatchSeq(unit, at, self.deployment.image.imem[unit][at]).start()

    async def disabled(self) -> None:
        """A service that is disabled while requests wait for it answers them NOT_INSTALLED, and serves again when
        enabled.
        """
        await self.set_timeout(100_000)
        name = self.deployment.image.installed[-1].name
        index, setting = self.deployment.index[name], self.deployment.image.services[-1]
        self.seen = await self.counters()
        waiting = [
            good_request(self.deployment, name, self.rng, frozenset({Status.NOT_INSTALLED}))
            for _ in range(self.cfg.N - 1)
        ]
        served = len(self.env.response_board.served)
        await self.offer(waiting)
        self.expect("queue level", (await self.csr.read(f"SVC[{index}].LEVEL"))["waiting"], len(waiting))
        await self.csr.write(f"SVC[{index}].CTRL", enable=0, pc_valid=setting.pc_valid)
        await cycles(200)
        self.expect("answered after disabling", len(self.env.response_board.served) - served, len(waiting))
        await self.check("not_installed", len(waiting))
        await self.csr.write(f"SVC[{index}].CTRL", enable=1, pc_valid=setting.pc_valid)
        await self.send_good([name] * self.cfg.N)
