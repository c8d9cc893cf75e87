"""The list of planted faults, ``faults.yaml``: read, and checked entry by entry; what is wrong is named with file and
line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from verif.lib import anchor, plants
from verif.lib.asserts import assertions
from verif.lib.plants import Plant
from verif.lib.toolchain import ROOT

FILE = Path(__file__).with_name("faults.yaml")
CATEGORIES = ("data", "order", "timing", "protocol", "scheduling", "loss", "numerics", "registers", "tools")

_RUN_KINDS = {"block": {"params", "tests", "plusargs", "env", "public"}, "chip": {"knobs"}, "command": {"source"}}
_RUN_TYPES: dict[str, type] = {
    "params": dict,
    "plusargs": list,
    "public": list,
    "env": dict,
    "knobs": dict,
    "seed": int,
    "__line__": int,
}  # others are texts
_LEGAL = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a mapping"}
_ID = re.compile(r"[a-z][a-z0-9_]*")


class FaultListError(ValueError):
    """An entry is wrong; the message names file, line and what is legal."""


@dataclass(frozen=True)
class Run:
    """What is run: a block's bench, a chip-level test, or a command of the project; see docs/verification.md."""

    name: str
    kind: str
    what: str
    seed: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A planted fault; ``checker`` must report it first, with a message in which ``message`` is found."""

    id: str
    category: str
    says: str
    plants: tuple[Plant, ...]
    run: Run
    checker: str
    message: str
    quick: bool
    line: int

    @property
    def number(self) -> int:
        """What the simulator is told (+fault=): a number that does not depend on the other faults."""
        return plants.number(self.id)


@dataclass(frozen=True)
class FaultList:
    """Faults, and the inventory of checkers: those of the file, and every labelled assertion of the sources."""

    faults: tuple[Fault, ...]
    runs: Mapping[str, Run]
    declared: Mapping[str, str]  # checker -> what it compares
    without: Mapping[str, str]  # checker -> why no fault is planted for it

    @cached_property
    def checkers(self) -> dict[str, str]:
        """Every checker and what it checks."""
        return {**self.declared, **{a.checker: a.message or "(no text)" for a in assertions(ROOT)}}

    def uncovered(self) -> list[str]:
        """Checkers without a fault and without a reason for that."""
        return sorted(set(self.checkers) - {f.checker for f in self.faults} - set(self.without))


class _Loader(yaml.SafeLoader):
    """Mappings remember their line."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    keys = [key.value for key, _ in node.value]
    for n, key in enumerate(keys):
        if key in keys[:n]:
            raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.value[n][0].start_mark)
    out = loader.construct_mapping(node, deep=True)
    out["__line__"] = node.start_mark.line + 1
    return out


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path = FILE, root: Path = ROOT, places: bool = True) -> FaultList:
    """Read and check the list; ``places``: also where the faults are to be planted.

    Raises:
        FaultListError: it is malformed, or a ``find`` does not occur exactly once in its file.
    """
    try:
        shown = path.relative_to(ROOT)
    except ValueError:
        shown = path
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FaultListError(
            f"{shown}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', None) or ' '.join(str(error).split())}"
        ) from None
    except OSError as error:
        raise FaultListError(f"{shown}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FaultListError(f"{shown}:1: not YAML: {error}") from None

    def wrong(line: int, text: str) -> FaultListError:
        return FaultListError(f"{shown}:{line}: {text}")

    def fields(entry: Any, legal: Iterable[str], needed: Iterable[str], line: int, what: str) -> int:
        if not isinstance(entry, dict):
            raise wrong(line, f"{what}: expected fields, found {entry!r}")
        line = entry.get("__line__", line)
        for key in entry:
            if key not in {*legal, *needed, "__line__"}:
                raise wrong(line, f"{what}: unknown field {key!r}, legal are {', '.join(sorted({*legal, *needed}))}")
        for key in needed:
            if key not in entry:
                raise wrong(line, f"{what}: field {key!r} is missing")
        return line

    def typed(value: Any, kind: type, line: int, what: str) -> None:
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
            raise wrong(line, f"{what} is {value!r}: legal is {_LEGAL[kind]}")

    fields(data, (), ("runs", "checkers", "without", "faults"), 1, "file")
    for part, kind in (("runs", dict), ("checkers", dict), ("without", dict), ("faults", list)):
        typed(data[part], kind, 1, part)
    for part in ("checkers", "without"):
        for name, words in data[part].items():
            typed(words, int if name == "__line__" else str, data[part]["__line__"], f"{part}: {name}")
    runs = {}
    for name, entry in data["runs"].items():
        if name == "__line__":
            continue
        kind = next((k for k in _RUN_KINDS if isinstance(entry, dict) and k in entry), None)
        line = entry.get("__line__", 1) if isinstance(entry, dict) else 1
        if kind is None:
            raise wrong(line, f"run {name}: one of {', '.join(_RUN_KINDS)} is needed")
        fields(entry, {"seed", *_RUN_KINDS[kind]}, (kind,), 1, f"run {name}")
        for key, value in entry.items():
            typed(value, _RUN_TYPES.get(key, str), line, f"run {name}: {key}")
        options = {
            k: {a: b for a, b in v.items() if a != "__line__"} if isinstance(v, dict) else v
            for k, v in entry.items()
            if k not in (kind, "seed", "__line__")
        }
        runs[name] = Run(name, kind, entry[kind], entry.get("seed", 1), options)
    declared, without = ({k: v for k, v in data[part].items() if k != "__line__"} for part in ("checkers", "without"))
    known = FaultList((), {}, declared, {}).checkers
    for name in without:
        if name not in known:
            raise wrong(data["without"]["__line__"], f"without: {name} is no checker")
    faults: list[Fault] = []
    for entry in data["faults"]:
        line = fields(entry, ("quick",), ("id", "category", "says", "plant", "run", "checker", "message"), 1, "fault")
        for key, value in entry.items():
            if key != "plant":
                typed(value, {"__line__": int, "quick": bool}.get(key, str), line, f"fault {entry['id']}: {key}")
        name = entry["id"]
        for ok, text in (
            (_ID.fullmatch(name), f"id {name!r}: legal are small letters, digits and _"),
            (name not in {f.id for f in faults}, f"fault {name} stands twice"),
            (
                entry["category"] in CATEGORIES,
                f"{name}: category {entry['category']!r}: legal are {', '.join(CATEGORIES)}",
            ),
            (entry["run"] in runs, f"{name}: run {entry['run']!r} is not among the runs"),
            (
                entry["checker"] in known,
                f"{name}: checker {entry['checker']!r} is neither declared nor an assertion's label",
            ),
            (entry["checker"] not in without, f"{name}: checker {entry['checker']!r} is listed as one without a fault"),
        ):
            if not ok:
                raise wrong(line, text)
        try:
            re.compile(entry["message"])
        except re.error as error:
            raise wrong(line, f"{name}: message is not a regular expression: {error}") from None
        changes = []
        for plant in entry["plant"] if isinstance(entry["plant"], list) else [entry["plant"]]:
            at = fields(plant, (), ("file", "find", "replace"), line, f"{name}: plant")
            for key in ("file", "find", "replace"):
                typed(plant[key], str, at, f"{name}: {key}")
            if not (root / plant["file"]).is_file():
                raise wrong(at, f"{name}: no such file: {plant['file']}")
            count = (
                anchor.count((root / plant["file"]).read_text(encoding="utf-8"), plant["find"])
                if plant["find"].strip()
                else 0
            )
            if places and count != 1:
                raise wrong(at, f"{name}: the text to find occurs {count} times in {plant['file']}, must occur once")
            try:
                changes.append(Plant(plant["file"], plant["find"], plant["replace"]))
            except ValueError as error:
                raise wrong(at, f"{name}: {error}") from None
        faults.append(
            Fault(
                name,
                entry["category"],
                entry["says"],
                tuple(changes),
                runs[entry["run"]],
                entry["checker"],
                entry["message"],
                bool(entry.get("quick")),
                line,
            )
        )
    for name in runs:
        if name not in {fault.run.name for fault in faults}:
            raise wrong(data["runs"]["__line__"], f"run {name}: no fault is planted in it")
    return FaultList(tuple(faults), runs, declared, without)
