"""VECTOR and the matrix product against an interpreter in exact arithmetic (``vector_ref``): random legal instructions
over every space, mode and special value, instructions that stop, and results that were worked out by hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from equinox_core.config import Config, load_config
from equinox_core.isa.encoding import LAYOUT, Act, Combine, Conv, ConvDst, Dst, Op, Red, Src, make
from equinox_core.isa.own_lines import OwnLines
from equinox_core.memories import Memories
from equinox_core.numerics import fp32_bits, hbfp_matmul
from equinox_core.vector import VectorEnv, VectorFault, execute_vector
from models.tests import vector_ref as ref

HEADER = ("op", "rsvd", "wait", "signal", "last", "step")
BODY = [name for name in LAYOUT[Op.VECTOR] if name not in HEADER]
KEPT = ("IMEM_DEPTH", "QUEUE_DEPTH")  # depths that are not of buffers
BF16 = (
    0,
    0x8000,
    0x0001,
    0x807F,
    0x0080,
    0x8080,
    0x3F80,
    0xBF80,
    0x4B80,
    0x7F7F,
    0xFF7F,
    0x7F80,
    0xFF80,
    0x7FC0,
    0xFFA1,
)
FP32 = (0, 1 << 31, 1, 0x807FFFFF, 0x00800000, 0x80800001, 0x3F800000, 0x4B800000, 0xCB800000, 0x3F808000, 0x3F818000)
FP32 += (0x7F7FFFFF, 0x7F7F8000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA00001)


def small(name: str) -> Config:
    """A core of that configuration's shape with buffers so small that addresses reach their ends."""
    cfg = load_config(name)
    depths = dict.fromkeys((of for of in cfg.params() if of.endswith("_DEPTH") and of not in KEPT), 5 * cfg.K)
    return replace(cfg, **depths, RX_SLOTS=cfg.N + 2, RX_LINES=5, TX_LINES=3)


def numbers(rng: np.random.Generator, shape: tuple[int, ...], width: int) -> np.ndarray:
    """Patterns of that width: mostly of like size, some anything, some special."""
    kind = np.uint16 if width == 16 else np.uint32
    near = rng.normal(size=shape).astype(np.float32).view(np.uint32) >> np.uint32(32 - width)
    anything = rng.integers(1 << width, size=shape)
    special = rng.choice(BF16 if width == 16 else FP32, shape)
    dice = rng.random(shape)
    return np.where(dice < 0.9, near, np.where(dice < 0.95, anything, special)).astype(kind)


def memories(cfg: Config, rng: np.random.Generator) -> Memories:
    """Of that core, with something in every line and block."""
    mem = Memories(cfg)
    for name in ("VEC", "RXB", "TXB", "ACC", "STG", "SOF"):
        array = getattr(mem, name)
        array[:] = numbers(rng, array.shape, array.itemsize * 8)
    for name in ("ACTC", "WGTC", "SOB"):
        mantissas, exponents = getattr(mem, name)
        mantissas[:] = rng.integers(-128, 128, mantissas.shape)
        exponents[:] = rng.integers(0, 256, exponents.shape)
    return mem


def context(cfg: Config, rng: np.random.Generator) -> tuple[VectorEnv, ref.Context]:
    """A context, for both."""
    training = bool(rng.integers(2))
    index = cfg.C_INF if training else int(rng.integers(cfg.C_INF))
    rows = 0 if training else int(rng.integers(1, cfg.N, endpoint=True))
    slots = tuple(int(s) for s in rng.permutation(cfg.RX_SLOTS)[:rows])
    base = {space: int(rng.integers(9)) for space in ("VEC", "CST", "ACC", "ACTC")}
    env = VectorEnv(
        *(cfg.N, cfg.RX_LINES, cfg.TX_LINES, index, training, rows, slots),
        vec_base=base["VEC"],
        acc_base=base["ACC"],
        actc_base=base["ACTC"],
        c_base=base["CST"],
    )
    return env, ref.Context(cfg.N, cfg.K, cfg.L, cfg.RX_LINES, cfg.TX_LINES, index, training, rows, slots, base)


def fields(cfg: Config, rng: np.random.Generator, training: bool) -> dict[str, int]:
    """Any VECTOR: each field by itself, most often legal and near, sometimes neither."""
    f = {}
    for name, (_, width) in LAYOUT[Op.VECTOR].items():
        kind, _, part = name.partition("_")
        if name in HEADER:
            continue
        if part == "base":
            f[name] = int(rng.choice(BF16)) if kind == "b" else int(rng.integers(cfg.K if kind == "r" else 2 * cfg.K))
        elif part in ("so", "si"):
            f[name] = int(rng.integers(4))
        else:
            f[name] = int(rng.integers(1 << width))
    for x in "abcd":
        f[f"{x}_sp"] = int(rng.choice([*ref.LEGAL[x]]))
    if f["b_sp"] != Src.IMM:
        f["b_base"] = int(rng.integers(2 * cfg.K))
    f["act"] = int(rng.choice([Act.NONE, Act.NONE, *Act]))
    f["red"], f["v_mode"], f["v_sp"] = (int(rng.choice([*of])) for of in (Red, Conv, ConvDst))
    f["r_sp"] = int(rng.choice([Dst.VEC, Dst.SOF] if training else [*Dst]))
    f["dyn_o"], f["dyn_i"] = (0, 0) if training else (int(v) for v in rng.random(2) < 0.3)
    if f["a_sp"] == Src.RXB:
        f["dyn_i"] = 1 - f["dyn_o"]
    f["cnt_o"], f["cnt_i"] = int(rng.integers(1, 5)), int(rng.integers(1, cfg.K, endpoint=True))
    if rng.random() < 0.1:  # a field that may not fit the others
        name = str(
            rng.choice(["a_sp", "b_sp", "c_sp", "d_sp", "act", "red", "v_mode", "v_sp", "cnt_o", "cnt_i", "dyn_o"])
        )
        _, width = LAYOUT[Op.VECTOR][name]
        f[name] = int(rng.integers(min(1 << width, 16)))
    if rng.random() < 0.1:  # an address far away
        x = str(rng.choice([*"abcdrv"]))
        f[f"{x}_{rng.choice(['base', 'so', 'si'])}"] = int(rng.integers(1 << 12))
    return f


def compared(cfg: Config, mem: Memories, f: dict[str, int], env: VectorEnv, ctx: ref.Context) -> str:
    """Execute with both; how it ended: ``done``, ``stopped``, or ``own lines``, where there is nothing to compare."""
    want, whole = ref.run(f, ref.Buffers.of(mem), ctx)
    try:
        execute_vector(make(Op.VECTOR, **f), mem, env)
        ended = "done"
    except VectorFault:
        ended = "stopped"
    except OwnLines:
        return "own lines"
    assert (ended == "done") == whole, f
    got = ref.Buffers.of(mem)
    for name in want.lines:
        assert got.lines[name] == want.lines[name], (name, f)
    for name in want.blocks:
        assert got.blocks[name] == want.blocks[name], (name, f)
    return ended


@pytest.mark.parametrize("name", ["tiny", "default"])
def test_random_instructions(name: str) -> None:
    """Every space, mode and function comes, and each ending often."""
    cfg, rng = small(name), np.random.default_rng(20)
    seen: Counter[Any] = Counter()
    for _ in range(600 if name == "tiny" else 60):
        env, ctx = context(cfg, rng)
        f = fields(cfg, rng, ctx.training)
        ended = compared(cfg, memories(cfg, rng), f, env, ctx)
        seen[ended] += 1
        if ended == "done":
            seen.update(
                (key, f[key]) for key in ("a_sp", "b_sp", "c_sp", "d_sp", "r_sp", "v_mode", "red", "combine", "act")
            )
            seen.update(["RXB by i"] if f["a_sp"] == Src.RXB and f["dyn_i"] else [])
    assert seen["done"] > sum(seen[e] for e in ("done", "stopped", "own lines")) / 3 and seen["stopped"] > 5, seen
    if name == "tiny":
        wanted: list[Any] = [(f"{x}_sp", space) for x in "abcd" for space in ref.LEGAL[x]]
        for key, of in (("r_sp", Dst), ("v_mode", Conv), ("red", Red), ("combine", Combine), ("act", Act)):
            wanted += [(key, value) for value in of]
        assert not [w for w in [*wanted, "RXB by i"] if not seen[w]], seen


def line(f: dict[str, int], **operands: list[int]) -> list[int]:
    """w of one line of an otherwise empty VECTOR; operands are bf16 in VEC (a, c as lines 0, 2) or fp32 in ACC (z)."""
    cfg = small("tiny")
    mem = Memories(cfg)
    spaces = {"a": (mem.VEC, 0, "a", Src.VEC), "c": (mem.VEC, 2, "c", Src.VEC), "z": (mem.ACC, 3, "c", Src.ACC)}
    for name, values in operands.items():
        memory, at, x, space = spaces[name]
        memory[at] = values
        f |= {f"{x}_sp": space, f"{x}_base": at}
    env = VectorEnv(cfg.N, cfg.RX_LINES, cfg.TX_LINES, cfg.C_INF, True)
    ctx = ref.Context(cfg.N, cfg.K, cfg.L, cfg.RX_LINES, cfg.TX_LINES, cfg.C_INF, True)
    assert compared(cfg, mem, {**dict.fromkeys(BODY, 0), "cnt_o": 1, "cnt_i": 1, "r_base": 9, **f}, env, ctx) == "done"
    return [int(v) for v in (mem.SOF if f.get("r_sp") == Dst.SOF else mem.VEC)[9]]


@pytest.mark.parametrize(
    ("f", "operands", "want"),
    [
        # a sum is of adjacent pairs: (2^24 + 1) + (-2^24 + 1), where the first sum loses its one
        ({"red": Red.SUM}, {"a": [0x4B80, 0x3F80, 0xCB80, 0x3F80]}, [0x3F80] * 4),
        # C is negated under MAX, too; max(+0, -0) = +0
        (
            {"combine": Combine.MAX, "c_neg": 1},
            {"a": [0x3F80, 0xC000, 0x8000, 0x7FC0], "c": [0xC000, 0x3F80, 0x8000, 0x3F80]},
            [0x4000, 0xBF80, 0x0000, 0x7FC0],
        ),
        # P is negated without B, too, but not NaN
        ({"p_neg": 1}, {"a": [0x3F80, 0x8000, 0xFF80, 0xFFC1]}, [0xBF80, 0x0000, 0x7F80, 0x7FC0]),
        # ties to even of fp32 operands: down to 0x3F80, up to 0x3F82; a subnormal is a zero of its sign
        ({}, {"z": [0x3F808000, 0x3F818000, 0x80000001, 0x7F7F8000]}, [0x3F80, 0x3F82, 0x0000, 0x7F80]),
    ],
)
def test_worked_out_by_hand(f: dict[str, int], operands: dict[str, list[int]], want: list[int]) -> None:
    """Lines whose results follow from a rule of isa.md or numerics.md each."""
    assert line({"r_sp": Dst.VEC, **f}, **operands) == want


@pytest.mark.parametrize(
    ("qa", "ea", "qb", "eb", "acc", "want"),
    [
        # each block is below 2^-126, so a zero; together they would not be
        ([[96, 0], [96, 0]], [67, 67], [[1, 0], [1, 0]], [66, 66], None, 0x00000000),
        # the first factor takes the sum beyond 2^128, the second back
        ([[100, 100]], [254], [[100, 100]], [70], None, 0x639C4000),
        # the sum of accumulator and first block is below 2^-126
        ([[-1, 0], [1, 0]], [70, 70], [[1, 0], [1, 0]], [70, 70], 0x00800001, 0x00800000),
        # 2^-102 and a last place more: both sums are ties, to the even number
        ([[-1, 0], [1, 0]], [70, 70], [[1, 0], [1, 0]], [70, 70], 0x0C800001, 0x0C800000),
        # infinity where the largest sum passes 2^128, and not before
        ([[-128, -128]], [197], [[-128, -128]], [182], None, 0x7F800000),
        ([[-128, -128]], [195], [[-128, -128]], [183], None, 0x7F000000),
        # an infinity stays one; E = 255 is NaN whatever the mantissas
        ([[127, 127], [-127, -127]], [254, 10], [[127, 127], [127, 127]], [254, 10], None, 0x7F800000),
        ([[0, 0]], [255], [[0, 0]], [0], None, 0x7FC00000),
    ],
)
def test_products_worked_out_by_hand(qa: Any, ea: Any, qb: Any, eb: Any, acc: int | None, want: int) -> None:
    """One number of a product: mantissas [k][element], exponents [k]."""
    old = None if acc is None else np.array([[acc]], np.uint32).view(np.float32)
    args = (np.array([qa], np.int8), np.array([ea], np.uint8), np.array([qb], np.int8), np.array([eb], np.uint8))
    assert int(fp32_bits(hbfp_matmul(*args, old))[0, 0]) == want
    blocks = [list(zip(qa, ea, strict=True))], [list(zip(qb, eb, strict=True))]
    assert ref.matrix_product(*blocks, None if acc is None else [[acc]]) == [[want]]


def pairs(q: np.ndarray, e: np.ndarray) -> list[list[tuple[list[int], int]]]:
    """Blocks as the interpreter takes them."""
    return [list(zip(x, y, strict=True)) for x, y in zip(q.tolist(), e.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("low", "high"), [(60, 80), (66, 71), (70, 254), (178, 190), (120, 140), (0, 255), (250, 255), (0, 5)]
)
def test_random_products(low: int, high: int) -> None:
    """Exponents around both ends of where single precision needs no care, and everywhere; accumulators likewise."""
    rng = np.random.default_rng(low)
    for _ in range(120):
        rows, outputs, blocks, k = (int(rng.integers(1, most)) for most in (3, 3, 4, 9))
        qa = rng.integers(-128, 128, (rows, blocks, k))
        qb = rng.integers(-128, 128, (outputs, blocks, k))
        few = rng.random() < 0.5  # small sums are near the lower end, -128 near the upper
        qa, qb = (np.clip(q, -1, 1) if few else q for q in (qa, qb))
        ea = rng.integers(low, high, (rows, blocks), endpoint=True)
        eb = rng.integers(low, high, (outputs, blocks), endpoint=True)
        acc = None
        if rng.random() < 0.6:
            sizes = [0x0C800000, 0x3F800000, 0]
            sizes += [0x00800000, 0x0C000000, 0x0CFFFFFF, 0x7F7FFFFF] * int(rng.integers(2))
            size = rng.choice(sizes, (rows, outputs))
            acc = size + rng.integers(3, size=size.shape) * (size < 0x7F000000) | rng.integers(2, size=size.shape) << 31
        got = hbfp_matmul(
            *(qa.astype(np.int8), ea.astype(np.uint8), qb.astype(np.int8), eb.astype(np.uint8)),
            None if acc is None else acc.astype(np.uint32).view(np.float32),
        )
        want = ref.matrix_product(pairs(qa, ea), pairs(qb, eb), None if acc is None else acc.tolist())
        assert fp32_bits(got).tolist() == want, (qa, ea, qb, eb, acc)
