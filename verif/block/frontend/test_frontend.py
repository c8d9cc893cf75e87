"""Builds and runs the bench of the front end."""

import pytest

from verif.lib.sim import run_block

CORES = {
    "tiny": {"CTX": 3, "C_INF": 2, "N": 4, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "default": {"CTX": 3, "C_INF": 2, "N": 8, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "large": {"CTX": 3, "C_INF": 2, "N": 16, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "deepest": {"CTX": 3, "C_INF": 2, "N": 4, "SERVICES": 4, "IMEM_DEPTH": 65536, "RX_SLOTS": 1024},
    "odd": {"CTX": 5, "C_INF": 3, "N": 4, "SERVICES": 3, "IMEM_DEPTH": 300, "RX_SLOTS": 20},
}


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=pytest.mark.nightly if core in ("large", "deepest") else ()) for core in CORES]
)
def test_frontend(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core], test_filter=r"bench_frontend\.")


def test_frontend_fields() -> None:
    """Every value class of every field, in the deepest memories (large counts come through a back door), and pairs of
    events at every distance.
    """
    run_block(
        __file__,
        params={"CTX": 2, "C_INF": 1, "N": 2, "SERVICES": 1, "IMEM_DEPTH": 65536, "RX_SLOTS": 4},
        test_filter=r"bench_frontend_(fields|events)\.",
        public=[("eqx_instr_stream", "iter*_q"), ("eqx_ctx_control", "steps_q")],
        opt="-O0",
    )
