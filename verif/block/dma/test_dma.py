"""Runs the bench of the DMA units."""

from typing import Any

import pytest

from equinox_core.hw.pairwise import RATIO, cores, singles
from verif.lib.sim import run_block

DEPTHS = ("ACTD_DEPTH", "WGTD_DEPTH", "STG_DEPTH", "SOB_DEPTH", "SOF_DEPTH")
FACTORS = ("N", "M", RATIO, "C_INF", "C_TRN", *DEPTHS)
SIZES = {"tiny": {"N": 4, "M": 1, "W": 2}, "default": {"N": 8, "M": 2, "W": 4}, "large": {"N": 16, "M": 2, "W": 4}}
# A line is two beats in all configurations, and a block is one. Here a line is one, four and eight, or a block is two
# (of the bus of a line), two (of AXI4's widest) and thirty-two.
BEATS = {
    "line-1": {"N": 4, "M": 1, "W": 4, "CTX": 2, "C_INF": 1},
    "line-4": {"N": 4, "M": 2, "W": 2, "CTX": 4},
    "block-2": {"N": 4, "M": 1, "W": 8},
    "block-2-line-8": {"N": 32, "M": 8, "W": 8, "CTX": 2, "C_INF": 1, "BYTES": 524288},
    "block-32": {"N": 4, "M": 1, "W": 128, "CTX": 2, "C_INF": 1, "BYTES": 1048576},
}
DEEPEST = dict.fromkeys(DEPTHS, 65536)
QUICK = ("block-2-line-8",)  # the bus is AXI4's widest in none of the table's; the others are for the nightly tier
FILES = ["+dram_dump=dump.bin", "+dram_load=load.bin"]


def sized(core: dict[str, int]) -> dict[str, int]:
    """Parameters of the bench for a core of the table, with a memory in which every stream has room for its runs."""
    ctx = core["C_INF"] + core["C_TRN"]
    word = max(core["N"] * core["W"], 4 * core["M"] * core["N"])  # bytes, of a block or a line
    bus = min(core["N"] * core["W"], 4 * core["M"] * core["N"], 128)
    longest = min(5 * bus, max(core[d] for d in DEPTHS) // ctx // 2)
    area = 4 * (longest * word + (longest // bus + 1) * bus)
    return {
        **{name: core[name] for name in ("N", "M", "W", "C_INF", *DEPTHS)},
        "CTX": ctx,
        "BYTES": max(65536, (2 * ctx * area + 4095) // 4096 * 4096),
    }


def name(core: dict[str, int]) -> str:
    """A core of the table as a test's id."""
    return "-".join(f"{n}{core[n]}" for n in ("N", "M", "W", "C_INF", "C_TRN", *DEPTHS[:3])).replace("_DEPTH", "")


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=() if size == "tiny" else pytest.mark.nightly) for size in SIZES]
)
def test_dma(size: str) -> None:
    """All tests, at the sizes of the shipped configurations."""
    run_block(__file__, params=SIZES[size], plusargs=FILES, test_filter=r"bench_dma(_watchdog)?\.")


def told_apart() -> list[Any]:
    """The table of single levels. Of N, M and W the units know K and L alone (docs/dma.md): cores that bring neither a
    depth, a number of contexts nor a K of hundreds are for the nightly tier.
    """
    rows, seen = [], set()
    for core in singles(FACTORS):
        brings = {(n, core[n]) for n in ("C_INF", "C_TRN", *DEPTHS)} | {("K", core["N"] * core["W"] > 500)}
        rows.append(pytest.param(core, marks=pytest.mark.nightly if brings <= seen else (), id=name(core)))
        seen |= brings
    return rows


@pytest.mark.parametrize("core", told_apart())
def test_dma_cores(core: dict[str, int]) -> None:
    """Every level of every parameter: data and cycles of random programs, and faulty instructions (of the deepest
    memories these are in the sweep of fields).
    """
    tests = "random_programs.*mode=2.*stall=30|every_cycle.*mode=1.*both|every_cycle_while|every_cycle_with_full"
    deepest = max(core[d] for d in DEPTHS) == DEEPEST["STG_DEPTH"]
    run_block(
        __file__, params=sized(core), plusargs=FILES, test_filter=tests if deepest else f"{tests}|faulty", opt="-O0"
    )


@pytest.mark.nightly
@pytest.mark.parametrize("core", [c for c in cores(FACTORS) if c not in singles(FACTORS)], ids=name)
def test_dma_pairs(core: dict[str, int]) -> None:
    """Every pair of levels."""
    run_block(
        __file__, params=sized(core), plusargs=FILES, test_filter="random|every_cycle|faulty", opt="-O0", timeout=900
    )


def test_dma_fields() -> None:
    """Every value class of every field, in memories of the greatest depth."""
    run_block(
        __file__,
        params={"N": 4, "M": 1, "W": 2, "CTX": 2, "C_INF": 1, "BYTES": 524288, **DEEPEST},
        plusargs=FILES,
        test_filter=r"bench_dma_(fields|events)\.",
        public=[("eqx_dma_watchdog", "waited_q")],
        opt="-O0",
        timeout=600,
    )


@pytest.mark.parametrize(
    "beats", [pytest.param(beats, marks=() if beats in QUICK else pytest.mark.nightly) for beats in BEATS]
)
def test_dma_beats(beats: str) -> None:
    """Shapes of blocks and lines in beats, few of which the table has."""
    run_block(
        __file__, params=BEATS[beats], plusargs=FILES, test_filter="random|every_cycle|one_beat|faulty", opt="-O0"
    )


@pytest.mark.nightly
def test_dma_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    run_block(
        __file__, params={**SIZES["tiny"], **DEEPEST}, plusargs=FILES, test_filter="faulty", opt="-O0", timeout=1800
    )
