"""Plots of a run, each as the text of an SVG image."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from equinox_core.report.schema import CAUSES, LATENCY_CAUSES, PERCENTILES, RunResult, percentile, percentile_name

WIDTH = 10.4
"""Inches; the page shows 96 pixels of each."""
SERVICE_COLOURS = ("#2563a8", "#d97a1d", "#3f8f5b", "#8a4fa3", "#b33a4a", "#56707f", "#a08a2c", "#3ba3a8")
TRAINING = "#3f8f5b"
LIMIT = "#c0392b"
CAUSE_COLOURS = {
    "inference": "#2563a8",
    "training": "#3f8f5b",
    "policy": "#b07cc6",
    "internal": "#e0912f",
    "dependency": "#f0c987",
    "fetch": "#c9705f",
    "idle": "#e3e7ea",
}
LATENCY_COLOURS = {
    "receive": "#c9705f",
    "fill": "#f0c987",
    "context": "#e0912f",
    "dispatch": "#a08a2c",
    "compute": "#2563a8",
    "dram": "#8a4fa3",
    "training": "#3f8f5b",
    "inference": "#8fb4d9",
    "anomaly": "#24303a",
    "response": "#56707f",
}
RASTER_ABOVE = 4000
"""More points than this are drawn as pixels, so that the page stays small."""
_STYLE = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "text.color": "#24303a",
    "axes.edgecolor": "#9aa5ad",
    "axes.labelcolor": "#24303a",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6eaed",
    "grid.linewidth": 0.8,
    "xtick.color": "#55626b",
    "ytick.color": "#55626b",
    "legend.frameon": False,
    "svg.hashsalt": "equinox",
}


def _thousands(value: float, _: int) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def _colour(index: int) -> str:
    return SERVICE_COLOURS[index % len(SERVICE_COLOURS)]


def _draw(height: float, rows: int, columns: int, fill: Callable[..., None], **grid: Any) -> str:
    """SVG of a figure of `rows`×`columns` axes that `fill` draws on."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), dpi=110, layout="constrained")
        fill(figure, figure.subplots(rows, columns, squeeze=False, **grid))
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _cycles_axis(axes: Axes, axis: str = "x") -> None:
    getattr(axes, f"{axis}axis").set_major_formatter(FuncFormatter(_thousands))


def _span(result: RunResult) -> tuple[float, np.ndarray]:
    """Width and edges of the windows in which things are counted over time."""
    last = [s.arrival[i] + s.latency[i] for s in result.services for i in (range(len(s.arrival)))]
    steps = result.training.step_cycles if result.training else []
    end = max([result.cycles, 1, *last, *steps])
    edges = np.linspace(0, end, 81)
    return float(edges[1]), edges


def distribution(result: RunResult) -> str:
    """Histogram, and share of requests that are slower (logarithmic: the tail shows)."""

    def fill(figure: Figure, grid: np.ndarray) -> None:
        bars, tail = grid[0]
        services = [(i, s) for i, s in enumerate(result.services) if s.latency]
        top = max(max(s.latency) for _, s in services)
        edges = np.linspace(0, top * 1.02 + 1, 61)
        bars.hist(
            [s.latency for _, s in services],
            bins=edges,
            stacked=True,
            color=[_colour(i) for i, _ in services],
            label=[s.name for _, s in services],
        )
        for i, s in services:
            ordered = np.sort(s.latency)
            slower = 1.0 - np.arange(1, ordered.size + 1) / ordered.size
            tail.step(
                np.concatenate(([0], ordered)),
                np.concatenate(([1.0], slower)),
                where="post",
                color=_colour(i),
                label=s.name,
            )
            for p in PERCENTILES:
                if ordered.size * (1 - p / 100) >= 1:
                    tail.plot(percentile(s.latency, p), 1 - p / 100, "o", color=_colour(i), markersize=4)
            if s.limit is not None and s.limited is not None:
                style = {"color": LIMIT if len(services) == 1 else _colour(i), "linestyle": "--", "linewidth": 1.2}
                bars.axvline(s.limit, **style)
                tail.axvline(s.limit, **style, label=f"limit of {s.name} ({percentile_name(s.limit_percentile)})")
        tail.set_yscale("log")
        floor = 0.5 / max(len(s.latency) for _, s in services)
        tail.set_ylim(floor, 1.3)
        ticks = [1.0, 0.5, 0.1, 0.05, 0.01, 0.001, 0.0001]
        tail.set_yticks(
            [t for t in ticks if t > floor], [f"{t:.3g}" if t < 0.5 else f"{t:g}" for t in ticks if t > floor]
        )
        tail.minorticks_off()
        bars.set(title="Requests by latency", xlabel="latency, cycles", ylabel="requests")
        tail.set(title="Share of requests slower than", xlabel="latency, cycles")
        for axes in (bars, tail):
            axes.set_xlim(left=0)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
            _cycles_axis(axes)
        _cycles_axis(bars, "y")
        bars.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        figure.legend(*tail.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)

    return _draw(3.7, 1, 2, fill)


def over_time(result: RunResult) -> str:
    """Latency, arrivals and training steps along the run."""
    steps = result.training.step_cycles if result.training else []
    width, edges = _span(result)
    heights = [2.4, 1.0, 1.0] if steps else [2.4, 1.0]

    def fill(_: Figure, grid: np.ndarray) -> None:
        latency, arrivals = grid[0][0], grid[1][0]
        points = len(result.latencies)
        for i, s in enumerate(result.services):
            if s.latency:
                latency.plot(
                    s.arrival,
                    s.latency,
                    "o",
                    color=_colour(i),
                    markersize=2.4 if points > 600 else 3.6,
                    alpha=0.7,
                    label=s.name,
                    rasterized=points > RASTER_ABOVE,
                    markeredgewidth=0,
                )
            if s.limit is not None:
                single = len(result.services) == 1
                latency.axhline(
                    s.limit,
                    color=LIMIT if single else _colour(i),
                    linestyle="--",
                    linewidth=1.2,
                    label=f"limit of {s.name}",
                )
        latency.set(title="Latency of each request, by its arrival", ylabel="cycles")
        latency.set_ylim(bottom=0, top=latency.get_ylim()[1] * 1.05)
        latency.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=4, fontsize=9, markerscale=2)
        _cycles_axis(latency, "y")
        arrivals.hist(
            [s.arrival for s in result.services],
            bins=edges,
            stacked=True,
            color=[_colour(i) for i in range(len(result.services))],
        )
        arrivals.set(title=f"Arrivals in each {width:,.0f} cycles")
        if steps:
            train = grid[2][0]
            train.hist(steps, bins=edges, color=TRAINING)
            train.set(title=f"Training steps completed in each {width:,.0f} cycles")
            train.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        arrivals.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        grid[-1][0].set(xlabel="cycle", xlim=(0, edges[-1]))
        _cycles_axis(grid[-1][0])

    return _draw(6.4 if steps else 5.0, len(heights), 1, fill, sharex=True, height_ratios=heights)


def latency_causes(result: RunResult) -> str:
    """Mean latency by cause, around the median and for the slowest, of each service; a negative cause lies over those
    before it.
    """
    bars = [
        (f"{s.name}\n{name}", s.mean_causes(places)) for s in result.services if s.causes for name, places in s.groups
    ]
    longest = max(sum(means.values()) for _, means in bars)

    def fill(figure: Figure, grid: np.ndarray) -> None:
        axes = grid[0][0]
        left = np.zeros(len(bars))
        for cause in LATENCY_CAUSES:
            cycles = np.array([means[cause] for _, means in bars])
            axes.barh(
                range(len(bars)),
                cycles,
                left=left,
                color=LATENCY_COLOURS[cause],
                label=cause,
                height=0.62,
                edgecolor="white",
                linewidth=0.6,
            )
            dark = cause not in ("fill", "inference", "context")
            for row, width in enumerate(cycles):
                if width >= 0.045 * longest:
                    axes.text(
                        left[row] + width / 2,
                        row,
                        f"{width:,.0f}",
                        ha="center",
                        va="center",
                        fontsize=8.5,
                        color="white" if dark else "#24303a",
                    )
            left += cycles
        for row, total in enumerate(left):
            axes.text(total + 0.008 * longest, row, f"{total:,.0f}", va="center", fontsize=9, fontweight="bold")
        axes.set_yticks(range(len(bars)), [name for name, _ in bars])
        axes.invert_yaxis()
        axes.set(xlim=(0, max(1.0, 1.08 * longest)), title="Mean latency by cause", xlabel="cycles")
        axes.grid(axis="y", visible=False)
        _cycles_axis(axes)
        figure.legend(
            loc="outside lower center", ncols=len(LATENCY_CAUSES), fontsize=9, columnspacing=1.2, handlelength=1.2
        )

    return _draw(1.5 + 0.52 * len(bars), 1, 1, fill)


def batch_fill(result: RunResult) -> str:
    """How many batches had how many rows."""

    def fill(_: Figure, grid: np.ndarray) -> None:
        axes = grid[0][0]
        most = max(max([s.batch_limit, *s.batch_rows]) for s in result.services)
        x = np.arange(1, most + 1)
        width = 0.8 / len(result.services)
        for i, s in enumerate(result.services):
            counts = np.bincount(np.asarray(s.batch_rows, dtype=np.int64), minlength=most + 1)[1:]
            place = x + (i - (len(result.services) - 1) / 2) * width
            bars = axes.bar(place, counts, width * 0.92, color=_colour(i), label=s.name)
            if len(result.services) * most <= 24:
                axes.bar_label(
                    bars, labels=[f"{c:,}" if c else "" for c in counts], fontsize=8, color="#55626b", padding=1
                )
        axes.set(title="Batches by valid rows", xlabel="rows", ylabel="batches")
        axes.set_xlim(0.4, most + 0.6)
        axes.margins(y=0.12)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.grid(axis="x", visible=False)
        _cycles_axis(axes, "y")
        if len(result.services) > 1:
            axes.legend(fontsize=9)

    return _draw(2.9, 1, 1, fill)


def loss(result: RunResult) -> str:
    """Loss by step, core and reference."""
    t = result.training
    if t is None:
        raise ValueError("a run without training has no loss to plot")

    def fill(_: Figure, grid: np.ndarray) -> None:
        axes = grid[0][0]
        few = "o" if len(t.loss_steps) <= 60 else None
        axes.plot(
            t.loss_steps, t.loss_reference, color="#f0b35b", linewidth=5, solid_capstyle="round", label="reference"
        )
        axes.plot(t.loss_steps, t.loss_core, color=TRAINING, linewidth=1.5, marker=few, markersize=3.5, label="core")
        axes.set(title="Training loss", xlabel="training step", ylabel="loss")
        finite = [v for v in (*t.loss_core, *t.loss_reference) if np.isfinite(v)]
        if finite and min(finite) >= 0:
            axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right", fontsize=9)

    return _draw(3.0, 1, 1, fill)


def unit_bars(result: RunResult) -> str:
    """All cycles of every unit by cause."""

    def fill(figure: Figure, grid: np.ndarray) -> None:
        axes = grid[0][0]
        names = [u.name for u in result.units]
        left = np.zeros(len(names))
        for cause in CAUSES:
            shares = np.array([u.share(cause) for u in result.units])
            axes.barh(
                names,
                shares,
                left=left,
                color=CAUSE_COLOURS[cause],
                label=cause,
                height=0.62,
                edgecolor="white",
                linewidth=0.6,
            )
            dark = cause in ("inference", "training", "fetch", "internal", "policy")
            for row, share in enumerate(shares):
                if share >= 0.035:
                    axes.text(
                        left[row] + share / 2,
                        row,
                        f"{share:.0%}" if share >= 0.1 else f"{share:.1%}",
                        ha="center",
                        va="center",
                        fontsize=8.5,
                        color="white" if dark else "#24303a",
                    )
            left += shares
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), title="What every unit did, share of all cycles")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside lower center", ncols=len(CAUSES), fontsize=9)

    return _draw(1.3 + 0.42 * len(result.units), 1, 1, fill)
