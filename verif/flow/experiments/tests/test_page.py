"""Tables of the page: made from CSV files, put between their marks, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.flow.experiments.output import table
from verif.flow.experiments.page import tables
from verif.flow.experiments.point import LINES
from verif.flow.pages import filled, markdown
from verif.lib.toolchain import ROOT

NAMES = ("e1_p99", "e1_training", "e1_jobs", "e1_bursty", "e2", "e2_inflation", "e3", "e4", "e5", "e6", "rtl")


def test_tables(tmp_path: Path) -> None:
    """Numbers come from the main grid (most requests), saturated points say so; an experiment that has not run is
    named.
    """
    row = {
        "engine": "model",
        "job": "digits",
        "trace": "poisson",
        "load": 0.5,
        "p50": 1.0,
        "p99_low": 1.0,
        "p99_high": 1.0,
        "bound": 0.5,
        "bound_alone": 0.6,
        "of_dedicated_x_left": 1.0,
        "reclaimed": 0.9,
        "training_of_dedicated": 0.51234,
    }
    rows = [
        {
            **row,
            "policy": line,
            "requests": n,
            "p99": None if line == "fair" else 12345.0 + n,
            "p99_inflation": None if line == "fair" else 0.018,
        }
        for line in LINES
        for n in (10, 1000)
    ]
    table(tmp_path / "e1_load.csv", rows)
    with pytest.raises(ValueError, match=r"e2_batching\.csv is not there"):
        tables(tmp_path)
    table(
        tmp_path / "e2_batching.csv",
        [{"batching": "static", "load": 0.5, "p99": 7.0, "training_of_dedicated": 0.5, "p99_inflation": 0.01}],
    )
    table(
        tmp_path / "e4_interference.csv",
        [
            {
                "policy": "priority",
                "load": 0.5,
                "identical": 2,
                "mean": 1.0,
                "later_p1": 0.0,
                "later_p50": 1.0,
                "later_p99": 2.0,
                "later_max": 3,
                "share_later": 0.5,
                "bound": 9,
                "beyond": 0,
            }
        ],
    )
    table(
        tmp_path / "e5_equal_p99.csv",
        [
            {
                "load": 0.5,
                "limit": 3.0,
                "p99": 5.0,
                "slack": 0.5,
                "adaptive": None,
                "priority": 0.4,
                "slack_over_adaptive": None,
                "slack_over_priority": 1.25,
            }
        ],
    )
    table(
        tmp_path / "e6_scale.csv",
        [
            {
                "config": "tiny",
                "train_rows": "all",
                "load": 0.5,
                "unloaded": 100,
                "p99_off": 10.0,
                "p99_on": 11.0,
                "inflation": 0.1,
                "held_a_batch": 5.0,
                "held_of_unloaded": 0.05,
                "training": 0.7,
            }
        ],
    )
    table(
        tmp_path / "e1_rtl_and_model.csv",
        [
            {
                "policy": "fair",
                "load": 0.5,
                "rtl_p50": 1.0,
                "model_p50": 1.0,
                "rtl_p99": None,
                "model_p99": None,
                "rtl_training": 0.5,
                "model_training": 0.5,
            }
        ],
    )
    found = tables(tmp_path)
    assert set(found) == set(NAMES)
    assert found["e1_p99"].splitlines()[2] == "| 0.5 | 13,345 | saturated | 13,345 | 13,345 | 13,345 | 13,345 |"
    assert "+1.8 %" in found["e3"] and "| not reached | 0.400 |  | +25.0 % |" in found["e5"] and "5.0 %" in found["e6"]


def test_filled() -> None:
    """Only what is between the marks changes; a table without a place is an error, and a place without a table."""
    page = "a\n<!-- x -->\nold\n\n<!-- end -->\nb\n"
    assert filled(page, {"x": "new"}) == "a\n<!-- x -->\nnew\n<!-- end -->\nb\n"
    for values in ({}, {"x": "", "y": ""}):
        with pytest.raises(ValueError, match="each must be there once"):
            filled(page, values)
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_places_of_the_page() -> None:
    """docs/experiments.md has a place for every table."""
    filled((ROOT / "docs" / "experiments.md").read_text(encoding="utf-8"), dict.fromkeys(NAMES, ""))
