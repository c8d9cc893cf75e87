"""Two events of one context in the same cycle, and a few cycles apart: commands, faults, ends and answers.

Each pair is played once for each distance. The first event comes at a known time, as everything random is drawn anew
from the same seed in every play; what comes out is compared with the model in every cycle, by the harness.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import cocotb
import numpy as np

from equinox_core.isa.encoding import SEM_MAX, SEMAPHORES, Op
from verif.block.frontend.harness import Harness, start
from verif.block.frontend.model import ERROR, IDLE, KILLING, LOADING, RESPOND, RUNNING, UNITS, Instruction, Program
from verif.block.frontend.stimulus import instruction
from verif.block.frontend.stimulus_fields import MOMENTS, OFFSETS, REACH, covergroups, events_cg
from verif.lib import checks, coverage
from verif.lib.bench import param
from verif.lib.verdict import equal, require

HERE = os.environ.get("P_IMEM_DEPTH") == "65536"  # the run of test_frontend_fields, which opens a back door
TIMEOUT = {"timeout_time": 5, "timeout_unit": "ms", "skip": not HERE}
OPS = (Op.MATMUL, Op.VECTOR, Op.LOAD, Op.STORE)  # of the units
SEED = 3  # of all that is random in a play; with it a batch has two rows
LATENCY = 16  # of a unit whose completion or error meets something
ALL = {"kill", "drain", "start", "clear"}
WAY = {  # how a context's state changes at a moment
    "end": (RUNNING, IDLE),
    "error": (RUNNING, KILLING),
    "overflow": (RUNNING, KILLING),
    "range": (RUNNING, KILLING),
    "batch_row": (IDLE, LOADING),
    "batch_full": (LOADING, RUNNING),
    "batch_error": (RUNNING, KILLING),
    "batch_end": (RUNNING, RESPOND),
    "batch_answered": (RESPOND, IDLE),
}


class Scene:
    """A context, its program and units, played from the same seed again and again."""

    def __init__(self, h: Harness, inference: bool, faults: frozenset[str] = frozenset()) -> None:
        self.h, self.c = h, 0 if inference else param("C_INF")
        self.inference, self.faults = inference, faults
        self.latency = dict.fromkeys(range(UNITS), 3)
        self.issued = 0  # cycles after the start in which the last instruction was issued

    async def set(self) -> None:
        """Programs: unit 0 fails, unit 2 overflows a semaphore, unit 3 runs off its memory, as the faults say."""
        h, rng = self.h, np.random.default_rng(1)
        streams: list[list[Instruction]] = [[instruction(rng, op, step=True, last=True)] for op in OPS]
        if "overflow" in self.faults:
            streams[2] = [instruction(rng, Op.LOAD, signal=2, last=True)]
        at = [0] * UNITS
        if "range" in self.faults:
            streams[3] = [instruction(rng, Op.NOP) for _ in range(5)]
            at[3] = h.depth - 5
        pc = await h.load(streams, at)
        init = [SEM_MAX if s == 1 else 0 for s in range(SEMAPHORES)]
        h.settings([Program(list(pc))], {self.c: Program(list(pc), 1 if self.faults else 3, 2, init)}, timeout=1000)

    async def play(self, at: Callable[[int], set[str]], until: tuple[int, int] | None = None) -> int:
        """Start, give the commands of each cycle, and run until all has ended, but for ``until`` a state changes so.

        Returns the cycle of that change; -1 if there was none.
        """
        h, c, found = self.h, self.c, -1
        h.rng = np.random.default_rng(SEED)
        for u, row in enumerate(h.units):
            for unit in row:
                unit.rng, unit.accept, unit.latency = np.random.default_rng(u), 1.0, (self.latency[u],) * 2
                unit.poison, unit.cause = float(f"error{u}" in self.faults), u + 2
        h.hold_answers = 1.0
        h.issues.clear()
        first, quiet = h.now, 0
        while quiet < REACH + 4:
            now = h.now - first
            h.commands[c] |= at(now + 1)
            if now == REACH and self.inference:
                h.waiting.append(0)
            elif now == REACH:
                h.commands[c].add("start")
            before = h.model.ctx[c].state
            await h.cycle()
            if until and (before, h.model.ctx[c].state) == until and found < 0:
                found = now
            still = not h.coming() and h.model.ctx[c].state in (IDLE, ERROR)
            quiet = quiet + 1 if still and now > REACH else 0
            require(now < 400, "the context does not end")
        self.issued = h.issues[-1][0] - first if h.issues else -1
        h.commands[c].add("clear")
        await h.cycles(2)
        require(h.model.ctx[c].state == IDLE)
        checks.compared("plays of two events", 1)
        return found


def nothing(_: int) -> set[str]:
    """No commands."""
    return set()


def once(cycle: int, commands: set[str]) -> Callable[[int], set[str]]:
    """Commands in one cycle."""
    return lambda now: commands if now == cycle else set()


def scene_of(h: Harness, moment: str) -> Scene:
    """The scene in which a moment comes."""
    faults = {"error": {"error0"}, "batch_error": {"error0"}, "overflow": {"overflow"}, "range": {"range"}}
    return Scene(h, moment.startswith("batch"), frozenset(faults.get(moment, set())))


async def commands_meet(h: Harness, moments: list[str]) -> None:
    """Each command, and all at once, in the cycles around a moment."""
    group = events_cg()
    for moment in moments:
        scene = scene_of(h, moment)
        await scene.set()
        found = await scene.play(nothing, WAY.get(moment))
        found = scene.issued if moment == "issue" else found
        require(found > 0, f"{moment} does not come")
        for command in (*(x for x in MOMENTS[moment] if x in ALL), "all"):
            for offset in OFFSETS:
                await scene.play(once(found + offset, ALL if command == "all" else {command}))
                if command != "all":
                    group.sample(cp_pair=f"{moment} {command}", cp_offset=str(offset))


@cocotb.test(**TIMEOUT)
async def commands_meet_a_training_run(dut) -> None:
    """Kill, drain, start and clear around the last issue, the end and the faults of a training run."""
    await commands_meet(await start(dut), ["issue", "end", "error", "overflow", "range"])


@cocotb.test(**TIMEOUT)
async def commands_meet_a_batch(dut) -> None:
    """The same around the first and the last row of a batch, its fault, its end and its answer."""
    await commands_meet(await start(dut), [m for m in MOMENTS if m.startswith("batch")])


@cocotb.test(**TIMEOUT)
async def faults_meet(dut) -> None:
    """Two faults of one context: the first is told, of those of one cycle the one that docs/scheduler.md says."""
    h = await start(dut)
    group = events_cg()
    alone = {}
    for fault in ("error0", "error1", "overflow", "range"):
        scene = Scene(h, False, frozenset({fault}))
        scene.latency = dict.fromkeys(range(UNITS), LATENCY)
        await scene.set()
        alone[fault] = await scene.play(nothing, (RUNNING, KILLING))
    unit = {"error0": 0, "error1": 1, "overflow": 2}
    for pair, first, second in (
        ("error error", "error0", "error1"),
        ("error overflow", "error0", "overflow"),
        ("error range", "range", "error0"),  # the one whose time is fixed stands first
        ("range overflow", "range", "overflow"),
        ("error end", "error0", ""),
    ):
        scene = Scene(h, False, frozenset({first, second} - {""}))
        await scene.set()
        for offset in OFFSETS:
            scene.latency = dict.fromkeys(range(UNITS), 3)
            scene.latency[0] = LATENCY
            move = -offset if pair == "error range" else offset
            if second:  # its own time, moved to that of the first
                scene.latency[unit[second]] = LATENCY + alone[first] - alone[second] + move
            else:
                scene.latency[3] = LATENCY + move
            await scene.play(nothing)
            group.sample(cp_pair=pair, cp_offset=str(offset))


@cocotb.test(**TIMEOUT)
async def events_all_met(dut) -> None:
    """Every pair was played at every distance, by the tests before this one."""
    group = covergroups()["frontend_events_cg"]
    equal([f"{point}: {name}" for point, bins in group.items() for name, hits in bins.items() if not hits], [])
    coverage.dump({"frontend_events_cg": group}, "frontend_events")
    h = await start(dut)
    h.settings([Program([None] * UNITS)] * param("SERVICES"), {})
    await h.cycles(3)
