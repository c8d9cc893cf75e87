"""Simpler variants of a case: one setting or one field of an instruction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from equinox_core.isa.encoding import BODY, Instr, Op
from equinox_core.isa.program import with_fields
from verif.random.case import Case, Line, Lines, ServiceCase, TrainingCase

LEAST = {"iters": 1, "iter_mod": 1, "rx_lines": 1, "tx_lines": 1, "batch": 1}  # of a program's settings; the others: 0
_STRIDES = {  # fields without meaning while a count is 1
    Op.MATMUL: {"rows": ("a_sr", "c_sr"), "n_g": ("b_sg", "c_sg"), "n_k": ("a_sk", "b_sk")},
    Op.VECTOR: {"cnt_o": tuple(f"{x}_so" for x in "abcdrv"), "cnt_i": tuple(f"{x}_si" for x in "abcdr")},
    Op.LOAD: {"n_o": ("l_so", "d_so")},
    Op.STORE: {"n_o": ("l_so", "d_so")},
}
_OPERANDS = {
    "a": "a_sp",
    "b": "b_sp",
    "c": "c_sp",
    "d": "d_sp",
    "r": "r_sp",
    "v": "v_mode",
}  # of VECTOR, and what says that there is none


def parts_of(case: Case) -> Iterator[tuple[int, ServiceCase | TrainingCase]]:
    """Services by number, and the training program as -1."""
    yield from enumerate(case.services)
    if case.training:
        yield -1, case.training


def with_part(case: Case, index: int, part: ServiceCase | TrainingCase) -> Case:
    """The case with another program in a place of :func:`parts_of`."""
    if index < 0:
        return replace(case, training=part)
    return replace(case, services=(*case.services[:index], part, *case.services[index + 1 :]))


def without_noise(ins: Instr, turns: int) -> Instr:
    """The instruction with those fields zero that have no meaning in it; ``turns``: its program's ITER_MOD."""
    gone: list[str] = []
    for count, strides in _STRIDES.get(ins.op, {}).items():
        if ins.fields[count] == 1 and not ins.fields.get(f"dyn_{count[-1]}"):
            gone += strides
    if ins.op == Op.VECTOR:
        for x, kind in _OPERANDS.items():
            if not ins.fields[kind]:
                gone += [f"{x}_base", f"{x}_so", f"{x}_si", f"{x}_sp"]
        if not ins.b_sp and not ins.a_sp and not ins.c_sp:
            gone.append("c_neg")
    if ins.op in (Op.LOAD, Op.STORE) and turns == 1:
        gone.append("d_iter")
    return with_fields(ins, **dict.fromkeys(gone, 0))


def _quiet(lines: Lines, turns: int) -> Lines:
    return tuple(replace(line, ins=without_noise(line.ins, turns)) for line in lines)


def quiet(case: Case) -> Case:
    """The case with :func:`without_noise` on all its instructions."""
    for index, part in parts_of(case):
        case = with_part(case, index, replace(part, program=_quiet(part.program, getattr(part, "iter_mod", 1))))
    return case


def plain(case: Case) -> Case:
    """The case with the simplest of settings."""
    case = replace(case, policy="priority", rsp_stall=0, dram_stall=0, changes=())
    for index, part in parts_of(case):
        low = {
            f.name: LEAST.get(f.name, 0)
            for f in fields(part)
            if f.name in ("iters", "start", "semaphores", "timeout", "threshold")
        }
        case = with_part(case, index, replace(part, **low))
    return case


def simpler(case: Case) -> Iterator[Case]:
    """Cases with one thing simpler, some with several; each is smaller in some order that ends."""
    yield plain(case)
    yield quiet(case)
    yield from _settings(case)
    for index, part in parts_of(case):
        for n, line in enumerate(part.program):
            for other in _lines(line):
                yield with_part(case, index, replace(part, program=(*part.program[:n], other, *part.program[n + 1 :])))


def weight(case: Case) -> tuple[int, int, int]:
    """What shrinking makes less: instructions, then requests and changes, then the sum of all numbers."""
    numbers = [
        case.train_rows,
        case.rsp_stall,
        case.dram_stall,
        int(case.policy != "priority"),
        *(at for at, *_ in case.requests),
    ]
    for _, part in parts_of(case):
        numbers += [getattr(part, f.name) for f in fields(part) if f.name != "program"]
        for line in part.program:
            numbers += [int(line.fence), *line.ins.fields.values()]
    return case.size, len(case.requests) + len(case.changes), sum(numbers)


def _less(value: int, least: int = 0) -> list[int]:
    return sorted({v for v in (least, 1, value // 2, value - 1 if value <= 8 else least) if least <= v < value})


def _settings(case: Case) -> Iterator[Case]:
    if case.policy != "priority":
        yield replace(case, policy="priority")
    for name, least in (("rsp_stall", 0), ("dram_stall", 0), ("train_rows", 1)):
        for value in _less(getattr(case, name), least):
            yield replace(case, **{name: value})
    if case.requests and case.requests[-1][0]:
        yield replace(case, requests=tuple((0, service, seed) for _, service, seed in case.requests))
    for n, (at, service, seed) in enumerate(case.requests):
        for value in _less(at):
            if n == 0 or value >= case.requests[n - 1][0]:
                yield replace(case, requests=(*case.requests[:n], (value, service, seed), *case.requests[n + 1 :]))
    for index, part in parts_of(case):
        for field in fields(part):
            if field.name != "program":
                for value in _less(getattr(part, field.name), LEAST.get(field.name, 0)):
                    yield with_part(case, index, replace(part, **{field.name: value}))


def _lines(line: Line) -> Iterator[Line]:
    if line.fence:
        yield replace(line, fence=False)
    if line.ins.fields.get("step"):
        yield replace(line, ins=with_fields(line.ins, step=0))
    for field in BODY[line.ins.op]:
        value = line.ins.fields[field.name]
        for less in [0] * bool(value) if field.enum or field.width == 1 else _less(value):
            yield replace(line, ins=without_noise(with_fields(line.ins, **{field.name: less}), 0))
