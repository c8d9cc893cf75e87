"""Tests of the request dispatcher by value class: every setting and every field of a header, ages and clocks of 32 bits
near their ends, and memories that are really full.

Where the build lets the bench set the clock (:class:`Clock`), long times pass at once; elsewhere classes that would
take long are left out.
"""

from __future__ import annotations

import pyuvm

from equinox_core.hw.structs import HEADER, SVC_CFG
from equinox_core.isa.encoding import Status
from verif.block.request_dispatcher.bench_request_dispatcher import DispatcherTest, RandomRequests
from verif.block.request_dispatcher.harness import Clock, RequestItem, Settings
from verif.block.request_dispatcher.model import Service
from verif.lib import coverage
from verif.lib.bench import param
from verif.lib.field_sweep import FieldSweep
from verif.lib.verdict import equal, require

NEVER = (1 << 32) - 1  # the longest timeout
ELSEWHERE = ("pc_valid", "pc", "w_base", "c_base")  # settings that pass this block by
WRAPS = (8, 16, 24, 31, 32)  # bits of the clock that change together as it counts on
SETTINGS = {f.name: f.width for f in SVC_CFG.fields if f.name not in ELSEWHERE}
HEADERS = {f.name: f.width for f in HEADER.fields}


def settings_sweep() -> FieldSweep[str]:
    """``dispatcher_fields_cg``: the settings of a service, each in the context of its name."""
    return FieldSweep("dispatcher_fields_cg", SETTINGS, {name: name for name in SETTINGS})


def headers_sweep() -> FieldSweep[str]:
    """``header_fields_cg``: what a request's header holds; its status means nothing and is drawn anyhow."""
    return FieldSweep("header_fields_cg", HEADERS, {name: name for name in HEADERS})


def covergroups() -> coverage.Groups:
    """The groups with all their bins."""
    names = [sweep().group.name for sweep in (settings_sweep, headers_sweep)]
    return {name: coverage.cocotb_groups()[name] for name in names}


class FieldsTest(DispatcherTest):
    """Services without gaps on the stream, contexts that are quick; the last service is the one under test."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=0, rx_lines=1) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(1, 3), rest=(0, 0), beat_gap=0.0, ans_ready=1.0)

    async def stimulus(self) -> None:
        self.svc, self.ident = param("SERVICES") - 1, 0
        self.board, self.clock = self.env.scoreboard, Clock(self.env.scoreboard.model)
        await self.sweep()

    async def sweep(self) -> None:
        """The test's own part."""
        raise TypeError(f"{type(self).__name__} has no sweep")

    async def set(self, **fields: int) -> None:
        """Settings of the service under test."""
        self.cfg.services[self.svc] = Service(**(vars(self.cfg.services[self.svc]) | fields))
        await self.change()

    async def one(self, beats: int | None = None, svc: int | None = None, ident: int | None = None) -> int:
        """Send a request of so many payload beats, of as many as it shall have if none are named; its id."""
        self.ident += 1
        svc = self.svc if svc is None else svc
        beats = self.cfg.services[self.svc].rx_lines if beats is None else beats
        ident = self.ident << 12 | self.ident & 0xFFF if ident is None else ident
        width = 16 * param("L") // 8
        payload = tuple(int.from_bytes(self.rng.bytes(width), "little") for _ in range(beats))
        await self.play(RequestItem(svc, ident, payload))
        return ident

    async def play(self, item: RequestItem) -> None:
        sequence = pyuvm.uvm_sequence("one")

        async def body() -> None:
            await sequence.start_item(item)
            await sequence.finish_item(item)

        sequence.body = body
        await self.run_sequence(sequence)

    async def refused(self, status: Status, beats: int | None = None) -> None:
        """A request is answered with a status, and nothing is dispatched."""
        before, dispatched = self.board.statuses[status], self.board.dispatched
        await self.one(beats)
        await self.clocks(8)
        equal((self.board.statuses[status] - before, self.board.dispatched - dispatched), (1, 0), f"{status.name}")

    async def batch(self, rows: int, cycle: int) -> None:
        """The last batch was of so many rows of the service under test, and its first row came in that cycle."""
        equal(self.board.batches[-1], (cycle, self.svc, rows), "last batch: cycle, service, rows")


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class FieldsOfServices(FieldsTest):
    """Every value class of every setting, legal or not."""

    async def sweep(self) -> None:
        self.good = {"enable": 1, "batch": 1, "timeout": 0, "threshold": 0, "rx_lines": 1, "tx_lines": 1}
        sweep = settings_sweep()
        for field, label, value in sweep.cases():
            await self.set(**self.good)
            if await getattr(self, f"of_{field}")(value):
                sweep.sample(field, label)
            await self.set(**self.good)
            await self.settle()
        coverage.dump({"dispatcher_fields_cg": covergroups()["dispatcher_fields_cg"]}, "dispatcher_fields")
        if self.clock.there:
            left = [
                f"{p}: {b}" for p, c in covergroups()["dispatcher_fields_cg"].items() for b, n in c.items() if not n
            ]
            require(not left, f"{len(left)} classes were never tried: {'; '.join(left[:8])}")

    async def of_enable(self, value: int) -> bool:
        await self.set(enable=value)
        await (self.taken() if value else self.refused(Status.NOT_INSTALLED))
        return True

    async def taken(self) -> None:
        """A request is taken and dispatched."""
        before = self.board.dispatched
        await self.one()
        await self.clocks(8)
        equal(self.board.dispatched - before, 1, "dispatched")

    async def of_batch(self, value: int) -> bool:
        """So many requests are a batch: they leave behind the last, and not before."""
        await self.set(batch=value, timeout=NEVER)
        if not 1 <= value <= param("N"):
            await self.refused(Status.NOT_INSTALLED)
            return True
        before = len(self.board.batches)
        for n in range(value):
            equal(len(self.board.batches), before, f"batches with {n} of {value} requests")
            last = await self.one()
        await self.clocks(value + 12)
        await self.batch(value, self.board.arrivals[last] + 3)
        if value < param("N"):  # so many of a larger batch leave when they have waited long enough
            await self.set(batch=param("N"))
            for _ in range(value):
                await self.one()
            await self.set(timeout=0)
            await self.clocks(value + 12)
            equal(self.board.batches[-1][2], value, "rows of a partial batch")
        return True

    async def of_timeout(self, value: int) -> bool:
        """A lonely request leaves when it has waited so long."""
        if param("N") == 1:
            return True  # any request is a batch
        left = max(value - 12, 0)
        if left > 600 and not self.clock.there:
            return False
        await self.set(batch=param("N"), timeout=value)
        before = len(self.board.batches)
        sent = await self.one()
        await self.clocks(6)
        if self.clock.there:
            self.clock.forward(left)
        else:
            await self.clocks(left)
            left = 0
        if value > 16:
            equal(len(self.board.batches), before, f"batches before {value} cycles")
        await self.clocks(20)
        await self.batch(1, self.board.arrivals[sent] + max(value, 1) + 2 - left)
        return True

    async def of_threshold(self, value: int) -> bool:
        """Pressure begins one above the threshold, or never where no queue can be so long: compared in every cycle by
        the scoreboard. The longest queues are in `FieldsFull`.
        """
        self.cfg.stopped = True
        await self.set(batch=param("N"), timeout=NEVER, threshold=value)
        for _ in range(min(value + 1, 2, param("N"))):
            await self.one()
            await self.clocks(2)
        await self.set(threshold=0)
        await self.clocks(2)
        self.cfg.stopped = False
        await self.set(timeout=0)
        return True

    async def of_rx_lines(self, value: int) -> bool:
        await self.set(rx_lines=value)
        if not 1 <= value <= param("RX_LINES"):
            await self.refused(Status.NOT_INSTALLED, beats=1)
            return True
        await self.taken()
        await self.refused(Status.BAD_LENGTH, beats=value - 1)
        await self.refused(Status.BAD_LENGTH, beats=value + 1)
        return True

    async def of_tx_lines(self, value: int) -> bool:
        await self.set(tx_lines=value)
        await (self.taken() if 1 <= value <= param("TX_LINES") else self.refused(Status.NOT_INSTALLED))
        return True


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class FieldsOfHeaders(FieldsTest):
    """Every value class of a request's number and service, in rows and in answers; the status of a request is noise."""

    async def sweep(self) -> None:
        sweep = headers_sweep()
        for field, label, value in sweep.cases():
            if field == "svc":
                await self.one(1, svc=value)
                await self.clocks(6)
            elif field == "id":
                await self.set(enable=1)
                await self.one(ident=value)
                await self.clocks(8)
                await self.set(enable=0)
                await self.one(ident=value)
                await self.clocks(8)
                await self.set(enable=1)
            else:
                await self.play(RequestItem(self.svc, 1 << 20 | value, (0,) * 1, status=value))
                await self.clocks(8)
            sweep.sample(field, label)
        coverage.dump({"header_fields_cg": covergroups()["header_fields_cg"]}, "header_fields")
        left = [f"{p}: {b}" for p, bins in covergroups()["header_fields_cg"].items() for b, n in bins.items() if not n]
        require(not left, f"{len(left)} classes were never tried: {'; '.join(left[:8])}")


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class FieldsOfClock(FieldsTest):
    """The clock of ages passes 2^8, 2^16, 2^24, 2^31 and 2^32 while requests come, wait, are held and leave; ages are
    right up to the greatest.
    """

    def settings(self) -> Settings:
        services = [self.random_service(timeout=40, rx_lines=1) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(5, 40), rest=(0, 5), beat_gap=0.0)

    async def sweep(self) -> None:
        if not self.clock.there:
            return await self.taken_at_all()
        for bits in WRAPS:
            for part, before in enumerate((30, 18, 9, 2)):
                await self.settle()
                start = (1 << bits) - before
                self.clock.forward((start - self.clock.now()) % (1 << 32))
                await self.run_sequence(RandomRequests(20, self.cfg, 6 * (part % 2), 0.1, seed=bits * 8 + part))
                now = self.clock.now()
                require(now < start or now >> bits != start >> bits, f"the clock has not passed 2^{bits}")
        await self.settle()
        self.cfg.stopped = True
        await self.set(batch=param("N"), timeout=NEVER)
        for age in (1 << 24, 1 << 31, NEVER - 40):
            await self.one()
            await self.clocks(6)
            self.clock.forward(age)
            await self.clocks(6)
            self.cfg.stopped = False
            await self.set(timeout=0)
            await self.settle()
            self.cfg.stopped = True
            await self.set(timeout=NEVER)
        self.cfg.stopped = False
        await self.change()

    async def taken_at_all(self) -> None:
        """Where the clock cannot be set: some traffic, as of a test that is not there."""
        await self.run_sequence(RandomRequests(20, self.cfg, 6))


@pyuvm.test(timeout_time=40, timeout_unit="ms")
class FieldsFull(FieldsTest):
    """One queue with every slot, or full: at each length pressure begins one above the threshold. All slots are used,
    and the queue goes over the end of its memory.
    """

    def settings(self) -> Settings:
        services = [self.random_service(timeout=NEVER, rx_lines=1) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(1, 3), rest=(0, 0), beat_gap=0.0, ans_ready=1.0)

    async def sweep(self) -> None:
        most = min(param("RX_SLOTS"), param("QUEUE_DEPTH"))
        self.clock.turn(param("QUEUE_DEPTH") - most // 2)
        self.cfg.stopped = True
        for level in range(most):
            await self.set(batch=param("N"), timeout=NEVER, threshold=level)
            await self.one()
        await self.clocks(4)
        equal(self.board.longest, most, "the longest queue")
        for bit in range(16):
            for threshold in (1 << bit, most - 1, most, most + (1 << bit)):
                await self.set(threshold=threshold % (1 << 16))
                await self.clocks(1)
        self.cfg.reject = True
        await self.set(threshold=0xFFFF)
        await self.refused(Status.REJECTED)
        self.cfg.reject = self.cfg.stopped = False
        await self.set(timeout=0)
        await self.settle(limit=100 * most + 1000)
        slots = {address // param("RX_LINES") for address in self.board.rxb}
        require(len(slots) == param("RX_SLOTS") or most < param("RX_SLOTS"), f"{len(slots)} slots were used")
