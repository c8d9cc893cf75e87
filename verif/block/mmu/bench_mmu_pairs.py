"""What happens at once: a kill in every cycle of a run, errors of two contexts at every distance, the mode changed in
every cycle. Results and every cycle are compared with the model, as in all phases.
"""

from __future__ import annotations

import itertools
from typing import Any

import cocotb

from equinox_core.hw.modes import Mode
from equinox_core.isa.encoding import Instr, Op
from verif.block.mmu.harness import Harness, Log
from verif.block.mmu.stimulus_pairs import (
    EVENTS,
    FAR,
    FAULTS,
    OF,
    OFFSETS,
    VICTIMS,
    covergroups,
    envs,
    events,
    faulty,
    mmu_pairs_cg,
    of,
    program,
)
from verif.lib import coverage
from verif.lib.bench import generator
from verif.lib.verdict import require


async def start(dut: Any) -> Harness:
    h = Harness(dut, generator())
    await h.start()
    return h


class Turns:
    """Runs the same programs again and again, each time on other activations, so that results are others, too."""

    def __init__(self, h: Harness) -> None:
        self.h, self.turn = h, 0

    async def phase(self, programs: list[list[list[Instr]]], **how: Any) -> Log:
        self.turn = self.turn % 40 + 1
        moved = [[[self._moved(i) for i in segment] for segment in p] for p in programs]
        return await self.h.phase(moved, envs(self.h.size), train_rows=self.h.size.n, **how)

    def _moved(self, ins: Instr) -> Instr:
        if ins.op != Op.MATMUL or ins.a_base > self.h.size.a_depth[0]:
            return ins
        return Instr(ins.op, {**ins.fields, "a_base": ins.a_base + self.turn})


def finish(cross: str) -> None:
    """Every bin of the cross must have been hit."""
    coverage.dump(covergroups(), cross)
    missed = [b for b, n in covergroups()["mmu_pairs_cg"][cross].items() if not n]
    require(not missed, f"{cross}: never met: {missed}")


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def a_kill_in_every_cycle(dut: Any) -> None:
    """A context of each kind killed in each cycle around each event: its own, of a context of its class, of the other
    class; with an error in one of the contexts.
    """
    h = Turns(await start(dut))
    size, group = h.h.size, mmu_pairs_cg()
    wanted = {(v, e, o, d) for v in VICTIMS for e in EVENTS for o in OF for d in OFFSETS}
    for victim, wrong in itertools.product(range(size.ctx), repeat=2):
        first = [
            faulty(size, c, FAULTS[(victim + c) % len(FAULTS)]) if c == wrong else program(size, c)
            for c in range(size.ctx)
        ]
        programs = [[some, program(size, c)] for c, some in enumerate(first)]
        log = await h.phase(programs)
        again = min(t for t, c, place in log.taken if place >= len(first[c]))
        ahead = [x for x in events(log) if x[0] < again]
        for at in range(5, max(t for t, *_ in ahead) + FAR):
            near = [(e, of(size, victim, c), f"{at - t:+d}") for t, c, e in ahead if abs(at - t) <= FAR]
            met = {(VICTIMS[victim >= size.c_inf], *x) for x in near} & wanted
            if met:
                kills = [(at, victim)]
                await h.phase(programs, kills=kills, kill_wait=at % 4)
                for v, e, o, d in met:
                    group.sample(cp_victim=v, cp_event=e, cp_of=o, cp_offset=d)
                wanted -= met
    finish("cr_kill")


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def two_errors_at_every_distance(dut: Any) -> None:
    """Errors of two contexts, of each cause, up to some cycles apart; kills answer them at once or later."""
    h = Turns(await start(dut))
    size, group = h.h.size, mmu_pairs_cg()
    last = size.ctx - 1
    for turn, (one, two) in enumerate(itertools.product(FAULTS, repeat=2)):
        wanted = set(OFFSETS)
        for pair in ((0, last), (last, 0), (0, 1), (last, last - 1)):
            programs: list[list[list[Any]]] = [[[], program(size, c)] for c in range(size.ctx)]
            for c, fault in zip(pair, (one, two), strict=True):
                # Tiles load N cycles apart: bad rows of two contexts meet where one of them waits behind good ones.
                programs[c][0] = faulty(size, c, fault)[0 if c == 0 and one == two == "row" else 1 :]
            apart, base = 0, 40
            for d in range(-FAR - 1, FAR + 1):
                if not wanted:
                    break
                delay = [0] * size.ctx
                delay[pair[0]], delay[pair[1]] = base, base + d - apart
                log = await h.phase(programs, delay=tuple(delay), kill_wait=(turn + d) % 6)
                at = {c: t for t, c, _ in log.seen.errs}
                met = at[pair[1]] - at[pair[0]]
                if d == -FAR - 1:
                    apart = met - d  # from here on about d apart
                elif abs(met) <= FAR and f"{met:+d}" in wanted:
                    wanted.remove(f"{met:+d}")
                    group.sample(cp_fault=one, cp_beside=two, cp_offset=f"{met:+d}")
    finish("cr_error")


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def the_mode_changes_in_every_cycle(dut: Any) -> None:
    """Each mode after each other, from each cycle of a run on, for a while."""
    h = Turns(await start(dut))
    size, group = h.h.size, mmu_pairs_cg()
    turns = [(a, b) for a in Mode for b in Mode if a != b]
    for turn, (before, after) in enumerate(turns):
        wrong = turn % size.ctx
        programs = [[faulty(size, c, "row") if c == wrong else program(size, c)] for c in range(size.ctx)]
        for at in range(6 + turn % 3, 120, 3):
            modes = [(at, int(after)), (at + 30, int(Mode.PRIO))]
            log = await h.phase(programs, mode=before, modes=modes)
            since = next((t for t, mode in log.modes[1:] if mode == after), None)
            if since is not None:
                for e in {e for t, _, e in events(log) if since <= t <= since + FAR}:
                    group.sample(cp_mode=f"{before.name} to {after.name}", cp_event=e)
    finish("cr_mode")
