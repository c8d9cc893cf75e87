"""Synthesis of a module of rtl/ to the cells of the library, its hierarchy kept.

Elaborated by slang, equal modules merged, memories made black boxes, mapped by Yosys and abc. What would make the
figures wrong stops it: an instance that is lost, a port of another width than what is connected to it, a latch, a cell
that is not of the library.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verif.flow.cost import library, merge, netlist
from verif.lib import yosys
from verif.lib.lint import settings
from verif.lib.rtl import RTL, closure
from verif.lib.toolchain import ROOT

PERIOD_NS = 1.5
"""Clock period that abc maps for."""
NOT_USED = (
    *("CLKGATE*", "CLKBUF*", "SDFF*"),  # clock and scan
    *("DLH*", "DLL*", "TBUF*", "TINV*", "TLAT*"),  # latches and tristates
    *("ANTENNA*", "FILLCELL*"),
    *("*_X16", "*_X32"),  # drivers too large for wires without length
)
"""Cells that abc does not take."""
ABC = ("strash", "dch -f", "map -B 0.9 -D 1000", "topo", "buffer -c", "upsize {D}", "dnsize {D}")
"""abc's script for speed: mapped for delay, buffered, then sized. For area, abc's own script for Liberty files."""
DRIVER, LOAD_FF = "BUF_X2", 5.0
"""What abc assumes at a module's inputs and outputs."""
GATED_FROM = 4
"""Registers that share an enable get a gated clock from this many bits on."""

_WIDTHS = re.compile(r"Warning: .*(?:[Rr]esizing cell port|width mismatch|does not match|[Tt]runcat).*")


class SynthesisError(RuntimeError):
    """The netlist cannot be made, or its figures would be wrong; one line."""


@dataclass(frozen=True)
class Subject:
    """A module with its parameters (of the core's: those not given are as in configs/default.toml), and the folder that
    has it and what it needs.
    """

    module: str
    params: Mapping[str, int]
    library: Path = RTL


def _run(steps: Sequence[str], log: Path, what: str) -> str:
    ok, words = yosys.run(steps)
    log.write_text(words, encoding="utf-8")
    if not ok:
        lines = [line for line in words.splitlines() if re.search(r"ERROR|\berror:", line)] or words.splitlines()[-3:]
        raise SynthesisError(f"{what}: Yosys fails: {' / '.join(lines[:3]).strip()} (all of it: {log})")
    if width := _WIDTHS.search(words):
        raise SynthesisError(f"{what}: {width[0]} (all of it: {log})")
    return words


def elaborate(subject: Subject, folder: Path) -> tuple[Path, dict[str, netlist.Memory]]:
    """RTLIL of the subject with equal modules merged, and its memories."""
    sources = closure(subject.module, library=(subject.library,))
    path = next(path for path in sources if path.stem == subject.module)
    files = " ".join(str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path) for path in sources)
    given = " ".join(f"-G {key}={value}" for key, value in settings(path, subject.params).items())
    raw, merged = folder / "elaborated.il", folder / "merged.il"
    _run(
        [
            f"read_slang --ignore-assertions --keep-hierarchy --top {subject.module} {given} {files}",
            f"hierarchy -check -top {subject.module}",
            f"write_rtlil {raw}",
        ],
        folder / "elaborate.log",
        subject.module,
    )
    merge.merge(raw, merged)
    raw.unlink()
    return merged, netlist.memories(merged)


def _mapping(subject: Subject, merged: Path, folder: Path, period: float, speed: bool) -> list[str]:
    """Commands from the merged RTLIL to cells."""
    lib = library.liberty()
    constraints, script = folder / "abc.constr", folder / "abc.script"
    constraints.write_text(f"set_driving_cell {DRIVER}\nset_load {LOAD_FF:g}\n", encoding="utf-8")
    script.write_text("\n".join(ABC) + "\n", encoding="utf-8")
    given = f"-script {script}" if speed else ""
    dont = " ".join(f"-dont_use {name}" for name in NOT_USED)
    return [
        f"read_rtlil {merged}",
        f"hierarchy -check -top {subject.module}",
        f"blackbox {netlist.MEMORY}*",
        f"python verif.flow.cost.netlist:dump {folder / 'before.json'}",
        "proc",
        "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
        "opt_expr",
        "opt_clean",
        "opt -nodffe -nosdff",
        "wreduce",
        "peepopt",
        "opt_clean",
        "booth",
        "alumacc",
        "arith_tree",
        "opt",
        "memory -nomap",
        "opt_clean",
        "opt -fast -full",
        "memory_map",
        "opt -full",
        "techmap",
        "opt -fast",
        "opt_dff",
        "opt_clean",
        f"clockgate -pos CLKGATE_X1 E:CK:GCK -min_net_size {GATED_FROM}",
        f"dfflibmap -liberty {lib}",
        "opt",
        f"abc -liberty {lib} -constr {constraints} -D {period * 1000:.0f} {given} {dont}",
        "setundef -zero",
        "hilomap -hicell LOGIC1_X1 Z -locell LOGIC0_X1 Z",
        "opt_clean -purge",
        f"python verif.flow.cost.netlist:dump {folder / 'after.json'}",
        f"write_verilog -noattr -noexpr -simple-lhs {folder / 'netlist.v'}",
    ]


def lost(before: netlist.Netlist, after: netlist.Netlist) -> list[str]:
    """Paths of instances of which mapping left nothing, though they had cells."""
    there = {path for path, _, _ in after.walk()}
    return [path for path, _, module in before.walk() if module.cells and path not in there]


def unmapped(after: netlist.Netlist) -> Counter[str]:
    """Cells that are not of the library, with their number."""
    known = library.cells()
    kinds: Counter[str] = Counter()
    for _, _, module in after.walk():
        kinds.update({kind: n for kind, n in module.cells.items() if kind not in known})
    return kinds


def synthesise(subject: Subject, period: float, speed: bool, folder: Path) -> dict[str, netlist.Memory]:
    """Map a module for a clock period in ns, for speed or for area; returns its memories, by the netlist's modules.

    In the folder: ``netlist.v``, ``after.json`` (:func:`netlist.dump`) and the logs.

    Raises:
        SynthesisError: Yosys fails, or the netlist is not what the RTL says.
        LibraryMissing: no cell library.
    """
    merged, sizes = elaborate(subject, folder)
    _run(_mapping(subject, merged, folder, period, speed), folder / "map.log", subject.module)
    before = netlist.Netlist.load(folder / "before.json", subject.module)
    after = netlist.Netlist.load(folder / "after.json", subject.module)
    if gone := lost(before, after):
        raise SynthesisError(f"{subject.module}: {len(gone)} instances were lost: {', '.join(sorted(gone)[:5])}")
    if strange := unmapped(after):
        raise SynthesisError(f"{subject.module}: cells that are not of the library: {dict(strange)}")
    return sizes
