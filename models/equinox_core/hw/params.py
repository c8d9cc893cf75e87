"""Parameters of a core and of its DRAM: names, legal values, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from string import Formatter
from typing import Any

INSTR_BITS = 384  # of an instruction word
MAX_CTX = 4  # contexts, of both kinds together: what registers and counters have room for
MAX_BUS = 128  # bytes of the bus to DRAM, an AXI4 data width of 1024 bits
MAX_BLOCK = 1024  # elements of a block: a sum of so many products is exact in fp32
MIN_LANES, MAX_LANES = 4, 1024  # lanes of a line; a request's header takes three of bf16
MAX_QUEUE = 4096  # waiting requests a service
MAX_WORDS = 65536  # words of a memory: addresses have 16 bits


@dataclass(frozen=True)
class Range:
    """Legal values of one parameter: a range and, where ``power``, powers of two only."""

    low: int
    high: int
    power: bool = False

    def allows(self, value: int) -> bool:
        """Whether a value is legal."""
        return self.low <= value <= self.high and (not self.power or value & (value - 1) == 0)

    def __str__(self) -> str:
        return f"{'a power of two in ' if self.power else ''}{self.low}..{self.high}"


def _param(low: int, high: int, meaning: str, *, power: bool = False) -> Any:
    return field(metadata={"range": Range(low, high, power), "meaning": meaning})


def _buffer(meaning: str) -> Any:
    return _param(64, MAX_WORDS, meaning)


@dataclass(frozen=True)
class CoreParams:
    """Parameters of ``rtl/equinox_core.sv``; depths in blocks, lines or instructions."""

    N: int = _param(1, 128, "edge of a systolic array, native batch", power=True)
    M: int = _param(1, 128, "arrays", power=True)
    W: int = _param(1, 128, "products a PE sums a cycle", power=True)
    C_INF: int = _param(1, MAX_CTX - 1, "inference contexts")
    C_TRN: int = _param(1, MAX_CTX - 1, "training contexts")
    SERVICES: int = _param(1, 4, "installable services")
    QUEUE_DEPTH: int = _param(4, MAX_QUEUE, "waiting requests a service", power=True)
    RX_SLOTS: int = _param(4, 1024, "request payload slots")
    RX_LINES: int = _param(1, 255, "lines a slot")
    TX_LINES: int = _param(1, 255, "response lines a row")
    IMEM_DEPTH: int = _param(16, MAX_WORDS, "instructions a unit")
    ACTC_DEPTH: int = _buffer("blocks of activations from the converter")
    ACTD_DEPTH: int = _buffer("blocks of activations from DRAM")
    WGTC_DEPTH: int = _buffer("blocks of weights from the converter")
    WGTD_DEPTH: int = _buffer("blocks of weights from DRAM")
    VEC_DEPTH: int = _buffer("lines of vectors, bf16")
    ACC_DEPTH: int = _buffer("lines of the accumulator, fp32")
    STG_DEPTH: int = _buffer("lines of staging from DRAM, fp32")
    SOF_DEPTH: int = _buffer("lines of staging to DRAM, fp32")
    SOB_DEPTH: int = _buffer("blocks of staging to DRAM")


@dataclass(frozen=True)
class DramParams:
    """Parameters of the DRAM beside a core."""

    LATENCY: int = _param(1, 100000, "cycles from an address to its first beat")
    GAP: int = _param(0, 1000, "idle cycles after each beat")
    BYTES: int = _param(4096, 1 << 31, "size in bytes")  # so a run beyond it fails before its address passes 2^32


def _ranges(params: type) -> dict[str, Range]:
    return {f.name: f.metadata["range"] for f in fields(params)}


def meanings(params: type) -> dict[str, str]:
    """What each parameter is."""
    return {f.name: f.metadata["meaning"] for f in fields(params)}


CORE = _ranges(CoreParams)
DRAM = _ranges(DramParams)
TABLES = {"core": CORE, "dram": DRAM}
CONSTANTS = {
    "MAX_CTX": MAX_CTX,
    "MAX_BUS": MAX_BUS,
    "MAX_BLOCK": MAX_BLOCK,
    "MIN_LANES": MIN_LANES,
    "MAX_LANES": MAX_LANES,
    "MAX_QUEUE": MAX_QUEUE,
    "MAX_WORDS": MAX_WORDS,
}


@dataclass(frozen=True)
class Rule:
    """A condition between parameters; where it does not hold, ``subject`` is what is wrong.

    ``holds`` is an expression over parameters and :data:`CONSTANTS` in integer arithmetic (``//`` divides,
    ``in`` is one of several).
    ``legal`` completes "legal is ..."; what stands in braces is such an expression.
    """

    subject: str
    holds: str
    legal: str


_BUS = "min(N * W, 4 * M * N, MAX_BUS)"
RULES = (
    Rule("W", "W >= M", "M = {M} or more, so that a block holds a line"),
    Rule("W", "N * W <= MAX_BLOCK", "at most {MAX_BLOCK // N} for N = {N} (N·W, a block, is at most {MAX_BLOCK})"),
    Rule("M", "M * N >= MIN_LANES", "{MIN_LANES // N} or more for N = {N} (M·N, the lanes, are at least {MIN_LANES})"),
    Rule("M", "M * N <= MAX_LANES", "at most {MAX_LANES // N} for N = {N} (M·N, the lanes, are at most {MAX_LANES})"),
    Rule("C_TRN", "C_INF + C_TRN <= MAX_CTX", "1..{MAX_CTX - C_INF} for C_INF = {C_INF} ({MAX_CTX} in all)"),
    Rule("RX_SLOTS", "RX_SLOTS >= N", "N = {N} or more, so that a full batch fits"),
    Rule("QUEUE_DEPTH", "QUEUE_DEPTH >= N", "a power of two in {N}..{MAX_QUEUE}, so that a full batch of N = {N} fits"),
    Rule(
        "RX_LINES",
        "RX_SLOTS * RX_LINES <= MAX_WORDS",
        "at most {MAX_WORDS // RX_SLOTS} for RX_SLOTS = {RX_SLOTS} ({MAX_WORDS} lines in all)",
    ),
    Rule(
        "TX_LINES",
        "C_INF * N * TX_LINES <= MAX_WORDS",
        "at most {MAX_WORDS // (C_INF * N)} for C_INF = {C_INF}, N = {N} ({MAX_WORDS} lines in all)",
    ),
    Rule("WGTC_DEPTH", "WGTC_DEPTH % (M * N) == 0", "a multiple of M·N = {M * N}"),
    Rule("WGTD_DEPTH", "WGTD_DEPTH % (M * N) == 0", "a multiple of M·N = {M * N}"),
    Rule("BYTES", f"BYTES % {_BUS} == 0", f"a multiple of {{{_BUS}}}, the bytes of a beat"),
)


@dataclass(frozen=True)
class Derived:
    """What follows from the parameters: ``value`` is an expression over them, as in a :class:`Rule`; ``clog2(x)`` is
    the bits of a number below x, ``min(x, ...)`` the least of several.
    """

    name: str
    value: str
    meaning: str


DERIVED = (
    Derived("K", "N * W", "block length"),
    Derived("L", "M * N", "lanes of a line"),
    Derived("BUS", _BUS, "bytes of the bus to DRAM: those of a block or of an fp32 line, at most AXI4's widest"),
    Derived("CTX", "C_INF + C_TRN", "contexts: inference first, then training"),
    Derived("BLKW", "8 * N * W + 8", "bits of a block"),
    Derived("SLOTW", "clog2(RX_SLOTS)", "bits of a payload slot's number"),
    Derived("RXB_DEPTH", "RX_SLOTS * RX_LINES", "lines of request payloads"),
    Derived("TXA_DEPTH", "N * TX_LINES", "lines of a context's responses"),
)


def clog2(value: int) -> int:
    """As ``$clog2``."""
    return (value - 1).bit_length()


def value_of(expression: str, values: Mapping[str, int]) -> int:
    """Value of a rule's expression."""
    known = {**CONSTANTS, **values, "clog2": clog2, "min": min}
    return int(eval(expression, {"__builtins__": {}}, known))  # noqa: S307 - texts of this file only


def whole(values: Mapping[str, int]) -> dict[str, int]:
    """The parameters of a core, and what follows from them."""
    core = {name: values[name] for name in CORE}
    return core | {d.name: value_of(d.value, core) for d in DERIVED}


def text_of(legal: str, values: Mapping[str, int]) -> str:
    """A rule's text for given values."""
    parts = [
        before + (str(value_of(expression, values)) if expression else "")
        for before, expression, *_ in Formatter().parse(legal)
    ]
    return "".join(parts)


def problem(values: Mapping[str, int]) -> str | None:
    """What is not legal of the values of all parameters: table, parameter, value and what is; None when all is well."""
    for table, ranges in TABLES.items():
        for name, legal in ranges.items():
            if not legal.allows(values[name]):
                return f"[{table}] {name} = {values[name]}: legal is {legal}"
    for rule in RULES:
        if not value_of(rule.holds, values):
            table = "core" if rule.subject in CORE else "dram"
            return f"[{table}] {rule.subject} = {values[rule.subject]}: legal is {text_of(rule.legal, values)}"
    return None
