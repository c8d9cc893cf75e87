"""Proofs close, planted faults are refuted, and a list that does not fit is refused in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from verif.flow.campaign.job import DONE, FAILED, Record
from verif.flow.formal import proofs, prove
from verif.lib import process
from verif.lib.toolchain import ROOT

LONG = (
    "eqx_semaphores",
    "eqx_instr_stream",
    "eqx_ctx_control",
    "eqx_reg_fifo",
    "eqx_request_dispatcher",
    "eqx_dma_store",
    "eqx_dma_load",
    "eqx_mmu_load",
    "eqx_mmu_stream",
    "eqx_vpu_issue",
)
LABELS = ("a_one", "a_asked", "a_some", "a_turn", "a_last")
GOOD = """
- module: eqx_reg_fifo
  says: order
  sizes: [{WIDTH: 1, DEPTH: 2}]
  faults: [{breaks: a_count, find: "wptr_q - rptr_q", replace: "'0"}]
"""
HARMLESS = """
- module: eqx_rr_arb
  says: turns
  sizes: [{WIDTH: 2}]
  faults:
""" + "".join(f"    - {{breaks: {label}, find: prev_q <= gnt_o;, replace: prev_q <= gnt_o;}}\n" for label in LABELS)
WRAPPER = "module fv_reg_fifo;\n  a_count : assert (1);\nendmodule\n"


def of(module: str) -> proofs.Proof:
    """The module's entry of the list."""
    return next(proof for proof in proofs.load() if proof.module == module)


@pytest.mark.parametrize(
    "module", [pytest.param(p.module, marks=pytest.mark.nightly if p.module in LONG else ()) for p in proofs.load()]
)
def test_proofs(module: str, tmp_path: Path) -> None:
    """All of a module's assertions are proved, at each size, and each planted fault is refuted by its own."""
    records = prove.prove([of(module)], tmp_path, 1, print)
    assert not [prove.verdict(job, record) for job, record in records.items() if prove.verdict(job, record)]
    assert {job.args["fault"]["breaks"] for job in records if job.args["fault"]} == set(of(module).labels)


def fault_of(find: str, replace: str) -> dict[str, object]:
    """A fault of the round robin arbiter that a_one has to tell of."""
    return {"breaks": "a_one", "find": find, "replace": replace, "size": {}, "part": "eqx_rr_arb"}


def command(*words: str) -> tuple[int, str]:
    done = process.run(
        [sys.executable, "scripts/formal.py", *words], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def test_a_proof_that_does_not_close(tmp_path: Path) -> None:
    """A fault that changes nothing is not found, and the command fails; what does not hold is named, with the cycle."""
    (tmp_path / "proofs.yaml").write_text(HARMLESS, encoding="utf-8")
    code, said = command("--proofs", str(tmp_path / "proofs.yaml"), "--out", str(tmp_path / "out"))
    assert code == 1 and said.count("the fault is not found") == 10 and "eqx_rr_arb             FAILED " in said
    job = prove.jobs_of(of("eqx_rr_arb"))[0]
    broken = Record(job.name, job.key, DONE, data={"verdict": prove.REFUTED, "label": "a_one", "frame": 3})
    assert prove.verdict(job, broken) == "a_one does not hold, broken in cycle 3"
    assert prove.verdict(job, Record(job.name, job.key, FAILED, "no verdict")) == "no verdict"


def test_the_first_wrong_cycle(tmp_path: Path) -> None:
    """A refutation names the assertion and the cycle: two grants need two requests, a cycle after reset."""
    args = {**prove.jobs_of(of("eqx_rr_arb"))[0].args, "size": {"WIDTH": 2}}
    fault = fault_of("(req_i & (~req_i + 1'b1))", "req_i")
    found = prove.run_job({**args, "fault": fault}, tmp_path)
    assert (found["verdict"], found["label"], found["frame"]) == (prove.REFUTED, "a_one", 1)
    found = prove.run_job({**args, "fault": None}, tmp_path)
    assert found["assertions"] == 5 and found["how"] in (prove.INDUCTION, prove.PDR)


def test_a_bounded_proof(tmp_path: Path) -> None:
    """With a depth, what breaks later is not found, and a proof says that it is bounded: two grants come in cycle 1."""
    args = {**prove.jobs_of(of("eqx_rr_arb"))[0].args, "size": {"WIDTH": 2}}
    fault = fault_of("(req_i & (~req_i + 1'b1))", "req_i")
    found = prove.run_job({**args, "depth": 1, "fault": fault}, tmp_path)
    assert (found["verdict"], found["how"]) == (prove.PROVED, prove.BOUNDED)
    found = prove.run_job({**args, "depth": 2, "fault": fault}, tmp_path)
    assert (found["verdict"], found["frame"]) == (prove.REFUTED, 1)


def test_a_cut(tmp_path: Path) -> None:
    """A signal that is cut does what it likes: an arbiter whose last grant is free lets a requester wait for ever."""
    args = {**prove.jobs_of(of("eqx_rr_arb"))[0].args, "size": {"WIDTH": 2}, "cuts": ["dut.prev_q"]}
    found = prove.run_job(args, tmp_path)
    assert found["verdict"] == prove.REFUTED and found["label"] in ("a_turn", "a_last")
    with pytest.raises(prove.FormalError, match="fv_rr_arb: Yosys fails: .*w:dut.nothing"):
        prove.run_job({**args, "cuts": ["dut.nothing"]}, tmp_path)


def test_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Words of abc that are neither a proof nor a refutation are no verdict."""
    monkeypatch.setattr(prove, "_abc", lambda commands, folder: "Property UNDECIDED.\nNetworks are UNDECIDED.")
    with pytest.raises(prove.FormalError, match="abc gives no verdict: Property UNDECIDED. / Networks are UNDECIDED."):
        prove.run_job(prove.jobs_of(of("eqx_rr_arb"))[0].args, tmp_path)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    args = dict(prove.jobs_of(of("eqx_rr_arb"))[0].args)
    fault = fault_of("assign above = req_i & mask;", "assign above = ;")
    with pytest.raises(prove.FormalError, match="fv_rr_arb: Yosys fails: .*expected expression"):
        prove.run_job({**args, "fault": fault}, tmp_path)
    with pytest.raises(prove.FormalError, match="fv_rr_arb: eqx_policy is no part of eqx_rr_arb"):
        prove.run_job({**args, "fault": {**fault, "part": "eqx_policy"}}, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "proofs.yaml: "),
        ("{}", "legal is a list of proofs"),
        ("- {module: eqx_mmu}", "entry 1: legal is a mapping of faults, module, says, sizes"),
        (GOOD.replace("eqx_reg_fifo", "eqx_nobody"), "entry 1, eqx_nobody: no such module in rtl/"),
        (GOOD.replace("eqx_reg_fifo", "eqx_policy"), "fv_policy.sv is missing"),
        (GOOD.replace("DEPTH: 2", "DEPTH: two"), "sizes: legal is a list of mappings of parameters to whole numbers"),
        (GOOD.replace("breaks: a_count", "breaks: a_other"), "breaks a_other: legal are a_count"),
        (GOOD.replace("wptr_q - rptr_q", "wptr_q - 7"), "stands in eqx_reg_fifo 0 times; legal is once"),
        (GOOD.replace("find:", "part: eqx_nobody, find:"), "part eqx_nobody: no such module in rtl/"),
        (GOOD.replace("says: order", "says: order\n  depth: 0"), "depth: legal is a number of cycles, 1 or more"),
        (GOOD.replace("says: order", "says: order\n  cuts: dut.mem_q"), "cuts: legal is a list of signals"),
        (GOOD.replace("says: order", "says: order\n  cuts: [a b]"), "cuts: legal is a list of signals"),
        (GOOD.replace('[{breaks: a_count, find: "wptr_q - rptr_q", replace: "\'0"}]', "[]"), "no fault breaks a_count"),
        (GOOD.replace("breaks: a_count, ", ""), "legal is a mapping of breaks, find, replace"),
        (GOOD.replace('"\'0"}', '"\'0", size: 4}'), "size 4: legal is a mapping"),
    ],
)
def test_wrong_lists(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "fv_reg_fifo.sv").write_text(WRAPPER, encoding="utf-8")
    (tmp_path / "proofs.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(proofs.ProofsError, match=message):
        proofs.load(tmp_path / "proofs.yaml", tmp_path)


def test_a_wrapper_that_is_in_no_proof(tmp_path: Path) -> None:
    assert not proofs.idle(proofs.load())
    (tmp_path / "fv_other.sv").write_text("module fv_other; endmodule\n", encoding="utf-8")
    assert proofs.idle(proofs.load(), tmp_path) == ["fv_other"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--blocks", "eqx_mmu"], "BLOCK = eqx_mmu: legal are eqx_rr_arb, eqx_arb"),
        (["--jobs", "0"], "JOBS = 0: legal is 1 or more"),
        (["--cluster", "here"], "CLUSTER=here: legal are"),
    ],
)
def test_bad_calls(words: list[str], message: str, tmp_path: Path) -> None:
    code, said = command(*words, "--out", str(tmp_path))
    assert code == 2 and message in said and "Traceback" not in said
