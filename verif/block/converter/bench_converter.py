"""The converter against equinox_core.numerics.quantise:
every block, its address, and the cycle in which it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, Timer

from equinox_core.hw.structs import CONV_TAG
from equinox_core.isa.encoding import Conv
from equinox_core.numerics import quantise
from verif.lib import bench, checks
from verif.lib.bench import param
from verif.lib.memfile import read_hex, write_hex
from verif.lib.operands import bf16_data
from verif.lib.verdict import equal, require

L, K = param("L"), param("K")
GROUP = K // L
C_INF = 2  # contexts below are inference


@dataclass
class Segment:
    """Lines ``data [n, L]`` of one segment; ``broken``: its last line never comes."""

    mode: Conv
    data: np.ndarray
    space: int
    addr: int
    stride: int
    ctx: int
    ilast: bool
    broken: bool = False

    def tag(self, i: int) -> int:
        """eqx_conv_pkg::tag_t of line ``i``."""
        last = i == len(self.data) - 1 and not self.broken
        blk_last = last or i % GROUP == GROUP - 1
        addr = self.addr + (i // GROUP * self.stride if self.mode == Conv.ROWS else 0)
        return CONV_TAG.pack(
            mode=self.mode,
            space=self.space,
            addr=addr,
            stride=self.stride,
            first=i == 0,
            last=last,
            blk_last=blk_last,
            ilast=last and self.ilast,
            ctx=self.ctx,
        )


def mixed(rng: np.random.Generator, segments: list[Segment]) -> tuple[list[int], int]:
    """An order of all lines (whose segment each one belongs to), and how many come in the middle of another's.

    Inference segments stand anywhere between the lines of training segments, but for COLS in COLS.
    """
    inference = [k for k, s in enumerate(segments) if s.ctx < C_INF]
    training = [k for k, s in enumerate(segments) if s.ctx >= C_INF]
    order: list[int] = []
    amid = 0
    share = 1.2 * len(inference) / max(1, sum(len(segments[k].data) for k in training))
    for k in training:
        for i in range(len(segments[k].data)):
            while inference and rng.random() < share:
                shares_tile = i > 0 and segments[k].mode == segments[inference[0]].mode == Conv.COLS
                if shares_tile:
                    break
                new = inference.pop(0)
                order += [new] * len(segments[new].data)
                amid += len(segments[new].data) if i > 0 else 0
            order.append(k)
    for k in inference:
        order += [k] * len(segments[k].data)
    return order, amid


def predict(
    segments: list[Segment], order: list[int], cycles: list[int]
) -> list[tuple[int, int, int, int, int, bytes]]:
    """Blocks in order: cycle of the write, finish bits, ctx, space, address, data; from the lines' cycles."""
    times_of: list[list[int]] = [[] for _ in segments]
    for k, cycle in zip(order, cycles, strict=True):
        times_of[k].append(cycle)
    rows: dict[int, tuple[int, int, int, int, bytes]] = {}  # by cycle
    tiles: list[tuple[int, int, list[tuple[int, int, int, int, bytes]]]] = []  # last line, parts a column, columns
    for seg, times in zip(segments, times_of, strict=True):
        n = len(seg.data)
        if seg.mode == Conv.ROWS:
            for b in range(-(-n // GROUP)):
                part = seg.data[b * GROUP : (b + 1) * GROUP]
                if len(part) < GROUP and seg.broken:
                    continue
                final = seg.ilast and not seg.broken and (b + 1) * GROUP >= n
                rows[times[min((b + 1) * GROUP, n) - 1]] = (
                    2 if final else 0,
                    seg.ctx,
                    seg.space,
                    seg.addr + b * seg.stride,
                    _block(part.ravel()),
                )
        elif not seg.broken:
            columns = [
                (
                    4 if seg.ilast and lane == L - 1 else 0,
                    seg.ctx,
                    seg.space,
                    seg.addr + lane * seg.stride,
                    _block(seg.data[:, lane]),
                )
                for lane in range(L)
            ]
            tiles.append((times[-1], -(-n // L), columns))
    out = [(cycle + 2, *what) for cycle, what in rows.items()]
    slot = -1
    for done, parts, columns in sorted(tiles, key=lambda tile: tile[0]):
        slot = max(slot, done + 1)
        for column in columns:
            slot += parts
            while slot in rows:
                slot += 1
            out.append((slot + 2, *column))
    return sorted(out)


def _block(values: np.ndarray) -> bytes:
    q, e = quantise(np.concatenate([values, np.zeros(K - len(values), np.uint16)]))
    return q.tobytes() + bytes([int(e)])


async def play(dut: Any, segments: list[Segment], order: list[int], gaps: list[int]) -> int:
    """Play, compare everything; return the cycles in which a COLS segment was held back."""
    count = len(order)
    require(count <= int(dut.LMAX.value))
    words, lines = np.zeros((count, 8), np.uint8), np.zeros((count, L), np.uint16)
    used = [0] * len(segments)
    for at, k in enumerate(order):
        tag = segments[k].tag(used[k])
        words[at] = np.frombuffer((gaps[at] << 56 | tag).to_bytes(8, "little"), np.uint8)
        lines[at] = segments[k].data[used[k]]
        used[k] += 1
    equal(used, [len(s.data) for s in segments])
    write_hex(Path("ctl.hex"), words)
    write_hex(Path("lines.hex"), np.ascontiguousarray(lines.astype("<u2")).view(np.uint8))
    await bench.play(dut, n_lines=count)
    await bench.dump(dut)
    await ReadOnly()
    blocks, held = int(dut.blocks.value), int(dut.held.value)
    cycles = [int.from_bytes(r.tobytes(), "little") for r in read_hex(Path("line.out"), int(dut.LMAX.value), 4)[:count]]
    where = read_hex(Path("block.out"), int(dut.BMAX.value), 8)[:blocks]
    data = read_hex(Path("data.out"), int(dut.BMAX.value), K + 1)[:blocks]
    got = []
    for w, d in zip(where, data, strict=True):
        v = int.from_bytes(w.tobytes(), "little")
        got.append((v >> 32, v >> 22 & 7, v >> 18 & 15, v >> 16 & 3, v & 0xFFFF, d.tobytes()))
    want = predict(segments, order, cycles)
    for i, (g, w) in enumerate(zip(got, want, strict=False)):
        if g != w:
            raise AssertionError(f"block {i}:\n got  {g[:5]} {g[5].hex()}\n want {w[:5]} {w[5].hex()}")
    require(len(got) == len(want) > 0, f"{len(got)} blocks written, expected {len(want)}")
    checks.compared("blocks", len(want))
    dut._log.info("%d lines, %d blocks, COLS held back %d cycles", count, blocks, held)
    await Timer(1, "ns")
    return held


def edge_values(rng: np.random.Generator, lines: int) -> np.ndarray:
    """Blocks around the roundings: a leader sets the exponent, the rest are ties, powers of two, +-127.5, tiny."""
    e = rng.integers(1, 255, (lines, 1))
    down = rng.integers(0, 10, (lines, L))
    frac = rng.choice([0, 1, 0x40, 0x7E, 0x7F, 0x20, 0x60, 0x10, 0x30, 0x08, 0x18], (lines, L))
    exp = np.maximum(e - down, 0)
    raw = rng.integers(0, 2, (lines, L)) << 15 | exp << 7 | frac
    raw = np.where(rng.random((lines, L)) < 0.1, rng.choice([0, 0x8000, 1, 0x807F], (lines, L)), raw)
    kind = rng.random((lines, 1))
    raw = np.where(kind < 0.06, raw & 0x807F, raw)  # all zero (subnormals read as zero)
    special = rng.choice([0x7F80, 0xFF80, 0x7FC0, 0xFFFF, 0x7F81], (lines, L))
    raw = np.where((kind > 0.9) & (rng.random((lines, L)) < 0.1), special, raw)
    return raw.astype(np.uint16)


def random_segment(rng: np.random.Generator, mode: Conv, n: int, edges: bool, broken: bool = False) -> Segment:
    data = edge_values(rng, n) if edges else bf16_data(rng, (n, L))
    if edges and mode == Conv.COLS:  # a column is the block: exponents must agree down the columns
        wide = edge_values(rng, -(-n // L) * L).reshape(-1, L, L).transpose(0, 2, 1).reshape(-1, L)
        data = wide[:n]
    ctx = int(rng.integers(0, C_INF) if rng.random() < 0.5 else rng.integers(C_INF, 16))
    return Segment(
        mode,
        data,
        int(rng.integers(0, 3)),
        int(rng.integers(0, 1 << 15)),
        int(rng.integers(0, 64)),
        ctx,
        bool(rng.random() < 0.5),
        broken,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(edges=[False, True])
async def random_segments(dut: Any, edges: bool) -> None:
    """Ragged segments of both kinds and classes, one class's amid the other's; gaps, segments that never end; at first
    more tiles than there is room for.
    """
    rng = bench.generator()
    segments = []
    while sum(len(s.data) for s in segments) < 2500:
        n = int(rng.choice([1, 2, GROUP, L - 1, L, K - 1, K, rng.integers(1, K + 1)]))
        segments.append(random_segment(rng, Conv(int(rng.integers(1, 3))), n, edges, bool(rng.random() < 0.15)))
    order, amid = mixed(rng, segments)
    order = [*range(len(segments), len(segments) + 3), *order]
    segments += [random_segment(rng, Conv.COLS, 1, edges) for _ in range(3)]
    gaps = np.where(rng.random(len(order)) < 0.15, rng.integers(0, 20, len(order)), 0)
    gaps[rng.random(len(order)) < 0.001] = 120
    gaps[:3] = 0
    held = await play(dut, segments, order, gaps.tolist())
    require(held > 0, "the tiles were never both full")
    require(amid > 100, "hardly any line came amid another segment")


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(parts=range(1, GROUP + 1))
async def full_rate(dut: Any, parts: int) -> None:
    """A line in every cycle: COLS segments of the same multiple of L lines never wait, whatever ROWS segments stand
    between.
    """
    rng = bench.generator()
    segments = []
    while sum(len(s.data) for s in segments) < 2500:
        mode = Conv(int(rng.integers(1, 3)))
        n = parts * L if mode == Conv.COLS else int(rng.choice([1, 1, GROUP, K]))
        segments.append(random_segment(rng, mode, n, False))
    order, amid = mixed(rng, segments)
    held = await play(dut, segments, order, [0] * len(order))
    require(amid > 100, "hardly any line came amid another segment")
    require(held == 0, f"COLS segments were held back {held} cycles")


@cocotb.test(timeout_time=5, timeout_unit="ms", skip=GROUP == 1, expect_fail=True)
async def planted_one_collector(dut: Any) -> None:
    """Segments mixed as if they were of two classes, all in one class's collector: the blocks must differ."""
    rng = bench.generator()
    segments = [random_segment(rng, Conv.ROWS, K, False) for _ in range(60)]
    order, amid = mixed(rng, segments)
    require(amid)
    for s in segments:
        s.ctx = 0
    await play(dut, segments, order, [0] * len(order))
