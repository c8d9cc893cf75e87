"""Checks of the checkers: faults planted between the core and the scoreboards must be reported, each as what it is."""

from __future__ import annotations

import re

from pyuvm import uvm_factory

from equinox_core.isa.encoding import Status
from verif.agents.axis import cycles, now
from verif.agents.response_agent import ResponseMonitor
from verif.agents.train_agent import StepEvent
from verif.agents.unit_agent import BatchEvent
from verif.env.scoreboards import Scoreboard
from verif.sequences.replay import good_request
from verif.tests.base import EquinoxTest


class FaultyResponseMonitor(ResponseMonitor):
    """A monitor that, while ``fault`` is set, spoils the next response (or two) that it reports."""

    def build_phase(self):
        super().build_phase()
        self.fault: str | None = None
        self.held: list[tuple[list[int], int]] = []

    def _packet(self, packet: tuple[list[int], int]) -> None:
        fault, (beats, cycle) = self.fault, packet
        if fault is None or (len(beats) == 1 and fault != "swap"):
            super()._packet(packet)
            return
        if fault == "swap":
            self.held.append(packet)
            if len(self.held) == 2:
                self.fault = None
                for one in reversed(self.held):
                    super()._packet(one)
            return
        self.fault = None
        changed = {
            "bit": [*beats[:-1], beats[-1] ^ 1 << 7],
            "short": beats[:-1],
            "service": [beats[0] ^ 1, *beats[1:]],
            "id": [beats[0] ^ 1 << 40, *beats[1:]],
            "status": [beats[0] | Status.CTX_ERROR << 8],
            "payload": [beats[0] | Status.CTX_ERROR << 8, *beats[1:]],
        }
        if fault == "drop":
            return
        super()._packet((changed.get(fault, beats), cycle))
        if fault == "twice":
            super()._packet(packet)


REPORTS = {  # what the scoreboard must say to each fault
    "bit": r"line \d+ lane \d+: 0x",
    "short": r"response of \d+ lines, reference",
    "service": r"answered as service",
    "id": r"not outstanding",
    "status": r"has status 4, legal \[0\]",
    "payload": r"has status 4, legal \[0\]",
    "drop": r"was never answered",
    "twice": r"not outstanding \(duplicate",
    "swap": r"\(order\)",
}


class Checkers(EquinoxTest):
    """Plants one fault after the other; ends with all scoreboards content, as in a good run."""

    expects = True
    timed = False  # the monitors lie
    patience = 20_000

    def prepare(self) -> None:
        uvm_factory().set_type_override_by_type(ResponseMonitor, FaultyResponseMonitor)

    async def body(self) -> None:
        await self.set_timeout(400)
        weights = self.env.weight_board
        self.env_cfg.require("weight_board")
        self.must_fail(self.env.response_board, "compared nothing")
        self.must_fail(weights, "compared nothing")
        await self.send_good(list(self.deployment.index) * self.cfg.N)
        self.must_pass(self.env.response_board)
        for fault, report in REPORTS.items():
            await self.response_fault(fault, report)
        self.batch_fault()
        await self.refused_payload()
        await self.weight_faults()

    def must_fail(self, board, report: str) -> None:
        """The board's check phase fails now, and says so."""
        try:
            board.check_phase()
        except AssertionError as error:
            lines = board.problems() if isinstance(board, Scoreboard) else [str(error)]
            if not any(re.search(report, line) for line in lines):
                raise AssertionError(f"{board.get_name()} says: {lines}; expected {report}") from error
            self.expected_things += 1
            return
        raise AssertionError(f"{board.get_name()} is content; expected {report}")

    def must_pass(self, board) -> None:
        board.check_phase()
        self.expected_things += 1

    def forget(self) -> None:
        """Take all complaints back."""
        board = self.env.response_board
        board.mismatches.clear()
        board.outstanding.clear()
        board.order.clear()

    async def response_fault(self, fault: str, report: str) -> None:
        name = str(self.rng.choice(list(self.deployment.index)))
        monitor = self.env.responses.monitor
        monitor.fault, monitor.held = fault, []
        await self.send_good([name] * self.cfg.N)
        self.expect(f"{fault}: planted", monitor.fault, None)
        self.must_fail(self.env.response_board, report)
        self.forget()
        await self.send_good([name] * self.cfg.N)
        self.must_pass(self.env.response_board)

    async def refused_payload(self) -> None:
        """An answer that may be CTX_ERROR must not bring a payload."""
        self.env.responses.monitor.fault = "payload"
        legal = frozenset({Status.OK, Status.CTX_ERROR})
        await self.send([good_request(self.deployment, "mlp", self.rng, legal) for _ in range(self.cfg.N)])
        self.must_fail(self.env.response_board, "has status 4 and a payload")
        self.forget()

    def batch_fault(self) -> None:
        """A batch larger than the service allows."""
        board = self.env.batches
        board.batch(BatchEvent(now(), 0, 0, board.limits[0] + 1))
        self.must_fail(board, "batch of")
        board.mismatches.clear()
        board.batches.pop()
        self.must_pass(board)

    async def weight_faults(self) -> None:
        """A wrong byte of a weight, before, after and between the steps of training; a step that is missed."""
        board, (address, _) = self.env.weight_board, self.deployment.weight_ranges[0]
        self.env_cfg.checkpoints = {1, 2, 3}
        await self.flip(address)
        await self.start_training()
        await self.wait_steps(2)
        await self.drain_training()
        await cycles(200)
        self.must_fail(board, "after step 1 region (errors|weights) differs")
        board.mismatches.clear()

        self.restore_weights()
        await self.start_training()
        await self.wait_steps(2)
        await self.drain_training()
        await cycles(200)
        board.compare_weights(now())
        self.must_pass(board)
        for address, size in self.deployment.weight_ranges:
            at = address + int(self.rng.integers(size // self.cfg.BUS)) * self.cfg.BUS
            await self.flip(at)
            board.compare_weights(now())
            self.must_fail(board, "region weights differs in 1 bytes")
            board.mismatches.clear()
            await self.flip(at)
        board.compare_weights(now())
        self.must_pass(board)

        steps, regions = board.steps, self.env_cfg.step_regions
        self.env_cfg.step_regions = ()  # only the count matters here
        board.step(StepEvent(now(), steps + 2))
        self.must_fail(board, "step count went from")
        board.mismatches.clear()
        board.steps, self.env_cfg.step_regions = steps, regions

    async def flip(self, address: int) -> None:
        """Change one bit of one byte in DRAM."""
        beat = bytearray(self.dram.read(address, self.cfg.BUS))
        beat[1] ^= 0x40
        self.dram.write(address, bytes(beat))
        await cycles(1)


class Silent(EquinoxTest):
    """Does nothing at all, which must fail: the response scoreboard has compared nothing."""

    async def body(self) -> None:
        await cycles(10)
