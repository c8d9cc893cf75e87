"""Builds and runs the bench of the systolic array."""

from __future__ import annotations

import pytest

from equinox_core.hw.pairwise import RATIO, singles
from verif.lib.sim import run_block

MOST = 64  # PEs' products of what the default tests build


def _sizes() -> list[object]:
    """(N, W) in which each edge of an array and each number of products of a PE occurs; large ones are nightly."""
    sizes = sorted({(core["N"], core["W"]) for core in singles(["N", "M", RATIO])}, key=lambda s: s[0] ** 2 * s[1])
    large = [pytest.mark.nightly]
    return [pytest.param(s, id=str(s), marks=large if s[0] ** 2 * s[1] > MOST else []) for s in sizes]


@pytest.mark.parametrize("size", _sizes())
def test_systolic_array(size: tuple[int, int]) -> None:
    run_block(__file__, params={"N": size[0], "W": size[1]}, seeds=[1, 2], opt="-O0")
