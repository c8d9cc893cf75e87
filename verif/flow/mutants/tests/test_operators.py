"""Tests of the operators on source, each on a small module with exact texts; of how mutants are planted and chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.campaign.executor import executor
from verif.flow.mutants import source
from verif.flow.mutants.campaign import Block, CampaignError, Dut, load
from verif.flow.mutants.design import Design
from verif.flow.mutants.judge import judge_block
from verif.flow.mutants.operators import OPERATORS, Change, Edit, View, changes
from verif.flow.mutants.source import Candidate, balanced, candidates, chosen, planted
from verif.lib import keep
from verif.lib.toolchain import BUILD

EXAMPLE = Path(__file__).parent / "example"
SAMPLE = EXAMPLE / "sample.sv"
EXPECTED = {
    "narrow": [
        ("held_o <= (held_o | set_i) & ~clear_i", "held_o <= ((held_o | set_i) & ~clear_i) & 4'h7"),
        ("count_q <= count_q + 8'd1", "count_q <= (count_q + 8'd1) & 8'h7f"),
        ("8'(32'(count_q) + N)", "8'(7'(32'(count_q) + N))"),
        ("32'(count_q)", "32'(7'(count_q))"),
    ],
    "parameter": [("N", "32'd8"), ("8'(N)", "8'd8")],
    "index": [
        ("age_q[write_i]", "age_q[read_i]"),
        ("age_q[read_i]", "age_q[write_i]"),
        ("age_q[0]", "age_q[1]"),
        ("held_o[i]", "held_o[0]"),
    ],
    "limit": [
        ("count_q + 8'd1", "count_q"),
        ("count_q >= 8'(N)", "count_q > 8'(N)"),
        ("age_q[0] == 8'd3", "age_q[0] == (8'd3) - 8'd1"),
        ("count_q < age_o", "count_q <= age_o"),
        ("count_q <= age_o", "count_q < age_o"),
        ("count_q > age_o", "count_q >= age_o"),
    ],
    "priority": [
        ("(held_o | set_i) & ~clear_i", "(held_o & ~clear_i) | set_i"),
        ("if (go_i) .. else if (stop_i)", "if (stop_i) .. else if (go_i)"),
        (
            "if (busy_q) count_q <= count_q + 8'd1; if (stop_i) count_q <= '0;",
            "if (stop_i) count_q <= '0; if (busy_q) count_q <= count_q + 8'd1;",
        ),
        (
            "for (int unsigned i = 0; i < N; i++) if (held_o[i]) first_o = $clog2(N)'(i);",
            "for (int unsigned i = N - 1; i < N; i--) if (held_o[i]) first_o = $clog2(N)'(i);",
        ),
    ],
    "condition": [
        ("(held_o | set_i) & ~clear_i", "~clear_i"),
        ("(held_o | set_i) & ~clear_i", "(held_o | set_i)"),
        ("held_o | set_i", "set_i"),
        ("held_o | set_i", "held_o"),
        ("~clear_i", "clear_i"),
        ("stop_i && !go_i", "!go_i"),
        ("stop_i && !go_i", "stop_i"),
        ("!go_i", "go_i"),
        ("count_q >= 8'(N) || age_q[0] == 8'd3", "age_q[0] == 8'd3"),
        ("count_q >= 8'(N) || age_q[0] == 8'd3", "count_q >= 8'(N)"),
    ],
    "flag": [
        ("state_q <= BUSY", "state_q <= DONE"),
        ("busy_q <= 1'b1", "busy_q <= busy_q"),
        ("state_q <= DONE", "state_q <= IDLE"),
        ("{0 of 3} count_q < age_o", "1'b0"),
        ("{0 of 3} count_q < age_o, {1 of 3} count_q <= age_o", "count_q <= age_o, count_q < age_o"),
        ("{1 of 3} count_q <= age_o", "1'b0"),
        ("{1 of 3} count_q <= age_o, {2 of 3} count_q > age_o", "count_q > age_o, count_q <= age_o"),
        ("{2 of 3} count_q > age_o", "1'b0"),
        ("{0 of 2} busy_q", "1'b0"),
        ("{0 of 2} busy_q, {1 of 2} go_i", "go_i, busy_q"),
        ("{1 of 2} go_i", "1'b0"),
    ],
}
"""All changes of the example: in reset, in assertions, in declarations and in constants there are none."""

SOURCE = """
blocks:
  source_example:
    group: example
    bench: saturating_sum
    goal: 95
    source: [saturating_sum.sv]
    mutants: 50
    tests: compares
"""


def view(size: int = 4, usual: int = 8) -> View:
    """The example at a size, beside its default configuration."""
    return View(SAMPLE, Design("sample", [SAMPLE], {"N": size}), Design("sample", [SAMPLE], {"N": usual}))


def test_every_operator_is_expected() -> None:
    """An operator without an example would not be tested."""
    assert EXPECTED.keys() == OPERATORS.keys() and all(EXPECTED.values())


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(operator: str) -> None:
    """Where it applies, and what the code becomes."""
    assert [(c.old, c.new) for c in changes(view()) if c.operator == operator] == EXPECTED[operator]


def test_parameters_of_the_default_size() -> None:
    """With the default configuration, a parameter and its number are the same."""
    assert not [c for c in changes(view(8)) if c.operator == "parameter"]


def test_planted() -> None:
    """Changes lie within each other; each alone is on with its number; lines stay where they are."""
    text = "x <= a\n  && b;"
    both = Change("condition", (Edit((5, 13), "b"),), "", "")
    inner = Change("condition", (Edit((5, 6), "!a"),), "", "")
    swapped = Change("flag", (Edit((0, 1), "y"), Edit((12, 13), "a")), "", "")
    on = source.PACKAGE + "::planted == "
    assert planted(text, [(1, both), (2, inner), (3, swapped)]) == (
        f"({on}3 ? (y) : (x)) <= ({on}1 ? (b) : (({on}2 ? (!a) : (a))\n  && ({on}3 ? (a) : (b))));"
    )
    whole = Change("priority", (Edit((0, 14), "x <= b;"),), "", "", statement=True)
    assert planted(text, [(7, whole)]) == f"begin if ({on}7) begin x <= b; end else begin {text} end end"


@pytest.fixture
def block(tmp_path: Path) -> Block:
    """The sum that stays at its largest value, with mutants of its source."""
    file = tmp_path / "campaign.yaml"
    file.write_text(SOURCE, encoding="utf-8")
    return load(file, library=(EXAMPLE,), benches=EXAMPLE)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[saturating_sum.sv]", "[nobody.sv]"), "source has 'nobody.sv'; legal is a list of folders and"),
        (("[saturating_sum.sv]", "saturating_sum.sv"), "source is 'saturating_sum.sv'; legal is a list"),
        (("goal: 95", "goal: 101"), "goal is 101; legal is an integer, 1..100"),
        (("[saturating_sum.sv]", "[sample.sv]"), "sample is not part of the bench"),
    ],
)
def test_wrong_source(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """Each mistake is one line that names the block."""
    file = tmp_path / "campaign.yaml"
    file.write_text(SOURCE.replace(*change), encoding="utf-8")
    with pytest.raises(CampaignError, match=re.escape(message)) as caught:
        candidates(load(file, library=(EXAMPLE,), benches=EXAMPLE)[0])
    assert "\n" not in str(caught.value) and "source_example" in str(caught.value)


def ranks(found: Iterable[Candidate]) -> list[str]:
    """What tells candidates apart."""
    return sorted(candidate.rank(1) for candidate in found)


def test_choice() -> None:
    """The order has all candidates, operators and modules in turn; a seed always gives the same, others do not."""
    found = [Candidate(Dut(name, SAMPLE, {}, 0), c, 1, 1) for name in ("sample", "other") for c in changes(view())]
    order = balanced(found, 1)
    assert ranks(order) == ranks(found) and balanced(found, 1) == order != balanced(found, 2)
    assert [c.change.operator for c in order[: len(OPERATORS)]] == list(OPERATORS)
    assert {c.change.operator for c in order[-2:]} == {"flag"}, "the most frequent operator comes last"
    assert Counter(c.dut.module for c in order[:10]) == {"sample": 5, "other": 5}


def test_what_does_not_elaborate(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that Verilator refuses is left out and counted; others on its line stay."""
    good = candidates(block)
    span = good[0].change.edits[0].span
    bad = replace(good[0], change=Change("limit", (Edit(span, "nobody"),), "something", "nobody"))
    monkeypatch.setattr(source, "candidates", lambda block: [bad, *good])
    kept, dropped = chosen(block)
    assert dropped == 1 and ranks(kept) == ranks(good)


def test_a_design_that_is_wrong(tmp_path: Path) -> None:
    """What slang does not elaborate is told in one line."""
    file = tmp_path / "wrong.sv"
    keep.write_whole(file, "module wrong;\n  logic a;\n  assign a = nobody;\nendmodule\n")
    with pytest.raises(CampaignError, match=r"^wrong: slang does not elaborate it: .*nobody.*$"):
        Design("wrong", [file], {})


def test_source_campaign(block: Block) -> None:
    """A good bench kills the mutants, a blind one none; both are built with all mutants at once."""
    out = BUILD / "mutants_example"
    with executor("", 1) as pool:
        judged = judge_block(block, [], out, pool, lambda line: None)
        blind = replace(block, duts=tuple(replace(dut, tests="blind") for dut in block.duts))
        unseen = judge_block(blind, [], out, pool, lambda line: None)
    assert {j.fate for j in judged} == {"killed"} and len(judged) == len(candidates(block))
    assert {j.fate for j in unseen} == {"hole"} and len(unseen) == len(judged)
