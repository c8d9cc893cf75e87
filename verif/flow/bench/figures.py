"""A figure with its goal, and the table of all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured quantity.

    ``goal`` None: for information. ``at_most``: the goal is an upper limit. ``unit``: "%" (measured is a share, 0..1),
    "x" or "s". ``why`` says in a few words what it consists of or where the rest went; ``detail`` holds the raw
    numbers. ``measured`` None: the measurement failed, and ``why`` says how.
    """

    name: str
    measured: float | None
    goal: float | None = None
    unit: str = "%"
    at_most: bool = False
    why: str = ""
    detail: dict = field(default_factory=dict, compare=False)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.measured is None:
            return False
        if self.goal is None:
            return None
        return self.measured <= self.goal if self.at_most else self.measured >= self.goal

    def show(self, value: float) -> str:
        """A value in the figure's unit."""
        return {"%": f"{100 * value:.1f} %", "x": f"{value:.3f}", "s": f"{value:.0f} s"}[self.unit]

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """Cells of the table: figure, goal, measured, met, remark."""
        goal = "" if self.goal is None else f"{'≤' if self.at_most else '≥'} {self.show(self.goal)}"
        measured = "failed" if self.measured is None else self.show(self.measured)
        return self.name, goal, measured, {None: "", True: "yes", False: "NO"}[self.met], self.why


def failed(name: str, why: str) -> Figure:
    """The figure of a measurement that failed, with the first line of what it said."""
    return Figure(name, None, why=next(iter(why.splitlines()), "no reason given").replace("|", "/"))


HEAD = ("figure", "goal", "measured", "met", "remark")


def table(figures: Sequence[Figure]) -> str:
    """Markdown table, columns aligned."""
    rows = [HEAD, *(f.row for f in figures)]
    widths = [max(len(r[n]) for r in rows) for n in range(len(HEAD))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) + " |" for r in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def verdict(figures: Sequence[Figure]) -> str:
    """One line: what falls short, or that nothing does."""
    failed = [f.name for f in figures if f.measured is None]
    short = [
        f"{f.name} ({f.show(f.measured)}, goal {f.row[1]})"
        for f in figures
        if f.met is False and f.measured is not None
    ]
    words = [f"{len(failed)} failed: {'; '.join(failed)}"] if failed else []
    words += [f"{len(short)} fall short: {'; '.join(short)}"] if short else []
    return "; ".join(words) or f"all {sum(f.met is True for f in figures)} goals are met"


def write(folder: Path, figures: Sequence[Figure], setting: dict) -> None:
    """Write ``figures.json`` and ``figures.md``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"setting": setting, "figures": [{**asdict(f), "met": f.met} for f in figures]}
    notes = ", ".join(f"{k} {v}" for k, v in setting.items())
    for name, text in (
        ("figures.json", json.dumps(data, indent=1)),
        ("figures.md", f"{table(figures)}\n\n{verdict(figures)} ({notes})"),
    ):
        part = folder / f".{name}.{os.getpid()}"
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, folder / name)
