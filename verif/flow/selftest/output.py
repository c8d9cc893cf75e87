"""The table of a selftest on the terminal, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from verif.flow.selftest.campaign import Verdict
from verif.flow.selftest.faultlist import FaultList
from verif.lib.keep import write_whole

COLUMNS = ("fault", "category", "checker", "verdict", "caught by", "seconds")


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """A row of text a fault, in :data:`COLUMNS`; runs without a fault only where they failed."""
    return [
        (v.fault or f"(none: {v.run})", v.category, v.checker, v.verdict, v.by, f"{v.seconds:.1f}")
        for v in verdicts
        if v.fault or not v.ok
    ]


def table(verdicts: Sequence[Verdict]) -> str:
    """The rows, aligned, and how many were caught."""
    lines = [COLUMNS, *rows(verdicts)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS))]
    out = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    faults = [v for v in verdicts if v.fault]
    clean = [v for v in verdicts if not v.fault]
    caught = sum(v.ok for v in faults)
    out.append(
        f"{caught} of {len(faults)} faults caught by their checker; {sum(v.ok for v in clean)} of {len(clean)} runs "
        "without a fault are clean"
    )
    return "\n".join(out)


def save(
    path: Path, what: FaultList, verdicts: Sequence[Verdict], seconds: float, covers: Mapping[tuple[str, str], int]
) -> None:
    """``{"ok", "seconds", "caught", "faults": [...], "controls": [...], "checkers": n, "without", "covers": {"file:
    label": hits}}``, for the report.
    """
    faults = [{**asdict(v), "says": next(f.says for f in what.faults if f.id == v.fault)} for v in verdicts if v.fault]
    data = {
        "ok": all(v.ok for v in verdicts),
        "seconds": round(seconds, 1),
        "caught": sum(v.ok for v in verdicts if v.fault),
        "faults": faults,
        "controls": [asdict(v) for v in verdicts if not v.fault],
        "checkers": len(what.checkers),
        "without": dict(what.without),
        "covers": {f"{file}: {label}": hits for (file, label), hits in covers.items()},
    }
    write_whole(path, json.dumps(data, indent=1) + "\n")
