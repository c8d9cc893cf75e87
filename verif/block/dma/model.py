"""What LOAD and STORE programs do to buffers and DRAM, and how they are cut into bursts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from equinox_core import dram_layout as lay
from equinox_core.isa.encoding import Instr, LdDst, Op, StSrc
from verif.lib.verdict import equal

LD, ST = 0, 1
BUFFERS = ("actd", "wgtd", "stg", "sob", "sof")
LINES = ("stg", "sof")


@dataclass(frozen=True)
class Shape:
    """Sizes of a bench: K elements a block, L lanes, depth of each buffer, bytes of DRAM, contexts."""

    k: int
    lanes: int
    depth: dict[str, int]
    dram: int
    ctx: int

    @property
    def bus(self) -> int:
        """Bytes a beat."""
        return min(self.k, 4 * self.lanes, 128)

    def word_beats(self, buffer: str) -> int:
        """Beats of a word's data."""
        return (4 * self.lanes if buffer in LINES else self.k) // self.bus

    def beats(self, buffer: str, n: int) -> int:
        return n * self.word_beats(buffer) if buffer in LINES else lay.block_beats(n, self.k, self.bus)

    def word_bytes(self, buffer: str) -> int:
        return 4 * self.lanes if buffer in LINES else self.k + 1


@dataclass(frozen=True)
class Env:
    """Relocation of a context."""

    dram_base: int
    w_base: int


@dataclass(frozen=True)
class Step:
    """An instruction of a program with its iteration index; ``word`` where its bits are not those of ``ins``."""

    ins: Instr
    iter: int = 0
    word: int | None = None


Programs = dict[tuple[int, int], list[Step]]
"""By unit and context."""


def buffer_of(ins: Instr) -> str:
    return (LdDst if ins.op == Op.LOAD else StSrc)(ins.sp).name.lower()


@dataclass(frozen=True)
class Run:
    """Contiguous in the buffer (first word) and in DRAM (first byte)."""

    buffer: str
    word: int
    addr: int
    len: int


def runs(step: Step, env: Env) -> list[Run]:
    """Runs of an instruction, as isa.md defines them."""
    i = step.ins
    buf = buffer_of(i)
    word = i.l_base + (env.w_base if buf == "wgtd" else 0)
    addr = env.dram_base + i.d_base + i.d_iter * step.iter
    return [Run(buf, word + o * i.l_so, (addr + o * i.d_so) % 2**32, i.len) for o in range(i.n_o)]


@dataclass
class State:
    """Words of each buffer, uint8 [depth, bytes of a word] (a block's exponent last), and the DRAM's bytes."""

    shape: Shape
    buffers: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    dram: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @classmethod
    def random(cls, shape: Shape, rng: np.random.Generator) -> State:
        bufs = {n: rng.integers(0, 256, (shape.depth[n], shape.word_bytes(n)), np.uint8) for n in BUFFERS}
        return cls(shape, bufs, rng.integers(0, 256, shape.dram, np.uint8))

    def copy(self) -> State:
        return State(self.shape, {n: b.copy() for n, b in self.buffers.items()}, self.dram.copy())

    def execute(self, run: Run, op: Op) -> None:
        """Carry one run out."""
        k, lanes = self.shape.k, self.shape.lanes
        words = self.buffers[run.buffer][run.word : run.word + run.len]
        bus, size = self.shape.bus, self.shape.beats(run.buffer, run.len) * self.shape.bus
        data = self.dram[run.addr : run.addr + size]
        equal(len(words), run.len)
        equal(len(data), size)
        if op == Op.LOAD and run.buffer in LINES:
            words[:] = lay.unpack_lines(data, run.len, lanes).astype("<u4").view(np.uint8)
        elif op == Op.LOAD:
            mant, exp = lay.unpack_blocks(data, run.len, k, bus)
            words[:, :k], words[:, k] = mant.view(np.uint8), exp
        elif run.buffer in LINES:
            data[:] = lay.pack_lines(np.ascontiguousarray(words).view("<u4").astype(np.uint32))
        else:
            data[:] = lay.pack_blocks(words[:, :k].view(np.int8), words[:, k], bus)


def load_bursts(shape: Shape, run: Run, limit: int = 32) -> list[tuple[int, int]]:
    """(address, beats) of LD's bursts: they end at multiples of ``limit`` beats (or 4 KiB)."""
    return _cut(run.addr, shape.beats(run.buffer, run.len), shape.bus, min(limit, 4096 // shape.bus))


def store_segments(shape: Shape, run: Run) -> list[tuple[int, int]]:
    """(address, words) of ST's segments: panels, or K beats of lines."""
    cap = shape.k // shape.word_beats(run.buffer) if run.buffer in LINES else shape.bus
    out, addr = [], run.addr
    for first in range(0, run.len, cap):
        words = min(cap, run.len - first)
        out.append((addr, words))
        addr += shape.beats(run.buffer, words) * shape.bus
    return out


def store_bursts(shape: Shape, run: Run) -> list[tuple[int, int]]:
    """(address, beats) of ST's bursts: segments cut at 4 KiB (or 256 beats)."""
    page = min(256, 4096 // shape.bus)
    parts = [_cut(a, shape.beats(run.buffer, n), shape.bus, page) for a, n in store_segments(shape, run)]
    return [burst for part in parts for burst in part]


def _cut(addr: int, beats: int, bus: int, size: int) -> list[tuple[int, int]]:
    out = []
    while beats:
        n = min(beats, size - addr // bus % size)
        out.append((addr % 2**32, n))
        addr, beats = addr + n * bus, beats - n
    return out


def expect(envs: list[Env], start: State, programs: Programs) -> State:
    """State after the programs (their areas are disjoint, so the order between streams is no matter)."""
    want = start.copy()
    for (_, c), steps in programs.items():
        for step in steps:
            for run in runs(step, envs[c]):
                want.execute(run, step.ins.op)
    return want


def unfinished(want: State, runs: list[Run], op: Op) -> list[State]:
    """Stages of runs of which each may have been carried out, in part, or not."""
    stages = [want.copy()]
    for run in runs:
        stages.append(stages[-1].copy())
        stages[-1].execute(run, op)
    return stages


def differs(a: State, b: State) -> int:
    """Words and bytes in which two states differ."""
    return int((a.dram != b.dram).sum() + sum((a.buffers[n] != b.buffers[n]).any(axis=1).sum() for n in BUFFERS))
