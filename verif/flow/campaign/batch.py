"""Runs a batch of jobs in a process of its own and waits for it: what threads of this machine and workers of a
cluster do.

Needs the standard library only, and is sent to the workers of a cluster as it is: they must see the checkout and its
.venv under the same path, nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from types import ModuleType

GRACE = 60  # seconds a process may take beyond the limits of its jobs: start, end
_WORDS = 4000
_DROP = ("PYTEST_", "COCOTB", "PYGPI_", "GPI_", "EQX_OUT", "EQX_COVERAGE_DIR")


def run_batch(batch: dict) -> dict:
    """Run jobs; their records are in their folders afterwards.

    Args:
        batch: ``python`` (interpreter), ``tools`` (checkout with the engine), ``home`` (checkout whose verif/ carries
        the jobs out), ``root``
            (folder in which it does), ``env`` (more environment variables), ``limit`` (seconds for all of them), and
            what worker.py reads.

    Returns:
        ``{"code": exit code, None at the time limit, "host": where it ran, "words": the end of what the process said}``
    """
    process = _process(batch["tools"])
    env = {k: v for k, v in os.environ.items() if not k.startswith(_DROP) and k not in ("SEED", "WAVES", "COVERAGE")}
    env |= {"PYTHONPATH": batch["home"], **batch["env"]}
    command = [batch["python"], "-m", "verif.flow.campaign.worker"]
    with tempfile.TemporaryFile() as words:
        try:
            code: int | None = process.run(command, input=json.dumps(batch).encode(), timeout=batch["limit"] + GRACE,
                                           cwd=batch["root"], env=env, stdout=words, stderr=words).returncode  # fmt: skip
        except process.TimeoutExpired:
            code = None
        words.seek(max(0, words.seek(0, os.SEEK_END) - _WORDS))
        return {"code": code, "host": socket.gethostname(), "words": words.read().decode(errors="replace")}


def _process(tools: str) -> ModuleType:
    """The module verif/lib/process.py, which a worker of a cluster cannot import by its name."""
    name = "verif.lib.process"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(tools, *name.split(".")).with_suffix(".py"))
        if spec is None or spec.loader is None:
            raise ImportError(f"{tools}: no {name}")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
