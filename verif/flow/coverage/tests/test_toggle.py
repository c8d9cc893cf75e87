"""The toggle job as a whole: every run of it passes, and the gate is met."""

from __future__ import annotations

import sys

import pytest

from verif.lib import process
from verif.lib.toolchain import ROOT


@pytest.mark.soak
def test_the_whole_job_meets_its_gate() -> None:
    done = process.run(
        [sys.executable, "scripts/cov.py", "--toggle"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=7200
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "toggle" in done.stdout
