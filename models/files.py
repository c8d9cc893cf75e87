"""Files that come with the models, configurations and traces: in the installed package, else in the checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent

HOME = next(place for place in (_HERE, *_HERE.parents) if (place / "configs" / "default.toml").is_file())
"""The folder that holds ``configs/``."""
