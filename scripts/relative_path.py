#!/usr/bin/env python3
"""Makes the paths of the installed checkout relative to its .venv, so that both can be moved, or shared by link, together.

`pip install -e .` leaves a file of paths in .venv that names the checkout absolutely. Python takes paths relative to that file, too.
Runs in `make venv`: uses the standard library only.
"""

import os
import sys
import sysconfig
from pathlib import Path

NAME = "_equinox_core.pth"


def main() -> int:
    """Entry point; returns the exit code."""
    file = Path(sysconfig.get_path("purelib"), NAME)
    if not file.is_file():
        print(f"error: {file}: missing; `pip install -e .` should have written it", file=sys.stderr)
        return 1
    lines = [os.path.relpath(file.parent / line, file.parent) for line in file.read_text(encoding="utf-8").splitlines() if line]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
