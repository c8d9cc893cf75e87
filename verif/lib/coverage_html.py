"""Writes the coverage report: one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Protocol

from verif.lib.coverage import KINDS, FileCoverage, Report, Tally, group_tally, totals

_STYLE = """
body{font:14px/1.4 sans-serif;margin:1.5em;color:#222;max-width:1200px}
table{border-collapse:collapse;margin:.6em 0}th,td{border:1px solid #ccc;padding:2px 9px;text-align:right}
th:first-child,td:first-child{text-align:left}thead th{background:#eee}
.hi{background:#d8f0d8}.mid{background:#fff3c4}.lo{background:#f7cfcf}
pre{font:12px/1.35 monospace;margin:0}.src{border:1px solid #ccc;overflow-x:auto}
.src span{display:block;white-space:pre}.miss{background:#f7cfcf}.hit{background:#eef8ee}
.src b{color:#888;font-weight:normal;display:inline-block;text-align:right;width:4em}
.src b+b{width:7em;margin-right:1em}.src i{color:#b00;font-style:normal;margin-left:2em}
details{margin:.4em 0}summary{cursor:pointer;font-weight:bold}
"""


def _cell(tally: Tally) -> str:
    if tally.percent is None:
        return "<td>-</td>"
    colour = "hi" if tally.percent >= 95 else "mid" if tally.percent >= 80 else "lo"
    return f'<td class="{colour}">{tally.percent:.1f} % <small>{tally.hit}/{tally.total}</small></td>'


def _row(name: str, tallies: list[Tally], link: str = "") -> str:
    head = f'<a href="#{escape(link)}">{escape(name)}</a>' if link else escape(name)
    return f"<tr><td>{head}</td>{''.join(map(_cell, tallies))}</tr>"


def _table(first: str, columns: list[str], rows: list[str]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in [first, *columns])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _source(item: FileCoverage, root: Path) -> str:
    """The file's text with counts; lines never executed and points never hit stand out."""
    counts = item.line_counts
    notes: dict[int, list[str]] = {}
    for kind in KINDS[1:]:
        for point in item.missed(kind):
            notes.setdefault(point.line, []).append(f"{kind} {point.what}".strip())
    lines = (root / item.file).read_text(encoding="utf-8").splitlines()
    rows = []
    for number, text in enumerate(lines, 1):
        count = counts.get(number)
        colour = "" if count is None else ' class="hit"' if count else ' class="miss"'
        shown = "" if count is None else str(count)
        missed = notes.get(number, [])
        note = ""
        if missed:
            more = f" (+{len(missed) - 4})" if len(missed) > 4 else ""
            note = f'<i title="{escape("; ".join(missed))}">never: {escape("; ".join(missed[:4]))}{more}</i>'
        rows.append(f"<span{colour}><b>{number}</b><b>{shown}</b>{escape(text)}{note}</span>")
    tally = item.tally("line")
    return (
        f'<details id="{escape(item.file)}"><summary>{escape(item.file)} - lines {tally}</summary>'
        f'<div class="src"><pre>{"".join(rows)}</pre></div></details>'
    )


def _groups(report: Report) -> str:
    parts = []
    for group, points in sorted(report.groups.items()):
        rows = []
        for point, bins in sorted(points.items()):
            tally = Tally(sum(hits > 0 for hits in bins.values()), len(bins))
            cells = ", ".join(
                f"<span{'' if hits else ' class=miss'}>{escape(name)}: {hits}</span>" for name, hits in bins.items()
            )
            rows.append(f'<tr><td>{escape(point)}</td>{_cell(tally)}<td style="text-align:left">{cells}</td></tr>')
        table = _table("point", ["bins hit", "bins"], rows)
        parts.append(f"<details><summary>{escape(group)} - {group_tally(points)}</summary>{table}</details>")
    return "".join(parts) or "<p>No bench wrote covergroups.</p>"


class Judged(Protocol):
    """A verdict on coverage, as :class:`verif.flow.coverage.gates.Verdict`."""

    rows: Sequence
    problems: Sequence[str]


def _verdict(verdict: Judged | None) -> str:
    """The gates' part of the page: what is reached, missed, excluded."""
    if verdict is None:
        return ""
    rows, lists = [], []
    for row in verdict.rows:
        cells = (
            f"<td>{row.least:g} %</td><td>{'met' if row.ok else 'MISSED'}</td><td>{len(row.excluded)} of "
            f"{row.raw.total}</td>"
        )
        rows.append(f"<tr><td>{escape(row.kind)}</td>{_cell(row.tally)}{cells}</tr>")
        for words, items in (("missed", row.missed), ("excluded", row.excluded)):
            if items:
                shown = "".join(f"<li>{escape(item.shown)}</li>" for item in items)
                lists.append(
                    f"<details><summary>{words}, {escape(row.kind)}: {len(items)}</summary><ul>{shown}</ul></details>"
                )
    problems = "".join(f'<li class="lo">{escape(problem)}</li>' for problem in verdict.problems)
    table = _table("coverage", ["reached", "gate", "", "excluded"], rows)
    return f"<h2>Gates</h2><ul>{problems}</ul>{table}{''.join(lists)}"


def write(report: Report, target: Path, root: Path, verdict: Judged | None = None) -> None:
    """Write the report for sources below ``root`` to the file ``target``,
    with the gates' verdict where there is one.
    """
    sums = totals(report.files)
    kinds = [kind for kind in KINDS if sums[kind].total]
    functional = sum((group_tally(g) for g in report.groups.values()), Tally())
    total = _row("all files", [*(sums[kind] for kind in kinds), functional])
    rows = [_row(f.file, [f.tally(kind) for kind in kinds], f.file) for f in report.files]
    never = "".join(f"<li>{escape(name)}</li>" for name in report.never_built)
    page = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Equinox coverage</title>
<style>{_STYLE}</style><script>
function show(){{const d=document.getElementById(decodeURIComponent(location.hash.slice(1)));if(d)d.open=true}}
addEventListener("hashchange",show);addEventListener("load",show);</script></head><body>
<h1>Coverage of rtl/</h1><p>{report.runs} simulation runs merged. Points of all instances and parameter sets of a
module count as one. A line counts once, however many points lie on it.</p>
{_table("", [*kinds, "functional"], [total])}
{_verdict(verdict)}
<h2>Files</h2>{_table("file", kinds, rows)}
{f"<p>Never simulated:</p><ul>{never}</ul>" if never else ""}
<h2>Covergroups</h2>{_groups(report)}
<h2>Sources</h2>{"".join(_source(f, root) for f in report.files)}
</body></html>
"""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
