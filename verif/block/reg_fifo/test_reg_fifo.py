"""Builds and runs the bench of the FIFO in registers."""

import pytest

from verif.lib.sim import run_block


@pytest.mark.parametrize("depth", [2, 8])
def test_reg_fifo(depth: int) -> None:
    run_block(__file__, params={"DEPTH": depth})
