"""Builds and runs the bench of the MMU."""

from __future__ import annotations

import pytest

from equinox_core.hw.pairwise import RATIO, cores, singles
from verif.lib.sim import run_block

TINY = {"N": 4, "M": 1, "W": 2}
DEFAULT = {"N": 8, "M": 2, "W": 4}
LARGE = {"N": 16, "M": 2, "W": 4}
DEPTHS = ("ACTC_DEPTH", "ACTD_DEPTH", "WGTC_DEPTH", "WGTD_DEPTH", "ACC_DEPTH")
ROOMY = {"ACTC_DEPTH": 512, "ACTD_DEPTH": 512, "WGTC_DEPTH": 512, "WGTD_DEPTH": 1024, "ACC_DEPTH": 512}
FACTORS = ("N", "M", RATIO, "C_INF", "C_TRN", *DEPTHS)
DEEP = 4096  # lines of the accumulator from which on a phase takes long
MOST = 128  # multiply-accumulates a cycle of what the default tests build
ANY_SIZE = "programs|special|inference|kills|bench_mmu.errors|edges_of|bounds"
"""All but the tests of rates, which need room, and where N is less than the adder's time, rows wait for it."""


def _of_core(core: dict[str, int]) -> dict[str, int]:
    """The parameters of the bench's top for a core."""
    own = {name: core[name] for name in ("N", "M", "W", "C_INF", *DEPTHS)}
    return {**own, "CTX": core["C_INF"] + core["C_TRN"]}


def _rows(table: tuple[dict[str, int], ...], most: int) -> list[object]:
    """Cases of pytest, one a core; those of more than ``most`` multiply-accumulates are nightly."""
    out = []
    for core in table:
        # the deepest memories are in the sweep of fields, too
        nightly = core["M"] * core["W"] * core["N"] ** 2 > most or core["ACC_DEPTH"] > DEEP
        name = f"N{core['N']}-M{core['M']}-W{core['W']}-C{core['C_INF']}+{core['C_TRN']}-{core['ACC_DEPTH']}"
        out.append(pytest.param(_of_core(core), id=name, marks=[pytest.mark.nightly] if nightly else []))
    return out


@pytest.mark.parametrize(
    ("size", "seeds"),
    [pytest.param(TINY, [1], id="tiny"), pytest.param(DEFAULT, [1], id="default", marks=pytest.mark.nightly)],
)
def test_mmu(size: dict[str, int], seeds: list[int]) -> None:
    # few cycles: building costs more than simulating
    tests = r"^(?!.*(bench_mmu_fields\.fields|look_alike))"
    run_block(__file__, params={**size, **ROOMY}, seeds=seeds, test_filter=tests, opt="-O0", timeout=900)


@pytest.mark.parametrize("core", _rows(singles(FACTORS), MOST))
def test_mmu_sizes(core: dict[str, int]) -> None:
    """Every level of every parameter that the unit has."""
    tests = "mixed_programs|bench_mmu.errors|bounds" if core["ACC_DEPTH"] > DEEP else ANY_SIZE
    run_block(__file__, params=core, test_filter=tests, opt="-O0", timeout=900)


@pytest.mark.nightly
@pytest.mark.parametrize("core", _rows(cores(FACTORS, 1024), 0))
def test_mmu_pairs_of_sizes(core: dict[str, int]) -> None:
    """Every pair of levels of two parameters, of cores that are soon built."""
    tests = "mixed_programs|bounds" if core["ACC_DEPTH"] > DEEP else "mixed_programs|special|bench_mmu.errors|bounds"
    run_block(__file__, params=core, test_filter=tests, opt="-O0", timeout=900)


def test_mmu_fields() -> None:
    """Every class of every field, in memories of the greatest depth. M = 2: weights have to be aligned."""
    params = {"N": 2, "M": 2, "W": 2, "CTX": 2, "C_INF": 1, **dict.fromkeys(DEPTHS, 65536)}
    run_block(__file__, params=params, test_filter="bench_mmu_fields", opt="-O0", timeout=600)


@pytest.mark.nightly
def test_mmu_large() -> None:
    run_block(__file__, params={**LARGE, **ROOMY}, seeds=[1], test_filter="mixed_programs|utilisation", opt="-O0")


@pytest.mark.nightly
def test_mmu_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    run_block(
        __file__,
        params={**TINY, **dict.fromkeys(DEPTHS, 65536)},
        seeds=[1],
        test_filter="mixed_programs|bench_mmu.errors|bounds",
        opt="-O0",
    )
