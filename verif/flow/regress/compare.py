"""Says what differs between two regressions: verdicts, chip-level figures, covergroups, counts of code coverage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from verif.flow.regress import results
from verif.flow.regress.results import Result
from verif.lib import coverage

_WALL = ("wall_seconds", "speed", "build_seconds", "command")
"""Fields of a run's figures that are of the host, not of the run."""


class CompareError(ValueError):
    """A folder holds no regression; one line."""


def load(folder: Path) -> dict[str, tuple[Result, Path]]:
    """Results with their folders, by the folder's name.

    Raises:
        CompareError: there is none, or one is damaged.
    """
    found = {}
    for path in sorted((folder / "runs").glob("*/")):
        result = results.read(path)
        if result is None:
            raise CompareError(
                f"{path}: no complete result; legal are the folders of finished regressions (build/regress/<name>)"
            )
        found[path.name] = (result, path)
    if not found:
        raise CompareError(
            f"{folder}: no results; legal are the folders of finished regressions (build/regress/<name>)"
        )
    return found


def compare(one: Path, two: Path) -> tuple[int, list[str]]:
    """How many jobs both have, and one line for each difference. Raises CompareError, CoverageError."""
    first, second = load(one), load(two)
    lines = [
        f"{name}: only in {folder}"
        for mine, other, folder in ((first, second, one), (second, first, two))
        for name in sorted(mine.keys() - other.keys())
    ]
    both = sorted(first.keys() & second.keys())
    for name in both:
        lines += [f"{name}: {text}" for text in _job(first[name], second[name])]
    return len(both), lines


def _job(one: tuple[Result, Path], two: tuple[Result, Path]) -> Iterator[str]:
    (first, here), (second, there) = one, two
    if first.status != second.status:
        yield f"{first.status} and {second.status}"
    elif first.message.partition("\n--- ")[0] != second.message.partition("\n--- ")[0]:
        yield f"messages differ: {first.message.splitlines()[0]!r} and {second.message.splitlines()[0]!r}"
    yield from _files("figures", here, there, "runs/**/result.json", _figures)
    yield from _files(
        "covergroups", here, there, "cov/*.json", lambda path: _flat(json.loads(path.read_text(encoding="utf-8")))
    )
    yield from _files("code coverage", here, there, "cov/*.dat", _points)


def _figures(path: Path) -> dict:
    return {
        key: value
        for key, value in _flat(json.loads(path.read_text(encoding="utf-8"))).items()
        if not any(word in key for word in _WALL)
    }


def _points(path: Path) -> dict:
    return {f"{p.file}:{p.line} {p.kind} {p.what}".strip(): count for p, count in coverage.parse(path).items()}


def _flat(data: object, name: str = "") -> dict[str, object]:
    """Leaves of nested data by their path."""
    if isinstance(data, Mapping):
        return {
            key: value for k, v in data.items() for key, value in _flat(v, f"{name}.{k}" if name else str(k)).items()
        }
    return {name: data}


def _files(what: str, here: Path, there: Path, pattern: str, read: Callable[[Path], Mapping]) -> Iterator[str]:
    """Differences between files of the same name; for each file one line, with the first of its values that differ."""
    mine, other = ({str(p.relative_to(folder)): p for p in folder.glob(pattern)} for folder in (here, there))
    for name in sorted(mine.keys() ^ other.keys()):
        yield f"{what}: {name} is missing in one"
    for name in sorted(mine.keys() & other.keys()):
        if mine[name].read_bytes() == other[name].read_bytes():
            continue
        a, b = read(mine[name]), read(other[name])
        differ = [key for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]
        if differ:
            yield (
                f"{what}: {len(differ)} of {len(a)} values differ in {name}, first {differ[0]}: "
                f"{a.get(differ[0])} and {b.get(differ[0])}"
            )
