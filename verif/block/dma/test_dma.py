"""Runs the bench of the DMA units."""

import pytest

from verif.lib.sim import run_block

SIZES = {"tiny": {"N": 4, "M": 1, "W": 2}, "default": {"N": 8, "M": 2, "W": 4}, "large": {"N": 16, "M": 2, "W": 4}}
# A line is two beats in all configurations; here it is one, and four.
LINES = {"one-beat": {"N": 4, "M": 1, "W": 4, "CTX": 2, "C_INF": 1}, "four-beats": {"N": 4, "M": 2, "W": 2, "CTX": 4}}
FILES = ["+dram_dump=dump.bin", "+dram_load=load.bin"]


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=pytest.mark.nightly if size == "large" else ()) for size in SIZES]
)
def test_dma(size: str) -> None:
    run_block(__file__, params=SIZES[size], plusargs=FILES)


@pytest.mark.parametrize("line", LINES)
def test_dma_line_lengths(line: str) -> None:
    run_block(__file__, params=LINES[line], plusargs=FILES, test_filter="random|every_cycle|one_beat|faulty", opt="-O0")


@pytest.mark.nightly
def test_dma_deepest() -> None:
    """Memories of the greatest depth, 2^16: what is beyond them is no address of 16 bits."""
    depths = dict.fromkeys(("ACTD_DEPTH", "WGTD_DEPTH", "STG_DEPTH", "SOF_DEPTH", "SOB_DEPTH"), 65536)
    run_block(
        __file__, params={**SIZES["tiny"], **depths}, plusargs=FILES, test_filter="faulty", opt="-O0", timeout=1800
    )
