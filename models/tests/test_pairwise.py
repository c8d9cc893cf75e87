"""The covering table: every pair and every level that the rules allow occurs, in legal cores only."""

from __future__ import annotations

from itertools import combinations

import pytest

from equinox_core.config import load_config
from equinox_core.hw.pairwise import RATIO, all_pairs, cores, factors, macs, singles
from equinox_core.hw.params import CORE, problem

ALL = list(factors())


def _choices(row: dict[str, int]) -> dict[str, int]:
    return row | {RATIO: row["W"] // row["M"]}


def _tried(rows: tuple[dict[str, int], ...], a: str, b: str) -> set[tuple[int, int]]:
    return {(_choices(row)[a], _choices(row)[b]) for row in rows}


def _legal(values: dict[str, int]) -> bool:
    dram = {"LATENCY": 1, "GAP": 0, "BYTES": 1 << 20}
    return problem({**values, **dram}) is None


def test_rows_are_legal_and_small() -> None:
    for row in (*cores(), *singles()):
        assert list(row) == list(CORE)
        assert _legal(row), row
        assert macs(row) <= 8192
    load_config("tiny").changed(**cores()[0])


def test_pairs_of_sizes() -> None:
    """All values of two sizes that any core has, found here by trying every core."""
    rows = cores()
    base = {**rows[0], "QUEUE_DEPTH": 64, "RX_SLOTS": 64, "WGTC_DEPTH": 65536, "WGTD_DEPTH": 65536}
    powers = [1 << n for n in range(8)]
    found: dict[tuple[str, str], set[tuple[int, int]]] = {}
    for n in powers:
        for m in powers:
            for w in powers:
                values = {**base, "N": n, "M": m, "W": w}
                if macs(values) <= 8192 and _legal(values):
                    own = _choices(values)
                    for a, b in combinations(("N", "M", RATIO), 2):
                        found.setdefault((a, b), set()).add((own[a], own[b]))
    for (a, b), pairs in found.items():
        assert _tried(rows, a, b) == pairs


def test_pairs_of_contexts_and_depths() -> None:
    rows = cores()
    assert _tried(rows, "C_INF", "C_TRN") == {(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)}
    assert _tried(rows, "SERVICES", "C_INF") >= {(s, c) for s in (1, 2, 3, 4) for c in (1, 2, 3)}
    assert {(64, 64), (64, 65536), (65536, 64), (65536, 65536)} <= _tried(rows, "ACC_DEPTH", "VEC_DEPTH")
    odd = {a for a, b in _tried(rows, "ACC_DEPTH", "VEC_DEPTH") if a & (a - 1)}
    assert len(odd) == 1 and odd.pop() % 2 == 1
    for row in rows:
        assert row["WGTC_DEPTH"] % (row["M"] * row["N"]) == 0


def test_the_count_of_pairs() -> None:
    """Worked out by hand for two factors that no rule ties, and two that one does."""
    assert len(all_pairs(["SERVICES", "IMEM_DEPTH"])) == 4 * 3
    assert len(all_pairs(["C_INF", "C_TRN"])) == 6
    assert len(cores(["SERVICES", "IMEM_DEPTH"])) == 12


def test_single_levels() -> None:
    rows = [_choices(row) for row in singles()]
    assert {r["N"] for r in rows} == {1, 2, 4, 8, 16, 32, 64}
    assert {r["M"] for r in rows} == {1, 2, 4, 8, 16, 32, 64}
    assert {r[RATIO] for r in rows} == {1, 2, 4, 8, 16, 32, 64, 128}
    assert {r["SERVICES"] for r in rows} == {1, 2, 3, 4}
    for name in ("IMEM_DEPTH", "ACC_DEPTH", "QUEUE_DEPTH", "RX_LINES"):
        values = {r[name] for r in rows}
        assert {CORE[name].low, CORE[name].high} - values <= {255}, name  # RX_LINES: what RX_SLOTS leaves
        assert any(CORE[name].low < v < CORE[name].high for v in values), name
    assert len(rows) < 15


def test_the_same_each_time() -> None:
    before = cores(["N", "M", "C_INF"])
    before[0]["N"] = 0  # a copy
    assert cores(["C_INF", "M", "N"])[0]["N"] == 1


def test_an_unknown_factor() -> None:
    with pytest.raises(ValueError, match="unknown factor K"):
        cores(["K"])
    assert ALL[:3] == ["N", "M", RATIO]
