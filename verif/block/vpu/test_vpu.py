"""Builds and runs the bench of the VPU."""

from __future__ import annotations

import pytest

from equinox_core.hw.pairwise import RATIO, cores, macs, singles
from equinox_core.hw.params import whole
from verif.lib.sim import SimFailure, run_block

TINY = {"N": 4, "M": 1, "W": 2}
SQUARE = {"N": 4, "M": 2, "W": 2}  # K = L: a line is a block
DEFAULT = {"N": 8, "M": 2, "W": 4}
WIDE = {"N": 4, "M": 1, "W": 8}  # K = 8·L: of eight lines
ONE = {"N": 1, "M": 4, "W": 4}
LARGE = {"N": 16, "M": 2, "W": 4, "VEC_DEPTH": 1024, "SOF_DEPTH": 512}
DEPTHS = ("VEC_DEPTH", "ACC_DEPTH", "STG_DEPTH", "SOF_DEPTH", "ACTC_DEPTH", "WGTC_DEPTH", "SOB_DEPTH")

FACTORS = ("N", "M", RATIO, "C_INF", "C_TRN")
SOME = "random_programs.*mode=2|faults|kills|field_classes"


def params(core: dict[str, int]) -> dict[str, int]:
    """What the bench's top has of a core of the covering table."""
    known = whole(core)
    return {name: known[name] for name in ("N", "M", "W", "CTX", "C_INF")}


def label(core: dict[str, int]) -> str:
    """A core as a test's name shows it."""
    return "-".join(f"{name.lower()}{value}" for name, value in params(core).items())


def nightly(size: dict[str, int]) -> object:
    """A size for the nightly tier."""
    return pytest.param(size, marks=pytest.mark.nightly)


@pytest.mark.parametrize("size", [TINY, nightly(DEFAULT)], ids=["tiny", "default"])
def test_own_lines_too_near(size: dict[str, int]) -> None:
    """A read of what the line T lines before wrote is seen by the RTL's assertion; one line further it is right
    (own_lines).
    """
    with pytest.raises(SimFailure, match="reads a VEC line that a line in flight is still to write"):
        run_block(__file__, params=size, test_filter="own_lines", env={"VPU_NEARER": "1"})


@pytest.mark.parametrize(
    "size", [TINY, nightly(SQUARE), DEFAULT, nightly(WIDE), ONE], ids=["tiny", "square", "default", "wide", "one"]
)
def test_vpu(size: dict[str, int]) -> None:
    run_block(__file__, params=size)


@pytest.mark.nightly
def test_vpu_large() -> None:
    run_block(__file__, params=LARGE, test_filter="random_programs.*mode=2|full_rate|completion_queue|own_lines")


@pytest.mark.nightly
def test_vpu_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    run_block(
        __file__,
        params={**TINY, **dict.fromkeys(DEPTHS, 65536), "RX_SLOTS": 1024, "RX_LINES": 64},
        test_filter="faults|random_programs.*mode=2",
    )


@pytest.mark.parametrize(
    "core",
    [pytest.param(core, marks=() if 32 <= macs(core) <= 512 else pytest.mark.nightly) for core in singles(FACTORS)],
    ids=label,
)
def test_vpu_sizes(core: dict[str, int]) -> None:
    """Every single size and split of contexts; what takes long to build, and what other tests have, at night."""
    run_block(__file__, params=params(core), test_filter=SOME, opt="-O0")


@pytest.mark.nightly
@pytest.mark.parametrize("core", cores(FACTORS), ids=label)
def test_vpu_pairs_of_sizes(core: dict[str, int]) -> None:
    """Every pair of them."""
    run_block(__file__, params=params(core), test_filter=SOME, opt="-O0")
