"""pytest: with COVERAGE=1 the process records which lines of models/ and verif/ it executes, for the verification plan."""
from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

_recording = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start before the tests' modules are imported, so that their imports count."""
    from verif.lib.build import env_flag
    from verif.lib.toolchain import BUILD

    if env_flag("COVERAGE") and not config.option.collectonly:
        from verif.plan import pycov

        _recording.enter_context(pycov.recording(Path(os.environ.get("EQX_COVERAGE_DIR") or BUILD / "cov")))


def pytest_unconfigure() -> None:
    """Write what was recorded."""
    _recording.close()
