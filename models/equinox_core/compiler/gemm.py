"""Matrix products with resident operands, for a training context: what the MMU can sustain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import Config
from ..dram_layout import pack_blocks, unpack_lines
from ..isa.encoding import ASpace, BSpace, LdDst, StSrc
from ..isa.program import Program
from ..numerics import bf16_from_float, quantise
from .builder import Builder
from .ops import ACC, TO_SOF, At, padded, tiles, up, vector
from .space import DramMap, Ring, Room, too_small


@dataclass(frozen=True)
class GemmJob:
    """``loader`` brings the operands into ACTD and WGTD, ``program`` computes ``C = A·Bᵀ`` as often as it is run.

    Addresses are bytes from the context's DRAM base. ``parts`` are (first row, rows, first line, lines, address) of C.
    """

    cfg: Config
    program: Program
    loader: Program
    m: int
    n: int
    k: int
    a: int
    b: int
    size: int
    parts: tuple[tuple[int, int, int, int, int], ...]
    batches: int = 1
    constant_lines: int = 0

    @property
    def constants(self) -> NDArray[np.uint16]:
        """None are needed: ``[0, L]``."""
        return np.zeros((0, self.cfg.L), np.uint16)

    @property
    def cycles(self) -> int:
        """Cycles of the MMU in which a row enters: one a row, tile and K-block."""
        return self.m * (up(self.n, self.cfg.L) // self.cfg.L) * (up(self.k, self.cfg.K) // self.cfg.K)

    def image(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.uint8]:
        """DRAM contents for real matrices ``a [m, k]`` and ``b [n, k]``."""
        x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if x.shape != (self.m, self.k) or y.shape != (self.n, self.k):
            raise ValueError(f"a {x.shape}, b {y.shape}: legal are {(self.m, self.k)} and {(self.n, self.k)}")
        depth = up(self.k, self.cfg.K)
        q, e = quantise(bf16_from_float(padded(x, self.m, depth)).reshape(self.m, -1, self.cfg.K))
        out = np.zeros(self.size, np.uint8)
        at = self.a
        for n in range(q.shape[1]):
            run = pack_blocks(np.ascontiguousarray(q[:, n]), np.ascontiguousarray(e[:, n]), self.cfg.BUS)
            out[at : at + run.size] = run
            at += run.size
        rows = up(self.n, self.cfg.L)
        bq, be = tiles(y, self.cfg)
        at = self.b
        for first in range(0, len(bq), rows):
            run = pack_blocks(bq[first : first + rows], be[first : first + rows], self.cfg.BUS)
            out[at : at + run.size] = run
            at += run.size
        return out

    def result(self, dram: NDArray[np.uint8], base: int = 0) -> NDArray[np.float32]:
        """C, float32 ``[m, n]``, from DRAM contents."""
        lanes = self.cfg.L
        full = np.zeros((self.m, up(self.n, lanes)), np.float32)
        for row, rows, line, lines, at in self.parts:
            raw = unpack_lines(dram[base + at : base + at + 4 * rows * lines * lanes], rows * lines, lanes).view(
                np.float32
            )
            part = raw.reshape(lines, rows, lanes).transpose(1, 0, 2).reshape(rows, -1)
            full[row : row + rows, line * lanes : (line + lines) * lanes] = part
        return full[:, : self.n].copy()


def gemm(
    cfg: Config, m: int, n: int, k: int, room: Room | None = None, store: bool = True, name: str = "gemm"
) -> GemmJob:
    """Program for ``C[m, n] = A[m, k]·B[n, k]ᵀ``, operands resident in ACTD and WGTD.

    With ``store`` every run drains C and stores it as fp32; without, the MMU alone is at work.

    Raises:
        ValueError: a size below 1, or a buffer too small.
    """
    room = room or Room.whole(cfg)
    if min(m, n, k) < 1 or m > 4095 or n > 4095:
        raise ValueError(f"{name}: m, n, k = {m}, {n}, {k}: legal are 1..4095, 1..4095, 1..")
    depth, groups = up(k, cfg.K) // cfg.K, up(n, cfg.L) // cfg.L
    for what, need, have in (("ACTD", depth * m, cfg.ACTD_DEPTH), ("WGTD", depth * groups * cfg.L, room.wgtd)):
        if need > have:
            raise too_small(name, what, need, have, f"the whole operand, configuration {cfg.name}")
    dram = DramMap(cfg)
    a, b = dram.blocks(m, depth), dram.blocks(groups * cfg.L, depth)
    loader = Builder(cfg, f"{name}_load", training=True, loop=False)
    loader.load(sp=LdDst.ACTD, n_o=depth, len=m, l_so=m, d_base=a, d_so=dram.block_bytes(m))
    columns = groups * cfg.L
    loader.load(sp=LdDst.WGTD, n_o=depth, len=columns, l_so=columns, d_base=b, d_so=dram.block_bytes(columns))
    limit = min(room.acc // 2, cfg.SOF_DEPTH // 2)
    if limit < 1:
        raise too_small(name, "ACC", 2, room.acc, "lines, for two slots")
    rows = min(m, limit)
    step = max(1, min(groups, limit // rows))
    out = Builder(cfg, name, training=True)
    acc, sof = Ring(name, "ACC", 0, room.acc), Ring(name, "SOF", 0, cfg.SOF_DEPTH)
    parts = []
    for row in range(0, m, rows):
        r = min(rows, m - row)
        for g in range(0, groups, step):
            n_g = min(step, groups - g)
            parts.append((row, r, g, n_g, dram.lines(r * n_g)))
            slot = acc.take(r * n_g)
            last = row + r == m and g + n_g == groups
            for block in range(depth):
                out.matmul(
                    accum=block > 0,
                    a_sp=ASpace.ACTD,
                    b_sp=BSpace.WGTD,
                    rows=r,
                    n_g=n_g,
                    n_k=1,
                    a_base=block * m + row,
                    a_sr=1,
                    b_base=block * columns + g * cfg.L,
                    b_sg=cfg.L,
                    c_base=slot,
                    c_sr=1,
                    c_sg=r,
                    step=last and not store and block == depth - 1,
                )
            if store:
                to = sof.take(r * n_g)
                vector(out, r * n_g, 1, At(ACC, slot, 1), r=At(TO_SOF, to, 1))
                out.store(sp=StSrc.SOF, n_o=1, len=r * n_g, l_base=to, d_base=parts[-1][-1], step=last)
    return GemmJob(cfg, out.finish(), loader.finish(), m, n, k, a, b, dram.size, tuple(parts))
