"""Builds and runs the bench of the converter."""

from __future__ import annotations

import pytest

from verif.lib.sim import run_block


@pytest.mark.parametrize(
    ("lanes", "block"),
    [
        (4, 8),
        (8, 8),
        (16, 32),
        *(pytest.param(*size, marks=pytest.mark.nightly) for size in ((32, 64), (8, 32), (4, 32))),
    ],
)
def test_converter(lanes: int, block: int) -> None:
    run_block(__file__, params={"L": lanes, "K": block}, seeds=[1, 2])
