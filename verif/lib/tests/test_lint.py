"""Tests of the static checks: each must find the fault it is there for."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from verif.lib import arrows, rules, style
from verif.lib.lint import TOP, Target, elaborate, parameters_of, run_verilator, run_yosys, sizes, targets
from verif.lib.rtl import closure, order
from verif.lib.toolchain import ROOT

GOOD = """// A register.
module dut #(
    parameter int unsigned N = 4,
    parameter logic [1:0] MODE = 2'd1
) (
    input logic clk_i, input logic [N-1:0] d_i, output logic [N-1:0] q_o
);
  always_ff @(posedge clk_i) q_o <= d_i ^ N'(MODE);
endmodule
"""
LATCH = GOOD.replace("always_ff @(posedge clk_i) q_o <=", "always @* if (clk_i) q_o =")
LOOP = GOOD.replace("always_ff @(posedge clk_i) q_o <= d_i", "assign q_o = q_o + d_i")
DRIVERS = GOOD.replace("endmodule", "  always_ff @(posedge clk_i) q_o <= d_i;\nendmodule")
SYNTAX = GOOD.replace("<=", "<=<=")
WIDTH = GOOD.replace("N'(MODE)", "MODE")


def write(folder: Path, text: str) -> Path:
    """Put a module's text into a file of its own."""
    path = folder / "dut.sv"
    path.write_text(text, encoding="utf-8")
    return path


def test_clean_module_has_no_findings(tmp_path: Path) -> None:
    """No false alarms, with default and with given parameters."""
    path = write(tmp_path, GOOD)
    for target in (Target("dut"), Target("dut", {"N": 8}, "n8")):
        assert run_verilator(target, [path]) == ""
        assert run_yosys(target, [path]) == ""
    assert rules.check_rtl_file(path) == []
    assert parameters_of(path) == {"N", "MODE"}


@pytest.mark.parametrize("text", [LATCH, LOOP, SYNTAX, WIDTH], ids=["latch", "loop", "syntax", "width"])
def test_verilator_finds(tmp_path: Path, text: str) -> None:
    """These faults are a warning or an error of Verilator (two drivers with one clock are not)."""
    assert "%" in run_verilator(Target("dut"), [write(tmp_path, text)])


def test_elaboration_finds(tmp_path: Path) -> None:
    """Widths and syntax, and a size that is not legal; the sizes that are elaborated have the one of 131,072 MACs."""
    assert elaborate(Target("dut"), [write(tmp_path, GOOD)]) == ""
    for text in (WIDTH, SYNTAX):
        assert "%" in elaborate(Target("dut"), [write(tmp_path, text)])
    assert {t.module for t in sizes()} == {TOP}
    assert 131_072 in [t.params["N"] ** 2 * t.params["M"] * t.params["W"] for t in sizes()]
    small = {**sizes()[0].params, "W": 2}  # less than M
    assert "legal is M = 4 or more" in elaborate(Target(TOP, small), closure(TOP))


@pytest.mark.parametrize("text", [LATCH, LOOP, DRIVERS, SYNTAX], ids=["latch", "loop", "drivers", "syntax"])
def test_yosys_finds(tmp_path: Path, text: str) -> None:
    """Every kind of fault that concerns synthesis stops Yosys, and it says so."""
    assert run_yosys(Target("dut"), [write(tmp_path, text)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("module dut", "module other"), "must hold one module"),
        (GOOD + GOOD.replace("dut", "two"), "must hold one module"),
        (GOOD.replace("  always_ff", "  import eqx_pkg::*;\n  always_ff"), ":8: `import`"),
        (GOOD.replace("endmodule", "  initial q_o = 0;\nendmodule"), ":9: `initial`"),
        (GOOD.replace("<= d_i", "<= #1 d_i"), ":8: a delay"),
        (LATCH, ":8: `always`"),
        (
            GOOD.replace("endmodule", '  if (N < 1) $error("dut: N = %0d: legal is 1 or more", N);\nendmodule'),
            ":9: a parameter",
        ),
        (GOOD.replace("endmodule", '  if (N < 1) $fatal(1, "N must be 1 or more");\nendmodule'), ":9: a parameter"),
    ],
    ids=["name", "two", "import", "initial", "delay", "always", "error", "fatal"],
)
def test_rules_find(tmp_path: Path, text: str, words: str) -> None:
    """Each rule has a fault that it names, with its line."""
    findings = rules.check_rtl_file(write(tmp_path, text))
    assert any(words in finding for finding in findings), findings


def test_rules_ignore_comments(tmp_path: Path) -> None:
    """Words in comments and strings are no findings."""
    text = GOOD.replace("endmodule", "  // initial #5\n  /* import a::b */\nendmodule")
    text = text.replace(
        "endmodule", '  if (N < 1) $fatal(1, "dut: N = %0d: legal is 1 or more", N);  // $error\nendmodule'
    )
    assert rules.check_rtl_file(write(tmp_path, text)) == []


def test_needless_module(tmp_path: Path) -> None:
    """A module or package that the core does not reach is no part of rtl/."""
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    for name, body in (
        ("equinox_core", "eqx_leaf u_leaf ();"),
        ("eqx_leaf", ""),
        ("eqx_bench_only", "eqx_leaf u_leaf ();"),
    ):
        (rtl / f"{name}.sv").write_text(f"module {name}; {body} endmodule\n", encoding="utf-8")
    (finding,) = rules.needless(tmp_path)
    assert finding.startswith(f"{rtl / 'eqx_bench_only.sv'}: equinox_core does not need it")
    (rtl / "eqx_bench_only.sv").unlink()
    assert rules.needless(tmp_path) == []
    (rtl / "equinox_core.sv").unlink()
    assert "there is no equinox_core.sv" in rules.needless(tmp_path)[0]


def test_long_lines(tmp_path: Path) -> None:
    """A line has 120 columns at most, in all files but those that PeakRDL writes."""
    for name in ("rtl/a.sv", "rtl/csr/eqx_csr.sv", "rtl/csr/d.rdl", "verif/tb/b.sv", "scripts/c.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        mark = "##" if path.suffix == ".py" else "//"
        path.write_text(f"{mark} short\n{mark} {'x' * 117}\n{mark}  {'ä' * 116}\n", encoding="utf-8")
        assert rules.too_long(path) == []
        path.write_text(f"{mark} short\n{mark} {'x' * 118}  # noqa: F401\n", encoding="utf-8")
    found = [words for words in rules.check_all(tmp_path) if "columns" in words]
    assert found == [
        f"{tmp_path / name}:2: 135 columns, legal are 120"
        for name in ("rtl/a.sv", "verif/tb/b.sv", "rtl/csr/d.rdl", "scripts/c.py")
    ]


@pytest.mark.parametrize(
    ("file", "line", "bad"),
    [
        ("tb/tb_x.sv", "assign a = u_core.u_mmu.take;", True),
        ("tb/tb_x.sv", "assign a = u_core . mode;", True),
        ("tb/watch.sv", "assign a = equinox_core.mode;", True),
        ("env/x.py", "value = dut.u_core.u_vpu.busy.value", True),
        ("tb/tb_x.sv", "assign a = u_core.u_probe.stuck_catch;", False),
        ("tb/tb_x.sv", "// u_core.mode", False),
        ("tb/core_probe.sv", "assign a = equinox_core.mode;", False),
        ("env/x.py", "probe = dut.u_core.u_probe", False),
        ("env/x.py", "import equinox_core.isa", False),
    ],
)
def test_one_probe(tmp_path: Path, file: str, line: str, bad: bool) -> None:
    """What is inside the core is named by its probe alone."""
    (tmp_path / "rtl").mkdir()
    path = tmp_path / "verif" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"\n{line}\n", encoding="utf-8")
    found = [words for words in rules.check_all(tmp_path) if "alone names what is inside the core" in words]
    assert len(found) == bad and all(words.startswith(f"{path}:2: ") for words in found)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("tb_fifo.sv", None, "a bench needs tb_fifo.sv"),
        ("bench_fifo.py", None, "a bench needs bench_fifo.py"),
        ("test_fifo.py", None, "a bench needs test_fifo.py"),
        ("fifo_ref.py", "", "legal in a block's bench are"),
        ("test_more.py", "", "legal in a block's bench are"),
        ("parts/model.py", "", "legal in a block's bench are"),
        ("notes.txt", "", "legal in a block's bench are"),
        (
            "model.py",
            "from verif.block.fifo2.model import x\n",
            ":1: a bench must not import another's (verif.block.fifo2",
        ),
        ("model.py", "from verif.block import dma\n", ":1: a bench must not import another's (verif.block.dma"),
        ("model.py", "from verif.block.fifo.stimulus import x\n", ""),
        ("model_timing.py", "", ""),
        ("bench_fifo_full.py", "", ""),
        ("fifo_watch.sv", "", ""),
        ("faults.yaml", "", ""),
    ],
)
def test_skeleton(tmp_path: Path, file: str, text: str | None, words: str) -> None:
    """Every block's bench has the same files; what is missing or has another name is named."""
    folder = tmp_path / "verif/block/fifo"
    folder.mkdir(parents=True)
    for name in ("tb_fifo.sv", "bench_fifo.py", "test_fifo.py", "stimulus.py", "harness.py"):
        (folder / name).write_text("", encoding="utf-8")
    assert rules.skeleton(tmp_path) == []
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    found = rules.skeleton(tmp_path)
    assert len(found) == bool(words) and all(words in line for line in found), found


@pytest.mark.parametrize(
    ("file", "bad"),
    [
        ("verif/flow/plan/tests/test_plan.py", False),
        ("verif/tests/test_chip.py", False),
        ("models/tests/test_hw.py", False),
        ("verif/block/dma/test_dma.py", False),
        ("verif/flow/plan/test_plan.py", True),
        ("verif/random/tests/more/test_model.py", True),
        ("models/equinox_core/test_hw.py", True),
        ("scripts/test_sim.py", True),
        ("verif/block/dma/test_more.py", True),
        ("verif/block/test_dma.py", True),
    ],
)
def test_where_tests_stand(tmp_path: Path, file: str, bad: bool) -> None:
    """In a folder ``tests`` beside what they test, or beside the bench that they run."""
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text("", encoding="utf-8")
    found = rules.test_places(tmp_path)
    folder = path.parent.relative_to(tmp_path)
    assert found == [f"{path}: tests of a folder stand in {folder}/tests"] * bad


ENUM = "package a_pkg; typedef enum logic [1:0] {COLD = 2'd0, WARM, HOT = 2'd2} heat_e; endpackage\n"


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("assign y = x <= a_pkg::WARM;", True),
        ("assign y = WARM > x;", True),
        ("assign y = a && (x >= HOT);", True),
        ("always_ff @(posedge c) if (x <= a_pkg::WARM) y <= 1;", True),
        ("always_ff @(posedge c) y <= x <= a_pkg::WARM;", True),
        ("function automatic logic f(); return x <= HOT; endfunction", True),
        ("always_comb y = a_pkg::COLD <= x;", True),
        ("always_ff @(posedge c) x <= a_pkg::WARM;", False),
        ("always_ff @(posedge c) begin x[n<2] <= WARM; if (a == b) x <= HOT; else x <= COLD; end", False),
        ("always_ff @(posedge c) for (int i = 0; i < 4; i++) x[i] <= HOT;", False),
        ("always_ff @(posedge c) case (z) COLD: x <= HOT; default: x <= COLD; endcase", False),
        ("assign y = x inside {a_pkg::WARM, a_pkg::HOT} && n < 3 && n << 2 != WARMER;", False),
        ("// x <= WARM", False),
    ],
)
def test_enumerators_by_order(tmp_path: Path, line: str, bad: bool) -> None:
    """How an enumeration is numbered decides nothing."""
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    (rtl / "a_pkg.sv").write_text(ENUM, encoding="utf-8")
    names = rules.enumerators(tmp_path)
    assert names == {"COLD", "WARM", "HOT"}
    path = rtl / "dut.sv"
    path.write_text(f"module dut;\n  {line}\nendmodule\n", encoding="utf-8")
    found = rules.by_order(path, names)
    assert len(found) == bad and all(f"{path}:2: an enumerator is compared by order" in words for words in found)


@pytest.mark.parametrize(
    ("package", "line", "bad"),
    [
        ("models", "import cocotb", True),
        ("models", "from verif.lib import sim", True),
        ("models", "from equinox_core import isa", False),
        ("verif", "from scripts import sim", True),
        ("verif", "from equinox_core import isa", False),
        ("scripts", "import verif", False),
        ("scripts", "import sys\nsys.path.insert(0, 'x')", True),
        ("verif", "import sys\nsys.path += ['x']", True),
        ("models", "import sys\nprint(sys.path)", False),
        ("verif/env", "from verif.flow.plan import load", True),
        ("verif/env", "from verif import flow", True),
        ("verif/flow", "from verif.flow import plan", False),
        ("verif/flow", "from verif.env import env", False),
    ],
)
def test_import_direction(tmp_path: Path, package: str, line: str, bad: bool) -> None:
    """Imports may go from scripts to verif to models only, and nobody edits Python's path."""
    path = tmp_path / package / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n", encoding="utf-8")
    assert bool(rules.check_python_file(path, tmp_path)) == bad


@pytest.mark.parametrize(
    ("texts", "circle"),
    [
        ({"verif/a/x.py": "from verif.a.y import f", "verif/a/y.py": "from verif.a import z", "verif/a/z.py": ""}, ""),
        (
            {"verif/a/x.py": "from verif.a.y import f", "verif/a/y.py": "from verif.a import x"},
            "verif.a.x -> verif.a.y",
        ),
        (
            {
                "verif/x.py": "import verif.y",
                "verif/y.py": "def f():\n    from verif.z import g",
                "verif/z.py": "import verif.x",
            },
            "verif.x -> verif.y -> verif.z",
        ),
        (
            {
                "verif/x.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from verif.y import Y",
                "verif/y.py": "from verif.x import X",
            },
            "verif.x -> verif.y",
        ),
        (
            {
                "models/equinox_core/a/x.py": "from ..b.y import f",
                "models/equinox_core/b/y.py": "from ..a import x",
                "models/equinox_core/b/z.py": "from ..a.x import f",
            },
            "equinox_core.a.x -> equinox_core.b.y",
        ),
        (
            {
                "verif/a/__init__.py": "from verif.a.x import X",
                "verif/a/x.py": "from verif.a import y",
                "verif/a/y.py": "",
            },
            "",
        ),
        ({"verif/a/__init__.py": "from .x import X\nY = 1", "verif/a/x.py": "from . import Y"}, "verif.a -> verif.a.x"),
        ({"verif/x.py": "import verif.y\n?", "verif/y.py": "import verif.x"}, ""),
    ],
)
def test_circles(tmp_path: Path, texts: dict[str, str], circle: str) -> None:
    """No module is imported by one that it imports, however the import is written, and wherever it stands."""
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    found = arrows.circles(tmp_path)
    assert len(found) == bool(circle)
    if circle:
        line = 3 if "TYPE_CHECKING" in texts.get("verif/x.py", "") else 1
        first = min(texts)
        assert found == [f"{tmp_path / first}:{line}: imports in a circle: {circle} -> {circle.split(' ')[0]}"]


def test_circles_are_a_rule(tmp_path: Path) -> None:
    """`make lint` looks for them: one that is put into a copy of the project's Python is found, and nothing else."""
    for folder in ("models", "verif", "scripts", "rtl"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    config = tmp_path / "verif/agents/config.py"
    config.write_text(config.read_text(encoding="utf-8") + "\nimport verif.agents.csr_agent\n", encoding="utf-8")
    (found,) = rules.check_all(tmp_path)
    assert "verif/agents/config.py:" in found
    assert found.endswith("imports in a circle: verif.agents.config -> verif.agents.csr_agent -> verif.agents.config")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("assert x", "`assert` outside test_*.py"),
        ("def f():\n    if x:\n        assert g(x), y", ":3: `assert`"),
        ("if __debug__:\n    pass", "`__debug__`"),
        ("open(x)", "encoding"),
        ("open(x, 'w')", "encoding"),
        ("path.open()", "encoding"),
        ("path.open('a')", "encoding"),
        ("path.read_text(errors='replace')", "encoding"),
        ("path.write_text(x)", "encoding"),
        ("gzip.open(x, 'rt')", "encoding"),
        ("NamedTemporaryFile('w')", "encoding"),
        ("subprocess.run(x, text=True)", "encoding"),
        ("subprocess.Popen(x, universal_newlines=True)", "encoding"),
        ("open(x, 'rb')", ""),
        ("open(x, encoding='utf-8')", ""),
        ("path.open('wb')", ""),
        ("path.read_text('utf-8')", ""),
        ("path.write_text(x, 'utf-8')", ""),
        ("gzip.open(x)", ""),
        ("tempfile.TemporaryFile()", ""),
        ("os.open(x, os.O_RDWR)", ""),
        ("subprocess.run(x, capture_output=True)", ""),
        ("subprocess.run(x, encoding='utf-8')", ""),
    ],
)
def test_verdicts_and_encodings(tmp_path: Path, line: str, words: str) -> None:
    """No assert but in pytest's files, no text in the locale's encoding."""
    for name in ("x.py", "test_x.py", "conftest.py"):
        path = tmp_path / "verif" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(line + "\n", encoding="utf-8")
        found = rules.check_python_file(path, tmp_path)
        if not words or "assert" in words and name != "x.py":
            assert found == []
        else:
            assert len(found) == 1 and words in found[0]


def test_order_and_closure(tmp_path: Path) -> None:
    """Packages come first, modules after what they instantiate; what is not named is left out."""
    texts = {
        "top": "module top; /* unused */ mid u (); endmodule",
        "mid": "module mid; leaf u (); localparam int X = b_pkg::X; endmodule",
        "leaf": "module leaf; endmodule",
        "b_pkg": "package b_pkg; localparam int X = a_pkg::Y; endpackage",
        "a_pkg": "package a_pkg; localparam int Y = 1; endpackage",
        "unused": "module unused; endmodule",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.sv").write_text(text, encoding="utf-8")
    found = [path.stem for path in closure("top", library=[tmp_path])]
    assert found == ["a_pkg", "b_pkg", "leaf", "mid", "top"]
    assert [p.stem for p in order(tmp_path.glob("*.sv"))][:2] == ["a_pkg", "b_pkg"]


def test_unknown_module_is_refused() -> None:
    """A module that is not there is an error, not an empty check."""
    with pytest.raises(ValueError, match="MODULE = .nosuch.: legal are the modules"):
        targets(["nosuch"])


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from subprocess import run",
        "import multiprocessing as m",
        "import os\nos.fork()",
        "import os\nos.execvp('a', [])",
        "from os import posix_spawn",
        "import os\nos.system('ls')",
        "from concurrent.futures import ProcessPoolExecutor",
        "import concurrent.futures\nconcurrent.futures.ProcessPoolExecutor()",
        "import asyncio\nasyncio.create_subprocess_exec('a')",
        "import pty",
    ],
)
def test_processes_are_started_in_one_place(tmp_path: Path, text: str) -> None:
    """By verif/lib/process.py; its users may."""
    path = tmp_path / "verif" / "x.py"
    path.parent.mkdir()
    path.write_text(f"{text}\n", encoding="utf-8")
    (finding,) = rules.check_python_file(path, tmp_path)
    assert "processes are started by verif/lib/process.py alone" in finding
    path.write_text(
        "from verif.lib import process\nfrom concurrent.futures import ThreadPoolExecutor\nprocess.run(['a'])\n",
        encoding="utf-8",
    )
    assert rules.check_python_file(path, tmp_path) == []


@pytest.mark.parametrize(
    ("module", "params", "words"),
    [
        ("equinox_core", {"W": 1}, "W = 1: legal is M = 2 or more, so that a block holds a line"),
        ("eqx_frontend", {"IMEM_DEPTH": 8}, "frontend: IMEM_DEPTH = 8: legal is 16..65536"),
        ("eqx_mmu", {"N": 16, "W": 128}, "mmu: W = 128: legal is at most 64 for N = 16"),
        ("eqx_vpu", {"RX_LINES": 0}, "vpu: RX_LINES = 0: legal is 1..255"),
        ("eqx_dma_store", {"C_INF": 2, "C_TRN": 3}, "dma_store: C_TRN = 3: legal is 1..2 for C_INF = 2 (4 in all)"),
        ("eqx_csr_top", {"SERVICES": 5}, "csr_top: SERVICES = 5: legal is 1..4"),
        (
            "eqx_request_dispatcher",
            {"QUEUE_DEPTH": 24},
            "request_dispatcher: QUEUE_DEPTH = 24: legal is a power of two in 4..4096",
        ),
        ("eqx_request_dispatcher", {"N": 2, "M": 1}, "request_dispatcher: L = 2: legal is 4..1024"),
        ("eqx_request_dispatcher", {"N": 32, "M": 64}, "request_dispatcher: L = 2048: legal is 4..1024"),
        ("eqx_responder", {"TX_LINES": 256}, "responder: TX_LINES = 256: legal is 1..255"),
        ("eqx_reg_fifo", {"DEPTH": 3}, "reg_fifo: DEPTH = 3: legal is a power of two, 2 or more"),
        ("eqx_converter", {"L": 6}, "converter: L = 6, K = 32: legal are powers of two with 2 <= L <= K"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_illegal_parameters_are_refused(module: str, params: dict[str, int], words: str) -> None:
    """Every unit says what is wrong, and what is legal, when it is elaborated."""
    assert words in run_verilator(Target(module, params), closure(module))


def test_ruff_finds(tmp_path: Path) -> None:
    """An unused import, and a line that is not formatted."""
    path = tmp_path / "x.py"
    path.write_text("import os\n", encoding="utf-8")
    assert "F401" in style.ruff_lint(tmp_path)[0] and style.ruff_format(tmp_path) == []
    path.write_text("x = {1:2}\n", encoding="utf-8")
    assert "would be reformatted" in style.ruff_format(tmp_path)[0] and style.ruff_lint(tmp_path) == []
    assert style.ruff_format(tmp_path, write=True) == [] == style.ruff_format(tmp_path)
    assert style.formatted_python("x = {1:2}\n") == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("def f(x): return x", "no-untyped-def"),
        ("def f(x: int) -> int: return str(x)", "return-value"),
        ("def f(x: list) -> None: ...", "type-arg"),
        ("def f(x: int) -> int: return x  # type: ignore", "unused-ignore"),
        ("def f(s: State) -> int: return s.vpu.seg[0].mode", "attr-defined"),
        ("@njit\ndef g(t: int) -> bool: return t > 0\ndef f(s: State) -> bool: return g(s.p)", "arg-type"),
        ("def f(s: State) -> int: return s.vpu.seg[0].v_mode", ""),
    ],
)
def test_mypy_finds(tmp_path: Path, line: str, code: str) -> None:
    """What has no type or a wrong one, in compiled functions of the timing model too."""
    path = tmp_path / "planted.py"
    head = "from equinox_core.timing.compiled import njit\nfrom equinox_core.timing.records import State\n"
    path.write_text(f"{head}__all__ = ['State', 'njit']\n{line}\n", encoding="utf-8")
    found = style.mypy(path)
    assert f"[{code}]" in found[0] if code else found == []


def test_mypy_settings() -> None:
    """Nothing is left out but what pyproject.toml names, and every type: ignore has its code and its reason."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert settings["strict"] and not {"exclude", "ignore_errors", "disable_error_code"} & set(settings)
    assert settings["overrides"] == [{"module": "sklearn.*", "ignore_missing_imports": True}]
    for path in (ROOT / "models/equinox_core").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert "type: ignore" not in line or re.search(r"# type: ignore\[[a-z-]+\]  # \w+", line), (path, line)
            assert "mypy:" not in line, (path, line)


GOOD_STYLE = """module dut #(
    parameter int unsigned N = 4
) (
    input  logic         clk_i,
    input  logic [N-1:0] d_i,
    output logic [N-1:0] q_o
);
  typedef struct packed {logic [N-1:0] d;} pair_t;
  pair_t pair;
  assign pair.d = d_i;
  always_ff @(posedge clk_i) q_o <= pair.d;
endmodule
"""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("N-1", "depth-1", ""),
        ("pair_t", "pair", "struct-union-name-style"),
        ("parameter int unsigned N", "parameter N", "explicit-parameter-storage-type"),
        (
            "  typedef struct packed {logic [N-1:0] d;} pair_t;\n  pair_t",
            "  struct packed {logic d;}",
            "typedef-structs",
        ),
        ("d_i", "d", "port-name-suffix"),
        ("always_ff @(posedge clk_i)", "always @*", "always-comb"),
        ("q_o <=", "q_o =", "always-ff-non-blocking"),
        ("endmodule\n", "endmodule", "posix-eof"),
    ],
)
def test_verible_finds(tmp_path: Path, old: str, new: str, rule: str) -> None:
    """Each planted line breaks the rule that is named; a parameter in small letters, that on parameters' names."""
    path = tmp_path / "rtl" / "dut.sv"
    path.parent.mkdir()
    path.write_text(GOOD_STYLE, encoding="utf-8")
    assert style.verible_lint(tmp_path) == [] == style.verible_format(tmp_path)
    text = GOOD_STYLE.replace(old, new) if rule else GOOD_STYLE.replace("N", "depth")
    path.write_text(text, encoding="utf-8")
    assert f"[{rule or 'parameter-name-style'}" in style.verible_lint(tmp_path)[0]


def test_verible_leaves_out_what_is_not_ours(tmp_path: Path) -> None:
    """The exempt files are those that PeakRDL writes, and they are there; their text is of no account."""
    assert set(rules.NOT_OURS) <= {path.relative_to(ROOT).as_posix() for path in (ROOT / "rtl").rglob("*.sv")}
    for name in ("rtl/csr/eqx_csr.sv", "rtl/a.sv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("module   a;\nendmodule", encoding="utf-8")
    (finding,) = style.verible_lint(tmp_path)
    assert "rtl/a.sv" in finding and "eqx_csr" not in finding


def test_verible_format(tmp_path: Path) -> None:
    """A file that is not formatted is named, and formatted on demand; generators format likewise."""
    path = tmp_path / "verif" / "dut.sv"
    path.parent.mkdir()
    loose = GOOD_STYLE.replace("  pair_t pair", "pair_t   pair")
    path.write_text(loose, encoding="utf-8")
    assert str(path) in style.verible_format(tmp_path)[0] and path.read_text(encoding="utf-8") == loose
    assert style.formatted(loose) == GOOD_STYLE
    assert style.verible_format(tmp_path, write=True) == [] == style.verible_format(tmp_path)
    assert path.read_text(encoding="utf-8") == GOOD_STYLE
    path.write_text(GOOD_STYLE.replace("endmodule", ""), encoding="utf-8")
    assert "syntax error" in style.verible_format(tmp_path)[0]
    with pytest.raises(style.StyleError, match="syntax error"):
        style.formatted("module")
