"""Random and faulty MATMULs, in every context's own lines of the accumulator."""

from __future__ import annotations

import numpy as np

from equinox_core.isa.encoding import Instr
from verif.block.mmu.harness import Env, matmul
from verif.block.mmu.model import Size, b_in_range, row_in_range, static_fault, tiles
from verif.lib.verdict import require


def region(size: Size, c: int) -> tuple[int, int]:
    """The accumulator lines of a context: (first, count)."""
    each = size.acc // size.ctx
    return c * each, each


def _draw(rng: np.random.Generator, room: int, count: int, usual: int, most: int = 0xFFFF) -> int:
    """A step of which ``count`` fit into ``room``: mostly up to ``usual``, now and then as large as may be."""
    most = min(room // max(count, 1), most)
    return int(rng.integers(0, (most if rng.random() < 0.2 else min(most, usual)) + 1))


def random_envs(size: Size, rng: np.random.Generator) -> list[Env]:
    out = []
    for c in range(size.ctx):
        w_base = _draw(rng, (size.b_depth[1] - size.lanes) // size.m, 2, 64) * size.m
        actc_base = _draw(rng, size.a_depth[0] // 2, 1, 63)
        out.append(Env(int(rng.integers(1, size.n + 1)), region(size, c)[0], actc_base, w_base))
    return out


def random_matmul(size: Size, rng: np.random.Generator, c: int, env: Env, big: bool = False) -> Instr:
    """A faultless instruction of context ``c``; every operand inside its memory, C inside the context's lines."""
    train = c >= size.c_inf
    f = {
        "dyn_rows": int(not train and rng.random() < 0.4),
        "accum": int(rng.random() < 0.3),
        "a_sp": int(rng.integers(2)),
        "b_sp": int(rng.integers(2)),
        "rows": int(rng.integers(1, (6 if big else 3) * size.n + 2)),
        "n_g": int(rng.integers(1, 4)),
        "n_k": int(rng.integers(1, 5)),
        "signal": int(rng.integers(0, 1 << 16)),
        "step": int(rng.integers(2)),
        "wait": int(rng.integers(0, 1 << 16)),
    }
    rows = env.rows if f["dyn_rows"] else f["rows"]
    room = size.a_depth[f["a_sp"]] - 1 - (0 if f["a_sp"] else env.actc_base)
    f["a_base"] = _draw(rng, room, 1, 95)
    f["a_sk"] = _draw(rng, room - f["a_base"], f["n_k"] - 1, 39, 4095)
    f["a_sr"] = _draw(rng, room - f["a_base"] - f["a_sk"] * (f["n_k"] - 1), rows - 1, 5, 4095)
    room = (size.b_depth[f["b_sp"]] - size.lanes - (env.w_base if f["b_sp"] else 0)) // size.m
    b_base = _draw(rng, room, 1, 63)
    b_sg = _draw(rng, room - b_base, f["n_g"] - 1, 39, 0xFFFF // size.m)
    b_sk = _draw(rng, room - b_base - b_sg * (f["n_g"] - 1), f["n_k"] - 1, 39, 0xFFFF // size.m)
    f |= {"b_base": b_base * size.m, "b_sg": b_sg * size.m, "b_sk": b_sk * size.m}
    room = region(size, c)[1] - 1
    f["c_base"] = _draw(rng, room, 1, min(31, room // 2))
    f["c_sr"] = _draw(rng, room - f["c_base"], rows - 1, 2, 4095)
    f["c_sg"] = _draw(rng, room - f["c_base"] - f["c_sr"] * (rows - 1), f["n_g"] - 1, 19, 4095)
    ins = matmul(**f)
    for t in tiles(ins, env, size, 8, train):
        inside = t.c(t.rows - 1) < env.acc_base + region(size, c)[1] and row_in_range(t, t.rows - 1, size)
        require(b_in_range(t, size) and inside, f"drawn out of range: {ins}")
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
