"""Tests of the responder: random batches, answers and stalls against the cycle-exact model; order per service."""

from __future__ import annotations

import cocotb

from verif.block.responder.harness import Harness, Traffic
from verif.lib.bench import param
from verif.lib.verdict import require

TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms"}


@cocotb.test(**TIMEOUT)
async def random_batches(dut) -> None:
    """Batches of few services finish in any order; the stream stalls."""
    await Harness(dut, Traffic()).run()


@cocotb.test(**TIMEOUT)
async def one_service(dut) -> None:
    """All batches belong to one service: order across contexts matters most."""
    await Harness(dut, Traffic(services=1, opening=0.9, m_ready=0.9)).run()


@cocotb.test(**TIMEOUT)
async def full_rate(dut) -> None:
    """Nothing but large batches and a ready stream: a beat every cycle but one between batches, once the first batch
    has its rows.
    """
    h = Harness(
        dut,
        Traffic(
            batches=40, work=(1, 1), opening=1.0, answers=0.0, failed=0.0, m_ready=1.0, max_lines=param("TX_LINES")
        ),
    )
    await h.run()
    require(h.now <= h.beats + 40 + 15 + 2 * param("N"), f"{h.beats} beats in {h.now} cycles")


@cocotb.test(**TIMEOUT)
async def ready_together(dut) -> None:
    """Batches of many services become ready in the same cycle while the responder is idle: they take turns."""
    await Harness(dut, Traffic(services=8, opening=0.9, together=100, m_ready=1.0, max_lines=1)).run()


@cocotb.test(**TIMEOUT)
async def many_answers(dut) -> None:
    """Answers all the time take turns with responses."""
    await Harness(dut, Traffic(answers=0.9, m_ready=0.5, failed=0.5)).run()


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_id(dut) -> None:
    """A wrong id in a header is found."""
    await Harness(dut, Traffic(fault="order")).run()


@cocotb.test(expect_fail=True, **TIMEOUT)
async def planted_wrong_payload(dut) -> None:
    """A wrong payload bit is found."""
    await Harness(dut, Traffic(fault="payload")).run()
