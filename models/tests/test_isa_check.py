"""The static checker and the race detector accept good programs and name what is wrong with others."""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.builder import Builder, _place
from equinox_core.compiler.ops import VEC, At, vector
from equinox_core.compiler.service import mlp_classifier
from equinox_core.compiler.training import mlp_training
from equinox_core.config import load_config
from equinox_core.isa.asm import assemble
from equinox_core.isa.check import Bases, check_program, needs_of
from equinox_core.isa.encoding import Unit
from equinox_core.isa.races import Race, check_races

TINY = load_config("tiny")


def program(*lines: str):
    return assemble("\n".join(lines))


GOOD = "matmul rows=4 n_g=1 n_k=1 c_sr=1 a_sr=1"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([GOOD], r"MMU\[0\]: `last` must stand"),
        ([GOOD + " last", GOOD + " last"], r"MMU\[0\]: `last` must stand on the last"),
        (["matmul n_g=1 n_k=1 last"], "rows = 0: must be 1 or more"),
        (["matmul rows=1 n_k=1 last"], "n_g = 0: must be 1 or more"),
        (["vector cnt_o=1 cnt_i=9 last"], "counts 1 x 9"),
        (["vector cnt_o=1 cnt_i=1 a_sp=ACC c_sp=ACC last"], "ACC is read by more than one operand"),
        (["load sp=3 n_o=1 len=1 last"], r"sp = 3: legal range 0\.\.2"),
        (["store n_o=1 len=1 d_base=4 last"], "d_base = 4: must be a multiple of 8 bytes, a beat"),
        (["store n_o=1 last"], "len = 0"),
        ([GOOD + " a_base=4095 last"], r"ACTC: need 4099, have 4096 \(ACTC_DEPTH of configuration tiny\)"),
        (["load sp=STG n_o=1 len=1 d_base=4194304 last"], r"DRAM: need 4194320 bytes, have 4194304"),
        ([GOOD + " wait=1 last", "nop.vpu wait=1 signal=1 last"], "semaphore 1 is waited on by MMU and VPU"),
        ([GOOD + " wait=2 last"], "semaphore 2: 1 waits, 0 signals"),
        ([".sem 1=1", GOOD + " last"], "an inference program starts at 0"),
        ([".training", GOOD + " signal=2 last"], "semaphore 2: 1 signals but 0 waits an iteration"),
        ([".training", "matmul dyn_rows n_g=1 n_k=1 last"], "dyn_rows exists for inference contexts only"),
        ([".training", "vector cnt_o=1 cnt_i=1 r_sp=TXB last"], "exist for inference contexts only"),
        ([], "no instruction in any stream"),
    ],
)
def test_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_program(program(*lines), TINY)


def test_instruction_memory() -> None:
    prog = program(*[GOOD] * 512, GOOD + " last")
    with pytest.raises(
        ValueError, match=r"instruction memory of MMU: need 513, have 512 \(IMEM_DEPTH of configuration tiny\)"
    ):
        check_program(prog, TINY)


def test_relocation_counts() -> None:
    prog = program(GOOD + " last")
    check_program(prog, TINY, Bases(acc=2044))
    with pytest.raises(ValueError, match="ACC: need 4 from 2045, have 2048"):
        check_program(prog, TINY, Bases(acc=2045))
    cfg = load_config("default")
    check_program(program(GOOD + " b_sp=WGTD b_base=2 last"), cfg)
    with pytest.raises(ValueError, match="must be multiples of M = 2"):
        check_program(program(GOOD + " b_sp=WGTD b_base=1 last"), cfg)
    with pytest.raises(ValueError, match="must be multiples of M = 2"):
        check_program(program(GOOD + " b_sp=WGTD last"), cfg, Bases(wgtd=1))


def test_needs() -> None:
    prog = program(
        "vector dyn_o cnt_i=3 a_sp=RXB a_base=2 a_si=1 r_sp=TXB r_so=4 r_si=1 last",
        "store sp=SOF n_o=2 len=3 l_base=5 l_so=10 d_so=800 d_iter=1600 last",
    )
    needs = needs_of(prog, TINY, iter_mod=3)
    assert (needs.rx_lines, needs.tx_lines, needs.sof, needs.dram) == (5, 3, 18, 800 + 2 * 1600 + 3 * 16)


def test_unordered_accesses() -> None:
    write, read = "vector cnt_o=1 cnt_i=2 r_sp=VEC r_si=1", "vector cnt_o=1 cnt_i=2 a_sp=VEC a_si=1 r_sp=TXB"
    with pytest.raises(Race, match=r"VPU\[1\] of iteration 0 .*` reads VEC with no semaphore after VPU\[0\]"):
        check_races(program(write, read + " last"), TINY)
    assert check_races(program(write + " signal=0", read + " wait=0 last"), TINY) > 0
    drain = "vector cnt_o=1 cnt_i=4 a_sp=ACC a_si=1 r_sp=TXB"
    with pytest.raises(Race, match=r"VPU\[0\] of iteration 0 .*` reads ACC with no semaphore after MMU\[1\]"):
        check_races(program(GOOD + " signal=3", GOOD + " last", drain + " wait=3 last"), TINY)
    check_races(program(GOOD + " signal=3", GOOD + " wait=4 last", drain + " wait=3 signal=4 last"), TINY)


def test_lines_of_one_instruction() -> None:
    check_races(program("vector cnt_o=1 cnt_i=4 a_sp=VEC a_si=1 r_sp=VEC r_si=1 last"), TINY)
    check_races(program("vector cnt_o=1 cnt_i=4 a_sp=VEC a_si=1 r_sp=VEC r_base=4 r_si=1 last"), TINY)
    check_races(program("vector cnt_o=1 cnt_i=4 a_sp=VEC a_base=1 a_si=1 r_sp=VEC r_si=1 last"), TINY)
    with pytest.raises(Race, match="A of line 1 reads VEC 1, which line 0 .* 1 before it: legal is 15"):
        check_races(program("vector cnt_o=1 cnt_i=4 a_sp=VEC a_si=1 r_sp=VEC r_base=1 r_si=1 last"), TINY)


def test_counter_may_overflow() -> None:
    run = [GOOD + f" c_base={8 * n} signal=0" for n in range(16)]
    drain = [f"vector cnt_o=1 cnt_i=4 a_sp=ACC a_base={8 * n} a_si=1 r_sp=TXB wait=0" for n in range(16)]
    with pytest.raises(Race, match="semaphore 0 may reach 16: MMU may run too far ahead"):
        check_races(program(*run[:-1], run[-1] + " last", *drain[:-1], drain[-1] + " last"), TINY)
    check_races(program(*run[:-2], run[-2] + " last", *drain[:-2], drain[-2] + " last"), TINY)


def test_converter_paths_keep_no_order() -> None:
    by_row = "vector cnt_o=4 cnt_i=2 v_mode=ROWS v_so=1"
    by_column = "vector cnt_o=1 cnt_i=8 v_mode=COLS v_si=1"
    check_races(program(by_row, by_row + " last"), TINY)
    with pytest.raises(Race, match=r"VPU\[1\] of iteration 0 .*` writes ACTC with no semaphore after VPU\[0\]"):
        check_races(program(by_row, by_column + " last"), TINY)
    check_races(program(by_row + " signal=1", by_column + " wait=1 last"), TINY)


def test_two_signallers_and_deadlock() -> None:
    with pytest.raises(ValueError, match="semaphore 0 is signalled by MMU and VPU"):
        check_races(program(GOOD + " signal=0 last", "nop.vpu signal=0", "nop.vpu wait=0 last"), TINY)
    with pytest.raises(ValueError, match=r"deadlock: MMU\[0\].*VPU\[0\]"):
        check_races(program("nop.mmu wait=0", "nop.mmu signal=1 last", "nop.vpu wait=1", "nop.vpu signal=0 last"), TINY)


def every_edge_matters(out: Builder, iter_mod: int) -> int:
    """Leaves out each dependence in turn: the detector must see each. Returns how many."""
    good = out.finish(iter_mod)
    assert check_races(good, TINY, iter_mod=iter_mod) > 0
    edges = out._edges(iter_mod)
    for n in range(len(edges)):
        prog = assemble(f".program without_{n}" + ("\n.training" if out.training else ""))
        for ins in out.seq:
            prog.add(ins)
        _place(prog, edges[:n] + edges[n + 1 :])
        with pytest.raises(Race):
            check_races(prog.set_last(), TINY, iter_mod=iter_mod)
    return len(edges)


def test_every_semaphore_edge_of_compiled_programs_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[Builder] = []
    finish = Builder.finish
    monkeypatch.setattr(Builder, "finish", lambda self, iter_mod=1: caught.append(self) or finish(self, iter_mod))
    rng = np.random.default_rng(0)
    mlp_classifier(TINY, [rng.normal(size=(40, 12)), rng.normal(size=(5, 40))])
    mlp_training(TINY, (12, 16, 16, 3), 16, 0.5, 2)
    monkeypatch.undo()
    assert every_edge_matters(caught[0], 1) > 5
    assert every_edge_matters(caught[1], 2) > 50


def test_builder_orders_what_conflicts_and_nothing_else() -> None:
    out = Builder(TINY, "x")
    one = At(VEC, 0, 0, 1)
    vector(out, 1, 2, one, r=At(1, 8, 0, 1))
    vector(out, 1, 2, one, r=At(1, 16, 0, 1))  # reads what nobody writes
    vector(out, 1, 2, At(VEC, 9, 0, 1), r=At(1, 24, 0, 1))  # reads what the first writes
    prog = out.finish()
    waits = [i.wait for i in prog.streams[Unit.VPU]]
    assert waits[0] == waits[1] == 0 and waits[2]
    assert [i.signal for i in prog.streams[Unit.VPU]] == [waits[2], 0, 0]
