"""Tests of the front end: random programs against the cycle-exact model, and directed corners."""

from __future__ import annotations

import cocotb

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Err, Op, Status
from verif.block.frontend.harness import Harness, start
from verif.block.frontend.model import ERROR, IDLE, LOADING, RESPOND, RUNNING, UNITS, Program
from verif.block.frontend.stimulus import fitting_program, instruction
from verif.lib.bench import param
from verif.lib.verdict import equal, require

TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms"}


def training_contexts() -> range:
    """Indices of the training contexts."""
    return range(param("C_INF"), param("CTX"))


async def random_setup(h: Harness, length: int = 14, iters: int = 12) -> dict[int, list]:
    """Random programs for all services and training contexts; returns the training streams."""
    services, training, streams = [], {}, {}
    room = param("IMEM_DEPTH") // (param("SERVICES") + len(training_contexts()))
    for _ in range(param("SERVICES")):
        made, _ = fitting_program(h.rng, length, False, room)
        services.append(Program(await h.load(made)))
    for c in training_contexts():
        made, init = fitting_program(h.rng, length, True, room)
        streams[c] = made
        training[c] = Program(await h.load(made), iters, int(h.rng.integers(1, 6)), init)
    h.settings(services, training)
    return streams


def expected(stream: list, iters: int) -> list:
    """What a unit must have accepted, in order."""
    return [i for i in stream if i.op != Op.NOP] * iters


@cocotb.test(**TIMEOUT)
async def runs_random_programs(dut) -> None:
    """Batches and training programs side by side; every stream issues in order, as often as it should."""
    h = await start(dut)
    streams = await random_setup(h)
    for c in training_contexts():
        h.commands[c].add("start")
    batches = 0
    while batches < 25 or (len(h.issues) <= 500 and batches < 1000):  # random programs may be short
        h.waiting.extend(int(h.rng.integers(param("SERVICES"))) for _ in range(25))
        batches += 25
        await h.cycles(2)
        await h.until(h.quiescent)
    for c in training_contexts():
        for u in range(UNITS):
            require(h.units[u][c].accepted == expected(streams[c][u], 12), f"context {c}, unit {u}")
        equal(h.model.ctx[c].steps, 12 * sum(i.step for s in streams[c] for i in s))
    equal(len(h.answers), batches)
    require(all(a[0] == Status.OK for a in h.answers))
    require(len(h.issues) > 500)
    equal(len(h.free_slots), param("RX_SLOTS"))


@cocotb.test(**TIMEOUT)
async def exact_latencies(dut) -> None:
    """First offer, issue interval, and from signal to issue."""
    h = await start(dut)
    ld = [instruction(h.rng, Op.LOAD, signal=1, last=n == 5) for n in range(6)]
    st = [instruction(h.rng, Op.STORE, wait=1, last=n == 5) for n in range(6)]
    vpu = [instruction(h.rng, Op.NOP) for _ in range(4)] + [instruction(h.rng, Op.VECTOR, last=True)]
    pc = await h.load([[], vpu, ld, st])
    c = param("C_INF") if param("CTX") > param("C_INF") else 0
    inference = c < param("C_INF")
    h.settings([Program(pc)] * param("SERVICES"), {c: Program(pc)})
    for row in h.units:
        for unit in row:
            unit.accept, unit.latency = 1.0, (2, 2)
    if inference:
        h.waiting.append(0)
        await h.until(lambda: bool(h.feeding) or h.inputs.row is not None)
        await h.until(lambda: h.inputs.row is not None and h.inputs.row.last)
    else:
        h.commands[c].add("start")
        await h.cycle()
    start_cycle = h.now  # the cycle of the start command, or of the last row
    await h.cycle()
    await h.until(lambda: h.model.ctx[c].state != RUNNING)
    at = {u: [t - start_cycle for t, unit, ctx in h.issues if (unit, ctx) == (u, c)] for u in range(UNITS)}
    if at[2] != [3, 6, 9, 12, 15, 18]:
        raise AssertionError(f"LD issues {at[2]}")
    if at[1] != [3 + 4 * 3]:
        raise AssertionError(f"VPU issues {at[1]}")
    # an instruction issued in t is done in t + 2; the store that waits for it issues in the next cycle
    if at[3] != [t + 3 for t in at[2]]:
        raise AssertionError(f"ST issues {at[3]}")


@cocotb.test(**TIMEOUT)
async def drains(dut) -> None:
    """After a drain all streams have run the same number of iterations, that of the furthest."""
    h = await start(dut)
    streams = await random_setup(h, length=5, iters=10**6)
    partial = rounds = 0
    while training_contexts() and (partial < 3 or rounds < 6):
        require(rounds < 40, "streams were never apart")
        rounds += 1
        for c in training_contexts():
            h.commands[c].add("start")
        slow = int(h.rng.integers(UNITS))
        for u, row in enumerate(h.units):
            for unit in row:
                unit.accepted.clear()
                unit.latency = (1, 40) if u == slow else (1, 6)
        await h.cycles(int(h.rng.integers(2, 400)))
        for c in training_contexts():
            h.commands[c].add("drain")
        await h.cycle()
        before = {c: [s.iters for s in h.model.ctx[c].streams] for c in training_contexts()}
        await h.until(h.quiescent)
        for c in training_contexts():
            used = [u for u in range(UNITS) if streams[c][u]]
            iters = h.model.ctx[c].limit
            if not max(before[c]) <= iters <= max(before[c]) + 1:
                raise AssertionError(f"{before[c]} then {iters}")
            partial += len({before[c][u] for u in used}) > 1
            for u in used:
                require(h.units[u][c].accepted == expected(streams[c][u], iters), f"context {c}, unit {u}")


@cocotb.test(**TIMEOUT)
async def kills(dut) -> None:
    """Kills at random moments, in any state; killed batches are answered, contexts go on afterwards."""
    h = await start(dut)
    await random_setup(h, iters=1000)
    h.hold_answers = 0.05
    seen: set[tuple[bool, int]] = set()
    wanted, batches = {(True, LOADING), (True, RUNNING), (True, RESPOND)}, 0
    while not (wanted <= seen and h.quiescent() and len(h.answers) == batches):
        if not h.waiting and (batches < 60 or not wanted <= seen):
            h.waiting.extend(int(h.rng.integers(param("SERVICES"))) for _ in range(20))
            batches += 20
        require(h.now < 50000, f"no end after {h.now} cycles")
        for c in range(param("CTX")):
            if h.rng.random() < 0.02:
                h.commands[c].add("kill")
                seen.add((c < param("C_INF"), h.model.ctx[c].state))
            if (
                c >= param("C_INF")
                and h.model.ctx[c].state == IDLE
                and len(h.answers) < batches
                and h.rng.random() < 0.2
            ):
                h.commands[c].add("start")
        if len(h.answers) == batches:
            for c in training_contexts():
                h.commands[c].add("kill")
        await h.cycle()
    statuses = {a[0] for a in h.answers}
    equal(statuses, {Status.OK, Status.CTX_ERROR})
    equal(len(h.free_slots), param("RX_SLOTS"))


@cocotb.test(**TIMEOUT)
async def unit_errors(dut) -> None:
    """Failing instructions stop their context alone; its batch is answered; the cause stays until cleared."""
    h = await start(dut)
    await random_setup(h, iters=3)
    for row in h.units:
        for unit in row:
            unit.poison, unit.cause = 0.01, int(h.rng.integers(1, 4))
    errors: set[tuple[int, int, int]] = set()  # (context, unit, cause)
    everyone = set(range(param("CTX")))
    while {c for c, _, _ in errors} < everyone or len({u for _, u, _ in errors}) < 2 or len(h.answers) < 40:
        require(h.now < 60000, f"no end after {h.now} cycles; errors {errors}")
        if len(h.waiting) < 2:
            h.waiting.append(int(h.rng.integers(param("SERVICES"))))
        await h.cycle()
        for c, ctx in enumerate(h.model.ctx):
            if ctx.state == ERROR:
                errors.add((c, ctx.unit, ctx.cause))
                h.commands[c] |= {"clear", "start"} if h.rng.random() < 0.1 else set()
            if c >= param("C_INF") and ctx.state == IDLE and h.rng.random() < 0.3:
                h.commands[c].add("start")
    equal({a[0] for a in h.answers}, {Status.OK, Status.CTX_ERROR})


async def one_fault(h: Harness, streams: list, at: list[int] | None, cause: Err, units: set[int]) -> None:
    """Run a faulty program in every context, one after the other; check the cause and the others."""
    h.used = [0] * UNITS
    good, init = fitting_program(h.rng, 12, True, param("IMEM_DEPTH") // 2)
    good_pc = await h.load(good)
    pc = await h.load(streams, at)
    for c in range(param("CTX")):
        others = {k: Program(good_pc, 6, 3, init) for k in training_contexts() if k != c}
        h.settings([Program(pc)] * param("SERVICES"), others | {c: Program(pc, 1)})
        for k in training_contexts():
            h.commands[k].add("start")
        if c < param("C_INF"):
            h.waiting.append(0)
        await h.cycle()
        await h.until(lambda: any(x.state == ERROR for x in h.model.ctx))
        where = next(k for k, x in enumerate(h.model.ctx) if x.state == ERROR)
        require(where == c or c < param("C_INF") and where < param("C_INF"))
        ctx = h.model.ctx[where]
        require(ctx.cause == cause and ctx.unit in units, f"cause {ctx.cause}, unit {ctx.unit}")
        if c < param("C_INF"):
            equal(h.answers[-1][0], Status.CTX_ERROR)
        await h.until(lambda at=where: all(x.state == IDLE for k, x in enumerate(h.model.ctx) if k != at))
        await h.cycles(20)
        require(ctx.state == ERROR, "an error stays until cleared")
        h.commands[where].add("clear")
        await h.cycles(2)
        require(h.quiescent())


@cocotb.test(**TIMEOUT)
async def semaphore_overflow(dut) -> None:
    """The sixteenth token too many stops the context, whoever brings it."""
    h = await start(dut)
    streams: list = [[], [], [], []]
    for u, op in ((0, Op.NOP), (1, Op.VECTOR), (3, Op.STORE)):
        streams[u] = [instruction(h.rng, op, signal=0x8001, last=n == 9) for n in range(10)]
    await one_fault(h, streams, None, Err.SEM_OVERFLOW, {0, 1, 3})


@cocotb.test(**TIMEOUT)
async def every_semaphore_overflows(dut) -> None:
    """Sixteen tokens for one semaphore from one unit, by NOPs and by instructions that complete: it alone is blamed."""
    h = await start(dut)
    for n, semaphore in enumerate(h.rng.permutation(SEMAPHORES)):
        unit = n % UNITS
        ops = (Op.NOP, (Op.MATMUL, Op.VECTOR, Op.LOAD, Op.STORE)[unit])
        streams: list = [[], [], [], []]
        streams[unit] = [
            instruction(h.rng, ops[int(h.rng.integers(2))], signal=1 << int(semaphore), last=k == SEM_MAX)
            for k in range(SEM_MAX + 1)
        ]
        await one_fault(h, streams, None, Err.SEM_OVERFLOW, {unit})


@cocotb.test(**TIMEOUT)
async def full_semaphore(dut) -> None:
    """A token taken while another arrives does not overflow a full semaphore."""
    h = await start(dut)
    fill = [instruction(h.rng, Op.NOP, signal=2) for _ in range(15)]
    turn = [instruction(h.rng, Op.NOP, wait=2, signal=2, last=n == 4) for n in range(5)]
    h.settings([Program(await h.load([[], fill + turn, [], []]))] * param("SERVICES"), {})
    h.waiting.append(0)
    await h.cycles(2)
    await h.until(h.quiescent)
    equal(h.answers[0][0], Status.OK)


@cocotb.test(**TIMEOUT)
async def runs_out_of_memory(dut) -> None:
    """A stream that runs, or starts, beyond the instruction memory stops its context."""
    h = await start(dut)
    tail = [instruction(h.rng, Op.LOAD) for _ in range(3)]
    depth = param("IMEM_DEPTH")
    await one_fault(h, [[], [], tail, []], [0, 0, depth - 3, 0], Err.PC_RANGE, {2})
    # starts beyond: the first there is, one that is 0 in the bits an address has, the last
    for first in sorted({depth, 1 << depth.bit_length(), 65535}):
        if depth <= first <= 65535:
            await one_fault(h, [[], tail[:1], [], []], [0, first, 0, 0], Err.PC_RANGE, {1})
    if param("IMEM_DEPTH") > 65535:  # there is no address beyond: run off the last instruction
        await h.load([[], [], [], [instruction(h.rng, Op.STORE)]], [0, 0, 0, 65535])
    h.settings([Program([None, None, None, 65535])] * param("SERVICES"), {})
    h.waiting.append(0)
    await h.until(lambda: any(x.state == ERROR for x in h.model.ctx))
    equal(next(x for x in h.model.ctx if x.state == ERROR).unit, 3)


@cocotb.test(**TIMEOUT)
async def commands_in_wrong_states(dut) -> None:
    """Commands that mean nothing in a state change nothing; an empty program ends at once."""
    h = await start(dut)
    await random_setup(h, iters=5)
    contexts = range(param("CTX"))
    for _ in range(600):
        for c in contexts:
            for command in ("start", "drain", "clear"):
                if h.rng.random() < 0.3:
                    h.commands[c].add(command)
        if len(h.waiting) < 2:
            h.waiting.append(int(h.rng.integers(param("SERVICES"))))
        await h.cycle()
    await h.until(h.quiescent)
    require(len(h.answers) > 3)
    h.settings([Program([None] * UNITS)] * param("SERVICES"), {c: Program([None] * UNITS) for c in training_contexts()})
    h.waiting.append(0)
    for c in training_contexts():
        h.commands[c].add("start")
    await h.cycles(2)
    await h.until(h.quiescent)
    equal(h.answers[-1][0], Status.OK)


async def planted(dut, what: str) -> None:
    """Run with a corrupted view of the outputs."""
    h = await start(dut)
    await random_setup(h)
    h.corrupt = what
    h.waiting.extend([0] * 10)
    await h.cycles(20)
    await h.until(h.quiescent)


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_word(dut) -> None:
    """A wrong instruction word is found."""
    await planted(dut, "fold")


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_iteration(dut) -> None:
    """A wrong iteration index is found."""
    await planted(dut, "iter")


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_early_issue(dut) -> None:
    """An offer before its waits are met is found."""
    await planted(dut, "early")
