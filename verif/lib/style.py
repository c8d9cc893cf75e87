"""Style: ruff's linter and formatter for Python, mypy's types of the models, Verible's linter and formatter for
SystemVerilog. Settings stand in pyproject.toml and .rules.verible_lint.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from verif.lib import process, rules
from verif.lib.toolchain import BUILD, ROOT

_FORMAT = (f"--column_limit={rules.COLUMNS}", "--failsafe_success=false")


class StyleError(RuntimeError):
    """A tool could not do its work; the text is its own."""


def _tool(name: str) -> str:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise StyleError(f"{path} is missing: `make venv` installs it")
    return str(path)


def _findings(command: Sequence[str], *, quiet: bool = False) -> list[str]:
    """What a tool says when it fails, or (``quiet``: it says nothing when all is well) whatever it says."""
    done = process.run(command, capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT)
    words = (done.stdout + done.stderr).strip()
    return [words] if done.returncode or (quiet and words) else []


def ruff_lint(place: Path = ROOT) -> list[str]:
    """Ruff's findings below a folder."""
    return _ruff(place, "check", "--output-format=concise")


def ruff_format(place: Path = ROOT, *, write: bool = False) -> list[str]:
    """Python files below a folder that are not formatted, or (``write``) format them."""
    return _ruff(place, "format", *([] if write else ["--check"]))


def _ruff(place: Path, *words: str) -> list[str]:
    return _findings([_tool("ruff"), *words, "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(place)])


def mypy(*places: Path) -> list[str]:
    """Mypy's findings in the models, or in other places by the same settings."""
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(BUILD / "lint" / "mypy")]
    return _findings([_tool("mypy"), *settings, "--no-error-summary", *map(str, places)])


def verible_lint(root: Path = ROOT) -> list[str]:
    """Verible's findings in the SystemVerilog of a checkout."""
    files = map(str, rules.systemverilog(root))
    return _findings(
        [_tool("verible-verilog-lint"), "--ruleset=all", f"--rules_config={ROOT / '.rules.verible_lint'}", *files]
    )


def verible_format(root: Path = ROOT, *, write: bool = False) -> list[str]:
    """SystemVerilog files of a checkout that are not formatted, or (``write``) format them."""
    words = ["--inplace"] if write else ["--inplace", "--verify"]  # which writes nothing, and takes errors for success
    command = [_tool("verible-verilog-format"), *_FORMAT, *words, *map(str, rules.systemverilog(root))]
    return _findings(command, quiet=True)


def formatted(text: str) -> str:
    """A SystemVerilog file's text as Verible formats it: for generators, whose files are checked as all others are."""
    return _through([_tool("verible-verilog-format"), *_FORMAT, "-"], text)


def formatted_python(text: str) -> str:
    """A Python file's text as ruff formats it."""
    settings = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename", "generated.py"]
    return _through([_tool("ruff"), "format", *settings, "-"], text)


def _through(command: Sequence[str], text: str) -> str:
    done = process.run(command, input=text, capture_output=True, encoding="utf-8")
    if done.returncode or not done.stdout:
        raise StyleError(done.stderr.strip())
    return done.stdout
