"""Checks of rules of the code base that no compiler enforces."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from verif.lib import asserts
from verif.lib.packages import FOLDERS
from verif.lib.rtl import strip_comments

# A package may import from itself, from those before it, and from outside libraries.
_ORDER = ("models", "verif", "scripts")
_SIMULATION_ONLY = {"cocotb", "pyuvm", "cocotb_bus", "cocotbext", "cocotb_coverage"}
_DESIGN_UNIT = re.compile(r"^\s*(module|package|interface)\s+(?:automatic\s+|static\s+)?(\w+)", re.M)
_PATH_EDIT = re.compile(r"^\s*sys\.path(?:\.(?:insert|append|extend)\b|\[|\s*\+?=)", re.M)
_FORBIDDEN = (
    (re.compile(r"^\s*import\s+\w+::", re.M), "`import` of a package: write pkg::name"),
    (re.compile(r"^\s*initial\b", re.M), "`initial` is not synthesizable"),
    (re.compile(r"(?<![\w)])#\s*\d"), "a delay is not synthesizable"),
    (re.compile(r"\balways_latch\b"), "latches are not allowed"),
    (re.compile(r"\balways\s*@"), "`always`: write always_ff or always_comb"),
)


def check_rtl_file(path: Path) -> list[str]:
    """What is wrong with a file of rtl/: one line a finding, empty when all is well."""
    text = strip_comments(path.read_text())
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
            found += [(node.lineno, alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module.split(".")[0]))
    return found


def check_python_file(path: Path, root: Path) -> list[str]:
    """Imports of a file that go against the direction scripts -> verif -> models, and edits of Python's path."""
    folder = path.relative_to(root).parts[0]
    package = next(name for name in _ORDER if FOLDERS[name].split("/")[0] == folder)
    banned = set(_ORDER[_ORDER.index(package) + 1 :])
    if package == _ORDER[0]:
        banned |= _SIMULATION_ONLY
    text = path.read_text()
    try:
        tree = ast.parse(text, str(path))
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    findings = [f"{path}:{line}: {folder}/ must not import {name}" for line, name in _imports(tree) if name in banned]
    for match in _PATH_EDIT.finditer(text):
        line = text.count("\n", 0, match.end()) + 1
        findings.append(f"{path}:{line}: `sys.path` is edited: the checkout is installed (make venv)")
    return findings


def check_all(root: Path) -> list[str]:
    """All findings in rtl/, models/, verif/ and scripts/ below ``root``, assertions without a cover among them."""
    findings = asserts.without_cover(root)
    for path in sorted((root / "rtl").rglob("*.sv")):
        findings += check_rtl_file(path)
    for package in _ORDER:
        for path in sorted((root / FOLDERS[package].split("/")[0]).rglob("*.py")):
            findings += check_python_file(path, root)
    return findings
