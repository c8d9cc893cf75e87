"""Verification environment of Equinox: benches, agents and their build and run support."""

from pathlib import Path

import models

_ROOT = Path(__file__).resolve().parents[1]
if _ROOT not in Path(models.__file__).resolve().parents:  # two checkouts in one process: what is proved is not what is read
    raise SystemExit(f"error: models come from {Path(models.__file__).parent}, verif from {_ROOT}: run `make venv` in the checkout that is meant")
