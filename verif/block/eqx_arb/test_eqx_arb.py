"""Builds and runs the bench of the context arbiter."""

import pytest

from verif.lib.sim import run_block


@pytest.mark.parametrize(("ctx", "c_inf", "fault"), [(3, 2, 0), (2, 1, 0), (2, 2, 0), (5, 3, 0), (3, 2, 1)])
def test_eqx_arb(ctx: int, c_inf: int, fault: int) -> None:
    """Several mixes of contexts; the last with a planted fault that must be noticed."""
    run_block(__file__, params={"CTX": ctx, "C_INF": c_inf, "FAULT": fault})
