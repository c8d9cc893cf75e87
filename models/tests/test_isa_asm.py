"""Instruction words and assembler text: everything survives the round trip, mistakes are named."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from equinox_core.compiler.gemm import gemm
from equinox_core.config import load_config
from equinox_core.isa.asm import assemble, disassemble, format_instr, parse_line
from equinox_core.isa.encoding import INSTR_BITS, Op, Unit, decode, encode, make
from equinox_core.isa.program import Program, link, words32
from models.tests.isa_random import random_instr, random_program

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("op", list(Op))
def test_words(op: Op) -> None:
    rng = np.random.default_rng(int(op))
    for _ in range(100):
        ins = random_instr(rng, op)
        word = encode(ins)
        assert 0 <= word < 1 << INSTR_BITS and decode(word) == ins
        assert sum(w << 32 * n for n, w in enumerate(words32(word))) == word


@pytest.mark.parametrize("op", list(Op))
def test_lines(op: Op) -> None:
    rng = np.random.default_rng(100 + int(op))
    for _ in range(100):
        ins = random_instr(rng, op)
        unit = Unit(int(rng.integers(4))) if op == Op.NOP else None
        parsed = parse_line(format_instr(ins, unit))
        assert parsed is not None and parsed[1] == ins and unit in (None, parsed[0])


def test_programs() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        prog = random_program(rng)
        again = assemble(disassemble(prog))
        assert again == prog and len(again) == 30
    compiled = gemm(load_config("tiny"), 9, 10, 11).program
    assert assemble(disassemble(compiled)) == compiled


def test_text_forms() -> None:
    prog = assemble("""
        .program demo       ; a comment
        .training
        .sem 3=2 0x4=1
        .needs vec=7
        MATMUL rows=0x10 n_g=2 n_k=1 a_sp=actd wait=0,3 signal=1   # another
        vector cnt_o=1 cnt_i=4 a_sp=ACC act=TANH dyn_o last
        nop.ld wait=15 last
    """)
    assert (prog.name, prog.training, prog.sem_init[3:5], prog.needs.vec, prog.pc_valid) == (
        "demo",
        True,
        (2, 1),
        7,
        0b111,
    )
    matmul = prog.streams[Unit.MMU][0]
    assert (matmul.rows, matmul.a_sp, matmul.wait, matmul.signal) == (16, 1, 0b1001, 2)
    assert prog.streams[Unit.VPU][0].dyn_o == 1 and prog.streams[Unit.LD][0].wait == 1 << 15


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("matmull rows=1", "unknown instruction 'matmull'"),
        ("nop wait=1", "a nop needs its stream: nop.mmu"),
        ("matmul rows", "'rows': not a flag of MATMUL"),
        ("matmul rows=65536", r"MATMUL.rows = 65536: legal range 0..65535"),
        ("matmul speed=1", "MATMUL has no field 'speed'"),
        ("matmul rows=1 rows=2", "field 'rows' is given twice"),
        ("matmul wait=16", "semaphore 16: legal range 0..15"),
        ("vector act=GELU", "act: 'GELU' is none of NONE, RELU"),
        ("load len=ten", "'ten' is no number"),
        (".sem 16=1", "legal is 0..15=0..15"),
        (".needs gold=1", "'gold' is none of"),
        (".section text", "no such directive"),
    ],
)
def test_mistakes(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"x\.eqs:2: .*{message}"):
        assemble("\n" + line, "x.eqs")


def test_wrong_stream_and_reserved_bits() -> None:
    with pytest.raises(ValueError, match="MATMUL cannot stand in the stream of ST"):
        Program().add(make(Op.MATMUL), Unit.ST)
    with pytest.raises(ValueError, match="reserved bits"):
        decode(encode(make(Op.NOP)) | 1 << 380)
    with pytest.raises(ValueError, match="illegal opcode 0x0"):
        decode(0)


def test_link() -> None:
    cfg = load_config("tiny")
    one, two = gemm(cfg, 5, 6, 7, name="one").program, gemm(cfg, 9, 10, 40, name="two").program
    linked = link([one, two], 512)
    assert linked.pc["two"] == tuple(len(one.streams[u]) for u in Unit)
    for u in Unit:
        assert linked.imem[u] == one.words(u) + two.words(u)
    with pytest.raises(
        ValueError, match=r"instruction memory of MMU: need \d+ with program 'two', have 3 \(IMEM_DEPTH\)"
    ):
        link([one, two], 3)
    with pytest.raises(ValueError, match="two programs are called 'one'"):
        link([one, one], 512)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool = script("eqx_asm")
    prog = gemm(load_config("tiny"), 9, 10, 11).program
    text, words, again = tmp_path / "a.eqs", tmp_path / "a.eqx", tmp_path / "b.eqs"
    text.write_text(disassemble(prog), encoding="utf-8")
    assert tool.main(["asm", str(text), "-o", str(words)]) == 0
    assert tool.main(["dis", str(words), "-o", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == text.read_text(encoding="utf-8")
    assert tool.main(["check", str(text), "--config", "tiny"]) == 0 and capsys.readouterr().out == ""
    text.write_text(text.read_text(encoding="utf-8").replace("last", "", 1), encoding="utf-8")
    assert tool.main(["check", str(text), "--config", "tiny"]) == 1
    assert "`last` must stand on the last instruction" in capsys.readouterr().err
    words.write_text("unit mmu\nxyz\n", encoding="utf-8")
    assert tool.main(["dis", str(words)]) == 1 and "a.eqx:2:" in capsys.readouterr().err
    words.write_bytes(b"unit mm\xfc\n")
    assert tool.main(["dis", str(words)]) == 1 and "a.eqx: not a text file" in capsys.readouterr().err


def test_generated_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = script("gen_isa_pkg")
    monkeypatch.setattr(sys, "argv", ["gen_isa_pkg.py", "--check"])
    assert tool.main() == 0, "rtl/common/eqx_isa_pkg.sv is out of date"
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "TARGET", tmp_path / "pkg.sv")
    assert tool.main() == 1
    monkeypatch.setattr(sys, "argv", ["gen_isa_pkg.py"])
    assert tool.main() == 0
    text = tool.TARGET.read_text(encoding="utf-8")
    assert "OP_MATMUL = 4'd1" in text and "logic [15:0] wait_mask;" in text
    monkeypatch.setattr(sys, "argv", ["gen_isa_pkg.py", "--check"])
    assert tool.main() == 0
    tool.TARGET.write_text(text.replace("OP_MATMUL = 4'd1", "OP_MATMUL = 4'd5"), encoding="utf-8")
    assert tool.main() == 1
