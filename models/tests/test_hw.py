"""The hardware's facts: each in one place, what is generated from them follows, and a copy that differs is found."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from equinox_core.config import load_config
from equinox_core.csr_map import REGS
from equinox_core.hw import params, systemverilog
from equinox_core.hw.markdown import TABLES, filled
from equinox_core.hw.modes import MODES, POLICIES, TRAITS, Mode, Policy, traits
from equinox_core.hw.params import CORE, DRAM, MAX_CTX, RULES, problem
from equinox_core.hw.pipeline import ADD_LATENCY, VPU_QUEUE, line_stage, row_flight
from equinox_core.hw.states import CtxState, Err, Perf, Unit
from equinox_core.hw.structs import BATCH_ROW, CFG, CTX_CFG, CTX_STS, HEADER, STRUCTS, Field, Struct

ROOT = Path(__file__).resolve().parents[2]


def values(**changes: int) -> dict[str, int]:
    cfg = load_config("default")
    return {name: getattr(cfg, name) for name in (*CORE, *DRAM)} | changes


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator needs, to be changed at will."""
    folder = tmp_path_factory.mktemp("checkout")
    for place in ("models", "verif/lib", "rtl", "docs"):
        shutil.copytree(ROOT / place, folder / place, ignore=shutil.ignore_patterns("__pycache__", "*.png", "tests"))
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/gen_hw.py", folder / "scripts")
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "verif/__init__.py").touch()
    return folder


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{folder}:{folder}/models"},
    )


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def test_a_range_is_one_edit(checkout: Path) -> None:
    """Another legal range: copies that differ are named; generated again, RTL checks, docs and Python all have it."""
    assert python(checkout, "scripts/gen_hw.py", "--check").returncode == 0
    edit(checkout, "models/equinox_core/hw/params.py", "N: int = _param(1, 128,", "N: int = _param(8, 16,")
    stale = python(checkout, "scripts/gen_hw.py", "--check")
    assert stale.returncode == 1
    assert re.findall(r"^(\S+) is out of date", stale.stderr, re.M) == [
        "rtl/common/eqx_param_check.sv",
        "docs/architecture.md",
    ]
    assert (
        python(checkout, "scripts/gen_hw.py").returncode == 0
        and python(checkout, "scripts/gen_hw.py", "--check").returncode == 0
    )
    assert "N < 8 || N > 16" in (checkout / "rtl/common/eqx_param_check.sv").read_text(encoding="utf-8")
    assert "| `N` | a power of two in 8..16 |" in (checkout / "docs/architecture.md").read_text(encoding="utf-8")
    refused = python(checkout, "-c", "from equinox_core.config import load_config; load_config('tiny')")
    assert "tiny.toml: [core] N = 4: legal is a power of two in 8..16" in refused.stderr
    edit(checkout, "models/equinox_core/hw/params.py", "N: int = _param(8, 16,", "N: int = _param(1, 128,")
    assert python(checkout, "scripts/gen_hw.py").returncode == 0


def test_a_copy_that_differs_is_found(checkout: Path) -> None:
    """In a package, in the registers' enumerations, in a table of the docs."""
    for file, old, new in (
        ("rtl/common/eqx_pkg.sv", "MODE_INF_ONLY = 2'd0", "MODE_INF_ONLY = 2'd3"),
        ("rtl/csr/eqx_csr.rdl", "RUNNING = 3'd2", "RUNNING = 3'd3"),
        ("docs/timing.md", "| `LD_OUTSTANDING` | 8 |", "| `LD_OUTSTANDING` | 9 |"),
        ("rtl/converter/eqx_conv_pkg.sv", "[11:0] stride", "[12:0] stride"),
    ):
        edit(checkout, file, old, new)
        found = python(checkout, "scripts/gen_hw.py", "--check")
        assert found.returncode == 1 and f"{file} is out of date" in found.stderr
        edit(checkout, file, new, old)


def test_a_page_with_an_unknown_table() -> None:
    with pytest.raises(ValueError, match=r"docs/x\.md: no table 'weather': legal are parameters, rules, "):
        filled("<!-- hw:weather -->\n<!-- hw:end -->\n", "docs/x.md")
    assert set(
        re.findall(r"<!-- hw:(\w+) -->", "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md")))
    ) - {"end"} == set(TABLES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"N": 6}, "[core] N = 6: legal is a power of two in 1..128"),
        ({"GAP": -1}, "[dram] GAP = -1: legal is 0..1000"),
        ({"QUEUE_DEPTH": 24}, "[core] QUEUE_DEPTH = 24: legal is a power of two in 4..4096"),
        (
            {"RX_SLOTS": 1024, "RX_LINES": 65},
            "[core] RX_LINES = 65: legal is at most 64 for RX_SLOTS = 1024 (65536 lines in all)",
        ),
        (
            {"N": 8, "QUEUE_DEPTH": 4},
            "[core] QUEUE_DEPTH = 4: legal is a power of two in 8..4096, so that a full batch of N = 8 fits",
        ),
        ({"N": 128, "M": 16, "W": 8}, "[core] W = 8: legal is M = 16 or more, so that a block holds a line"),
        (
            {"N": 64, "M": 8, "W": 32, "QUEUE_DEPTH": 64},
            "[core] W = 32: legal is at most 16 for N = 64 (N·W, a block, is at most 1024)",
        ),
        (
            {"N": 128, "QUEUE_DEPTH": 128, "RX_SLOTS": 128, "TX_LINES": 255, "C_INF": 3},
            "[core] TX_LINES = 255: legal is at most 170 for C_INF = 3, N = 128 (65536 lines in all)",
        ),
        ({"BYTES": 4100}, "[dram] BYTES = 4100: legal is a multiple of 32, the bytes of a beat"),
    ],
)
def test_problem(changes: dict[str, int], words: str) -> None:
    assert problem(values()) is None
    assert problem(values(**changes)) == words


def test_the_rtl_checks_every_parameter_and_rule() -> None:
    """The generated module has a check for each, but for those of the DRAM, which the core does not have."""
    text = systemverilog.param_check()
    assert text.count("$fatal") == len(CORE) + sum("BYTES" not in r.holds for r in RULES)
    core = (ROOT / "rtl/equinox_core.sv").read_text(encoding="utf-8")
    assert '.UNIT("equinox_core"),\n      .CFG (CFG)' in core[core.index("eqx_cfg_check #(") :][:80]
    whole = systemverilog.cfg_check()
    for name in CORE:
        assert f".{name}({name})" in core[core.index("eqx_pkg::cfg(") :][:900], f"equinox_core leaves {name} out"
        assert f".{name}(CFG.{name})" in whole


def test_the_defaults_are_those_of_a_configuration() -> None:
    """A core whose parameters are not given is that of configs/default.toml."""
    core = (ROOT / "rtl/equinox_core.sv").read_text(encoding="utf-8")
    declared = re.findall(r"^\s*parameter\s+int unsigned (\w+)\s*=\s*(\d+),", core, re.M)
    assert {name: int(value) for name, value in declared} == load_config("default").params()


def test_a_configuration_is_one_word() -> None:
    """What follows from the parameters follows in Python too, and Python packs what the RTL unpacks."""
    cfg = load_config("large")
    whole = params.whole(cfg.params())
    assert {name: whole[name] for name in ("K", "L", "BUS", "CTX")} == {
        "K": cfg.K,
        "L": cfg.L,
        "BUS": cfg.BUS,
        "CTX": cfg.CTX,
    }
    assert (whole["BLKW"], whole["SLOTW"], whole["TXA_DEPTH"]) == (8 * cfg.K + 8, 6, cfg.N * cfg.TX_LINES)
    bits, word = systemverilog.cfg_word(cfg.params()).split("'h")
    assert int(bits) == CFG.bits == 32 * len(whole)
    assert vars(CFG.unpack(int(word, 16))) == whole


def test_expressions() -> None:
    assert systemverilog.expression("W in (M, 2 * M)") == "(W == M || W == (2 * M))"
    assert systemverilog.expression("MAX_BUS // N") == "(128 / N)"
    assert systemverilog.expression("min(N, 2)") == "(N < 2 ? N : 2)"
    with pytest.raises(ValueError, match="has no form in SystemVerilog"):
        systemverilog.expression("f(N) == 1")


def test_structs() -> None:
    """Written out by hand once: the first field is the most significant."""
    word = BATCH_ROW.pack(age=5, last=True, ctx=1, svc=2, rows=3, row=4, slot=6, id=7)
    assert word == 5 << 81 | 1 << 80 | 1 << 72 | 2 << 64 | 3 << 56 | 4 << 48 | 6 << 32 | 7
    assert vars(BATCH_ROW.unpack(word)) == {
        "age": 5,
        "last": 1,
        "ctx": 1,
        "svc": 2,
        "rows": 3,
        "row": 4,
        "slot": 6,
        "id": 7,
    }
    assert HEADER.pack(id=3, status=2, svc=1) == 3 << 16 | 2 << 8 | 1
    settings = {f.name: [n % 16 for n in range(f.count)] if f.count else 1 for f in CTX_CFG.fields}
    assert (
        CTX_CFG.unpack(CTX_CFG.pack(**settings)).sem_init == list(range(16)) and CTX_CFG.pack(**settings) & 0xFF == 0x10
    )
    both = CTX_STS.pack_all(CTX_STS.pack(state=n, err_cause=1, err_unit=2, steps=9) for n in (3, 5))
    assert [s.state for s in CTX_STS.unpack_all(both, 2)] == [3, 5]
    assert sum(s.bits for s in STRUCTS) == sum(f.bits for s in STRUCTS for f in s.fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": 8, "b": [0, 0]}, r"t\.a = 8: legal range 0\.\.7"),
        ({"a": 1}, "t: b is missing"),
        ({"a": 1, "b": [0, 0], "c": 1}, "t: c is no field"),
        ({"a": 1, "b": [0]}, r"t\.b: 1 values: legal are 2"),
        ({"a": -1, "b": [0, 0]}, r"t\.a = -1"),
    ],
)
def test_structs_refuse(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Struct("t", "", (Field("a", 3), Field("b", 2, count=2))).pack(**fields)


def test_the_registers_have_room() -> None:
    """Sizes of the register description: every context and service, every code of an enumeration."""
    assert len({p for p in REGS if re.fullmatch(r"CTX\[\d\]\.CMD", p)}) == MAX_CTX
    assert len({p for p in REGS if re.fullmatch(r"SVC\[\d\]\.CTRL", p)}) == CORE["SERVICES"].high
    for path, field, kind in (
        ("POLICY", "policy", Policy),
        ("PERF_SEL", "index", Perf),
        ("PERF_SEL", "unit", Unit),
        ("IMEM_ADDR", "unit", Unit),
        ("CTX[0].STATUS", "state", CtxState),
        ("CTX[0].STATUS", "err_cause", Err),
        ("CTX[0].STATUS", "err_unit", Unit),
    ):
        assert max(kind) < 1 << REGS[path][1][field][1]
    assert REGS["POLICY"][1]["policy"][2] == Policy.PRIORITY


def test_policies() -> None:
    """Names, codes and traits; a mode is named like the policy that is always in it."""
    assert [POLICIES.index(p.name.lower()) for p in Policy] == list(Policy) == list(range(len(TRAITS)))
    assert dict(zip(MODES, Mode, strict=True)) == {
        "inference_only": Mode.INF_ONLY,
        "fair": Mode.FAIR,
        "priority": Mode.PRIO,
    }
    assert traits("slack").limited and not traits("fair").limited and traits("fair").rows == "turn"


def test_pipeline() -> None:
    """What the docs say of a row and of a line."""
    assert row_flight(8) == 2 * 8 + 2 + ADD_LATENCY and [line_stage(n) for n in (4, 16)] == [14, 18] and VPU_QUEUE == 16


def test_no_parameter_without_meaning() -> None:
    for table in (params.CoreParams, params.DramParams):
        assert all(params.meanings(table).values())
