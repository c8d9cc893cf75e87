"""The fields of LOAD and STORE by value classes, each as instructions in which it decides the result, and which events
of a unit may meet; with their covergroups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from equinox_core.hw.structs import CTX_ENV, UNIT_REQ
from equinox_core.isa.encoding import LAYOUT, Err, LdDst, Op, StSrc, encode, make
from verif.block.dma.model import LD, LINES, ST, Env, Shape, Step, runs
from verif.lib import coverage
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.field_sweep import FieldSweep

_ENV = {f.name: f.width for f in CTX_ENV.fields if f.name in ("w_base", "dram_base")}
_UNIT = {f.name: f.width for f in UNIT_REQ.fields if f.name == "iter"}
FIELDS = {**{name: width for name, (_, width) in LAYOUT[Op.LOAD].items()}, **_ENV, **_UNIT}
"""Of an instruction, of its context's relocation, and the index of the iteration; besides: the watchdog's limit."""

OPS = {LD: Op.LOAD, ST: Op.STORE}
SPACES: dict[int, tuple[LdDst | StSrc, ...]] = {LD: tuple(LdDst), ST: tuple(StSrc)}
TOP = 1 << 32
DEPTH = 1 << 16  # of all memories of the sweep
PAIRS = ("done kill", "error kill", "timeout kill", "fault kill", "error fault", "error timeout")
REACH = 8
OFFSETS = tuple(range(-REACH, REACH + 1))


@dataclass(frozen=True)
class Case:
    """Instructions for one class of one field; ``cause`` of the last one, if it is faulty."""

    field: str
    label: str
    steps: tuple[Step, ...]
    env: Env
    cause: Err | None = None


def sweeps() -> dict[int, FieldSweep[None]]:
    """``load_fields_cg`` and ``store_fields_cg``, by unit."""
    fields = {**FIELDS, "timeout": 32}
    return {
        u: FieldSweep(f"{name}_fields_cg", fields, dict.fromkeys(fields), codes=("op",))
        for u, name in ((LD, "load"), (ST, "store"))
    }


def events_cg() -> Covergroup:
    """``dma_events_cg``: two events of one context in a unit, and how many cycles the second comes after the first."""
    return Covergroup(
        "dma_events_cg",
        {"cp_unit": ("load", "store"), "cp_pair": PAIRS, "cp_offset": tuple(str(n) for n in OFFSETS)},
        {"cr_events": Cross("cp_unit", "cp_pair", "cp_offset")},
    )


def covergroups() -> coverage.Groups:
    """The groups with all their bins."""
    names = [*(s.group.name for s in sweeps().values()), events_cg().name]
    return {name: coverage.cocotb_groups()[name] for name in names}


def cases(shape: Shape, unit: int) -> Iterator[Case]:
    """Every class of every field but the watchdog's limit, in the deepest memories."""
    sweep = sweeps()[unit]
    apart = count(0x44000, 512)  # in DRAM, where no later case writes over a result
    for field, label, value in sweep.cases(*FIELDS):
        for step, env in _steps(shape, unit, field, value):
            if field in ("l_base", "l_so", "w_base"):
                step = replace(step, ins=make(step.ins.op, **{**step.ins.fields, "d_base": next(apart)}))
            yield Case(field, label, (step,), env, fault(shape, unit, step, env))


def fault(shape: Shape, unit: int, step: Step, env: Env) -> Err | None:
    """What isa.md says of an instruction: its cause, or None."""
    i = step.ins
    if step.word is not None and step.word & 15 != OPS[unit]:
        return Err.ILLEGAL_OP
    if i.sp not in [int(s) for s in SPACES[unit]] or not i.n_o or not i.len:
        return Err.OPERAND
    for run in runs(step, env):
        if run.addr % shape.bus or run.word + run.len > shape.depth[run.buffer]:
            return Err.OPERAND
    return None


def _steps(shape: Shape, unit: int, field: str, value: int) -> Iterator[tuple[Step, Env]]:
    """Instructions with their relocation for a value of a field."""
    bus = shape.bus
    env = Env(0x1230_0000, 0)
    up = (-value) % bus  # makes a sum with the value a multiple of the bus

    def step(space: LdDst | StSrc, it: int = 0, **given: int) -> Step:
        fields = {"sp": int(space), "n_o": 1, "len": 1, "l_base": 77, "d_base": 0x40, "d_so": 2 * bus, **given}
        return Step(make(OPS[unit], **fields), it)

    first, *_, last = SPACES[unit]
    blocks = next(s for s in SPACES[unit] if s.name.lower() not in LINES)
    lines = next(s for s in SPACES[unit] if s.name.lower() in LINES)
    if field == "op":
        fields = {"sp": int(first), "n_o": 1, "len": 1, "l_base": 5, "d_base": 0}
        good = make(OPS[unit], **fields)
        yield Step(good, word=encode(good) & ~15 | value), env
    elif field == "sp":
        yield Step(make(OPS[unit], sp=value, n_o=1, len=2, l_base=9)), env
    elif field == "rsvd":
        good = step(first).ins
        yield Step(good, word=encode(good) | value << LAYOUT[good.op]["rsvd"][0]), env
    elif field in ("last", "step", "wait", "signal"):
        yield step(first, **{field: value}), env
    elif field == "n_o":
        yield step((blocks, lines)[value % 2], n_o=value, l_so=1, l_base=3), env
    elif field == "len":
        for space in (blocks, lines):
            yield step(space, len=value, l_base=1, n_o=1), env
    elif field == "l_base":
        for space in SPACES[unit]:
            yield step(space, l_base=value), env
            low = max(0, value - bus)  # the run passes the value; of ST in a second segment
            yield step(space, l_base=low, len=min(bus + 2, DEPTH - low)), env
        if value > 1:
            yield step(last, l_base=value, len=DEPTH - value + 1 if value > DEPTH - 4000 else 2), env
    elif field == "l_so":
        for space in SPACES[unit]:
            yield step(space, l_base=0, l_so=value, n_o=2), env
        yield step(first, l_base=1, l_so=value, n_o=2), env
    elif field == "d_base":
        yield step(first, d_base=value), Env(up, 0)
        here = value // bus * bus  # runs that pass it: in a burst's middle, or with a whole panel before it
        yield step(first, d_base=(here - 2 * bus) % TOP, len=5), Env(0, 0)
        yield step(last, d_base=(here - 2 * bus) % TOP, len=5), Env(0, 0)
        yield step(first, d_base=(here - (shape.k + 1) * bus) % TOP, len=bus + 3), Env(0, 0)
        if value < 2 * bus:
            yield step(first, d_base=value), Env(0, 0)
    elif field == "dram_base":
        yield step(last, d_base=up), Env(value, 0)
        yield step(first, d_base=(TOP - value + bus) % TOP), Env(value, 0)  # the sum passes 2^32
    elif field == "d_so":
        yield step(first, n_o=3, l_so=1, d_so=value), env
        yield step(last, n_o=3, l_so=1, d_so=value // bus * bus), env
    elif field == "d_iter":
        yield step(first, it=1, d_iter=value, d_base=up), env
        yield step(last, it=65535, d_iter=value, d_base=(-value * 65535) % bus), env
    elif field == "iter":
        yield step(first, it=value, d_iter=0x0001_2345 * bus), env
    elif field == "w_base":
        space = LdDst.WGTD if unit == LD else first
        yield step(space, l_base=0), Env(env.dram_base, value)
        if unit == LD:
            yield step(space, l_base=DEPTH - 1 - value), Env(env.dram_base, value)
            yield step(space, l_base=min(DEPTH - value, DEPTH - 1)), Env(env.dram_base, value)  # one beyond
    else:
        raise ValueError(f"field {field} has no case")
