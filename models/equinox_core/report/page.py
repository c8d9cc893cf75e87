"""The HTML page of a run: one file that needs no other."""

from __future__ import annotations

from html import escape
from pathlib import Path

from equinox_core.files import write_whole
from equinox_core.report import html, plots
from equinox_core.report import rows as figures
from equinox_core.report.rows import Table
from equinox_core.report.schema import (
    CAUSES,
    KINDS,
    LATENCY_CAUSES,
    MAX_LISTED,
    PERCENTILES,
    RunResult,
    percentile,
    percentile_name,
)

_TITLES = {**LATENCY_CAUSES, **CAUSES}


def _table(table: Table) -> str:
    return html.table(table, _TITLES)


def _tiles(result: RunResult) -> str:
    tiles: list[tuple[str, str]] = []
    latency = result.latencies
    if latency:
        tiles.append((figures.number(len(latency)), "requests answered"))
        tiles.append((figures.number(percentile(latency, 99.0)), "p99 latency, cycles"))
    if result.training:
        tiles.append((figures.number(result.training.steps), "training steps"))
    for unit in result.units[:1]:
        share = unit.share("inference") + unit.share("training")
        tiles.append((f"{share:.0%}", f"of cycles the {unit.name} works"))
    tiles.append((figures.number(result.cycles), f"cycles {KINDS[result.kind]}"))
    tiles.append((figures.number(round(result.speed)), f"{KINDS[result.kind]} cycles a second"))
    return html.tiles(tiles)


def _problems(result: RunResult) -> str:
    problems = result.problems
    if not problems:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in problems[:MAX_LISTED])
    more = f'<p class="small">and {len(problems) - MAX_LISTED} more</p>' if len(problems) > MAX_LISTED else ""
    return html.section("Problems", f'<ol class="problems">{items}</ol>{more}')


def render(result: RunResult) -> str:
    """The page's text."""
    parts = [_problems(result)]
    scenario = [(name, str(value)) for name, value in result.scenario.items()]
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in result.notes)
    parts.append(
        html.section("Scenario", html.pairs([*scenario, *figures.run_rows(result)], code="repeat with"), notes)
    )
    if result.services:
        names = ", ".join(percentile_name(p) for p in PERCENTILES)
        about = (
            '<p class="small">Cycles from arrival to the last beat of the response; '
            f"{names} are values that occurred (nearest rank).</p>"
        )
        shown = [_table(figures.latency_table(result)), about]
        if result.latencies:
            shown.append(html.image(plots.distribution(result), "latency distribution"))
        if any(s.arrival for s in result.services):
            shown.append(html.image(plots.over_time(result), "latency, arrivals and training steps over time"))
        parts.append(html.section("Latency", *shown))
        if any(s.causes and s.latency for s in result.services):
            causes = "".join(f"<li><b>{escape(name)}</b>: {escape(text)}</li>" for name, text in LATENCY_CAUSES.items())
            bars = html.image(plots.latency_causes(result), "mean latency by cause")
            parts.append(
                html.section(
                    "Where latency comes from", bars, _table(figures.cause_table(result)), f"<ul>{causes}</ul>"
                )
            )
        batches = [_table(figures.request_table(result))]
        if any(s.batch_rows for s in result.services):
            batches.append(html.image(plots.batch_fill(result), "batches by valid rows"))
        parts.append(html.section("Requests and batches", *batches))
    if result.training:
        shown = [html.pairs(figures.training_rows(result))]
        if result.training.loss_steps:
            shown.append(html.image(plots.loss(result), "loss of core and reference"))
        parts.append(html.section("Training", *shown))
    if result.units:
        causes = "".join(f"<li><b>{escape(name)}</b>: {escape(text)}</li>" for name, text in CAUSES.items())
        bars = html.image(plots.unit_bars(result), "cycles of each unit by cause")
        parts.append(html.section("Units", bars, _table(figures.unit_table(result)), f"<ul>{causes}</ul>"))
    if result.checks:
        parts.append(html.section("Compared with the reference", _table(figures.check_table(result))))
    return html.page(f"Equinox {result.kind}", figures.verdict(result), result.passed, _tiles(result), *parts)


def write_html(result: RunResult, path: Path | str) -> None:
    """Write the page; the file appears whole or not at all. Raises OSError where it cannot be written."""
    write_whole(Path(path), render(result))
