"""Every field that the front end is given, by value classes, each where it decides what comes out.

The harness compares all outputs with the model in every cycle; the cases here bring the values.
"""

from __future__ import annotations

import os

import cocotb

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Op
from verif.block.frontend.harness import Harness, start
from verif.block.frontend.model import ERROR, IDLE, RUNNING, UNITS, Instruction, Program
from verif.block.frontend.stimulus import instruction
from verif.block.frontend.stimulus_fields import covergroups, field_sweep
from verif.lib import coverage
from verif.lib.bench import param
from verif.lib.verdict import equal, require

HERE = os.environ.get("P_IMEM_DEPTH") == "65536"  # the run of test_frontend_fields, which opens a back door
TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms", "skip": not HERE}
OPS = (Op.MATMUL, Op.VECTOR, Op.LOAD, Op.STORE)  # of the units
NOTHING: list[list[Instruction]] = [[], [], [], []]
CTX_FIELDS = (("vec_base", 0, 16), ("acc_base", 16, 16), ("actc_base", 32, 16), ("w_base", 48, 16), ("c_base", 64, 16))
REST = {  # where tb_frontend has a setting: in svc_rest or ctx_rest
    **{f"ctx_{name}": (lsb, width) for name, lsb, width in (*CTX_FIELDS, ("dram_base", 80, 32))},
    "svc_w_base": (0, 16),
    "svc_c_base": (16, 16),
    "svc_tx_lines": (32, 8),
}


def training() -> range:
    """Indices of the training contexts."""
    return range(param("C_INF"), param("CTX"))


def bits(mask: int) -> list[int]:
    """The bits that are set."""
    return [n for n in range(mask.bit_length()) if mask >> n & 1]


async def settled(h: Harness, contexts: str = "both", streams: list[list[Instruction]] | None = None, **given) -> None:
    """Run a program in the contexts of a class, until all that ran has ended; an error is cleared.

    Args:
        contexts: "inference", "training" or both.
        streams: the program, loaded at the beginning of the memories; without: ``pc`` says where it is.
        given: of the training contexts' program (``pc``, ``iters``, ``iter_mod``, ``sem_init``), and of the settings
            (``svc_rest``, ``ctx_rest``, ``timeout``).
    """
    await begin(h, contexts, streams, **given)
    await h.until(lambda: over(h), 3000)
    await clear(h)


async def begin(h: Harness, contexts: str = "both", streams: list[list[Instruction]] | None = None, **given) -> None:
    """As :func:`settled`, up to the cycle after the start."""
    pc = given.pop("pc", None)
    if streams is not None:
        h.used = [0] * UNITS
        pc = await h.load(streams)
    settings = {name: given.pop(name) for name in ("svc_rest", "ctx_rest", "timeout") if name in given}
    h.settings(
        [Program(list(pc)) for _ in range(param("SERVICES"))],
        {c: Program(list(pc), **given) for c in training()},
        **settings,
    )
    if contexts != "training":
        h.waiting.append(0)
    if contexts != "inference":
        for c in training():
            h.commands[c].add("start")
    await h.cycles(2)


def over(h: Harness) -> bool:
    """Whether nothing runs or is on its way."""
    return not h.coming() and all(x.state in (IDLE, ERROR) for x in h.model.ctx)


async def clear(h: Harness) -> None:
    """Clear the errors of all contexts."""
    for c, ctx in enumerate(h.model.ctx):
        if ctx.state == ERROR:
            h.commands[c].add("clear")
    await h.cycles(2)


def quick(h: Harness) -> None:
    """Units that take what comes, and are soon done with it."""
    for row in h.units:
        for unit in row:
            unit.accept, unit.latency, unit.poison = 0.9, (1, 3), 0.0


def tokens(mask: int, there: int, elsewhere: int = 0) -> list[int]:
    """Initial semaphores: those of a mask, and the others."""
    return [there if mask >> s & 1 else elsewhere for s in range(SEMAPHORES)]


# -- cases: (harness, field, value)
async def header(h: Harness, field: str, value: int) -> None:
    """The value in an instruction of every stream, which another one follows."""
    streams = []
    for u in range(UNITS):
        given = {"op": OPS[u], "last": False, "step": bool(u & 1)}
        reserved = value << 6 if field == "rsvd" else 0
        if field != "rsvd":
            given[field] = value if field == "op" else bool(value)
        first = instruction(h.rng, given["op"], last=given["last"], step=given["step"])
        first = Instruction(first.op, 0, 0, first.last, first.step, first.word & ~0xC0 | reserved)
        streams.append([first, instruction(h.rng, OPS[u], last=True)])
    await settled(h, streams=streams, iters=2)


async def waits(h: Harness, _: str, value: int) -> None:
    """All that is waited for is there at once, or comes token by token; a single one that is missing is waited for."""
    u = int(h.rng.integers(UNITS))
    other = (u + 1 + int(h.rng.integers(UNITS - 1))) % UNITS
    for op in (OPS[u], Op.NOP):
        alone: list[list[Instruction]] = [[], [], [], []]
        alone[u] = [instruction(h.rng, op, wait=value, last=True)]
        await settled(h, "training", alone, sem_init=tokens(value, 1))
        order = [1 << int(s) for s in h.rng.permutation(bits(value))] or [0]
        both: list[list[Instruction]] = [[], [], [], []]
        both[u] = alone[u]
        both[other] = [
            instruction(h.rng, int(h.rng.choice([OPS[other], Op.NOP])), signal=s, last=s == order[-1]) for s in order
        ]
        await settled(h, streams=both)


async def signals(h: Harness, _: str, value: int) -> None:
    """Each semaphore of the mask gets its token, and no other: those are full and would overflow."""
    u = int(h.rng.integers(UNITS))
    other = (u + 1 + int(h.rng.integers(UNITS - 1))) % UNITS
    for op in (OPS[u], Op.NOP):
        streams: list[list[Instruction]] = [[], [], [], []]
        streams[u] = [instruction(h.rng, op, signal=value, last=True)]
        streams[other] = [instruction(h.rng, Op.NOP, wait=value, last=True)]
        await settled(h, "training", streams, sem_init=tokens(value, 0, SEM_MAX))
        require(all(x.cause == 0 for x in h.model.ctx))
        await settled(h, "inference", streams)


async def bases(h: Harness) -> None:
    """What is handed on to units and responder, all settings at once, each with another class of value: the harness
    compares environments and answers.
    """
    sweep = field_sweep()
    cases = {field: [case[1:] for case in sweep.cases(field)] for field in REST}
    streams = [[instruction(h.rng, op, last=True)] for op in OPS]
    for n in range(max(map(len, cases.values()))):
        rest, seen = {"svc": 0, "ctx": 0}, []
        for k, (field, (lsb, width)) in enumerate(REST.items()):
            label, value = cases[field][(n + 5 * k) % len(cases[field])]
            require(value < 1 << width)
            rest[field[:3]] |= value << lsb
            seen.append((field, label))
        await settled(h, streams=streams, svc_rest=rest["svc"], ctx_rest=rest["ctx"])
        for field, label in seen:
            sweep.sample(field, label)


async def streams(h: Harness, field: str, value: int) -> None:
    """The streams that the program has, of four that stand in the memories."""
    h.used = [0] * UNITS
    pc = await h.load([[instruction(h.rng, op, last=True)] for op in OPS])
    used = [at if value >> u & 1 else None for u, at in enumerate(pc)]
    await settled(h, "inference" if field.startswith("svc") else "training", pc=used, iters=2)


async def address(h: Harness, field: str, value: int) -> None:
    """Streams that start at the value. The memories hold a word at every such address."""
    if value not in h.model.imem[0]:
        raise ValueError("memories are not filled")
    kind = "inference" if field.startswith("svc") else "training"
    await settled(h, kind, pc=[value] * UNITS, iters=2)


async def iterations(h: Harness, _: str, value: int) -> None:
    """So many iterations, and no more. Large numbers begin near their end; a drain there ends with the furthest."""
    program = [[instruction(h.rng, OPS[u] if u != 1 else Op.NOP, last=True, step=True)] for u in range(UNITS)]
    near = value - 3
    if near < 4:
        await settled(h, "training", program, iters=value)
    else:
        await begin(h, "training", program, iters=value)
        await h.cycles(12)
        require(all(h.model.ctx[c].state == RUNNING for c in training()))
        for c in training():
            for u in range(UNITS):
                preset(h, u, c, iters=near + int(h.rng.integers(2)))
        await h.until(lambda: over(h), 100)
    await begin(h, "training", program, iters=0xFFFFFFFF)
    await h.cycles(12)
    for c in training():
        order = h.rng.permutation(UNITS)
        for u in range(UNITS):
            preset(h, u, c, iters=min(max(0, value - int(order[u])), 0xFFFFFFFC))
        h.commands[c].add("drain")
    await h.cycles(2)
    await h.until(lambda: over(h), 100)


async def indices(h: Harness, _: str, value: int) -> None:
    """The index of the iteration goes back to 0 at the value, and at no number that differs from it in one bit."""
    program = [[instruction(h.rng, op, last=True)] for op in OPS]
    near = [value ^ 1 << bit for bit in bits(value)] if value > 8 else []
    rounds = [near[n : n + UNITS] for n in range(0, len(near), UNITS)]
    await begin(h, "training", program, iters=14 + 4 * len(rounds), iter_mod=value)
    await h.cycles(10)
    for wanted in [*rounds, [value] * UNITS] if value > 8 else []:
        for c in training():
            require(h.model.ctx[c].state == RUNNING)
            for u, number in enumerate(wanted):
                preset(h, u, c, iter=max(0, number - 2))
        await h.cycles(9)
    await h.until(lambda: over(h), 300)


async def preset_steps(h: Harness, before: int) -> None:
    """Steps go on from a number that no test reaches by counting; several complete in one cycle."""
    program = [[instruction(h.rng, Op.NOP if n % 2 else op, step=True, last=n == 5) for n in range(6)] for op in OPS]
    await begin(h, "both", program, iters=2)
    await h.until(lambda: all(x.state == RUNNING for x in h.model.ctx[param("C_INF") - 1 :]), 100)
    for c, ctx in enumerate(h.model.ctx):
        if ctx.state == RUNNING:
            ctx.steps = before
            h.dut.dut.g_ctx[c].u_control.steps_q.value = before
    await h.until(lambda: over(h), 300)


def preset(h: Harness, u: int, c: int, **values: int) -> None:
    """Give registers of a stream another value, in the design and in the model: ``iters``, ``iter``."""
    stream = h.dut.dut.g_unit[u].u_front.g_ctx[c].u_stream.g_count
    for name, value in values.items():
        getattr(stream, f"{name}_q").value = value
        setattr(h.model.ctx[c].streams[u], name, value)


async def sem_init(h: Harness, _: str, value: int) -> None:
    """Each semaphore starts with another number: as many can be taken, and 15 less as many be added."""
    init = [(value + s) % (SEM_MAX + 1) for s in range(SEMAPHORES)]
    u = int(h.rng.integers(UNITS))
    for kind, times in (("wait", init), ("signal", [SEM_MAX - n for n in init])):
        masks = [sum(1 << s for s, n in enumerate(times) if n > k) for k in range(SEM_MAX)]
        program: list[list[Instruction]] = [[], [], [], []]
        program[u] = [instruction(h.rng, Op.NOP, **{kind: mask}, last=k == SEM_MAX - 1) for k, mask in enumerate(masks)]
        await settled(h, "training", program, sem_init=init)
        require(all(x.cause == 0 for x in h.model.ctx), f"semaphores of {kind} from {init}")


async def late(h: Harness, field: str, value: int) -> None:
    """A batch is late some cycles after it came, at once, or not at all: by its service's timeout and its age."""
    program: list[list[Instruction]] = [[], [instruction(h.rng, Op.VECTOR, last=True)], [], []]
    for row in h.units:
        for unit in row:
            unit.latency = (6, 6)
    top = (1 << 32) - 1
    pairs = {(value, max(0, value - 5)), (value, min(top, value + 1)), (value, 0)}
    if field == "row_age":
        pairs = {(min(top, value + 5), value), (value, value), (top, value)}
    for timeout, age in sorted(pairs):
        h.age = age
        await settled(h, "inference", program, timeout=timeout)
    h.age = None
    quick(h)


async def error(h: Harness, _: str, value: int) -> None:
    """A unit's instruction fails with the cause, in every context."""
    u = int(h.rng.integers(UNITS))
    program: list[list[Instruction]] = [[], [], [], []]
    program[u] = [instruction(h.rng, OPS[u], last=True)]
    for unit in h.units[u]:
        unit.poison, unit.cause = 1.0, value
    await begin(h, "both", program)
    await h.until(lambda: over(h), 300)
    require(all(x.cause == value for x in h.model.ctx[param("C_INF") :]))
    await clear(h)
    quick(h)


CASES = {
    "header": header,
    "waits": waits,
    "signals": signals,
    "streams": streams,
    "address": address,
    "iterations": iterations,
    "indices": indices,
    "tokens": sem_init,
    "late": late,
    "error": error,
}


async def swept(h: Harness, *cases: str) -> None:
    """Sweep the fields of some cases."""
    sweep = field_sweep()
    for field in (f for f, case in sweep.contexts.items() if case in cases):
        for _, label, value in sweep.cases(field):
            await CASES[sweep.contexts[field]](h, field, value)
            sweep.sample(field, label)


@cocotb.test(**TIMEOUT)
async def fields_of_the_header(dut) -> None:
    """Opcodes, all bits of the masks of waits and signals, last, step, and what is reserved."""
    h = await start(dut)
    quick(h)
    await swept(h, "header", "waits", "signals", "error")


@cocotb.test(**TIMEOUT)
async def fields_of_the_settings(dut) -> None:
    """Settings of contexts and services, and ages of requests."""
    h = await start(dut)
    quick(h)
    await bases(h)
    await swept(h, "streams", "tokens", "late")


@cocotb.test(**TIMEOUT)
async def fields_of_addresses(dut) -> None:
    """Streams that start, and go on, at every class of address. All words are there: none may stand for another."""
    h = await start(dut)
    quick(h)
    starts = sorted({v for field in ("ctx_pc", "svc_pc") for _, _, v in field_sweep().cases(field)})
    for at in starts:
        two = 2 if at + 1 < param("IMEM_DEPTH") and at + 1 not in starts else 1
        await h.load([[instruction(h.rng, op, last=n == two - 1) for n in range(two)] for op in OPS], [at] * UNITS)
    await swept(h, "address")


@cocotb.test(**TIMEOUT)
async def fields_of_counts(dut) -> None:
    """Iterations, indices and steps, near every power of two and at their ends."""
    h = await start(dut)
    quick(h)
    await swept(h, "iterations", "indices")
    for width in (8, 12, 15, 16, 20, 23, 24, 28, 31, 32):
        await preset_steps(h, (1 << width) - 3)


@cocotb.test(**TIMEOUT)
async def settings_change_under_a_batch(dut) -> None:
    """A batch runs with its service's settings as they were when it arrived, whatever they become."""
    h = await start(dut)
    quick(h)
    for _ in range(12):
        await begin(h, "inference", [[instruction(h.rng, op, last=n == 3) for n in range(4)] for op in OPS])
        await h.until(lambda: h.model.ctx[0].state == RUNNING, 50)
        await h.cycles(2)  # of one row, it shows as open in the first of these
        h.settings([Program([None, 9, None, 0]) for _ in range(param("SERVICES"))], {})
        await h.until(lambda: over(h), 300)


@cocotb.test(**TIMEOUT)
async def fields_were_all_swept(dut) -> None:
    """Every class of every field was tried, by the tests before this one."""
    group = covergroups()["frontend_fields_cg"]
    equal([f"{point}: {name}" for point, bins in group.items() for name, hits in bins.items() if not hits], [])
    coverage.dump({"frontend_fields_cg": group}, "frontend_fields")
    h = await start(dut)
    h.settings([Program([None] * UNITS)] * param("SERVICES"), {})
    await h.cycles(3)
