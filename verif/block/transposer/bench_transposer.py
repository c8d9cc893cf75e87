"""The transposer: columns of every tile, zeros below a short one, order, addresses, rate."""

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


def random_tiles(rng: np.random.Generator, lines: int, shortest: int, broken: float) -> list[Tile]:
    tiles: list[Tile] = []
    while sum(len(t.data) for t in tiles) < lines:
        n = int(rng.choice([shortest, L, K, rng.integers(shortest, K + 1)]))
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


async def play(dut: Any, tiles: list[Tile], gaps: np.ndarray, rate: int) -> int:
    """Play and compare; return the cycles in which a segment had to wait for a tile."""
    count = sum(len(t.data) for t in tiles)
    tags = [t.tag(i) for t in tiles for i in range(len(t.data))]
    words = np.array([[int(g) << 56 | t] for g, t in zip(gaps, tags, strict=True)], np.uint64)
    write_hex(Path("ctl.hex"), words.astype("<u8").view(np.uint8))
    write_hex(Path("lines.hex"), np.concatenate([t.data for t in tiles]).astype("<u2").view(np.uint8))
    await bench.play(dut, n_lines=count, take_rate=rate)
    await bench.dump(dut)
    await ReadOnly()
    columns = int(dut.columns.value)
    got = read_hex(Path("col.out"), int(dut.CMAX.value), 2 * K)[:columns]
    tag = read_hex(Path("tag.out"), int(dut.CMAX.value), 4)[:columns]
    at = 0
    for t in (t for t in tiles if not t.broken):
        full = np.zeros((K, L), np.uint16)
        full[: len(t.data)] = t.data
        for lane in range(L):
            require(at < columns, "columns are missing")
            want = np.ascontiguousarray(full[:, lane].astype("<u2")).view(np.uint8)
            require((got[at] == want).all(), f"column {at} (lane {lane} of a tile of {len(t.data)} lines)")
            label = (lane == L - 1) << 24 | t.ctx << 16 | (t.addr + lane * t.stride) & 0xFFFF
            require(int.from_bytes(tag[at].tobytes(), "little") == label, f"column {at}: wrong tag")
            at += 1
    require(at == columns > 0, f"{columns} columns, expected {at}")
    checks.compared("columns", columns)
    waited = int(dut.waited.value)
    dut._log.info("%d lines, %d columns, %d cycles waited", count, columns, waited)
    await Timer(1, "ns")
    return waited


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(rate=[255, 200, 60])
async def ragged(dut: Any, rate: int) -> None:
    """Tiles of 1..K lines, gaps, some that never end; columns taken at different rates."""
    rng = bench.generator()
    tiles = random_tiles(rng, 2000, 1, 0.2)
    count = sum(len(t.data) for t in tiles)
    gaps = np.where(rng.random(count) < 0.1, rng.integers(0, 9, count), 0)
    gaps[rng.random(count) < 0.02] = 2 * L  # longer than the other tile drains: lines of the other class pass
    require(await play(dut, tiles, gaps, rate) > 0, "never were both tiles full")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def full_rate(dut: Any) -> None:
    """Tiles of L..K lines back to back: a line in every cycle."""
    rng = bench.generator()
    tiles = random_tiles(rng, 2000, L, 0.0)
    count = sum(len(t.data) for t in tiles)
    equal(await play(dut, tiles, np.zeros(count, int), 255), 0)
    equal(int(dut.last_line.value) - int(dut.first_line.value) + 1, count)
