"""Random and faulty MATMULs, in every context's own lines of the accumulator."""

from __future__ import annotations

import numpy as np

from equinox_core.isa.encoding import Instr
from verif.block.mmu.harness import Env, matmul
from verif.block.mmu.model import Size, b_in_range, row_in_range, static_fault, tiles


def region(size: Size, c: int) -> tuple[int, int]:
    """The accumulator lines of a context: (first, count)."""
    each = size.acc // size.ctx
    return c * each, each


def random_envs(size: Size, rng: np.random.Generator) -> list[Env]:
    out = []
    for c in range(size.ctx):
        w_base = int(rng.integers(0, size.b_depth[1] // 4)) // size.m * size.m
        out.append(Env(int(rng.integers(1, size.n + 1)), region(size, c)[0], int(rng.integers(0, 64)), w_base))
    return out


def random_matmul(size: Size, rng: np.random.Generator, c: int, env: Env, big: bool = False) -> Instr:
    """A faultless instruction of context ``c``; every operand inside its memory, C inside the context's lines."""
    train = c >= size.c_inf
    lines = region(size, c)[1]
    while True:
        f = {
            "dyn_rows": int(not train and rng.random() < 0.4),
            "accum": int(rng.random() < 0.3),
            "a_sp": int(rng.integers(2)),
            "b_sp": int(rng.integers(2)),
            "rows": int(rng.integers(1, (6 if big else 3) * size.n + 2)),
            "n_g": int(rng.integers(1, 4)),
            "n_k": int(rng.integers(1, 5)),
            "a_base": int(rng.integers(0, 96)),
            "a_sr": int(rng.integers(0, 6)),
            "a_sk": int(rng.integers(0, 40)),
            "b_base": int(rng.integers(0, 64)) * size.m,
            "b_sg": int(rng.integers(0, 40)) * size.m,
            "b_sk": int(rng.integers(0, 40)) * size.m,
            "c_base": int(rng.integers(0, 32)),
            "c_sr": int(rng.choice([0, 1, 1, 1, 2])),
            "c_sg": int(rng.integers(0, 20)),
            "signal": int(rng.integers(0, 1 << 16)),
            "step": int(rng.integers(2)),
            "wait": int(rng.integers(0, 1 << 16)),
        }
        ins = matmul(**f)
        good = all(
            t.b_addr + size.lanes <= size.b_depth[ins.b_sp]
            and t.a(t.rows - 1) < size.a_depth[ins.a_sp]
            and t.c(t.rows - 1) < env.acc_base + lines
            for t in tiles(ins, env, size, 8, train)
        )
        if good:
            return ins


def random_programs(size: Size, rng: np.random.Generator, envs: list[Env], count: int) -> list[list[list[Instr]]]:
    return [
        [[random_matmul(size, rng, c, envs[c]) for _ in range(int(rng.integers(1, count)))]] for c in range(size.ctx)
    ]


def faulty(size: Size, rng: np.random.Generator, c: int, env: Env) -> Instr:
    """An instruction with one fault, which shows at the start or at a later tile or row."""
    f = dict(random_matmul(size, rng, c, env, big=True).fields)
    f.update(n_g=max(f["n_g"], 2), n_k=max(f["n_k"], 2), a_sr=max(f["a_sr"], 1))
    far = [
        {"a_base": size.a_depth[f["a_sp"]] - int(rng.integers(1, 12)), "a_sr": 1},
        {"a_sk": 4095},
        {"a_base": 0xFFFF, "a_sr": 4095},
        {"c_base": size.acc - env.acc_base - int(rng.integers(1, 4)), "c_sr": 1, "c_sg": 3},
        {"c_sg": 4095},
        {"c_base": 0xFFFF},
        {"b_base": size.b_depth[f["b_sp"]] - size.lanes + size.m},
        {"b_sg": 0x10000 - size.m},
        {"b_sk": 0x8000},
        {"b_base": 0x10000 - size.m},
        {"rows": 0, "dyn_rows": 0},
        {"n_g": 0},
        {"n_k": 0},
    ]
    if size.m > 1:
        far += [{"b_base": f["b_base"] + 1}, {"b_sg": f["b_sg"] + 1}, {"b_sk": f["b_sk"] + 1}]
    if c >= size.c_inf:
        far.append({"dyn_rows": 1})
    ins = matmul(**{**f, **far[int(rng.integers(len(far)))]})
    train = c >= size.c_inf
    hit = static_fault(ins, env, size, train) or any(
        not b_in_range(t, size) or not row_in_range(t, t.rows - 1, size) for t in tiles(ins, env, size, size.n, train)
    )
    return ins if hit else faulty(size, rng, c, env)
