"""Makes a block's mutants by operators on its source: all are planted in copies of the files, each behind a switch.

Mutation k is active when the simulator gets ``+mutant=k``; none with 0. Copies have their lines where the originals
have them, so what tools say of a copy names the place.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from verif.flow.mutants.campaign import Block, CampaignError, Dut
from verif.flow.mutants.design import Design, Span
from verif.flow.mutants.netlist import IN_PLACE, PLUSARG
from verif.flow.mutants.operators import OPERATORS, Change, View, changes
from verif.lib import process, toolchain
from verif.lib.keep import write_whole
from verif.lib.rtl import closure
from verif.lib.toolchain import ROOT

PACKAGE = "mutant_pkg"
_SHOWN = 160  # characters of code in a mutant's name


@dataclass(frozen=True)
class SourceMutant:
    """One mutation of a block: its number (from 1), the module, the change, the line it stands on, and which of the
    module's changes with the same words it is (from 1).
    """

    number: int
    block: str
    dut: Dut
    change: Change
    line: int
    same: int = 1

    @property
    def what(self) -> str:
        """What is changed, in words that name it uniquely among the mutants of its module."""
        words = f"{self.change.operator}: {_short(self.change.old)} -> {_short(self.change.new)}"
        return words if self.same == 1 else f"{words} (number {self.same})"

    @property
    def command(self) -> str:
        """All that decides what the mutant is, apart from its module's text."""
        return repr((self.file, self.change))

    @property
    def wire(self) -> str:
        """Mutants of source have no net."""
        return ""

    @property
    def file(self) -> str:
        path = self.dut.path
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    @property
    def source(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def label(self) -> str:
        return self.dut.module


def _short(code: str) -> str:
    return code if len(code) <= _SHOWN else f"{code[:_SHOWN]} [{hashlib.sha256(code.encode()).hexdigest()[:6]}]"


@dataclass(frozen=True)
class Candidate:
    """A change that could be made, before it has a number."""

    dut: Dut
    change: Change
    line: int
    same: int

    def rank(self, seed: int) -> str:
        """Where it stands in the order in which changes are chosen: any, but the same while its words are."""
        what = f"{seed} {self.dut.module} {self.change.operator} {self.change.old} {self.change.new} {self.same}"
        return hashlib.sha256(what.encode()).hexdigest()


def candidates(block: Block) -> list[Candidate]:
    """All changes that the operators find in a block's files."""
    top = f"tb_{block.bench.name}"
    sources = closure(block.bench / f"{top}.sv", library=(*block.library, ROOT / "verif"))
    design = Design(top, sources, block.params)
    default = Design(top, sources, block.default)
    found = []
    for dut in block.duts:
        if dut.path not in design.trees:
            raise CampaignError(f"{block.name}: {dut.module} is not part of the bench")
        view = View(dut.path, design, default)
        words: Counter[tuple[str, str, str]] = Counter()
        for change in changes(view):
            key = (change.operator, change.old, change.new)
            words[key] += 1
            line = view.text.count("\n", 0, change.edits[0].span[0]) + 1
            found.append(Candidate(dut, change, line, words[key]))
    return found


def balanced(found: Sequence[Candidate], seed: int) -> list[Candidate]:
    """All in an order whose every beginning has operators, and in each of them modules, about equally often."""
    waiting: dict[str, dict[str, list[Candidate]]] = {}
    for candidate in sorted(found, key=lambda c: c.rank(seed), reverse=True):
        waiting.setdefault(candidate.change.operator, {}).setdefault(candidate.dut.module, []).append(candidate)
    taken: Counter[str] = Counter()
    order = []
    while waiting:
        for operator in [name for name in OPERATORS if name in waiting]:
            modules = waiting[operator]
            module = min(modules, key=lambda m: (taken[m], modules[m][-1].rank(seed)))
            order.append(modules[module].pop())
            taken[module] += 1
            if not modules[module]:
                del modules[module]
            if not modules:
                del waiting[operator]
    return order


def planted(text: str, mutants: Iterable[tuple[int, Change]]) -> str:
    """A file's text with all changes in it, each behind its switch; places may lie within each other."""
    at: dict[Span, list[tuple[int, str, bool]]] = {}
    for number, change in mutants:
        for edit in change.edits:
            at.setdefault(edit.span, []).append((number, edit.new, change.statement))
    spans = sorted(at, key=lambda span: (span[0], -span[1]))

    def render(begin: int, end: int, inside: list[Span]) -> str:
        parts, here = [], begin
        while inside:
            span = inside[0]
            within = [s for s in inside[1:] if s[1] <= span[1]]
            inside = [s for s in inside[1:] if s[0] >= span[1]]
            code = render(*span, within)
            for number, new, statement in at[span]:
                on = f"{PACKAGE}::planted == {number}"
                code = (
                    f"begin if ({on}) begin {new} end else begin {code} end end"
                    if statement
                    else f"({on} ? ({new}) : ({code}))"
                )
            parts += [text[here : span[0]], code]
            here = span[1]
        return "".join([*parts, text[here:end]])

    return render(0, len(text), spans)


def package(count: int) -> str:
    """The number of the mutant that is on."""
    return f"""package {PACKAGE};
  function automatic int chosen();
    int number;
    if (!$value$plusargs("{PLUSARG}=%d", number)) number = 0;
    if (number > 0 && number <= {count}) $display("{IN_PLACE} %0d", number);
    return number;
  endfunction
  int planted = chosen();
endpackage
"""


def _write(block: Block, mutants: Sequence[tuple[int, Candidate]], folder: Path) -> dict[Path, Path]:
    """Copies with the mutants in them, by the file that they replace."""
    copies = {}
    for path in {candidate.dut.path: None for _, candidate in mutants}:
        text = path.read_bytes().decode("latin-1")
        copy = folder / path.name
        changed = planted(text, [(number, c.change) for number, c in mutants if c.dut.path == path])
        write_whole(copy, changed.encode("latin-1").decode("utf-8"))
        copies[path] = copy
    write_whole(folder / f"{PACKAGE}.sv", package(max((number for number, _ in mutants), default=0)))
    return copies


def _refused(block: Block, mutants: Sequence[tuple[int, Candidate]], folder: Path) -> list[int]:
    """Numbers of the mutants on lines that Verilator refuses, or takes for an index that does not exist."""
    top = f"tb_{block.bench.name}"
    copies = _write(block, mutants, folder)
    sources = closure(block.bench / f"{top}.sv", library=(*block.library, ROOT / "verif"))
    command = [str(toolchain.verilator_root() / "bin" / "verilator_bin"), "--lint-only", "--timing", "-Wno-fatal"]
    command += ["-Wno-lint", "-Wno-style", "-Wwarn-SELRANGE", "--error-limit", "0", "--top-module", top]
    command += [f"-G{name}={value}" for name, value in block.params.items()]
    command += [str(folder / f"{PACKAGE}.sv"), *(str(copies.get(path, path)) for path in sources)]
    done = process.run(
        command, env=toolchain.verilator_env(), capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT
    )
    words = done.stdout + done.stderr
    places = {
        (path, int(line))
        for path, line in re.findall(r"^%(?:Error|Warning-SELRANGE)[^:]*: ([^:]+):(\d+):", words, re.M)
    }
    numbers = []
    for number, candidate in mutants:
        text = candidate.dut.path.read_bytes()
        name = str(copies[candidate.dut.path])
        lines = {
            line
            for edit in candidate.change.edits
            for line in range(text.count(b"\n", 0, edit.span[0]) + 1, text.count(b"\n", 0, edit.span[1]) + 2)
        }
        if any((name, line) in places for line in lines):
            numbers.append(number)
    if done.returncode and not numbers:
        raise CampaignError(f"{block.name}: Verilator refuses it: {words.strip().splitlines()[0]}")
    return numbers


def chosen(block: Block) -> tuple[list[Candidate], int]:
    """The changes of a campaign, and how many were left out because the design with them does not elaborate."""
    order = balanced(candidates(block), block.seed)
    kept: list[Candidate] = []
    dropped = 0
    with TemporaryDirectory() as folder:
        while order and len(kept) < block.mutants:
            trial = order[: block.mutants - len(kept)]
            order = order[len(trial) :]
            suspects = _refused(block, list(enumerate(trial, 1)), Path(folder))
            bad = {n for n in suspects if len(suspects) == 1 or _refused(block, [(n, trial[n - 1])], Path(folder))}
            kept += [candidate for n, candidate in enumerate(trial, 1) if n not in bad]
            dropped += len(bad)
    return kept, dropped


def make(block: Block, folder: Path) -> tuple[list[SourceMutant], Mapping[str, list[Path]]]:
    """Choose the mutants of a block, and write copies of its files with them.

    Returns the mutants, the same for the same sources and seed, and for every file that is replaced, by its name, what
    replaces it. A block with fewer places to change than mutants asked for gets fewer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept, _ = chosen(block)
    numbered = list(enumerate(kept, 1))
    copies = _write(block, numbered, folder)
    files = {path.stem: [copy] for path, copy in copies.items()}
    first = closure(block.bench / f"tb_{block.bench.name}.sv", library=(*block.library, ROOT / "verif"))[0]
    files[first.stem] = [folder / f"{PACKAGE}.sv", *files.get(first.stem, [first])]
    return [SourceMutant(n, block.name, c.dut, c.change, c.line, c.same) for n, c in numbered], files
