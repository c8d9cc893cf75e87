"""The result for the terminal and as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from verif.flow.latency.cases import Case
from verif.flow.latency.confidence import LEVEL
from verif.flow.latency.measure import Percentile
from verif.flow.latency.runner import Outcome
from verif.flow.latency.verdict import broken, gates
from verif.lib.keep import write_whole

_RUN = ("trace", "load", "policy", "service", "train", "config", "requests", "seed", "engine", "tolerance")
_MEASURES = tuple(f.name for f in fields(Percentile))


def verdict(case: Case, outcome: Outcome | None) -> str:
    """ok, BROKEN, FAILED or skipped."""
    if outcome is None:
        return "skipped"
    if isinstance(outcome, str):
        return "FAILED"
    if not case.cycles:
        return "no budget"
    return "BROKEN" if broken(case, outcome) else "ok"


def table(cases: Sequence[Case], outcomes: Mapping[str, Outcome]) -> str:
    """A line a percentile: what was measured, its interval, the budget; the verdict on a case's first line."""
    head = (
        "case",
        "requests",
        "",
        "cycles",
        f"{100 * LEVEL:g} % interval",
        "budget",
        "x unloaded",
        "interval",
        "budget",
        "verdict",
    )
    rows = [head]
    for case in cases:
        outcome = outcomes.get(case.name)
        lead = (case.name, f"{case.requests:,}")
        if not outcome or isinstance(outcome, str):
            rows.append((*lead, *("",) * 7, verdict(case, outcome)))
            continue
        over = {(g.name, g.gate) for g in gates(case, outcome) if g.broken}
        for name, p in outcome.percentiles.items():
            marks = ["!" if (name, gate) in over else "" for gate in ("cycles", "unloaded")]
            limits = (f"{case.cycles[name]:,}", f"{case.unloaded[name]:.3f}") if name in case.cycles else ("-", "-")
            rows.append(
                (
                    *lead,
                    name,
                    f"{p.cycles:,}",
                    f"{p.cycles_low:,}..{p.cycles_high:,}",
                    limits[0] + marks[0],
                    f"{p.unloaded:.3f}",
                    f"{p.unloaded_low:.3f}..{p.unloaded_high:.3f}",
                    limits[1] + marks[1],
                    verdict(case, outcome) if lead[0] else "",
                )
            )
            lead = ("", "")
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    left = (0, 2, len(head) - 1)
    return "\n".join(
        "  ".join(
            c.ljust(w) if k in left else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write(folder: Path, cases: Sequence[Case], outcomes: Mapping[str, Outcome]) -> None:
    """``latency.csv`` (a line a case and percentile) and ``latency.json`` (everything), each whole or not at all."""
    head = ("case", *_RUN, "passes", "percentile", *_MEASURES, "budget_cycles", "budget_unloaded", "verdict")
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(head)
    listed = []
    for case in cases:
        outcome = outcomes.get(case.name)
        run = [getattr(case, name) for name in _RUN]
        entry = {
            "case": case.name,
            **{k: v for k, v in asdict(case).items() if k in _RUN},
            "verdict": verdict(case, outcome),
            "budgets": {"cycles": dict(case.cycles), "unloaded": dict(case.unloaded)},
        }
        if outcome and not isinstance(outcome, str):
            for name, p in outcome.percentiles.items():
                values = [getattr(p, m) for m in _MEASURES]
                out.writerow(
                    [
                        case.name,
                        *run,
                        f"{outcome.passes:.3f}",
                        name,
                        *values,
                        case.cycles.get(name, ""),
                        case.unloaded.get(name, ""),
                        entry["verdict"],
                    ]
                )
            entry |= {"measured": outcome.to_dict(), "broken": broken(case, outcome)}
        elif outcome:
            entry["failure"] = outcome
        listed.append(entry)
    write_whole(folder / "latency.csv", text.getvalue())
    write_whole(folder / "latency.json", json.dumps({"confidence": LEVEL, "cases": listed}, indent=1) + "\n")
