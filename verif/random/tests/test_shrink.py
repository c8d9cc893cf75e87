"""The search for a minimal case, with a stand-in for the simulator: which cases fail is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from equinox_core.isa.encoding import Op
from verif.random.case import Case, load_case
from verif.random.generate import generate
from verif.random.knobs import Knobs
from verif.random.run import Outcome, kind_of
from verif.random.shrink import Oracle, shrink

KNOBS = Knobs(training_ops=(9, 9), service_ops=(2, 3), services=(2, 2), requests=(4, 6))


def adds(case: Case) -> bool:
    """The fault of these tests: a product that accumulates, while a request is asked of service 1."""
    lines = case.training.program if case.training else ()
    return any(line.ins.op == Op.MATMUL and line.ins.accum for line in lines) and any(
        service == 1 for _, service, _ in case.requests
    )


def runner(limit: int, counted: list[int]):
    """Runs cases up to the first that fails, ``limit`` in all before it is interrupted."""

    def run(cases: Sequence[Case]) -> list[Outcome | None]:
        out: list[Outcome | None] = []
        for case in cases:
            if out and out[-1].failed:
                return out + [None] * (len(cases) - len(out))
            counted.append(1)
            if len(counted) > limit:
                raise KeyboardInterrupt
            out.append(Outcome("memory" if adds(case) else ""))
        return out

    return run


def test_shrinks_and_goes_on_after_an_interruption(tmp_path: Path) -> None:
    """What remains is the product, what it reads, and one request; an interrupted search runs nothing twice."""
    case = next(c for seed in range(1, 40) if adds(c := generate("tiny", seed, KNOBS)))
    counted: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        shrink(case, Oracle(runner(8, counted), "memory", tmp_path / "known", lambda _: None), tmp_path / "best.toml")
    assert load_case(tmp_path / "best.toml").size < case.size
    said: list[str] = []
    oracle = Oracle(runner(10**6, counted), "memory", tmp_path / "known", said.append)
    best = shrink(case, oracle, tmp_path / "best.toml")
    assert len(counted) - 1 == 8 + oracle.runs and said
    assert load_case(tmp_path / "best.toml") == best
    products = [line.ins for line in best.training.program if line.ins.op == Op.MATMUL]
    assert (
        best.size <= 8
        and len(products) <= 2
        and len(best.requests) == 1
        and not best.changes
        and best.policy == "priority"
    )
    again = Oracle(runner(0, []), "memory", tmp_path / "known", said.append)
    assert shrink(case, again, tmp_path / "best.toml") == best and again.runs == 0


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("memory: 8 bytes of DRAM differ, first at 0x18", "memory"),
        ("latency_board: 2 problem(s), first: batch (cycle, context, service, rows) 4: seen", "latency_board: batch"),
        ("AssertionError: response_board: 1 problem(s), first: cycle 17: request 3 line 0", "response_board"),
        (
            "TimeoutError: context 2 is in state 2, not in [0, 5], after 400000 cycles",
            "context # is in state #, not in [#, #], after # cycles",
        ),
    ],
)
def test_kinds(message: str, kind: str) -> None:
    assert kind_of(message) == kind
