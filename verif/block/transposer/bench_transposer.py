"""The transposer: parts of every tile's columns, zeros below a short one, order, addresses, rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, Timer

from equinox_core.hw.structs import CONV_TAG
from equinox_core.isa.encoding import Conv
from verif.lib import bench, checks
from verif.lib.bench import param
from verif.lib.memfile import read_hex, write_hex
from verif.lib.verdict import equal, require

L, K = param("L"), param("K")


@dataclass
class Tile:
    """A segment; ``broken``: its last line never comes."""

    data: np.ndarray
    addr: int
    stride: int
    ctx: int
    broken: bool

    def tag(self, i: int) -> int:
        """eqx_conv_pkg::tag_t of line ``i`` (blk_last, ilast and space do not matter here)."""
        last = i == len(self.data) - 1 and not self.broken
        return CONV_TAG.pack(
            mode=Conv.COLS,
            space=0,
            addr=self.addr,
            stride=self.stride,
            first=i == 0,
            last=last,
            blk_last=0,
            ilast=0,
            ctx=self.ctx,
        )


def random_tiles(rng: np.random.Generator, lines: int, shortest: int, broken: float, longest: int = K) -> list[Tile]:
    tiles: list[Tile] = []
    while sum(len(t.data) for t in tiles) < lines:
        n = int(rng.choice([shortest, min(max(L, shortest), longest), longest, rng.integers(shortest, longest + 1)]))
        tiles.append(
            Tile(
                rng.integers(0, 1 << 16, (n, L)).astype(np.uint16),
                int(rng.integers(0, 1 << 15)),
                int(rng.integers(0, 256)),
                int(rng.integers(0, 16)),
                bool(rng.random() < broken),
            )
        )
    return tiles


async def play(dut: Any, tiles: list[Tile], gaps: np.ndarray, hold: int) -> int:
    """Play and compare; return the cycles in which a segment had to wait for a tile."""
    count = sum(len(t.data) for t in tiles)
    tags = [t.tag(i) for t in tiles for i in range(len(t.data))]
    words = np.array([[int(g) << 56 | t] for g, t in zip(gaps, tags, strict=True)], np.uint64)
    write_hex(Path("ctl.hex"), words.astype("<u8").view(np.uint8))
    write_hex(Path("lines.hex"), np.concatenate([t.data for t in tiles]).astype("<u2").view(np.uint8))
    await bench.play(dut, n_lines=count, hold_rate=hold)
    await bench.dump(dut)
    await ReadOnly()
    parts = int(dut.parts.value)
    got = read_hex(Path("part.out"), int(dut.PMAX.value), 2 * L)[:parts]
    tag = read_hex(Path("tag.out"), int(dut.PMAX.value), 4)[:parts]
    at = 0
    for t in (t for t in tiles if not t.broken):
        each = -(-len(t.data) // L)  # parts a column
        full = np.zeros((each * L, L), np.uint16)
        full[: len(t.data)] = t.data
        for lane in range(L):
            for k in range(each):
                what = f"part {at} (lane {lane}, {k} of {each}, of a tile of {len(t.data)} lines)"
                require(at < parts, f"{what} is missing")
                want = np.ascontiguousarray(full[k * L : (k + 1) * L, lane].astype("<u2")).view(np.uint8)
                require((got[at] == want).all(), f"{what} is wrong")
                label = (k == 0) << 26 | (k == each - 1) << 25 | (lane == L - 1) << 24
                label |= t.ctx << 16 | (t.addr + lane * t.stride) & 0xFFFF
                require(int.from_bytes(tag[at].tobytes(), "little") == label, f"{what}: wrong tag")
                at += 1
    require(at == parts > 0, f"{parts} parts, expected {at}")
    checks.compared("parts", parts)
    waited = int(dut.waited.value)
    dut._log.info("%d lines, %d parts, %d cycles waited, %d held back", count, parts, waited, int(dut.held_back.value))
    await Timer(1, "ns")
    return waited


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(hold=[0, 60, 200])
async def ragged(dut: Any, hold: int) -> None:
    """Tiles of 1..K lines, gaps, some that never end; columns held back never, or at different rates."""
    rng = bench.generator()
    tiles = random_tiles(rng, 2000, 1, 0.2)
    count = sum(len(t.data) for t in tiles)
    gaps = np.where(rng.random(count) < 0.1, rng.integers(0, 9, count), 0)
    gaps[rng.random(count) < 0.02] = 2 * L  # longer than the other tile drains: lines of the other class pass
    require(await play(dut, tiles, gaps, hold) > 0, "never were both tiles full")
    require((int(dut.held_back.value) > 0) == (hold > 0), "no column was ever held back, or one without need")


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(parts=range(1, K // L + 1))
async def full_rate(dut: Any, parts: int) -> None:
    """Tiles of so many times L lines back to back: a line in every cycle."""
    rng = bench.generator()
    tiles = random_tiles(rng, 2000, parts * L, 0.0, longest=parts * L)
    count = sum(len(t.data) for t in tiles)
    equal(await play(dut, tiles, np.zeros(count, int), 0), 0)
    equal(int(dut.last_line.value) - int(dut.first_line.value) + 1, count)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def longer_and_longer(dut: Any) -> None:
    """Each tile at least as long as the one before it, made up to a multiple of L, and then no line ever waits."""
    rng = bench.generator()
    tiles: list[Tile] = []
    while sum(len(t.data) for t in tiles) < 2000:
        tiles += sorted(random_tiles(rng, 3 * K, L, 0.0), key=lambda t: len(t.data))
    before = 0
    gaps: list[int] = []
    for t in tiles:
        gaps += [3 * K if len(t.data) < before else 0, *([0] * (len(t.data) - 1))]
        before = -(-len(t.data) // L) * L
    equal(await play(dut, tiles, np.array(gaps), 0), 0)
