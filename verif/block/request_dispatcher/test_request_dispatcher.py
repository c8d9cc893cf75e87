"""Builds and runs the bench of the request dispatcher."""

import pytest

from equinox_core.hw.pairwise import cores, singles
from equinox_core.hw.params import whole
from verif.block.request_dispatcher.harness import Clock
from verif.lib.sim import run_block

NAMES = ("L", "N", "C_INF", "SERVICES", "QUEUE_DEPTH", "RX_SLOTS", "RX_LINES", "TX_LINES")
FACTORS = [name for name in NAMES if name != "L"]
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
    "odd": {"L": 4, "N": 4, "C_INF": 3, "SERVICES": 3, "QUEUE_DEPTH": 4, "RX_SLOTS": 10, "RX_LINES": 5, "TX_LINES": 2},
}
WIDE = {
    "L": 128,
    "N": 128,
    "C_INF": 2,
    "SERVICES": 2,
    "QUEUE_DEPTH": 128,
    "RX_SLOTS": 257,
    "RX_LINES": 255,
    "TX_LINES": 255,
}
"""Every value class of every setting is legal here, as far as any core lets it."""

CROWDED = {"L": 8, "N": 8, "C_INF": 2, "SERVICES": 2, "QUEUE_DEPTH": 4, "RX_SLOTS": 5, "RX_LINES": 5, "TX_LINES": 2}


def params(row: dict[str, int]) -> dict[str, int]:
    """What the bench's top has of the parameters of a core."""
    core = whole(row)
    return {name: core[name] for name in NAMES}


def name(size: dict[str, int]) -> str:
    """A size as a test's name shows it."""
    return "-".join(f"{key.replace('_', '').lower()}{size[key]}" for key in FACTORS)


def fitting(size: dict[str, int]) -> str:
    """The tests that make sense at a size, within a few seconds."""
    slots, rows, depth = size["RX_SLOTS"], size["N"], size["QUEUE_DEPTH"]
    tests = ["RandomTraffic", "SettingsOutOfRange"]
    tests += ["ExactTimeout"] if rows > 1 and slots > rows else []
    tests += ["SlowContexts"] if slots + depth <= 64 else []
    tests += ["OneQueueFull"] if size["C_INF"] * rows + depth <= slots <= 200 else []
    tests += ["FieldsFull"] if slots > 200 else []
    return "|".join(tests)


SINGLES = {name(size): size for size in map(params, singles(FACTORS))}
PAIRS = {name(size): size for size in map(params, cores(FACTORS))}


@pytest.mark.parametrize("core", CORES)
def test_request_dispatcher(core: str) -> None:
    """Random and directed tests at one size."""
    run_block(__file__, params=CORES[core], test_filter="^(?!.*(FewSlots|Fields|Meetings))")


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=() if core in SINGLES else pytest.mark.nightly) for core in {**SINGLES, **PAIRS}]
)
def test_sizes(core: str) -> None:
    """The least, an odd and the greatest of each parameter, each pair of them at night."""
    size = {**SINGLES, **PAIRS}[core]
    run_block(__file__, params=size, test_filter=fitting(size), public=Clock.VISIBLE, opt="-O0")


def test_fields() -> None:
    """Every value class of every setting and header; ages and clock near the ends of their 32 bits."""
    run_block(__file__, params=WIDE, test_filter="FieldsOf", public=Clock.VISIBLE, opt="-O0")


def test_clock() -> None:
    """The clock's carries and wrap while the stream is held for want of slots; all that can meet, meets."""
    run_block(__file__, params=CROWDED, test_filter="FieldsOfClock|Meetings", public=Clock.VISIBLE, opt="-O0")


def test_few_slots() -> None:
    """Fewer slots than the queues together could use, and queues shorter than a batch:
    partial batches hold up others.
    """
    run_block(__file__, params=CROWDED, test_filter="FewSlots|SlowContexts|FaultyStorm|ServicesComeAndGo|Planted")
