"""Runs the bench of the DMA units."""

import pytest

from verif.lib.sim import run_block

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
QUICK = ("line-1", "block-2-line-8")  # the others are for the nightly tier
DEEPEST = dict.fromkeys(("ACTD_DEPTH", "WGTD_DEPTH", "STG_DEPTH", "SOF_DEPTH", "SOB_DEPTH"), 65536)
FILES = ["+dram_dump=dump.bin", "+dram_load=load.bin"]


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=pytest.mark.nightly if size == "large" else ()) for size in SIZES]
)
def test_dma(size: str) -> None:
    run_block(__file__, params=SIZES[size], plusargs=FILES, test_filter=r"bench_dma(_watchdog)?\.")


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
    run_block(
        __file__, params=BEATS[beats], plusargs=FILES, test_filter="random|every_cycle|one_beat|faulty", opt="-O0"
    )


@pytest.mark.nightly
def test_dma_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    run_block(
        __file__, params={**SIZES["tiny"], **DEEPEST}, plusargs=FILES, test_filter="faulty", opt="-O0", timeout=1800
    )
