"""Lines and scripts that run a job again, by itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from verif.flow.regress.jobs import Job

SCRIPT = "repro.sh"


def line(job: Job, env: Mapping[str, str]) -> str:
    """The command that repeats the job, from the project's root."""
    settings = {
        **({"SEED": str(job.seed)} if job.seed else {}),
        **{k: v for k, v in env.items() if k in ("COVERAGE", "WAVES")},
    }
    words = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    return " ".join([*words, ".venv/bin/python -m pytest -m ''", shlex.quote(job.node)])


def write_script(folder: Path, job: Job, root: str, env: Mapping[str, str]) -> None:
    """Write ``repro.sh`` into the job's folder. It finds the checkout where that is moved together with its results."""
    home = shlex.quote(root)
    if folder.is_relative_to(root):
        home = f'"$(dirname "$0")/{os.path.relpath(root, folder)}"'
    script = folder / SCRIPT
    script.write_text(
        f"#!/bin/sh\n# Runs {job.run} with seed {job.seed or 1} again; arguments go to pytest.\ncd {home} || exit 1\n"
        f'{line(job, env)} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
