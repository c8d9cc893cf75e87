"""Random legal training programs that use the whole instruction set, with the DRAM contents they work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equinox_core.compiler.builder import Builder
from equinox_core.compiler.ops import ACC, STG, TO_SOF, TO_VEC, VEC, At, up, vector
from equinox_core.compiler.space import DramMap
from equinox_core.config import Config
from equinox_core.dram_layout import pack_blocks, pack_lines
from equinox_core.isa.check import Fault, check_fields
from equinox_core.isa.encoding import ASpace, BSpace, ConvDst, Dst, LdDst, Op, Src, StSrc, Unit, make
from equinox_core.isa.program import Program
from equinox_core.numerics import fp32_to_bf16, quantise
from verif.random.vectors import Draft, Mix, Room, draw

HALF = 64  # lines of VEC: two halves, an instruction reads one and writes the other
LINES = 64  # lines of ACC, and of SOF
ACTD = 32  # blocks
CONSTANTS = 16  # lines
REFRESH = 3  # instructions between two that bring fresh numbers
SNAPSHOT = 8  # instructions between two looks at everything
TURNS = 2  # different inputs and outputs, by iteration
_LINES = (Src.NONE, Src.NONE, Src.VEC, Src.VEC, Src.CST, Src.ACC, Src.STG)
MIX = Mix(
    a=_LINES,
    b=(Src.NONE, Src.NONE, Src.VEC, Src.CST, Src.IMM),
    c=_LINES,
    d=_LINES,
    results=(Dst.VEC, Dst.VEC, Dst.SOF, Dst.NONE),
)
SPECIAL = np.array(
    [0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x00012345, 0x7F7FFFFF, 0x3F800000], np.uint32
)


@dataclass
class IsaTour:
    """A training program (a ``TrainingWork``) and its DRAM contents, uint8 [size];
    it runs with ITER_MOD = ``batches``.
    """

    program: Program
    dram: NDArray[np.uint8]
    constants: NDArray[np.uint16]
    batches: int = TURNS

    @property
    def size(self) -> int:
        return self.dram.size


def random_lines(rng: np.random.Generator, lines: int, lanes: int, special: float = 0.0) -> NDArray[np.uint32]:
    """fp32 bit patterns [lines, lanes]: numbers around 1, a few lines of any size, a share of special values."""
    values = rng.normal(size=(lines, lanes)) * 2.0 ** rng.integers(-3, 4, (lines, 1))
    wide = rng.random(lines) < 0.05
    values[wide] *= 2.0 ** rng.integers(-40, 20, (wide.sum(), lanes))
    bits = values.astype(np.float32).view(np.uint32)
    odd = rng.random((lines, lanes)) < special
    bits[odd] = rng.choice(SPECIAL, odd.sum())
    return bits


class _Tour:
    """Collects one program."""

    def __init__(self, cfg: Config, rng: np.random.Generator) -> None:
        self.cfg, self.rng = cfg, rng
        self.out = Builder(cfg, "tour", training=True)
        self.blocks = {ConvDst.ACTC: max(32, 4 * cfg.L), ConvDst.WGTC: 4 * cfg.L, ConvDst.SOB: 4 * cfg.L}
        self.wgtd = 4 * cfg.L
        sizes = {"CST": CONSTANTS, "ACC": LINES, "STG": 2 * HALF, "SOF": LINES}
        windows = {name: [(0, size)] for name, size in sizes.items()} | {
            space.name: [(0, size)] for space, size in self.blocks.items()
        }
        self.halves = [Room(rng, windows | {"VEC": [(at, at + HALF)]}) for at in (0, HALF)]
        self.map = DramMap(cfg)
        self.inputs: list[tuple[int, NDArray[np.uint8]]] = []

    def below(self, limit: int) -> int:
        return int(self.rng.integers(limit))

    def pick(self, *choices):
        return choices[self.below(len(choices))]

    def lines_in(self) -> int:
        """DRAM address of TURNS sets of random lines that fill both halves of VEC."""
        at = self.map.lines(2 * HALF, TURNS)
        self.inputs.append((at, pack_lines(random_lines(self.rng, TURNS * 2 * HALF, self.cfg.L, special=0.001))))
        return at

    def blocks_in(self, count: int) -> int:
        """DRAM address of TURNS sets of random blocks."""
        size = self.map.block_bytes(count)
        at = self.map.blocks(count, TURNS)
        for turn in range(TURNS):
            bits = fp32_to_bf16(random_lines(self.rng, count, self.cfg.K).view(np.float32))
            self.inputs.append((at + turn * size, pack_blocks(*quantise(bits), self.cfg.BUS)))
        return at

    def begin(self) -> None:
        """Fill every buffer that the rest reads."""
        out = self.out
        lines, half = self.lines_in(), self.map.line_bytes(HALF)
        out.load(sp=LdDst.STG, n_o=2, len=HALF, l_so=HALF, d_base=lines, d_so=half, d_iter=2 * half)
        out.load(sp=LdDst.ACTD, n_o=1, len=ACTD, d_base=self.blocks_in(ACTD), d_iter=self.map.block_bytes(ACTD))
        out.load(
            sp=LdDst.WGTD,
            n_o=1,
            len=self.wgtd,
            d_base=self.blocks_in(self.wgtd),
            d_iter=self.map.block_bytes(self.wgtd),
        )
        for part in range(6):
            self.refresh(part)
        vector(out, LINES // 4, 4, At(VEC, 0, 4, 1), r=At(TO_SOF, 0, 4, 1))

    def refresh(self, part: int) -> None:
        """Fill a buffer with fresh numbers: what programs compute at random drifts to infinities and NaN."""
        out, cfg, lanes, k = self.out, self.cfg, self.cfg.L, self.cfg.K
        if part < 2:
            vector(out, HALF // 4, 4, At(STG, part * HALF, 4, 1), r=At(TO_VEC, part * HALF, 4, 1))
        elif part == 2:
            out.matmul(
                a_sp=ASpace.ACTD, b_sp=BSpace.WGTD, rows=16, n_g=LINES // 16, n_k=1, a_sr=1, b_sg=cfg.M, c_sr=1, c_sg=16
            )
        else:
            space = ConvDst(part - 3)
            count = self.blocks[space]
            if space == ConvDst.WGTC:
                vector(out, count // lanes, min(k, 16), At(STG, 0, 1, 1), cols=At(space, 0, lanes, 1))
            else:
                vector(out, count, k // lanes, At(STG, HALF, 0, 1), rows=At(space, 0, 1, 1))

    def span(self, size: int, outer: int, inner: int) -> tuple[int, int, int]:
        """Base and strides of outer x inner addresses below ``size``."""
        so, si = self.pick(0, 1, 1, 2, inner), self.pick(0, 1, 1, 1, 2)
        while (outer - 1) * so + (inner - 1) * si >= size:
            so, si = so // 2, si // 2
        return self.below(size - (outer - 1) * so - (inner - 1) * si), so, si

    def random_vector(self) -> None:
        """Append a VECTOR; draws until it is legal."""
        while True:
            half = self.below(2)
            room, into = self.halves[half], self.halves[1 - half]
            draft = Draft(room, self.cfg, 1 + self.below(6), 1 + self.below(6), into=into)
            if not draw(draft, MIX):
                continue
            try:
                check_fields(make(Op.VECTOR, **draft.fields), Unit.VPU, self.cfg, training=True)
            except Fault:
                continue
            self.out.vector(**draft.fields)
            return

    def random_matmul(self) -> None:
        """Append a MATMUL."""
        m, lanes = self.cfg.M, self.cfg.L
        rows, groups, depth = 1 + self.below(8), self.pick(1, 2, 3, 8), self.pick(1, 2, 3, 9)
        a_sp, b_sp = self.pick(*ASpace), self.pick(*BSpace)
        a_size = ACTD if a_sp == ASpace.ACTD else self.blocks[ConvDst.ACTC]
        b_room = (self.wgtd if b_sp == BSpace.WGTD else self.blocks[ConvDst.WGTC]) - lanes
        a_base, a_sr, a_sk = self.span(a_size, rows, depth)
        b_sg, b_sk = self.pick(0, m), self.pick(0, m)
        while (groups - 1) * b_sg + (depth - 1) * b_sk > b_room:
            b_sg = b_sk = 0
        b_base = self.below((b_room - (groups - 1) * b_sg - (depth - 1) * b_sk) // m + 1) * m
        self.out.matmul(
            accum=self.below(2),
            a_sp=a_sp,
            b_sp=b_sp,
            rows=rows,
            n_g=groups,
            n_k=depth,
            a_base=a_base,
            a_sr=a_sr,
            a_sk=a_sk,
            b_base=b_base,
            b_sg=b_sg,
            b_sk=b_sk,
            c_base=self.below(LINES - rows * groups + 1),
            c_sr=1,
            c_sg=rows,
        )

    def snapshot(self, last: bool) -> None:
        """Store everything that can be seen, in a place of its own; the last time completes a step."""
        out, lines, sob = self.out, self.map.line_bytes(LINES), self.blocks[ConvDst.SOB]
        run = self.map.line_bytes(LINES // 2)
        out.store(
            sp=StSrc.SOF,
            n_o=2,
            len=LINES // 2,
            l_so=LINES // 2,
            d_base=self.map.lines(LINES, TURNS),
            d_so=run,
            d_iter=lines,
        )
        out.store(sp=StSrc.SOB, n_o=1, len=sob, d_base=self.map.blocks(sob, TURNS), d_iter=self.map.block_bytes(sob))
        for at in (At(VEC, 0, 4, 1), At(VEC, HALF, 4, 1), At(ACC, 0, 4, 1)):
            vector(out, LINES // 4, 4, at, r=At(TO_SOF, 0, 4, 1))
            out.store(
                sp=StSrc.SOF,
                n_o=1,
                len=LINES,
                d_base=self.map.lines(LINES, TURNS),
                d_iter=lines,
                step=last and at.sp == ACC,
            )


def isa_tour(cfg: Config, rng: np.random.Generator, vectors: int = 90, products: int = 20) -> IsaTour:
    """A random program of so many VECTORs and MATMULs, with loads of random operands before and stores of all results
    between.

    Its data flow is ordered by the builder's semaphores; a NOP stands before each stream.
    """
    tour = _Tour(cfg, rng)
    tour.begin()
    kinds = np.array([True] * vectors + [False] * products)
    for n, is_vector in enumerate(rng.permutation(kinds)):
        tour.random_vector() if is_vector else tour.random_matmul()
        if n % REFRESH == REFRESH - 1:
            tour.refresh(n // REFRESH % 6)
        if n % SNAPSHOT == SNAPSHOT - 1:
            tour.snapshot(last=False)
    tour.snapshot(last=True)
    program = tour.out.finish(TURNS)
    for unit in Unit:
        program.streams[unit].insert(0, make(Op.NOP))
    dram = np.zeros(up(tour.map.size, cfg.BUS), np.uint8)
    for at, data in tour.inputs:
        dram[at : at + data.size] = data
    constants = fp32_to_bf16(random_lines(rng, CONSTANTS, cfg.L).view(np.float32))
    return IsaTour(program, dram, constants)
