"""Finds a piece of code by its tokens, so that layout does not matter: blanks, line breaks, a comma before a closing
bracket.

A planted fault names the code that it changes. Where a formatter breaks that line anew, the fault still finds its
place.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\w+|[^\w\s]")
_CLOSING = ")]}"


def pattern(code: str) -> re.Pattern[str]:
    """A regular expression that finds the tokens of ``code`` one after another, whatever white space is between them.

    Raises:
        ValueError: there are no tokens.
    """
    tokens = _TOKEN.findall(code)
    if not tokens:
        raise ValueError("no code to look for")
    parts = [re.escape(tokens[0])]
    for before, token in zip(tokens, tokens[1:], strict=False):
        words = before[-1].isalnum() or before[-1] == "_"
        gap = r"\s+" if words and (token[0].isalnum() or token[0] == "_") else r"\s*"
        comma = r"(?:,\s*)?" if token in _CLOSING and before != "," else ""
        parts.append(gap + comma + re.escape(token))
    start = r"(?<!\w)" if tokens[0][0].isalnum() or tokens[0][0] == "_" else ""
    end = r"(?!\w)" if tokens[-1][-1].isalnum() or tokens[-1][-1] == "_" else ""
    return re.compile(start + "".join(parts) + end)


def count(text: str, code: str) -> int:
    """How often the code stands in the text."""
    return sum(1 for _ in pattern(code).finditer(text))


def replaced(text: str, code: str, by: str) -> str:
    """The text with the one place where the code stands changed; white space that both begin with is kept out.

    Raises:
        ValueError: the code does not stand there exactly once.
    """
    places = list(pattern(code).finditer(text))
    if len(places) != 1:
        raise ValueError(f"{' '.join(code.split())!r} stands there {len(places)} times; legal is once")
    lead = code[: len(code) - len(code.lstrip())]
    tail = code[len(code.rstrip()) :]
    by = by.removeprefix(lead)
    by = by.removesuffix(tail) if tail else by
    return text[: places[0].start()] + by + text[places[0].end() :]
