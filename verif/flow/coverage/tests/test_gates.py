"""Tests of gates and exclusions: every way to cheat or to go stale is a problem with file and line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from verif.flow.coverage import exclusions, gates
from verif.flow.coverage.exclusions import ExclusionError
from verif.flow.coverage.gates import GateError
from verif.flow.coverage.items import WIDEST
from verif.flow.coverage.merge import badge, merge_folders, seed_curve
from verif.flow.coverage.page import html_section
from verif.lib import process
from verif.lib.coverage import CoverageError, Report, Tally
from verif.lib.sim import ROOT
from verif.lib.tests.test_coverage import entry

GATES = """[least]
line = 50
branch = 50
expression = 0
functional = 100
toggle = 50
[excluded]
most = 50
[functional]
groups = ["a_cg"]
"""
ENTRY = """- item: {{kind: functional, group: a_cg, point: cp_x, bin: "{bin}"}}
  category: {category}
  reason: nobody can
  owner: core
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one module, gates, no exclusions, and coverage of one run."""
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    dut = rtl / "dut.sv"
    dut.write_text(
        "module dut (\n  input  logic [1:0] a_i,\n  output logic b_o\n);\n  if (a < b) // less\n    x = 1;\n"
        "endmodule\n",
        encoding="utf-8",
    )
    cov = tmp_path / "cov"
    cov.mkdir()
    text = "# SystemC::Coverage-3\n" + entry(dut, 5, "branch", "if", 3, span="5-6") + entry(dut, 5, "branch", "else", 0)
    text += entry(dut, 5, "expr", "(a==1) => 1", 0)
    text += (
        entry(dut, 2, "toggle", "a_i[0]:0->1", 4)
        + entry(dut, 2, "toggle", "a_i[0]:1->0", 0)
        + entry(dut, 5, "toggle", "x:1->0", 0)
    )
    (cov / "run.dat").write_text(text, encoding="utf-8")
    (cov / "run.json").write_text(json.dumps({"a_cg": {"cp_x": {"one": 2, "two": 0}}}), encoding="utf-8")
    (tmp_path / "gates.toml").write_text(GATES, encoding="utf-8")
    (tmp_path / "exclusions.yaml").write_text("", encoding="utf-8")
    return tmp_path


def judge(root: Path, *kinds: str) -> gates.Verdict:
    report = merge_folders([root / "cov"], root)
    return gates.judge_run(report, root, kinds or gates.RUN_KINDS, root / "gates.toml", root / "exclusions.yaml")


def test_a_missed_gate_fails_and_names_what_is_missed(root: Path) -> None:
    """One bin is not hit: below the gate; excluded with a reason it is met."""
    verdict = judge(root)
    assert verdict.problems == ["functional coverage 50.00 % is below 100 %: 1 missed"]
    assert "a_cg.cp_x: two" in verdict.text() and "FAILS" in verdict.text()
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="two", category="unreachable"), encoding="utf-8")
    verdict = judge(root)
    assert verdict.ok and verdict.rows[-1].tally == Tally(1, 1) and verdict.rows[-1].raw == Tally(1, 2)


def test_code_is_gated_too(root: Path) -> None:
    """Branches by the text of their line and Verilator's words, wherever the line moves to."""
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="two", category="deferred"), encoding="utf-8")
    (root / "gates.toml").write_text(GATES.replace("branch = 50", "branch = 100"), encoding="utf-8")
    assert judge(root).problems == ["branch coverage 50.00 % is below 100 %: 1 missed"]
    rule = (
        '- item: {kind: branch, file: rtl/dut.sv, source: "if (a < b)", what: else}\n  category: tool\n  reason: '
        "r\n  owner: o\n"
    )
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="two", category="deferred") + rule, encoding="utf-8")
    assert judge(root).ok


def test_toggles_of_ports_alone_count(root: Path) -> None:
    """An inner signal is none of the gate's business; one of a port's two edges is missing."""
    verdict = judge(root, "toggle")
    assert verdict.ok and verdict.rows[0].tally == Tally(1, 2)
    (root / "gates.toml").write_text(GATES.replace("toggle = 50", "toggle = 51"), encoding="utf-8")
    assert "dut.a_i[0] 1->0" in judge(root, "toggle").text()


def test_fields_count_but_instruction_words(root: Path) -> None:
    """Of a port that is an array of structs each field counts, but one that is wider than any bus."""
    dut = root / "rtl/dut.sv"
    dut.write_text(dut.read_text(encoding="utf-8").replace("output logic b_o", "input q_t [1:0] q_i"), encoding="utf-8")
    text = "".join(entry(dut, 3, "toggle", f"q_i[0].instr[{bit}]:0->1", 0) for bit in range(WIDEST + 1))
    text += "".join(entry(dut, 3, "toggle", f"q_i[0].addr[{bit}]:0->1", bit) for bit in range(WIDEST))
    text += entry(dut, 3, "toggle", "q_i[1].kill:0->1", 1)
    (root / "cov/run.dat").write_text("# SystemC::Coverage-3\n" + text, encoding="utf-8")
    verdict = judge(root, "toggle")
    assert verdict.rows[0].tally == Tally(WIDEST, WIDEST + 1)


def test_stale_exclusions_fail(root: Path) -> None:
    """An exclusion of what is covered, and one of what is not there."""
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="one", category="unreachable"), encoding="utf-8")
    verdict = judge(root)
    assert f"{root}/exclusions.yaml:1: stale exclusion: a_cg.cp_x: one is covered" in [
        p.replace("exclusions.yaml", f"{root}/exclusions.yaml") for p in verdict.problems
    ]
    (root / "exclusions.yaml").write_text("\n" + ENTRY.format(bin="three", category="unreachable"), encoding="utf-8")
    assert "exclusions.yaml:2: stale exclusion: it matches nothing" in judge(root).problems
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="*", category="unreachable"), encoding="utf-8")
    assert any("one is covered" in p for p in judge(root).problems), "a pattern may not hide what is covered"
    assert judge(root).rows[-1].tally == Tally(1, 1), "and what is covered counts"


def test_too_many_exclusions_fail(root: Path) -> None:
    (root / "gates.toml").write_text(GATES.replace("most = 50", "most = 2"), encoding="utf-8")
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="two", category="unreachable"), encoding="utf-8")
    assert judge(root).problems == ["functional: 1 of 2 are excluded, legal are 2 %"]


def test_silent_absent_and_unknown_groups_fail(root: Path) -> None:
    """A covergroup that no run wrote, one that was never sampled, and one that the gates do not know."""
    (root / "exclusions.yaml").write_text(ENTRY.format(bin="*", category="unreachable"), encoding="utf-8")
    (root / "cov" / "run.json").write_text(json.dumps({"a_cg": {"cp_x": {"one": 0}}}), encoding="utf-8")
    assert "covergroup a_cg was never sampled" in judge(root).problems
    (root / "cov" / "run.json").write_text(json.dumps({"b_cg": {"cp_x": {"one": 1}}}), encoding="utf-8")
    found = judge(root).problems
    assert "covergroup a_cg was written by no run" in found
    assert f"{root}/gates.toml:10: covergroup b_cg is not in the list of groups" in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- item: x\n  category: tool\n  reason: r\n  owner: o\n", r":1: item's kind '' is none of"),
        ("- category: tool\n  reason: r\n  owner: o\n", r":1: lacks item"),
        (
            "\n- item: {kind: line, file: f, source: s}\n  category: lazy\n  reason: r\n  owner: o\n",
            r":2: unknown category 'lazy', legal are unreachable",
        ),
        (
            "- item: {kind: line, file: f, source: s}\n  category: tool\n  reason: ''\n  owner: o\n",
            r":1: 'reason' must be a text",
        ),
        ("- item: {kind: line, file: f, source: s}\n  category: tool\n  reason: r\n", r":1: lacks owner"),
        (
            "- item: {kind: line, file: f, source: s}\n  category: tool\n  reason: r\n  owner: o\n  why: w\n",
            r":1: unknown key 'why'",
        ),
        (
            "- item: {kind: branch, file: f, source: s}\n  category: tool\n  reason: r\n  owner: o\n",
            r":1: item of kind branch lacks what",
        ),
        (
            "- item: {kind: line, file: f, source: s, what: w}\n  category: tool\n  reason: r\n  owner: o\n",
            r":1: unknown key 'what'",
        ),
        ("a: [\n", r":2: not YAML"),
        ("a: b\n", r":1: expected a list"),
    ],
)
def test_malformed_exclusions(tmp_path: Path, text: str, words: str) -> None:
    """Every kind of wrong entry is named with file and line."""
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExclusionError, match=r"x\.yaml" + words):
        exclusions.load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("line = 50", "line = 500"), r":2: line = 500: legal is a percentage"),
        (("line = 50\n", ""), r":1: \[least\] lacks line"),
        (("toggle = 50", "tuggle = 50"), r":6: unknown key 'tuggle'"),
        (("[excluded]\nmost = 50\n", ""), r":1: no table \[excluded\]"),
        (('["a_cg"]', '"a_cg"'), r":10: groups must be a list"),
        (("most = 50", "most ="), r":8: not TOML"),
    ],
)
def test_malformed_gates(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path = tmp_path / "g.toml"
    path.write_text(GATES.replace(*change), encoding="utf-8")
    with pytest.raises(GateError, match=r"g\.toml" + words):
        gates.load_gates(path)


def test_checked_in_files_are_well_formed() -> None:
    assert gates.load_gates().groups
    exclusions.load(gates.EXCLUSIONS)


def test_command_fails_when_a_gate_is_not_met(root: Path) -> None:
    """The command's exit code, its page and its badges."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "cov.py"),
        "--data",
        str(root / "cov"),
        "--html",
        str(root / "c.html"),
    ]
    command += ["--gates", str(root / "gates.toml"), "--exclusions", str(root / "exclusions.yaml")]
    low = process.run(command, capture_output=True, encoding="utf-8", errors="replace")
    assert low.returncode == 1 and "functional coverage 50.00 % is below 100 %" in low.stderr
    assert "MISSED" in (root / "c.html").read_text(encoding="utf-8")
    assert json.loads((root / "badges" / "coverage-functional.json").read_text(encoding="utf-8"))["color"] == "red"
    free = process.run([*command, "--no-gates"], capture_output=True, encoding="utf-8", errors="replace")
    assert free.returncode == 0, free.stderr


def test_seed_curve_and_section(root: Path) -> None:
    """Each seed adds what it hits for the first time; a file named twice counts once; no data is an error."""
    more = root / "cov2"
    more.mkdir()
    text = (root / "cov" / "run.dat").read_text(encoding="utf-8")
    (more / "run.dat").write_text(text.replace("else\x01h\x02t' 0", "else\x01h\x02t' 7"), encoding="utf-8")
    (more / "run.json").write_text(json.dumps({"a_cg": {"cp_x": {"one": 0, "two": 5}}}), encoding="utf-8")
    curve = seed_curve([(0, root / "cov"), (1, more)], root)
    assert [(r.code.hit, r.functional.hit) for r in curve] == [(1, 1), (2, 2)]
    assert {(r.code.total, r.functional.total) for r in curve} == {(3, 2)}
    report = merge_folders([root / "cov", more, more], root)
    assert report.groups == {"a_cg": {"cp_x": {"one": 2, "two": 5}}} and report.runs == 2
    page = html_section(report, gates.judge(report, root, gates.load_gates(root / "gates.toml"), []), curve)
    assert "data:image/svg+xml" in page and "met" in page and "2; after seed 2 nothing new" in page
    with pytest.raises(CoverageError, match="no coverage data"):
        merge_folders([root / "rtl"], root)


def test_badge() -> None:
    assert json.loads(badge(97.25, True)) == {
        "schemaVersion": 1,
        "label": "coverage",
        "message": "97.2 %",
        "color": "brightgreen",
    }
    assert json.loads(badge(None, True))["message"] == "no data"
    assert isinstance(Report([], {}, 0, []).summary(), str)
