#!/usr/bin/env python3
"""`make test`: run the tests, results in build/test-results.xml; `make cov`: with coverage, from an empty build/cov,
held to its gates.

Arguments are pytest's. With --gates, or --no-gates where only some tests run, coverage is collected and reported.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()

from verif.lib import lock
from verif.lib.toolchain import ROOT

RESULTS, COVERAGE = ROOT / "build" / "test-results.xml", ROOT / "build" / "cov"
REPORT = {"--gates": [], "--no-gates": ["--no-gates"]}


def main(argv: list[str]) -> int:
    """Entry point; returns pytest's exit code, or else that of the coverage report."""
    chosen = [word for word in argv if word in REPORT]
    words = [word for word in argv if word not in REPORT]
    if "-k" in words:  # whoever chooses tests gets those of the tools, too
        words += ["-m", "not nightly and not soak"]
    env = {**os.environ, **({"COVERAGE": "1"} if chosen else {})}
    try:
        with contextlib.ExitStack() as stack:
            for place in (RESULTS, *([COVERAGE] if chosen else [])):
                stack.enter_context(lock.hold(place))
            env[lock.HELD] = os.environ[lock.HELD]
            if chosen:
                shutil.rmtree(COVERAGE, ignore_errors=True)
            code = process.run(
                [sys.executable, "-m", "pytest", f"--junitxml={RESULTS}", *words], cwd=ROOT, env=env
            ).returncode
            if chosen:
                report = process.run(
                    [sys.executable, str(ROOT / "scripts" / "cov.py"), *REPORT[chosen[0]]], env=env
                ).returncode
                return report or code
            return code
    except lock.Busy as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
