"""Budgets of area and clock: configs/budgets/cost.toml, which `make cost` holds the figures to."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.lib.toolchain import ROOT

FILE = ROOT / "configs" / "budgets" / "cost.toml"
KINDS = {"logic": "most", "sram": "most", "area": "most", "share": "most", "mhz": "least"}
"""What a budget may limit, and whether it is the most or the least: mm² of cells, of memories, of both; percent of the
core's logic; MHz."""


class BudgetError(ValueError):
    """The file is malformed; one line."""


@dataclass(frozen=True)
class Budget:
    """A limit for a block, a part, or the core (``of`` is then "core")."""

    of: str
    kind: str
    limit: float

    def holds(self, value: float) -> bool:
        return value <= self.limit if KINDS[self.kind] == "most" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.of}: {self.kind}, at {KINDS[self.kind]} {self.limit:g}"


def load(config: str, names: Iterable[str], file: Path = FILE) -> list[Budget]:
    """Budgets of a configuration; ``names``: what there is to limit beside "core".

    Raises:
        BudgetError: the file is malformed, or names a block that does not exist.
    """
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BudgetError(f"{file}: {error}") from None
    known = ["core", *names]
    found = []
    for of, limits in data.get(config, {}).items():
        if of not in known:
            raise BudgetError(f"{file}: [{config}] {of!r}: no such block; legal are {', '.join(known)}")
        if not isinstance(limits, Mapping):
            raise BudgetError(f"{file}: [{config}] {of}: legal is a table of {', '.join(KINDS)}")
        for kind, limit in limits.items():
            if kind not in KINDS:
                raise BudgetError(f"{file}: [{config}] {of}.{kind}: legal are {', '.join(KINDS)}")
            if isinstance(limit, bool) or not isinstance(limit, int | float) or limit <= 0:
                raise BudgetError(f"{file}: [{config}] {of}.{kind} = {limit!r}: legal is a number above 0")
            found.append(Budget(of, kind, float(limit)))
    return found
