"""Tests of the coverage reader, its sums and its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from verif.lib import coverage, coverage_html, process
from verif.lib.coverage import CoverageError, Point, Tally
from verif.lib.sim import ROOT


def entry(file: Path, line: int, kind: str, what: str, count: int, *, span: str = "", inst: str = "t") -> str:
    """One line of a data file in Verilator's format."""
    fields = {"f": file, "l": line, "n": 3, "t": kind, "page": f"v_{kind}/dut__P4", "o": what}
    if span:
        fields["S"] = span
    fields["h"] = inst
    return "C '" + "".join(f"\x01{k}\x02{v}" for k, v in fields.items()) + f"' {count}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one module, a package, a module that is never built, and two runs' data."""
    rtl = tmp_path / "rtl" / "mmu"
    rtl.mkdir(parents=True)
    dut = rtl / "dut.sv"
    dut.write_text(
        "module dut;\n  always_comb begin\n    if (a < b)\n      x = 1;\n  end\nendmodule\n", encoding="utf-8"
    )
    (rtl / "other.sv").write_text("module other;\nendmodule\n", encoding="utf-8")
    (rtl / "a_pkg.sv").write_text("package a_pkg;\nendpackage\n", encoding="utf-8")
    bench = tmp_path / "verif" / "tb.sv"
    data = tmp_path / "cov"
    data.mkdir()
    for run, counts in (("a", (5, 0, 5, 0, 2)), ("b", (7, 3, 4, 0, 0))):
        text = "# SystemC::Coverage-3\n"
        text += entry(dut, 2, "line", "block", counts[0], span="2")
        text += entry(dut, 3, "branch", "if", counts[1], span="3-4")
        text += entry(dut, 3, "branch", "else", counts[2])
        text += entry(dut, 3, "expr", "((a < b)==1) => 1", counts[3])
        text += entry(dut, 4, "user", "cover", counts[4])
        text += entry(bench, 1, "line", "block", 0, span="1-9")
        (data / f"{run}.dat").write_text(text, encoding="utf-8")
    return tmp_path


def test_parse_fields_and_sum_over_instances(tmp_path: Path) -> None:
    """Counts of two instances of a module are added; every field is read."""
    data = tmp_path / "x.dat"
    one = entry(Path("/r/a.sv"), 7, "line", "elsif", 2, span="7,9-11", inst="t.u0")
    two = entry(Path("/r/a.sv"), 7, "line", "elsif", 40, span="7,9-11", inst="t.u1")
    data.write_text("# SystemC::Coverage-3\n" + one + two, encoding="utf-8")
    points = coverage.parse(data)
    assert points == {Point("/r/a.sv", 7, 3, "line", "elsif"): 42}
    (point,) = points
    assert point.lines == (7, 9, 10, 11)
    assert point.module == "dut"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a Verilator coverage file"),
        ("TN:\nSF:x\n", "not a Verilator coverage file"),
        ("# SystemC::Coverage-3\nC 'x\n", ":2: not a coverage point"),
        ("# SystemC::Coverage-3\nC '\x01f\x02a.sv\x01l\x02x\x01t\x02line' 1\n", ":2: bad or missing field"),
        ("# SystemC::Coverage-3\nC '\x01f\x02a.sv\x01l\x021' 1\n", ":2: bad or missing field"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, text: str, words: str) -> None:
    """A damaged file is refused with its name and line."""
    data = tmp_path / "bad.dat"
    data.write_text(text, encoding="utf-8")
    with pytest.raises(CoverageError, match=words) as caught:
        coverage.parse(data)
    assert "bad.dat" in str(caught.value)


def test_collect_merges_runs_and_leaves_out_benches(tree: Path) -> None:
    """Counts of runs are added, files outside rtl/ are not reported, unbuilt modules are."""
    report = coverage.collect(tree / "cov", tree)
    assert [f.file for f in report.files] == ["rtl/mmu/dut.sv"]
    (dut,) = report.files
    assert dut.line_counts == {2: 12, 3: 3, 4: 3}
    assert dut.tally("line") == Tally(3, 3)
    assert dut.tally("branch") == Tally(2, 2)
    assert dut.tally("expression") == Tally(0, 1)
    assert dut.tally("user") == Tally(1, 1)
    assert [p.what for p in dut.missed("expression")] == ["((a < b)==1) => 1"]
    assert report.never_built == ["rtl/mmu/other.sv"]
    assert report.runs == 2


def test_one_run_alone_shows_the_missed_branch(tree: Path) -> None:
    """What the first run missed is seen without the second."""
    (tree / "cov" / "b.dat").unlink()
    (dut,) = coverage.collect(tree / "cov", tree).files
    assert dut.tally("branch") == Tally(1, 2)
    assert dut.tally("line") == Tally(1, 3)


def test_groups_are_merged_and_checked(tree: Path) -> None:
    """Covergroups add up bin by bin; malformed ones are refused."""
    (tree / "cov" / "a.json").write_text(json.dumps({"isa": {"op": {"mul": 2, "add": 0}}}), encoding="utf-8")
    (tree / "cov" / "b.json").write_text(
        json.dumps({"isa": {"op": {"mul": 1, "sub": 4}, "n": {"0": 0}}}), encoding="utf-8"
    )
    report = coverage.collect(tree / "cov", tree)
    assert report.groups.pop("dut") == {"cover": {"line 4": 2}}  # a cover property without a label
    assert report.groups == {"isa": {"op": {"mul": 3, "add": 0, "sub": 4}, "n": {"0": 0}}}
    assert coverage.group_tally(report.groups["isa"]) == Tally(2, 4)
    for bad in ([], {"g": []}, {"g": {"p": {}}}, {"g": {"p": {"b": -1}}}, {"g": {"p": {"b": True}}}):
        with pytest.raises(CoverageError):
            coverage.check_groups(bad, "here")


def test_dump_writes_only_when_collecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a coverage folder nothing is written; with one, the file holds the groups."""
    groups = {"g": {"p": {"b": 1}}}
    monkeypatch.delenv("EQX_COVERAGE_DIR", raising=False)
    assert coverage.dump(groups) is None
    monkeypatch.setenv("EQX_COVERAGE_DIR", str(tmp_path / "cov"))
    path = coverage.dump(groups)
    assert path is not None
    assert json.loads(path.read_text(encoding="utf-8")) == groups


def test_report_shows_sources_and_what_was_missed(tree: Path) -> None:
    """The page is complete in itself, escapes the source, and names the expression never seen."""
    (tree / "cov" / "b.dat").unlink()
    report = coverage.collect(tree / "cov", tree)
    coverage_html.write(report, tree / "out" / "c.html", tree)
    page = (tree / "out" / "c.html").read_text(encoding="utf-8")
    assert "if (a &lt; b)" in page
    assert "never: " in page and "expression ((a &lt; b)==1) =&gt; 1" in page
    assert '<span class="miss"><b>4</b><b>0</b>      x = 1;' in page
    assert '<span class="hit"><b>2</b><b>5</b>' in page
    assert "http" not in page
    assert "branch" in report.summary() and "50.0 % (1/2)" in report.summary()


def test_command_fails_without_data_and_below_a_minimum(tree: Path) -> None:
    """The command's exit code says whether there is data and whether the minimum is met."""
    command = [sys.executable, str(ROOT / "scripts" / "cov.py"), "--html", str(tree / "c.html"), "--data"]
    none = process.run([*command, str(tree)], capture_output=True, encoding="utf-8", errors="replace")
    assert none.returncode == 1 and "no coverage data" in none.stderr
    low = process.run(
        [*command, str(tree / "cov"), "--min", "line=1"], capture_output=True, encoding="utf-8", errors="replace"
    )
    assert low.returncode == 1 and "line coverage 0.0 % is below 1.0 %" in low.stderr
    bad = process.run(
        [*command, str(tree / "cov"), "--min", "lime=1"], capture_output=True, encoding="utf-8", errors="replace"
    )
    assert bad.returncode == 2 and "'lime' is none of" in bad.stderr
