"""Builds and runs the bench of the systolic array."""

from __future__ import annotations

import pytest

from verif.lib.sim import run_block


@pytest.mark.parametrize("size", [(2, 4), (4, 1), (4, 2), (8, 4)], ids=str)
def test_systolic_array(size: tuple[int, int]) -> None:
    run_block(__file__, params={"N": size[0], "W": size[1]}, seeds=[1, 2])
