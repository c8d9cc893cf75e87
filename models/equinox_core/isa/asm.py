"""Assembler text of programs.

One instruction a line: a mnemonic, then ``field=value`` words in any order; fields left out are zero. ``wait`` and
``signal`` take semaphore numbers separated by commas; flags (``last``, ``step``, ``dyn_rows``, ...: fields of one bit
that have no enumeration) may stand alone. Fields with an enumeration take its names, numbers are decimal or 0x. The
stream is decided by the opcode; NOP carries it: ``nop.mmu``, ``nop.vpu``, ``nop.ld``, ``nop.st``. ``;`` or ``#`` start
a comment. Directives set metadata::

    .program lstm            ; name
    .training                ; for a training context
    .sem 3=2 7=1             ; semaphores at start
    .needs vec=64 acc=128    ; see Needs

Example: ``matmul rows=128 n_g=2 n_k=1 a_sp=ACTD b_base=64 wait=1,4 signal=0``
"""

from __future__ import annotations

from dataclasses import fields

from .encoding import BODY, HEADER, SEMAPHORES, UNIT_OF_OP, Field, Instr, Op, Unit, make
from .program import Needs, Program

_MASKS = ("wait", "signal")
_FIELDS: dict[Op, dict[str, Field]] = {
    op: {f.name: f for f in HEADER + body if f.name not in ("op", "rsvd")} for op, body in BODY.items()
}
_UNITS = {u.name.lower(): u for u in Unit}
_OPS = {op.name.lower(): op for op in Op if op != Op.NOP}


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"'{text}' is no number") from None


def _value(op: Op, name: str, text: str) -> int:
    field = _FIELDS[op].get(name)
    if field is None:
        raise ValueError(f"{op.name} has no field '{name}' (has {', '.join(_FIELDS[op])})")
    if name in _MASKS:
        mask = 0
        for part in text.split(","):
            bit = _number(part)
            if not 0 <= bit < SEMAPHORES:
                raise ValueError(f"{name}: semaphore {bit}: legal range 0..{SEMAPHORES - 1}")
            mask |= 1 << bit
        return mask
    if field.enum is not None and not text[:1].isdigit():
        try:
            return int(field.enum[text.upper()])
        except KeyError:
            raise ValueError(f"{name}: '{text}' is none of {', '.join(m.name for m in field.enum)}") from None
    return _number(text)


def parse_line(line: str) -> tuple[Unit, Instr] | None:
    """One line of text as (unit, instruction); None for a line without an instruction.

    Raises:
        ValueError: what is wrong in it, and what is legal.
    """
    words = line.replace("#", ";").split(";", 1)[0].split()
    if not words:
        return None
    mnemonic, _, suffix = words[0].lower().partition(".")
    if mnemonic == "nop":
        if suffix not in _UNITS:
            raise ValueError(f"'{words[0]}': a nop needs its stream: {', '.join('nop.' + u for u in _UNITS)}")
        op, unit = Op.NOP, _UNITS[suffix]
    elif mnemonic in _OPS and not suffix:
        op = _OPS[mnemonic]
        unit = UNIT_OF_OP[op]
    else:
        raise ValueError(f"unknown instruction '{words[0]}' (legal: {', '.join(_OPS)}, nop.<unit>)")
    values: dict[str, int] = {}
    for word in words[1:]:
        name, equals, text = word.partition("=")
        name = name.lower()
        if name in values:
            raise ValueError(f"field '{name}' is given twice")
        if not equals:
            field = _FIELDS[op].get(name)
            if field is None or field.width != 1 or field.enum is not None:
                raise ValueError(f"'{word}': not a flag of {op.name} (write field=value)")
        values[name] = _value(op, name, text) if equals else 1
    return unit, make(op, **values)


def _pairs(words: list[str], what: str) -> dict[str, int]:
    out = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ValueError(f"{what}: '{word}' is not key=value")
        out[key] = _number(text)
    return out


def _directive(prog: Program, words: list[str]) -> None:
    name = words[0].lower()
    if name == ".program" and len(words) == 2:
        prog.name = words[1]
    elif name == ".training" and len(words) == 1:
        prog.training = True
    elif name == ".sem":
        init = list(prog.sem_init)
        for key, value in _pairs(words[1:], name).items():
            index = _number(key)
            if not 0 <= index < SEMAPHORES or not 0 <= value <= 15:
                raise ValueError(f".sem {key}={value}: legal is 0..{SEMAPHORES - 1}=0..15")
            init[index] = value
        prog.sem_init = tuple(init)
    elif name == ".needs":
        values = _pairs(words[1:], name)
        known = {f.name for f in fields(Needs)}
        if set(values) - known:
            raise ValueError(f".needs: '{min(set(values) - known)}' is none of {', '.join(sorted(known))}")
        prog.needs = prog.needs.merge(Needs(**values))
    else:
        raise ValueError(
            f"'{' '.join(words)}': no such directive (legal: .program NAME, .training, .sem I=V, .needs KEY=V)"
        )


def assemble(text: str, source: str = "<text>") -> Program:
    """Program of an assembler text.

    Raises:
        ValueError: ``source:line: what is wrong``.
    """
    prog = Program()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = line.replace("#", ";").split(";", 1)[0].split()
            if words and words[0].startswith("."):
                _directive(prog, words)
                continue
            parsed = parse_line(line)
        except ValueError as error:
            raise ValueError(f"{source}:{number}: {error}") from None
        if parsed:
            prog.add(parsed[1], parsed[0])
    return prog


def format_instr(ins: Instr, unit: Unit | None = None) -> str:
    """One instruction as text; fields that are zero are left out. NOP needs its ``unit``."""
    if ins.op == Op.NOP:
        if unit is None:
            raise ValueError("NOP: which unit's stream is it for?")
        words = [f"nop.{Unit(unit).name.lower()}"]
    else:
        words = [ins.op.name.lower()]
    order = sorted(_FIELDS[ins.op].items(), key=lambda item: item[0] in ("last", "step", *_MASKS))
    for name, field in order:
        value = ins.fields[name]
        if not value:
            continue
        if name in _MASKS:
            words.append(f"{name}={','.join(str(b) for b in range(SEMAPHORES) if value >> b & 1)}")
        elif field.enum is not None:
            legal = {int(m): m.name for m in field.enum}
            words.append(f"{name}={legal.get(value, value)}")
        elif field.width == 1:
            words.append(name)
        else:
            words.append(f"{name}={value}")
    return " ".join(words)


def disassemble(prog: Program) -> str:
    """Assembler text that :func:`assemble` turns into an equal program."""
    lines = [f".program {prog.name}"]
    if prog.training:
        lines.append(".training")
    if any(prog.sem_init):
        lines.append(".sem " + " ".join(f"{n}={v}" for n, v in enumerate(prog.sem_init) if v))
    needs = [f"{f.name}={getattr(prog.needs, f.name)}" for f in fields(Needs) if getattr(prog.needs, f.name)]
    if needs:
        lines.append(".needs " + " ".join(needs))
    for unit in Unit:
        stream = prog.streams[unit]
        if stream:
            lines.append(f"; {unit.name}: {len(stream)} instructions")
            lines += [format_instr(ins, unit) for ins in stream]
    return "\n".join(lines) + "\n"
