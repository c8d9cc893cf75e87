"""Operands that meet the corners of the arithmetic: mantissas and exponents at both ends, and what is accumulated onto
what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verif.block.mmu.model import Operands, Size
from verif.lib import coverage
from verif.lib.covergroup import Covergroup, Cross

MANTISSAS = ("all -128", "all 127", "all -127", "-128 and 127", "one -128", "one 1", "zeros", "any")
CLASSES = ("nan", "+inf", "-inf", "+0", "-0", "smallest", "largest", "+", "-")
SUMS = ("greatest", "least", "0", "1", "-1")


def mmu_data_cg() -> Covergroup:
    """``mmu_data_cg``: mantissas that met in a product, extreme sums of a block, and classes of values by the class of
    what they were added to.
    """
    return Covergroup(
        "mmu_data_cg",
        {"cp_a": MANTISSAS, "cp_b": MANTISSAS, "cp_sum": SUMS, "cp_old": CLASSES, "cp_new": CLASSES},
        {"cr_mantissas": Cross("cp_a", "cp_b"), "cr_accumulate": Cross("cp_old", "cp_new")},
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {mmu_data_cg().name: coverage.cocotb_groups()["mmu_data_cg"]}


@dataclass
class Edges:
    """Operand memories, and the kind of each block's mantissas: an index of MANTISSAS."""

    ops: Operands
    a: list[NDArray[np.int64]]
    b: list[NDArray[np.int64]]


def edges(size: Size, rng: np.random.Generator) -> Edges:
    """Blocks of every kind of mantissas with exponents such that products overflow, vanish, and just do not."""

    def blocks(depth: int, weights: bool) -> tuple[NDArray[np.int8], NDArray[np.uint8], NDArray[np.int64]]:
        kind = rng.integers(0, len(MANTISSAS), depth)
        q = rng.integers(-128, 128, (depth, size.k))
        at = np.arange(depth), rng.integers(0, size.k, depth)
        for name, value in (("all -128", -128), ("all 127", 127), ("all -127", -127), ("zeros", 0)):
            q[kind == MANTISSAS.index(name)] = value
        mixed = kind == MANTISSAS.index("-128 and 127")
        q[mixed] = rng.choice([-128, 127], (int(mixed.sum()), size.k))
        for name, value in (("one -128", -128), ("one 1", 1)):
            one = kind == MANTISSAS.index(name)
            q[one] = 0
            q[at[0][one], at[1][one]] = value
        near = rng.integers(110, 141, depth)
        ends = np.choose(rng.integers(0, 4, depth), [np.zeros(depth, int) + rng.integers(0, 2), 1, 254, 255])
        low, high = rng.integers(1, 16, depth), rng.integers(238, 255, depth)
        weight = [ends, low, low, high, high, near] if weights else [ends, near, near, near, near, near]
        return q.astype(np.int8), np.choose(rng.integers(0, 6, depth), weight).astype(np.uint8), kind

    a, b = [blocks(d, False) for d in size.a_depth], [blocks(d, True) for d in size.b_depth]
    ops = Operands([x[0] for x in a], [x[1] for x in a], [x[0] for x in b], [x[1] for x in b])
    return Edges(ops, [x[2] for x in a], [x[2] for x in b])


def classes(bits: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The index in CLASSES of each fp32 pattern."""
    sign, e, rest = bits >> 31, bits >> 23 & 0xFF, bits & 0x7FFFFF
    plain = np.where(sign == 1, CLASSES.index("-"), CLASSES.index("+"))
    out = np.where(e == 1, CLASSES.index("smallest"), np.where(e == 254, CLASSES.index("largest"), plain))
    out = np.where(e == 0, np.where(sign == 1, CLASSES.index("-0"), CLASSES.index("+0")), out)
    infinite = np.where(sign == 1, CLASSES.index("-inf"), CLASSES.index("+inf"))
    return np.where(e == 255, np.where(rest != 0, CLASSES.index("nan"), infinite), out).astype(np.int64)
