"""How the model's functions are compiled: numba, with the machine code kept beside the sources, or where that cannot be written in the user's cache.

Numba looks only at the file of the function that is called, but the loop in ``engine.py`` holds code of all of them: so the cache lies
in a folder named by a hash of the whole package.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numba

_HERE = Path(__file__).parent
_SOURCES = hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))).hexdigest()[:16]


def _folder() -> Path | None:
    """The first place that can be written; None: there is none, and every process compiles anew."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    for place in (_HERE / "__pycache__", user / "equinox-core"):
        folder = place / f"numba-{_SOURCES}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None


CACHE = _folder()
"""Where the machine code is kept."""
if CACHE:
    numba.config.CACHE_DIR = str(CACHE)

njit = numba.njit(cache=CACHE is not None, nogil=True)


def is_compiled() -> bool:
    """Whether the model's loop has been compiled here before."""
    return CACHE is not None and any(CACHE.glob("*/engine.run-*.nbc"))
