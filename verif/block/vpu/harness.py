"""Drives tb_vpu: memories, lists of instructions, settings in; memories and logs out, compared with the reference."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import ReadOnly, Timer

from equinox_core.hw.modes import Mode
from equinox_core.hw.pipeline import line_stage
from equinox_core.hw.structs import CTX_ENV
from equinox_core.isa.encoding import INSTR_BITS, Instr, encode
from equinox_core.vector import VectorEnv
from verif.block.vpu.model import NAMES, Image, Size
from verif.lib import bench, checks
from verif.lib.memfile import read_hex, write_hex
from verif.lib.verdict import require

PRIO = int(Mode.PRIO)


class Harness:
    """One instance a test."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.p = Size(**{f.name: int(getattr(dut, f.name).value) for f in fields(Size)})
        self.rng = bench.generator()
        self.image = Image.random(self.rng, self.p)
        self.last = line_stage(self.p.L)  # stage in which VEC is written

    async def run(
        self,
        lists: list[list[Instr]],
        control: list[list[int]],
        envs: list[VectorEnv | None],
        mode: int | None = PRIO,
        kills: bool = False,
    ) -> None:
        """Play the lists to their end; then the memories are in ``dumped``, the logs in ``how, issue, done``."""
        dut, p = self.dut, self.p
        for name in NAMES:
            write_hex(Path(f"{name.lower()}.hex"), self.image.bytes_of(name))
        write_lists(lists, control, p.IMAX)
        width = (p.RX_SLOTS - 1).bit_length()
        slots = 0
        for c, e in enumerate(envs[: p.C_INF]):
            for r, s in enumerate(np.asarray(e.slots).tolist() if e is not None else ()):
                slots |= s << width * (c * p.N + r)
        dut.mode_random.value = dut.kill_random.value = 0
        await bench.play(
            dut,
            n_instr=sum(len(x) << 16 * c for c, x in enumerate(lists)),
            env=CTX_ENV.pack_all(0 if e is None else _pack_env(e) for e in envs),
            slots=slots,
            mode=PRIO if mode is None else mode,
            mode_random=mode is None,
            kill_random=kills,
        )
        await self._collect(lists)

    async def _collect(self, lists: list[list[Instr]]) -> None:
        dut, p = self.dut, self.p
        await Timer(100, "ns")
        await ReadOnly()
        require(int(dut.bad_done.value) == 0, "a completion has the wrong signal mask, step flag or place")
        require(
            int(dut.busy_bad.value) == 0 and int(dut.stall_bad.value) == 0, "busy_o and stall_o contradict each other"
        )
        await Timer(1, "ns")
        await bench.dump(dut)
        self.dumped = {}
        for name in (*NAMES, "VEC1", "VEC2"):
            want = self.image.bytes_of(name.rstrip("12"))
            self.dumped[name] = read_hex(Path(f"{name.lower()}.out"), *want.shape)

        def log(name: str, width: int) -> list[list[int]]:
            raw = read_hex(Path(name), p.CTX * p.IMAX, width)
            flat = [int.from_bytes(row.tobytes(), "little") for row in raw]
            return [flat[c * p.IMAX : c * p.IMAX + len(x)] for c, x in enumerate(lists)]

        self.how, self.issue, self.done = log("how.out", 1), log("issue.out", 4), log("done.out", 4)
        raw = read_hex(Path("mode.out"), int(dut.MMAX.value), 4)[: int(dut.n_modes.value)]
        words = [int.from_bytes(row.tobytes(), "little") for row in raw]
        self.modes = [(word >> 2, word & 3) for word in words]
        self.lines = [int(dut.lines.value) >> 32 * c & 0xFFFFFFFF for c in range(p.CTX)]

    def compare(self, skip: dict[str, np.ndarray] | None = None) -> int:
        """Compare every memory with the image but for ``skip``ped words; return the number of words compared."""
        count = 0
        for name, got in self.dumped.items():
            want = self.image.bytes_of(name.rstrip("12"))
            bad = (got != want).any(axis=1)
            if skip and name.rstrip("12") in skip:
                bad &= ~skip[name.rstrip("12")]
            if bad.any():
                raise AssertionError(_difference(name, got, want, bad))
            count += len(want)
        checks.compared("words of memories", count)
        return count


def _difference(name: str, got: np.ndarray, want: np.ndarray, bad: np.ndarray) -> str:
    at = int(bad.argmax())
    values = [x[at][::-1].tobytes().hex() for x in (got, want)]
    return f"{name}: {int(bad.sum())} words differ, the first at {at}:\n got  {values[0]}\n want {values[1]}"


def _pack_env(e: VectorEnv) -> int:
    """eqx_pkg::ctx_env_t."""
    return CTX_ENV.pack(
        rows=e.rows,
        vec_base=e.vec_base,
        acc_base=e.acc_base,
        actc_base=e.actc_base,
        c_base=e.c_base,
        w_base=0,
        dram_base=0,
    )


def write_lists(lists: list[list[Instr]], control: list[list[int]], imax: int) -> None:
    """Write the instruction lists and their {kill, barrier, gap} words for the bench's front ends."""
    words = np.zeros((len(lists) * imax, INSTR_BITS // 8), np.uint8)
    ctl = np.zeros((len(lists) * imax, 4), np.uint8)
    for c, (instrs, controls) in enumerate(zip(lists, control, strict=True)):
        if len(instrs) > imax:
            raise ValueError(f"{len(instrs)} instructions for a context, at most {imax}")
        for i, (ins, con) in enumerate(zip(instrs, controls, strict=True)):
            words[c * imax + i] = np.frombuffer(encode(ins).to_bytes(INSTR_BITS // 8, "little"), np.uint8)
            ctl[c * imax + i] = np.frombuffer(int(con).to_bytes(4, "little"), np.uint8)
    write_hex(Path("imem.hex"), words)
    write_hex(Path("ictl.hex"), ctl)
