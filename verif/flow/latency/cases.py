"""The budget file: cases (what is replayed, on what) with their budgets, read strictly."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from equinox_core.deploy.scenario import Scenario
from equinox_core.hw.modes import traits
from equinox_core.report.schema import PERCENTILES, percentile_name
from equinox_core.traces import is_spec
from verif.lib.toolchain import ROOT

FILE = ROOT / "configs" / "budgets" / "latency.toml"
ENGINES = ("model", "rtl")
TAIL = 10
"""A percentile p is only taken where at least so many requests lie beyond it: 10 / (1 - p) requests."""
MOST_CYCLES = 2**40
MOST_TOLERANCE = 0.5
NAMES = {percentile_name(p): p for p in PERCENTILES}
GATES = {"cycles": f"an integer, 1..{MOST_CYCLES}", "unloaded": "a number above 0, at most 1000000"}
"""The two budgets of a percentile, and their legal values: cycles, and multiples of the unloaded service time."""
_KEYS = {
    "trace": str,
    "load": float,
    "policy": str,
    "service": str,
    "train": str,
    "config": str,
    "requests": int,
    "seed": int,
    "engine": str,
    "tolerance": float,
}
_KINDS = {str: "a string", float: "a number", int: "an integer"}
_SETS = ("service", "train", "config", "requests", "seed", "engine", "tolerance")
"""What ``[defaults]`` may set for all cases."""


class BudgetError(ValueError):
    """The budget file is wrong; one line that names file, case and field, and what is legal."""


def needed(percent: float) -> int:
    """Requests that a percentile needs: 20 for p50, 200 for p95, 1,000 for p99, 10,000 for p99.9."""
    return math.ceil(TAIL / (1 - percent / 100) - 1e-6)


@dataclass(frozen=True)
class Case:
    """A trace at a load, on the model or on the RTL.

    ``tolerance``: share by which a percentile may exceed its budget. ``cycles``, ``unloaded``: budgets by percentile's
    name; both hold the same percentiles, and are empty while no budget was ever taken.
    """

    trace: str
    load: float
    policy: str
    service: str = "lstm"
    train: str = "mlp"
    config: str = "default"
    requests: int = 20_000
    seed: int = 1
    engine: str = "model"
    tolerance: float = 0.02
    cycles: Mapping[str, int] = field(default_factory=dict)
    unloaded: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a case is known by, and differs in from all others of its file."""
        trace = self.trace if is_spec(self.trace) else Path(self.trace).name.split(".")[0]
        return "/".join(
            (trace, f"{self.load:g}", self.policy, self.service, self.train, Path(self.config).stem, self.engine)
        )

    @property
    def trace_file(self) -> Path | None:
        """The trace's file (relative names start at the project's root); None for a generator."""
        return None if is_spec(self.trace) else (ROOT / self.trace).resolve()

    @property
    def absent(self) -> bool:
        """Its trace lies outside the project, and is not there."""
        file = self.trace_file
        return file is not None and not file.is_relative_to(ROOT) and not file.exists()

    @property
    def scenario(self) -> Scenario:
        """The run.

        Its own limit is out of the way, as budgets take its place; but ``slack`` works with one, the default.
        """
        trace = self.trace if self.trace_file is None else str(self.trace_file)
        return Scenario(
            config=self.config,
            trace=trace,
            load=self.load,
            requests=self.requests,
            policy=self.policy,
            train=self.train,
            steps=2,
            service=self.service,
            seed=self.seed,
            limit=0 if traits(self.policy).limited else MOST_CYCLES,
        )

    @property
    def percentiles(self) -> dict[str, float]:
        """Those its number of requests allows, by name."""
        return {name: p for name, p in NAMES.items() if self.requests >= needed(p)}


def load_cases(path: Path) -> list[Case]:
    """Read a budget file.

    Raises:
        BudgetError: not readable, not TOML, an unknown key, a missing or illegal value, a percentile that the requests
            do not allow, two equal cases.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BudgetError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    return parse_cases(text, path.name)


def parse_cases(text: str, where: str) -> list[Case]:
    """Cases of a budget file's text; ``where`` names it in messages. Raises as :func:`load_cases`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BudgetError(f"{where}: not TOML ({error})") from None
    _known(tables, ("defaults", "case"), where)
    defaults, listed = tables.get("defaults", {}), tables.get("case")
    if not isinstance(defaults, dict):
        raise BudgetError(f"{where}: defaults = {defaults!r}: legal is a table [defaults]")
    if not (isinstance(listed, list) and listed and all(isinstance(c, dict) for c in listed)):
        raise BudgetError(f"{where}: case: legal are one or more tables [[case]]")
    _known(defaults, _SETS, f"{where}: [defaults]")
    seen: dict[str, int] = {}
    cases = []
    for n, table in enumerate(listed, 1):
        _known(table, (*_KEYS, *GATES), f"{where}: case {n}")
        case = _case({**defaults, **table}, f"{where}: case {n}")
        if case.name in seen:
            raise BudgetError(
                f"{where}: case {n} ({case.name}): the same as case {seen[case.name]}; "
                "legal are cases that differ in trace, load, "
                "policy, service, train, config or engine"
            )
        seen[case.name] = n
        cases.append(case)
    return cases


def _known(table: Mapping, legal: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in legal:
            raise BudgetError(f"{where}: unknown key {key}; legal: {', '.join(legal)}")


def _case(table: Mapping, where: str) -> Case:
    for key, kind in _KEYS.items():
        if key not in table:
            if key in _SETS:
                continue
            raise BudgetError(f"{where}: {key} is missing; legal is {_KINDS[kind]}")
        if isinstance(table[key], bool) or not isinstance(table[key], (int, float) if kind is float else kind):
            raise BudgetError(f"{where}: {key} = {table[key]!r}: legal is {_KINDS[kind]}")
    case = Case(**table)
    where = f"{where} ({case.name})"
    if case.engine not in ENGINES:
        raise BudgetError(f"{where}: engine = {case.engine!r}: legal are {', '.join(ENGINES)}")
    if not 0 <= case.tolerance <= MOST_TOLERANCE:
        raise BudgetError(f"{where}: tolerance = {case.tolerance}: legal range 0..{MOST_TOLERANCE}")
    try:
        (case.scenario.changed(trace="poisson") if case.absent else case.scenario).check()
    except ValueError as error:
        raise BudgetError(f"{where}: {error}") from None
    least = needed(PERCENTILES[0])
    if case.requests < least:
        raise BudgetError(
            f"{where}: requests = {case.requests}: legal is {least} or more, {TAIL} / (1 - p) for a percentile p"
        )
    for gate in GATES:
        _budgets(case, gate, where)
    if case.cycles.keys() != case.unloaded.keys():
        odd = sorted(case.cycles.keys() ^ case.unloaded.keys())[0]
        gate = "cycles" if odd in case.unloaded else "unloaded"
        raise BudgetError(
            f"{where}: {gate}.{odd} is missing; legal is {GATES[gate]} (cycles and unloaded name the same percentiles)"
        )
    return case


def _budgets(case: Case, gate: str, where: str) -> None:
    """Check one gate's table."""
    table = getattr(case, gate)
    if not isinstance(table, dict):
        raise BudgetError(f"{where}: {gate} = {table!r}: legal is a table of {', '.join(NAMES)}")
    for name, value in table.items():
        if name not in NAMES:
            raise BudgetError(f"{where}: {gate}: unknown percentile {name}; legal: {', '.join(NAMES)}")
        if name not in case.percentiles:
            raise BudgetError(
                f"{where}: {gate}.{name}: {case.requests} requests are too few; legal is {needed(NAMES[name])} or more "
                f"({TAIL} / (1 - p))"
            )
        kinds, most = (int, MOST_CYCLES) if gate == "cycles" else ((int, float), 1e6)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value <= most:
            raise BudgetError(f"{where}: {gate}.{name} = {value!r}: legal is {GATES[gate]}")
