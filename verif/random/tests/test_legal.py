"""What makes a case illegal is refused, in one line that says what and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from equinox_core.config import Config, load_config
from equinox_core.isa.encoding import Dst, Instr, Op, Src
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


def chain(distance: int) -> str:
    """A program that reads what the line so many lines before has written."""
    fill = "vector cnt_o=60 cnt_i=1 r_sp=VEC r_so=1"
    return f"{fill}\nvector cnt_o=30 cnt_i=1 c_sp=VEC c_so=1 r_sp=VEC r_base={distance} r_so=1"


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (Case(), "nothing runs"),
        (training("vector cnt_o=1 cnt_i=1 a_sp=VEC r_sp=SOF"), "instruction 0: VEC 0 is read and not written before"),
        (training("vector cnt_o=1 cnt_i=1 a_sp=CST r_sp=SOF"), "CST 0..0: its own are 0..-1"),
        (training(chain(14)), "14 before it: legal is 15"),
        (replace(training(chain(18)), config="default"), "18 before it: legal is 19"),
        (service(chain(1)), "service0: VPU[1]: C of line 1 reads VEC 1, which line 0"),
        (
            service("vector cnt_o=9 cnt_i=1 r_sp=VEC r_so=1\nvector dyn_i cnt_o=3 c_sp=VEC c_si=1 r_sp=VEC r_si=1"),
            "1 before it: legal",
        ),
        (training("matmul rows=1 n_g=1 n_k=1 accum a_sp=ACTD b_sp=WGTD"), "ACTD 0 is read"),
        (training("load sp=STG n_o=1 len=1 d_base=4194304"), "DRAM"),
        (training("vector cnt_o=1 cnt_i=1 dyn_o r_sp=SOF"), "inference contexts only"),
        (service("vector cnt_o=1 cnt_i=1 a_sp=VEC r_sp=VEC"), "service0: instruction 0: VEC 0 is read"),
        (
            service("vector dyn_o cnt_i=1 r_sp=VEC r_so=1\nvector cnt_o=4 cnt_i=1 a_sp=VEC a_so=1 r_sp=VEC r_so=1"),
            "VEC 1 is read",
        ),  # a batch of one row
        (service(LOAD + LOAD), "writes what all contexts share once"),
        (service("vector dyn_o cnt_i=1 a_sp=RXB r_sp=SOF"), "SOF 0..0: its own are"),
        (service(f"vector dyn_o cnt_i=1 a_sp=RXB r_sp=SOF r_base={share(CFG, 0, 'SOF')[0]}"), "from constants only"),
        (
            service("load sp=WGTD n_o=1 len=1 d_base=" + str(service_area(CFG, 0).blocks), weights=4),
            "writes what all contexts share once",
        ),
        (
            service(f"load sp=STG n_o=1 len=1 l_base={share(CFG, 0, 'STG')[0]} d_base={service_area(CFG, 0).out}"),
            "reads its DRAM's inputs",
        ),
        (service("", tx_lines=2), "a response has lines that nothing writes"),
        (replace(service(""), rsp_stall=99), "RSP_STALL = 99"),
    ],
)
def test_illegal_cases(case: Case, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_case(case)
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "case",
    [training(chain(15)), replace(training(chain(19)), config="default"), service(chain(15)), training(chain(0))],
)
def test_the_shortest_legal_distance(case: Case) -> None:
    """Of a VECTOR that reads its own results; a line further is refused above."""
    check_case(case)


@pytest.mark.parametrize("config", ["tiny", "default"])
def test_default_knobs_draw_the_shortest_legal_distance(config: str) -> None:
    """In training and in services, VECTORs read their own results T + 1 lines later; one line less is refused."""
    found = {"service": 0, "training": 0}
    for seed in range(1, 41):
        case = generate(config, seed)
        parts = [("service", s.program) for s in case.services]
        parts += [("training", case.training.program)] if case.training else []
        for kind, program in parts:
            found[kind] += sum(nearest(line.ins, case.cfg) == {"tiny": 15, "default": 19}[config] for line in program)
        if min(found.values()) >= 2:
            return
    raise AssertionError(f"hardly any in {seed} seeds: {found}")


def nearest(ins: Instr, cfg: Config) -> int:
    """How many lines before it a line's operand was written, at least; 0: never by an earlier line."""
    if ins.op != Op.VECTOR or ins.r_sp != Dst.VEC or ins.dyn_o or ins.dyn_i:
        return 0
    f, lines = ins.fields, [(o, i) for o in range(ins.cnt_o) for i in range(ins.cnt_i)]
    at = {x: [f[f"{x}_base"] + o * f[f"{x}_so"] + i * f[f"{x}_si"] for o, i in lines] for x in "abcdr"}
    reads = [at[x] for x in "abcd" if f[f"{x}_sp"] == Src.VEC]
    pairs = [(n, before) for n in range(len(lines)) for before in range(n)]
    return min((n - before for read in reads for n, before in pairs if at["r"][before] == read[n]), default=0)


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
    text = (
        "load sp=STG n_o=1 len=1\nvector cnt_o=1 cnt_i=1 a_sp=STG r_sp=SOF\nload sp=ACTD n_o=1 len=1\n"
        "{}vector cnt_o=1 cnt_i=1 r_sp=VEC\n"
    )
    plain, fenced, nop = (
        program_of(CFG, "p", lines_of(text.format(more), "text"), True)
        for more in ("", ".fence\n", "nop.vpu\n.fence\n")
    )
    waits = [i.wait.bit_count() for i in plain.streams[1]]
    assert waits[1] == 0 and fenced.streams[1][1].wait.bit_count() == 1  # for the second load
    assert [i.op for i in nop.streams[1]] == [Op.VECTOR, Op.NOP, Op.VECTOR]
    assert nop.streams[1][1].wait.bit_count() == 1 and nop.streams[1][2].wait == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("config = 3", "bad.toml.config = 3: legal is text"),
        ("config = 'none'", "none: no such configuration"),
        ("policy = 'best'", "bad.toml: policy 'best': legal are inference_only"),
        ("colour = 1", "bad.toml: unknown key colour"),
        ("requests = [[1, 0]]", "bad.toml: requests: [1, 0]: legal is a list of [number, number, number]"),
        ("requests = [[1, 0, 4]]", "bad.toml: request for service 0: legal is 0..-1"),
        ("training = 1", "bad.toml: training: legal is a table"),
        ("[training]\niters = 1", "bad.toml: training: key program is missing"),
        ("[training]\nprogram = 'nop.vpu\\nvector colour=1'", "bad.toml: training.program"),
        (
            "[training]\nprogram = '''\nvector wait=1 cnt_o=1'''",
            "bad.toml: training.program, line 1: wait, signal and last are derived",
        ),
        ("[[services]]\nprogram = ''\nbatch = -1", "bad.toml: services[0].batch = -1: legal is a whole number"),
        ("= 1", "bad.toml: not TOML"),
    ],
)
def test_bad_files(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        load_case(path)
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("rows=0..3", "knob rows = 0..3: legal is LOW..HIGH within 1..64"),
        ("rows=4..3", "knob rows = 4..3"),
        ("edge=2", "a probability in 0..1"),
        ("edge=x", "knob edge = 'x'"),
        ("colour=1", "knob 'colour': none of"),
        ("policies=best", "knob policies = best"),
    ],
)
def test_bad_knobs(word: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(").replace("..", r"\.\.")):
        Knobs().changed([word])
