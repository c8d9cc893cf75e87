"""Builds and runs the bench of the policy block."""

from verif.lib.sim import run_block


def test_policy() -> None:
    """All policies."""
    run_block(__file__)
