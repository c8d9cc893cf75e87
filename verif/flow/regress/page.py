"""The page of a regression: verdict, plan, coverage, latency, failures, slowest jobs; one HTML file that needs no
other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from equinox_core.report import RunResult, html
from equinox_core.report.rows import Table, number
from equinox_core.report.schema import percentile, percentile_name
from verif.flow.regress import repro
from verif.flow.regress.jobs import Job
from verif.flow.regress.regression import PAGE, Regression
from verif.flow.regress.results import Result
from verif.lib import keep

SLOWEST, LISTED, LINES = 20, 20, 40
_PERCENTILES = (50.0, 99.0)


def write(regression: Regression, *extra: str) -> Path:
    """Write the page; ``extra``: sections that are HTML already (plan, coverage), after the summary."""
    target = regression.store.folder / PAGE
    keep.write_whole(target, render(regression, *extra))
    return target


def render(regression: Regression, *extra: str) -> str:
    """The page's text."""
    parts = [
        _tiles(regression),
        _problems(regression),
        failures(regression),
        html.section("Regression", _facts(regression), _blocks(regression)),
    ]
    parts += extra
    parts += [latency(regression), slowest(regression)]
    return html.page(f"Equinox regression: {regression.name}", regression.verdict, regression.passed, *parts)


def _tiles(regression: Regression) -> str:
    counts = regression.counts
    bad = counts["failed"] + counts["error"]
    tiles = [
        (number(len(regression.jobs)), "jobs (a run of a test with a seed)"),
        (number(counts["passed"]), "passed"),
        (number(bad), "not passed"),
    ]
    tiles += [
        (f"{regression.wall / 60:.1f} min", "wall time of this call"),
        (f"{regression.cpu / 60:.1f} min", "processor time of all jobs"),
    ]
    return html.tiles(tiles)


def _facts(regression: Regression) -> str:
    return html.pairs([*regression.settings.items(), ("repeat with", regression.command)], code="repeat with")


def _problems(regression: Regression) -> str:
    if not regression.problems:
        return ""
    return html.section(
        "Other problems: gates, plan",
        f'<ol class="problems">{"".join(f"<li>{escape(line)}</li>" for line in regression.problems)}</ol>',
    )


def _blocks(regression: Regression) -> str:
    rows = []
    for block in dict.fromkeys(job.block for job in regression.jobs):
        results = [r for job, r in regression.results.items() if job.block == block]
        bad = sum(not r.ok for r in results)
        tests = len({r.job.test for r in results})
        configs = ", ".join(sorted({r.job.config for r in results} - {""})) or "-"
        seconds = sum(r.cpu for r in results)
        rows.append(
            [
                block,
                number(tests),
                number(len(results)),
                configs,
                number(bad),
                f"{seconds:,.0f}",
                "failed" if bad else "passed",
            ]
        )
    return html.table(
        (["block", "tests", "jobs", "configurations", "not passed", "processor seconds", "verdict"], rows)
    )


def failures(regression: Regression) -> str:
    """Groups of failures: the message, who failed, how to repeat the first, where its waves are, what it said."""
    parts = []
    for group in regression.groups:
        first = group.first
        words = first.message.partition("\n--- ")[0].strip().splitlines()
        shown = "\n".join(words[:LINES]) + (f"\n... ({len(words) - LINES} more lines)" if len(words) > LINES else "")
        facts = [
            ("jobs", _names(group.results)),
            ("first", f"{first.job.run}, seed {first.job.seed or 1}, {first.status}"),
            ("where", f"{first.job.file}:{first.job.line}"),
            ("repeat with", repro.line(first.job, regression.env)),
            ("results", str(regression.store.place(first.job))),
            ("again with waves", _again(group.again, group.waves)),
        ]
        head = f"<h3>{escape(group.message)}</h3>"
        parts.append(
            f"{head}{html.pairs(facts, code='repeat with')}"
            f"<details><summary>message</summary><pre>{escape(shown)}</pre></details>"
        )
    return html.section(f"Failures: {len(parts)} group{'s' * (len(parts) > 1)}", *parts) if parts else ""


def _names(results: Sequence[Result]) -> str:
    names = [f"{r.job.run} seed {r.job.seed or 1}" for r in results]
    return f"{len(names)}: {', '.join(names[:LISTED])}" + (
        f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    )


def _again(again: Result | None, waves: Sequence[Path]) -> str:
    if again is None:
        return "not run"
    where = ", ".join(str(path) for path in waves) or "no waves: no simulation was started"
    return f"{again.status}; {where}"


def latency(regression: Regression) -> str:
    """Percentiles of latency of the chip-level runs that report them."""
    rows: list[list[str]] = []
    for job in regression.jobs:
        for path in sorted((regression.store.place(job) / "runs").rglob("result.json")):
            rows += _latency_rows(job, path)
    if not rows:
        return ""
    heads = ["run", "seed", "service", "requests", *map(percentile_name, _PERCENTILES), "limit", "verdict"]
    about = (
        '<p class="small">Cycles from arrival to the last beat of the response. Runs with few requests, '
        "or of tests that disturb, say little about p99.</p>"
    )
    table: Table = (heads, rows)
    return html.section("Latency", html.table(table), about)


def _latency_rows(job: Job, path: Path) -> list[list[str]]:
    try:
        result = RunResult.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError):
        return []
    rows = []
    for service in result.services:
        if service.latency:
            values = [number(percentile(service.latency, p)) for p in _PERCENTILES]
            limited = service.limited
            verdict = (
                "-" if limited is None or service.limit is None else "met" if limited <= service.limit else "BROKEN"
            )
            rows.append(
                [
                    f"{job.run} {path.parent.name}",
                    str(job.seed or 1),
                    service.name,
                    number(len(service.latency)),
                    *values,
                    number(service.limit) if service.limit is not None else "-",
                    verdict,
                ]
            )
    return rows


def slowest(regression: Regression) -> str:
    """The jobs that took longest."""
    found = sorted(regression.results.values(), key=lambda r: -r.seconds)[:SLOWEST]
    rows = [[r.job.run, str(r.job.seed or 1), f"{r.seconds:.1f}", f"{r.cpu:.1f}", r.status] for r in found]
    return html.section("Slowest jobs", html.table((["job", "seed", "seconds", "processor seconds", "verdict"], rows)))
