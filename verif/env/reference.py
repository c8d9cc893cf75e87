"""The reference beside the simulation: a process of its own computes expected results ahead, this side reads them.

The worker appends fixed-size records to files (one file a service: the response to each distinct payload; one file a
DRAM region: its contents after each training step), so a record is there as soon as the file is long enough.
The worker trains at most AHEAD steps beyond the last one read here, and ends with this process: each step read sends it
a byte, and it ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from verif.lib import process
from verif.lib.packages import python_path
from verif.lib.toolchain import ROOT

AHEAD = 40
WAIT = 600.0  # seconds that the bench waits for a record before it gives up


class RecordFile:
    """Fixed-size records in a file that another process appends to."""

    def __init__(self, path: Path, size: int, alive) -> None:
        self.path, self.size, self.alive = path, size, alive
        self.file = None

    def get(self, index: int) -> bytes:
        """Record ``index``; waits until the worker has written it.

        Raises:
            RuntimeError: the worker died or takes too long.
        """
        end = (index + 1) * self.size
        start = time.monotonic()
        while not self.path.exists() or self.path.stat().st_size < end:
            self.alive()
            if time.monotonic() - start > WAIT:
                raise RuntimeError(f"reference: no record {index} in {self.path.name} after {WAIT:.0f} s")
            time.sleep(0.002)
        if self.file is None:
            self.file = self.path.open("rb")
        self.file.seek(index * self.size)
        return self.file.read(self.size)


class Reference:
    """Starts the worker for a run folder (which holds ``scenario.json``) and serves its results.

    ``responses(service, index)`` is uint16 [tx_lines, L]; ``training(step, region)`` the region's bytes after that
    step.
    """

    def __init__(self, run_dir: Path, tx_shapes: dict[str, tuple[int, int]], regions: dict[str, int]) -> None:
        self.log = (run_dir / "reference.log").open("w+", encoding="utf-8")
        python = Path(sys.prefix) / "bin" / "python"
        self.process = process.start(
            [str(python), "-m", "verif.env.reference_worker", str(run_dir)],
            cwd=ROOT,
            stdin=process.PIPE,
            stdout=self.log,
            stderr=self.log,
            env={k: v for k, v in os.environ.items() if not k.startswith(("COCOTB", "PYGPI", "LD_"))}
            | {"PYTHONPATH": python_path(), "PYTHONUTF8": "1"},
        )
        self.shapes, self.steps_read = tx_shapes, 0
        self.services = {
            n: RecordFile(run_dir / f"ref_{n}.bin", 2 * s[0] * s[1], self._alive) for n, s in tx_shapes.items()
        }
        self.regions = {n: RecordFile(run_dir / f"ref_train_{n}.bin", size, self._alive) for n, size in regions.items()}

    def _alive(self) -> None:
        if self.process.poll() not in (None, 0):
            self.log.seek(0)
            raise RuntimeError(f"reference worker failed: {self.log.read().strip().splitlines()[-1:]}")

    def responses(self, service: str, index: int) -> np.ndarray:
        return np.frombuffer(self.services[service].get(index), "<u2").reshape(self.shapes[service])

    def training(self, step: int, region: str) -> bytes:
        if step > self.steps_read:
            self.process.stdin.write(b"." * (step - self.steps_read))
            self.process.stdin.flush()
            self.steps_read = step
        return self.regions[region].get(step - 1)

    def close(self) -> None:
        self.process.end()
        self.process.stdin.close()
        self.log.close()
        for record in (*self.services.values(), *self.regions.values()):
            if record.file:
                record.file.close()
            record.path.unlink(missing_ok=True)
