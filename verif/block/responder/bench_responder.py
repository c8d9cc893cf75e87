"""Tests of the responder: random batches, answers and stalls against the cycle-exact model; order per service."""

from __future__ import annotations

import cocotb

from verif.block.responder.harness import Harness, Traffic
from verif.lib.bench import param
from verif.lib.verdict import require

TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms"}
MANY, FEW = min(60, max(12, 240 // param("N"))), min(40, max(8, 160 // param("N")))  # batches: fewer of large ones


@cocotb.test(**TIMEOUT)
async def random_batches(dut) -> None:
    """Batches of few services finish in any order; the stream stalls."""
    await Harness(dut, Traffic(batches=MANY)).run()


@cocotb.test(**TIMEOUT)
async def one_service(dut) -> None:
    """All batches belong to one service: order across contexts matters most."""
    await Harness(dut, Traffic(batches=MANY, services=1, opening=0.9, m_ready=0.9)).run()


@cocotb.test(**TIMEOUT)
async def full_rate(dut) -> None:
    """Nothing but large batches and a ready stream: a beat every cycle but one between batches, once the first batch
    has its rows.
    """
    h = Harness(
        dut,
        Traffic(
            batches=FEW,
            work=(1, 1),
            opening=1.0,
            answers=0.0,
            failed=0.0,
            m_ready=1.0,
            max_lines=min(param("TX_LINES"), 16),
        ),
    )
    await h.run()
    if param("C_INF") > 1:  # else each batch waits for its rows
        require(h.now <= h.beats + FEW + 15 + 2 * param("N"), f"{h.beats} beats in {h.now} cycles")


@cocotb.test(**TIMEOUT)
async def ready_together(dut) -> None:
    """Batches of many services become ready in the same cycle while the responder is idle: they take turns."""
    await Harness(dut, Traffic(batches=MANY, services=8, opening=0.9, together=100, m_ready=1.0, max_lines=1)).run()


@cocotb.test(**TIMEOUT)
async def many_answers(dut) -> None:
    """Answers all the time take turns with responses."""
    await Harness(dut, Traffic(batches=MANY, answers=0.9, m_ready=0.5, failed=0.5)).run()


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_id(dut) -> None:
    """A wrong id in a header is found."""
    await Harness(dut, Traffic(batches=MANY, fault="order")).run()


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_payload(dut) -> None:
    """A wrong payload bit is found."""
    await Harness(dut, Traffic(batches=MANY, fault="payload")).run()
