"""Runs the bench of the AXI protocol checker."""

from verif.lib.sim import run_block


def test_axi_checker() -> None:
    run_block(__file__, params={"K": 8})
