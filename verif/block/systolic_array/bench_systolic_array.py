"""Tests of the systolic array: exact integer sums, weights loaded under the rows that use the other banks, and one
cycle ahead of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from numpy.typing import NDArray

from equinox_core.hw.pipeline import INF_TILES, TRN_TILES
from verif.lib import checks
from verif.lib.bench import generator, param
from verif.lib.verdict import require

N, W = param("N"), param("W")
K = N * W
BANKS = INF_TILES + TRN_TILES


class Player:
    """Builds the sequence of cycles, and the sums it must give."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.rows: dict[int, tuple[int, NDArray[np.int8]]] = {}
        self.lines: dict[int, tuple[int, int, NDArray[np.int8]]] = {}
        self.want: dict[int, NDArray[np.int64]] = {}

    def values(self, *shape: int) -> NDArray[np.int8]:
        kind = self.rng.integers(4)
        if kind == 0:
            return self.rng.choice([-128, 127], shape).astype(np.int8)
        return self.rng.integers(-128, 128, shape).astype(np.int8)

    def tile(self, load: int, bank: int, rows: list[int]) -> None:
        """Load a tile from cycle ``load`` on and enter rows in the given cycles (the first: load + 1 or later)."""
        wgt = self.values(N, K)
        for j in range(N):
            require(load + j not in self.lines)
            self.lines[load + j] = (bank, j, wgt[j])
        for t in rows:
            require(t > load)
            require(t not in self.rows)
            act = self.values(K)
            self.rows[t] = (bank, act)
            self.want[t] = wgt.astype(np.int64) @ act.astype(np.int64)

    def words(self) -> list[int]:
        end = max([*self.rows, *self.lines]) + 2 * N + 2
        out = []
        for t in range(end):
            word = int.from_bytes(self.rng.bytes(2 * K + 4), "little")  # junk where nothing is valid
            word &= ~(1 << 8 * K | 1 << 16 * K + 8)
            if t in self.rows:
                bank, act = self.rows[t]
                word &= ~((1 << 8 * K + 8) - 1)
                word |= int.from_bytes(act.tobytes(), "little") | 1 << 8 * K | bank << 8 * K + 1
            if t in self.lines:
                bank, col, wgt = self.lines[t]
                word &= (1 << 8 * K + 8) - 1
                word |= (
                    int.from_bytes(wgt.tobytes(), "little") << 8 * K + 8
                    | 1 << 16 * K + 8
                    | bank << 16 * K + 9
                    | col << 16 * K + 16
                )
            out.append(word)
        return out

    async def play(self, dut: Any) -> None:
        words = self.words()
        require(len(words) <= 8192)
        Path("play.hex").write_text("\n".join(f"{w:x}" for w in words) + "\n", encoding="utf-8")
        await Timer(3 * N * 10, "ns")  # control that started as junk has left
        await FallingEdge(dut.clk)
        dut.length.value = len(words)
        dut.go.value = 1
        await RisingEdge(dut.running)
        dut.go.value = 0
        await RisingEdge(dut.finished)
        got = [x for x in Path("sums.hex").read_text(encoding="utf-8").split() if not x.startswith(("//", "@"))][
            : int(dut.count.value)
        ]
        require(len(got) == len(self.want) > 0, f"{len(got)} rows came out, {len(self.want)} went in")
        for g, t in zip(got, sorted(self.want), strict=True):
            sums = np.frombuffer(bytes.fromhex(g.zfill(8 * N)), dtype=">i4")[::-1]
            if not (sums == self.want[t]).all():
                raise AssertionError(f"row of cycle {t}: {sums.tolist()}, expected {self.want[t].tolist()}")
        checks.compared("rows of sums", len(got))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def back_to_back(dut: Any) -> None:
    """N rows a tile without a gap, each tile loading while the one before streams,
    rows chasing the load by one cycle.
    """
    p = Player(generator())
    bank = 0
    for i in range(40):
        bank = (bank + 1 + int(p.rng.integers(BANKS - 1))) % BANKS  # another one
        p.tile(N * i, bank, [N * i + 1 + r for r in range(N)])
    await p.play(dut)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reload_behind_last_row(dut: Any) -> None:
    """One bank: its next load starts one cycle after its last row entered."""
    p = Player(generator())
    t, free = 0, 0
    for _ in range(60):
        rows = sorted(int(x) for x in p.rng.choice(np.arange(1, N + 4), int(p.rng.integers(1, N + 2)), replace=False))
        p.tile(t, 2, [t + r for r in rows])
        free = t + rows[-1] + 1
        t = max(free, t + N)
    await p.play(dut)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def banks_interleaved(dut: Any) -> None:
    """Rows of different banks in any order; a suspended tile's weights stay while the other banks change."""
    p = Player(generator())
    resident = p.values(N, K)
    for j in range(N):
        p.lines[j] = (2, j, resident[j])
    for i in range(1, 60):
        rows = [N * i + 1 + r for r in range(N) if p.rng.random() < 0.5]
        p.tile(N * i, i % 2, rows)
        for t in range(N * i + 1, N * i + 1 + N):
            if t not in p.rows and p.rng.random() < 0.7:
                act = p.values(K)
                p.rows[t] = (2, act)
                p.want[t] = resident.astype(np.int64) @ act.astype(np.int64)
    await p.play(dut)


@cocotb.test(timeout_time=1, timeout_unit="ms", expect_fail=True)
async def planted_fault(dut: Any) -> None:
    """A row that enters together with its tile's first line still sees the old weights of column 0: the check must
    notice.
    """
    p = Player(generator())
    p.tile(0, 0, [1, 2])
    p.tile(N, 0, [N + 1])
    bank, act = p.rows.pop(N + 1)
    p.rows[N], p.want[N] = (bank, act), p.want.pop(N + 1)
    await p.play(dut)
