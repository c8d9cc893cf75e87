"""Verification environment of Equinox: benches, agents and their build and run support."""

from pathlib import Path

import equinox_core

_ROOT = Path(__file__).resolve().parents[1]
_MODELS = Path(equinox_core.__file__).resolve().parent
if _ROOT not in _MODELS.parents:  # two checkouts in one process: what is proved would not be what is read
    raise SystemExit(f"error: models come from {_MODELS}, verif from {_ROOT}: run `make venv` in the one that is meant")
