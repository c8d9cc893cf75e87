"""Builds and runs the bench of what a context keeps of its batch."""

from verif.lib.sim import run_block


def test_batch_store() -> None:
    """The largest batch and the most slots."""
    run_block(__file__, params={"N": 128, "RX_SLOTS": 1024}, public=[("eqx_batch_store", "left_q")], opt="-O0")
