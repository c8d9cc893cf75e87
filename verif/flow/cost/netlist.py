"""A design's modules as plain data: what Yosys holds, read after elaboration and after mapping."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MEMORY = "eqx_sram_1r1w"
_COPY = re.compile(r"_v\d+$")


def dump(design: Any, file: str) -> None:
    """Write the modules of a Yosys design to ``file`` (a step of :func:`verif.lib.yosys.run`)."""
    modules = {}
    kinds = {str(name).lstrip("\\") for name in design.modules_}
    for name in design.modules_:
        cells: Counter[str] = Counter()
        instances = {}
        held = design.modules_[name].cells_
        for cell in held:
            kind = str(held[cell].type).lstrip("\\")
            if kind in kinds:
                instances[str(cell).lstrip("\\")] = kind
            else:
                cells[kind] += 1
        modules[str(name).lstrip("\\")] = {"cells": dict(cells), "instances": instances}
    Path(file).write_text(json.dumps(modules, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class Module:
    """``cells``: primitive cells by type; ``instances``: modules by instance name."""

    cells: dict[str, int] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Netlist:
    """All modules of a design below ``top``."""

    top: str
    modules: dict[str, Module]

    @staticmethod
    def load(file: Path, top: str) -> Netlist:
        """What :func:`dump` wrote."""
        data = json.loads(file.read_text(encoding="utf-8"))
        return Netlist(top, {name: Module(**module) for name, module in data.items()})

    def walk(self) -> Iterator[tuple[str, str, Module]]:
        """Path ("" for the top), name and content of every instance."""

        def visit(path: str, name: str) -> Iterator[tuple[str, str, Module]]:
            module = self.modules[name]
            yield path, name, module
            for instance, kind in module.instances.items():
                yield from visit(f"{path}/{instance}".lstrip("/"), kind)

        yield from visit("", self.top)


def source_module(name: str) -> str:
    """The module of rtl/ that a module of the netlist was made of."""
    return _COPY.sub("", name)


@dataclass(frozen=True)
class Memory:
    """A memory of the design: ``width`` bits, ``depth`` words."""

    width: int
    depth: int


def memories(rtlil: Path) -> dict[str, Memory]:
    """Sizes of the memory modules in an RTLIL file.

    Raises:
        ValueError: a memory module holds no memory, or more than one.
    """
    found: dict[str, list[Memory]] = {}
    module = ""
    for line in rtlil.read_text(encoding="utf-8").splitlines():
        if line.startswith("module "):
            module = line[7:].strip().lstrip("\\")
            if source_module(module) == MEMORY:
                found[module] = []
        elif module in found and (match := re.match(r"\s+memory width (\d+) size (\d+) ", line)):
            found[module].append(Memory(int(match[1]), int(match[2])))
    for name, sizes in found.items():
        if len(sizes) != 1:
            raise ValueError(f"{name}: {len(sizes)} memories in it; legal is one")
    return {name: sizes[0] for name, sizes in found.items()}


_FLOP = re.compile(r"^  DFF\w+ (\S+) \((.*?)\);", re.M | re.S)
_CK = re.compile(r"\.CK\((.*?)\)")
_Q = re.compile(r"\.Q\((.*?)\)")
_BIT = re.compile(r"\[\d+\]$")


def register_bits(verilog: Path) -> dict[str, dict[str, str]]:
    """Of each module of a mapped netlist its flip-flops: the net that each drives, by the name of the cell."""
    found = {}
    for text in verilog.read_text(encoding="utf-8").split("\nendmodule"):
        head = re.search(r"^module (\S+?)\(", text, re.M)
        if head:
            found[head[1].lstrip("\\")] = {
                cell[1].lstrip("\\"): q[1].strip().lstrip("\\").replace(" ", "")
                for cell in _FLOP.finditer(text)
                if (q := _Q.search(cell[2]))
            }
    return found


def ungated(verilog: Path) -> dict[str, int]:
    """Of each module of a mapped netlist how many flip-flops have its clock itself, not one behind a clock gate."""
    found = {}
    for text in verilog.read_text(encoding="utf-8").split("\nendmodule"):
        head = re.search(r"^module (\S+?)\(", text, re.M)
        if head:
            inputs = set(re.findall(r"^  input (\S+);", text, re.M))
            clocks = (_CK.search(cell[2]) for cell in _FLOP.finditer(text))
            found[head[1].lstrip("\\")] = sum(1 for ck in clocks if ck and ck[1].strip() in inputs)
    return found


def registers(verilog: Path) -> dict[str, Counter[str]]:
    """Of each module how many flip-flops its registers have, by name."""
    return {
        module: Counter(_BIT.sub("", net) for net in bits.values()) for module, bits in register_bits(verilog).items()
    }
