"""Runs a batch of jobs in a process of its own and waits for it: what threads of this machine and workers of a
cluster do.

Needs the standard library only, and is sent to the workers of a cluster as it is: they must see the checkout and its
.venv under the same path, nothing else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

GRACE = 60  # seconds a process may take beyond the limits of its jobs: start, end
_WORDS = 4000
_LOOK = 1.0  # seconds between two looks at whether it is still wanted
_NOT_FOR_JOBS = ("SEED", "WAVES", "COVERAGE")
_DROP = ("PYTEST_", "COCOTB", "PYGPI_", "GPI_", "EQX_OUT", "EQX_COVERAGE_DIR")


def run_batch(batch: dict, wanted: Callable[[], bool] = lambda: True) -> dict:
    """Run jobs; their records are in their folders afterwards.

    Args:
        batch: ``python`` (interpreter), ``tools`` (checkout with the engine), ``path`` (PYTHONPATH of the
            checkout that carries the jobs out), ``root`` (folder in which it does), ``env`` (more environment
            variables), ``limit`` (seconds for all of them), and what worker.py reads.
        wanted: asked from time to time; once it says no the process is ended.

    Returns:
        ``{"code": exit code, None at the time limit, "host": where it ran, "words": the end of what it said}``
    """
    process = _process(batch["tools"])
    env = {k: v for k, v in os.environ.items() if not k.startswith(_DROP) and k not in _NOT_FOR_JOBS}
    env |= {"PYTHONPATH": batch["path"], **batch["env"]}
    command = [batch["python"], "-m", "verif.flow.campaign.worker"]
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as words:
        told.write(json.dumps(batch).encode())
        told.seek(0)
        started = process.start(
            command, timeout=batch["limit"] + GRACE, cwd=batch["root"], env=env, stdin=told, stdout=words, stderr=words
        )
        code: int | None = None
        try:
            while code is None and wanted():
                with contextlib.suppress(process.TimeoutExpired):
                    code = started.wait(_LOOK)
        finally:
            started.end()
        process.go_on()
        words.seek(max(0, words.seek(0, os.SEEK_END) - _WORDS))
        code = None if code == -signal.SIGALRM else code
        return {"code": code, "host": socket.gethostname(), "words": words.read().decode(errors="replace")}


def run_on_cluster(batch: dict) -> dict:
    """The same as a task of Dask: the process ends when nobody wants the task any more, as whoever asked has ended."""
    import distributed

    worker = distributed.get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return run_batch(batch, wanted)


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
