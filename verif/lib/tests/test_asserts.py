"""The rule that each assertion has its cover, and the list of those that had no work."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.lib import checks
from verif.lib.asserts import assertions, before_reset, covers, exercised, never_exercised, without_cover
from verif.lib.coverage import Point

GOOD = """module m;
  eqx_live u_live (.clk_i, .rst_ni, .live_o(live));
  // assert (nothing) here
  a_x : assert property (@(posedge clk) disable iff (!live) p)
  else $error("m: x is wrong");
  c_x : cover property (@(posedge clk) q);
  always @(posedge clk) if (live) begin
    a_y : assert (good) else $error("m: y; is wrong");
    c_y : cover (1'b1);
  end
  c_more : cover property (@(posedge clk) r);
  if (N < 1) begin : g_bad
    $fatal(1, "m: parameter");
  end
endmodule
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl/m.sv").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_good_file(root: Path) -> None:
    assert [(a.line, a.checker, a.message) for a in assertions(root)] == [
        (4, "m.a_x", "m: x is wrong"),
        (8, "m.a_y", "m: y; is wrong"),
    ]
    assert list(covers(root)) == [("rtl/m.sv", "c_x"), ("rtl/m.sv", "c_y"), ("rtl/m.sv", "c_more")]
    assert without_cover(root) == [] == before_reset(root)


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        ("a_x : assert", "assert", "rtl/m.sv:4: an assertion needs a label a_<name>, found none"),
        ("a_x : assert", "x : assert", "rtl/m.sv:4: an assertion needs a label a_<name>, found x"),
        ("c_y : cover", "c_z : cover", "rtl/m.sv:8: a_y has no cover c_y"),
        ("a_y :", "a_x :", "rtl/m.sv:8: the label a_x stands twice"),
        ("c_more : cover", "cover", "rtl/m.sv:11: a cover needs a label"),
        ("c_y : cover (1'b1);", 'c_y : cover (1\'b1);\n    if (bad) $error("z");', "rtl/m.sv:10: `if"),
    ],
)
def test_rule(root: Path, old: str, new: str, report: str) -> None:
    (root / "rtl/m.sv").write_text(GOOD.replace(old, new), encoding="utf-8")
    found = without_cover(root)
    assert any(line.startswith(report) for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        ("disable iff (!live) p", "p", "rtl/m.sv:4: a_x judges before the first reset"),
        ("disable iff (!live) p", "disable iff (!rst_n) p", "rtl/m.sv:4: a_x judges before the first reset"),
        ("if (live) begin", "if (rst_n) begin", "rtl/m.sv:8: a_y judges before the first reset"),
        (
            "  always @(posedge clk) if (live)",
            "  always @(posedge clk) if (live) z <= 1'b1;\n  always @(posedge clk) if (rst_n)",
            "rtl/m.sv:9: a_y judges",
        ),
        ("eqx_live u_live", "eqx_dead u_live", "rtl/m.sv:4: a_x judges before the first reset"),
    ],
)
def test_before_reset(root: Path, old: str, new: str, report: str) -> None:
    """No assertion may judge before the first reset."""
    (root / "rtl/m.sv").write_text(GOOD.replace(old, new), encoding="utf-8")
    found = before_reset(root)
    assert any(line.startswith(report) for line in found), found


def test_never_exercised(root: Path) -> None:
    """Hits of all instances and runs count; a cover that was in no run at all was not hit either."""
    points = {
        Point(str(root / "rtl/m.sv"), 5, 3, "user", "c_x"): 3,
        Point("rtl/m.sv", 8, 3, "user", "c_y"): 0,
        Point("rtl/m.sv", 8, 3, "line", "c_more"): 9,
    }
    assert exercised(points, root) == {("rtl/m.sv", "c_x"): 3, ("rtl/m.sv", "c_y"): 0, ("rtl/m.sv", "c_more"): 0}
    assert never_exercised(points, root) == ["rtl/m.sv:11: c_more was never hit", "rtl/m.sv:9: c_y was never hit"]


def test_nothing_compared(tmp_path: Path) -> None:
    """A check without work fails, and so does a run without checks; a run with checks has them in its log."""
    with pytest.raises(AssertionError, match="values: compared nothing"):
        checks.compared("values", 0)
    with pytest.raises(AssertionError, match="no check of this run has compared anything"):
        checks.require(tmp_path)
    (tmp_path / checks.FILE).write_text('{"values": 3}', encoding="utf-8")
    assert checks.require(tmp_path) == {"values": 3}
    assert (tmp_path / "sim.log").read_text(encoding="utf-8") == "compared: values 3\n"
