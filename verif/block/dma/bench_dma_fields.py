"""Every field of LOAD and STORE by value classes, and the watchdog's limit: what is moved, where, in which cycle, or
the cause of the fault. The memory sees addresses modulo its size, so both ends of the 4 GiB space can be addressed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer

from equinox_core.isa.encoding import Err
from verif.block.dma import model
from verif.block.dma.harness import PRIO, PROG, Harness, same
from verif.block.dma.model import LD, ST, Env, Run, Shape, State, Step
from verif.block.dma.model_timing import predict
from verif.block.dma.stimulus import long_step
from verif.block.dma.stimulus_fields import OPS, Case, cases, covergroups, sweeps
from verif.lib import checks, coverage
from verif.lib.bench import param
from verif.lib.verdict import equal, require

HERE = os.environ.get("P_STG_DEPTH") == "65536"  # the run of test_dma_fields, which opens a back door
CUT = {LD: model.load_bursts, ST: model.store_bursts}
CHANNEL = {LD: "ar", ST: "aw"}
MOST_BURSTS = 4000  # of a program: the bench's log holds 4096
MUTE = {LD: 2, ST: 16}  # bits of err_mute: R, B


@dataclass
class Program:
    """Cases of one relocation that run one after the other; only the last may be faulty."""

    env: Env
    cases: list[Case] = field(default_factory=list)
    bursts: int = 0

    @property
    def steps(self) -> list[Step]:
        """Their instructions."""
        return [step for case in self.cases for step in case.steps]


def good_runs(shape: Shape, case: Case) -> list[Run]:
    """The runs of a case that are carried out: all before the first faulty one."""
    (step,) = case.steps
    if case.cause == Err.ILLEGAL_OP or not step.ins.len or step.ins.sp > 2:
        return []
    out: list[Run] = []
    for run in _runs_or_none(step, case.env):
        if run.addr % shape.bus or run.word + run.len > shape.depth[run.buffer]:
            break
        out.append(run)
    return out


def _runs_or_none(step: Step, env: Env) -> list[Run]:
    try:
        return model.runs(step, env)
    except ValueError:  # no such space
        return []


def programs(shape: Shape, unit: int) -> list[Program]:
    """All cases of a unit, packed: legal ones of the same relocation share a program, a faulty one ends its own."""
    out: list[Program] = []
    shared: dict[Env, Program] = {}
    for case in cases(shape, unit):
        bursts = sum(len(CUT[unit](shape, run)) for run in good_runs(shape, case))
        place = shared.get(case.env)
        if case.cause is not None or place is None or len(place.cases) == PROG or place.bursts + bursts > MOST_BURSTS:
            place = Program(case.env)
            out.append(place)
            if case.cause is None:
                shared[case.env] = place
        place.cases.append(case)
        place.bursts += bursts
    return out


def carry_out(state: State, run: Run, op: Any) -> None:
    """One run, with the addresses modulo the memory's size: the memory is turned so that the run begins at 0."""
    shape = state.shape
    at = run.addr % shape.dram
    if at + shape.beats(run.buffer, run.len) * shape.bus <= shape.dram:
        state.execute(replace(run, addr=at), op)
        return
    turned = State(shape, state.buffers, np.roll(state.dram, -at))
    turned.execute(replace(run, addr=0), op)
    state.dram[:] = np.roll(turned.dram, at)


class FieldHarness(Harness):
    """Runs programs one after the other on one state."""

    async def prepare(self) -> State:
        """A random state; the memory answers after a cycle, so that many short bursts take little time."""
        await self.reset()
        self.latency = 1
        self.set_dram()
        self.dut.folded.value = 1
        state = State.random(self.shape, self.rng)
        await self.put(state)
        return state

    async def play(self, unit: int, c: int, program: Program, state: State) -> None:
        """Run a program, carry it out on the state too, and compare all but the memories' whole contents."""
        dut, shape = self.dut, self.shape
        await self.again()
        dut.dram_base[c].value, dut.w_base[c].value = program.env.dram_base, program.env.w_base
        await self.run({(unit, c): program.steps})
        s = self.stream(unit, c)
        cause = program.cases[-1].cause
        label = f"unit {unit}: {program.cases[-1].field} {program.cases[-1].label}"
        require(
            [x for _, x in s.errors] == ([] if cause is None else [int(cause)]), f"{label}: {s.errors}, not {cause}"
        )
        legal = [case for case in program.cases if case.cause is None]
        equal(s.what, [x.ins.step << 16 | x.ins.signal for case in legal for x in case.steps], f"{label}: completions")
        runs = [run for case in program.cases for run in good_runs(shape, case)]
        bursts = [b for run in runs for b in CUT[unit](shape, run)]
        equal([(a, n) for _, a, n in self.addresses(CHANNEL[unit])], bursts, f"{label}: bursts")
        checks.compared("programs of fields", 1)
        for run in runs:
            if unit == ST or cause is None:
                carry_out(state, run, program.steps[0].ins.op)
        if unit == LD and cause is None:
            equal(self.number("word_n"), sum(run.len for run in runs), f"{label}: words written")
            for name, word in {(run.buffer, n) for run in runs for n in range(run.word, run.word + run.len)}:
                size = shape.word_bytes(name)
                seen = getattr(dut, name)[word].value.to_unsigned().to_bytes(size, "little")
                equal(seen, state.buffers[name][word].tobytes(), f"{label}: {name} {word}")
        if cause is None:
            self.compare_time(unit, c, program, s.issued, s.done)
        else:
            await self.take_over(unit, runs, state)

    def compare_time(self, unit: int, c: int, program: Program, issued: list[int], done: list[int]) -> None:
        """Issue and completion of every instruction, in the cycles that docs/dma.md gives."""
        envs = [program.env] * self.ctx
        want = predict(
            self.shape,
            {(unit, c): program.steps},
            envs,
            start=issued[0],
            mode=PRIO,
            c_inf=self.c_inf,
            latency=self.latency,
            gap=self.gap,
        )[unit, c]
        equal((issued, done), (want.issued, want.done), f"{program.cases[-1].field}: cycles of unit {unit}")
        # From the first issue to the last beat or response something is held or in flight: each of these cycles is a
        # beat's (LD tells the last one a cycle later) or a stall of the unit's own.
        stalled = done[-1] - issued[0] - 1 - (self.stream(unit, c).busy - (unit == LD))
        equal(self.stalls(unit)[1:3], [0, stalled], f"{program.cases[-1].field}: stalls of unit {unit}")

    async def take_over(self, unit: int, runs: list[Run], state: State) -> None:
        """What LD has of the runs before a fault depends on when the context was stopped: each word is old or new."""
        if unit == ST:
            return
        for run in runs:
            after = State(self.shape, {run.buffer: state.buffers[run.buffer].copy()}, state.dram)
            carry_out(after, run, OPS[unit])
            for word in range(run.word, run.word + run.len):
                size = self.shape.word_bytes(run.buffer)
                raw = getattr(self.dut, run.buffer)[word].value.to_unsigned().to_bytes(size, "little")
                legal = [state.buffers[run.buffer][word].tobytes(), after.buffers[run.buffer][word].tobytes()]
                require(raw in legal, f"{run.buffer} {word} is neither old nor new")
                state.buffers[run.buffer][word] = np.frombuffer(raw, np.uint8)


@cocotb.test(timeout_time=50, timeout_unit="ms", skip=not HERE)
@cocotb.parametrize(unit=[LD, ST])
async def fields_of_instructions(dut: Any, unit: int) -> None:
    """All classes of all fields of a unit's instruction, relocation and iteration."""
    h = FieldHarness(dut)
    state = await h.prepare()
    sweep = sweeps()[unit]
    for n, program in enumerate(programs(h.shape, unit)):
        await h.play(unit, n % h.ctx, program, state)
        for case in program.cases:
            sweep.sample(case.field, case.label)
    same(await h.get(), state)  # nothing else was written


@cocotb.test(timeout_time=50, timeout_unit="ms", skip=not HERE)
@cocotb.parametrize(unit=[LD, ST])
async def fields_of_the_watchdog(dut: Any, unit: int) -> None:
    """A limit of every class, to the cycle. The counter is set close to a large one; at 0 nothing is ever late."""
    h = FieldHarness(dut)
    buffer = ("wgtd", "sof")[unit]
    counter = (dut.u_load, dut.u_store)[unit].u_watchdog.waited_q
    sweep = sweeps()[unit]
    for field_, label, limit in sweep.cases("timeout"):
        dut.timeout.value = limit
        await h.reset()
        dut.u_dram.err_mute.value = MUTE[unit]
        h.load({(unit, 0): [long_step(h.shape, h.envs[0], unit, 0, buffer, 1)]})
        await h.start()
        await Timer(400, "ns")
        moved = 0
        if limit == 0 or limit > 100:
            before = int(counter.value)
            counter.value = max(0, limit - 20) if limit else 0xFFFFFFF0
            moved = int(limit - 20 - before)
            require(limit == 0 or before > 0, "the counter does not run")
        if limit == 0:
            await Timer(400, "ns")
            equal((h.stream(unit, 0).errors, h.stream(unit, 0).done), ([], []))
            dut.u_dram.err_mute.value = 0
            await h.finish()
            equal(h.stream(unit, 0).errors, [])
        else:
            await h.finish()
            s, sent = h.stream(unit, 0), h.addresses(CHANNEL[unit])[0][0]
            equal(s.errors, [(sent + limit + 2 - moved, int(Err.DMA_TIMEOUT))], f"limit {limit}")
        checks.compared("limits of the watchdog", 1)
        sweep.sample(field_, label)
        dut.u_dram.err_mute.value = 0
    dut.timeout.value = 0


@cocotb.test(timeout_time=1, timeout_unit="ms", skip=not HERE)
async def fields_were_all_swept(dut: Any) -> None:
    """Every class of every field was tried, by the tests before this one."""
    groups = {name: points for name, points in covergroups().items() if name.endswith("_fields_cg")}
    missed = [
        f"{name}.{point}: {label}"
        for name, points in groups.items()
        for point, bins in points.items()
        for label, hits in bins.items()
        if not hits
    ]
    equal(missed, [])
    require(param("CTX") == int(dut.CTX.value))
    coverage.dump(groups, "dma_fields")
    checks.compared("fields", sum(map(len, groups.values())))
