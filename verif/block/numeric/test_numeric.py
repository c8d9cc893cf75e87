"""Builds and runs the benches of the leaf arithmetic, and checks that the generated ROM is up to date."""

from __future__ import annotations

import subprocess
import sys

import pytest

from verif.lib.sim import ROOT, run_block

CELLS = [
    # cell, latency, operand bits, result bits, sum width
    ("fp32_add", 1, 64, 32, 25),
    ("fp32_add", 2, 64, 32, 25),
    ("bf16_mul", 1, 32, 32, 25),
    ("int_to_fp32", 1, 48, 32, 25),
    ("int_to_fp32", 1, 48, 32, 19),
    ("bf16_act", 3, 24, 16, 25),
    ("fp32_to_bf16", 0, 32, 16, 25),
    ("fp32_max", 0, 64, 32, 25),
    ("bf16_max", 0, 32, 16, 25),
    ("hbfp_quant_lane", 0, 24, 8, 25),
    ("hbfp_max_exp", 0, 64, 8, 25),
    ("hbfp_max_exp", 0, 256, 8, 25),
]


def run_stream(cell: str, latency: int, in_w: int, out_w: int, sumw: int, test: str) -> None:
    params = {"DUT": cell, "LATENCY": latency, "IN_W": in_w, "OUT_W": out_w, "SUMW": sumw}
    run_block(__file__, top="tb_numeric_stream", params=params, test_filter=rf"\.{test}$")


@pytest.mark.parametrize("cell, latency, in_w, out_w, sumw", CELLS)
def test_cell(cell: str, latency: int, in_w: int, out_w: int, sumw: int) -> None:
    run_stream(cell, latency, in_w, out_w, sumw, cell)


@pytest.mark.parametrize("op", ["add", "mul"])
def test_all_of_one_operand(op: str) -> None:
    run_block(__file__, top="tb_numeric_sweep", params={"DUT": op}, test_filter=r"\.sweep$")


def test_checker_finds_planted_fault() -> None:
    run_stream("fp32_add", 2, 64, 32, 25, "planted_fault_is_caught")


def test_generated_rom_is_up_to_date() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts/gen_act_rom.py"), "--check"], check=True)
