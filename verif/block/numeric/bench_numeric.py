"""Leaf arithmetic against equinox_core.numerics: every result of every run is compared, in the testbench."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from equinox_core import numerics as nm
from equinox_core.numerics import Act
from verif.block.numeric import harness, stimulus
from verif.lib.bench import generator as rng
from verif.lib.verdict import equal, require

CELLS = (
    "ADD1",
    "ADD2",
    "MUL",
    "I2F26",
    "I2F19",
    "ACT",
    "ROUND",
    "FMAX",
    "BMAX",
    "QUANT",
    "MAXE",
    "MAXE_WIDE",
    "BADD",
    "BMUL",
)
MILLION = 1_000_000
MOST = 1 << 24  # of the magnitude of a block's sum
EVERY = np.arange(1 << 16, dtype=np.uint16)


async def run_stream(dut: Any, cell: str, fields: list, expected: np.ndarray, at_least: int) -> None:
    total = harness.write_stream(fields, expected)
    require(total >= at_least)
    await harness.check(dut, CELLS.index(cell), total)
    harness.remove_files()


def fp32_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return nm.fp32_bits(nm.fp32_add(a.view(np.float32), b.view(np.float32)))


def bf16_pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs, then every value with every special one."""
    s = stimulus.special_bf16()
    r = rng().integers(0, 1 << 16, (2, n), dtype=np.uint16)
    return np.concatenate([r[0], np.repeat(EVERY, s.size)]), np.concatenate([r[1], np.tile(s, EVERY.size)])


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(cell=["ADD1", "ADD2"])
async def fp32_add(dut: Any, cell: str) -> None:
    """A million random additions, near exponents and cancellations among them, and all pairs of special values."""
    a, b = stimulus.fp32_pairs(rng(), MILLION)
    await run_stream(dut, cell, [(a, 32), (b, 32)], fp32_sum(a, b), MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def fp32_max(dut: Any) -> None:
    a, b = stimulus.fp32_pairs(rng(), MILLION // 4)
    want = nm.fp32_bits(nm.fp32_max(a.view(np.float32), b.view(np.float32)))
    await run_stream(dut, "FMAX", [(a, 32), (b, 32)], want, MILLION // 4)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def bf16_max(dut: Any) -> None:
    """Every value against every special one, and random pairs; the operands change places at random."""
    a, b = bf16_pairs(100_000)
    swap = rng().integers(0, 2, a.size) == 1
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    await run_stream(dut, "BMAX", [(a, 16), (b, 16)], nm.bf16_max(a, b), 3 * MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def bf16_mul(dut: Any) -> None:
    """The exact fp32 product; the rounded one is the subject of the sweep."""
    a, b = (x[: 2 * MILLION] for x in bf16_pairs(MILLION))
    await run_stream(dut, "MUL", [(a, 16), (b, 16)], nm.fp32_bits(nm.bf16_mul_fp32(a, b)), MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def fp32_to_bf16(dut: Any) -> None:
    """Every upper half with lower halves at and around the tie, and random patterns."""
    low = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    x = np.repeat(EVERY.astype(np.uint32) << 16, low.size) | np.tile(low, EVERY.size)
    x = np.concatenate([x, rng().integers(0, 1 << 32, MILLION, dtype=np.uint32)])
    await run_stream(dut, "ROUND", [(x, 32)], nm.fp32_to_bf16(x.view(np.float32)), MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(width=[26, 19])
async def int_to_fp32(dut: Any, width: int) -> None:
    """A million sums of all magnitudes and exponents; sums of one bit, extremes and zero under all edge exponents."""
    gen = rng()
    low, high = max(-(1 << (width - 1)), -MOST), min((1 << (width - 1)) - 1, MOST)
    s = gen.integers(low, high, MILLION, endpoint=True) >> gen.integers(0, width, MILLION)
    ea, eb = gen.integers(0, 256, (2, MILLION))
    third = MILLION // 3
    near = gen.integers(-30, 10, third)
    eb[:third] = np.clip(140 - ea[:third] + near, 0, 255)  # around the smallest normal number ...
    eb[third : 2 * third] = np.clip(393 - ea[third : 2 * third] + near, 0, 255)  # ... and the largest
    bits = 1 << np.arange(high.bit_length())
    edge_s = np.concatenate([[0, low, high], bits, -bits, bits - 1, 1 - bits])
    edge_e = np.array([0, 1, 2, 11, 12, 69, 70, 71, 127, 133, 137, 138, 139, 140, 200, 253, 254, 255])
    cs, ca, cb = (x.ravel() for x in np.meshgrid(edge_s, edge_e, edge_e))
    s, ea, eb = np.concatenate([s, cs]), np.concatenate([ea, ca]), np.concatenate([eb, cb])
    want = nm.fp32_bits(nm.int_to_fp32(s, ea, eb))
    for result in (0, 0x80000000, nm.FP32_INF, nm.FP32_INF | 0x80000000, nm.FP32_NAN):
        require(100 < np.sum(want == result) < want.size // 4, f"{result:#x} is not sampled well")
    await run_stream(dut, f"I2F{width}", [(s, 32), (ea, 8), (eb, 8)], want, MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def bf16_act(dut: Any) -> None:
    """Every input of every function, and of the unused codes, which copy; then the same in random order."""
    fn = np.repeat(np.arange(16), 1 << 16)
    x = np.tile(EVERY, 16)
    want = np.concatenate([nm.act_define(f if f in set(Act) else Act.NONE, EVERY) for f in range(16)])
    order = rng().permutation(fn.size)  # functions alternate from cycle to cycle
    fn, x, want = (np.concatenate([v, v[order]]) for v in (fn, x, want))
    await run_stream(dut, "ACT", [(fn, 8), (x, 16)], want, 2 * MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def hbfp_quant_lane(dut: Any) -> None:
    """Every value under exponents from one below its own to ten above, and under 0, 1, 254, 255 and random ones."""
    own = (EVERY >> 7).astype(np.int64) & 0xFF
    near = [np.clip(own + d, 0, 255) for d in range(-1, 11)]
    fixed = [np.full(1 << 16, e) for e in (0, 1, 127, 254, 255)]
    e = np.concatenate(near + fixed + [rng().integers(0, 256, 1 << 16)])
    x = np.tile(EVERY, e.size >> 16)
    want = nm.quantise_with(x[:, None], e)[:, 0]
    equal(set(np.unique(want)), set(range(-127, 128)))
    await run_stream(dut, "QUANT", [(x, 16), (e, 8)], want.view(np.uint8), MILLION)


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(cell=["MAXE", "MAXE_WIDE"])
async def hbfp_max_exp(dut: Any, cell: str) -> None:
    """Random blocks of one lane or of all; the maximum alone in each lane; zeros, subnormals and non-finite values."""
    gen, count, n = rng(), 4 if cell == "MAXE" else 4 * harness.LANES, 4096
    x = gen.integers(0, 1 << 16, (n, count), dtype=np.uint16)
    x[: n // 2] &= 0x83FF  # small numbers ...
    rows = np.arange(n // 2)
    x[rows, rows % count] = gen.integers(0, 1 << 16, n // 2, dtype=np.uint16)  # ... and one that is not
    x[n // 2 : n // 2 + 100] &= 0x807F
    want = nm.block_exponent(x)
    require({0, 255} <= set(np.unique(want)))
    require(np.unique(want).size > 200)
    want = np.repeat(want, count // 4)  # the wide tree's result stands in all lanes
    await run_stream(dut, cell, [(f, 16) for f in x.reshape(-1, 4).T], want, n)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def wrong_bits_are_caught(dut: Any) -> None:
    """Where a bit of every 1000th row is not what is expected, that must be counted, no more and no less."""
    n = harness.LANES * 4000
    a, b = (x[:n] for x in stimulus.fp32_pairs(rng(), n))
    wrong = fp32_sum(a, b)
    wrong[999 * harness.LANES + 1 :: 1000 * harness.LANES] ^= 1
    total = harness.write_stream([(a, 32), (b, 32)], wrong)
    equal(await harness.play(dut, CELLS.index("ADD2"), total), 4)
    harness.write_stream([(a, 32), (b, 32)], fp32_sum(a, b))
    equal(await harness.play(dut, CELLS.index("ADD2"), total), 0)
    require(await harness.play(dut, CELLS.index("MUL"), total) > n // 2, "another cell passes for the adder")
    harness.remove_files()


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(cell=["BADD", "BMUL"])
async def sweep(dut: Any, cell: str) -> None:
    """All 2**16 values of one bf16 operand against 1,024 of the other, every special value among them."""
    op = {"BADD": nm.bf16_add, "BMUL": nm.bf16_mul}[cell]
    near_one = (np.arange(0x3F80 - 128, 0x3F80 + 128)).astype(np.uint16)
    b = np.concatenate([stimulus.special_bf16(), near_one, near_one | 0x8000])
    b = np.concatenate([b, rng().integers(0, 1 << 16, 1024 - b.size, dtype=np.uint16)])
    compared = 0
    for part in np.split(b, 16):
        total = harness.write_sweep(part, np.stack([op(EVERY, v) for v in part]))
        await harness.check(dut, CELLS.index(cell), total, sweep=True)
        compared += total
    harness.remove_files()
    equal(compared, 1024 << 16)
