"""Verdicts of benches and of what they use: checks that also hold under ``python -O``, which removes every ``assert``.

Where a message is dear to make, or can only be made on failure, write ``if ...: raise AssertionError(message)``.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence

_SHOWN = 300  # characters of a value in a message


def _caller() -> str:
    """The source line that called the check, for a message where none was given."""
    return (traceback.extract_stack(limit=3)[0].line or "").strip()


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _difference(seen: object, legal: object) -> str:
    """How two unequal values differ; of long sequences the first item that does."""
    both = isinstance(seen, Sequence) and isinstance(legal, Sequence) and not isinstance(seen, str)
    if both and max(len(seen), len(legal)) > 8:
        at = next((n for n, (a, b) in enumerate(zip(seen, legal, strict=False)) if a != b), min(len(seen), len(legal)))
        item, other = (_short(x[at]) if at < len(x) else "none" for x in (seen, legal))
        return f"{len(seen)} items, expected {len(legal)}; item {at} is {item}, expected {other}"
    return f"{_short(seen)}, expected {_short(legal)}"


def require(condition: object, message: str = "") -> None:
    """Fail unless a condition holds; without a message the line that calls is shown.

    Raises:
        AssertionError: it does not hold.
    """
    __tracebackhide__ = True
    if not condition:
        raise AssertionError(message or f"not so: {_caller()}")


def equal(seen: object, legal: object, what: str = "") -> None:
    """Fail unless two values are equal; without a word for ``what`` the line that calls is shown.

    Raises:
        AssertionError: they differ; the message shows both.
    """
    __tracebackhide__ = True
    if seen != legal:
        raise AssertionError(f"{what or _caller()}: {_difference(seen, legal)}")
