"""Configurations that try every pair of parameter values: a covering table, computed from ranges and rules.

A *level* is one choice for one parameter: a value (``N`` = 8), or a place in what is legal beside the others
(``least``, ``odd``, ``greatest`` of a depth). Two levels of two parameters are a *pair*; :func:`cores` returns few
configurations in which every pair that the rules allow occurs, :func:`singles` fewer in which every level occurs.
Both are deterministic: the same parameters give the same table.

The method is the greedy one of AETG (Cohen, Dalal, Fredman, Patton: The AETG system, IEEE Transactions on Software
Engineering 23(7), 1997), except that ties go to the smaller core instead of to chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations, product
from typing import Any

from .params import CONSTANTS, CORE, RULES

MOST_MACS = 8192
"""Multiply-accumulates a cycle of the largest core in a table."""

RATIO = "W/M"
"""The level of W is how many times M it is, so that the rule W >= M leaves no level out."""

PLACES = ("least", "odd", "greatest")
SHAPE = ("N", "M", RATIO, "C_INF", "C_TRN")
"""What rules tie together. The levels of the others are legal beside each of these."""

Level = Any
Levels = Mapping[str, Level]
Goal = tuple[tuple[str, Level], ...]


def macs(values: Mapping[str, int]) -> int:
    """Multiply-accumulates a cycle."""
    return values["M"] * values["N"] ** 2 * values["W"]


@cache
def factors(most_macs: int = MOST_MACS) -> dict[str, tuple[Level, ...]]:
    """Every parameter of the core (W as :data:`RATIO`) with its levels; of those in SHAPE the ones that a core of at
    most so many MACs can have.
    """
    out: dict[str, tuple[Level, ...]] = {}
    for name, legal in CORE.items():
        factor = RATIO if name == "W" else name
        if factor in SHAPE:
            out[factor] = tuple(sorted({shape[factor] for shape in _shapes(most_macs)}))
        else:
            out[factor] = tuple(range(legal.low, legal.high + 1)) if legal.high <= 8 else PLACES
    return out


_RULES = tuple(
    (code, set(code.co_names) - {"min", *CONSTANTS}) for code in (compile(r.holds, r.subject, "eval") for r in RULES)
)


def _legal(name: str, value: int, values: Mapping[str, int]) -> bool:
    """Whether a value is legal beside those given; rules that need others are left for later."""
    if not CORE[name].allows(value):
        return False
    known = {**values, name: value}
    scope = {"__builtins__": {"min": min}, **CONSTANTS, **known}
    return all(
        eval(code, scope)  # noqa: S307 - texts of params.py
        for code, needs in _RULES
        if name in needs and needs <= known.keys()
    )


def _place(name: str, place: Level, values: Mapping[str, int]) -> int:
    """The least, an odd, or the greatest legal value beside those given. Odd: not a power of two where that may be."""
    low, high = CORE[name].low, CORE[name].high
    least = next(v for v in range(low, high + 1) if _legal(name, v, values))
    if place == "least":
        return least
    greatest = next(v for v in range(high, low - 1, -1) if _legal(name, v, values))
    if place == "greatest":
        return greatest
    if CORE[name].power:
        return 2 * least if 2 * least <= greatest else least
    step = next((v for v in range(least + 1, greatest + 1) if _legal(name, v, values)), least) - least
    for times in (9, 5, 3, 1):
        value = least // max(step, 1) * step + times * step
        value += step * (value // max(step, 1) % 2 == 0)
        if least < value <= greatest and _legal(name, value, values) and value & (value - 1):
            return value
    return greatest


def values_of(levels: Levels) -> dict[str, int]:
    """The parameters of a core with the given levels, all of :func:`factors`.

    Raises:
        ValueError: the levels are not legal together.
    """
    out: dict[str, int] = {}
    for name in CORE:
        level = int(levels["M"]) * int(levels[RATIO]) if name == "W" else levels[name]
        value = level if isinstance(level, int) else _place(name, level, out)
        if not _legal(name, value, out):
            raise ValueError(f"{name} = {value} is not legal beside {out}")
        out[name] = value
    return out


@cache
def _shapes(most_macs: int) -> tuple[dict[str, Level], ...]:
    """What may stand in :data:`SHAPE` together, the smallest core first."""
    found = []
    most = most_macs.bit_length()
    powers = [1 << n for n in range(most)]
    contexts = [range(CORE[n].low, CORE[n].high + 1) for n in ("C_INF", "C_TRN")]
    for n, m, ratio, c_inf, c_trn in product(powers, powers, powers, *contexts):
        values: dict[str, int] = {}
        for name, value in {"N": n, "M": m, "W": m * ratio, "C_INF": c_inf, "C_TRN": c_trn}.items():
            if not _legal(name, value, values):
                break
            values[name] = value
        else:
            if macs(values) <= most_macs:
                found.append((macs(values), dict(zip(SHAPE, (n, m, ratio, c_inf, c_trn), strict=True))))
    return tuple(dict(shape) for _, shape in sorted(found, key=lambda f: (f[0], *f[1].values())))


def _goals(names: list[str], size: int, most_macs: int) -> set[Goal]:
    """Every choice of ``size`` levels of the named factors that a core can have."""
    levels = factors(most_macs)
    out: set[Goal] = set()
    for some in combinations(names, size):
        shaped, free = [n for n in some if n in SHAPE], [n for n in some if n not in SHAPE]
        held = {tuple((n, shape[n]) for n in shaped) for shape in _shapes(most_macs)}
        out |= {
            h + tuple(zip(free, choice, strict=True)) for h in held for choice in product(*(levels[n] for n in free))
        }
    return out


def all_pairs(of: Iterable[str] = (), most_macs: int = MOST_MACS) -> set[Goal]:
    """Every pair of levels of the named factors (none: all) that a core of at most so many MACs can have."""
    return _goals(_ordered(of), 2, most_macs)


def _ordered(of: Iterable[str]) -> list[str]:
    """The named factors in the order of the parameters, those that rules tie together first."""
    known = sorted(factors(), key=lambda n: n not in SHAPE)
    wanted = set(of) or set(known)
    unknown = sorted(wanted - set(known))
    if unknown:
        raise ValueError(f"unknown factor {unknown[0]} (has {', '.join(known)})")
    return [name for name in known if name in wanted]


@cache
def _table(names: tuple[str, ...], size: int, most_macs: int) -> tuple[dict[str, int], ...]:
    """Rows until every goal is met: the shape that meets most, then for each parameter the level that meets most."""
    levels = factors(most_macs)
    left = _goals(list(names), size, most_macs)
    place = {name: at for at, name in enumerate(names)}

    def met(row: Levels, done: list[str]) -> int:
        """How many goals the level chosen last meets, with those chosen before."""
        *before, last = done
        some = combinations(before, size - 1)
        return sum(tuple((n, row[n]) for n in sorted((*b, last), key=place.__getitem__)) in left for b in some)

    shaped = [n for n in names if n in SHAPE]

    def met_by_shape(shape: Levels) -> int:
        return sum(met(shape, shaped[: k + 1]) for k in range(len(shaped)))

    rows = []
    while left:
        best: Levels = max(_shapes(most_macs), key=met_by_shape)
        row = dict(best)
        done = list(shaped)
        if not met_by_shape(row):  # what is left has one that is free
            wanted = dict(min(left, key=str))
            row = dict(next(s for s in _shapes(most_macs) if all(s[n] == v for n, v in wanted.items() if n in SHAPE)))
            done += [n for n in wanted if n not in SHAPE]
            row.update(wanted)
        for name in (n for n in names if n not in done):
            done.append(name)
            row[name] = max(levels[name], key=lambda v: met({**row, name: v}, done))
        left -= {tuple((n, row[n]) for n in some) for some in combinations(names, size)}
        rows.append({name: row.get(name, choice[0]) for name, choice in levels.items()})
    return tuple(values_of(row) for row in rows)


def cores(of: Iterable[str] = (), most_macs: int = MOST_MACS) -> tuple[dict[str, int], ...]:
    """Legal parameters of cores in which every pair of levels of the named factors occurs (none named: all).

    Factors that are not named have their first level: the least.
    """
    return tuple(dict(row) for row in _table(tuple(_ordered(of)), 2, most_macs))


def singles(of: Iterable[str] = (), most_macs: int = MOST_MACS) -> tuple[dict[str, int], ...]:
    """As :func:`cores`, in which every single level occurs."""
    return tuple(dict(row) for row in _table(tuple(_ordered(of)), 1, most_macs))


def name_of(core: Mapping[str, int]) -> str:
    """A row's name: its sizes and contexts, which no other row of a table of all parameters has together."""
    return "-".join(f"{core[name]}" for name in ("N", "M", "W", "C_INF", "C_TRN", "SERVICES"))
