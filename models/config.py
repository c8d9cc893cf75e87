"""Configuration of a core: the parameters of ``rtl/equinox_core.sv`` and of its DRAM, read from ``configs/*.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

CONFIG_DIR = Path(__file__).resolve().parent.parent / "configs"

_POWER = "a power of two"


@dataclass(frozen=True)
class _Rule:
    """Legal values of one key: a range and, where ``power``, powers of two only."""

    low: int
    high: int
    power: bool = False

    def allows(self, value: int) -> bool:
        return self.low <= value <= self.high and (not self.power or value & (value - 1) == 0)

    def __str__(self) -> str:
        return f"{_POWER + ' in ' if self.power else ''}{self.low}..{self.high}"


_BUFFER = _Rule(64, 65536)
CORE_RULES: dict[str, _Rule] = {
    "N": _Rule(4, 32, True),
    "M": _Rule(1, 32, True),
    "W": _Rule(1, 32, True),
    "C_INF": _Rule(1, 3),
    "C_TRN": _Rule(1, 3),
    "SERVICES": _Rule(1, 4),
    "QUEUE_DEPTH": _Rule(2, 4096),
    "RX_SLOTS": _Rule(4, 1024),
    "RX_LINES": _Rule(1, 255),
    "TX_LINES": _Rule(1, 255),
    "IMEM_DEPTH": _Rule(16, 65536),
    "ACTC_DEPTH": _BUFFER,
    "ACTD_DEPTH": _BUFFER,
    "WGTC_DEPTH": _BUFFER,
    "WGTD_DEPTH": _BUFFER,
    "VEC_DEPTH": _BUFFER,
    "ACC_DEPTH": _BUFFER,
    "STG_DEPTH": _BUFFER,
    "SOF_DEPTH": _BUFFER,
    "SOB_DEPTH": _BUFFER,
}
DRAM_RULES: dict[str, _Rule] = {
    "LATENCY": _Rule(1, 100000),
    "GAP": _Rule(0, 1000),
    "BYTES": _Rule(4096, 1 << 32),
}
_TABLES = {"core": CORE_RULES, "dram": DRAM_RULES}


@dataclass(frozen=True)
class Config:
    """Parameters of a core; the names are those of ``rtl/equinox_core.sv``, depths in blocks or lines.

    ``LATENCY`` (cycles), ``GAP`` (cycles between beats) and ``BYTES`` describe the DRAM. Build it with
    :func:`load_config`, or :meth:`changed` for a variant; both check the legal ranges.
    """

    N: int
    M: int
    W: int
    C_INF: int
    C_TRN: int
    SERVICES: int
    QUEUE_DEPTH: int
    RX_SLOTS: int
    RX_LINES: int
    TX_LINES: int
    IMEM_DEPTH: int
    ACTC_DEPTH: int
    ACTD_DEPTH: int
    WGTC_DEPTH: int
    WGTD_DEPTH: int
    VEC_DEPTH: int
    ACC_DEPTH: int
    STG_DEPTH: int
    SOF_DEPTH: int
    SOB_DEPTH: int
    LATENCY: int
    GAP: int
    BYTES: int
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
    def CTX(self) -> int:  # noqa: N802
        """Contexts: inference first, then training."""
        return self.C_INF + self.C_TRN

    @property
    def macs(self) -> int:
        """Multiply-accumulates a cycle."""
        return self.M * self.N * self.N * self.W

    def params(self) -> dict[str, int]:
        """Parameters of ``equinox_core`` (the ``[core]`` table)."""
        return {key: getattr(self, key) for key in CORE_RULES}

    def changed(self, **values: int) -> Config:
        """A copy with other values of the named parameters, checked."""
        unknown = sorted(set(values) - set(CORE_RULES) - set(DRAM_RULES))
        if unknown:
            raise ValueError(f"{self.name}: unknown parameter {unknown[0]} (has {', '.join((*CORE_RULES, *DRAM_RULES))})")
        other = replace(self, **values)
        _check(other, self.name)
        return other


def _check(cfg: Config, where: str) -> None:
    for table, rules in _TABLES.items():
        for key, rule in rules.items():
            value = getattr(cfg, key)
            if not rule.allows(value):
                raise ValueError(f"{where}: [{table}] {key} = {value}: legal is {rule}")
    ratios = (cfg.M, 2 * cfg.M, 4 * cfg.M)
    if cfg.W not in ratios:
        raise ValueError(f"{where}: [core] W = {cfg.W}: legal is M, 2·M or 4·M, one of {ratios} for M = {cfg.M}")
    if cfg.K > 128:
        most = 128 // cfg.N
        raise ValueError(f"{where}: [core] W = {cfg.W}: legal is at most {most} for N = {cfg.N} (N·W, the bus width in bytes, is at most 128)")
    if cfg.CTX > 4:
        raise ValueError(f"{where}: [core] C_TRN = {cfg.C_TRN}: legal is 1..{4 - cfg.C_INF} for C_INF = {cfg.C_INF} (4 in all)")
    if cfg.RX_SLOTS < cfg.N:
        raise ValueError(f"{where}: [core] RX_SLOTS = {cfg.RX_SLOTS}: legal is N = {cfg.N} or more, so that a full batch fits")
    for key in ("WGTC_DEPTH", "WGTD_DEPTH"):
        if getattr(cfg, key) % cfg.L:
            raise ValueError(f"{where}: [core] {key} = {getattr(cfg, key)}: legal is a multiple of M·N = {cfg.L}")
    if cfg.BYTES % cfg.K:
        raise ValueError(f"{where}: [dram] BYTES = {cfg.BYTES}: legal is a multiple of the bus width K = {cfg.K} bytes")


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
        if table not in _TABLES:
            raise ValueError(f"{where}: unknown table [{table}] (legal: {', '.join(f'[{t}]' for t in _TABLES)})")
    for table, rules in _TABLES.items():
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


assert {f.name for f in fields(Config)} == {*CORE_RULES, *DRAM_RULES, "name"}
