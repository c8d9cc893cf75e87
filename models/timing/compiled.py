"""How the model's functions are compiled: numba, with the machine code cached beside the sources.

Numba looks only at the file of the function that is called, but the loop in ``engine.py`` holds code of all of them: so the cache lies
in a folder named by a hash of the whole package, and of what it takes constants from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numba

_HERE = Path(__file__).parent
_PLACES = (_HERE, _HERE.parent / "hw", _HERE.parent / "isa")
_SOURCES = hashlib.sha256(b"\0".join(path.read_bytes() for place in _PLACES for path in sorted(place.glob("*.py")))).hexdigest()[:16]
numba.config.CACHE_DIR = str(_HERE / "__pycache__" / f"numba-{_SOURCES}")

njit = numba.njit(cache=True, nogil=True)
