"""Runs Yosys commands in an interpreter of their own: a design that Yosys refuses ends the process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from verif.lib import process
from verif.lib.toolchain import ROOT

_RUN = """
import importlib, sys
from pyosys import libyosys as ys
design = ys.Design()
for step in sys.stdin.read().splitlines():
    if step.startswith("python "):
        _, place, *words = step.split(" ")
        module, function = place.split(":")
        getattr(importlib.import_module(module), function)(design, *words)
    else:
        ys.run_pass(step, design)
"""


def run(steps: Sequence[str], timeout: float | None = None) -> tuple[bool, str]:
    """Run commands one after the other, from the project's root; returns whether all succeeded, and what Yosys said.

    A step ``python package.module:function word ...`` calls the function with the design and the words.

    Raises:
        process.TimeoutExpired: it took longer than ``timeout`` seconds.
    """
    command = [sys.executable, "-c", _RUN]
    done = process.run(
        command,
        input="\n".join(steps),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
        timeout=timeout,
    )
    return done.returncode == 0, done.stdout + done.stderr
