"""Tables and plots: CSV files written whole, PNG and SVG beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from verif.lib.keep import write_whole

COLOURS = {
    "inference_only": "#777777",
    "fair": "#d95f02",
    "priority": "#1b6ca8",
    "adaptive": "#e6ab02",
    "slack": "#2a9d5c",
    "software": "#a03070",
    "adaptive, by threshold": "#e6ab02",
    "adaptive, by timeout": "#9c6b00",
}


def show(value: object) -> str:
    """A cell: numbers to five digits, nothing for None."""
    if value is None:
        return ""
    return (
        f"{value:.5g}"
        if isinstance(value, float) and abs(value) < 1000
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV; all have the first one's columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([show(v) for v in row.values()] for row in rows)
    write_whole(path, text.getvalue())
    return path


class Figure:
    """A row of plots; ``save`` writes PNG and SVG."""

    def __init__(self, titles: Sequence[str], xlabel: str, ylabels: Sequence[str]) -> None:
        self.figure, axes = plt.subplots(
            1, len(titles), figsize=(5.2 * len(titles), 3.8), squeeze=False, layout="constrained"
        )
        self.axes = axes[0]
        for axis, title, ylabel in zip(self.axes, titles, ylabels, strict=True):
            axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
            axis.grid(alpha=0.3)

    def line(self, where: int, name: str, xs: Sequence[float], ys: Sequence[float | None], **style: object) -> None:
        """A line through the points that have a value."""
        kept = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
        style = {"marker": "o", "markersize": 3, "linewidth": 1.3, "color": COLOURS.get(name), **style}
        self.axes[where].plot([x for x, _ in kept], [y for _, y in kept], label=name, **style)

    def save(self, path: Path) -> list[Path]:
        """``path`` without suffix."""
        for axis in self.axes:
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7)
        out = []
        for suffix in (".png", ".svg"):
            part = path.with_name(f".{path.name}{suffix}")
            self.figure.savefig(part, format=suffix[1:], dpi=80)
            out.append(part.replace(path.with_suffix(suffix)))
        plt.close(self.figure)
        return out
