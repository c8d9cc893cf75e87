"""How the model's functions are compiled: numba, with the machine code cached beside the sources.

Numba looks only at the file of the function that is called, but the loop in ``engine.py`` holds code of all of them: so the cache lies
in a folder named by a hash of the whole package.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numba

_HERE = Path(__file__).parent
_SOURCES = hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))).hexdigest()[:16]
numba.config.CACHE_DIR = str(_HERE / "__pycache__" / f"numba-{_SOURCES}")

njit = numba.njit(cache=True, nogil=True)
