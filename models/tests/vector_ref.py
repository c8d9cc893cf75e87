"""An independent interpreter of VECTOR and of the matrix product: lane by lane in exact arithmetic.

Written from ``docs/isa.md`` and ``docs/numerics.md``. Of the product it shares the encoding of fields and the
activation functions, which have tests of their own over all inputs; formats are those of ``numerics_ref``. Slow, for
tests only.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from equinox_core.isa.encoding import Act, Combine, Conv, ConvDst, Dst, Red, Src
from equinox_core.numerics import act
from models.tests.numerics_ref import NAN, ZERO, Value, add, block_product, decode, encode, maximum, mul

LINES = {Src.VEC: 16, Src.CST: 16, Src.RXB: 16, Src.ACC: 32, Src.STG: 32}
"""Bits of a number in the spaces that hold lines."""
LEGAL = {
    "a": {Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG, Src.RXB},
    "b": {Src.NONE, Src.IMM, Src.VEC, Src.CST},
    "c": {Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG},
    "d": {Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG},
}


class Operand(Exception):
    """The instruction stops with OPERAND; what earlier lines wrote stays."""


@dataclass
class Buffers:
    """Numbers as bit patterns: a list of lines a memory of lines, of (mantissas, exponent) a memory of blocks."""

    lines: dict[str, list[list[int]]]
    blocks: dict[str, list[tuple[list[int], int]]]

    @classmethod
    def of(cls, memories: Any) -> Buffers:
        """A copy of the product's memories."""
        lines = {name: getattr(memories, name).tolist() for name in ("VEC", "RXB", "TXB", "ACC", "STG", "SOF")}
        blocks = {}
        for name in ("ACTC", "WGTC", "SOB"):
            mantissas, exponents = getattr(memories, name)
            blocks[name] = list(zip(mantissas.tolist(), exponents.tolist(), strict=True))
        return cls(lines, blocks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Buffers) and (self.lines, self.blocks) == (other.lines, other.blocks)


@dataclass
class Context:
    """What a VECTOR depends on besides its fields: sizes of the core, the batch, relocations."""

    n: int
    k: int
    lanes: int
    rx_lines: int
    tx_lines: int
    index: int
    training: bool
    rows: int = 0
    slots: Sequence[int] = ()
    base: Mapping[str, int] = field(default_factory=dict)  # by space


def block_of(values: Sequence[int]) -> tuple[list[int], int]:
    """HBFP8 block of bf16 patterns."""
    numbers = [decode(v, 16) for v in values]
    if any(isinstance(magnitude, str) for _, magnitude in numbers):
        return [0] * len(values), 255
    exponent = max(v >> 7 & 255 for v in values)
    if exponent == 0:
        return [0] * len(values), 0
    mantissas = []
    for sign, magnitude in numbers:
        scaled = magnitude / Fraction(2) ** (exponent - 133)  # type: ignore[operator]
        whole, rest = divmod(scaled.numerator, scaled.denominator)
        twice = 2 * rest
        whole += twice > scaled.denominator or (twice == scaled.denominator and whole & 1)
        mantissas.append((-1 if sign else 1) * min(whole, 127))
    return mantissas, exponent


def matrix_product(
    a: Sequence[Sequence[tuple[Sequence[int], int]]],
    b: Sequence[Sequence[tuple[Sequence[int], int]]],
    old: Sequence[Sequence[int]] | None,
) -> list[list[int]]:
    """fp32 patterns [row][output] of the blocks (mantissas, exponent) ``a`` [row][k] and ``b`` [output][k]."""
    out = []
    for r, row in enumerate(a):
        out.append([])
        for c, column in enumerate(b):
            total = None if old is None else old[r][c]
            for (qa, ea), (qb, eb) in zip(row, column, strict=True):
                part = block_product(sum(x * y for x, y in zip(qa, qb, strict=True)), ea, eb)
                total = part if total is None else encode(add(decode(total, 32), decode(part, 32)), 32)
            out[-1].append(total)
    return out


def negated(value: Value) -> Value:
    """Its sign flipped, not that of NaN."""
    sign, magnitude = value
    return value if magnitude == NAN else (1 - sign, magnitude)


def rounded(value: Value, width: int) -> Value:
    """As a number of that many bits holds it."""
    return decode(encode(value, width), width)


def tree(values: Sequence[Value]) -> Value:
    """fp32 sum of adjacent pairs, of the sums of adjacent pairs, and so on."""
    while len(values) > 1:
        values = [rounded(add(x, y), 32) for x, y in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def lane(f: Mapping[str, int], x: Value, y: Value | None, z: Value | None, d: Value | None) -> tuple[int, int]:
    """s (fp32 pattern) and u (bf16 pattern) of a lane."""
    p = x if y is None else rounded(mul(rounded(x, 16), y), 32)
    if f["p_neg"]:
        p = negated(p)
    s = p
    if z is not None:
        z = negated(z) if f["c_neg"] else z
        s = rounded(add(p, z), 32) if f["combine"] == Combine.ADD else maximum(p, z)
    t = int(act(f["act"], np.array([encode(s, 16)], np.uint16))[0])
    u = t if d is None else encode(mul(decode(t, 16), rounded(d, 16)), 16)
    return encode(s, 32), u


def legal(f: Mapping[str, int], ctx: Context, outer: int, inner: int) -> bool:
    """Whether the instruction may be executed at all, its addresses aside."""
    spaces = [f[f"{x}_sp"] for x in "acd"]
    return (
        all(f[f"{x}_sp"] in LEGAL[x] for x in LEGAL)
        and f["act"] in set(Act)
        and f["red"] in set(Red)
        and f["v_mode"] in set(Conv)
        and (f["v_mode"] == Conv.NONE or f["v_sp"] in set(ConvDst))
        and spaces.count(Src.ACC) <= 1
        and spaces.count(Src.STG) <= 1
        and not {f["c_sp"], f["d_sp"]} <= {Src.VEC, Src.CST}
        and (f["a_sp"] != Src.RXB or f["dyn_o"] != f["dyn_i"])
        and not (ctx.training and (f["dyn_o"] or f["dyn_i"] or f["a_sp"] == Src.RXB or f["r_sp"] == Dst.TXB))
        and outer >= 1
        and 1 <= inner <= ctx.k
    )


class _Run:
    """One instruction under way."""

    def __init__(self, f: Mapping[str, int], buffers: Buffers, ctx: Context) -> None:
        self.f, self.buffers, self.ctx = f, buffers, ctx

    def address(self, x: str, space: str, o: int, i: int, depth: int) -> int:
        """Of operand or result ``x``."""
        at = self.f[f"{x}_base"] + self.ctx.base.get(space, 0) + o * self.f[f"{x}_so"] + i * self.f[f"{x}_si"]
        if at >= depth:
            raise Operand
        return at

    def source(self, x: str, o: int, i: int) -> list[Value] | None:
        """Numbers of an operand's line."""
        f, ctx = self.f, self.ctx
        space = Src(f[f"{x}_sp"])
        if space == Src.NONE:
            return None
        if space == Src.IMM:
            return [decode(f[f"{x}_base"], 16)] * ctx.lanes
        if space == Src.RXB:
            row = o if f["dyn_o"] else i
            line = f[f"{x}_base"] + (i * f[f"{x}_si"] if f["dyn_o"] else o * f[f"{x}_so"])
            if line >= ctx.rx_lines:
                raise Operand
            numbers = self.buffers.lines["RXB"][ctx.slots[row] * ctx.rx_lines + line]
        else:
            memory = self.buffers.lines["VEC" if space == Src.CST else space.name]
            numbers = memory[self.address(x, space.name, o, i, len(memory))]
        return [decode(number, LINES[space]) for number in numbers]

    def target(self, o: int, i: int) -> tuple[str, int] | None:
        """Where the line's result goes."""
        space = Dst(self.f["r_sp"])
        if space == Dst.NONE:
            return None
        area = self.ctx.n * self.ctx.tx_lines
        depth = area if space == Dst.TXB else len(self.buffers.lines[space.name])
        at = self.address("r", space.name, o, i, depth)
        return space.name, at + (self.ctx.index * area if space == Dst.TXB else 0)

    def block_addresses(self, o: int, i: int) -> list[int]:
        """Of the blocks that the line is a part of."""
        if self.f["v_mode"] == Conv.NONE:
            return []
        space = ConvDst(self.f["v_sp"]).name
        per_block = self.ctx.k // self.ctx.lanes
        inner = [i // per_block] if self.f["v_mode"] == Conv.ROWS else list(range(self.ctx.lanes))
        return [self.address("v", space, o, n, len(self.buffers.blocks[space])) for n in inner]

    def line(self, o: int, i: int) -> list[int]:
        """Execute a line; returns w, a bf16 pattern a lane."""
        a, b, c, d = (self.source(x, o, i) for x in "abcd")
        target = self.target(o, i)
        self.block_addresses(o, i)  # an address beyond stops the line, too
        found = [
            lane(self.f, a[n] if a else (0, ZERO), b[n] if b else None, c[n] if c else None, d[n] if d else None)
            for n in range(self.ctx.lanes)
        ]
        s, w = [x for x, _ in found], [u for _, u in found]
        if self.f["red"] == Red.SUM:
            w = [encode(tree([decode(u, 16) for u in w]), 16)] * len(w)
        elif self.f["red"] == Red.MAX:
            best = decode(w[0], 16)
            for u in w[1:]:
                best = maximum(best, decode(u, 16))
            w = [encode(best, 16)] * len(w)
        if target:
            space, at = target
            self.buffers.lines[space][at] = s if space == "SOF" else w
        return w

    def blocks(self, o: int, inner: int, lines: Sequence[Sequence[int]]) -> None:
        """Write the blocks of a segment of which these lines are executed."""
        k, lanes = self.ctx.k, self.ctx.lanes
        space = ConvDst(self.f["v_sp"]).name
        if self.f["v_mode"] == Conv.COLS:
            if len(lines) == inner:
                for n, at in enumerate(self.block_addresses(o, 0)):
                    column = [line[n] for line in lines]
                    self.buffers.blocks[space][at] = block_of(column + [0] * (k - inner))
            return
        for first in range(0, inner, k // lanes):
            part = lines[first : first + k // lanes]
            if len(part) == min(k // lanes, inner - first):
                row = [number for line in part for number in line]
                self.buffers.blocks[space][self.block_addresses(o, first)[0]] = block_of(row + [0] * (k - len(row)))


def run(f: Mapping[str, int], buffers: Buffers, ctx: Context) -> tuple[Buffers, bool]:
    """The buffers behind a VECTOR of these fields, and whether it came to its end; if not, it stopped with OPERAND."""
    outer = ctx.rows if f["dyn_o"] else f["cnt_o"]
    inner = ctx.rows if f["dyn_i"] else f["cnt_i"]
    if not legal(f, ctx, outer, inner):
        return buffers, False
    under_way = _Run(f, copy.deepcopy(buffers), ctx)
    for o in range(outer):
        done: list[list[int]] = []
        try:
            for i in range(inner):
                done.append(under_way.line(o, i))
        except Operand:
            pass
        if f["v_mode"] != Conv.NONE:
            under_way.blocks(o, inner, done)
        if len(done) < inner:
            return under_way.buffers, False
    return under_way.buffers, True
