"""Random and faulty LOAD and STORE programs; streams work in areas that do not overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from equinox_core.isa.encoding import Err, LdDst, Op, StSrc, make
from verif.block.dma.model import LD, ST, Env, Programs, Shape, Step, buffer_of


@dataclass(frozen=True)
class Area:
    """Where a stream may work: words of each buffer, bytes of DRAM."""

    words: dict[str, tuple[int, int]]
    dram: tuple[int, int]


def area(shape: Shape, unit: int, ctx: int) -> Area:
    """Disjoint areas of all streams."""
    words = {n: (d * ctx // shape.ctx, d * (ctx + 1) // shape.ctx) for n, d in shape.depth.items()}
    size = shape.dram // (2 * shape.ctx)
    first = (unit * shape.ctx + ctx) * size // shape.bus * shape.bus
    return Area(words, (first, first + size // shape.bus * shape.bus))


def random_length(rng: np.random.Generator, panel: int, cap: int) -> int:
    kind = rng.integers(0, 6)
    n = [1, panel, panel + 1, 2 * panel, int(rng.integers(1, 2 * panel)), int(rng.integers(1, 5 * panel))][kind]
    return max(1, min(n, cap))


def random_step(rng: np.random.Generator, shape: Shape, unit: int, env: Env, where: Area, buffer: str = "") -> Step:
    """A legal instruction that stays in its area."""
    op, bus = (Op.LOAD if unit == LD else Op.STORE), shape.bus
    spaces = LdDst if unit == LD else StSrc
    buffer = buffer or str(rng.choice([s.name.lower() for s in spaces]))
    w0, w1 = where.words[buffer]
    a0, a1 = where.dram
    n_o = int(rng.choice([1, 1, 2, 3, 7]))
    length = random_length(rng, bus, (w1 - w0) // 2)
    l_so = (
        int(rng.integers(0, max(1, (w1 - w0 - length) // max(1, n_o - 1)) + 1)) if n_o > 1 else int(rng.integers(0, 99))
    )
    while n_o > 1 and (n_o - 1) * l_so + length > w1 - w0:
        l_so -= 1
    span = (n_o - 1) * l_so + length if n_o > 1 else length
    word = int(rng.integers(w0, w1 - span + 1))
    size = shape.beats(buffer, length) * bus
    room = (a1 - a0 - size) // bus
    stride = int(rng.integers(-(room // n_o), room // n_o + 1)) * bus
    if rng.random() < 0.3:  # close to, or exactly, contiguous
        stride = size + int(rng.integers(0, 2)) * bus
        stride = min(stride, room // n_o * bus)
    low, high = min(0, (n_o - 1) * stride), max(0, (n_o - 1) * stride)
    addr = int(rng.integers((a0 - low) // bus, (a1 - size - high) // bus + 1)) * bus
    if rng.random() < 0.3:  # a run that starts within two beats of a 4 KiB boundary
        near = addr // 4096 * 4096 + int(rng.integers(-2, 3)) * bus
        if a0 - low <= near <= a1 - size - high:
            addr = near
    it = int(rng.integers(0, 1 << 16))
    d_iter = int(rng.integers(0, 1 << 32)) // bus * bus if rng.random() < 0.7 else 0
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


def random_programs(rng: np.random.Generator, shape: Shape, envs: list[Env], count: int) -> Programs:
    return {
        (u, c): [random_step(rng, shape, u, envs[c], area(shape, u, c)) for _ in range(count)]
        for u in (LD, ST)
        for c in range(shape.ctx)
    }


def long_step(shape: Shape, env: Env, u: int, c: int, buffer: str, words: int, n_o: int = 1) -> Step:
    where = area(shape, u, c)
    op, spaces = ((Op.LOAD, LdDst), (Op.STORE, StSrc))[u]
    size = shape.beats(buffer, words) * shape.bus
    return Step(
        make(
            op,
            sp=spaces[buffer.upper()],
            n_o=n_o,
            len=words,
            signal=1 << c,
            l_so=words,
            l_base=where.words[buffer][0] - (env.w_base if buffer == "wgtd" else 0),
            d_base=(where.dram[0] - env.dram_base) % 2**32,
            d_so=size,
        )
    )


FAULTS = {
    "opcode": Err.ILLEGAL_OP,
    "space": Err.OPERAND,
    "no runs": Err.OPERAND,
    "no length": Err.OPERAND,
    "misaligned": Err.OPERAND,
    "misaligned later": Err.OPERAND,
    "range": Err.OPERAND,
    "range later": Err.OPERAND,
    "far": Err.OPERAND,
}


def spoil(rng: np.random.Generator, shape: Shape, env: Env, u: int, fault: str, good: Step) -> tuple[Step, int]:
    """A faulty instruction of the context with ``env`` in unit ``u``, and how many of its runs are good."""
    i, bus = good.ins, shape.bus
    buffer = buffer_of(i)
    depth = shape.depth[buffer]
    f = dict(i.fields)

    def with_(**new: int) -> Step:
        return replace(good, ins=make(i.op, **{**f, **new}))

    if fault == "opcode":
        other = make(Op.STORE if u == LD else Op.LOAD, **f)
        return replace(good, ins=other), 0
    if fault == "space":
        return with_(sp=3 if u == LD else int(rng.integers(2, 4))), 0
    if fault == "no runs":
        return with_(n_o=0), 0
    if fault == "no length":
        return with_(len=0), 0
    if fault == "misaligned":
        return with_(d_base=(i.d_base + int(rng.integers(1, bus))) % 2**32), 0
    if fault == "misaligned later":
        return with_(n_o=3, d_so=bus // 2, len=1, l_so=1), 1
    w_base = env.w_base if buffer == "wgtd" else 0
    if fault == "range":
        return with_(n_o=1, l_base=depth - w_base - 2, len=3), 0
    if fault == "far":
        return with_(n_o=1, l_base=65535, len=4095), 0
    last = int(rng.integers(1, 3))  # words of the last good run end exactly at the depth
    return with_(
        n_o=last + 3, l_base=depth - w_base - 5 * last - 5, l_so=5, len=5, d_so=shape.beats(buffer, 8) * bus
    ), last + 1
