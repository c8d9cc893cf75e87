"""A random program as data: everything that a run needs, kept as a TOML file.

Programs stand as assembler text in the order in which executing one instruction after another is right; semaphores are
derived (``lower.py``), so any instruction may be left out. ``.fence`` before an instruction: it waits for the latest
instruction of every other unit. A NOP takes over the waits of the instruction behind it in its unit's stream.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

import tomli_w

from equinox_core.config import Config, load_config
from equinox_core.deploy.scenario import POLICIES
from equinox_core.isa.asm import format_instr, parse_line
from equinox_core.isa.encoding import Instr, Unit
from verif.lib.keep import write_whole


@dataclass(frozen=True)
class Line:
    """An instruction (without semaphores), the unit that takes it, and whether it waits for all units."""

    ins: Instr
    unit: Unit
    fence: bool = False


Lines = tuple[Line, ...]


@dataclass(frozen=True)
class ServiceCase:
    """A service: its program, its memory contents (blocks that boot loads, blocks that it loads itself, constant
    lines), its settings.
    """

    program: Lines
    weights: int = 0
    loaded: int = 0
    constants: int = 0
    rx_lines: int = 1
    tx_lines: int = 1
    batch: int = 1
    timeout: int = 0
    threshold: int = 0
    semaphores: int = 0  # seed of the numbering; 0: in order


@dataclass(frozen=True)
class TrainingCase:
    """The training program, and how it runs; ``start``: cycles after the first request may come."""

    program: Lines
    constants: int = 0
    iters: int = 1
    iter_mod: int = 1
    start: int = 0
    semaphores: int = 0


@dataclass(frozen=True)
class Case:
    """A run: ``requests`` are (cycle, service, seed of the payload), ``changes`` are (cycle, policy); cycles count from
    the end of boot.

    ``data`` is the seed of all memory contents, ``seed`` where the case came from (0: by hand), ``fails`` how it failed
    when it was found.
    """

    config: str = "tiny"
    seed: int = 0
    data: int = 1
    policy: str = "priority"
    train_rows: int = 8
    rsp_stall: int = 0
    dram_stall: int = 0
    fails: str = ""
    changes: tuple[tuple[int, str], ...] = ()
    services: tuple[ServiceCase, ...] = ()
    requests: tuple[tuple[int, int, int], ...] = ()
    training: TrainingCase | None = None

    @property
    def cfg(self) -> Config:
        """The core's configuration."""
        return load_config(self.config)

    @property
    def size(self) -> int:
        """Instructions of all programs."""
        return sum(len(s.program) for s in self.services) + (len(self.training.program) if self.training else 0)

    @property
    def timed(self) -> bool:
        """Whether times are compared: there are no random stalls."""
        return not (self.rsp_stall or self.dram_stall)

    def summary(self) -> str:
        """One line for logs."""
        t = self.training
        services = "+".join(str(len(s.program)) for s in self.services) or "none"
        train = f"{len(t.program)} x {t.iters}" if t else "none"
        stalls = "" if self.timed else f", stalls {self.rsp_stall}/{self.dram_stall} %"
        return (
            f"services {services}, {len(self.requests)} requests, training {train}, "
            f"{self.policy}{''.join(f' -> {p}' for _, p in self.changes)}{stalls}"
        )


def text_of(lines: Lines) -> str:
    """Assembler text."""
    return "".join((".fence\n" if line.fence else "") + format_instr(line.ins, line.unit) + "\n" for line in lines)


def lines_of(text: str, where: str) -> Lines:
    """Inverse of :func:`text_of`.

    Raises:
        ValueError: ``where``, line number, what is wrong.
    """
    out: list[Line] = []
    fence = False
    for number, row in enumerate(text.splitlines(), 1):
        if row.strip() == ".fence":
            fence = True
            continue
        try:
            parsed = parse_line(row)
            if parsed and (parsed[1].wait or parsed[1].signal or parsed[1].last):
                raise ValueError("wait, signal and last are derived, not given")
        except ValueError as error:
            raise ValueError(f"{where}, line {number}: {error}") from None
        if parsed:
            out.append(Line(parsed[1], parsed[0], fence))
            fence = False
    return tuple(out)


def _plain(part: ServiceCase | TrainingCase) -> dict:
    return {f.name: getattr(part, f.name) for f in fields(part) if f.name != "program"} | {
        "program": text_of(part.program)
    }


def save_case(case: Case, path: Path) -> None:
    """Write a case; whole or not at all."""
    table = {f.name: getattr(case, f.name) for f in fields(case) if f.name not in ("services", "training")}
    table |= {"changes": [list(c) for c in case.changes], "requests": [list(r) for r in case.requests]}
    if case.training:
        table["training"] = _plain(case.training)
    if case.services:
        table["services"] = [_plain(s) for s in case.services]
    write_whole(path, tomli_w.dumps(table, multiline_strings=True))


def _part(kind: type, table: object, where: str):
    """A dataclass of plain values (and a program) from a table, with every key and type checked."""
    if not isinstance(table, dict):
        raise ValueError(f"{where}: legal is a table")
    known = {f.name: f for f in fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{where}: unknown key {key} (legal: {', '.join(known)})")
        if key == "program":
            if not isinstance(value, str):
                raise ValueError(f"{where}.program: legal is assembler text")
            values[key] = lines_of(value, f"{where}.program")
            continue
        default = known[key].default
        if type(value) is not type(default) or (isinstance(value, int) and value < 0):
            what = "text" if isinstance(default, str) else "a whole number, 0 or more"
            raise ValueError(f"{where}.{key} = {value!r}: legal is {what}")
        values[key] = value
    if kind is not Case and "program" not in values:
        raise ValueError(f"{where}: key program is missing")
    return kind(**values)


def _rows(table: dict, key: str, kinds: tuple[type, ...], where: str) -> tuple:
    rows = table.pop(key, [])
    what = f"a list of [{', '.join('number' if k is int else 'text' for k in kinds)}]"
    if not isinstance(rows, list):
        raise ValueError(f"{where}: {key}: legal is {what}")
    for row in rows:
        if (
            not isinstance(row, list)
            or [type(v) for v in row] != list(kinds)
            or any(isinstance(v, int) and v < 0 for v in row)
        ):
            raise ValueError(f"{where}: {key}: {row!r}: legal is {what}")
    return tuple(tuple(row) for row in rows)


def load_case(path: Path) -> Case:
    """Read a case; ``legal.py`` says whether its programs are legal.

    Raises:
        ValueError: not a case; one line with the file, the key and what is legal.
    """
    where = path.name
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: not TOML ({error})") from None
    changes, requests = _rows(table, "changes", (int, str), where), _rows(table, "requests", (int, int, int), where)
    services, training = table.pop("services", []), table.pop("training", None)
    if not isinstance(services, list):
        raise ValueError(f"{where}: services: legal is a list of tables [[services]]")
    case = replace(
        _part(Case, table, where),
        changes=changes,
        requests=requests,
        services=tuple(_part(ServiceCase, s, f"{where}: services[{n}]") for n, s in enumerate(services)),
        training=None if training is None else _part(TrainingCase, training, f"{where}: training"),
    )
    for policy in (case.policy, *(p for _, p in changes)):
        if policy not in POLICIES:
            raise ValueError(f"{where}: policy {policy!r}: legal are {', '.join(POLICIES)}")
    for _, service, _ in requests:
        if service >= len(services):
            raise ValueError(f"{where}: request for service {service}: legal is 0..{len(services) - 1}")
    load_config(case.config)
    return case
