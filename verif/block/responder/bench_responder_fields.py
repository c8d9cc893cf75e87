"""Tests of the responder by value class: all that a batch's end, its rows and an answer say; which events met."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from equinox_core.hw.structs import ANSWER, BATCH_END
from equinox_core.isa.encoding import Status
from verif.block.responder.harness import Harness, Traffic
from verif.block.responder.harness import covergroups as events
from verif.lib import coverage
from verif.lib.bench import param
from verif.lib.covergroup import Covergroup
from verif.lib.field_sweep import value_classes
from verif.lib.verdict import require

TIMEOUT = {"timeout_time": 20, "timeout_unit": "ms"}
FEWEST = {"rows": 1}  # a batch has a row
MOST = {"rows": 128, "tx_lines": 255}  # of the largest core


def classes() -> dict[str, dict[str, int]]:
    """Every field that reaches the stream or decides how long it is, with the classes that its rules allow."""
    widths = {f"batch_{f.name}": f.width for f in BATCH_END.fields} | {"row_id": 32}
    widths |= {f"answer_{f.name}": f.width for f in ANSWER.fields}
    out = {}
    for name, width in widths.items():
        of = name.partition("_")[2]
        legal = range(FEWEST.get(of, 0), MOST.get(of, (1 << width) - 1) + 1)
        out[name] = {label: value for label, value in value_classes(width).items() if value in legal}
    return out


def fields_cg() -> Covergroup:
    """``responder_fields_cg``: a bin for each."""
    return Covergroup("responder_fields_cg", {f"cp_{name}": tuple(of) for name, of in classes().items()})


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {fields_cg().name: coverage.cocotb_groups()["responder_fields_cg"]}


@cocotb.test(**TIMEOUT)
async def fields(dut: Any) -> None:
    """A batch, or an answer, for every value class: rows of few lines, lines of one row. What the build has no room for
    is left out.
    """
    group, of, most = fields_cg(), classes(), {"batch_rows": param("N"), "batch_tx_lines": param("TX_LINES")}
    ok, met, script = int(Status.OK), [], []
    for name, values in of.items():
        for label, value in values.items():
            if value > most.get(name, value):
                continue
            met.append((name, label))
            if name == "batch_status":
                script.append((7, value, 1, 1))
            elif name == "batch_svc":
                script.append((value, ok, 1, 1))
            elif name == "batch_rows":
                script.append((9, ok, 1, value))
            elif name == "batch_tx_lines":
                script.append((11, ok, value, 1))
    answers = [(3, v, 1 << 20 | v) for v in of["answer_status"].values()]
    answers += [(v, 1, 2 << 20 | v) for v in of["answer_svc"].values()]
    answers += [(5, 2, v) for v in of["answer_id"].values()]
    ids = tuple(of["row_id"].values())
    while sum(rows for *_, rows in script) < len(ids):
        script.append((13, ok, 1, param("N")))
    traffic = Traffic(batches=len(script), script=tuple(script), work=(1, 8), opening=0.9, ids=ids, m_ready=0.95)
    traffic.answers, traffic.scripted_answers = 0.5, tuple(answers)
    h = Harness(dut, traffic)
    await h.run()
    require(not h.script and not h.scripted, "not everything was sent")
    for name, label in met:
        group.sample(**{f"cp_{name}": label})
    coverage.dump(covergroups(), "responder_fields")
    if most == {"batch_rows": 128, "batch_tx_lines": 255}:
        left = [
            f"{p}: {b}" for p, bins in covergroups()["responder_fields_cg"].items() for b, n in bins.items() if not n
        ]
        require(not left, f"{len(left)} classes were never tried: {'; '.join(left[:8])}")


@cocotb.test(**TIMEOUT)
async def greatest(dut: Any) -> None:
    """The last context's last line: as many rows and lines as there can be."""
    script = [(n % 2, int(Status.OK), param("TX_LINES"), param("N")) for n in range(param("C_INF"))]
    traffic = Traffic(batches=len(script), script=tuple(script), work=(1, 1), opening=1.0, answers=0.0, m_ready=1.0)
    h = Harness(dut, traffic)
    await h.run()
    require(h.now >= param("C_INF") * param("N") * (1 + param("TX_LINES")), "too short")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def met(dut: Any) -> None:
    """Which events met. Must run behind the others."""
    await FallingEdge(dut.clk)
    coverage.dump(events(), "responder")
    if param("C_INF") == param("N") == 4:
        left = [f"{p}: {b}" for p, bins in events()["responder_cg"].items() for b, n in bins.items() if not n]
        require(not left, f"{len(left)} bins were never hit: {'; '.join(left[:8])}")
