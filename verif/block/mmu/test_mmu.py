"""Builds and runs the bench of the MMU."""

from __future__ import annotations

import pytest

from verif.lib.sim import run_block

TINY = {"N": 4, "M": 1, "W": 2}
DEFAULT = {"N": 8, "M": 2, "W": 4}
LARGE = {"N": 16, "M": 2, "W": 4}
ONE, TWO = {"N": 1, "M": 4, "W": 4}, {"N": 2, "M": 2, "W": 4}
ROOMY = {"ACTC_DEPTH": 512, "ACTD_DEPTH": 512, "WGTC_DEPTH": 512, "WGTD_DEPTH": 1024, "ACC_DEPTH": 512}


@pytest.mark.parametrize(("size", "seeds"), [(TINY, [1, 2]), (DEFAULT, [1])], ids=["tiny", "default"])
def test_mmu(size: dict[str, int], seeds: list[int]) -> None:
    run_block(
        __file__, params={**size, **ROOMY}, seeds=seeds, opt="-O0"
    )  # few cycles: building costs more than simulating


@pytest.mark.parametrize("size", [ONE, pytest.param(TWO, marks=pytest.mark.nightly)], ids=["one", "two"])
def test_mmu_smallest(size: dict[str, int]) -> None:
    """All but the tests of rates: where N is less than the adder's time, rows wait for it."""
    run_block(__file__, params={**size, **ROOMY}, test_filter="programs|special|inference|kills|errors", opt="-O0")


def test_mmu_fields() -> None:
    """Every class of every field, in memories of the greatest depth. M = 2: weights have to be aligned."""
    params = {"N": 2, "M": 2, "W": 2, "CTX": 2, "C_INF": 1, **dict.fromkeys(ROOMY, 65536)}
    run_block(__file__, params=params, test_filter="bench_mmu_fields", opt="-O0")


@pytest.mark.nightly
def test_mmu_large() -> None:
    run_block(__file__, params={**LARGE, **ROOMY}, seeds=[1], test_filter="mixed_programs|utilisation", opt="-O0")


@pytest.mark.nightly
def test_mmu_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    depths = dict.fromkeys(ROOMY, 65536)
    run_block(__file__, params={**TINY, **depths}, seeds=[1], test_filter="mixed_programs|errors", opt="-O0")
