"""Builds and runs the bench of the performance counters."""

from verif.lib.sim import run_block


def test_perf_counters() -> None:
    """The counters of cores with two, three and four contexts, side by side."""
    run_block(__file__, opt="-O0")
