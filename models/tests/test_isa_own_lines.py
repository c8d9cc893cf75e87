"""What a VECTOR may read of its own results:
the checks against a pipeline with random stalls, the model line by line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from equinox_core.config import Config, load_config
from equinox_core.core import Context, Core
from equinox_core.isa.access import accesses
from equinox_core.isa.asm import assemble
from equinox_core.isa.check import Bases, check_needs, check_program
from equinox_core.isa.encoding import Conv, ConvDst, Instr, Op, Red, Src, Unit, make
from equinox_core.isa.own_lines import OwnLines, check_own_lines
from equinox_core.isa.program import Needs, with_fields
from equinox_core.isa.races import Race, check_races
from equinox_core.numerics import bf16_from_float
from models.tests.test_isa_asm import script

STAGES = {"tiny": 14, "default": 18, "large": 20}  # T of docs/vpu.md, by hand


def chain(x: str, distance: int, lines: int, **more: int) -> Instr:
    """Operand ``x`` of each line reads what the line ``distance`` lines
    before it writes (a negative one: behind it).
    """
    base = 100
    fields = {f"{x}_sp": Src.VEC, f"{x}_base": base, f"{x}_so": 1, "r_sp": 1, "r_base": base + distance, "r_so": 1}
    return make(Op.VECTOR, cnt_o=lines, cnt_i=1, **(fields | more))


def refused(ins: Instr, cfg: Config, rows: int | None = None) -> bool:
    try:
        check_own_lines(accesses(ins, cfg, rows), cfg.L)
    except OwnLines:
        return True
    return False


@pytest.mark.parametrize("config", STAGES)
@pytest.mark.parametrize("x", "abcd")
def test_the_shortest_legal_distance(config: str, x: str) -> None:
    """T is refused, T + 1 is not; its own line and later ones are legal, and so are too few lines to read a result."""
    cfg, stages = load_config(config), STAGES[config]
    for distance in range(1, stages + 1):
        assert refused(chain(x, distance, distance + 1), cfg), distance
        assert not refused(chain(x, distance, distance), cfg), distance
    for distance in (stages + 1, stages + 2, 3 * stages, 0, -1, -stages):
        assert not refused(chain(x, distance, 4 * stages), cfg), distance


@pytest.mark.parametrize("config", STAGES)
def test_one_line_over_and_over(config: str) -> None:
    """Equal addresses (c = r) are refused if one comes again within T lines: a ring of T + 1 is legal."""
    cfg, stages = load_config(config), STAGES[config]
    for ring, wrong in ((1, True), (stages, True), (stages + 1, False)):
        ins = make(Op.VECTOR, cnt_o=3, cnt_i=ring, a_sp=Src.CST, a_so=1, c_sp=Src.VEC, c_si=1, r_sp=1, r_si=1)
        assert refused(ins, cfg) == wrong, ring
        assert not refused(with_fields(ins, cnt_o=1), cfg)


def versions(read: list[int], written: list[int], starts: list[int], stages: int) -> list[int]:
    """Which line's result (-1: none's) each line reads, if it starts in the cycle given: a pipeline, cycle by cycle."""
    memory: dict[int, int] = {}
    flight: dict[int, list[int]] = {}
    seen = []
    line = 0
    for cycle in range(starts[-1] + 1):
        if line < len(starts) and starts[line] == cycle:
            seen.append(memory.get(read[line], -1))
            flight[cycle + stages] = [written[line], line]
            line += 1
        if cycle in flight:  # stands there from the next cycle on
            memory[flight[cycle][0]] = flight[cycle][1]
    return seen


def test_legal_is_what_no_stall_changes() -> None:
    """Random strides: accepted exactly where every pattern of stalls gives the values of one line after another."""
    cfg, rng = load_config("tiny"), np.random.default_rng(5)
    verdicts = [0, 0]
    for _ in range(1500):
        f = {"cnt_o": int(rng.integers(1, 12)), "cnt_i": int(rng.integers(1, 9))}
        for x in "cr":
            f |= {f"{x}_base": int(rng.integers(40, 80)), f"{x}_si": int(rng.integers(0, 3))}
            f[f"{x}_so"] = int(rng.choice([0, 1, 2, f["cnt_i"], 15]))
        ins = make(Op.VECTOR, **f, c_sp=Src.VEC, r_sp=1)
        read, written = (a.addr.tolist() for a in accesses(ins, cfg))
        n = len(read)
        in_order = [max((i for i in range(line) if written[i] == read[line]), default=-1) for line in range(n)]
        stalls = [np.ones(n, int), np.full(n, 16), *(rng.choice([1, 1, 1, 3, 16], n) for _ in range(3))]
        same = all(versions(read, written, np.cumsum(s).tolist(), STAGES["tiny"]) == in_order for s in stalls)
        assert refused(ins, cfg) != same, f
        verdicts[same] += 1
    assert min(verdicts) > 200, verdicts


def test_batches_of_every_size_are_looked_at() -> None:
    """With dyn_i the distance grows with the batch: legal for 11 rows and more, refused for fewer, so the program is
    refused.
    """
    cfg = load_config("large")
    ring = "vector dyn_i cnt_o=4 c_sp=VEC c_so=100 c_si=1 r_sp=VEC r_base=200 r_so=100 r_si=1 last"  # 2 rows before
    ins = assemble(ring).streams[Unit.VPU][0]
    assert [refused(ins, cfg, rows) for rows in (1, 10, 11, 16)] == [True, True, False, False]
    with pytest.raises(
        ValueError, match=r"program: VPU\[0\]: C of line 2 reads VEC 200, .*: legal is 21 or more before it"
    ):
        check_program(assemble(ring), cfg)
    # Only rows in the middle are at fault: line (2, 0) reads what line (0, 1) wrote, 21 lines before it with 11 rows.
    late = "vector dyn_i cnt_o=3 c_sp=VEC c_base=11 c_so=5 c_si=30 r_sp=VEC r_base=20 r_si=1 r_so=500 last"
    ins = assemble(late).streams[Unit.VPU][0]
    assert [refused(ins, cfg, rows) for rows in (1, 2, 10, 11, 16)] == [False, True, True, False, False]
    with pytest.raises(ValueError, match="which line 1 of the same instruction writes"):
        check_program(assemble(late), cfg)


def test_prover_and_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both name the program, the instruction, the lines and the legal distance, in one line."""
    text = ".program sums\nvector cnt_o=12 cnt_i=1 a_sp=CST a_so=1 c_sp=VEC c_base=100 r_sp=VEC r_base=100 last\n"
    what = "C of line 1 reads VEC 100, which line 0 of the same instruction writes, 1 before it: legal is 15 or more"
    with pytest.raises(Race, match=rf"sums: VPU\[0\] of iteration 0 .*{what}"):
        check_races(assemble(text), load_config("tiny"))
    file = tmp_path / "sums.eqs"
    file.write_text(text, encoding="utf-8")
    tool = script("eqx_asm")
    assert tool.main(["check", str(file), "--config", "tiny"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("eqx_asm: sums: VPU[0]: C of line 1 reads VEC 100")


def test_constants_lie_apart() -> None:
    """CST is the same memory: constants among the program's own lines are refused where the relocations are known."""
    cfg = load_config("tiny")
    prog = assemble("vector cnt_o=4 cnt_i=1 a_sp=CST a_so=1 r_sp=VEC r_base=8 r_so=1 last")  # needs VEC 0..11, CST 0..3
    check_program(prog, cfg)
    for cst in (112, 96):
        check_program(prog, cfg, Bases(vec=100, cst=cst))
    for cst in (111, 97, 100):
        with pytest.raises(
            ValueError, match=rf"program: CST is lines {cst}..{cst + 3} of VEC, and 100..111 are the pro"
        ):
            check_program(prog, cfg, Bases(vec=100, cst=cst))
    check_needs(Needs(vec=8), cfg, Bases())
    check_needs(Needs(cst=8), cfg, Bases())


def filled(cfg: Config, rng: np.random.Generator) -> Core:
    core = Core(cfg)
    core.mem.VEC[:] = bf16_from_float(rng.normal(size=core.mem.VEC.shape))
    core.mem.ACC[:] = rng.normal(size=core.mem.ACC.shape).astype(np.float32).view(np.uint32)
    return core


@pytest.mark.parametrize("config", ["tiny", "default"])
def test_model_equals_lines_one_by_one(config: str) -> None:
    """An instruction that reads its own results gives what its lines give as instructions, one after another."""
    cfg, rng = load_config(config), np.random.default_rng(3)
    ctx = Context(cfg.C_INF, True, Bases(vec=7, acc=5, cst=7), cfg=cfg)  # CST shows the lines of VEC
    for n, distance in enumerate([STAGES[config] + 1, STAGES[config] + 2, 0, -3] * 8):
        x = "abcd"[n // 4 % 4]
        space = Src.CST if n % 3 == 0 else Src.VEC
        more = {"red": int(rng.choice(list(Red))), f"{x}_sp": space, "p_neg": 1}
        if x != "a":
            more |= {"a_sp": Src.ACC, "a_so": 1}
        ins = chain(x, distance, 60, **more)
        whole, single = filled(cfg, np.random.default_rng(n)), filled(cfg, np.random.default_rng(n))
        before = whole.mem.VEC.copy()
        whole.execute(ins, Unit.VPU, ctx)
        for line in range(60):
            at = {f"{y}_base": ins.fields[f"{y}_base"] + line * ins.fields[f"{y}_so"] for y in "abcdr"}
            single.execute(with_fields(ins, cnt_o=1, **at), Unit.VPU, ctx)
        assert (before != whole.mem.VEC).any()
        np.testing.assert_array_equal(whole.mem.VEC, single.mem.VEC)


def test_model_converts_what_it_read_of_its_own() -> None:
    """Blocks of a chain are those of its lines, though the chain is computed in parts."""
    cfg = load_config("tiny")
    ctx = Context(cfg.C_INF, True, cfg=cfg)
    core = filled(cfg, np.random.default_rng(1))
    ins = with_fields(chain("c", 15, 40, a_sp=Src.ACC, a_so=1), v_mode=Conv.ROWS, v_sp=ConvDst.SOB, v_so=1)
    core.execute(ins, Unit.VPU, ctx)
    got = core.mem.SOB[0][:40].copy(), core.mem.SOB[1][:40].copy()
    plain = {"a_sp": Src.VEC, "a_base": 115, "a_so": 1, "v_mode": Conv.ROWS, "v_sp": ConvDst.SOB, "v_so": 1}
    core.execute(make(Op.VECTOR, cnt_o=40, cnt_i=1, **plain), Unit.VPU, ctx)
    np.testing.assert_array_equal(got[0], core.mem.SOB[0][:40])
    np.testing.assert_array_equal(got[1], core.mem.SOB[1][:40])


@pytest.mark.parametrize("space", [Src.VEC, Src.CST])
def test_model_refuses(space: Src) -> None:
    """Too near, also through CST where it shows the same lines; nothing is written."""
    cfg = load_config("tiny")
    core = filled(cfg, np.random.default_rng(1))
    before = core.mem.VEC.copy()
    ctx = Context(cfg.C_INF, True, Bases(vec=64, cst=64), cfg=cfg)
    with pytest.raises(
        OwnLines, match="C of line 14 reads VEC 178, which line 0 .* 14 before it: legal is 15 .*in `vector"
    ):
        core.execute(chain("c", 14, 30, c_sp=space), Unit.VPU, ctx)
    np.testing.assert_array_equal(core.mem.VEC, before)
    core.execute(chain("c", 15, 30, c_sp=space), Unit.VPU, ctx)
    assert (before != core.mem.VEC).any()
