"""Leaf arithmetic against models.numerics: every result of every run is compared, in the testbench."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np

from models import numerics as nm
from models.numerics import Act
from verif.block.numeric import drive

MILLION = 1_000_000
EVERY = np.arange(1 << 16, dtype=np.uint16)


def rng() -> np.random.Generator:
    return np.random.default_rng(cocotb.RANDOM_SEED)


async def run_stream(dut: Any, fields: list, expected: tuple, at_least: int) -> None:
    total = drive.write_stream(fields, expected)
    assert total >= at_least
    await drive.check(dut, total)
    drive.remove_files()


@cocotb.test()
async def fp32_add(dut: Any) -> None:
    """A million random additions, near exponents and cancellations among them, and all pairs of special values."""
    a, b = drive.fp32_pairs(rng(), MILLION)
    want = nm.fp32_bits(nm.fp32_add(a.view(np.float32), b.view(np.float32)))
    await run_stream(dut, [(a, 32), (b, 32)], (want, 32), MILLION)


@cocotb.test()
async def fp32_max(dut: Any) -> None:
    a, b = drive.fp32_pairs(rng(), MILLION // 4)
    want = nm.fp32_bits(nm.fp32_max(a.view(np.float32), b.view(np.float32)))
    await run_stream(dut, [(a, 32), (b, 32)], (want, 32), MILLION // 4)


def bf16_pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    s = drive.special_bf16()
    r = rng().integers(0, 1 << 16, (2, n), dtype=np.uint16)
    a = np.concatenate([r[0], np.repeat(EVERY, s.size), np.tile(s, EVERY.size)])
    b = np.concatenate([r[1], np.tile(s, EVERY.size), np.repeat(EVERY, s.size)])
    return a, b


@cocotb.test()
async def bf16_max(dut: Any) -> None:
    """Every value against every special one, both ways round, and random pairs."""
    a, b = bf16_pairs(100_000)
    await run_stream(dut, [(a, 16), (b, 16)], (nm.bf16_max(a, b), 16), 7 * MILLION)


@cocotb.test()
async def bf16_mul(dut: Any) -> None:
    """The exact fp32 product; the rounded one is the subject of the sweep."""
    a, b = (x[:MILLION] for x in bf16_pairs(MILLION // 2))
    await run_stream(dut, [(a, 16), (b, 16)], (nm.fp32_bits(nm.bf16_mul_fp32(a, b)), 32), MILLION)


@cocotb.test()
async def fp32_to_bf16(dut: Any) -> None:
    """Every upper half with lower halves at and around the tie, and random patterns."""
    top = np.repeat(EVERY.astype(np.uint32) << 16, 6) | np.tile(np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32), 1 << 16)
    x = np.concatenate([top, rng().integers(0, 1 << 32, MILLION, dtype=np.uint32)])
    await run_stream(dut, [(x, 32)], (nm.fp32_to_bf16(x.view(np.float32)), 16), MILLION)


@cocotb.test()
async def int_to_fp32(dut: Any) -> None:
    """A million sums of all magnitudes and exponents; sums of one bit, extremes and zero under all edge exponents."""
    gen, width = rng(), int(os.environ["P_SUMW"])
    limit = min(1 << (width - 1), 1 << 24)
    s = gen.integers(-limit, min(limit, (1 << (width - 1)) - 1), MILLION, endpoint=True)
    s >>= gen.integers(0, width, MILLION)
    ea, eb = gen.integers(0, 256, (2, MILLION))
    third = MILLION // 3
    eb[:third] = np.clip(140 - ea[:third] + gen.integers(-30, 10, third), 0, 255)  # around the smallest normal number
    eb[third : 2 * third] = np.clip(393 - ea[third : 2 * third] - gen.integers(0, 30, third), 0, 255)  # the largest
    bits = 1 << np.arange(width - 1)
    edge_s = np.concatenate([[0, -limit, min(limit, (1 << (width - 1)) - 1)], bits, -bits, bits - 1, 1 - bits])
    edge_e = np.array([0, 1, 2, 11, 12, 69, 70, 71, 127, 133, 137, 138, 139, 140, 200, 253, 254, 255])
    cs, ca, cb = (x.ravel() for x in np.meshgrid(edge_s, edge_e, edge_e))
    s, ea, eb = np.concatenate([s, cs]), np.concatenate([ea, ca]), np.concatenate([eb, cb])
    want = nm.fp32_bits(nm.int_to_fp32(s, ea, eb))
    assert {0, 1} <= set(np.unique(want >> 31)) and np.mean(want == nm.FP32_NAN) < 0.05
    await run_stream(dut, [(s, 32), (ea, 8), (eb, 8)], (want, 32), MILLION)


@cocotb.test()
async def bf16_act(dut: Any) -> None:
    """Every input of every function, and of the unused codes, which copy; then the same in random order."""
    fn = np.repeat(np.arange(16), 1 << 16)
    x = np.tile(EVERY, 16)
    want = np.concatenate([nm.act_define(f if f <= max(Act) else Act.NONE, EVERY) for f in range(16)])
    order = rng().permutation(fn.size)  # functions alternate from cycle to cycle
    fn, x, want = (np.concatenate([v, v[order]]) for v in (fn, x, want))
    await run_stream(dut, [(fn, 8), (x, 16)], (want, 16), 2 * MILLION)


@cocotb.test()
async def hbfp_quant_lane(dut: Any) -> None:
    """Every value under exponents from one below its own to ten above, and under 0, 1, 254, 255 and random ones."""
    own = (EVERY >> 7).astype(np.int64) & 0xFF
    near = [np.clip(own + d, 0, 255) for d in range(-1, 11)]
    fixed = [np.full(1 << 16, e) for e in (0, 1, 127, 254, 255)]
    e = np.concatenate(near + fixed + [rng().integers(0, 256, 1 << 16)])
    x = np.tile(EVERY, e.size >> 16)
    want = nm.quantise_with(x[:, None], e)[:, 0]
    assert set(np.unique(want)) == set(range(-127, 128))
    await run_stream(dut, [(x, 16), (e, 8)], (want, 8), MILLION)


@cocotb.test()
async def hbfp_max_exp(dut: Any) -> None:
    """Random blocks; the maximum alone in each lane; zeros, subnormals and non-finite values."""
    gen, count, n = rng(), int(os.environ["P_IN_W"]) // 16, 50_000
    x = gen.integers(0, 1 << 16, (n, count), dtype=np.uint16)
    x[: n // 2] &= 0x83FF  # small numbers ...
    rows = np.arange(n // 2)
    lone = gen.integers(0, 1 << 16, n // 2, dtype=np.uint16)
    x[rows, rows % count] = lone  # ... and one that is not
    x[n // 4 : n // 4 + 1000] &= 0x807F
    want = nm.block_exponent(x)
    assert {0, 255} <= set(np.unique(want)) and np.unique(want).size > 200
    await run_stream(dut, [(x[:, i], 16) for i in range(count)], (want, 8), n)


@cocotb.test()
async def planted_fault_is_caught(dut: Any) -> None:
    """One flipped bit in every 1000th row must be counted, no more and no less."""
    n = 16 * 4000
    a, b = drive.fp32_pairs(rng(), n)
    want = nm.fp32_bits(nm.fp32_add(a[:n].view(np.float32), b[:n].view(np.float32)))
    total = drive.write_stream([(a[:n], 32), (b[:n], 32)], (want, 32))
    assert await drive.play(dut, total, plant=True) == 4
    assert await drive.play(dut, total, plant=False) == 0
    drive.remove_files()


@cocotb.test()
async def sweep(dut: Any) -> None:
    """All 2**16 values of one operand against 1,024 of the other, every special value among them."""
    op = {"add": nm.bf16_add, "mul": nm.bf16_mul}[os.environ["P_DUT"]]
    special = drive.special_bf16()
    near_one = (np.arange(0x3F80 - 128, 0x3F80 + 128)).astype(np.uint16)
    b = np.concatenate([special, near_one, near_one | 0x8000])
    b = np.concatenate([b, rng().integers(0, 1 << 16, 1024 - b.size, dtype=np.uint16)])
    compared = 0
    for part in np.split(b, 16):
        want = np.stack([op(EVERY, v) for v in part])
        total = drive.write_sweep(part, want, 16)
        await drive.check(dut, total)
        compared += total
    drive.remove_files()
    assert compared == 1024 << 16
