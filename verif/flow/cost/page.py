"""docs/cost.md: its tables, made from costs of the checked-in configurations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from verif.flow.cost import report
from verif.flow.cost.budgets import Budget
from verif.flow.cost.measure import Cost
from verif.flow.pages import filled, markdown
from verif.lib.keep import write_whole
from verif.lib.toolchain import ROOT

PAGE = ROOT / "docs" / "cost.md"
FIGURE = "cost_parts"
CONFIGS = ("tiny", "default", "large")
DETAILED = "default"
"""The configuration of which the page has blocks, memories and clocks; if it is not there, the first."""


def tables(costs: Sequence[Cost], budgets: dict[str, list[Budget]]) -> dict[str, str]:
    """All tables of the page, by name; ``costs``: configurations mapped for area, and one at least for speed."""
    area = [cost for cost in costs if not cost.speed]
    speed = {cost.config: cost for cost in costs if cost.speed}
    detailed = next((cost for cost in area if cost.config == DETAILED), area[0])

    def _fast(cost: Cost, show: Callable[[Cost], str]) -> str:
        """Of the same configuration mapped for speed, where that was measured."""
        return show(speed[cost.config]) if cost.config in speed else "not measured"

    rows: list[tuple[str, Callable[[Cost], str]]] = [
        ("MACs a cycle", lambda c: f"{c.macs:,}"),
        ("cells, mm²", lambda c: f"{c.logic():.3f}"),
        ("memories, mm²", lambda c: f"{c.sram():.2f}"),
        ("clock, MHz", lambda c: _fast(c, lambda fast: f"{fast.mhz:.0f}")),
        ("cells when mapped for that clock, mm²", lambda c: _fast(c, lambda fast: f"{fast.logic():.3f}")),
        ("arrays, % of cells", lambda c: f"{c.value('arrays', 'share'):.1f}"),
        ("scheduler, % of cells", lambda c: f"{c.value('scheduler', 'share'):.2f}"),
        (
            "scheduler, % of cells and memories, without its instruction memory",
            lambda c: f"{100 * c.value('scheduler', 'logic') / (c.logic() + c.sram()):.2f}",
        ),
        ("needed by training alone, % of cells", lambda c: f"{100 * _of(c, 'training') / c.logic():.1f}"),
        ("flow, s, for area / for speed", lambda c: f"{c.seconds:.0f} / {_fast(c, lambda f: f'{f.seconds:.0f}')}"),
    ]
    clocked = speed.get(detailed.config) or next(iter(speed.values()))
    return {
        "cost_overview": markdown(
            ("", *(f"`{cost.config}`" for cost in area)), [[name, *(show(c) for c in area)] for name, show in rows]
        ),
        "cost_parts": report.part_table(detailed),
        "cost_blocks": report.block_table(detailed),
        "cost_uses": report.use_table(detailed),
        "cost_memories": report.memory_table(detailed),
        "cost_clocks": f"`{clocked.config}`:\n\n{report.clock_table(clocked)}",
        "cost_budgets": markdown(
            ("configuration", "budget", "measured"),
            [
                [f"`{cost.config}`", str(budget), f"{cost.value(budget.of, budget.kind):.4g}"]
                for cost in costs
                for budget in report.judged(cost, budgets[cost.config])
            ],
        ),
    }


def _of(cost: Cost, use: str) -> float:
    return cost.logic(lambda row: row.use == use)


def update(costs: Sequence[Cost], budgets: dict[str, list[Budget]], folder: Path, page: Path = PAGE) -> list[Path]:
    """Bring the page and its figure up to date; returns the files written."""
    write_whole(page, filled(page.read_text(encoding="utf-8"), tables(costs, budgets), str(page)))
    target = page.parent / "figures" / f"{FIGURE}.png"
    part = target.with_name(f".{target.name}")
    shutil.copy(folder / f"{FIGURE}.png", part)
    return [page, part.replace(target)]
