"""The campaign file: which modules are mutated, how often, and which bench is to notice; read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from verif.lib.lint import parameters_of, settable
from verif.lib.rtl import RTL, find
from verif.lib.toolchain import ROOT

FILE = Path(__file__).with_name("campaign.yaml")
MOST = 1000
"""Mutants of one block, at most: all are in one netlist."""


GOAL = 0.9
"""Share of the mutants that are not equivalent which must be killed, if a block says nothing else."""


class CampaignError(ValueError):
    """A file of this folder is wrong; one line that names file, place and field, and what is legal."""


@dataclass(frozen=True)
class Dut:
    """A module with the parameters with which its bench uses it, flattened and mutated.

    ``tests``: regular expression, the tests of the bench that look at it (default: all).
    """

    module: str
    path: Path
    params: Mapping[str, int]
    mutants: int
    tests: str | None = None


@dataclass(frozen=True)
class Block:
    """What one simulator serves: ``duts`` in the bench of the folder ``bench``, whose top has the parameters
    ``params``.

    A mutant is simulated with one seed after the other until a run fails. ``library``: where the modules are found.
    ``source``: how many mutants are made by operators on the source of all ``duts`` together; 0: they are mutated as
    netlists. ``default``: parameters of the top with which it is as in configs/default.toml. ``goal``: share of the
    mutants to be killed.
    """

    name: str
    group: str
    bench: Path
    params: Mapping[str, int]
    seed: int
    seeds: tuple[int, ...]
    duts: tuple[Dut, ...]
    library: tuple[Path, ...] = field(default=(RTL,))
    source: int = 0
    default: Mapping[str, int] = field(default_factory=dict)
    goal: float = GOAL
    plusargs: tuple[str, ...] = ()
    public: tuple[str, ...] = ()

    @property
    def mutants(self) -> int:
        return self.source or sum(dut.mutants for dut in self.duts)


class _Reader:
    """Takes fields out of a mapping and complains with their place."""

    def __init__(self, where: str, data: object) -> None:
        if not isinstance(data, dict):
            raise CampaignError(f"{where}: is {data!r}; legal is a mapping")
        self.where, self.data = where, dict(data)

    def take(self, name: str, kind: type, legal: str, default: object = ...) -> object:
        value = self.data.pop(name, default)
        if value is ...:
            raise CampaignError(f"{self.where}: {name} is missing; legal is {legal}")
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise CampaignError(f"{self.where}: {name} is {value!r}; legal is {legal}")
        return value

    def count(self, name: str, low: int, high: int, default: object = ...) -> int:
        value = self.take(name, int, f"an integer, {low}..{high}", default)
        if not low <= value <= high:  # type: ignore[operator]
            raise CampaignError(f"{self.where}: {name} is {value}; legal is an integer, {low}..{high}")
        return int(value)  # type: ignore[call-overload]

    def integers(self, name: str) -> dict[str, int]:
        value = self.take(name, dict, "a mapping of integers", {})
        if not all(isinstance(k, str) and isinstance(v, int) for k, v in value.items()):  # type: ignore[attr-defined]
            raise CampaignError(f"{self.where}: {name} is {value!r}; legal is a mapping of integers")
        return {k: int(v) for k, v in value.items()}  # type: ignore[attr-defined]

    def words(self, name: str, legal: str, default: object = ...) -> tuple[str, ...]:
        value = self.take(name, list, legal, default)
        if not all(isinstance(word, str) for word in value):  # type: ignore[attr-defined]
            raise CampaignError(f"{self.where}: {name} is {value!r}; legal is {legal}")
        return tuple(value)  # type: ignore[arg-type]

    def end(self) -> None:
        if self.data:
            raise CampaignError(f"{self.where}: {next(iter(self.data))} is unknown")


def load_yaml(path: Path) -> object:
    """A YAML file's content; a syntax error as one line."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise CampaignError(f"{path}:1: not YAML: {' '.join(str(error).split())}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CampaignError(f"{path}:{line}: {error.problem or 'is not YAML'}") from None


def _dut(where: str, data: object, files: Mapping[str, Path]) -> Dut:
    r = _Reader(where, data)
    module = r.take("module", str, "a module of rtl/ or a cell_*.sv of the bench")
    if module not in files:
        raise CampaignError(
            f"{where}: module is {module!r}; legal is a module of rtl/ or a cell_*.sv of the bench, by its file's name"
        )
    params, tests = r.integers("params"), r.take("tests", str, "a regular expression", None)
    legal, declared = settable(files[module]), parameters_of(files[module])
    if not declared - {"CFG"} <= set(params) <= legal:
        names = ", ".join(sorted(legal)) or "none"
        raise CampaignError(
            f"{where}: params are {', '.join(sorted(params)) or 'none'}; legal are the parameters of {module}: {names}"
        )
    try:
        re.compile(str(tests))
    except re.error as error:
        raise CampaignError(f"{where}: tests is {tests!r}; legal is a regular expression ({error})") from None
    dut = Dut(module, files[module], params, r.count("mutants", 1, MOST), tests)  # type: ignore[arg-type]
    r.end()
    return dut


def _source(r: _Reader, library: tuple[Path, ...]) -> tuple[Dut, ...]:
    """The modules and packages of the places that a block names; those that only hold assertions are not mutated."""
    legal = "a list of folders and files of rtl/"
    tests = r.take("tests", str, "a regular expression", None)
    found = []
    for place in r.words("source", legal):
        paths = [root / place for root in library if (root / place).exists()]
        if not paths:
            raise CampaignError(f"{r.where}: source has {place!r}; legal is {legal}")
        found += [path for path in find(*paths) if not path.stem.endswith(("_checks", "_check"))]
    return tuple(Dut(path.stem, path, {}, 0, tests) for path in found)  # type: ignore[arg-type]


def load(
    path: Path = FILE, library: tuple[Path, ...] = (RTL,), benches: Path = ROOT / "verif" / "block"
) -> list[Block]:
    """The blocks of a campaign file, whose modules are in the files and folders of ``library`` and whose benches are in
    folders of ``benches``.

    A bench may have modules of its own to mutate, each a function of a package in ports: ``cell_*.sv`` in its folder.

    Raises:
        CampaignError: the file is wrong.
    """
    top = _Reader(path.name, load_yaml(path))
    blocks = []
    for name, data in top.take("blocks", dict, "a mapping of blocks").items():  # type: ignore[attr-defined]
        where = f"{path.name}: {name}"
        r = _Reader(where, data)
        bench = benches / str(r.take("bench", str, "a folder of verif/block"))
        if not (bench / f"bench_{bench.name}.py").is_file():
            raise CampaignError(f"{where}: bench is {bench.name!r}; legal is a folder of verif/block with a bench")
        seeds = r.take("seeds", list, "a list of integers", [1])
        if not seeds or not all(isinstance(s, int) and s > 0 for s in seeds):  # type: ignore[attr-defined]
            raise CampaignError(f"{where}: seeds is {seeds!r}; legal is a list of integers above 0")
        of_source = "source" in r.data
        duts = [] if of_source else r.take("duts", list, "a list of modules")
        places = (*library, *sorted(bench.glob("cell_*.sv")))
        files = {file.stem: file for file in find(*places)}
        block = Block(
            name=name,
            group=str(r.take("group", str, "a word")),
            bench=bench,
            params=r.integers("params"),
            seed=r.count("seed", 1, 2**31 - 1, 1),
            seeds=tuple(seeds),
            duts=_source(r, library)
            if of_source
            else tuple(_dut(f"{where}: duts[{n}]", dut, files) for n, dut in enumerate(duts)),  # type: ignore[arg-type]
            library=places,
            source=r.count("mutants", 1, MOST) if of_source else 0,
            default=r.integers("default"),
            goal=r.count("goal", 1, 100, round(100 * GOAL)) / 100,
            plusargs=r.words("plusargs", "a list of words", []),
            public=r.words("public", "a list of modules", []),
        )
        r.end()
        if not 1 <= block.mutants <= MOST:
            raise CampaignError(f"{where}: has {block.mutants} mutants; legal is 1..{MOST} a block")
        if len({(dut.module, tuple(sorted(dut.params.items()))) for dut in block.duts}) < len(block.duts):
            raise CampaignError(f"{where}: duts lists a module with the same parameters twice")
        blocks.append(block)
    top.end()
    if not blocks:
        raise CampaignError(f"{path.name}: blocks is empty")
    return blocks
