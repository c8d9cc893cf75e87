"""Configuration of a core: the parameters of :mod:`equinox_core.hw.params`, read from ``configs/*.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .files import HOME
from .hw.params import CORE, DRAM, MAX_BUS, TABLES, CoreParams, DramParams, problem

CONFIG_DIR = HOME / "configs"


@dataclass(frozen=True)
class Config(CoreParams, DramParams):
    """Parameters of a core and of its DRAM.

    Build it with :func:`load_config`, or :meth:`changed` for a variant; both check them.
    """

    name: str = "unnamed"

    @property
    def K(self) -> int:  # noqa: N802 - the name of the parameter
        """Block length: elements under one exponent."""
        return self.N * self.W

    @property
    def L(self) -> int:  # noqa: N802
        """Lanes of a line."""
        return self.M * self.N

    @property
    def BUS(self) -> int:  # noqa: N802
        """Bytes of a beat of the bus to DRAM."""
        return min(self.K, 4 * self.L, MAX_BUS)

    @property
    def CTX(self) -> int:  # noqa: N802
        """Contexts: inference first, then training."""
        return self.C_INF + self.C_TRN

    @property
    def macs(self) -> int:
        """Multiply-accumulates a cycle."""
        return self.M * self.N * self.N * self.W

    def params(self) -> dict[str, int]:
        """Parameters of ``equinox_core`` (the ``[core]`` table)."""
        return {key: getattr(self, key) for key in CORE}

    def changed(self, **values: int) -> Config:
        """A copy with other values of the named parameters, checked."""
        unknown = sorted(set(values) - set(CORE) - set(DRAM))
        if unknown:
            raise ValueError(f"{self.name}: unknown parameter {unknown[0]} (has {', '.join((*CORE, *DRAM))})")
        changes: dict[str, Any] = dict(values)
        other = replace(self, **changes)
        _check(other, self.name)
        return other


def _check(cfg: Config, where: str) -> None:
    wrong = problem({key: getattr(cfg, key) for table in TABLES.values() for key in table})
    if wrong:
        raise ValueError(f"{where}: {wrong}")


def load_config(source: str | Path) -> Config:
    """Read a configuration: a path, or the name of a file of ``configs/`` such as ``default``.

    Raises:
        ValueError: no such file, not TOML, a missing, unknown or ill-typed key, or an illegal value; one
            line with the file, the key and what is legal.
    """
    path = Path(source)
    if not path.suffix and not path.exists():
        path = CONFIG_DIR / f"{source}.toml"
    where = path.name
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        known = ", ".join(sorted(p.stem for p in CONFIG_DIR.glob("*.toml")))
        raise ValueError(f"{source}: no such configuration (configs/ has {known})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: not TOML ({error})") from None
    values: dict[str, int] = {}
    for table in tables:
        if table not in TABLES:
            raise ValueError(f"{where}: unknown table [{table}] (legal: {', '.join(f'[{t}]' for t in TABLES)})")
    for table, rules in TABLES.items():
        found = tables.get(table)
        if not isinstance(found, dict):
            raise ValueError(f"{where}: table [{table}] is missing")
        for key in found:
            if key not in rules:
                raise ValueError(f"{where}: [{table}] unknown key {key} (legal: {', '.join(rules)})")
        for key, rule in rules.items():
            if key not in found:
                raise ValueError(f"{where}: [{table}] {key} is missing: legal is {rule}")
            value = found[key]
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{where}: [{table}] {key} = {value!r}: legal is an integer, {rule}")
            values[key] = value
    cfg = Config(**values, name=path.stem)
    _check(cfg, where)
    return cfg
