"""Coverage as a section of a regression's page: gates, covergroups, exclusions, and what each further seed added."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from equinox_core.report import html
from verif.flow.coverage.gates import Verdict
from verif.flow.coverage.merge import Reached
from verif.lib.coverage import Report, group_tally

_SHOWN = 60  # missed items of a kind


def html_section(report: Report, verdict: Verdict, curve: Sequence[Reached] = ()) -> str:
    """The section's HTML; the curve where jobs ran with more than one seed."""
    parts = [gates_table(verdict)]
    if verdict.problems:
        parts.append('<ol class="problems">' + "".join(f"<li>{escape(p)}</li>" for p in verdict.problems) + "</ol>")
    rows = [
        [name, f"{tally.hit:,}", f"{tally.total:,}", f"{tally.percent:.1f} %"]
        for name, points in sorted(report.groups.items())
        if (tally := group_tally(points)).total
    ]
    parts.append(html.table((["covergroup", "bins hit", "of", "share"], rows)))
    parts += [missed(verdict), exclusions(verdict)]
    if len(curve) > 1:
        parts.append(html.image(curve_svg(curve), "coverage against seeds"))
        parts.append(f'<p class="small">{escape(curve_words(curve))}</p>')
    return html.section("Coverage", *parts)


def gates_table(verdict: Verdict) -> str:
    """Each kind with its gate."""
    rows = [
        [
            row.kind,
            f"{row.tally.percent or 0:.2f} %",
            f"{row.least:g} %",
            "met" if row.ok else "missed",
            f"{row.tally.hit:,} of {row.tally.total:,}",
            f"{len(row.excluded)} of {row.raw.total:,}",
        ]
        for row in verdict.rows
    ]
    return html.table((["coverage", "reached", "gate", "", "hit", "excluded"], rows))


def missed(verdict: Verdict) -> str:
    """What was not hit and is not excluded, folded."""
    out = []
    for row in verdict.rows:
        if row.missed:
            more = f"<li>and {len(row.missed) - _SHOWN} more</li>" if len(row.missed) > _SHOWN else ""
            items = "".join(f"<li>{escape(item.shown)}</li>" for item in row.missed[:_SHOWN])
            out.append(
                f"<details><summary>missed, {escape(row.kind)}: "
                f"{len(row.missed)}</summary><ul>{items}{more}</ul></details>"
            )
    return "".join(out)


def exclusions(verdict: Verdict) -> str:
    """What is excluded, folded."""
    items = "".join(
        f"<li>{escape(item.kind)}: {escape(item.shown)}</li>" for row in verdict.rows for item in row.excluded
    )
    return f"<details><summary>excluded</summary><ul>{items}</ul></details>" if items else ""


def curve_svg(curve: Sequence[Reached]) -> str:
    """Code and functional coverage against the number of seeds, as an SVG."""
    with matplotlib.rc_context({"svg.hashsalt": "equinox", "font.size": 10}):
        figure = Figure(figsize=(10.4, 2.8), layout="constrained")
        axes = figure.subplots()
        seeds = range(1, len(curve) + 1)
        for name, values, colour in (
            ("functional: bins", [r.functional.percent or 0 for r in curve], "#d97a1d"),
            ("code: lines, branches, expressions", [r.code.percent or 0 for r in curve], "#2563a8"),
        ):
            axes.plot(seeds, values, marker="o", color=colour, label=name)
        axes.set_xlabel("seeds of each test")
        axes.set_ylabel("hit, % of what all seeds know")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color="#e6eaed")
        axes.legend(frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def curve_words(curve: Sequence[Reached]) -> str:
    """What the last seeds brought."""
    new = [
        (b.code.hit + b.functional.hit) - (a.code.hit + a.functional.hit)
        for a, b in zip(curve, curve[1:], strict=False)
    ]
    last = max((n for n, gain in enumerate(new, 2) if gain), default=1)
    return f"Things first hit by seed 2, 3, ...: {', '.join(map(str, new))}; after seed {last} nothing new."
