"""Tests of the verification plan's checker: each fault is planted, and must be named with file and line."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.plan import pycov, render
from verif.flow.plan.catalogue import Place, anchor, catalogue, chapters, properties
from verif.flow.plan.check import check, check_dumped
from verif.flow.plan.load import PlanError, load
from verif.flow.plan.measure import Measure
from verif.flow.plan.results import read_junit, stages, unmet, verdict
from verif.flow.plan.tests.sample import PLAN, known, test, write
from verif.lib import process
from verif.lib.coverage import CoverageError, Tally
from verif.lib.toolchain import ROOT

MALFORMED = {  # name: (what stands in the plan, what is planted, the finding)
    "not_yaml": (
        "tests: [fifo::test_fifo]\n",
        "tests: [fifo::test_fifo\n",
        "plan/fifo.yaml:9: not YAML: while parsing a flow sequence",
    ),
    "no_mapping": (PLAN, "- a list\n", "plan/fifo.yaml:1: expected a plan file: a mapping with block"),
    "empty": (PLAN, "", "plan/fifo.yaml:1: expected a plan file"),
    "unknown_key": (
        "stage: V1",
        "stages: V1",
        "plan/fifo.yaml:7: unknown key 'stages' of a testpoint; legal are name, desc",
    ),
    "unknown_file_key": ("block: fifo", "blocks: fifo", "plan/fifo.yaml:1: unknown key 'blocks' of a plan file"),
    "key_twice": ("    stage: V1\n", "    stage: V1\n    stage: V2\n", "plan/fifo.yaml:8: key 'stage' is given twice"),
    "no_stage": ("    stage: V1\n", "", "plan/fifo.yaml:4: testpoint fifo_order lacks 'stage'"),
    "bad_stage": ("stage: V1", "stage: V4", "plan/fifo.yaml:7: stage 'V4': legal are V1, V2, V3"),
    "bad_name": ("name: fifo_order", "name: Order", "plan/fifo.yaml:4: testpoint 'Order': legal are small letters"),
    "name_twice": (
        "name: fifo_refusals",
        "name: fifo_order",
        "plan/fifo.yaml:10: testpoint fifo_order is that of plan/fifo.yaml:4 too",
    ),
    "no_tests": ("    tests: [fifo::test_fifo]\n", "", "plan/fifo.yaml:4: testpoint fifo_order names no test"),
    "empty_tests": (
        "tests: [fifo::test_fifo]\n",
        "tests: []\n",
        "plan/fifo.yaml:8: testpoint fifo_order names no test",
    ),
    "no_coverage": (
        '    coverage: [fifo_cg.cp_level, "code:fifo*", sva:fifo_checks.c_full]\n',
        "",
        "plan/fifo.yaml:4: testpoint fifo_order names no coverage item",
    ),
    "empty_coverage": (
        'coverage: [fifo_cg.cp_level, "code:fifo*", sva:fifo_checks.c_full]',
        "coverage: []",
        "plan/fifo.yaml:9: testpoint fifo_order names no coverage item",
    ),
    "no_list": ("tests: [fifo::test_fifo]\n", "tests: fifo::test_fifo\n", "plan/fifo.yaml:8: tests: expected a list"),
    "listed_twice": (
        "tests: [fifo::test_fifo]\n",
        "tests: [fifo::test_fifo, fifo::test_fifo]\n",
        "plan/fifo.yaml:8: tests: fifo::test_fifo is listed twice",
    ),
    "empty_text": (
        "desc: Bad depths are refused",
        "desc:",
        "plan/fifo.yaml:11: desc: expected a text that is not empty",
    ),
}
WRONG = {  # what exists differs from what the plan names
    "no_such_test": (
        "tests: [fifo::test_fifo]\n",
        "tests: [fifo::test_ffio]\n",
        "plan/fifo.yaml:8: testpoint fifo_order: no test 'fifo::test_ffio'; perhaps fifo::test_fifo",
    ),
    "no_such_group": (
        "fifo_cg.cp_level",
        "fifi_cg.cp_level",
        "plan/fifo.yaml:9: testpoint fifo_order: no covergroup 'fifi_cg'; there are fifo_cg",
    ),
    "no_such_point": (
        "fifo_cg.cp_level",
        "fifo_cg.cp_levels",
        "plan/fifo.yaml:9: testpoint fifo_order: covergroup fifo_cg has no point 'cp_levels'; perhaps cp_level",
    ),
    "no_such_module": ("code:fifo*", "code:fofi", "plan/fifo.yaml:9: testpoint fifo_order: rtl/ has no module 'fofi'"),
    "no_such_property": (
        "c_full",
        "c_fall",
        "plan/fifo.yaml:9: testpoint fifo_order: no named cover property 'fifo_checks.c_fall'",
    ),
    "no_such_python": (
        "py:equinox_core.fifo",
        "py:equinox_core.fofi",
        "plan/fifo.yaml:15: testpoint fifo_refusals: no Python module 'equinox_core.fofi'",
    ),
    "no_cases": (
        "cases:fifo::test_refused",
        "cases:fifo::test_fifo",
        "plan/fifo.yaml:15: testpoint fifo_refusals: test fifo::test_fifo enumerates no cases",
    ),
    "no_such_kind": (
        "py:equinox_core.fifo",
        "pi:equinox_core.fifo",
        "plan/fifo.yaml:15: testpoint fifo_refusals: coverage item 'pi:equinox_core.fifo': legal are",
    ),
    "no_such_chapter": (
        "doc: fifo.md#order",
        "doc: fifo.md#ordre",
        "plan/fifo.yaml:6: docs/ has no chapter 'fifo.md#ordre'",
    ),
    "test_unnamed": (
        "tests: [fifo::test_fifo, fifo::test_refused]",
        "tests: [fifo::test_fifo]",
        "verif/block/fifo/test_fifo.py:20: test fifo::test_refused is named by no testpoint",
    ),
    "group_unnamed": ("fifo_cg.cp_", "code:fifo #", "verif/env/cov.py:7: covergroup fifo_cg is named by no testpoint"),
    "point_unnamed": ("fifo_cg.cp_level, ", "", "verif/env/cov.py:7: point fifo_cg.cp_level is named by no testpoint"),
    "property_unnamed": (
        ", sva:fifo_checks.c_full",
        "",
        "rtl/fifo_checks.sv:8: cover property fifo_checks.c_full is named by no testpoint",
    ),
    "property_named_by_all": (
        ", sva:fifo_checks.c_full",
        ", 'sva:*'",
        "rtl/fifo_checks.sv:8: cover property fifo_checks.c_full is named by no testpoint",
    ),
    "module_unnamed": ('"code:fifo*"', "code:fifo", "rtl/fifo_ram.sv:1: module fifo_ram is named by no testpoint"),
    "chapter_unnamed": (
        "doc: fifo.md#depth",
        "doc: fifo.md#order",
        "docs/fifo.md:9: chapter fifo.md#depth is named by no testpoint",
    ),
    "chapter_both": (
        "doc: fifo.md#depth",
        "doc: fifo.md#history",
        "plan/fifo.yaml:17: chapter fifo.md#history is background, yet a testpoint names it",
    ),
}


def planted(old: str, new: str) -> str:
    assert old in PLAN
    if old == "fifo_cg.cp_":
        return PLAN.replace("fifo_cg.cp_level", "code:fifo").replace("fifo_cg.cp_error, ", "")
    return PLAN.replace(old, new, 1)


def test_a_plan_in_order(tmp_path: Path) -> None:
    """No false alarm, and every node knows its place."""
    plan = load(write(tmp_path), tmp_path)
    assert check(plan, known(tmp_path)) == []
    assert [(str(p.name), p.stage, p.name.where) for p in plan.testpoints] == [
        ("fifo_order", "V1", "plan/fifo.yaml:4"),
        ("fifo_refusals", "V2", "plan/fifo.yaml:10"),
    ]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(tmp_path: Path, name: str) -> None:
    """Each is the first finding, with file and line; no traceback."""
    old, new, words = MALFORMED[name]
    with pytest.raises(PlanError) as caught:
        load(write(tmp_path, planted(old, new)), tmp_path)
    assert [f for f in caught.value.findings if f.startswith(words)], caught.value.findings


@pytest.mark.parametrize("name", WRONG)
def test_wrong(tmp_path: Path, name: str) -> None:
    """What is absent and what is left out are found, on either side."""
    old, new, words = WRONG[name]
    findings = check(load(write(tmp_path, planted(old, new)), tmp_path), known(tmp_path))
    assert [f for f in findings if f.startswith(words)], findings


def test_several_files(tmp_path: Path) -> None:
    """Names are unique in the whole plan; a folder without a file is no plan."""
    write(tmp_path)
    with pytest.raises(
        PlanError,
        match=r"plan/more.yaml:4: testpoint fifo_order is that of plan/fifo.yaml:4 too(.|\n)*plan/more.yaml:1: "
        r"block fifo is that of",
    ):
        load(write(tmp_path, name="more.yaml"), tmp_path)
    with pytest.raises(PlanError, match=r"none:1: no \*.yaml file"):
        load(tmp_path / "none", tmp_path)


def test_dumped_groups_are_declared(tmp_path: Path) -> None:
    """A run may dump only what the plan can know."""
    there = known(tmp_path)
    assert check_dumped({"fifo_cg": {"cp_level": {}}}, there) == []
    assert check_dumped({"fifo_cg": {"cp_new": {}}}, there) == [
        "verif/env/cov.py:7: covergroup fifo_cg: a run dumped the point cp_new, which is not declared"
    ]
    (words,) = check_dumped({"new_cg": {"cp": {}}}, there)
    assert words.startswith("covergroup new_cg was dumped by a run and is declared nowhere")


def test_unnamed_property(tmp_path: Path) -> None:
    """Cover properties are found in rtl/ and the benches; one without a label is a finding."""
    for folder, label in (("rtl", "c_a : "), ("verif", "")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.sv").write_text(
            f"module m;\n  // cover property in a comment\n  {label}cover property (@(posedge clk) a);\nendmodule\n",
            encoding="utf-8",
        )
    named, unnamed = properties(tmp_path)
    assert named == {"m.c_a": Place("rtl/m.sv:3")} and unnamed == [Place("verif/m.sv:3")]
    findings = check(load(write(tmp_path), tmp_path), replace(known(tmp_path), unnamed_properties=tuple(unnamed)))
    assert findings == ["verif/m.sv:3: a cover property without a name: the plan cannot refer to it"]


def test_chapters(tmp_path: Path) -> None:
    """Anchors are GitHub's; code blocks hold no headings."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(
        "# One, two\n```\n# no heading\n```\n## A·B: `c_d`\n### deeper\n", encoding="utf-8"
    )
    (tmp_path / "docs" / "testplan.md").write_text("# Generated\n", encoding="utf-8")
    assert chapters(tmp_path / "docs", tmp_path) == {
        "a.md#one-two": Place("docs/a.md:1"),
        "a.md#ab-c_d": Place("docs/a.md:5"),
    }
    assert anchor("DRAM model (`verif/lib/sv/axi_dram.sv`)") == "dram-model-veriflibsvaxi_dramsv"


def test_results(tmp_path: Path) -> None:
    """A failed run fails its test and every testpoint that names it; what was skipped or absent was not run."""
    there = known(tmp_path)
    case = '<testcase classname="verif.block.fifo.test_fifo" name="{}">{}</testcase>'
    junit = tmp_path / "r.xml"
    junit.write_text(
        "<testsuites><testsuite>"
        + case.format("test_fifo", "")
        + case.format("test_refused[0]", "")
        + case.format("test_refused[1]", "<failure/>")
        + case.format("test_refused[2]", "<skipped/>")
        + "</testsuite></testsuites>",
        encoding="utf-8",
    )
    results, passed = read_junit(junit, there.tests)
    plan = load(write(tmp_path), tmp_path)
    assert results == {"fifo::test_fifo": "passed", "fifo::test_refused": "failed"}
    assert [verdict(point, results) for point in plan.testpoints] == ["passed", "failed"]
    assert stages(plan, results) == {"V1": (1, 1), "V2": (0, 1), "V3": (0, 0)}
    assert passed["fifo::test_refused"] == {"verif/block/fifo/test_fifo.py::test_refused[0]"}
    assert verdict(plan.testpoints[1], {"fifo::test_fifo": "passed"}) == "not run"
    junit.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"r.xml:1: not a JUnit file"):
        read_junit(junit, there.tests)


def test_measure(tmp_path: Path) -> None:
    """Each kind of item is tallied from what runs leave; without data there is no figure."""
    there, cov = known(tmp_path), tmp_path / "cov"
    plan = load(write(tmp_path), tmp_path)
    cov.mkdir()
    assert Measure(there, cov).all_of(plan) == {}
    rtl = tmp_path / "rtl" / "fifo.sv"
    entry = "C '\x01f\x02{}\x01l\x02{}\x01n\x021\x01t\x02{}\x01page\x02v/{}__P\x01o\x02{}\x01S\x02{}' {}\n"
    (cov / "a.dat").write_text(
        "# SystemC::Coverage-3\n"
        + entry.format(rtl, 3, "line", "fifo", "block", "3", 4)
        + entry.format(rtl, 4, "line", "fifo", "block", "4", 0)
        + entry.format("x.sv", 8, "user", "fifo_checks", "c_full", "8", 2),
        encoding="utf-8",
    )
    (cov / "a.json").write_text('{"fifo_cg": {"cp_level": {"empty": 3, "full": 0}}}', encoding="utf-8")
    node = "verif/block/fifo/test_fifo.py::test_refused"
    figures = Measure(there, cov, {"fifo::test_refused": {f"{node}[0]", f"{node}[2]"}}).all_of(plan)
    assert figures == {
        "fifo_cg.cp_level": Tally(1, 2),
        "code:fifo*": Tally(1, 2),
        "sva:fifo_checks.c_full": Tally(1, 1),
        "cases:fifo::test_refused": Tally(2, 3),
    }
    assert render.text(plan, {}, figures).splitlines()[1].endswith("62.5 % (2 of 6 items without data)")


def test_unmet(tmp_path: Path) -> None:
    """A failed test, and tests that passed without what they are to cover, are named; what was not run, and modules
    without statements, are not.
    """
    plan = load(write(tmp_path), tmp_path)
    good = {"fifo::test_fifo": "passed", "fifo::test_refused": "passed"}
    hit = {"fifo_cg.cp_level": Tally(2, 2), "code:fifo*": Tally(3, 9), "fifo_cg.cp_error": Tally(1, 1)}
    assert unmet(plan, good, hit) == unmet(plan, {}, {}) == unmet(plan, good, None) == []
    for figures in ({**hit, "fifo_cg.cp_level": Tally(0, 2)}, {"fifo_cg.cp_error": Tally(1, 1)}):
        (words,) = unmet(plan, good, figures)
        assert words.startswith("plan/fifo.yaml:4: testpoint fifo_order: its tests passed, and nothing was hit of ")
    for figures in (hit, None):
        assert unmet(plan, {**good, "fifo::test_refused": "failed"}, figures) == [
            "plan/fifo.yaml:10: testpoint fifo_refusals: failed: fifo::test_refused"
        ]


def test_renderings(tmp_path: Path) -> None:
    """The page of the docs has everything but results; the part of the report has both, escaped, and opens where
    something failed.
    """
    plan = load(write(tmp_path, planted("first comes", "first <b>|comes")), tmp_path)
    page = render.markdown(plan)
    assert (
        "| fifo_order | V1 | What goes in first <b>\\|comes out first ([fifo](fifo.md#order)) "
        "| `fifo::test_fifo` | `fifo_cg.cp_level`<br>`code:fifo*`<br>" in page
    )
    good = render.html(plan, {"fifo::test_fifo": "passed"}, {})
    assert "&lt;b&gt;|comes" in good and "<details>" in good and "1 passed, 1 not run" in good
    bad = render.html(plan, {"fifo::test_fifo": "failed"}, {"fifo_cg.cp_level": Tally(1, 4)})
    assert "<details open>" in bad and "25.0&nbsp;%" in bad and bad.count('class="failed">failed') == 2
    assert "failed: fifo.fifo_order: fifo::test_fifo" in render.text(plan, {"fifo::test_fifo": "failed"}, {})


def test_the_checked_in_plan() -> None:
    """The project's own plan is in order; every stage has testpoints;
    without one test of the plan, that test is found.
    """
    plan, there = load(), catalogue()
    assert check(plan, there) == []
    assert all(total for _, total in stages(plan, {}).values())
    assert check(plan, replace(there, tests={**there.tests, "new::test_new": test("test_new", 5)})) == [
        "verif/block/fifo/test_fifo.py:5: test fifo::test_new is named by no testpoint of verif/testplan"
    ]


def test_lines_of_python_are_recorded(tmp_path: Path) -> None:
    """What a process executes is written, and a statement that it does not reach is not counted; damaged files are
    named.
    """
    source = tmp_path / "models" / "some.py"
    source.parent.mkdir()
    source.write_text("def reached():\n    return 1\n\n\ndef never():\n    return 2\n\n\nreached()\n", encoding="utf-8")
    program = (
        "import sys\nfrom pathlib import Path\nfrom verif.flow.plan import pycov\n"
        f"pycov.ROOT = Path({str(tmp_path)!r})\n"
    )
    program += (
        f"with pycov.recording(Path({str(tmp_path / 'cov')!r})):\n    "
        f"exec(compile(Path({str(source)!r}).read_text(), {str(source)!r}, 'exec'))\n"
    )
    done = process.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert pycov.executed(tmp_path / "cov", tmp_path) == {"models/some.py": {1, 2, 5, 9}}
    assert pycov.statements(source) == {1, 2, 5, 6, 9}
    (tmp_path / "cov" / "bad.pycov").write_text("no recording", encoding="utf-8")
    with pytest.raises(CoverageError, match=r"bad\.pycov: "):
        pycov.executed(tmp_path / "cov", tmp_path)


def test_plan_command(tmp_path: Path) -> None:
    """Exit code 0 and a page for a plan in order, 2 and one line for results and coverage that cannot be read."""

    def run(*words: str) -> process.CompletedProcess[str]:
        return process.run(
            [sys.executable, str(ROOT / "scripts" / "plan.py"), *words],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=ROOT,
        )

    (tmp_path / "r.xml").write_text("no results", encoding="utf-8")
    (tmp_path / "cov").mkdir()
    good = run(
        "--junit", str(tmp_path / "none.xml"), "--cov", str(tmp_path / "cov"), "--html", str(tmp_path / "plan.html")
    )
    assert good.returncode == 0 and "all linked" in good.stdout and "testpoints passed" in good.stdout, good.stderr
    assert "<details>" in (tmp_path / "plan.html").read_text(encoding="utf-8")
    bad = run("--junit", str(tmp_path / "r.xml"), "--cov", str(tmp_path / "cov"))
    assert (
        bad.returncode == 2
        and bad.stderr == f"error: {tmp_path / 'r.xml'}:1: not a JUnit file: syntax error: line 1, column 0\n"
    )
    case = (
        '<testsuite><testcase classname="verif.flow.plan.tests.test_plan" '
        'name="test_unmet"><failure/></testcase></testsuite>'
    )
    (tmp_path / "failed.xml").write_text(case, encoding="utf-8")
    failed = run("--junit", str(tmp_path / "failed.xml"), "--cov", str(tmp_path / "cov"))
    assert failed.returncode == 1 and "failed: plan::test_unmet" in failed.stderr
    (tmp_path / "cov" / "x.json").write_text("{\n3}", encoding="utf-8")
    bad = run("--cov", str(tmp_path / "cov"))
    assert (
        bad.returncode == 2
        and bad.stderr.startswith(f"error: {tmp_path / 'cov' / 'x.json'}:2: not JSON: ")
        and bad.stderr.count("\n") == 1
    )
