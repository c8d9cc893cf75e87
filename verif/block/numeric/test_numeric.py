"""Builds and runs the benches of the leaf arithmetic, and checks that the generated ROM is up to date."""

from __future__ import annotations

import sys

import pytest

from verif.lib import process
from verif.lib.sim import ROOT, run_block


def test_cells() -> None:
    run_block(__file__, params={"LANES": 4, "ALL": True}, test_filter=r"^(?!.*\.sweep)", timeout=600)


@pytest.mark.nightly
@pytest.mark.parametrize("cell", ["BADD", "BMUL"])
def test_all_of_one_operand(cell: str) -> None:
    run_block(__file__, params={"LANES": 16, "ALL": False}, test_filter=rf"\.sweep/.*{cell}")


def test_generated_rom_is_up_to_date() -> None:
    process.run([sys.executable, str(ROOT / "scripts/gen_act_rom.py"), "--check"], check=True)
