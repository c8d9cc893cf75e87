"""Tests of the request dispatcher: random traffic against the cycle-exact model, and directed corners."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import FallingEdge, Timer
from pyuvm import ConfigDB, uvm_sequence, uvm_test

from equinox_core.isa.encoding import Status
from verif.block.request_dispatcher.harness import DispatcherEnv, RequestItem, Settings, apply
from verif.block.request_dispatcher.model import Service
from verif.lib.bench import generator, param, reset
from verif.lib.verdict import equal, require


class RandomRequests(uvm_sequence):
    """Requests to random services, a given share of them faulty in some way."""

    def __init__(self, count: int, cfg: Settings, delay: int, faulty: float = 0.2, seed: int = 0) -> None:
        super().__init__("requests")
        self.count, self.cfg, self.delay, self.faulty = count, cfg, delay, faulty
        self.rng = generator(100 + seed)
        self.next_id = 1 + (seed << 10)

    async def body(self) -> None:
        services, width = param("SERVICES"), 16 * param("L") // 8
        for _ in range(self.count):
            svc = int(self.rng.integers(services))
            beats = self.cfg.services[svc].rx_lines
            if self.rng.random() < self.faulty:
                kind = self.rng.integers(4)
                if kind == 0:
                    svc = int(self.rng.integers(services, 256))
                beats = [beats, 0, int(self.rng.integers(0, beats)), beats + int(self.rng.integers(1, 4))][kind]
            payload = tuple(int.from_bytes(self.rng.bytes(width), "little") for _ in range(beats))
            ident = int(self.rng.integers(1 << 20)) << 12 | self.next_id  # all bits of an id in use
            item = RequestItem(svc, ident, payload, int(self.rng.integers(0, self.delay, endpoint=True)))
            self.next_id += 1
            await self.start_item(item)
            await self.finish_item(item)


class DispatcherTest(uvm_test):
    """Common part: settings, reset, running a sequence, waiting until everything has left."""

    fault = ""

    def build_phase(self) -> None:
        self.rng = generator()
        self.cfg = self.settings()
        self.cfg.fault = self.fault
        ConfigDB().set(None, "*", "cfg", self.cfg)
        self.env = DispatcherEnv("env", self)

    def random_service(self, **fixed: int) -> Service:
        """A service with random legal settings."""
        rng = self.rng
        values = {
            "enable": 1,
            "batch": int(rng.integers(1, param("N"), endpoint=True)),
            "timeout": int(rng.integers(0, 200)),
            "threshold": int(rng.integers(0, 6)),
            "rx_lines": int(rng.integers(1, min(4, param("RX_LINES")), endpoint=True)),
            "tx_lines": int(rng.integers(1, param("TX_LINES"), endpoint=True)),
        }
        return Service(**(values | fixed))

    def settings(self) -> Settings:
        """What this test runs with."""
        return Settings([self.random_service() for _ in range(param("SERVICES"))])

    async def clocks(self, n: int) -> None:
        """Let n cycles pass; ends after all others have seen the last of them."""
        for _ in range(n):
            await FallingEdge(cocotb.top.clk)
        await Timer(1, "ns")

    async def change(self) -> None:
        """Apply changed settings; the next cycle sees them."""
        apply(cocotb.top, self.cfg)

    async def run_sequence(self, sequence: uvm_sequence) -> None:
        """Run a sequence on the request agent."""
        await sequence.start(self.env.sequencer)

    async def send(self, svc: int, ident: int, delay: int = 0) -> None:
        """Send one good request."""
        sequence = uvm_sequence("one")

        async def body() -> None:
            width = 16 * param("L")
            payload = tuple((ident * 1000 + n) % (1 << width) for n in range(self.cfg.services[svc].rx_lines))
            item = RequestItem(svc, ident, payload, delay)
            await sequence.start_item(item)
            await sequence.finish_item(item)

        sequence.body = body
        await self.run_sequence(sequence)

    async def settle(self, limit: int = 20000) -> None:
        """Wait until all requests are answered or dispatched."""
        board = self.env.scoreboard
        for _ in range(limit // 50):
            await self.clocks(50)
            if board.offered == board.dispatched + board.answered and not board.in_use:
                return
        raise AssertionError(f"{board.offered} requests, {board.dispatched} dispatched, {board.answered} answered")

    async def run_phase(self) -> None:
        self.raise_objection()
        apply(cocotb.top, self.cfg)
        cocotb.top.s_beat.value = 0
        await reset(cocotb.top)
        await self.stimulus()
        await self.settle()
        self.drop_objection()

    async def stimulus(self) -> None:
        """The test's own part."""
        await self.run_sequence(RandomRequests(150, self.cfg, 20))


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class RandomTraffic(DispatcherTest):
    """Random arrivals over all services, with faulty requests among them."""

    async def stimulus(self) -> None:
        for part, delay in enumerate((40, 4, 0)):
            await self.run_sequence(RandomRequests(120, self.cfg, delay, seed=part))
        board = self.env.scoreboard
        require(board.dispatched > 50)
        require(board.statuses[Status.BAD_LENGTH])
        require(board.statuses[Status.NOT_INSTALLED])


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class ExactTimeout(DispatcherTest):
    """A lonely request leaves exactly max(timeout, 1) + 2 cycles after its last beat; a full batch 3 cycles after."""

    def settings(self) -> Settings:
        timeouts = (0, 1, 17, 300)
        services = [
            self.random_service(batch=param("N"), timeout=timeouts[n % 4], rx_lines=1 + n % min(3, param("RX_LINES")))
            for n in range(param("SERVICES"))
        ]
        return Settings(services, hold=(1, 3), rest=(0, 0), beat_gap=0.0)

    async def stimulus(self) -> None:
        board = self.env.scoreboard
        for svc, service in enumerate(self.cfg.services):
            for n in range(3):
                await self.send(svc, 100 * svc + n + 1)
                await self.clocks(service.timeout + 30)
                cycle, got, rows = board.batches[-1]
                arrival = board.arrivals[100 * svc + n + 1]
                require((got, rows) == (svc, 1), f"batch {got}, {rows}")
                if cycle != arrival + max(service.timeout, 1) + 2:
                    raise AssertionError(f"dispatched {cycle - arrival} cycles after arrival")
        svc = len(self.cfg.services) - 1
        require(self.cfg.services[svc].timeout > 100 or len(self.cfg.services) < 4)
        if self.cfg.services[svc].timeout > 100:
            first = 10000
            for n in range(param("N") + 1):  # a full batch, and the first of the next
                await self.send(svc, first + n)
            await self.clocks(self.cfg.services[svc].timeout + 30)
            last = board.arrivals[first + param("N") - 1]
            if board.batches[-2] != (last + 3, svc, param("N")):
                raise AssertionError(f"{board.batches[-2]}, last arrival {last}")
            left = board.arrivals[first + param("N")]
            if board.batches[-1] != (left + self.cfg.services[svc].timeout + 2, svc, 1):
                raise AssertionError(f"{board.batches[-1]}, {left}")


@pyuvm.test(timeout_time=4, timeout_unit="ms")
class SlowContexts(DispatcherTest):
    """Contexts so slow that queues and slots fill: first with back-pressure, then rejecting."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=20) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(200, 600), beat_gap=0.0)

    async def stimulus(self) -> None:
        count = param("RX_SLOTS") + param("QUEUE_DEPTH")
        await self.run_sequence(RandomRequests(2 * count, self.cfg, 0, faulty=0.05))
        require(not self.env.scoreboard.statuses[Status.REJECTED])
        self.cfg.reject = True
        await self.change()
        await self.run_sequence(RandomRequests(2 * count, self.cfg, 0, faulty=0.05, seed=1))
        require(self.env.scoreboard.statuses[Status.REJECTED] > 10)
        self.cfg.hold = (1, 10)


@pyuvm.test(timeout_time=4, timeout_unit="ms")
class OneQueueFull(DispatcherTest):
    """One service's queue fills and wraps around while slots are left."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=50, rx_lines=1) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(300, 400), beat_gap=0.0)

    async def stimulus(self) -> None:
        depth = param("QUEUE_DEPTH")
        for n in range(param("C_INF") * param("N") + 2 * depth):  # the first may go to contexts at once
            await self.send(0, n + 1)
        equal(self.env.scoreboard.longest, depth)
        self.cfg.hold = (1, 5)


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class FaultyStorm(DispatcherTest):
    """Mostly faulty requests while answers leave slowly: nothing is lost, no slot leaks."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=5) for _ in range(param("SERVICES"))]
        return Settings(services, ans_ready=0.08, beat_gap=0.0)

    async def stimulus(self) -> None:
        await self.run_sequence(RandomRequests(200, self.cfg, 1, faulty=0.9))
        self.cfg.ans_ready = 1.0
        await self.run_sequence(RandomRequests(100, self.cfg, 0, faulty=0.9, seed=1))


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class ServicesComeAndGo(DispatcherTest):
    """Services are disabled while requests wait, and enabled again; the block stops taking headers now and then."""

    def settings(self) -> Settings:
        services = [self.random_service(timeout=60) for _ in range(param("SERVICES"))]
        return Settings(services, hold=(30, 120), ans_ready=0.3)

    async def stimulus(self) -> None:
        task = cocotb.start_soon(self.run_sequence(RandomRequests(250, self.cfg, 3, faulty=0.05)))
        while not task.done():
            await self.clocks(int(self.rng.integers(5, 120)))
            service = self.cfg.services[int(self.rng.integers(len(self.cfg.services)))]
            service.enable = int(not service.enable)
            self.cfg.accept = self.rng.random() < 0.8
            await self.change()
        self.cfg.accept = True
        await self.change()
        await task
        require(self.env.scoreboard.statuses[Status.NOT_INSTALLED] > 5)


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class SettingsOutOfRange(DispatcherTest):
    """A service whose batch or lines are out of range counts as not installed, whichever bit makes them so."""

    async def stimulus(self) -> None:
        board, count = self.env.scoreboard, 0
        largest = {"batch": param("N"), "rx_lines": param("RX_LINES"), "tx_lines": param("TX_LINES")}
        bad = [
            {name: value}
            for name, most in largest.items()
            for value in (0, most + 1, *(1 << bit for bit in range(8)))
            if value == 0 or most < value < 1 << 8
        ]
        for svc, good in enumerate(self.cfg.services):
            for wrong in bad:
                count += 1
                self.cfg.services[svc] = Service(**(vars(good) | wrong))
                await self.change()
                await self.send(svc, count)
                await self.settle()
                require(
                    board.statuses[Status.NOT_INSTALLED] == count and not board.dispatched, f"service {svc}, {wrong}"
                )
            self.cfg.services[svc] = good
        await self.change()
        for svc in range(len(self.cfg.services)):
            await self.send(svc, 1000 + svc)
            await self.settle()
            equal(board.dispatched, svc + 1)


@pyuvm.test(timeout_time=2, timeout_unit="ms")
class FewSlots(DispatcherTest):
    """Partial batches whose timeouts are far away go at once when they hold up others, each in its cycle, and ages
    count from the hold.
    """

    TIMEOUT = 5000

    def settings(self) -> Settings:
        require(
            param("RX_SLOTS") == 5
            and param("QUEUE_DEPTH") == 4
            and param("N") == 8
            and param("C_INF") == param("SERVICES") == 2
        )
        service = {"batch": 8, "timeout": self.TIMEOUT, "rx_lines": 2, "tx_lines": 1, "threshold": 3}
        return Settings([Service(enable=1, **service) for _ in range(2)], hold=(400, 400), rest=(20, 20), beat_gap=0.0)

    async def stimulus(self) -> None:
        board = self.env.scoreboard
        for ident, svc in enumerate((1, 0, 0, 1, 0, 1), 1):  # five take the slots, the sixth is held
            await self.send(svc, ident)
        h = board.headers[6]  # both go, in round robin, each to an idle context
        require(board.batches == [(h + 3, 0, 3), (h + 3 + 3 + 2, 1, 2)], f"{board.batches}, held from {h + 1}")
        held = h + 1
        for ident in (7, 8, 9):  # they come through the stream that was held, without an empty cycle
            await self.send(0, ident)
        require(board.arrivals[9] > held + 400, "the slots came back before the contexts had worked")
        await self.clocks(30)
        require(len(board.batches) == 2, "nobody is held")
        await self.clocks(self.TIMEOUT + 100)
        require(
            board.batches[2:] == [(held + self.TIMEOUT + 2, 0, 3), (held + self.TIMEOUT + 2 + 3 + 2, 1, 1)],
            f"{board.batches[2:]}, held from {held}",
        )
        await self.clocks(500)
        await self.send(0, 10)  # the stream was empty: its age is its own
        await self.clocks(self.TIMEOUT + 100)
        require(
            board.batches[4:] == [(board.arrivals[10] + self.TIMEOUT + 2, 0, 1)],
            f"{board.batches[4:]}, taken in {board.arrivals[10]}",
        )
        await self.clocks(500)
        for ident in range(11, 15):  # a full queue goes, though its batch could be larger
            await self.send(1, ident)
        await self.clocks(20)
        require(
            board.batches[5:] == [(board.arrivals[14] + 3, 1, 4)], f"{board.batches[5:]}, taken in {board.arrivals[14]}"
        )


@pyuvm.test(timeout_time=4, timeout_unit="ms")
class FewSlotsRandom(DispatcherTest):
    """Random traffic that fills the slots again and again, waiting and rejecting; most batches go because somebody is
    held. Without gaps between beats, contexts become idle and timeouts end while those come in that were held.
    """

    def settings(self) -> Settings:
        services = [
            self.random_service(
                batch=int(self.rng.integers(2, param("N"), endpoint=True)), timeout=timeout, rx_lines=1 + n % 2
            )
            for n, timeout in enumerate((4000, 30))
        ]
        return Settings(services, hold=(1, 80), rest=(0, 3))

    async def stimulus(self) -> None:
        for part, delay in enumerate((0, 30, 150, 0)):
            self.cfg.reject, self.cfg.beat_gap = part == 3, 0.2 if part == 1 else 0.0
            await self.change()
            await self.run_sequence(RandomRequests(100, self.cfg, delay, faulty=0.1, seed=part))
        full = param("QUEUE_DEPTH")
        partial = sum(rows < min(full, self.cfg.services[svc].batch) for _, svc, rows in self.env.scoreboard.batches)
        require(partial > 20 and self.env.scoreboard.statuses[Status.REJECTED])


@pyuvm.test(timeout_time=2, timeout_unit="ms", expect_fail=True)
class PlantedLostRow(DispatcherTest):
    """A row that never reaches the scoreboard is found."""

    fault = "drop_row"


@pyuvm.test(timeout_time=2, timeout_unit="ms", expect_fail=True)
class PlantedWrongId(DispatcherTest):
    """A request under another id is found."""

    fault = "swap_id"


@pyuvm.test(timeout_time=2, timeout_unit="ms", expect_fail=True)
class PlantedLateRow(DispatcherTest):
    """A row in another cycle than the model's is found."""

    fault = "late_row"
