"""pytest: with COVERAGE=1 the process records which lines of models/ and verif/ it executes, for the verification plan.

A SEED that is none, a choice that fits no test, or results that another pytest is writing, are refused in one line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import verif  # noqa: F401 - says first what is wrong with this Python

_recording = ExitStack()

TOOLS = (
    "verif/flow/",
    "verif/lib/",
    "verif/random/tests/test_shrink.py",
    "verif/tests/test_calls.py",
    "verif/tests/test_chip.py::test_command_",
    "verif/tests/test_chip.py::test_nothing_compared_fails",
    "verif/tests/test_chip.py::test_one_cycle_is_seen",
    "verif/tests/test_cli.py",
    "verif/tests/test_runs.py",
)
"""Where tests are that check the tools around the core, and not the core: they get the mark ``tools``."""
CORE = ("verif/flow/random/",)
"""Places among these whose tests check the core: random programs."""
COMPILES = "models/tests/test_command.py::test_replay"
"""A test that compiles the timing model if nobody has yet."""


@pytest.hookimpl(tryfirst=True, wrapper=True)  # around the choice by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests of :data:`TOOLS`; put those that are chosen into an order in which two processes have work to the
    end.
    """
    for item in items:
        if item.nodeid.startswith(TOOLS) and not item.nodeid.startswith(CORE):
            item.add_marker("tools")
    yield
    items[:] = in_turn(items)


def in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests with those that build simulators first, in both halves of the list.

    xdist gives each process a part of the list and lets whoever is done take from the others: so the short tests of the
    models come last. Only the one that compiles the timing model is the very first: the other half begins with building
    the core, and finds the model compiled when it needs it.
    """
    parts: dict[str, list[pytest.Item]] = {"compiles": [], "blocks": [], "core": [], "models": []}
    for item in items:
        file = item.nodeid.partition("::")[0]
        core, models = file.startswith("verif/tests/"), file.startswith("models/")
        first = item.nodeid == COMPILES
        parts["compiles" if first else "core" if core else "models" if models else "blocks"].append(item)
    ahead = parts["compiles"] + parts["blocks"]
    between = max(0, len(items) // 2 - len(ahead))
    return ahead + parts["models"][:between] + parts["core"] + parts["models"][between:]


def pytest_configure(config: pytest.Config) -> None:
    """Start before the tests' modules are imported, so that their imports count."""
    from verif.lib import lock, process
    from verif.lib.build import env_flag
    from verif.lib.toolchain import BUILD

    try:
        waves, counting = env_flag("WAVES"), env_flag("COVERAGE")  # noqa: F841 - refused before anything runs
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    coverage = Path(os.environ.get("EQX_COVERAGE_DIR") or BUILD / "cov") if counting else None
    if hasattr(config, "workerinput"):
        process.die_with_parent()
    elif not config.option.collectonly:
        try:
            for place in filter(None, (config.option.xmlpath and Path(config.option.xmlpath), coverage)):
                _recording.enter_context(lock.hold(place))
        except lock.Busy as error:
            raise pytest.UsageError(str(error)) from None
    if coverage and not config.option.collectonly:
        from verif.flow.plan import pycov

        _recording.enter_context(pycov.recording(coverage))

    from verif.lib.sim import default_seed

    try:
        default_seed()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_terminal_summary(terminalreporter, exitstatus: int, config: pytest.Config) -> None:
    """Say what could have been chosen where nothing was."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.option.keyword:
        blocks = ", ".join(
            sorted(p.name for p in (config.rootpath / "verif" / "block").iterdir() if any(p.glob("test_*.py")))
        )
        what = (
            f"error: no test matches {config.option.keyword!r}: legal are words of a test's name (TEST=, BLOCK=), "
            f"and the blocks {blocks}"
        )
        terminalreporter.write_line(what, red=True)


def pytest_unconfigure() -> None:
    """Write what was recorded."""
    _recording.close()
