#!/usr/bin/env python3
"""Makes the paths of the installed checkout relative to its .venv, so that both can be moved together.

`pip install -e .` leaves a file of paths in .venv that names the checkout absolutely. Python takes paths relative to
that file, too. Where .venv is a link, they lead to the checkout that the link stands in. Runs in `make venv`: uses the
standard library only.
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
    places = file.read_text(encoding="utf-8").split("\n")
    relative = [os.path.relpath(file.parent / place, file.parent) for place in places if place]
    file.write_text("".join(f"{place}\n" for place in relative), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
