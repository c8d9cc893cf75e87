"""Tables of the docs from the facts of :mod:`equinox_core.hw`.

Their places are between ``<!-- hw:name -->`` and ``<!-- hw:end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from . import params, pipeline
from .coded import Coded, label
from .modes import Mode, Policy
from .states import CtxState, Err, Perf, Stall, Status

_PLACE = re.compile(r"(<!-- hw:(\w+) -->\n).*?(<!-- hw:end -->)", re.S)


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _members(kind: type[Coded], *, name: str = "name", spell: bool = False) -> str:
    return _table(["code", name, "meaning"], ((m.value, f"`{label(m) if spell else m.name}`", m.meaning) for m in kind))


def _parameters() -> str:
    meanings = params.meanings(params.CoreParams) | params.meanings(params.DramParams)
    return _table(
        ["table", "parameter", "legal", "meaning"],
        (
            (f"`[{table}]`", f"`{name}`", legal, meanings[name])
            for table, ranges in params.TABLES.items()
            for name, legal in ranges.items()
        ),
    )


def _shown(expression: str) -> str:
    for name, value in params.CONSTANTS.items():
        expression = re.sub(rf"\b{name}\b", str(value), expression)
    return f"`{expression.replace(' * ', '·')}`"


def _rules() -> str:
    return _table(["of", "must hold"], ((f"`{r.subject}`", _shown(r.holds)) for r in params.RULES))


def _derived() -> str:
    return _table(["field", "value", "meaning"], ((f"`{d.name}`", _shown(d.value), d.meaning) for d in params.DERIVED))


def _constants() -> str:
    return _table(["constant", "value", "meaning"], ((f"`{c.name}`", c.value, c.meaning) for c in pipeline.CONSTANTS))


def _policies() -> str:
    codes = range(len(Policy), 8)
    rows = [(p.value, f"`{label(p)}`", p.meaning) for p in Policy]
    return _table(
        ["code", "policy", "mode"], [*rows, (f"{codes[0]}..{codes[-1]}", "", "as `inference_only`")] if codes else rows
    )


TABLES: dict[str, Callable[[], str]] = {
    "parameters": _parameters,
    "rules": _rules,
    "derived": _derived,
    "constants": _constants,
    "policies": _policies,
    "modes": lambda: _table(["code", "mode", "meaning"], ((m.value, f"`MODE_{m.name}`", m.meaning) for m in Mode)),
    "states": lambda: _members(CtxState, name="state"),
    "errors": lambda: _members(Err, name="cause"),
    "statuses": lambda: _members(Status, name="status"),
    "stalls": lambda: _members(Stall, name="`stall_e`"),
    "perf": lambda: _members(Perf, name="counter"),
}


def filled(text: str, where: str) -> str:
    """A page with its tables as they must be.

    Raises:
        ValueError: a place names no table.
    """

    def fill(found: re.Match[str]) -> str:
        if found[2] not in TABLES:
            raise ValueError(f"{where}: no table {found[2]!r}: legal are {', '.join(TABLES)}")
        return found[1] + TABLES[found[2]]() + found[3]

    return _PLACE.sub(fill, text)
