"""Tests of the semaphores against their definition in docs/isa.md: counters 0..15, what a cycle brings and takes is
added up first.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Unit
from verif.lib import checks
from verif.lib.bench import generator, reset
from verif.lib.verdict import equal

PHASES = (
    (0.1, 0.2),
    (0.5, 0.1),
    (0.15, 0.6),
    (0.8, 0.8),
)  # probabilities that a unit signals a semaphore, and takes a token that is there
CYCLES = 400  # a phase
ROUNDS = 3


def mask(bits: np.ndarray) -> int:
    """Bits [4][16] or [4] as a number, the first the lowest."""
    return int(sum(int(bit) << n for n, bit in enumerate(bits.ravel())))


def taken(rng: np.random.Generator, have: np.ndarray, share: float) -> np.ndarray:
    """Who takes which token, bool [unit, semaphore]: one that is there, as instructions issue only where their waits
    are met, and one unit at most, as one stream may wait for a semaphore.
    """
    want = rng.random((len(Unit), SEMAPHORES)) < share
    return want & (np.cumsum(want, axis=0) == 1) & (have > 0)


async def play(dut: Any, expected: int = SEM_MAX) -> None:
    """All phases, with starts at random values between."""
    rng = generator()
    await reset(dut)
    dut.init.value = 1  # a run's start gives the counters their first values
    await FallingEdge(dut.clk)
    have = np.zeros(SEMAPHORES, np.int64)
    overflows: set[tuple[int, int]] = set()  # (semaphore, unit blamed)
    for signals, takes in PHASES * ROUNDS:
        for _ in range(CYCLES):
            init = rng.random() < 0.01
            values = rng.integers(SEM_MAX + 1, size=SEMAPHORES)
            done, nop = rng.random(len(Unit)) < 0.5, rng.random(len(Unit)) < 0.5
            by_done, by_nop = (rng.random((len(Unit), SEMAPHORES)) < signals for _ in range(2))
            take = taken(rng, have, takes)
            dut.init.value, dut.init_val.value = int(init), int(sum(int(v) << 4 * n for n, v in enumerate(values)))
            dut.done.value, dut.nop.value = mask(done), mask(nop)
            dut.done_signal.value, dut.nop_signal.value, dut.take.value = mask(by_done), mask(by_nop), mask(take)
            await FallingEdge(dut.clk)
            signalled = by_done & done[:, None], by_nop & nop[:, None]
            after = have + sum(s.sum(0) for s in signalled) - take.sum(0)
            over = after > expected
            blamed = np.flatnonzero(((signalled[0] | signalled[1]) & over).any(1))
            seen = int(dut.nonzero_q.value), int(dut.overflow_q.value), int(dut.unit_q.value)
            if seen[:2] != (mask(have > 0), over.any()):
                raise AssertionError(
                    f"nonzero {seen[0]:04x}, overflow {seen[1]}, with counters {have} and {after} after it"
                )
            if len(blamed):
                if seen[2] != blamed[0]:
                    raise AssertionError(f"unit {seen[2]} blamed, expected {blamed[0]}")
                overflows |= {(int(s), int(blamed[0])) for s in np.flatnonzero(over)}
            have = values if init else np.minimum(after, SEM_MAX)
    equal({s for s, _ in overflows}, set(range(SEMAPHORES)))
    equal({u for _, u in overflows}, set(range(len(Unit))))
    checks.compared("cycles of semaphores", len(PHASES) * ROUNDS * CYCLES)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def counts_tokens(dut: Any) -> None:
    """What is there, and who is blamed for an overflow."""
    await play(dut)


@cocotb.test(timeout_time=1, timeout_unit="ms", expect_fail=True)
async def planted_wrong_limit(dut: Any) -> None:
    """A wrong expectation is found."""
    await play(dut, SEM_MAX - 1)
