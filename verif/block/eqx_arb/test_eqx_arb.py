"""Builds and runs the bench of the context arbiter."""

from verif.lib.sim import run_block


def test_eqx_arb() -> None:
    """Several mixes of contexts side by side."""
    run_block(__file__, seeds=[1, 2])
