"""Builds and runs the bench of the front end."""

import pytest

from equinox_core.hw.pairwise import cores, singles
from verif.lib.sim import run_block

FACTORS = ("N", "C_INF", "C_TRN", "SERVICES", "IMEM_DEPTH", "RX_SLOTS")
CORES = {
    "tiny": {"CTX": 3, "C_INF": 2, "N": 4, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "default": {"CTX": 3, "C_INF": 2, "N": 8, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "large": {"CTX": 3, "C_INF": 2, "N": 16, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "deepest": {"CTX": 3, "C_INF": 2, "N": 4, "SERVICES": 4, "IMEM_DEPTH": 65536, "RX_SLOTS": 1024},
    "odd": {"CTX": 5, "C_INF": 3, "N": 4, "SERVICES": 3, "IMEM_DEPTH": 300, "RX_SLOTS": 20},
}
SHORT = "runs_random_programs|exact_latencies|drains|runs_out_of_memory"


def sized(core: dict[str, int]) -> dict[str, int]:
    """Parameters of the bench for a core of the table."""
    sizes = {name: core[name] for name in FACTORS if name != "C_TRN"}
    return {**sizes, "CTX": core["C_INF"] + core["C_TRN"]}


def name(core: dict[str, int]) -> str:
    """A core of the table as a test's id."""
    return "-".join(f"{n}{core[n]}" for n in FACTORS)


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=() if core == "tiny" else pytest.mark.nightly) for core in CORES]
)
def test_frontend(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core], test_filter=r"bench_frontend\.")


@pytest.mark.parametrize(
    "core",
    [pytest.param(core, marks=pytest.mark.nightly if core["N"] in (16, 32) else ()) for core in singles(FACTORS)],
    ids=name,
)
def test_frontend_cores(core: dict[str, int]) -> None:
    """Every level of every parameter: random programs, drains, and what is beyond the memories."""
    run_block(__file__, params=sized(core), test_filter=SHORT, opt="-O0")


@pytest.mark.nightly
@pytest.mark.parametrize("core", [c for c in cores(FACTORS) if c not in singles(FACTORS)], ids=name)
def test_frontend_pairs(core: dict[str, int]) -> None:
    """Every pair of levels."""
    run_block(
        __file__, params=sized(core), test_filter=f"{SHORT}|unit_errors|bench_frontend.kills", opt="-O0", timeout=900
    )


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
