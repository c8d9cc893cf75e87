"""Coverage of a regression: the folders of its jobs merged, and what each further seed added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from verif.flow.coverage.items import CODE
from verif.lib import coverage
from verif.lib.coverage import CoverageError, Report


def _files(folders: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Data files and covergroup files of folders, each file once."""
    data: dict[Path, Path] = {}
    texts: dict[Path, Path] = {}
    for folder in folders:
        data.update((path.resolve(), path) for path in sorted(folder.glob("*.dat")))
        texts.update((path.resolve(), path) for path in sorted(folder.glob("*.json")))
    return list(data.values()), list(texts.values())


def merge_folders(folders: Iterable[Path], root: Path) -> Report:
    """Merge all coverage data of some folders; sources lie below ``root``.

    A file that several folders name counts once.

    Raises:
        CoverageError: a file is damaged, or there is no data.
    """
    folders = list(folders)
    data, texts = _files(folders)
    if not data:
        raise CoverageError(f"no coverage data in {len(folders)} folders: run with COVERAGE=1")
    return coverage.collect_files(data, texts, root)


@dataclass(frozen=True)
class Reached:
    """Coverage after all jobs of the seeds up to ``seed``: how many of the things that the whole regression knows were
    hit.
    """

    seed: int
    code: coverage.Tally  # lines, branches, expressions
    functional: coverage.Tally


def seed_curve(jobs: Sequence[tuple[int, Path]], root: Path, below: str = "rtl") -> list[Reached]:
    """Coverage against seeds: ``jobs`` are (index of the seed, folder with coverage data).

    Raises:
        CoverageError: a file is damaged.
    """
    base = (root / below).resolve()
    code, functional = _Growth(), _Growth()
    curve = []
    for seed in sorted({seed for seed, _ in jobs}):
        data, texts = _files(folder for n, folder in jobs if n == seed)
        for path in data:
            points = coverage.parse(path)
            code.add((p, n) for p, n in points.items() if p.kind in CODE and (root / p.file).is_relative_to(base))
            functional.add(_bins(coverage.property_groups(points, root)))
        for path in texts:
            functional.add(_bins(coverage.read_groups(path)))
        curve.append((seed, len(code.hit), len(functional.hit)))
    return [
        Reached(seed, coverage.Tally(a, len(code.known)), coverage.Tally(b, len(functional.known)))
        for seed, a, b in curve
    ]


def _bins(groups: coverage.Groups) -> Iterable[tuple[tuple[str, str, str], int]]:
    return (
        ((group, point, name), hits)
        for group, points in groups.items()
        for point, bins in points.items()
        for name, hits in bins.items()
    )


class _Growth:
    """What is known and what was hit so far."""

    def __init__(self) -> None:
        self.known: set[object] = set()
        self.hit: set[object] = set()

    def add(self, counts: Iterable[tuple[object, int]]) -> None:
        for thing, hits in counts:
            self.known.add(thing)
            if hits:
                self.hit.add(thing)


def badge(percent: float | None, ok: bool, label: str = "coverage") -> str:
    """A badge in the endpoint format of shields.io, as JSON."""
    message = "no data" if percent is None else f"{percent:.1f} %"
    colour = "lightgrey" if percent is None else "brightgreen" if ok else "red"
    return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": colour}, indent=1) + "\n"


def badges(rows: Iterable[tuple[str, float | None, bool]]) -> dict[str, str]:
    """Badges by file name, one a kind: ``coverage-<kind>.json``."""
    return {f"coverage-{kind}.json": badge(percent, ok, f"{kind} coverage") for kind, percent, ok in rows}
