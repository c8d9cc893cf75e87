"""Faults and abuse at the chip level (docs/faults.md), on ``tiny``: a seed of each; nightly more seeds, the mix of all,
and ``default``.
"""

from __future__ import annotations

import pytest

from verif.lib.sim import default_seed
from verif.tests.test_chip import run

TESTS = (
    "axi_errors",
    "dram_timeout",
    "stalls",
    "illegal",
    "queue_overflow",
    "removed_service",
    "csr_abuse",
    "reprogram",
    "reset",
)


@pytest.mark.tag("faults")
@pytest.mark.parametrize("test", TESTS)
def test_fault(test: str) -> None:
    run("tiny", test)


@pytest.mark.nightly
@pytest.mark.tag("faults")
def test_fault_checks() -> None:
    """The checks of faults see what is not as they expect."""
    run("tiny", "fault_checks")


@pytest.mark.nightly
@pytest.mark.tag("faults")
@pytest.mark.parametrize("policy", ["fair", "slack", "adaptive"])
@pytest.mark.parametrize("test", TESTS)
def test_fault_more(test: str, policy: str) -> None:
    """Other seeds, other policies."""
    seed = default_seed() + 1 + ("fair", "slack", "adaptive").index(policy)
    run("tiny", test, f"seed{seed}", seed=seed, policy=policy)


@pytest.mark.nightly
@pytest.mark.tag("faults")
@pytest.mark.parametrize("test", ["dram_timeout", "reset", "illegal", "removed_service"])
def test_fault_default(test: str) -> None:
    run("default", test)


@pytest.mark.nightly
@pytest.mark.tag("faults")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stress_all_with_rand_reset(seed: int) -> None:
    """All faults mixed in one simulation."""
    run("tiny", "stress_all_with_rand_reset", f"seed{seed}", seed=default_seed() + seed)
