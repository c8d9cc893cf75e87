"""Reads the list of tiers, strictly: what is wrong is named with file and line.

A file is a mapping of tiers; a tier has ``tests``, a list of entries, each of which chooses runs and says how often
they run:

>>> smoke:
...   minutes: 10                  # what it is meant to take on two cores
...   gates: true                  # its coverage is held to the gates, where nothing is filtered
...   marks: []                    # marked runs it takes too: tools, nightly, soak
...   tests:
...     - match: dma::*            # tests by id; a pattern or a list
...       blocks: [dma]            # and tests of these blocks
...       except: ["*_large"]      # but not these
...       configs: [tiny]          # of runs that are of a configuration only these
...       variants: [tiny-fair]    # only runs whose variant (what pytest puts in brackets) one of these patterns fits
...       seeds: 2                 # seeds a run, or fixed: the seed has no influence, and such runs may share a process
...       limit: 900               # seconds a run may take
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from verif.flow.collect import CONFIGS, Run, Test

FILE = Path(__file__).with_name("tiers.yaml")
MARKS = ("tools", "nightly", "soak")
LIMIT = 900
MOST_SEEDS, MOST_SECONDS, MOST_MINUTES = 10_000, 86_400, 100_000


class TierError(ValueError):
    """The list of tiers is wrong, or does not fit the tests; one line that begins with file and line."""


@dataclass(frozen=True)
class Entry:
    """Some tests of a tier, and how they run. ``seeds`` None: fixed."""

    where: str
    match: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    seeds: int | None = 1
    limit: int = LIMIT


@dataclass(frozen=True)
class Tier:
    """A tier; ``minutes`` is what it is meant to take, 0 where nothing is."""

    name: str
    where: str
    tests: tuple[Entry, ...]
    minutes: int = 0
    marks: tuple[str, ...] = ()
    gates: bool = False


def load(path: Path = FILE) -> dict[str, Tier]:
    """The tiers of a file.

    Raises:
        TierError: not readable, not YAML, an unknown key, a missing or illegal value.
    """
    name = path.name
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise TierError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TierError(f"{name}:{line}: not YAML ({error.problem})") from None
    except yaml.YAMLError as error:
        raise TierError(f"{name}: not YAML ({' '.join(str(error).split())})") from None
    if node is None:
        raise TierError(f"{name}:1: empty; legal is a mapping of tiers")
    tiers = {key: _tier(name, key, value) for key, value in _items(name, node, "the file")}
    if not tiers:
        raise TierError(f"{_at(name, node)}: no tier; legal is a mapping of tiers")
    return tiers


def _at(file: str, node: yaml.Node) -> str:
    return f"{file}:{node.start_mark.line + 1}"


def _items(file: str, node: yaml.Node, what: str) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise TierError(f"{_at(file, node)}: {what}: legal is a mapping")
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise TierError(f"{_at(file, key)}: {what}: a key that is no word")
        if key.value in seen:
            raise TierError(f"{_at(file, key)}: {key.value} is there twice")
        seen.add(key.value)
        yield key.value, value


def _fields(file: str, node: yaml.Node, what: str, legal: Sequence[str]) -> dict[str, yaml.Node]:
    found = {}
    for key, value in _items(file, node, what):
        if key not in legal:
            raise TierError(f"{_at(file, value)}: {what}: unknown key {key}; legal: {', '.join(legal)}")
        found[key] = value
    return found


def _whole(file: str, node: yaml.Node, name: str, most: int, also: str = "") -> int:
    legal = f"legal is a whole number, 1..{most}{also}"
    if not (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:int"):
        raise TierError(
            f"{_at(file, node)}: {name} = {node.value if isinstance(node, yaml.ScalarNode) else '(a list)'}: {legal}"
        )
    value = yaml.safe_load(node.value)
    if not 1 <= value <= most:
        raise TierError(f"{_at(file, node)}: {name} = {value}: {legal}")
    return value


def _words(file: str, node: yaml.Node, name: str, legal: Sequence[str] = (), *, empty: bool = False) -> tuple[str, ...]:
    items = [node] if isinstance(node, yaml.ScalarNode) else node.value
    if (
        isinstance(node, yaml.MappingNode)
        or not all(isinstance(i, yaml.ScalarNode) and i.value for i in items)
        or not (items or empty)
    ):
        raise TierError(f"{_at(file, node)}: {name}: legal is a word or a list of words")
    for item in items:
        if legal and item.value not in legal:
            raise TierError(f"{_at(file, item)}: {name}: {item.value}: legal: {', '.join(legal)}")
    return tuple(item.value for item in items)


def _tier(file: str, name: str, node: yaml.Node) -> Tier:
    keys = _fields(file, node, name, ("minutes", "gates", "marks", "tests"))
    if "tests" not in keys:
        raise TierError(f"{_at(file, node)}: {name}: tests is missing; legal is a list of entries")
    entries = keys["tests"]
    if not isinstance(entries, yaml.SequenceNode) or not entries.value:
        raise TierError(f"{_at(file, entries)}: {name}: tests: legal is a list of entries")
    minutes = _whole(file, keys["minutes"], "minutes", MOST_MINUTES) if "minutes" in keys else 0
    marks = _words(file, keys["marks"], "marks", MARKS, empty=True) if "marks" in keys else ()
    gates = _words(file, keys["gates"], "gates", ("true", "false")) == ("true",) if "gates" in keys else False
    return Tier(name, _at(file, node), tuple(_entry(file, item, name) for item in entries.value), minutes, marks, gates)


def _entry(file: str, node: yaml.Node, tier: str) -> Entry:
    keys = _fields(
        file, node, f"{tier}: an entry of tests", ("match", "blocks", "except", "configs", "variants", "seeds", "limit")
    )
    if not {"match", "blocks"} & keys.keys():
        raise TierError(f"{_at(file, node)}: {tier}: an entry needs match or blocks")
    values: dict = {name: _words(file, keys[name], name) for name in ("match", "blocks", "variants") if name in keys}
    if "except" in keys:
        values["but"] = _words(file, keys["except"], "except")
    if "configs" in keys:
        values["configs"] = _words(file, keys["configs"], "configs", CONFIGS)
    if "seeds" in keys:
        fixed = isinstance(keys["seeds"], yaml.ScalarNode) and keys["seeds"].value == "fixed"
        values["seeds"] = None if fixed else _whole(file, keys["seeds"], "seeds", MOST_SEEDS, ", or fixed")
    if "limit" in keys:
        values["limit"] = _whole(file, keys["limit"], "limit", MOST_SECONDS)
    return Entry(_at(file, node), **values)


def choose(tier: Tier, tests: Sequence[Test]) -> list[tuple[Test, Run, Entry]]:
    """The runs of a tier, each with the first entry that takes it, in the order of the tests.

    Raises:
        TierError: a pattern, block, configuration or variant fits nothing, or an entry takes nothing that an earlier
            one leaves.
    """
    taken: dict[str, tuple[Test, Run, Entry]] = {}
    for entry in tier.tests:
        before = len(taken)
        matched = _matched(entry, tests)
        for test in matched:
            for run in test.cases:
                if run.marks & set(MARKS) - set(tier.marks) or not _fits(entry, run):
                    continue
                taken.setdefault(run.node, (test, run, entry))
        runs = [run for test in matched for run in test.cases]
        for config in entry.configs:
            if not any(run.config == config for run in runs):
                raise TierError(f"{entry.where}: configs: no run of these tests is of {config}")
        for pattern in entry.variants:
            if not any(fnmatch.fnmatchcase(run.variant, pattern) for run in runs):
                raise TierError(f"{entry.where}: variants: {pattern} fits no run of these tests")
        if len(taken) == before:
            raise TierError(
                f"{entry.where}: takes no run: its marks and configurations, or earlier entries, leave it none"
            )
    order = {run.node: n for n, run in enumerate(run for test in tests for run in test.cases)}
    return sorted(taken.values(), key=lambda item: order[item[1].node])


def _matched(entry: Entry, tests: Sequence[Test]) -> list[Test]:
    for pattern in entry.match:
        if not any(fnmatch.fnmatchcase(test.id, pattern) for test in tests):
            raise TierError(f"{entry.where}: match: {pattern} fits no test")
    for block in entry.blocks:
        if not any(test.block == block for test in tests):
            raise TierError(
                f"{entry.where}: blocks: no test is of {block}; legal: "
                f"{', '.join(sorted({test.block for test in tests}))}"
            )
    found = [test for test in tests if test.block in entry.blocks or _any(test.id, entry.match)]
    for pattern in entry.but:
        if not any(fnmatch.fnmatchcase(test.id, pattern) for test in found):
            raise TierError(f"{entry.where}: except: {pattern} fits no test of the entry")
    return [test for test in found if not _any(test.id, entry.but)]


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _fits(entry: Entry, run: Run) -> bool:
    if entry.configs and run.config is not None and run.config not in entry.configs:
        return False
    return not entry.variants or _any(run.variant, entry.variants)
