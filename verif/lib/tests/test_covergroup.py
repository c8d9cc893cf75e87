"""Tests of covergroups on the cocotb-coverage library, and of how cover properties become bins."""

from __future__ import annotations

import pytest

from equinox_core.hw.modes import POLICIES
from verif.env import coverage as env_coverage
from verif.lib.coverage import cocotb_groups, merge_groups
from verif.lib.coverage_groups import property_bin
from verif.lib.covergroup import Covergroup, Cross


def group(name: str) -> Covergroup:
    return Covergroup(
        name, {"cp_a": ("x", "y"), "cp_b": ("p", "q")}, {"cr_ab": Cross("cp_a", "cp_b", illegal=[("y", None)])}
    )


def test_points_and_crosses_are_hit() -> None:
    """Values hit their bins; a point without a value is not sampled, nor are its crosses; illegal combinations are no
    bins.
    """
    cg = group("hit_cg")
    cg.sample(cp_a="x", cp_b="q")
    cg.sample(cp_a="x")
    cg.sample(cp_a=None, cp_b="p")
    group("hit_cg").sample(cp_a="y")  # the same bins
    assert cocotb_groups()["hit_cg"] == {
        "cp_a": {"x": 2, "y": 1},
        "cp_b": {"p": 1, "q": 1},
        "cr_ab": {"x, p": 0, "x, q": 1},
    }


def test_what_was_not_foreseen_is_an_error() -> None:
    """A bin or point that there is not, a combination declared impossible, a cross that is wrong."""
    cg = group("wrong_cg")
    with pytest.raises(ValueError, match="wrong_cg.cp_a: no bin 'z', bins are x, y"):
        cg.sample(cp_a="z")
    with pytest.raises(ValueError, match="no point 'cp_c'"):
        cg.sample(cp_c="x")
    with pytest.raises(ValueError, match="wrong_cg.cr_ab: y, p was declared impossible and happened"):
        cg.sample(cp_a="y", cp_b="p")
    assert not any(sum(bins.values()) for bins in cocotb_groups()["wrong_cg"].values())
    with pytest.raises(ValueError, match="no point 'cp_c'"):
        Covergroup("odd_cg", {"cp_a": ("x",)}, {"cr": Cross("cp_a", "cp_c")})
    with pytest.raises(ValueError, match="is no combination of its bins"):
        Covergroup("odd_cg", {"cp_a": ("x",)}, {"cr": Cross("cp_a", illegal=[("z",)])})


def test_labels_of_cover_properties() -> None:
    assert property_bin("cr_mmu_passed__fair__before_first_row", 7) == ("cr_mmu_passed", "fair, before first row")
    assert property_bin("c_held", 7) == ("c_held", "hit")
    assert property_bin("cover", 7) == ("cover", "line 7")


def test_chip_level_groups_are_declared_whole() -> None:
    """All groups of the environment, every bin listed; two runs add up bin by bin."""
    groups = env_coverage.covergroups()
    assert set(groups) == {"operating_cg", "response_cg", "training_cg", "error_cg", "isa_cg", "timing_cg"}
    assert len(groups["operating_cg"]["cr_policy_load_fill"]) == 12 * len(POLICIES)
    assert len(groups["error_cg"]["cr_kind_cause_unit"]) == 2 * (6 * 4 - 2 * 2)  # no DRAM, no error of it
    once = {"error_cg": {"cp_kind": {"training": 1}}}
    assert merge_groups([groups, once, once])["error_cg"]["cp_kind"] == {"inference": 0, "training": 2}
