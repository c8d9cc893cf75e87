"""Random LOAD and STORE programs, and what they do to buffers and DRAM: the reference of the DMA bench."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from equinox_core import dram_layout as lay
from equinox_core.isa.encoding import Instr, LdDst, Op, StSrc, make
from verif.lib.verdict import equal

LD, ST = 0, 1
BUFFERS = ("actd", "wgtd", "stg", "sob", "sof")
LINES = ("stg", "sof")


@dataclass(frozen=True)
class Shape:
    """Sizes of a bench: K bytes a beat, L lanes, depth of each buffer, bytes of DRAM, contexts."""

    k: int
    lanes: int
    depth: dict[str, int]
    dram: int
    ctx: int

    @property
    def line_beats(self) -> int:
        return 4 * self.lanes // self.k

    def beats(self, buffer: str, n: int) -> int:
        return n * self.line_beats if buffer in LINES else lay.block_beats(n, self.k)

    def word_bytes(self, buffer: str) -> int:
        return 4 * self.lanes if buffer in LINES else self.k + 1


@dataclass(frozen=True)
class Env:
    """Relocation of a context."""

    dram_base: int
    w_base: int


@dataclass(frozen=True)
class Step:
    """An instruction of a program with its iteration index."""

    ins: Instr
    iter: int = 0


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
        data = self.dram[run.addr : run.addr + self.shape.beats(run.buffer, run.len) * k]
        equal(len(words), run.len)
        equal(len(data), self.shape.beats(run.buffer, run.len) * k)
        if op == Op.LOAD and run.buffer in LINES:
            words[:] = lay.unpack_lines(data, run.len, lanes).astype("<u4").view(np.uint8)
        elif op == Op.LOAD:
            mant, exp = lay.unpack_blocks(data, run.len, k)
            words[:, :k], words[:, k] = mant.view(np.uint8), exp
        elif run.buffer in LINES:
            data[:] = lay.pack_lines(np.ascontiguousarray(words).view("<u4").astype(np.uint32))
        else:
            data[:] = lay.pack_blocks(words[:, :k].view(np.int8), words[:, k])


def load_bursts(shape: Shape, run: Run, limit: int = 32) -> list[tuple[int, int]]:
    """(address, beats) of LD's bursts: they end at multiples of ``limit`` beats (or 4 KiB)."""
    return _cut(run.addr, shape.beats(run.buffer, run.len), shape.k, min(limit, 4096 // shape.k))


def store_segments(shape: Shape, run: Run) -> list[tuple[int, int]]:
    """(address, words) of ST's segments: panels, or K beats of lines."""
    cap = shape.k // shape.line_beats if run.buffer in LINES else shape.k
    out, addr = [], run.addr
    for first in range(0, run.len, cap):
        words = min(cap, run.len - first)
        out.append((addr, words))
        addr += shape.beats(run.buffer, words) * shape.k
    return out


def store_bursts(shape: Shape, run: Run) -> list[tuple[int, int]]:
    """(address, beats) of ST's bursts: segments cut at 4 KiB (or 256 beats)."""
    page = min(256, 4096 // shape.k)
    parts = [_cut(a, shape.beats(run.buffer, n), shape.k, page) for a, n in store_segments(shape, run)]
    return [burst for part in parts for burst in part]


def _cut(addr: int, beats: int, k: int, size: int) -> list[tuple[int, int]]:
    out = []
    while beats:
        n = min(beats, size - addr // k % size)
        out.append((addr % 2**32, n))
        addr, beats = addr + n * k, beats - n
    return out


@dataclass(frozen=True)
class Area:
    """Where a stream may work: words of each buffer, bytes of DRAM."""

    words: dict[str, tuple[int, int]]
    dram: tuple[int, int]


def area(shape: Shape, unit: int, ctx: int) -> Area:
    """Disjoint areas of all streams."""
    words = {n: (d * ctx // shape.ctx, d * (ctx + 1) // shape.ctx) for n, d in shape.depth.items()}
    size = shape.dram // (2 * shape.ctx)
    first = (unit * shape.ctx + ctx) * size // shape.k * shape.k
    return Area(words, (first, first + size // shape.k * shape.k))


def random_length(rng: np.random.Generator, k: int, cap: int) -> int:
    kind = rng.integers(0, 6)
    n = [1, k, k + 1, 2 * k, int(rng.integers(1, 2 * k)), int(rng.integers(1, 5 * k))][kind]
    return max(1, min(n, cap))


def random_step(rng: np.random.Generator, shape: Shape, unit: int, env: Env, where: Area, buffer: str = "") -> Step:
    """A legal instruction that stays in its area."""
    op, k = (Op.LOAD, shape.k) if unit == LD else (Op.STORE, shape.k)
    spaces = LdDst if unit == LD else StSrc
    buffer = buffer or str(rng.choice([s.name.lower() for s in spaces]))
    w0, w1 = where.words[buffer]
    a0, a1 = where.dram
    n_o = int(rng.choice([1, 1, 2, 3, 7]))
    length = random_length(rng, k, (w1 - w0) // 2)
    l_so = (
        int(rng.integers(0, max(1, (w1 - w0 - length) // max(1, n_o - 1)) + 1)) if n_o > 1 else int(rng.integers(0, 99))
    )
    while n_o > 1 and (n_o - 1) * l_so + length > w1 - w0:
        l_so -= 1
    span = (n_o - 1) * l_so + length if n_o > 1 else length
    word = int(rng.integers(w0, w1 - span + 1))
    size = shape.beats(buffer, length) * k
    room = (a1 - a0 - size) // k
    stride = int(rng.integers(-(room // n_o), room // n_o + 1)) * k
    if rng.random() < 0.3:  # close to, or exactly, contiguous
        stride = size + int(rng.integers(0, 2)) * k
        stride = min(stride, room // n_o * k)
    low, high = min(0, (n_o - 1) * stride), max(0, (n_o - 1) * stride)
    addr = int(rng.integers((a0 - low) // k, (a1 - size - high) // k + 1)) * k
    if rng.random() < 0.3:  # a run that starts within two beats of a 4 KiB boundary
        near = addr // 4096 * 4096 + int(rng.integers(-2, 3)) * k
        if a0 - low <= near <= a1 - size - high:
            addr = near
    it = int(rng.integers(0, 1 << 16))
    d_iter = int(rng.integers(0, 1 << 32)) // k * k if rng.random() < 0.7 else 0
    fields = {
        "sp": int(spaces[buffer.upper()]),
        "n_o": n_o,
        "len": length,
        "l_base": word - (env.w_base if buffer == "wgtd" else 0),
        "l_so": l_so,
        "d_base": (addr - env.dram_base - d_iter * it) % 2**32,
        "d_so": stride % 2**32,
        "d_iter": d_iter,
        "signal": int(rng.integers(0, 1 << 16)),
        "wait": int(rng.integers(0, 1 << 16)),
        "step": int(rng.integers(0, 2)),
        "last": int(rng.integers(0, 2)),
    }
    return Step(make(op, **fields), it)
