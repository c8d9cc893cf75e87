"""Runs the bench of the DMA units."""

import pytest

from verif.lib.sim import run_block

SIZES = {"tiny": {"N": 4, "M": 1, "W": 2}, "default": {"N": 8, "M": 2, "W": 4}}
FILES = ["+dram_dump=dump.bin", "+dram_load=load.bin"]


@pytest.mark.parametrize("size", SIZES)
def test_dma(size: str) -> None:
    run_block(__file__, params=SIZES[size], plusargs=FILES, seeds=[1, 2])
