"""What need not be covered: ``verif/flow/coverage/exclusions.yaml``, each entry with a category, a reason and an owner.

An entry that is malformed, matches nothing, or matches something that is covered is an error, with file and line:
exclusions can only shrink by themselves, never hide what has become reachable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from verif.flow.coverage.items import KINDS, Item

CATEGORIES = {
    "unreachable": "cannot happen in any legal or illegal use",
    "tool": "the simulator counts what is not in the source, or counts it wrongly",
    "configuration": "exists only in sizes that the default tests do not build",
    "deferred": "could be reached, is not yet",
}
_KEYS = {"item", "category", "reason", "owner"}
_ITEM_KEYS = {"functional": ("kind", "group", "point", "bin"), "toggle": ("kind", "module", "port", "bit")}
_CODE_KEYS = ("kind", "file", "source", "what")


class ExclusionError(ValueError):
    """The file is wrong; the message has file and line."""


@dataclass(frozen=True)
class Exclusion:
    """One entry: patterns (``*`` stands for anything) of what it leaves out, and why."""

    kind: str
    where: str
    at: str
    what: str
    category: str
    reason: str
    owner: str
    place: str  # file:line

    def matches(self, item: Item) -> bool:
        """Whether an item is left out."""
        return item.kind == self.kind and all(
            _like(pattern, text)
            for pattern, text in ((self.where, item.where), (self.at, item.at), (self.what, item.what))
        )


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.S) is not None


def load(path: Path, shown: str | None = None) -> list[Exclusion]:
    """Read the file; ``shown`` is its name in messages.

    Raises:
        ExclusionError: at the first entry that is wrong.
    """
    name = shown or str(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExclusionError(f"{name}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise ExclusionError(f"{name}:1: not YAML: {' '.join(str(error).split())}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise ExclusionError(f"{name}:{mark.line + 1 if mark else 1}: not YAML: {error.problem}") from None
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise ExclusionError(f"{name}:{node.start_mark.line + 1}: expected a list of entries")
    return [_entry(entry, name) for entry in node.value]


def _fields(node: yaml.Node, where: str, legal: Iterable[str]) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise ExclusionError(f"{where}: expected a mapping with {', '.join(legal)}")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in legal:
            raise ExclusionError(f"{where}: unknown key {key.value!r}, legal are {', '.join(legal)}")
        if key.value in found:
            raise ExclusionError(f"{where}: key {key.value!r} stands twice")
        found[key.value] = value
    return found


def _text(node: yaml.Node, where: str, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise ExclusionError(f"{where}: {key!r} must be a text that is not empty")
    return str(node.value).strip()


def _entry(node: yaml.Node, name: str) -> Exclusion:
    where = f"{name}:{node.start_mark.line + 1}"
    found = _fields(node, where, sorted(_KEYS))
    missing = sorted(_KEYS - found.keys())
    if missing:
        raise ExclusionError(f"{where}: lacks {', '.join(missing)}")
    texts = {key: _text(found[key], where, key) for key in ("category", "reason", "owner")}
    if texts["category"] not in CATEGORIES:
        raise ExclusionError(f"{where}: unknown category {texts['category']!r}, legal are {', '.join(CATEGORIES)}")
    keys = (
        {key.value: value for key, value in found["item"].value} if isinstance(found["item"], yaml.MappingNode) else {}
    )
    kind = _text(keys["kind"], where, "kind") if "kind" in keys else ""
    if kind not in KINDS:
        raise ExclusionError(f"{where}: item's kind {kind!r} is none of {', '.join(KINDS)}")
    legal = _ITEM_KEYS.get(kind, _CODE_KEYS if kind != "line" else _CODE_KEYS[:3])
    parts = {key: _text(value, where, key) for key, value in _fields(found["item"], where, legal).items()}
    lacking = [key for key in legal if key not in parts]
    if lacking:
        raise ExclusionError(f"{where}: item of kind {kind} lacks {', '.join(lacking)}")
    _, first, second, *third = (parts[key] for key in legal)
    return Exclusion(kind, first, second, third[0] if third else "", **texts, place=where)


@dataclass
class Sorted:
    """Items of one kind, parted."""

    counted: list[Item]
    excluded: list[Item]
    problems: list[str]  # exclusions that are stale


def apply(items: Sequence[Item], exclusions: Iterable[Exclusion], kind: str) -> Sorted:
    """Leave out what exclusions of a kind name; what they name that is covered, or is not there, is a problem, and
    covered items count.
    """
    mine = [e for e in exclusions if e.kind == kind]
    out: set[Item] = set()
    problems = []
    for exclusion in mine:
        matched = [item for item in items if exclusion.matches(item)]
        covered = [item for item in matched if item.hits]
        if not matched:
            problems.append(f"{exclusion.place}: stale exclusion: it matches nothing")
        elif covered:
            more = f" and {len(covered) - 1} more" if len(covered) > 1 else ""
            problems.append(f"{exclusion.place}: stale exclusion: {covered[0].shown} is covered{more}")
        out |= {item for item in matched if not item.hits}
    return Sorted([item for item in items if item not in out], [item for item in items if item in out], problems)
