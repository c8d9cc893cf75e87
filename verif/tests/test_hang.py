"""The watch for runs without progress: its bound, and its report. That it fires is a planted fault (``make selftest
ONLY=chip_hangs``).
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from equinox_core.config import load_config
from verif.env.hang import HangWatch, hang_limit


def test_limit() -> None:
    """The bound grows with the DRAM's times, and lies well below a test's patience for the shipped sizes."""
    tiny = load_config("tiny")
    assert hang_limit(tiny.changed(LATENCY=1060)) == hang_limit(tiny) + 2000
    assert hang_limit(tiny.changed(GAP=3)) > 3 * hang_limit(tiny)
    assert hang_limit(tiny) < 200_000


def _watch(**signals: int) -> HangWatch:
    """A watch on signals of the probe and of the HDL top that stand still; those not named are 0."""
    names = (
        "stuck_who stuck_stream stuck_level stuck_timeout stuck_free stuck_pc stuck_head stuck_lacks "
        "stuck_sem stuck_quiet stuck_reads stuck_writes stuck_replies"
    )
    values = {**dict.fromkeys((*names.split(), "ctx_seen"), 0), "hang_limit": 5, **signals}
    services = [SimpleNamespace(batch=4), SimpleNamespace(batch=2)]
    watch = object.__new__(HangWatch)
    handles = SimpleNamespace(**{name: SimpleNamespace(value=value) for name, value in values.items()})
    vars(watch).update(
        probe=handles,
        dut=handles,
        deployment=SimpleNamespace(
            cfg=load_config("tiny"), image=SimpleNamespace(services=services), index={"lstm": 0, "mlp": 1}
        ),
        host=SimpleNamespace(position=lambda: "3 requests offered"),
    )
    return watch


def test_report() -> None:
    """Every part of the report is of the signal that it names."""
    unit = 4 * 2 + 1  # context 2, VPU
    watch = _watch(
        stuck_who=2,
        stuck_stream=2,
        stuck_level=32 | 7 << 16,
        stuck_timeout=900 << 32,
        stuck_free=5,
        ctx_seen=2 << 18 | (1 << 7 | 5 << 3 | 4),
        stuck_pc=1234 << 17 * unit,
        stuck_head=2 << 2 * unit,
        stuck_lacks=0b1010 << 16 * unit,
        stuck_sem=3 << 64 * 2 + 4 * 6,
        stuck_quiet=~(1 << 3 * 1 + 2),
        stuck_reads=1,
        stuck_writes=2,
        stuck_replies=3,
    )
    assert watch.lines() == [
        "host: 3 requests offered; request stream held back by the core",
        "queue of lstm: 32 of 32 wait, full; a batch goes with 4 or after 0 cycles",
        "queue of mlp: 7 of 32 wait; a batch goes with 2 or after 900 cycles",
        "payload slots: 5 of 64 free",
        "context 0 (inference): KILLING, PC_RANGE in VPU",
        *_idle(),
        "context 1 (inference): IDLE",
        "context 2 (training): RUNNING",
        "  MMU at 0: nothing to issue",
        "  VPU at 1234: waits for semaphores 1, 3; the unit has work of it",
        "  LD at 0: nothing to issue",
        "  ST at 0: nothing to issue",
        "  semaphores above 0: 6 = 3",
        "DRAM: 1 read bursts, 2 write bursts, 3 write responses outstanding",
    ]


def _idle() -> list[str]:
    return [*(f"  {unit} at 0: nothing to issue" for unit in ("MMU", "VPU", "LD", "ST")), "  semaphores above 0: none"]


@pytest.mark.parametrize(
    ("who", "text"), [(1, "inference waits"), (2, "training waits"), (3, "inference and training waits")]
)
def test_headline(monkeypatch: pytest.MonkeyPatch, who: int, text: str) -> None:
    monkeypatch.setattr("verif.env.hang.now", lambda: 77)
    with pytest.raises(
        AssertionError, match=f"^hang: {text}, and nothing has moved for 5 cycles or more, seen in cycle 77\n  host:"
    ):
        _watch(stuck_who=who).report()
