"""pytest: with COVERAGE=1 the process records which lines of models/ and verif/ it executes, for the verification plan.

A SEED that is none, or a choice that fits no test, is refused in one line.
"""
from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

import verif  # noqa: F401 - says first what is wrong with this Python

_recording = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start before the tests' modules are imported, so that their imports count."""
    from verif.lib.build import env_flag
    from verif.lib.toolchain import BUILD

    try:
        waves, coverage = env_flag("WAVES"), env_flag("COVERAGE")  # noqa: F841 - refused before anything runs
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if coverage and not config.option.collectonly:
        from verif.plan import pycov

        _recording.enter_context(pycov.recording(Path(os.environ.get("EQX_COVERAGE_DIR") or BUILD / "cov")))

    from verif.lib.sim import default_seed

    try:
        default_seed()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_terminal_summary(terminalreporter, exitstatus: int, config: pytest.Config) -> None:
    """Say what could have been chosen where nothing was."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.option.keyword:
        blocks = ", ".join(sorted(p.name for p in (config.rootpath / "verif" / "block").iterdir() if any(p.glob("test_*.py"))))
        what = f"error: no test matches {config.option.keyword!r}: legal are words of a test's name (TEST=, BLOCK=), and the blocks {blocks}"
        terminalreporter.write_line(what, red=True)


def pytest_unconfigure() -> None:
    """Write what was recorded."""
    _recording.close()
