"""What one chip-level run is asked to do:
the knobs of ``make sim``, checked, and carried to the bench as a JSON file.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from equinox_core.cli import make_call
from equinox_core.config import load_config
from equinox_core.files import HOME
from equinox_core.hw.modes import POLICIES
from equinox_core.traces import Trace, is_spec, map_services, open_trace, scale_to_load

SERVICES = ("lstm", "mlp")
TRAIN = ("off", "mlp")
DEFAULT_TRACE = "configs/traces/bursty.csv"
RANGES: dict[str, tuple[float, float]] = {  # legal values of the numbers, both ends included
    "load": (0.001, 4),
    "requests": (1, 10**7),
    "steps": (1, 10**6),
    "seed": (0, 2**31 - 1),
    "limit": (0, 2**40),
    "rsp_stall": (0, 95),
    "dram_stall": (0, 95),
}


HELP = {  # of each knob, for command lines
    "config": "core: a name in configs/ or a file",
    "trace": f"arrivals: poisson, bursty, diurnal (with parameters, bursty:on=0.2) or a file (default {DEFAULT_TRACE})",
    "load": "offered load as a fraction of the measured capacity",
    "requests": "how many requests",
    "policy": ", ".join(POLICIES),
    "train": f"training job: {', '.join(TRAIN)}",
    "steps": "training steps at least (the run goes on until they are done)",
    "service": f"services that requests are for: {', '.join(SERVICES)}, or both joined by a comma",
    "test": "test of verif/tests/bench_equinox.py to run",
    "seed": "seed of everything random",
    "limit": "latency limit for p99 in cycles (default: a multiple of an unloaded batch)",
    "rsp_stall": "percent of cycles in which the response sink is not ready",
    "dram_stall": "percent of cycles in which each DRAM channel is held back",
}


class ScenarioError(ValueError):
    """A knob is wrong; the message names it and what is legal."""


def add_knobs(parser: ArgumentParser, names: Iterable[str] = tuple(HELP)) -> None:
    """An option for each of these knobs; their values are for :meth:`Scenario.from_text`."""
    for f in fields(Scenario):
        if f.name in names:
            parser.add_argument(
                f"--{f.name.replace('_', '-')}", default=str(f.default), help=f"{HELP[f.name]} [{f.default}]"
            )


def _out_of_range(name: str, value: object) -> ScenarioError:
    low, high = RANGES[name]
    kind = "number" if name == "load" else "whole number"
    return ScenarioError(f"{name.upper()} = {value!r}: legal is a {kind} in {low}..{high}")


@dataclass(frozen=True)
class Scenario:
    """Knobs of a run; see ``make help``. ``limit`` (cycles, p99) 0 means the default:
    a multiple of the unloaded batch.
    """

    config: str = "default"
    trace: str = DEFAULT_TRACE
    load: float = 0.5
    requests: int = 1000
    policy: str = "priority"
    train: str = "mlp"
    steps: int = 100
    service: str = "lstm"
    test: str = "equinox_replay_test"
    seed: int = 1
    limit: int = 0
    rsp_stall: int = 0
    dram_stall: int = 0

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that requests are for; all of :data:`SERVICES` are installed."""
        return tuple(self.service.split(","))

    def check(self) -> Scenario:
        """Return self, or raise :class:`ScenarioError` (or the config's or trace's own error) naming what is wrong."""
        load_config(self.config)
        for name, legal in (("policy", POLICIES), ("train", TRAIN)):
            if getattr(self, name) not in legal:
                raise ScenarioError(f"{name.upper()} = {getattr(self, name)!r}: legal are {', '.join(legal)}")
        for name in self.services:
            if name not in SERVICES or self.services.count(name) > 1:
                raise ScenarioError(
                    f"SERVICE = {self.service!r}: legal is one or more different of {', '.join(SERVICES)}, "
                    "joined by commas"
                )
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise _out_of_range(name, getattr(self, name))
        scale_to_load(
            self.arrivals,
            self.requests,
            self.load,
            [1.0] * len(self.services),
            map_services(self.arrivals, self.services),
        )  # it can be
        return self

    @staticmethod
    def from_text(texts: Mapping[str, str]) -> Scenario:
        """A scenario from knobs as they stand on a command line; those left out have their defaults.

        Raises:
            ScenarioError: what should be a number is none.
        """
        default = Scenario()
        values: dict[str, Any] = {}
        for knob in fields(Scenario):
            if knob.name in texts:
                try:
                    values[knob.name] = type(getattr(default, knob.name))(texts[knob.name])
                except ValueError:
                    raise _out_of_range(knob.name, texts[knob.name]) from None
        return Scenario(**values)

    @cached_property
    def arrivals(self) -> Trace:
        """The trace; a relative file name is looked for in the current folder, then among the files that come with the
        models.
        """
        name = self.trace
        if not is_spec(name) and not Path(name).exists() and (HOME / name).exists():
            name = str(HOME / name)
        return open_trace(name, self.requests, self.seed)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def load_file(path: Path) -> Scenario:
        return Scenario(**json.loads(path.read_text(encoding="utf-8")))

    def changed(self, **values: str | float) -> Scenario:
        changes: dict[str, Any] = dict(values)
        return replace(self, **changes)

    def command(self) -> str:
        """One line that reproduces this run when it is put into a shell."""
        default = Scenario()
        values = {k: v for k, v in asdict(self).items() if v != getattr(default, k)} | {"seed": self.seed}
        return make_call("sim", **{k.upper(): v for k, v in values.items()})
