"""A project of cheap tests, and the regressions of it that the tests of the runner look at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from verif.flow.regress.jobs import Filters
from verif.flow.regress.regression import Regression
from verif.flow.regress.run import Options, regress

SETTINGS = """[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:cacheprovider -m 'not nightly'"
markers = ["nightly: -", "tag(name): -"]
"""
HEAD = """import os, pathlib, time
import pytest
NOTES = pathlib.Path(__file__).with_name("notes")
def note(name):  # one line for each time that a test ran
    NOTES.mkdir(exist_ok=True)
    with open(NOTES / name, "a") as file:
        file.write(os.environ.get("SEED", "-") + "\\n")
    return len((NOTES / name).read_text().splitlines())
"""


class Project:
    """A folder with tests, a list of tiers, and regressions."""

    def __init__(self, folder: Path, tests: str, tiers: str) -> None:
        self.root = folder / "project"
        (self.root / "t").mkdir(parents=True)
        (self.root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        (self.root / ".venv").symlink_to(sys.prefix)
        self.file = self.root / "t" / "test_cheap.py"
        self.file.write_text(HEAD + tests, encoding="utf-8")
        self.tiers = folder / "tiers.yaml"
        self.tiers.write_text(tiers, encoding="utf-8")
        self.said: list[str] = []

    def options(self, *, sources: str = "1", filters: Filters | None = None, **more) -> Options:
        """Options for its regressions; ``sources`` stands for the fingerprint of the sources."""
        return Options(
            **{
                "tier": "small",
                "tiers": self.tiers,
                "out": self.root / "build" / "regress",
                "root": self.root,
                "jobs": 2,
                "coverage": False,
                "sources": sources,
                "filters": filters or Filters(),
                **more,
            }
        )

    def regress(self, say: Callable[[str], None] | None = None, **more) -> Regression:
        """Run one."""
        return regress(self.options(**more), say or self.said.append)

    def runs(self, name: str) -> list[str]:
        """Seeds with which a test ran, a line each time; what :func:`note` wrote."""
        path = self.root / "t" / "notes" / name
        return path.read_text(encoding="utf-8").split() if path.exists() else []
