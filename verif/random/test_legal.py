"""What makes a case illegal is refused, in one line that says what and where."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.config import load_config
from models.isa.encoding import Op
from verif.random.case import Case, ServiceCase, TrainingCase, lines_of, load_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.layout import service_area, share
from verif.random.legal import check_case, repaired
from verif.random.lower import program_of
from verif.random.shrink import atoms_of, only

CFG = load_config("tiny")
LOAD = f"load sp=STG n_o=1 len=4 l_base={share(CFG, 0, 'STG')[0]} d_base={service_area(CFG, 0).lines}\n"
ANSWER = "vector dyn_o cnt_i=1 r_sp=TXB r_so=4 r_si=1\n"


def service(text: str, **more: int) -> Case:
    return Case(services=(ServiceCase(lines_of(f"{text}\n{ANSWER}", "text"), **more),))


def training(text: str, **more: int) -> Case:
    return Case(training=TrainingCase(lines_of(text, "text"), **more))


@pytest.mark.parametrize(("case", "why"), [
    (Case(), "nothing runs"),
    (training("vector cnt_o=1 cnt_i=1 a_sp=VEC r_sp=SOF"), "instruction 0: VEC 0 is read and not written before"),
    (training("vector cnt_o=1 cnt_i=1 a_sp=CST r_sp=SOF"), "CST 0..0: its own are 0..-1"),
    (training("vector cnt_o=2 cnt_i=1 a_sp=NONE r_sp=VEC r_so=1\nvector cnt_o=1 cnt_i=2 a_sp=VEC a_si=1 r_sp=VEC r_base=1 r_si=1"), "other lines of the same"),
    (training("matmul rows=1 n_g=1 n_k=1 accum a_sp=ACTD b_sp=WGTD"), "ACTD 0 is read"),
    (training("load sp=STG n_o=1 len=1 d_base=4194304"), "DRAM"),
    (training("vector cnt_o=1 cnt_i=1 dyn_o r_sp=SOF"), "inference contexts only"),
    (service("vector cnt_o=1 cnt_i=1 a_sp=VEC r_sp=VEC"), "service0: instruction 0: VEC 0 is read"),
    (service("vector dyn_o cnt_i=1 r_sp=VEC r_so=1\nvector cnt_o=4 cnt_i=1 a_sp=VEC a_so=1 r_sp=VEC r_so=1"), "VEC 1 is read"),  # a batch of one row
    (service(LOAD + LOAD), "writes what all contexts share once"),
    (service("vector dyn_o cnt_i=1 a_sp=RXB r_sp=SOF"), "SOF 0..0: its own are"),
    (service(f"vector dyn_o cnt_i=1 a_sp=RXB r_sp=SOF r_base={share(CFG, 0, 'SOF')[0]}"), "from constants only"),
    (service("load sp=WGTD n_o=1 len=1 d_base=" + str(service_area(CFG, 0).blocks), weights=4), "writes what all contexts share once"),
    (service(f"load sp=STG n_o=1 len=1 l_base={share(CFG, 0, 'STG')[0]} d_base={service_area(CFG, 0).out}"), "reads its DRAM's inputs"),
    (service("", tx_lines=2), "a response has lines that nothing writes"),
    (replace(service(""), rsp_stall=99), "RSP_STALL = 99"),
])  # fmt: skip
def test_illegal_cases(case: Case, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_case(case)
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_repair_leaves_a_legal_case() -> None:
    """Whatever is left out of a case, what remains is legal."""
    case = generate("tiny", 4)
    atoms = atoms_of(case)
    for n in range(7):
        small = only(case, [atom for k, atom in enumerate(atoms) if k % 7 != n])
        check_case(small)
        assert small.size < case.size
    assert repaired(case) == case


def test_fences_and_nops() -> None:
    """A fence waits for every other unit; a NOP takes over the waits of what stands behind it."""
    text = "load sp=STG n_o=1 len=1\nvector cnt_o=1 cnt_i=1 a_sp=STG r_sp=SOF\nload sp=ACTD n_o=1 len=1\n{}vector cnt_o=1 cnt_i=1 r_sp=VEC\n"
    plain, fenced, nop = (program_of(CFG, "p", lines_of(text.format(more), "text"), True) for more in ("", ".fence\n", "nop.vpu\n.fence\n"))
    waits = [i.wait.bit_count() for i in plain.streams[1]]
    assert waits[1] == 0 and fenced.streams[1][1].wait.bit_count() == 1  # for the second load
    assert [i.op for i in nop.streams[1]] == [Op.VECTOR, Op.NOP, Op.VECTOR]
    assert nop.streams[1][1].wait.bit_count() == 1 and nop.streams[1][2].wait == 0


@pytest.mark.parametrize(("text", "why"), [
    ("config = 3", "bad.toml.config = 3: legal is text"),
    ("config = 'none'", "none: no such configuration"),
    ("policy = 'best'", "bad.toml: policy 'best': legal are inference_only"),
    ("colour = 1", "bad.toml: unknown key colour"),
    ("requests = [[1, 0]]", "bad.toml: requests: [1, 0]: legal is a list of [number, number, number]"),
    ("requests = [[1, 0, 4]]", "bad.toml: request for service 0: legal is 0..-1"),
    ("training = 1", "bad.toml: training: legal is a table"),
    ("[training]\niters = 1", "bad.toml: training: key program is missing"),
    ("[training]\nprogram = 'nop.vpu\\nvector colour=1'", "bad.toml: training.program"),
    ("[training]\nprogram = '''\nvector wait=1 cnt_o=1'''", "bad.toml: training.program, line 1: wait, signal and last are derived"),
    ("[[services]]\nprogram = ''\nbatch = -1", "bad.toml: services[0].batch = -1: legal is a whole number"),
    ("= 1", "bad.toml: not TOML"),
])  # fmt: skip
def test_bad_files(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        load_case(path)
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("word", "why"), [
    ("rows=0..3", "knob rows = 0..3: legal is LOW..HIGH within 1..64"), ("rows=4..3", "knob rows = 4..3"), ("edge=2", "a probability in 0..1"),
    ("edge=x", "knob edge = 'x'"), ("colour=1", "knob 'colour': none of"), ("policies=best", "knob policies = best"),
])  # fmt: skip
def test_bad_knobs(word: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(").replace("..", r"\.\.")):
        Knobs().changed([word])
