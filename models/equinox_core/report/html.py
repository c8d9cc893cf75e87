"""Pieces of HTML pages that need no other file: style, tables, images, sections. Texts are escaped here, unless a name
says html.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from equinox_core.report.rows import Table

STYLE = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
margin:0;color:#24303a;background:#f5f7f8}
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
table.pairs td{text-align:left;white-space:normal;overflow-wrap:anywhere}
table.pairs td:first-child{color:#5d6a73;white-space:nowrap;vertical-align:top}
td.bad{color:#b5332a;font-weight:600}td.good{color:#2f7d4f;font-weight:600}
img{width:100%;height:auto;display:block;margin:8px 0}
code{font:13px/1.5 ui-monospace,"DejaVu Sans Mono",monospace;background:#eef2f4;border-radius:4px;padding:2px 6px}
ol.problems{margin:0;padding-left:26px;font:13px/1.6 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
p.small,ul li{color:#5d6a73;font-size:13px;margin:4px 0}
"""


_CLASSES = dict.fromkeys(("met", "passed"), ' class="good"') | dict.fromkeys(
    ("BROKEN", "failed", "error", "missed"), ' class="bad"'
)
"""Cells that stand out."""


def _cell(text: str) -> str:
    return f"<td{_CLASSES.get(text, '')}>{escape(text)}</td>"


def table(data: Table, titles: Mapping[str, str] | None = None) -> str:
    """A table; ``titles`` explains headings."""
    heads, body = data
    head = "".join(f'<th title="{escape((titles or {}).get(name, ""))}">{escape(name)}</th>' for name in heads)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def pairs(rows: Sequence[tuple[str, str]], code: str = "") -> str:
    """Names and values; that of the name ``code`` in the type of code."""

    def value(name: str, text: str) -> str:
        return f"<code>{escape(text)}</code>" if name == code else escape(text)

    body = "".join(f"<tr><td>{escape(name)}</td><td>{value(name, text)}</td></tr>" for name, text in rows)
    return f'<table class="pairs"><tbody>{body}</tbody></table>'


def image(svg: str, alt: str) -> str:
    """An SVG as part of the page."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def section(title: str, *html: str) -> str:
    """A section of parts that are HTML already."""
    return f"<section><h2>{escape(title)}</h2>{''.join(html)}</section>"


def tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Large figures with what they are."""
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{escape(b)}</b><span>{escape(t)}</span></div>' for b, t in figures)
        + "</div>"
    )


def page(heading: str, verdict: str, passed: bool, *html: str) -> str:
    """A whole page: heading, verdict, and parts that are HTML already."""
    mood = "pass" if passed else "fail"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Equinox: {escape(verdict)}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{escape(heading)}</h1><div class="verdict {mood}">{escape(verdict)}</div>'
        f"{''.join(html)}</main></body></html>\n"
    )
