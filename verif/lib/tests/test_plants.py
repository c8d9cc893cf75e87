"""The lists of planted faults: every place is there, and the copies carry the switch that the sources do not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.lib import plants
from verif.lib.plants import Plant, PlantError
from verif.lib.rules import check_all
from verif.lib.toolchain import ROOT

SMALL = [ROOT / "verif/block/csr/faults.yaml", ROOT / "verif/random/faults.yaml"]


def test_every_list_is_read() -> None:
    """The large one has a loader of its own."""
    found = {path for path in (ROOT / "verif").rglob("faults.yaml") if path.parent.name != "testplan"}
    assert found == {*SMALL, ROOT / "verif/flow/selftest/faults.yaml"}


@pytest.mark.parametrize(("path", "count"), [(SMALL[0], 26), (SMALL[1], 2)])
def test_places(path: Path, count: int) -> None:
    """All faults of a list can be planted beside each other."""
    entries = plants.load(path)
    assert len(entries) == count
    texts = plants.planted({name: entry["plant"] for name, entry in entries.items()})
    for name in entries:
        assert any(f"fault_pkg::planted == {plants.number(name)})" in text for text in texts.values()), name


def test_in_sources(tmp_path: Path) -> None:
    """Only the files that change are copies; the package of the switch goes before them."""
    entries = plants.load(SMALL[1])
    files = [ROOT / "rtl/mmu/eqx_mmu_accumulate.sv", ROOT / "rtl/common/eqx_sram_1r1w.sv"]
    found = plants.in_sources(files, {"acc": entries["acc"]["plant"]}, tmp_path)
    assert found == [tmp_path / "fault_pkg.sv", tmp_path / files[0].name, files[1]]
    assert "fault_pkg" in found[1].read_text(encoding="utf-8") != files[0].read_text(encoding="utf-8")


def test_what_cannot_be_planted(tmp_path: Path) -> None:
    (tmp_path / "a.sv").write_text("assign a = b; assign c = b;\n", encoding="utf-8")
    with pytest.raises(PlantError, match=r"a\.sv: fault f: '= b;' stands there 2 times"):
        plants.planted({"f": [Plant("a.sv", "= b;", "= ON;")]}, tmp_path)
    with pytest.raises(ValueError, match="has no ON"):
        Plant("a.sv", "= b;", "= CON;")


@pytest.mark.parametrize(
    "hook",
    [
        "`ifdef EQX_PLANT_ACC\n`endif",
        "if (fault_pkg::planted == 1) begin end",
        'if ($test$plusargs("x")) ;',
        "logic plant_late = 1'b0;",
        "input logic plant_i;",
        "logic planted;",
    ],
)
@pytest.mark.parametrize("file", ["rtl/a.sv", "verif/tb/a.sv", "verif/block/a/tb_a.sv"])
def test_a_hook_in_the_sources_is_refused(file: str, hook: str, tmp_path: Path) -> None:
    """Neither the RTL nor the benches' HDL have one."""
    path = tmp_path / file
    (tmp_path / "rtl").mkdir()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"module a;\n{hook}\nendmodule\n", encoding="utf-8")
    assert any(f"{path}:2: a hook for faults" in line for line in check_all(tmp_path)), check_all(tmp_path)
    path.write_text("module a;\n// plant_late\nlogic implant, planting;\nendmodule\n", encoding="utf-8")
    assert not any("a hook" in line for line in check_all(tmp_path))
