"""The figures of a run as rows of text, shared by the page and the terminal."""

from __future__ import annotations

from statistics import median

from equinox_core.report.schema import (
    CAUSES,
    KINDS,
    LATENCY_CAUSES,
    PERCENTILES,
    RunResult,
    Service,
    Training,
    percentile,
    percentile_name,
)

Table = tuple[list[str], list[list[str]]]
"""Headings and rows of cells."""


def number(value: float) -> str:
    """Thousands apart by a narrow mark; two decimals below 100, where it is no integer."""
    if isinstance(value, int) or float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.1f}"


def latency_table(result: RunResult) -> Table:
    """Latency of each service in cycles, against its limit; with several services also of all together."""
    heads = ["service", *map(percentile_name, (*PERCENTILES, 100.0)), "limit", "verdict"]
    rows = [_latency_row(s.name, s.latency, s) for s in result.services]
    if len(result.services) > 1:
        rows.append(_latency_row("all", result.latencies, None))
    return heads, rows


def _latency_row(name: str, latency: list[int], service: Service | None) -> list[str]:
    cells = [number(percentile(latency, p)) if latency else "-" for p in (*PERCENTILES, 100.0)]
    if service is None or service.limit is None:
        return [name, *cells, "-", "-"]
    limit = f"{number(service.limit)} ({percentile_name(service.limit_percentile)})"
    if service.limited is None:
        return [name, *cells, limit, "-"]
    return [name, *cells, limit, "met" if service.limited <= service.limit else "BROKEN"]


def cause_table(result: RunResult) -> Table:
    """Mean cycles of each cause of latency, around the median and for the slowest, by service."""
    rows = []
    for s in result.services:
        for name, places in s.groups if s.causes else []:
            means = s.mean_causes(places)
            rows.append(
                [
                    f"{s.name}, {name}",
                    number(len(places)),
                    *(f"{v:,.1f}" for v in (*means.values(), sum(means.values()))),
                ]
            )
    return ["mean cycles", "requests", *LATENCY_CAUSES, "sum"], rows


def request_table(result: RunResult) -> Table:
    """Requests, batches and their fill."""
    rows = []
    for s in result.services:
        n = len(s.batch_rows)
        mean = sum(s.batch_rows) / n if n else 0.0
        full = sum(r == s.batch_limit for r in s.batch_rows) / n if n else 0.0
        fill = f"{number(mean)} of {s.batch_limit} ({mean / s.batch_limit:.0%})" if n else "-"
        rows.append(
            [
                s.name,
                number(s.offered),
                number(len(s.latency)),
                number(s.refused),
                number(n),
                fill,
                f"{full:.0%}" if n else "-",
            ]
        )
    return ["service", "offered", "answered", "refused", "batches", "mean fill", "full batches"], rows


def unit_table(result: RunResult) -> Table:
    """Share of all cycles by cause."""
    return ["unit", *CAUSES], [[u.name, *(f"{u.share(c):.1%}" for c in CAUSES)] for u in result.units]


def training_rows(result: RunResult) -> list[tuple[str, str]]:
    """Name and value of the training job's figures; empty without one."""
    t = result.training
    if t is None:
        return []
    per_million = t.rate * 1e6
    rows = [
        ("job", t.name),
        ("steps", number(t.steps)),
        (
            "throughput",
            f"{number(per_million)} steps, {number(per_million * t.samples_per_step)} samples a million cycles, "
            "up to the last step",
        ),
    ]
    gaps = [b - a for a, b in zip(t.step_cycles, t.step_cycles[1:], strict=False)]
    if gaps:
        rows.append(
            (
                "cycles a step",
                f"{number(min(gaps))} / {number(median(gaps))} / {number(max(gaps))} (min / median / max)",
            )
        )
    if t.alone_cycles and t.steps:
        rows.append(("of the job's rate alone", f"{t.alone_cycles * t.rate:.1%}"))
    if t.loss_steps:
        rows.append(("loss", f"{t.loss_core[0]:.4f} to {t.loss_core[-1]:.4f}, {loss_agreement(t)}"))
    return rows


def loss_agreement(t: Training) -> str:
    """How the core's loss compares with the reference's."""
    differ = [s for s, a, b in zip(t.loss_steps, t.loss_core, t.loss_reference, strict=True) if a != b]
    points = len(t.loss_steps)
    if not differ:
        return f"equal to the reference's at all {points} points"
    return f"differs from the reference's at {len(differ)} of {points} points, first after step {differ[0]}"


def run_rows(result: RunResult) -> list[tuple[str, str]]:
    """Speed of simulation or model, seed."""
    return [
        (
            KINDS[result.kind],
            f"{number(result.cycles)} cycles in {result.wall_seconds:.1f} s: {number(result.speed)} cycles/s",
        ),
        ("seed", str(result.seed)),
        ("repeat with", result.command),
    ]


def check_table(result: RunResult) -> Table:
    """What was compared with the reference."""
    rows = [[c.name, f"{number(c.compared)} {c.things}", number(c.wrong)] for c in result.checks]
    return ["check", "compared", "wrong"], rows


def verdict(result: RunResult) -> str:
    """One line."""
    n = len(result.problems)
    if n == 0:
        answered = sum(len(s.latency) for s in result.services)
        steps = f", {number(result.training.steps)} training steps" if result.training else ""
        return f"PASSED: {number(answered)} requests answered{steps}"
    return f"FAILED: {n} problem{'s' if n > 1 else ''}"
