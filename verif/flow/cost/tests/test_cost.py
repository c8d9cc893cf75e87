"""`make cost`: what makes figures wrong stops it, areas are those of the cells, budgets are held."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from equinox_core.config import load_config
from verif.flow.cost import area, budgets, library, measure, merge, netlist, page, report, synthesis, timing
from verif.flow.pages import filled
from verif.lib import process
from verif.lib.toolchain import ROOT

LEAF = """module leaf (input logic clk_i, input logic [3:0] d_i, output logic [3:0] q_o);
  always_ff @(posedge clk_i) q_o <= d_i + 4'd1;
endmodule
"""
TOP = """module top (input logic clk_i, input logic [3:0] d_i, output logic [7:0] q_o);
  leaf u_a (.clk_i, .d_i, .q_o(q_o[3:0]));
  leaf u_b (.clk_i, .d_i(d_i ^ q_o[3:0]), .q_o(q_o[7:4]));
endmodule
"""
LATCH = "module top (input logic clk_i, d_i, output logic q_o);\n  always_latch if (clk_i) q_o = d_i;\nendmodule\n"


def subject(folder: Path, **texts: str) -> synthesis.Subject:
    for name, text in texts.items():
        (folder / f"{name}.sv").write_text(text, encoding="utf-8")
    return synthesis.Subject("top", {}, folder)


def made(folder: Path, **texts: str) -> netlist.Netlist:
    synthesis.synthesise(subject(folder, **texts), 1.5, False, folder)
    return netlist.Netlist.load(folder / "after.json", "top")


# ---- Synthesis


def test_equal_modules_are_one_and_nothing_is_lost(tmp_path: Path) -> None:
    """Two equal leaves: one module, mapped once, two instances, with the flip-flops that the text says."""
    after = made(tmp_path, leaf=LEAF, top=TOP)
    assert sorted(path for path, _, _ in after.walk()) == ["", "u_a", "u_b"]
    assert after.modules["top"].instances == {"u_a": "leaf", "u_b": "leaf"}
    held = sum(n for kind, n in after.modules["leaf"].cells.items() if library.cells()[kind].state == "ff")
    assert held == 4
    assert netlist.registers(tmp_path / "netlist.v")["leaf"] == {"q_o": 4}


def test_gated_clocks_are_known(tmp_path: Path) -> None:
    """Registers with an enable are behind a clock gate, if they are enough; those without are clocked always."""
    text = (
        "module top (input logic clk_i, en_i, input logic [7:0] d_i, output logic [7:0] a_o, output logic [4:0] b_o);\n"
        "  always_ff @(posedge clk_i) begin\n    if (en_i) a_o <= d_i;\n    b_o <= d_i[4:0];\n  end\nendmodule\n"
    )
    made(tmp_path, top=text)
    assert netlist.ungated(tmp_path / "netlist.v") == {"top": 5}
    assert netlist.registers(tmp_path / "netlist.v")["top"] == {"a_o": 8, "b_o": 5}


def test_different_modules_are_not_merged(tmp_path: Path) -> None:
    """The same module with another parameter is another one, and so is a parent of another child."""
    leaf = LEAF.replace("module leaf (", "module leaf #(parameter int unsigned A = 1) (").replace("4'd1", "4'(A)")
    after = made(tmp_path, leaf=leaf, top=TOP.replace("leaf u_b", "leaf #(.A(5)) u_b"))
    assert len(set(after.modules["top"].instances.values())) == 2


def test_a_latch_stops_it(tmp_path: Path) -> None:
    with pytest.raises(synthesis.SynthesisError, match="top: Yosys fails: .*"):
        made(tmp_path, top=LATCH)
    assert "dlatch" in (tmp_path / "map.log").read_text(encoding="utf-8")


def test_another_width_stops_it(tmp_path: Path) -> None:
    """A connection that Yosys resizes."""
    (tmp_path / "a.v").write_text(
        "module leaf(input [3:0] d, output [3:0] q); assign q = d; endmodule\n"
        "module top(input [7:0] d, output [7:0] q); leaf u (.d(d), .q(q)); endmodule\n",
        encoding="utf-8",
    )
    with pytest.raises(
        synthesis.SynthesisError, match=r"top: Warning: Resizing cell port top\.u\.[dq] from 8 bits to 4"
    ):
        synthesis._run([f"read_verilog {tmp_path}/a.v", "hierarchy -check -top top"], tmp_path / "log", "top")


def test_source_that_is_wrong_stops_it(tmp_path: Path) -> None:
    with pytest.raises(synthesis.SynthesisError, match="top: Yosys fails"):
        made(tmp_path, top=TOP.replace("leaf u_b (", "leaf u_b (("), leaf=LEAF)


def test_an_instance_that_drives_nothing_stops_it(tmp_path: Path) -> None:
    with pytest.raises(synthesis.SynthesisError, match="top: 1 instances were lost: u_b"):
        made(tmp_path, top=TOP.replace("q_o[7:4]", "nowhere"), leaf=LEAF)


def test_lost_instances_and_strange_cells_are_found() -> None:
    full = netlist.Module({"$add": 3})
    before = netlist.Netlist("top", {"top": netlist.Module({}, {"u_a": "leaf", "u_b": "none"}), "leaf": full,
                                     "none": netlist.Module()})  # fmt: skip
    after = netlist.Netlist("top", {"top": netlist.Module({"DFF_X1": 1, "$add": 2})})
    assert synthesis.lost(before, after) == ["u_a"]  # u_b had nothing
    assert synthesis.unmapped(after) == {"$add": 2}
    assert synthesis.lost(before, before) == []


def test_merge_keeps_attributes_and_names(tmp_path: Path) -> None:
    text = (
        "autoidx 1\nattribute \\top 1\nmodule \\top\n  cell \\leaf$top.u_a \\u_a\n    connect \\q $x$1\n  end\n"
        "  cell \\leaf$top.u_b \\u_b\n    connect \\q $x$2\n  end\nend\n"
        "module \\leaf$top.u_a\n  wire $auto$7\nend\nmodule \\leaf$top.u_b\n  wire $auto$9\nend\n"
    )
    (tmp_path / "in.il").write_text(text, encoding="utf-8")
    assert merge.merge(tmp_path / "in.il", tmp_path / "out.il") == (3, 2)
    out = (tmp_path / "out.il").read_text(encoding="utf-8")
    assert "cell \\leaf \\u_a" in out and "cell \\leaf \\u_b" in out and out.count("module \\leaf") == 1
    assert "attribute \\top 1\nmodule \\top\n" in out


# ---- Areas


def fake(blocks: list[area.Block]) -> netlist.Netlist:
    """A netlist in which each block's first pattern, without its tail, is an instance of one inverter."""
    top = netlist.Module({"INV_X1": 1})
    modules = {"equinox_core": top, "leaf": netlist.Module({"INV_X1": 1, "DFF_X1": 2})}
    for block in blocks:
        path = _example(block.patterns[0].pattern)
        if not path:
            continue
        at = "equinox_core"
        for part in path.split("/"):
            below = f"{at}.{part}"
            modules[at] = replace(modules[at], instances={**modules[at].instances, part: below})
            modules.setdefault(below, netlist.Module({"INV_X1": 1}))
            at = below
    return netlist.Netlist("equinox_core", modules)


def _example(pattern: str) -> str:
    for text, example in ((r"(/.*)?", ""), (r"(/g_lane.*)?", ""), (r"(.*)", ".u"), (r"\d+", "0"), ("\\", "")):
        pattern = pattern.replace(text, example)
    return re.sub(r"\(\?:(\d)[^)]*\)", r"\1", pattern)


def test_every_instance_belongs_to_a_block() -> None:
    blocks = area.load_blocks(load_config("tiny"))
    pe = "equinox_core.u_mmu.u_datapath.g_array[0].u_array"
    found = area.areas(fake(blocks), {}, {pe: {"wgt1_q": 1, "wgt2_q": 1}}, {}, blocks)
    with pytest.raises(area.BlocksError, match="no such register: wgt2_q of PE"):
        area.areas(fake(blocks), {}, {pe: {"wgt1_q": 1}}, {}, blocks)
    inverters = sum(m.cells.get("INV_X1", 0) for _, _, m in fake(blocks).walk())
    assert found.total().logic == pytest.approx(inverters * library.cells()["INV_X1"].area)


def test_an_instance_without_a_block_and_a_block_without_one() -> None:
    blocks = area.load_blocks(load_config("tiny"))
    whole = fake(blocks)
    top = whole.modules["equinox_core"]
    more = replace(top, instances={**top.instances, "u_new": "leaf"})
    with pytest.raises(area.BlocksError, match="no entry fits the instance u_new"):
        area.areas(netlist.Netlist(whole.top, {**whole.modules, "equinox_core": more}), {}, {}, {}, blocks)
    less = replace(top, instances={k: v for k, v in top.instances.items() if k != "u_policy"})
    with pytest.raises(area.BlocksError, match="no instance fits policy"):
        area.areas(netlist.Netlist(whole.top, {**whole.modules, "equinox_core": less}), {}, {}, {}, blocks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "blocks.yaml: while parsing"),
        ("a: 1", "blocks.yaml: legal is a list of blocks"),
        ("- {part: a, block: b, use: both}", "entry 1: legal are block, part, paths, registers, use"),
        ("- {part: a, block: b, use: all, paths: [x]}", "entry 1: use 'all': legal are inference, training, both"),
        ("- {part: a, block: b, use: both, paths: ['(']}", r"entry 1: path '\('"),
    ],
)
def test_malformed_blocks(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "blocks.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(area.BlocksError, match=message):
        area.load_blocks(load_config("tiny"), tmp_path / "blocks.yaml")


def test_registers_of_another_use() -> None:
    """Flip-flops that another use needs are counted to it, with their area, and only once."""
    block = area.Block("arrays", "PE", "both", (re.compile(""),), {"w_q": "training"})
    after = netlist.Netlist("top", {"top": netlist.Module({"DFF_X1": 10, "INV_X1": 4})})
    found = area.areas(after, {}, {"top": {"w_q": 6}}, {"top": 3}, [block])
    flop, inverter = library.cells()["DFF_X1"].area, library.cells()["INV_X1"].area
    assert found.use("training") == area.Amount(pytest.approx(6 * flop), 0.0, 6, 0)
    assert found.use("both") == area.Amount(pytest.approx(4 * flop + 4 * inverter), 0.0, 4, 0, 3)


# ---- Budgets


def cost(**changes: object) -> measure.Cost:
    rows = [
        measure.Row("arrays", "PE", "both", 600000.0, 0.0, 10, 0),
        measure.Row("scheduler", "policy", "training", 400000.0, 0.0, 10, 0),
        measure.Row("buffers", "RXB", "inference", 0.0, 2000000.0, 0, 64),
    ]
    clocks = [measure.Clock("PE", "arrays", "a", "b", 2.0), measure.Clock("policy", "scheduler", "c", "d", 1.0)]
    return replace(measure.Cost("tiny", False, 32, rows, [("RXB", 64, 1024, 1)], clocks, "", 1.0), **changes)


def test_budgets_are_held(tmp_path: Path) -> None:
    file = tmp_path / "cost.toml"
    file.write_text(
        "[tiny]\ncore = {logic = 1.0, area = 2.9}\npolicy = {share = 39.9, mhz = 1000}\nPE = {mhz = 501}\n",
        encoding="utf-8",
    )
    limits = budgets.load("tiny", cost().names, file)
    lines = report.verdicts(cost(), limits)
    assert [("BROKEN" in line) for line in lines] == [False, True, True]
    assert "budget core: area, at most 2.9: 3, BROKEN" in lines
    assert [("BROKEN" in line) for line in report.verdicts(cost(speed=True), limits)] == [False, True]
    assert budgets.load("default", cost().names, file) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tiny", "cost.toml: "),
        ("[tiny]\npolicies = {logic = 1}", "'policies': no such block; legal are core, arrays"),
        ("[tiny]\npolicy = 3", "policy: legal is a table of logic, sram, area, share, mhz"),
        ("[tiny]\npolicy = {watts = 3}", r"policy\.watts: legal are logic, sram, area, share, mhz"),
        ("[tiny]\npolicy = {logic = 0}", r"policy\.logic = 0: legal is a number above 0"),
    ],
)
def test_malformed_budgets(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "cost.toml").write_text(text, encoding="utf-8")
    with pytest.raises(budgets.BudgetError, match=message):
        budgets.load("tiny", cost().names, tmp_path / "cost.toml")


def test_checked_in_budgets() -> None:
    for config in (*page.CONFIGS, "xlarge"):
        blocks = area.load_blocks(load_config(config))
        assert budgets.load(config, {name for b in blocks for name in (b.part, b.name)})


# ---- Clock


SUMMARY = """
Startpoint                           Endpoint                                 Slack
u_vpu/_15_/Q (DFF_X1)      u_vpu/u_lanes/_12_/D (DFFR_X1)   -0.9990
u_rxb/rdata_o\\[3\\] (eqx_sram_1r1w)      u_vpu/g_ctx\\[0\\].u_ctx/_7_/D (DFF_X1)   0.2000
"""


def test_paths_have_names() -> None:
    found = timing.paths(SUMMARY, 1.5, {"u_vpu/u_lanes/_12_": "u_vpu/u_lanes/at[0]"})
    assert found == [
        timing.Path_("u_vpu/_15_", "u_vpu/u_lanes/at[0]", 2.499),
        timing.Path_("u_rxb", "u_vpu/g_ctx[0].u_ctx/_7_", 1.3),
    ]


def test_without_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(timing.TimerError, match="OpenSTA .* is not installed: apt-get install opensta"):
        timing.timer()


@pytest.mark.skipif(shutil.which(timing.TIMER) is None, reason="OpenSTA is not installed")
def test_the_clock_of_a_small_module(tmp_path: Path) -> None:
    """A counter of four bits: its slowest path is between its own registers, and a slower adder is slower."""
    after = made(tmp_path, leaf=LEAF.replace("d_i + 4'd1", "q_o + d_i"), top=TOP)
    found, worst = timing.run(tmp_path, after, {}, 1.5)
    assert {path.end.partition("/")[0] for path in found} == {"u_a", "u_b"}
    assert "q_o" in found[0].start and 0.1 < found[0].ns < 1.0
    assert "Startpoint" in worst


# ---- The page and the command


def test_the_page_has_its_tables() -> None:
    costs = [cost(config=c, speed=s) for s in (False, True) for c in page.CONFIGS]
    text = (ROOT / "docs/cost.md").read_text(encoding="utf-8")
    filled(text, page.tables(costs, dict.fromkeys(page.CONFIGS, [budgets.Budget("core", "logic", 2.0)])))


def command(*words: str, **env: str) -> tuple[int, str]:
    done = process.run(
        [sys.executable, "scripts/cost.py", *words], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=1500
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config", "huge"], "huge"),
        (["--config", ","], "CONFIG is empty"),
        (["--jobs", "0"], "JOBS = 0: legal is 1 or more"),
        (["--speed", "maybe"], "SPEED = 'maybe'"),
        (["--cluster", "here"], "CLUSTER=here: legal are"),
    ],
)
def test_bad_calls(words: list[str], message: str, tmp_path: Path) -> None:
    code, said = command(*words, "--out", str(tmp_path))
    assert code == 2 and message in said and "Traceback" not in said


def test_tiny_is_within_its_budget(tmp_path: Path) -> None:
    code, said = command("--config", "tiny", "--jobs", "1", "--out", str(tmp_path / "cost"))
    assert code == 0, said[-3000:]
    assert "PASSED: tiny within budget" in said and (tmp_path / "cost/tiny-area-blocks.csv").exists()


@pytest.mark.nightly
@pytest.mark.parametrize("config", ["default", "large", "xlarge"])
def test_larger_ones_are_within_theirs(config: str, tmp_path: Path) -> None:
    code, said = command("--config", config, "--jobs", "1", "--out", str(tmp_path / "cost"))
    assert code == 0, said[-3000:]
