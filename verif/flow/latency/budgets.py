"""Takes new budgets from what was measured, in place: comments and the order of the cases stay."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from verif.flow.latency.cases import GATES, BudgetError, Case, parse_cases
from verif.flow.latency.measure import Measured
from verif.lib.keep import write_whole

_CASE = re.compile(r"^\s*\[\[\s*case\s*\]\]")
_TABLE = re.compile(r"^\s*\[")
_BUDGET = re.compile(rf"^\s*({'|'.join(GATES)})\s*=")


def budgets_of(measured: Measured) -> dict[str, dict[str, float]]:
    """Budgets that a measurement just meets; multiples rounded up to a thousandth."""
    p = measured.percentiles
    return {
        "cycles": {name: v.cycles for name, v in p.items()},
        "unloaded": {name: math.ceil(1000 * v.unloaded - 1e-9) / 1000 for name, v in p.items()},
    }


def update(path: Path, cases: list[Case], measured: Mapping[str, Measured]) -> list[str]:
    """Write the measured cases' budgets into the budget file, whole or not at all; returns a line for each that
    changed.

    Raises:
        BudgetError: the file cannot be changed line by line (a budget stands on several lines, or the file is read
            only).
    """
    fresh = {name: budgets_of(m) for name, m in measured.items()}
    new = [replace(case, **fresh.get(case.name, {})) for case in cases]
    changed = [_change(old, case) for old, case in zip(cases, new, strict=True) if old != case]
    if not changed:
        return []
    text = _edited(path.read_text(encoding="utf-8"), cases, fresh)
    try:
        written = parse_cases(text, path.name)
    except BudgetError:
        written = []
    if written != new:
        raise BudgetError(
            f"{path.name}: cannot be changed in place; legal are budgets on one line each, as cycles = {{ p50 = 1 }}"
        )
    try:
        write_whole(path, text)
    except OSError as error:
        raise BudgetError(f"{path}: cannot be written ({error.strerror})") from None
    return changed


def _change(old: Case, new: Case) -> str:
    steps = (
        f"{name} {old.cycles[name]:,} -> {now:,}" if name in old.cycles else f"{name} {now:,}"
        for name, now in new.cycles.items()
        if old.cycles.get(name) != now
    )
    return f"{new.name}: {', '.join(steps) or 'multiples only'}"


def _edited(text: str, cases: list[Case], fresh: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    out: list[str] = []
    owner: str | None = None
    waiting = iter(cases)
    for line in text.splitlines():
        if _TABLE.match(line):
            owner = next(waiting).name if _CASE.match(line) else None
        if owner in fresh and _BUDGET.match(line):
            continue
        out.append(line)
    # budgets go behind the last line of their case that sets something
    lines, owner, waiting = [], None, iter(cases)
    last: dict[str, int] = {}
    for line in out:
        if _TABLE.match(line):
            owner = next(waiting).name if _CASE.match(line) else None
        lines.append(line)
        if owner is not None and line.strip() and not line.strip().startswith("#"):
            last[owner] = len(lines)
    for name, place in sorted(last.items(), key=lambda item: -item[1]):
        if name in fresh:
            lines[place:place] = [_line(gate, fresh[name][gate]) for gate in GATES]
    return "\n".join(lines) + "\n"


def _line(gate: str, values: Mapping[str, float]) -> str:
    """A budget as a line of the file; a name with a dot is quoted there."""
    quoted = (f'"{name}" = {value}' if "." in name else f"{name} = {value}" for name, value in values.items())
    return f"{gate} = {{ {', '.join(quoted)} }}"
