"""Makes a block's mutants: each module flattened by Yosys, with all its mutations behind the input ``mutsel``, and
wrapped so that it takes the original's place in the bench. Mutation k is active when the simulator gets ``+mutant=k``;
none with 0.

Clocks are not mutated: every register has the one clock of its module. Assertions inside a mutated module are not in
its netlist: what notices a mutant is the bench.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from verif.flow.mutants.campaign import Block, CampaignError, Dut
from verif.lib import yosys
from verif.lib.keep import write_whole
from verif.lib.lint import settings
from verif.lib.rtl import closure, strip_comments
from verif.lib.toolchain import ROOT

_CLOCK = re.compile(r" -port (?:RD_|WR_)?CLK ")
PLUSARG = "mutant"
IN_PLACE = "mutant in place:"
"""What a simulation prints when the mutant it was given is part of it."""


@dataclass(frozen=True)
class Mutant:
    """One mutation of a block: its number (from 1), the netlist's name, the module, and the Yosys command without the
    control input.
    """

    number: int
    block: str
    netlist: str
    dut: Dut
    command: str

    @cached_property
    def _options(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        words = shlex.split(self.command.replace("\\", "\\\\"))[1:]
        for name, value in zip(words[::2], words[1::2], strict=True):
            found.setdefault(name, []).append(value)
        return found

    @property
    def what(self) -> str:
        """What is changed, in words that name it uniquely among the mutants of its module."""
        o = {k: v[0] for k, v in self._options.items()}
        control = f" by bit {o['-ctrlbit']}" if "-ctrlbit" in o else ""
        return f"{o['-mode']} {o['-cell']}.{o['-port']}[{o['-portbit']}]{control}"

    @property
    def wire(self) -> str:
        """The named signal whose bit is changed, if it has a name."""
        o = {k: v[0] for k, v in self._options.items()}
        return f"{o['-wire']}[{o['-wirebit']}]" if "-wire" in o else ""

    @property
    def source(self) -> str:
        """Where the changed operation stands: file, line and columns."""
        return self._options.get("-src", ["?"])[-1]

    @property
    def file(self) -> str:
        """Where the changed operation stands, without line and columns."""
        return self.source.partition(":")[0]

    @property
    def label(self) -> str:
        params = ",".join(f"{k}={v}" for k, v in self.dut.params.items())
        return f"{self.dut.module}({params})" if params else self.dut.module


def elaborate(dut: Dut, library: Sequence[Path], name: str) -> list[str]:
    """Yosys commands after which the design holds the flat module under another name."""
    files = " ".join(
        str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        for path in closure(dut.path, library=library)
    )
    given = " ".join(f"-G {key}={value}" for key, value in settings(dut.path, dut.params).items())
    return [
        f"read_slang --ignore-assertions --top {dut.module} {given} {files}",
        "hierarchy -check",
        "proc",
        "flatten",
        "opt -full",
        "wreduce",
        "opt_clean",
        f"rename {dut.module} {name}",
    ]


def _yosys(steps: list[str], what: str) -> None:
    ok, words = yosys.run(steps)
    if not ok:
        lines = [line for line in words.splitlines() if "ERROR" in line or "error:" in line] or words.splitlines()[-5:]
        raise CampaignError(f"{what}: Yosys fails: {' / '.join(lines)}")


def header(path: Path, module: str) -> str:
    """The text of a module from its keyword to the end of its list of ports."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    begin = re.search(rf"\bmodule\s+{module}\b", text)
    if begin is None or ");" not in text[begin.start() :]:
        raise CampaignError(f"{path}: holds no module {module} with a list of ports")
    return text[begin.start() : text.index(");", begin.start()) + 2]


@dataclass(frozen=True)
class Variant:
    """A netlist: the module and parameters it was made of, its own name and ports, the numbers of its mutants."""

    dut: Dut
    name: str
    ports: list[str]
    first: int
    count: int


def _ports(netlist: Path) -> list[str]:
    text = netlist.read_text(encoding="utf-8")
    listed = re.search(r"^module \S+\(([^)]*)\);", text, re.M)
    return [name for name in (word.strip() for word in listed[1].split(",")) if name != "mutsel"] if listed else []


def _branch(variant: Variant, width: int) -> str:
    given = settings(variant.dut.path, variant.dut.params)
    condition = " && ".join(f"{key} == {value}" for key, value in given.items()) or "1"
    wires = ", ".join(f".{port}({port})" for port in variant.ports)
    first, end = variant.first, variant.first + variant.count
    return f"""if ({condition}) begin : g_mutated
    logic [{width - 1}:0] mutsel;
    initial begin
      if (!$value$plusargs("{PLUSARG}=%d", mutsel)) mutsel = '0;
      if (mutsel >= {width}'d{first} && mutsel < {width}'d{end}) $display("{IN_PLACE} %0d", mutsel);
    end
    {variant.name} u_mutated (.mutsel(mutsel), {wires});
  end else """


def wrapper(variants: list[Variant], width: int) -> str:
    """A module with the original's name and ports: the netlists for their parameters, the original for all others."""
    dut = variants[0].dut
    path, module = dut.path, dut.module
    original = re.sub(rf"\bmodule\s+{module}\b", f"module {module}__original", path.read_text(encoding="utf-8"))
    branches = "".join(_branch(variant, width) for variant in variants)
    params = ", ".join(f".{name}({name})" for name in settings(path, dut.params))
    instance = f"{module}__original {f'#({params}) ' if params else ''}u_original (.*);"
    return f"{original}\n{header(path, module)}\n  {branches}begin : g_original\n    {instance}\n  end\nendmodule\n"


def make(block: Block, folder: Path) -> tuple[list[Mutant], dict[str, list[Path]]]:
    """Write the netlists and wrappers of a block.

    Returns the mutants, the same for the same sources and seed, and for every mutated module the files that replace its
    own. A module with fewer places to change than mutants asked for gets fewer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width = (block.mutants + 1).bit_length()
    mutants: list[Mutant] = []
    made: dict[str, list[Variant]] = {}
    for n, dut in enumerate(block.duts):
        name, first = f"{dut.module}__mutated{n}", len(mutants) + 1
        listed, netlist = folder / f"{name}.ys", folder / f"{name}.v"
        what = f"{block.name}: {dut.module}"
        _yosys(
            [*elaborate(dut, block.library, name), f"mutate -list {2 * dut.mutants} -seed {block.seed} -o {listed}"],
            what,
        )
        commands = [line for line in listed.read_text(encoding="utf-8").splitlines() if not _CLOCK.search(line)][
            : dut.mutants
        ]
        controlled = [f"{line} -ctrl mutsel {width} {number}" for number, line in enumerate(commands, first)]
        _yosys(
            [
                *elaborate(dut, block.library, name),
                *controlled,
                "opt_clean",
                "bwmuxmap",
                f"write_verilog -noattr {netlist}",
            ],
            what,
        )
        mutants += [Mutant(number, block.name, name, dut, command) for number, command in enumerate(commands, first)]
        made.setdefault(dut.module, []).append(Variant(dut, name, _ports(netlist), first, len(commands)))
    files = {}
    for module, variants in made.items():
        write_whole(folder / f"{module}.sv", wrapper(variants, width))
        files[module] = [*(folder / f"{variant.name}.v" for variant in variants), folder / f"{module}.sv"]
    return mutants, files
