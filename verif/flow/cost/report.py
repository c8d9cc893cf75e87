"""Tables, CSV files and plots of costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from equinox_core.cost import memory
from verif.flow.cost.area import USES
from verif.flow.cost.budgets import Budget
from verif.flow.cost.measure import Cost, Row
from verif.flow.experiments.output import table
from verif.flow.pages import markdown

COLOURS = {
    "arrays": "#1b6ca8",
    "VPU": "#2a9d5c",
    "converter": "#9c6b00",
    "DMA": "#777777",
    "scheduler": "#d95f02",
    "registers": "#a03070",
    "buffers": "#cfd8dc",
    "top": "#000000",
}


def parts(cost: Cost) -> list[str]:
    """The parts of a core, the largest first; one without area is left out."""
    names = {row.part: 0.0 for row in cost.rows}
    for row in cost.rows:
        names[row.part] += row.logic + row.sram
    return sorted((name for name, area in names.items() if area > 100), key=lambda name: -names[name])


def _cells(logic: float, sram: float, cost: Cost) -> list[str]:
    both = cost.logic() + cost.sram()
    return [f"{logic:.4f}", f"{100 * logic / cost.logic():.2f}", f"{sram:.4f}", f"{100 * (logic + sram) / both:.2f}"]


_HEAD = ("cells, mm²", "% of cells", "memories, mm²", "% of all")


def part_table(cost: Cost) -> str:
    """Area by part."""
    rows = []
    for name in [*parts(cost), "core"]:

        def chosen(row: Row, name: str = name) -> bool:
            return name in ("core", row.part)

        rows.append([name, *_cells(cost.logic(chosen), cost.sram(chosen), cost)])
    return markdown(("part", *_HEAD), rows)


def block_table(cost: Cost) -> str:
    """Area by block."""
    rows = []
    for part in parts(cost):
        names = dict.fromkeys(row.block for row in cost.rows if row.part == part)
        for name in sorted(names, key=lambda name: -cost.value(name, "area")):
            found = [row for row in cost.rows if row.block == name]
            rows.append(
                [
                    part,
                    name,
                    *_cells(sum(r.logic for r in found) / 1e6, sum(r.sram for r in found) / 1e6, cost),
                    f"{sum(r.ff for r in found):,}",
                    f"{sum(r.ungated for r in found):,}",
                    f"{sum(r.bits for r in found):,}",
                ]
            )
    return markdown(("part", "block", *_HEAD, "flip-flops", "not gated", "bits of memory"), rows)


def use_table(cost: Cost) -> str:
    """Area by use."""
    rows = []
    for use in USES:

        def chosen(row: Row, use: str = use) -> bool:
            return row.use == use

        rows.append([use, *_cells(cost.logic(chosen), cost.sram(chosen), cost)])
    return markdown(("needed by", *_HEAD), rows)


def memory_table(cost: Cost) -> str:
    """The memories, with area and access time by the model."""
    rows = []
    for block, bits, words, count in cost.memories:
        area = count * memory.area_um2(bits, words) / 1e6
        rows.append([block, f"{words:,} × {bits}", str(count), f"{area:.4f}", f"{memory.access_ns(bits, words):.2f}"])
    return markdown(("block", "words × bits", "how many", "mm²", "access, ns"), rows)


def clock_table(cost: Cost) -> str:
    """Clock by block, the slowest first."""
    rows = [
        [f"{c.mhz:.0f}", f"{c.ns:.3f}", c.block, f"`{c.start}` → `{c.end}`"]
        for c in sorted(cost.clocks, key=lambda c: c.mhz)
    ]
    return markdown(("MHz", "ns", "block in which the path ends", "path"), rows)


def text(cost: Cost, budgets: Sequence[Budget]) -> str:
    """What `make cost` prints of a configuration."""
    title = f"{cost.config}: {cost.macs:,} MACs a cycle, mapped for {'speed' if cost.speed else 'area'}"
    out = [title, "", block_table(cost), "", part_table(cost), "", use_table(cost)]
    if cost.clocks:
        out += ["", clock_table(cost), "", f"clock of the core: {cost.mhz:.0f} MHz", cost.worst.strip("\n")]
    return "\n".join([*out, "", *verdicts(cost, budgets)])


def verdicts(cost: Cost, budgets: Iterable[Budget]) -> list[str]:
    """A line a budget that can be judged: those of clocks need a netlist that was mapped for speed, the others one for
    area.
    """
    lines = []
    for budget in judged(cost, budgets):
        value = cost.value(budget.of, budget.kind)
        lines.append(f"budget {budget}: {value:.4g}{'' if budget.holds(value) else ', BROKEN'}")
    return lines


def judged(cost: Cost, budgets: Iterable[Budget]) -> list[Budget]:
    """The budgets that a cost can be held to."""
    return [budget for budget in budgets if (budget.kind == "mhz") == cost.speed]


def csv_files(cost: Cost, folder: Path) -> list[Path]:
    """areas, memories and clocks of a configuration as CSV; returns the files."""
    stem = f"{Path(cost.config).stem}-{'speed' if cost.speed else 'area'}"
    out = [
        table(
            folder / f"{stem}-blocks.csv",
            [
                {
                    "part": row.part,
                    "block": row.block,
                    "use": row.use,
                    "logic_um2": row.logic,
                    "sram_um2": row.sram,
                    "flip_flops": row.ff,
                    "flip_flops_ungated": row.ungated,
                    "memory_bits": row.bits,
                }
                for row in cost.rows
            ],
        ),
        table(
            folder / f"{stem}-memories.csv",
            [
                {
                    "block": block,
                    "bits": bits,
                    "words": words,
                    "count": count,
                    "area_um2": count * memory.area_um2(bits, words),
                    "access_ns": memory.access_ns(bits, words),
                }
                for block, bits, words, count in cost.memories
            ],
        ),
    ]
    if cost.clocks:
        out.append(
            table(
                folder / f"{stem}-clocks.csv",
                [{"block": c.block, "part": c.part, "ns": c.ns, "start": c.start, "end": c.end} for c in cost.clocks],
            )
        )
    return out


def plot(costs: Sequence[Cost], path: Path) -> list[Path]:
    """Shares of the parts, of cells and of cells with memories, a bar a configuration; PNG and SVG."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 1.6 + 0.6 * len(costs)), sharey=True, layout="constrained")
    names = [name for name in COLOURS if any(name in parts(cost) for cost in costs)]
    labels = [f"{Path(cost.config).stem}\n{cost.macs:,} MACs" for cost in costs]
    for axis, title, amount in (
        (axes[0], "cells", lambda row: row.logic),
        (axes[1], "cells and memories", lambda row: row.logic + row.sram),
    ):
        left = [0.0] * len(costs)
        for name in names:
            shares = [
                100 * sum(amount(r) for r in cost.rows if r.part == name) / sum(map(amount, cost.rows))
                for cost in costs
            ]
            axis.barh(labels, shares, left=left, label=name, color=COLOURS[name], edgecolor="white", linewidth=0.5)
            left = [a + b for a, b in zip(left, shares, strict=True)]
        axis.set(title=f"area of {title}", xlabel="%", xlim=(0, 100))
        axis.invert_yaxis()
    axes[0].invert_yaxis()
    axes[1].legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    out = []
    for suffix in (".png", ".svg"):
        part = path.with_name(f".{path.name}{suffix}")
        figure.savefig(part, format=suffix[1:], dpi=80)
        out.append(part.replace(path.with_suffix(suffix)))
    plt.close(figure)
    return out
