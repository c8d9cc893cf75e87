"""Sweeps over the fields of the MMU's instruction and environment, in memories of the greatest depth, so that every bit
of an address counts.
"""

from __future__ import annotations

from typing import Any

import cocotb

from verif.block.mmu.harness import PROG, Harness, Log
from verif.block.mmu.model import Env
from verif.block.mmu.stimulus_fields import Case, alike, bounds, classes, covergroups, mmu_fields_cg, sums
from verif.lib import coverage
from verif.lib.bench import generator
from verif.lib.verdict import require

MOST_ROWS = 400_000  # of a phase: its events must fit the log


async def run(h: Harness, ctx: int, cases: list[Case]) -> Log:
    """Cases one after the other in a context that is quiet before each."""
    programs: list[list[list[Any]]] = [[[]] for _ in range(h.size.ctx)]
    programs[ctx] = [[c.ins for c in cases]]
    alone = {(ctx, place): (c.env, c.train_rows) for place, c in enumerate(cases)}
    return await h.phase(programs, [Env()] * h.size.ctx, alone=alone, look=False)


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(train=[False, True])
async def fields(dut: Any, train: bool) -> None:
    """Every class of every field, in a context of each kind."""
    h = Harness(dut, generator())
    await h.start()
    if min(*h.size.a_depth, *h.size.b_depth, h.size.acc) < 1 << 16:  # test_mmu_fields gives it the greatest depths
        dut._log.info("smaller memories: not for this run")
        return
    sweep = mmu_fields_cg()
    ctx = h.size.c_inf if train else 0
    cases = [*classes(sweep, train), *sums(h.size, h.rng, train)]
    while cases:
        rows = 0
        some: list[Case] = []
        while cases and len(some) < PROG and rows < MOST_ROWS:
            some.append(cases.pop(0))
            rows += some[-1].ins.fields["rows"]
        await run(h, ctx, some)
        for c in some:
            if c.field:
                sweep.sample(c.field, c.label)
    coverage.dump(covergroups(), f"fields-{ctx}")
    if train:
        missed = [f"{p}.{b}" for p, bins in covergroups()["mmu_fields_cg"].items() for b, n in bins.items() if not n]
        require(not missed, f"never swept: {missed}")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(train=[False, True])
async def bounds_of_memories(dut: Any, train: bool) -> None:
    """The last legal address of each memory, and the first that is not, in memories of any depth."""
    h = Harness(dut, generator())
    await h.start()
    cases = list(bounds(h.size))
    ctx = h.size.c_inf if train else 0
    log = await run(h, ctx, cases)
    require(len(log.seen.errs) >= 8 and len(log.seen.done) >= 8, "no bound was met from both sides")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def lines_that_look_alike(dut: Any) -> None:
    """A row waits for the one before it if that went to the same line, and not if one bit of the address differs."""
    h = Harness(dut, generator())
    await h.start()
    flat = [i for some in alike(h.size) for i in some]
    await h.phase([[flat], *[[[]]] * (h.size.ctx - 1)], [Env()] * h.size.ctx)
    await h.phase([[[]]] * (h.size.ctx - 1) + [[flat[::-1]]], [Env()] * h.size.ctx)
