"""Judges merged coverage by the gates of ``verif/flow/coverage/gates.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verif.flow.coverage.exclusions import Exclusion, ExclusionError, apply, load
from verif.flow.coverage.items import CODE, KINDS, Item, items_of
from verif.lib.coverage import Report, Tally, group_tally

HERE = Path(__file__).resolve().parent
GATES, EXCLUSIONS = HERE / "gates.toml", HERE / "exclusions.yaml"
RUN_KINDS = (*CODE, "functional")
"""Kinds that every run with coverage collects; ``toggle`` has a job of its own."""
SHOWN = 40  # missed items listed of each kind


class GateError(ValueError):
    """The gates' file is wrong; the message has file and line."""


@dataclass(frozen=True)
class Gates:
    """Least percentage of each kind, of what is not excluded; most excluded, in percent of all; covergroups that must
    be there.
    """

    least: dict[str, float]
    most_excluded: float
    groups: tuple[str, ...]
    place: str = "gates.toml"


def load_gates(path: Path = GATES) -> Gates:
    """Read the gates.

    Raises:
        GateError: the file cannot be read, or a gate is missing, unknown or out of 0..100.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise GateError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise GateError(f"{path}:1: not TOML: {error}") from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise GateError(f"{path}:{line[1] if line else 1}: not TOML: {error}") from None

    def at(key: str) -> str:
        found = re.search(rf"^\s*\[?{re.escape(key)}\b", text, re.M)
        return f"{path}:{text.count(chr(10), 0, found.start()) + 1 if found else 1}"

    for table, keys in (("least", KINDS), ("excluded", ("most",)), ("functional", ("groups",))):
        if not isinstance(data.get(table), dict):
            raise GateError(f"{at(table)}: no table [{table}]")
        for key in data[table]:
            if key not in keys:
                raise GateError(f"{at(key)}: unknown key {key!r} in [{table}], legal are {', '.join(keys)}")
        for key in keys:
            if key not in data[table]:
                raise GateError(f"{at(table)}: [{table}] lacks {key}")
    if set(data) - {"least", "excluded", "functional"}:
        extra = sorted(set(data) - {"least", "excluded", "functional"})[0]
        raise GateError(f"{at(extra)}: unknown table [{extra}], legal are least, excluded, functional")
    for key, value in (*data["least"].items(), *data["excluded"].items()):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise GateError(f"{at(key)}: {key} = {value!r}: legal is a percentage, 0..100")
    groups = data["functional"]["groups"]
    if not isinstance(groups, list) or not all(isinstance(g, str) for g in groups) or len(set(groups)) < len(groups):
        raise GateError(f"{at('groups')}: groups must be a list of different names")
    return Gates(
        {k: float(v) for k, v in data["least"].items()}, float(data["excluded"]["most"]), tuple(groups), at("groups")
    )


@dataclass
class Row:
    """One kind's result."""

    kind: str
    tally: Tally  # of what is not excluded
    raw: Tally  # of everything
    excluded: list[Item]
    least: float
    missed: list[Item]

    @property
    def ok(self) -> bool:
        """Whether the gate is met."""
        return self.tally.percent is not None and self.tally.percent >= self.least


@dataclass
class Verdict:
    """The result of all kinds looked at; ``problems`` is empty when every gate is met."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def text(self) -> str:
        """A table, what is missed, and the problems, for a terminal."""
        lines = ["gates, of what is not excluded"]
        for row in self.rows:
            mark = "ok" if row.ok else "FAILS"
            lines.append(
                f"  {row.kind:<12}{row.tally}, at least {row.least:g} %: {mark}; "
                f"excluded {len(row.excluded)} of {row.raw.total}"
            )
        for row in self.rows:
            if not row.ok and row.missed:
                lines.append(f"missed, {row.kind}:")
                lines += [f"  {item.shown}" for item in row.missed[:SHOWN]]
                lines += [f"  ... and {len(row.missed) - SHOWN} more"] if len(row.missed) > SHOWN else []
        return "\n".join([*lines, *(f"error: {problem}" for problem in self.problems)])


def judge(
    report: Report, root: Path, gates: Gates, exclusions: Sequence[Exclusion], kinds: Sequence[str] = RUN_KINDS
) -> Verdict:
    """Hold merged coverage to the gates of some kinds; sources lie below ``root``."""
    verdict = Verdict()
    for kind in kinds:
        items = items_of(report, kind, root)
        parts = apply(items, exclusions, kind)
        tally = Tally(sum(item.hits > 0 for item in parts.counted), len(parts.counted))
        raw = Tally(sum(item.hits > 0 for item in items), len(items))
        row = Row(
            kind, tally, raw, parts.excluded, gates.least[kind], [item for item in parts.counted if not item.hits]
        )
        verdict.rows.append(row)
        verdict.problems += parts.problems
        if not items:
            verdict.problems.append(f"{kind}: nothing was measured")
        elif not row.ok:
            verdict.problems.append(
                f"{kind} coverage {tally.percent or 0:.2f} % is below {row.least:g} %: {len(row.missed)} missed"
            )
        if items and 100 * len(row.excluded) > gates.most_excluded * len(items):
            verdict.problems.append(
                f"{kind}: {len(row.excluded)} of {len(items)} are excluded, legal are {gates.most_excluded:g} %"
            )
    if "functional" in kinds:
        verdict.problems += _groups(report, gates)
    return verdict


def _groups(report: Report, gates: Gates) -> list[str]:
    """Covergroups that are missing, were never sampled, or are not in the list of the gates."""
    problems = [f"covergroup {name} was written by no run" for name in gates.groups if name not in report.groups]
    problems += [
        f"covergroup {name} was never sampled"
        for name, points in sorted(report.groups.items())
        if not group_tally(points).hit
    ]
    python = [name for name in report.groups if name.endswith("_cg")]
    return problems + [
        f"{gates.place}: covergroup {name} is not in the list of groups"
        for name in sorted(python)
        if name not in gates.groups
    ]


def judge_run(
    report: Report, root: Path, kinds: Sequence[str] = RUN_KINDS, gates: Path = GATES, exclusions: Path = EXCLUSIONS
) -> Verdict:
    """:func:`judge` by the files; a file that is wrong is a problem of the verdict."""
    try:
        shown = str(exclusions.relative_to(root)) if exclusions.is_relative_to(root) else str(exclusions)
        return judge(report, root, load_gates(gates), load(exclusions, shown), kinds)
    except (GateError, ExclusionError) as error:
        return Verdict(problems=[str(error)])
