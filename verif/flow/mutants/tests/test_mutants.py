"""Tests of the mutants' tools on an example: what is noticed, what cannot be, a bench that sees nothing, files that are
wrong.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.campaign.executor import executor
from verif.flow.mutants import campaign, prove, survivors
from verif.flow.mutants.campaign import CampaignError, load
from verif.flow.mutants.judge import judge_block
from verif.flow.mutants.output import Judged, scores
from verif.flow.mutants.runner import Bench, CampaignFailure, attack, attack_all, simulate
from verif.flow.mutants.runner import _reason as reason
from verif.lib.toolchain import BUILD

HERE = Path(__file__).parent
GOOD = """
blocks:
  example:
    group: example
    bench: saturating_sum
    seed: 4
    duts:
      - {module: saturating_sum, params: {WIDTH: 8}, mutants: 7, tests: compares}
"""


@pytest.fixture
def block(tmp_path: Path) -> campaign.Block:
    """The example's block."""
    file = tmp_path / "campaign.yaml"
    file.write_text(GOOD, encoding="utf-8")
    return load(file, library=(HERE / "example" / "saturating_sum.sv",), benches=HERE / "example")[0]


def with_tests(block: campaign.Block, tests: str) -> campaign.Block:
    """The same mutants against other tests of the bench."""
    return replace(block, duts=tuple(replace(dut, tests=tests) for dut in block.duts))


def judged_by(block: campaign.Block, explained: list[survivors.Explained], out: Path, said: list[str]) -> list[Judged]:
    """Judge with one process at a time."""
    with executor("", 1) as pool:
        return judge_block(block, explained, out, pool, said.append)


def test_example(block: campaign.Block) -> None:
    """A good bench kills every mutant that is not equivalent, none of which the prover takes for equivalent; a blind
    one kills none.
    """
    out, said = BUILD / "mutants_example", []
    judged = judged_by(block, [], out, said)
    fates = {j.mutant.number: j.fate for j in judged}
    assert len(judged) == block.mutants and set(fates.values()) == {"killed", "proved"}, fates
    assert scores(judged)[1][0].score == 1.0
    for j in judged:
        assert not (j.fate == "killed" and prove.equivalent(j.mutant, block.library)), (
            f"{j.mutant.what} is proved, but {j.outcome.by}"
        )

    said.clear()
    assert judged_by(block, [], out, said) == judged and "7 known from before" in said[0] and len(said) == 1

    blind = judged_by(with_tests(block, "blind"), [], out, said)
    assert {j.fate for j in blind} == {"hole", "proved"} and scores(blind)[1][0].score == 0.0
    assert {j.mutant.number for j in blind if j.fate == "proved"} == {
        n for n, fate in fates.items() if fate == "proved"
    }

    killed = next(j.mutant for j in judged if j.fate == "killed")
    entry = survivors.Explained("example", killed.what, killed.file, "no reason at all, really")
    everything = {"example": [j.mutant for j in judged]}
    assert "was killed" in survivors.faults([entry], everything, [])[0]
    assert "is not a mutant" in survivors.faults([replace(entry, mutant="inv $0.A[0]")], everything, [])[0]
    explained = judged_by(with_tests(block, "blind"), [entry], out, said)
    assert [j.mutant.what for j in explained if j.fate == "explained"] == [killed.what]
    missed = judged_by(with_tests(block, "blind"), [replace(entry, missed=True)], out, said)
    assert [(j.fate, j.mutant.what) for j in missed if j.why] == [("hole", killed.what)]


def test_runs_that_say_nothing(block: campaign.Block, tmp_path: Path) -> None:
    """A bench that fails without a mutant stops the campaign; so does a mutant that is not in the simulation. No end is
    a kill.
    """
    out = BUILD / "mutants_example"
    with pytest.raises(CampaignFailure, match="fails without a mutant"), executor("", 1) as pool:
        attack_all(Bench(with_tests(block, "always_fails"), out / "fails"), out / "fails", pool, lambda line: None)
    bench = Bench(block, out)
    bench.build()
    job = bench.job(replace(bench.mutants[0], number=block.mutants + 1), {**bench.setting(block.duts[0]), "cpu": 60})
    with pytest.raises(CampaignFailure, match="is not part of the bench"):
        attack(dict(job.args), tmp_path)
    result, _ = simulate(bench.setting(with_tests(block, "never_ends").duts[0]), 1, 1, 4, tmp_path / "hangs")
    assert reason(result, result.log.read_text(encoding="utf-8"))[0] == "hang"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("mutants: 7", "mutants: 0"), "duts[0]: mutants is 0; legal is an integer, 1..1000"),
        (("mutants: 7", "mutant: 12"), "duts[0]: mutants is missing"),
        (("mutants: 7", "mutants: 7, more: 1"), "duts[0]: more is unknown"),
        (("{WIDTH: 8}", "{DEPTH: 8}"), "params are DEPTH; legal are the parameters of saturating_sum: WIDTH"),
        (("module: saturating_sum", "module: nobody"), "module is 'nobody'"),
        (("bench: saturating_sum", "bench: nobody"), "bench is 'nobody'"),
        (("tests: compares", "tests: '('"), "tests is '('; legal is a regular expression"),
        (("seed: 4", "seed: x"), "example: seed is 'x'"),
        (("seed: 4", "seed: ["), "campaign.yaml:8: "),
        (("seed: 4", "seeds: []"), "seeds is []"),
    ],
)
def test_wrong_campaign(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """Each mistake is one line that names the place."""
    file = tmp_path / "campaign.yaml"
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(CampaignError, match=re.escape(message)) as caught:
        load(file, library=(HERE / "example" / "saturating_sum.sv",), benches=HERE / "example")
    assert "\n" not in str(caught.value) and "campaign.yaml" in str(caught.value)


def test_wrong_explanations(tmp_path: Path) -> None:
    """An explanation without a reason is refused, with its place; the files of the project are right."""
    file = tmp_path / "survivors.yaml"
    file.write_text("policy:\n  - {mutant: a, file: b, reason: because}\n", encoding="utf-8")
    with pytest.raises(CampaignError, match=r"survivors\.yaml: policy\[0\]: reason is 'because'; legal is a sentence"):
        survivors.load_explained(file)
    blocks = {block.name for block in load()}
    assert {entry.block for entry in survivors.load_explained()} <= blocks
