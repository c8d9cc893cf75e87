"""Constrained-random programs: seeds, kept cases, and the proof that a fault is found, shrunk and kept."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from equinox_core.hw.pairwise import cores, name_of
from equinox_core.isa.encoding import Unit
from verif.flow.random.search import search
from verif.lib.sim import out_dir
from verif.lib.toolchain import ROOT
from verif.random.case import Case, load_case, save_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.legal import check_case
from verif.random.minimise import minimise
from verif.random.run import run_cases
from verif.random.table import KNOBS, config_of

CASES = sorted((ROOT / "verif" / "random" / "cases").glob("*.toml"))
SEED = int(os.environ.get("SEED") or 1)
SMALL = Knobs(
    services=(0, 1),
    service_ops=(2, 6),
    training_ops=(12, 16),
    requests=(1, 4),
    iters=(1, 2),
    changes=(0, 1),
    length=(1, 1),
    stalls=0,
)


def runs_dir() -> Path:
    """Where the tests' simulations leave their logs."""
    return out_dir() / "runs" / "random"


def all_pass(config: str, first: int, count: int, knobs: Knobs = Knobs()) -> None:
    """Run so many seeds; what an earlier run has found does not count."""
    folder = runs_dir() / f"{Path(config).stem}-{first}"
    shutil.rmtree(folder, ignore_errors=True)
    found = search(config, range(first, first + count), knobs, folder=folder)
    wrong = [
        f"seed {f.seed}: {f.outcome.message.splitlines()[0]} (make shrink RUN={f.path})"
        for f in found
        if f.outcome.failed
    ]
    assert len(found) == count and not wrong, "\n".join(wrong)


def test_seeds() -> None:
    """A few on tiny."""
    all_pass("tiny", 1000 * SEED, 6)


@pytest.mark.nightly
@pytest.mark.parametrize(("config", "count"), [("tiny", 60), ("default", 20), ("large", 6)])
def test_more_seeds(config: str, count: int) -> None:
    all_pass(config, 1000 * SEED + 100, count)


@pytest.mark.nightly
@pytest.mark.parametrize("core", cores(), ids=name_of)
def test_every_pair(core: dict[str, int]) -> None:
    """Services and training on every core of the covering table."""
    all_pass(config_of(core), 1000 * SEED + 300, 2, KNOBS)


@pytest.mark.soak
@pytest.mark.parametrize(("config", "count"), [("tiny", 700), ("default", 150), ("large", 40)])
def test_many_seeds(config: str, count: int) -> None:
    all_pass(config, 1000 * SEED + 200, count)


def test_random_cases() -> None:
    """Every case that once failed passes now."""
    assert CASES
    for config in sorted({load_case(path).config for path in CASES}):
        cases = {path.name: load_case(path) for path in CASES if load_case(path).config == config}
        outcomes = run_cases(list(cases.values()), runs_dir() / "cases" / config)
        assert {name: o and o.message for name, o in zip(cases, outcomes, strict=True)} == dict.fromkeys(cases, "")


def found_and_shrunk(plant: str, knobs: Knobs, folder: Path) -> tuple[Case, Case]:
    """A random case that fails with a planted fault, and what it shrinks to."""
    failed = [f for f in search("tiny", range(1, 41), knobs, plant=plant, folder=folder / "search") if f.outcome.failed]
    assert failed, "no seed failed"
    found = min(failed, key=lambda f: f.case.size)
    assert load_case(found.path) == found.case
    return found.case, minimise(found.case, folder / "shrink", plant)


@pytest.mark.nightly
@pytest.mark.parametrize(("plant", "most"), [("read", 5), ("acc", 7)])
def test_a_planted_fault_is_shrunk(plant: str, most: int, tmp_path: Path) -> None:
    """Random programs find it, shrinking leaves a few instructions, and the kept case fails with the fault and passes
    without.
    """
    case, small = found_and_shrunk(plant, SMALL, tmp_path)
    assert small.fails and small.size <= most < case.size, small
    save_case(small, tmp_path / "kept.toml")
    kept = load_case(tmp_path / "kept.toml")
    assert run_cases([kept], tmp_path / "with", plant=plant)[0].kind == small.fails
    assert run_cases([kept], tmp_path / "without")[0].message == ""


def test_a_completion_one_cycle_late_is_seen(tmp_path: Path) -> None:
    """The comparison of instructions' completions is alive:
    the monitor of the bench reports one of them a cycle late.
    """
    outcome = run_cases(
        [generate("tiny", SEED, replace(SMALL, training_ops=(6, 6)))], tmp_path, env={"EQX_TAMPER": "completion"}
    )[0]
    assert (
        outcome.kind == "latency_board: instruction"
        and "instruction complete (cycle, unit, context)" in outcome.message
    )


@pytest.mark.parametrize(("tamper", "words"), [("memory", "is in state"), ("sink", "response")])
def test_a_hang_is_found(tamper: str, words: str, tmp_path: Path) -> None:
    """A memory that never moves a beat, a sink that takes no response: the run ends by its own patience, and fails."""
    knobs = replace(SMALL, services=(1, 1), training_ops=(6, 8), iters=(1, 1))
    cases = (generate("tiny", seed, knobs) for seed in range(1, 100))
    case = next(c for c in cases if c.training and any(line.unit in (Unit.LD, Unit.ST) for line in c.training.program))
    outcome = run_cases([case], tmp_path, env={"EQX_TAMPER": tamper})[0]
    assert outcome.failed and outcome.kind != "hang" and words in outcome.message, outcome


@pytest.mark.parametrize("config", ["tiny", "default", "large"])
def test_a_seed_gives_one_case(config: str, tmp_path: Path) -> None:
    """Always the same, legal, and unchanged by its file."""
    case = generate(config, SEED)
    assert generate(config, SEED) == case != generate(config, SEED + 1)
    check_case(case)
    save_case(case, tmp_path / "case.toml")
    assert load_case(tmp_path / "case.toml") == case
