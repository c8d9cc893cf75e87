"""How the model's functions are compiled: numba, with the machine code cached beside the sources."""

from __future__ import annotations

import numba

njit = numba.njit(cache=True, nogil=True)
