"""The HTML page of a run: one file that needs no other."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path

from verif.report import plots
from verif.report import rows as figures
from verif.report.rows import Table
from verif.report.schema import CAUSES, LATENCY_CAUSES, MAX_LISTED, PERCENTILES, RunResult, percentile, percentile_name

_STYLE = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;margin:0;color:#24303a;background:#f5f7f8}
main{max-width:1080px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:25px;margin:0 0 14px}h2{font-size:18px;margin:0 0 10px}
section{background:#fff;border:1px solid #e1e6e9;border-radius:8px;padding:18px 22px;margin:16px 0}
.verdict{color:#fff;border-radius:8px;padding:13px 22px;font-size:19px;font-weight:600}
.pass{background:#2f7d4f}.fail{background:#b5332a}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:16px 0}
.tile{background:#fff;border:1px solid #e1e6e9;border-radius:8px;padding:11px 16px}
.tile b{display:block;font-size:21px;font-weight:600}.tile span{color:#5d6a73;font-size:13px}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:2px 0 8px}
th,td{padding:5px 14px 5px 0;text-align:right;border-bottom:1px solid #e9edf0;white-space:nowrap}
th{color:#5d6a73;font-weight:600;font-size:13px}th:first-child,td:first-child{text-align:left}
table.pairs td{text-align:left;white-space:normal;overflow-wrap:anywhere}table.pairs td:first-child{color:#5d6a73;white-space:nowrap;vertical-align:top}
td.bad{color:#b5332a;font-weight:600}td.good{color:#2f7d4f;font-weight:600}
img{width:100%;height:auto;display:block;margin:8px 0}
code{font:13px/1.5 ui-monospace,"DejaVu Sans Mono",monospace;background:#eef2f4;border-radius:4px;padding:2px 6px}
ol.problems{margin:0;padding-left:26px;font:13px/1.6 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
p.small,ul li{color:#5d6a73;font-size:13px;margin:4px 0}
"""


def _cell(text: str) -> str:
    kind = {"met": ' class="good"', "BROKEN": ' class="bad"'}.get(text, "")
    return f"<td{kind}>{escape(text)}</td>"


def _table(table: Table) -> str:
    heads, body = table
    head = "".join(f'<th title="{escape(CAUSES.get(name) or LATENCY_CAUSES.get(name, ""))}">{escape(name)}</th>' for name in heads)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _pairs(pairs: list[tuple[str, str]], code: str = "") -> str:
    def value(name: str, text: str) -> str:
        return f"<code>{escape(text)}</code>" if name == code else escape(text)

    rows = "".join(f"<tr><td>{escape(name)}</td><td>{value(name, text)}</td></tr>" for name, text in pairs)
    return f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _image(svg: str, alt: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


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
    tiles.append((figures.number(result.cycles), "cycles simulated"))
    tiles.append((figures.number(round(result.speed)), "simulated cycles a second"))
    return '<div class="tiles">' + "".join(f'<div class="tile"><b>{escape(b)}</b><span>{escape(t)}</span></div>' for b, t in tiles) + "</div>"


def _problems(result: RunResult) -> str:
    problems = result.problems
    if not problems:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in problems[:MAX_LISTED])
    more = f'<p class="small">and {len(problems) - MAX_LISTED} more</p>' if len(problems) > MAX_LISTED else ""
    return _section("Problems", f'<ol class="problems">{items}</ol>{more}')


def render(result: RunResult) -> str:
    """The page's text."""
    parts = [_problems(result)]
    scenario = [(name, str(value)) for name, value in result.scenario.items()]
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in result.notes)
    parts.append(_section("Scenario", _pairs([*scenario, *figures.run_rows(result)], code="repeat with"), notes))
    if result.services:
        names = ", ".join(percentile_name(p) for p in PERCENTILES)
        about = f'<p class="small">Cycles from arrival to the last beat of the response; {names} are values that occurred (nearest rank).</p>'
        shown = [_table(figures.latency_table(result)), about]
        if result.latencies:
            shown.append(_image(plots.distribution(result), "latency distribution"))
        if any(s.arrival for s in result.services):
            shown.append(_image(plots.over_time(result), "latency, arrivals and training steps over time"))
        parts.append(_section("Latency", *shown))
        if any(s.causes and s.latency for s in result.services):
            causes = "".join(f"<li><b>{escape(name)}</b>: {escape(text)}</li>" for name, text in LATENCY_CAUSES.items())
            bars = _image(plots.latency_causes(result), "mean latency by cause")
            parts.append(_section("Where latency comes from", bars, _table(figures.cause_table(result)), f"<ul>{causes}</ul>"))
        batches = [_table(figures.request_table(result))]
        if any(s.batch_rows for s in result.services):
            batches.append(_image(plots.batch_fill(result), "batches by valid rows"))
        parts.append(_section("Requests and batches", *batches))
    if result.training:
        shown = [_pairs(figures.training_rows(result))]
        if result.training.loss_steps:
            shown.append(_image(plots.loss(result), "loss of core and reference"))
        parts.append(_section("Training", *shown))
    if result.units:
        causes = "".join(f"<li><b>{escape(name)}</b>: {escape(text)}</li>" for name, text in CAUSES.items())
        bars = _image(plots.unit_bars(result), "cycles of each unit by cause")
        parts.append(_section("Units", bars, _table(figures.unit_table(result)), f"<ul>{causes}</ul>"))
    if result.checks:
        parts.append(_section("Compared with the reference", _table(figures.check_table(result))))
    mood = "pass" if result.passed else "fail"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Equinox: {escape(figures.verdict(result))}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>Equinox simulation</h1><div class="verdict {mood}">{escape(figures.verdict(result))}</div>'
        f"{_tiles(result)}{''.join(parts)}</main></body></html>\n"
    )


def write_html(result: RunResult, path: Path | str) -> None:
    """Write the page; the file appears whole or not at all. Raises OSError where it cannot be written."""
    target = Path(path)
    text = render(result)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
