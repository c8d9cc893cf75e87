"""Drives tb_dma: settings, programs, memories in and out, logs; compares them with the reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout

from equinox_core.hw.modes import Mode
from equinox_core.isa.encoding import encode
from verif.block.dma.model import BUFFERS, LD, ST, Env, Programs, Shape, State, load_bursts, runs, store_bursts
from verif.block.dma.stimulus import area
from verif.lib import checks
from verif.lib.bench import generator, param, reset
from verif.lib.memfile import read_hex, write_hex
from verif.lib.verdict import equal, require

INF_ONLY, FAIR, PRIO = int(Mode.INF_ONLY), int(Mode.FAIR), int(Mode.PRIO)
PROG = 32


@dataclass
class Stream:
    """What the bench saw of one stream (a unit's context)."""

    issued: list[int]
    done: list[int]
    what: list[int]  # {step, signal mask} of each completion
    errors: list[tuple[int, int]]  # (cycle, cause)
    busy: int


class Harness:
    """One instance a test."""

    def __init__(self, dut: Any) -> None:
        n, m, w = (param(x) for x in "NMW")
        names = {"actd": "ACTD_DEPTH", "wgtd": "WGTD_DEPTH", "stg": "STG_DEPTH", "sob": "SOB_DEPTH", "sof": "SOF_DEPTH"}
        depth = {b: int(getattr(dut, p).value) for b, p in names.items()}
        self.dut = dut
        self.ctx = int(dut.CTX.value)
        self.c_inf = int(dut.C_INF.value)
        self.shape = Shape(n * w, m * n, depth, int(dut.BYTES.value), self.ctx)
        self.latency, self.gap = int(dut.LATENCY.value), int(dut.GAP.value)
        self.rng = generator()
        self.envs: list[Env] = []
        self.ram: Any = None  # a memory model in Python instead of axi_dram

    async def reset(self, ram: Any = None) -> None:
        """Start anew; ``ram``: a function that makes a memory of cocotbext-axi, used instead of axi_dram."""
        dut, rng, bus = self.dut, self.rng, self.shape.bus
        dut.go.value, dut.ext.value, dut.own_clock.value = 0, int(ram is not None), int(ram is None)
        if ram is not None:
            await Timer(5, "ns")
            Clock(dut.clk, 10, "ns").start()
            self.ram = ram(dut)
        dut.seed.value = int(rng.integers(1, 1 << 32))
        self.envs = []
        for c in range(self.ctx):
            low = self.shape.depth["wgtd"] * c // self.shape.ctx
            self.envs.append(Env(int(rng.integers(0, 1 << 32)) // bus * bus, int(rng.integers(0, low + 1))))
            dut.dram_base[c].value, dut.w_base[c].value = self.envs[c].dram_base, self.envs[c].w_base
        for s in range(2 * self.ctx):
            dut.kill_at[s].value = 0
            dut.prog_len[s].value = 0
        dut.max_gap.value, dut.max_react.value, dut.mode.value, dut.folded.value = 0, 0, PRIO, 0
        self.set_dram()
        dut.u_dram.stall_pct.value, dut.u_dram.err_en.value = 0, 0
        await reset(dut)
        await RisingEdge(dut.clk)

    def stall(self, percent: int) -> None:
        dram = self.dut.u_dram
        dram.stall_seed.value = int(self.rng.integers(1, 1 << 32))
        dram.stall_pct.value = percent

    def set_dram(self) -> None:
        """Give axi_dram this harness's latency (also of write responses) and gap."""
        dram = self.dut.u_dram
        dram.latency.value, dram.b_latency.value, dram.gap.value = self.latency, self.latency, self.gap

    def fail_at(self, lo: int, hi: int) -> None:
        """Error responses for bursts that touch bytes lo..hi."""
        dram = self.dut.u_dram
        dram.err_addr_lo.value, dram.err_addr_hi.value, dram.err_en.value = lo, hi, 1

    async def put(self, state: State) -> None:
        for name in BUFFERS:
            write_hex(Path(f"{name}.hex"), state.buffers[name])
        await self._pulse("load_buffers")
        if self.ram is not None:
            self.ram.write(0, state.dram.tobytes())
        else:
            Path("load.bin").write_bytes(state.dram.tobytes())
            await self._toggle("load_req")
        await Timer(1, "ns")

    async def get(self) -> State:
        await Timer(1, "ns")
        await self._pulse("dump_buffers")
        bufs = {
            name: read_hex(Path(f"{name}.hex"), self.shape.depth[name], self.shape.word_bytes(name)) for name in BUFFERS
        }
        if self.ram is not None:
            dram = np.frombuffer(bytes(self.ram.read(0, self.shape.dram)), np.uint8)
        else:
            await self._toggle("dump_req")
            dram = np.frombuffer(Path("dump.bin").read_bytes(), np.uint8)
        return State(self.shape, bufs, dram)

    async def _pulse(self, name: str) -> None:
        handle = getattr(self.dut, name)
        handle.value = 1
        await Timer(1, "ns")
        handle.value = 0
        await Timer(1, "ns")

    async def _toggle(self, name: str) -> None:
        handle = getattr(self.dut.u_dram, name)
        handle.value = 1 - int(handle.value)
        await Timer(1, "ns")

    def load(self, programs: Programs) -> None:
        """Give streams their programs: {(unit, context): steps}."""
        for (unit, c), steps in programs.items():
            s = unit * self.ctx + c
            require(len(steps) <= PROG)
            for i, step in enumerate(steps):
                self.dut.prog[s * PROG + i].value = encode(step.ins) if step.word is None else step.word
                self.dut.prog_iter[s * PROG + i].value = step.iter
            self.dut.prog_len[s].value = len(steps)

    async def run(self, programs: Programs, limit_us: int = 3000) -> None:
        """Play the programs until everything is quiet."""
        self.load(programs)
        await self.start()
        await self.finish(limit_us)

    async def again(self) -> None:
        """Empty programs and logs; the units go on as they are."""
        dut = self.dut
        dut.go.value = 0
        for s in range(2 * self.ctx):
            dut.prog_len[s].value = 0
            dut.kill_at[s].value = 0
        dut.fe_reset.value = 1
        await Timer(20, "ns")
        dut.fe_reset.value = 0
        await Timer(20, "ns")

    async def start(self) -> None:
        await RisingEdge(self.dut.clk)
        await Timer(1, "ns")
        self.dut.go.value = 1

    async def finish(self, limit_us: int = 3000) -> None:
        await Timer(1, "ns")
        if not int(self.dut.finished.value):
            await with_timeout(RisingEdge(self.dut.finished), limit_us, "us")
        await Timer(30, "ns")
        require(int(self.dut.finished.value), "work goes on after the end")

    def stream(self, unit: int, c: int) -> Stream:
        d, s = self.dut, unit * self.ctx + c

        def column(name: str, count: str, size: int) -> list[int]:
            return [int(getattr(d, name)[s * size + i].value) for i in range(int(getattr(d, count)[s].value))]

        errors = list(zip(column("err_log", "err_n", 4), column("err_what", "err_n", 4), strict=True))
        return Stream(
            column("issue_log", "issue_n", PROG),
            column("done_log", "done_n", PROG),
            column("done_what", "done_n", PROG),
            errors,
            int(d.busy_n[s].value),
        )

    def addresses(self, channel: str) -> list[tuple[int, int, int]]:
        """(cycle it appeared, address, beats) of all bursts on ``ar`` or ``aw``."""
        d = self.dut
        return [
            (
                int(getattr(d, f"{channel}_log")[i].value),
                int(getattr(d, f"{channel}_addr")[i].value),
                int(getattr(d, f"{channel}_len")[i].value) + 1,
            )
            for i in range(int(getattr(d, f"{channel}_n").value))
        ]

    def number(self, name: str) -> int:
        return int(getattr(self.dut, name).value)

    def stalls(self, unit: int) -> list[int]:
        """Cycles without a beat by cause (eqx_pkg::stall_e)."""
        return [int(self.dut.stall_n[4 * unit + i].value) for i in range(4)]


def same(got: State, want: State) -> None:
    for name in BUFFERS:
        bad = np.flatnonzero((got.buffers[name] != want.buffers[name]).any(axis=1))
        if len(bad):
            raise AssertionError(f"{name}: {len(bad)} words differ, first {bad[0]}")
    bad = np.flatnonzero(got.dram != want.dram)
    if len(bad):
        raise AssertionError(f"DRAM: {len(bad)} bytes differ, first at {bad[0]:#x}")
    checks.compared("bytes of the DRAM", got.dram.size)


def check_reports(h: Harness, programs: Programs) -> None:
    """Every instruction completed once, in order, with its signals; bursts are cut as documented."""
    seen = {LD: h.addresses("ar"), ST: h.addresses("aw")}
    cut = {LD: load_bursts, ST: store_bursts}
    for (u, c), steps in programs.items():
        s = h.stream(u, c)
        equal(s.errors, [])
        require(s.what == [step.ins.step << 16 | step.ins.signal for step in steps], f"unit {u} context {c}")
        equal(s.done, sorted(s.done))
        lo, hi = area(h.shape, u, c).dram
        mine = [(a, n) for _, a, n in seen[u] if lo <= a < hi]
        want = [b for step in steps for run in runs(step, h.envs[c]) for b in cut[u](h.shape, run)]
        require(mine == want, f"unit {u} context {c}: bursts differ")
        checks.compared("bursts", len(want))
        equal(s.busy, sum(n for _, n in mine))
    total = [sum(h.stream(u, c).busy for c in range(h.ctx)) for u in (LD, ST)]
    equal(total, [h.number("r_n"), h.number("w_n")])
    require(min(total) > 0)
    transfers = int(h.dut.u_check.transfers.value)
    checks.compared("AXI transfers", transfers)
    require(transfers > sum(total))


def same_but_cut_short(h: Harness, got: State, want: State, stages: list[State]) -> None:
    """``got`` is ``want`` but for words that the ``stages`` of a context that was stopped disagree on.

    ``stages``: the state before its first unfinished run and after each; such a word has its value in one of them.
    """
    for name in BUFFERS:
        legal = (got.buffers[name] == want.buffers[name]).all(axis=1)
        for stage in stages:
            changed = (stage.buffers[name] != stages[0].buffers[name]).any(axis=1)
            legal |= changed & (got.buffers[name] == stage.buffers[name]).all(axis=1)
            legal |= changed & (got.buffers[name] == stages[0].buffers[name]).all(axis=1)
        if not legal.all():
            raise AssertionError(f"{name}: words {np.flatnonzero(~legal)[:3]} are wrong")
    legal = got.dram == want.dram
    for stage in stages:
        changed = stage.dram != stages[0].dram
        legal |= changed & ((got.dram == stage.dram) | (got.dram == stages[0].dram))
    if not legal.all():
        raise AssertionError(f"DRAM: bytes {np.flatnonzero(~legal)[:3]} are wrong")
    checks.compared("bytes of the DRAM", got.dram.size)
