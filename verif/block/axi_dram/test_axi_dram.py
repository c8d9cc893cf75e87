"""Runs the bench of the DRAM model."""

import numpy as np
import pytest

from verif.lib.sim import out_dir, run_block

TIMES = [
    {"K": 32, "LATENCY": 12, "B_LATENCY": 9, "GAP": 0, "QUEUE": 4},
    {"K": 8, "LATENCY": 1, "B_LATENCY": 1, "GAP": 2, "QUEUE": 2},
]


@pytest.mark.parametrize("times", TIMES, ids=lambda t: f"K{t['K']}-gap{t['GAP']}")
def test_axi_dram(times: dict[str, int]) -> None:
    image = out_dir() / "runs" / "axi_dram" / f"image-{times['K']}.bin"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(np.random.default_rng(5).bytes(40 * times["K"]))
    plusargs = [f"+dram_image={image}", "+dram_dump=dump.bin", "+dram_load=load.bin"]
    params = {**times, "BYTES": 65536}
    env = {"IMAGE": str(image)}
    run_block(__file__, params=params, plusargs=plusargs, env={**env, "IMAGE_INTACT": "1"}, test_filter="files")
    run_block(__file__, params=params, plusargs=plusargs, env=env, seeds=[1, 2])
