"""Builds and runs the bench of the semaphores."""

from verif.lib.sim import run_block


def test_semaphores() -> None:
    """Random tokens, from all units at once, up to overflow."""
    run_block(__file__)
