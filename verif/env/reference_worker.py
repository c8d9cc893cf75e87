"""Computes expected results beside the simulation; see ``verif/env/reference.py``. Usage: reference_worker RUN_DIR"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from equinox_core.deploy.deployment import Deployment
from verif.env.reference import AHEAD


def infer(run_dir: Path, deployment: Deployment) -> None:
    """The response to every payload, in order, batch by batch through the functional core."""
    core = deployment.image.core()
    for name in dict.fromkeys((*deployment.scenario.services, *deployment.payloads)):
        with (run_dir / f"ref_{name}.bin").open("wb") as out:
            data = deployment.payloads[name]
            for first in range(0, len(data), deployment.cfg.N):
                rows = deployment.image.run_inference(
                    core, deployment.index[name], data[first : first + deployment.cfg.N]
                )
                out.write(np.ascontiguousarray(rows, "<u2").tobytes())
                out.flush()


def train(run_dir: Path, deployment: Deployment) -> None:
    """The DRAM regions after every step, until standard input ends."""
    core, setting = deployment.image.core(), deployment.image.training
    files = {r: (run_dir / f"ref_train_{r}.bin").open("wb") for r in deployment.region_sizes}

    def keep(step: int) -> None:
        for region, out in files.items():
            out.write(b"".join(core.mem.DRAM[a : a + n].tobytes() for a, n in deployment.ranges(region, step)))
            out.flush()
        if step >= AHEAD and not sys.stdin.buffer.read(1):
            sys.exit(0)

    core.run_training(deployment.job.program, setting.iters, setting.iter_mod, setting.bases, on_step=keep)


def main() -> int:
    run_dir = Path(sys.argv[1])
    deployment = Deployment.load(run_dir)
    infer(run_dir, deployment)
    if deployment.job is not None:
        train(run_dir, deployment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
