"""Tests of the policy block: all inputs, with the latency of one cycle."""

import itertools

import cocotb
from cocotb.triggers import FallingEdge, Timer

from equinox_core.hw.modes import Mode, Policy
from verif.lib import checks
from verif.lib.bench import generator
from verif.lib.verdict import equal, require

INF_ONLY, FAIR, PRIO = Mode.INF_ONLY, Mode.FAIR, Mode.PRIO
TABLE = {  # policy -> mode without, with its condition
    Policy.INFERENCE_ONLY: (INF_ONLY, INF_ONLY),
    Policy.FAIR: (FAIR, FAIR),
    Policy.PRIORITY: (PRIO, PRIO),
    Policy.ADAPTIVE: (FAIR, PRIO),
    Policy.SLACK: (FAIR, PRIO),
    **{code: (INF_ONLY, INF_ONLY) for code in range(8) if code not in set(Policy)},
}
LATE = (Policy.SLACK,)  # looks at the age of requests too, the others only at the queues' lengths
MODES = {  # (policy register, some queue above its threshold, some request late) -> mode
    (policy, above, late): TABLE[policy][above or (late and policy in LATE)]
    for policy in range(8)
    for above in (0, 1)
    for late in (0, 1)
}


async def check(dut, shift: int) -> None:
    """Apply every pair of successive inputs; what was applied in a cycle shows in the next."""
    rng = generator()
    dut.rst_n.value = 1
    dut.drive.value = int(Policy.PRIORITY)  # which must not show while in reset
    await Timer(23, "ns")
    dut.rst_n.value = 0
    await Timer(20, "ns")
    await FallingEdge(dut.clk)
    require(int(dut.mode_q.value) == INF_ONLY, "mode in reset")
    dut.rst_n.value = 1
    pairs = list(itertools.product(MODES, repeat=2))
    rng.shuffle(pairs)
    last, compared = None, 0
    for policy, above, late in itertools.chain.from_iterable(pairs):
        dut.drive.value = late << 4 | above << 3 | policy
        await FallingEdge(dut.clk)  # mode_q: the mode in the cycle before the last rising edge's update
        if last is not None:
            require(int(dut.mode_q.value) == (MODES[last] + shift) % len(Mode), f"mode after {last}")
            compared += 1
        last = (policy, above, late)
    equal(compared, 2 * len(MODES) ** 2 - 1)
    checks.compared("modes", compared)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def all_policies(dut) -> None:
    """The mode of every policy, whatever came before."""
    await check(dut, 0)


@cocotb.test(timeout_time=1, timeout_unit="ms", expect_fail=True)
async def planted_wrong_table(dut) -> None:
    """A wrong expectation is found."""
    await check(dut, 1)
