"""Builds and runs the bench of the responder."""

import pytest

from verif.lib.sim import run_block

CORES = {
    "tiny": {"L": 4, "N": 4, "C_INF": 2, "TX_LINES": 4},
    "default": {"L": 16, "N": 8, "C_INF": 2, "TX_LINES": 4},
    "large": {"L": 32, "N": 16, "C_INF": 2, "TX_LINES": 4},
    "one": {"L": 4, "N": 1, "C_INF": 2, "TX_LINES": 4},
    "odd": {"L": 4, "N": 4, "C_INF": 4, "TX_LINES": 3},
}


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=pytest.mark.nightly if core == "large" else ()) for core in CORES]
)
def test_responder(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core])
