"""The MMU's arithmetic at its corners: every kind of block times every other, and every class of value added to every
class.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from equinox_core.isa.encoding import Instr
from equinox_core.numerics.formats import fp32_bits
from verif.block.mmu.harness import Env, Harness, matmul
from verif.block.mmu.model import Results, tiles
from verif.block.mmu.stimulus import region
from verif.block.mmu.stimulus_data import CLASSES, MANTISSAS, Edges, classes, covergroups, edges, mmu_data_cg
from verif.lib import coverage
from verif.lib.bench import generator
from verif.lib.verdict import require

ROUNDS = 3, 60  # at least, at most
ROWS = 24


def pair(h: Harness, c: int) -> list[Instr]:
    """Products that overwrite a context's lines, and others that are added to them."""
    size, out = h.size, []
    for accum in (0, 1):
        a_sp, b_sp = int(h.rng.integers(2)), int(h.rng.integers(2))
        rows = min(size.a_depth[a_sp], region(size, c)[1], ROWS)
        base = int(h.rng.integers((size.b_depth[b_sp] - size.lanes) // size.m + 1)) * size.m
        f = {"a_sp": a_sp, "b_sp": b_sp, "rows": rows, "n_g": 1, "n_k": 1, "accum": accum, "b_base": base}
        start = int(h.rng.integers(size.a_depth[a_sp] - rows + 1))
        out.append(matmul(**f, a_base=start, a_sr=1, c_sr=1))
    return out


def sample(h: Harness, made: Edges, c: int, pairs: list[list[Instr]], acc: np.ndarray) -> tuple[set, set, set]:
    """What of the covergroup a context's pairs meet: mantissas, sums, accumulations."""
    size, env, model = h.size, Env(1, region(h.size, c)[0]), Results(h.size, h.ops, acc)
    met: tuple[set, set, set] = (set(), set(), set())
    top = size.k * 128 * 128
    sums = {"greatest": top, "least": -size.k * 128 * 127, "0": 0, "1": 1, "-1": -1}
    for ins in (i for some in pairs for i in some):
        tile = next(tiles(ins, env, size, size.n, False))
        at, cols = tile.a_addr + np.arange(ins.rows), tile.b_addr + np.arange(size.lanes)
        new = fp32_bits(model._products([tile], ins.rows)[0])
        old = acc[tile.c_addr : tile.c_addr + ins.rows]
        if ins.accum:
            met[2].update(zip(classes(old).ravel().tolist(), classes(new).ravel().tolist(), strict=True))
        total = h.ops.aq[ins.a_sp][at].astype(np.int64) @ h.ops.bq[ins.b_sp][cols].astype(np.int64).T
        met[1].update(name for name, value in sums.items() if (total == value).any())
        a, b = np.meshgrid(made.a[ins.a_sp][at], made.b[ins.b_sp][cols], indexing="ij")
        met[0].update(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
        model.execute(ins, env, size.n, False)
    return met


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def edges_of_the_formats(dut: Any) -> None:
    """Blocks of -128 and 127, single ones, zeros, with exponents at both ends; each sum added to one of each class."""
    h = Harness(dut, generator())
    await h.start()
    group = mmu_data_cg()
    missed: list[str] = []
    for turn in range(ROUNDS[1]):
        made = edges(h.size, h.rng)
        h.ops = made.ops
        await h.load()
        pairs = [[pair(h, c) for _ in range(6)] for c in range(h.size.ctx)]
        envs = [Env(1, region(h.size, c)[0]) for c in range(h.size.ctx)]
        before = h.acc.copy()
        await h.phase([[[i for p in some for i in p]] for some in pairs], envs, train_rows=h.size.n)
        for c, some in enumerate(pairs):
            mantissas, sums, added = sample(h, made, c, some, before)
            for a, b in mantissas:
                group.sample(cp_a=MANTISSAS[a], cp_b=MANTISSAS[b])
            for name in sums:
                group.sample(cp_sum=name)
            for old, new in added:
                group.sample(cp_old=CLASSES[old], cp_new=CLASSES[new])
        missed = [f"{p}.{b}" for p, bins in covergroups()["mmu_data_cg"].items() for b, n in bins.items() if not n]
        if not missed and turn + 1 >= ROUNDS[0]:
            break
    coverage.dump(covergroups(), "data")
    require(not missed, f"never met: {missed}")
