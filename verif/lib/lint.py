"""Static checks: rules of the code base, generated files, style, Verilator's warnings, elaboration by Yosys.

The top is checked with the parameters of every configuration; modules that the top does not reach
(or, while a module is named, that module alone) are checked with their default parameters. Cores at the limits of what
is legal are elaborated only: with them all of Verilator's passes take minutes.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from equinox_core.config import load_config
from equinox_core.hw.pairwise import cores
from equinox_core.hw.params import CORE
from equinox_core.hw.systemverilog import cfg_word
from verif.lib import process, rules, style, toolchain, yosys
from verif.lib.keep import write_whole
from verif.lib.rtl import RTL, closure, find, is_package, strip_comments
from verif.lib.toolchain import BUILD, ROOT

TOP = "equinox_core"
_WAIVERS = """`verilator_config
lint_off -rule UNUSEDPARAM -file "*_pkg.sv"
"""  # a design need not use every constant of a package
SIZES: tuple[dict[str, int], ...] = (
    {"N": 64, "M": 4, "W": 8, "QUEUE_DEPTH": 64},  # 131,072 MACs
    {"N": 128, "M": 8, "W": 8, "QUEUE_DEPTH": 128, "RX_SLOTS": 128},  # the most MACs, lanes and elements of a block
    {"N": 4, "M": 128, "W": 128},  # the most arrays
    {"N": 4, "M": 1, "W": 128},  # the most beats a block
    {"N": 2, "M": 2, "W": 2},
    {"N": 1, "M": 4, "W": 4},  # the least
)
"""Large and small cores that are elaborated, otherwise as configs/default.toml; and those of the covering table."""
_PARAMETER = re.compile(r"\bparameter\s+(?:[\w:]+\s+)*?(?:\[[^\]]*\]\s*)?(\w+)\s*=")


@dataclass(frozen=True)
class Target:
    """A module with the parameters it is checked with."""

    module: str
    params: dict[str, int] = field(default_factory=dict, compare=False)
    label: str = "default parameters"

    def __str__(self) -> str:
        return f"{self.module} ({self.label})"


def parameters_of(path: Path) -> set[str]:
    """Names of the parameters that the module in a file declares."""
    return set(_PARAMETER.findall(strip_comments(path.read_text(encoding="utf-8")).split(");", 1)[0]))


def settable(path: Path) -> set[str]:
    """Names by which the module in a file is given its parameters: those of the core stand for a configuration."""
    declared = parameters_of(path)
    return (declared - {"CFG"}) | set(CORE) if "CFG" in declared else declared


def settings(path: Path, params: Mapping[str, int]) -> dict[str, str]:
    """What a tool is to set for the module in a file: a module that takes a configuration gets the core's parameters as
    one word, those that are not given as in configs/default.toml.
    """
    if "CFG" not in parameters_of(path):
        return {key: str(value) for key, value in params.items()}
    core = {key: value for key, value in params.items() if key in CORE}
    word = {"CFG": cfg_word({**load_config("default").params(), **core})} if core else {}
    return word | {key: str(value) for key, value in params.items() if key not in CORE}


def configurations() -> dict[str, dict[str, int]]:
    """Core parameters of each file of configs/ that has a [core] table."""
    found = {}
    for path in sorted((ROOT / "configs").glob("*.toml")):
        core = tomllib.loads(path.read_text(encoding="utf-8")).get("core")
        if core:
            found[path.stem] = {k: v for k, v in core.items() if isinstance(v, int)}
    return found


def targets(modules: Iterable[str] = ()) -> list[Target]:
    """What is to be checked: the named modules, or everything in rtl/."""
    files = {path.stem: path for path in find(RTL) if not is_package(path)}
    chosen = list(modules)
    for name in chosen:
        if name not in files:
            raise ValueError(f"MODULE = {name!r}: legal are the modules of rtl/, by their file's name")
    if not chosen:
        chosen = [TOP] if TOP in files else []
        reached = {path.stem for path in closure(TOP)} if chosen else set()
        chosen += [name for name in files if name not in reached]
    result = []
    for name in chosen:
        if name == TOP:
            known = parameters_of(files[name])
            for label, values in configurations().items():
                result.append(Target(name, {k: v for k, v in values.items() if k in known}, label))
        if name != TOP or not configurations():
            result.append(Target(name))
    return result


def sizes() -> list[Target]:
    """What is elaborated: the top with :data:`SIZES`, and with every row of the covering table."""
    known = load_config("default")
    few = [known.changed(**size).params() for size in SIZES]
    return [
        Target(TOP, params, ", ".join(f"{key} = {params[key]}" for key in ("N", "M", "W", "C_INF", "SERVICES")))
        for params in (*few, *cores())
    ]


def _file(target: Target, sources: Sequence[Path]) -> Path:
    """The file of the module among the sources."""
    return next(path for path in sources if path.stem == target.module)


def run_verilator(target: Target, sources: Sequence[Path], how: Sequence[str] = ("--lint-only",)) -> str:
    """Verilator's findings with all warnings on; empty when there are none."""
    waivers = BUILD / "lint" / "packages.vlt"
    write_whole(waivers, _WAIVERS)
    command = [str(toolchain.verilator_root() / "bin" / "verilator_bin"), *how]
    command += ["-Wall", "--no-timing", "--top-module", target.module]
    command += [f"-G{key}={value}" for key, value in settings(_file(target, sources), target.params).items()]
    command += [str(waivers), *map(str, sources)]
    done = process.run(
        command, env=toolchain.verilator_env(), capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT
    )
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def elaborate(target: Target, sources: Sequence[Path]) -> str:
    """What Verilator finds as it elaborates: sizes and widths that do not fit, what is not used; no loops."""
    with TemporaryDirectory() as folder:
        output = ("--json-only", "--json-only-output", f"{folder}/tree.json", "--Mdir", folder)
        return run_verilator(target, sources, output)


def run_yosys(target: Target, sources: Sequence[Path]) -> str:
    """What keeps Yosys from elaborating the design cleanly; empty when nothing does.

    Beside errors: latches, combinational loops, several drivers, undriven wires in use.
    """
    files = " ".join(map(str, sources))
    given = " ".join(f"-G {key}={value}" for key, value in settings(_file(target, sources), target.params).items())
    steps = [
        f"read_slang --ignore-assertions --top {target.module} {given} {files}",
        "hierarchy -check",
        "proc",
        "opt_clean",
        "check -assert",
        "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr",
    ]
    ok, words = yosys.run(steps)
    if ok:
        return ""
    lines = words.splitlines()
    marks = [n for n, line in enumerate(lines) if re.search(r"\berror\b|ERROR|Warning:|Traceback", line)]
    return "\n".join(lines[max(marks[0] - 2, 0) : marks[0] + 40] if marks else lines[-30:])


def check_generated() -> list[str]:
    """Run every generator with --check; returns what is not current."""
    stale = []
    for script in sorted((ROOT / "scripts").glob("gen_*.py")):
        done = process.run(
            [sys.executable, str(script), "--check"], capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT
        )
        if done.returncode:
            words = (done.stdout + done.stderr).strip()
            stale.append(f"{script.name} --check fails:\n{words}")
    return stale


CHECKS: dict[str, Callable[[], list[str]]] = {
    "rules": lambda: rules.check_all(ROOT),
    "generated": check_generated,
    "ruff": style.ruff_lint,
    "ruff-format": style.ruff_format,
    "mypy": style.mypy,
    "verible": style.verible_lint,
    "verible-format": style.verible_format,
}
"""Checks of the whole checkout: name -> what gives their findings."""
TOOLS: dict[str, Callable[[Target, Sequence[Path]], str]] = {
    "verilator": run_verilator,
    "yosys": run_yosys,
    "elaborate": elaborate,
}
"""Checks of a module: name -> what gives the findings of a target, from its sources."""


def lint(modules: Iterable[str] = (), steps: Iterable[str] = ()) -> int:
    """Run the checks and print the findings; returns how many checks failed.

    Args:
        modules: modules to check (default: everything).
        steps: some of :data:`CHECKS` and :data:`TOOLS` (default: all, or with modules those of modules).
    """
    modules = list(modules)
    chosen = list(steps) or (["verilator", "yosys"] if modules else [*CHECKS, *TOOLS])
    failed = 0
    for step, check in CHECKS.items():
        if step in chosen:
            try:
                findings = check()
            except style.StyleError as error:
                findings = [str(error)]
            print("\n".join([f"{'FAIL' if findings else 'ok  '} {step}", *findings]), flush=True)
            failed += bool(findings)
    own = targets(modules)
    for step, tool in TOOLS.items():
        if step not in chosen:
            continue
        todo = sizes() if step == "elaborate" else own
        sources = [closure(target.module) for target in todo]
        with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
            for target, words in zip(todo, pool.map(tool, todo, sources), strict=True):
                print(f"{'FAIL' if words else 'ok  '} {step:<10}{target}", flush=True)
                if words:
                    print(words, flush=True)
                    failed += 1
    print(f"lint: {failed} of the checks failed" if failed else "lint: all clean")
    return failed
