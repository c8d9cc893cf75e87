"""Every rule of the AXI checker is broken once and must be reported, alone; correct traffic must pass."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from verif.lib import checks
from verif.lib.bench import param
from verif.lib.verdict import equal, require

K = param("K")
PAGE = 4096 // K  # beats
RULES = "AR_STABLE AW_STABLE W_STABLE R_STABLE B_STABLE AR_FORM AW_FORM R_EXTRA R_LAST W_LAST B_EXTRA RESET".split()
VALIDS = ("arvalid", "awvalid", "wvalid", "rvalid", "bvalid")
Cycle = dict[str, int]


def ar(**k: int) -> Cycle:
    return {"arvalid": 1, "arready": 1, **k}


def aw(**k: int) -> Cycle:
    return {"awvalid": 1, "awready": 1, **k}


def w(last: int, **k: int) -> Cycle:
    return {"wvalid": 1, "wready": 1, "wlast": last, **k}


def r(last: int, **k: int) -> Cycle:
    return {"rvalid": 1, "rready": 1, "rlast": last, **k}


B: Cycle = {"bvalid": 1, "bready": 1}

# name -> (rule that must be reported or None, cycles); a cycle names what is not at rest.
SCENES: dict[str, tuple[str | None, list[Cycle]]] = {
    "read": (None, [ar(arlen=1), {"rready": 1}, {"rvalid": 1}, r(0), r(1)]),
    "reads outstanding": (None, [ar(arlen=0), ar(arlen=1, araddr=K), r(1), r(0), {}, r(1)]),
    "write": (None, [aw(awlen=1), {"wvalid": 1}, w(0), {}, w(1), {"bvalid": 1}, B]),
    "data before address": (None, [w(0), w(1), aw(awlen=1), B]),
    "data with address": (None, [aw(awlen=0, wvalid=1, wready=1, wlast=1), B]),
    "page exactly": (None, [ar(arlen=PAGE // 2 - 1, araddr=2048)]),
    "wait": (None, [{"arvalid": 1, "araddr": K}, {"arvalid": 1, "araddr": K}, ar(araddr=K)]),
    "AR dropped": ("AR_STABLE", [{"arvalid": 1}, {}]),
    "AR address moves": ("AR_STABLE", [{"arvalid": 1}, ar(araddr=K)]),
    "AW dropped": ("AW_STABLE", [{"awvalid": 1}, {}]),
    "AW length moves": ("AW_STABLE", [{"awvalid": 1}, aw(awlen=1)]),
    "W dropped": ("W_STABLE", [aw(), {"wvalid": 1}, {}]),
    "W data moves": ("W_STABLE", [aw(), {"wvalid": 1, "wlast": 1}, w(1, wdata=1)]),
    "W last moves": ("W_STABLE", [aw(), {"wvalid": 1}, w(1)]),
    "R dropped": ("R_STABLE", [ar(), {"rvalid": 1}, {}]),
    "R data moves": ("R_STABLE", [ar(), {"rvalid": 1, "rlast": 1}, r(1, rdata=1)]),
    "B dropped": ("B_STABLE", [aw(), w(1), {"bvalid": 1}, {}]),
    "B response moves": ("B_STABLE", [aw(), w(1), {"bvalid": 1}, {**B, "bresp": 2}]),
    "AR over 4 KiB": ("AR_FORM", [ar(araddr=4096 - K, arlen=1)]),
    "AR narrow": ("AR_FORM", [ar(arsize=1)]),
    "AR fixed": ("AR_FORM", [ar(arburst=0)]),
    "AR misaligned": ("AR_FORM", [ar(araddr=K + 1)]),
    "AW over 4 KiB": ("AW_FORM", [aw(awaddr=8192 - 4 * K, awlen=4)]),
    "AW narrow": ("AW_FORM", [aw(awsize=1)]),
    "data without address": ("R_EXTRA", [r(1)]),
    "data in the address's cycle": ("R_EXTRA", [ar(rvalid=1, rready=1, rlast=1)]),
    "R last early": ("R_LAST", [ar(arlen=1), r(1)]),
    "R last missing": ("R_LAST", [ar(arlen=0), r(0)]),
    "W last early": ("W_LAST", [aw(awlen=1), w(1)]),
    "W last missing": ("W_LAST", [aw(awlen=0), w(0)]),
    "W last wrong before address": ("W_LAST", [w(1), w(1), aw(awlen=1)]),
    "B before last data": ("B_EXTRA", [aw(awlen=1), w(0), B]),
    "B twice": ("B_EXTRA", [aw(), w(1), B, B]),
    "valid in reset": ("RESET", [{"rst_n": 0}, {"rst_n": 0, "awvalid": 1}]),
}
equal({rule for rule, _ in SCENES.values()}, {None, *RULES})


async def play(dut: Any, cycles: list[Cycle]) -> None:
    used = {name for cycle in cycles for name in cycle}
    rest = {"rst_n": 1, "arsize": K.bit_length() - 1, "awsize": K.bit_length() - 1, "arburst": 1, "awburst": 1}
    for cycle in [*cycles, {}]:
        await FallingEdge(dut.clk)
        for name in used:
            getattr(dut, name).value = cycle.get(name, rest.get(name, 0))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def every_rule_can_fail(dut: Any) -> None:
    for name, (rule, cycles) in SCENES.items():
        await FallingEdge(dut.clk)
        dut.rst_n.value = 0
        await Timer(20, "ns")
        dut.rst_n.value = 1
        await FallingEdge(dut.clk)  # rules hold from the first edge out of reset on
        before = [int(dut.breaches[i].value) for i in range(len(RULES))]
        moved = int(dut.transfers.value)
        await play(dut, cycles)
        await Timer(20, "ns")
        broken = {RULES[i] for i in range(len(RULES)) if int(dut.breaches[i].value) != before[i]}
        require(broken == ({rule} if rule else set()), f"{name}: reported {broken}, expected {rule}")
        require(rule or int(dut.transfers.value) > moved, f"{name}: nothing was watched")
        checks.compared("scenes of AXI rules", 1)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def counts_transfers(dut: Any) -> None:
    start = int(dut.transfers.value)
    await play(dut, [aw(awlen=1), w(0), w(1), B, ar(), r(1)])
    await Timer(20, "ns")
    equal(int(dut.transfers.value) - start, 6)
    checks.compared("transfers counted", 6)
