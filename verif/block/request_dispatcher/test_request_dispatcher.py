"""Builds and runs the bench of the request dispatcher."""

import pytest

from verif.lib.sim import run_block

CORES = {
    "tiny": {
        "L": 4,
        "N": 4,
        "C_INF": 2,
        "SERVICES": 4,
        "QUEUE_DEPTH": 32,
        "RX_SLOTS": 64,
        "RX_LINES": 16,
        "TX_LINES": 4,
    },
    "default": {
        "L": 16,
        "N": 8,
        "C_INF": 2,
        "SERVICES": 4,
        "QUEUE_DEPTH": 32,
        "RX_SLOTS": 64,
        "RX_LINES": 16,
        "TX_LINES": 4,
    },
    "large": {
        "L": 32,
        "N": 16,
        "C_INF": 2,
        "SERVICES": 4,
        "QUEUE_DEPTH": 32,
        "RX_SLOTS": 64,
        "RX_LINES": 16,
        "TX_LINES": 4,
    },
    "odd": {"L": 4, "N": 4, "C_INF": 3, "SERVICES": 3, "QUEUE_DEPTH": 4, "RX_SLOTS": 10, "RX_LINES": 5, "TX_LINES": 2},
}

CROWDED = {"L": 8, "N": 8, "C_INF": 2, "SERVICES": 2, "QUEUE_DEPTH": 4, "RX_SLOTS": 5, "RX_LINES": 5, "TX_LINES": 2}


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=pytest.mark.nightly if core == "large" else ()) for core in CORES]
)
def test_request_dispatcher(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core], test_filter="^(?!.*FewSlots)")


def test_few_slots() -> None:
    """Fewer slots than the queues together could use, and queues shorter than a batch:
    partial batches hold up others.
    """
    run_block(__file__, params=CROWDED, test_filter="FewSlots|SlowContexts|FaultyStorm|ServicesComeAndGo|Planted")
