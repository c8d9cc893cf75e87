"""Checks of rules of the code base that no compiler enforces."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from verif.lib import asserts
from verif.lib.rtl import strip_comments

# A package may import from itself, from what follows its name here, and from outside libraries.
_MAY_USE = {"models": set(), "verif": {"models"}, "scripts": {"verif", "models", "scripts"}}
_SIMULATION_ONLY = {"cocotb", "pyuvm", "cocotb_bus", "cocotbext", "cocotb_coverage"}
# Processes are started by verif/lib/process.py alone, so that nothing of them is left when their parent ends.
_STARTS = re.compile(r"subprocess|multiprocessing|pty|os\.(fork\w*|exec\w+|spawn\w+|posix_spawn\w*|system|popen)|asyncio\.create_subprocess_\w+"
                     r"|concurrent\.futures\.(process|ProcessPoolExecutor)")  # fmt: skip
_MAY_START = {
    "verif/lib/process.py": "the one place",
    "verif/lib/keeper.py": "its other half",
    "scripts/check_system.py": "runs before anything is installed, with any Python",
    "models/tests/test_workloads.py": "models know nothing of verif",
}
_DESIGN_UNIT = re.compile(r"^\s*(module|package|interface)\s+(?:automatic\s+|static\s+)?(\w+)", re.M)
_FORBIDDEN = (
    (re.compile(r"^\s*import\s+\w+::", re.M), "`import` of a package: write pkg::name"),
    (re.compile(r"^\s*initial\b", re.M), "`initial` is not synthesizable"),
    (re.compile(r"(?<![\w)])#\s*\d"), "a delay is not synthesizable"),
    (re.compile(r"\balways_latch\b"), "latches are not allowed"),
    (re.compile(r"\balways\s*@"), "`always`: write always_ff or always_comb"),
)


def check_rtl_file(path: Path) -> list[str]:
    """What is wrong with a file of rtl/: one line a finding, empty when all is well."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    findings = []
    units = _DESIGN_UNIT.findall(text)
    if [name for _, name in units] != [path.stem]:
        found = ", ".join(name for _, name in units) or "none"
        findings.append(f"{path}: must hold one module or package called {path.stem}, found {found}")
    for pattern, words in _FORBIDDEN:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1
            findings.append(f"{path}:{line}: {words}")
    return findings


def _imports(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def check_python_file(path: Path, root: Path) -> list[str]:
    """Imports of a file that go against the direction scripts -> verif/flow -> the rest of verif -> models; processes that it starts by itself."""
    package = path.relative_to(root).parts[0]
    name = path.relative_to(root).as_posix()
    banned = set(_MAY_USE) - _MAY_USE[package] - {package}
    if package == "models":
        banned |= _SIMULATION_ONLY
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    findings = [f"{path}:{line}: {package}/ must not import {other}" for line, other in _imports(tree) if other.split(".")[0] in banned]
    if name.startswith("verif/") and not name.startswith("verif/flow/"):
        findings += [f"{path}:{line}: what verifies must not import the flow's tools ({other})" for line, other in _imports(tree) if other.startswith("verif.flow")]
    if name not in _MAY_START:
        findings += [f"{path}:{line}: {what}: processes are started by verif/lib/process.py alone" for line, what in _process_starts(tree)]
    return findings


def _process_starts(tree: ast.AST) -> list[tuple[int, str]]:
    """Where a file could start a process by other means: (line, by what)."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        else:
            continue
        found += [(node.lineno, name) for name in names if _STARTS.fullmatch(name)][:1]
    return found


def check_all(root: Path) -> list[str]:
    """All findings in rtl/, models/, verif/ and scripts/ below ``root``, assertions without a cover among them."""
    findings = asserts.without_cover(root)
    for path in sorted((root / "rtl").rglob("*.sv")):
        findings += check_rtl_file(path)
    for package in _MAY_USE:
        for path in sorted((root / package).rglob("*.py")):
            findings += check_python_file(path, root)
    return findings
