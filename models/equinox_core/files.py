"""Where the files are that come with the models (configurations, traces), and how files are written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_HERE = Path(__file__).resolve().parent

HOME = next(place for place in (_HERE, *_HERE.parents) if (place / "configs" / "default.toml").is_file())
"""The folder that holds ``configs/``: in the installed package, else in the checkout."""


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
