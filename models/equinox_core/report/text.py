"""Summary of a run for the terminal."""

from __future__ import annotations

from equinox_core.report import rows as figures
from equinox_core.report.rows import Table
from equinox_core.report.schema import RunResult

_LISTED = 10


def _table(table: Table) -> list[str]:
    heads, body = table
    widths = [max(len(row[i]) for row in [heads, *body]) for i in range(len(heads))]
    lines = []
    for row in [heads, *body]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _pairs(pairs: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in pairs)
    return [f"  {name.ljust(width)}  {value}" for name, value in pairs]


def summary(result: RunResult) -> str:
    """Lines for a terminal, the verdict last."""
    out: list[str] = []

    def section(title: str, lines: list[str]) -> None:
        out.extend(["", title, *lines])

    section("Scenario", _pairs([(name, str(value)) for name, value in result.scenario.items()] or [("-", "-")]))
    if result.services:
        section("Latency in cycles, arrival to last beat of the response", _table(figures.latency_table(result)))
        if any(s.causes for s in result.services):
            section("Where latency comes from", _table(figures.cause_table(result)))
        section("Requests and batches", _table(figures.request_table(result)))
    if result.training:
        section("Training", _pairs(figures.training_rows(result)))
    if result.units:
        section("Cycles of each unit", _table(figures.unit_table(result)))
    if result.checks:
        section("Compared", _table(figures.check_table(result)))
    section("Run", _pairs(figures.run_rows(result)))
    if result.notes:
        section("Notes", [f"  {note}" for note in result.notes])
    problems = result.problems
    if problems:
        more = [f"  ... and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
        section("Problems", [f"  {line}" for line in problems[:_LISTED]] + more)
    out.extend(["", figures.verdict(result)])
    return "\n".join(out[1:])
