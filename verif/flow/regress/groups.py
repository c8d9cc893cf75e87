"""Failures put into groups of one cause: by their message without what differs from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from verif.flow.regress.results import Result

WORDS = 240
"""Characters of a message that count."""
_BEFORE_LOG = re.compile(r"\n--- (end of|reproduce).*", re.S)
_PREFIX = re.compile(
    r"^(?:[\w.]*(?:Failure|Exception|Error): |assert |FAILED \(seed \d+\) |(?:\w+\.)*\w+_test(?:/[\w=.,'\"]+)*: "
    r"|(?:\w+\.)+\w+(?:/[\w=.,'\"]+)*: )+"
)
_STRIP = (
    (re.compile(r"(?:/[\w.@+=\[\]-]+){2,}"), "<path>"),
    (re.compile(r"\b0[xX][0-9a-fA-F_]+\b|\b\d*'[hbd][0-9a-fA-FxXzZ_]+"), "<n>"),
    (re.compile(r"(?<![\w.])[-+]?\d[\d_,]*(?:\.\d+)?(?:[eE][-+]?\d+)?"), "<n>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b"), "<n>"),
    (re.compile(r"\d+"), "<n>"),
    (re.compile(r"(?:<n>[\s,;:x/]*){2,}"), "<n> "),
    (re.compile(r"\s+"), " "),
)


def normalise(message: str) -> str:
    """A message without numbers, paths, seeds, and without the log that follows it; its first line that says something.

    >>> normalise("FAILED (seed 7) equinox_replay_test: response 12: seen 0x1f, expected 31")
    'response <n>: seen <n>, expected <n>'
    """
    text = _BEFORE_LOG.sub("", message).strip()
    line = next((line for line in text.splitlines() if _PREFIX.sub("", line.strip()).strip()), "")
    line = _PREFIX.sub("", line.strip())
    if line.endswith(":"):  # a heading: what it is about follows
        line = " ".join([line, *(words.strip() for words in text.partition(line)[2].splitlines()[1:2])])
    for pattern, instead in _STRIP:
        line = pattern.sub(instead, line)
    return line.strip()[:WORDS] or "no message"


@dataclass
class Group:
    """Failures with the same normalised message, in the order of their jobs.

    ``waves``: what running the first one again left.
    """

    message: str
    results: list[Result] = field(default_factory=list)
    waves: list[Path] = field(default_factory=list)
    again: Result | None = None

    @property
    def first(self) -> Result:
        """The failure that stands for the group."""
        return self.results[0]


def group(results: Iterable[Result]) -> list[Group]:
    """The groups of what is not ok, the largest first."""
    found: dict[str, Group] = {}
    for result in results:
        if not result.ok:
            message = normalise(result.message)
            found.setdefault(message, Group(message)).results.append(result)
    return sorted(found.values(), key=lambda g: -len(g.results))
