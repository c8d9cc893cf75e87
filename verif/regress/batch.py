"""Runs a batch of jobs in one pytest process and waits for it: what local threads and workers of a cluster do.

Needs the standard library only, and is sent to the workers of a cluster as it is: they must see the checkout and its
.venv under the same path, nothing else.
"""
from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading

_GRACE = 60  # seconds a process may take beyond the limits of its jobs: start, collection, end
_WORDS = 4000
_live: set[subprocess.Popen] = set()
_lock = threading.Lock()


def run_batch(batch: dict) -> dict:
    """Run jobs; their results are in their folders afterwards.

    Args:
        batch: ``python`` (interpreter), ``root`` (checkout), ``jobs`` (list of plain data, see process.py), ``env`` (more
            environment variables), ``limit`` (seconds for all of them).

    Returns:
        ``{"code": exit code, None at the time limit, "host": where it ran, "words": the end of what the process said}``
    """
    drop = ("PYTEST_", "COCOTB", "PYGPI_", "GPI_", "EQX_OUT", "EQX_COVERAGE_DIR")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop) and k not in ("SEED", "WAVES", "COVERAGE")}
    env.update(batch["env"])
    command = [batch["python"], "-m", "verif.regress.process"]
    with tempfile.TemporaryFile() as words:  # no pipe: a process whose worker was killed can go on to its end
        process = subprocess.Popen(command, cwd=batch["root"], env=env, stdin=subprocess.PIPE, stdout=words, stderr=words, start_new_session=True)
        with _lock:
            _live.add(process)
        try:
            process.communicate(json.dumps(batch).encode(), timeout=batch["limit"] + _GRACE)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _kill(process)
            process.wait()
            with _lock:
                _live.discard(process)
        words.seek(max(0, words.seek(0, os.SEEK_END) - _WORDS))
        return {"code": code, "host": socket.gethostname(), "words": words.read().decode(errors="replace")}


def _kill(process: subprocess.Popen) -> None:
    """End the process and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_all() -> None:
    """End all batches that this process waits for."""
    with _lock:
        for process in _live:
            _kill(process)
