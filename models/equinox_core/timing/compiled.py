"""How the model's functions are compiled: numba, with the machine code cached beside the sources, or where there is
room.

Numba looks only at the file of the function that is called, but the loop in ``engine.py`` holds code of all of them: so
the cache lies in a folder named by a hash of the whole package, and of what it takes constants from.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_HERE = Path(__file__).parent
_PLACES = (_HERE, _HERE.parent / "hw", _HERE.parent / "isa")
_SOURCES = hashlib.sha256(
    b"\0".join(path.read_bytes() for place in _PLACES for path in sorted(place.glob("*.py")))
).hexdigest()[:16]


def _place() -> Path | None:
    """A folder that can be written: the environment's NUMBA_CACHE_DIR, else beside the sources, else below the user's
    cache.
    """
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for parent in (Path(given) if given else None, _HERE / "__pycache__", Path(caches) / "equinox"):
        if parent is None:
            continue
        folder = parent / f"numba-{_SOURCES}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


_PLACE = _place()
if _PLACE is None:  # it works, but each process compiles for itself
    print(
        "[model] no folder for compiled code can be written, each process takes a minute more: set NUMBA_CACHE_DIR",
        file=sys.stderr,
    )
else:
    numba.config.CACHE_DIR = str(_PLACE)  # type: ignore[attr-defined]  # numba makes this module's names when it runs

F = TypeVar("F", bound=Callable[..., object])
_njit = numba.njit(cache=_PLACE is not None, nogil=True)


def njit(function: F) -> F:
    """The function, compiled when it is called; to whoever calls it, it has the same type.

    Once for all callers: numba would compile it for every constant that one of them passes, its callees likewise.
    """
    compiled: Any = _njit(function)
    template = compiled.get_call_template
    unliteral: Any = numba.types.unliteral

    def of_types(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template(tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()})

    compiled.get_call_template = of_types
    return cast(F, compiled)


def is_cold() -> bool:
    """Whether the model's loop has yet to be compiled, to be kept from then on."""
    return _PLACE is not None and not any(_PLACE.glob("*/engine.run-*.nbc"))
