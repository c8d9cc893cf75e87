"""Builds and runs the bench of the responder."""

import pytest

from equinox_core.hw.pairwise import cores, singles
from equinox_core.hw.params import whole
from verif.lib.sim import run_block

FACTORS = ("N", "C_INF", "TX_LINES")
CORES = {
    "tiny": {"L": 4, "N": 4, "C_INF": 2, "TX_LINES": 4},
    "odd": {"L": 4, "N": 4, "C_INF": 4, "TX_LINES": 3},  # one context more than any core has
}
WIDE = {"L": 128, "N": 128, "C_INF": 2, "TX_LINES": 255}


def sizes(table: tuple[dict[str, int], ...]) -> dict[str, dict[str, int]]:
    """What the bench's top has of the parameters of each core, by a name."""
    found = {}
    for row in table:
        size = {name: whole(row)[name] for name in ("L", *FACTORS)}
        found[f"n{size['N']}-cinf{size['C_INF']}-txlines{size['TX_LINES']}"] = size
    return found


SINGLES, PAIRS = sizes(singles(FACTORS)), sizes(cores(FACTORS))


@pytest.mark.parametrize("core", CORES)
def test_responder(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core])


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=() if core in SINGLES else pytest.mark.nightly) for core in {**SINGLES, **PAIRS}]
)
def test_sizes(core: str) -> None:
    """The least, an odd and the greatest of each parameter, each pair of them at night."""
    size = {**SINGLES, **PAIRS}[core]
    several = "|one_service" if size["C_INF"] > 1 else ""  # else there is no order to keep
    run_block(__file__, params=size, test_filter=f"random|full_rate{several}", opt="-O0")


def test_fields() -> None:
    """Every value class of what a batch's end, its rows and an answer say."""
    run_block(__file__, params=WIDE, test_filter="fields$", opt="-O0")


@pytest.mark.nightly
def test_greatest() -> None:
    """Every line of the largest memory of responses."""
    run_block(__file__, params=WIDE, test_filter="greatest", timeout=900, opt="-O0")
