"""The project's tests, as pytest collects them: the one list that plans, tiers and reports refer to."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from verif.lib import process
from verif.lib.packages import python_path
from verif.lib.toolchain import ROOT

CONFIGS = tuple(sorted(path.stem for path in (ROOT / "configs").glob("*.toml")))
"""Configurations of the core; a run is of one of them when its id says so (``test_dma[tiny]``)."""


class CollectError(ValueError):
    """The tests cannot be collected, or two have the same id; one line."""


@dataclass(frozen=True)
class Run:
    """One variant of a test: what pytest runs under one node id."""

    node: str
    marks: frozenset[str]
    tags: frozenset[str]

    @property
    def variant(self) -> str:
        """What stands in brackets after the function's name; empty when it has no parameters."""
        return self.node.partition("[")[2].removesuffix("]")

    @property
    def config(self) -> str | None:
        """The configuration it is of; None when it is of none, or always of the same."""
        return next((word for word in self.variant.split("-") if word in CONFIGS), None)


@dataclass(frozen=True)
class Test:
    """A test: a function, with all its runs."""

    __test__ = False
    id: str  # <stem>::<function>, the stem without test_
    file: str  # below the project's root
    line: int
    block: str  # folder of verif/block or verif/flow; chip for verif/tests; else the folder below verif/, or models
    cases: tuple[Run, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """pytest node ids."""
        return tuple(run.node for run in self.cases)

    @cached_property
    def marks(self) -> frozenset[str]:
        """Names of the marks of any of its runs (``nightly``, ``soak``, ...)."""
        return frozenset().union(*(run.marks for run in self.cases))

    @cached_property
    def tags(self) -> frozenset[str]:
        """Tags of any of its runs: the arguments of ``@pytest.mark.tag``."""
        return frozenset().union(*(run.tags for run in self.cases))


def block_of(file: str) -> str:
    """The block that a test file belongs to (see :class:`Test`)."""
    parts = Path(file).parts
    if parts[0] != "verif":
        return parts[0]
    return {"block": parts[2], "flow": parts[2], "tests": "chip"}.get(parts[1], parts[1])


def collect(paths: Sequence[str] = (), root: Path = ROOT) -> list[Test]:
    """All tests of the project, in the order of their files; ``nightly`` and ``soak`` ones too.

    Args:
        paths: files or folders to look in (default: all that pyproject.toml names).
        root: of another project to look in.

    Raises:
        CollectError: pytest cannot collect (a file does not import), finds nothing, or two functions share an id.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tests.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-qq",
            "-m",
            "",
            "-p",
            "verif.flow.collect_plugin",
            *paths,
        ]
        settings = {**os.environ, "PYTHONPATH": python_path(), "EQX_COLLECT": str(out), "PYTEST_ADDOPTS": ""}
        done = process.run(command, cwd=root, env=settings, capture_output=True, encoding="utf-8", errors="replace")
        if done.returncode or not out.exists():
            raise CollectError(f"pytest cannot collect the tests: {_reason(done.stdout, done.stderr)}")
        rows = json.loads(out.read_text(encoding="utf-8"))
    return _tests(rows)


def _reason(out: str, err: str) -> str:
    """Pytest's words for why it collected nothing, in one line: the file, and the last line of its first error."""
    lines = [line for line in [*out.splitlines(), *err.splitlines()] if line.strip()]
    places = [line.split(maxsplit=1)[1] for line in lines if line.startswith(("ERROR ", "ERROR: "))]
    errors = [line[2:].strip() for line in lines if line.startswith("E ")]
    told = [*places[:1], *errors[-1:]] or lines[-1:] or ["there are none"]
    return ": ".join(dict.fromkeys(told))


def _tests(rows: Sequence[Mapping]) -> list[Test]:
    """Runs put together to tests; ``rows`` as the plugin writes them."""
    found: dict[tuple[str, str], list[Mapping]] = {}
    for row in rows:
        found.setdefault((row["file"], row["function"]), []).append(row)
    tests: dict[str, Test] = {}
    for (file, function), group in found.items():
        name = f"{Path(file).stem.removeprefix('test_')}::{function}"
        if name in tests:
            other = tests[name]
            raise CollectError(
                f"{file}:{group[0]['line']}: test id {name} is that of {other.file}:{other.line} too; "
                "legal is a name of its own"
            )
        cases = tuple(Run(row["node"], frozenset(row["marks"]), frozenset(row["tags"])) for row in group)
        tests[name] = Test(name, file, group[0]["line"], block_of(file), cases)
    return list(tests.values())
