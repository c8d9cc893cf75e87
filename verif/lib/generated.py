"""Files that scripts generate: written where they differ, or with ``--check`` named when they are out of date."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from equinox_core.cli import Parser
from verif.lib.keep import write_whole
from verif.lib.toolchain import ROOT


def parser(description: str | None) -> Parser:
    """A command line with ``--check``."""
    made = Parser(description=description, allow_abbrev=False)
    made.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    return made


def update(files: Mapping[Path, str], script: str, *, check: bool) -> int:
    """Write those that differ from what they should hold, or (``check``) name them on stderr; returns the exit code."""
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            print(f"{os.path.relpath(path, ROOT)} is out of date: run scripts/{Path(script).name}", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, files[path])
    return int(check and bool(stale))
