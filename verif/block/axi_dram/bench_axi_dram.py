"""Tests of the DRAM model: exact timing against an independent schedule, data, errors, stalls, files."""

from __future__ import annotations

import logging
import os
from itertools import cycle
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout
from cocotbext.axi import AxiBus, AxiMaster, AxiResp

from verif.block.axi_dram.model import schedule
from verif.lib import checks
from verif.lib.bench import generator, param
from verif.lib.dram import DramBackdoor
from verif.lib.verdict import equal, require

K, BYTES = param("K"), param("BYTES")


async def start(dut: Any, python_clock: bool = False) -> np.random.Generator:
    dut.rst_n.value = 0  # before the first edge of the clock: what is not reset yet holds anything
    dut.own_clock.value = int(not python_clock)
    if python_clock:
        await Timer(5, "ns")
        Clock(dut.clk, 10, "ns").start()
    dut.scripted.value, dut.rd_ops.value, dut.wr_ops.value = 0, 0, 0
    await Timer(23, "ns")
    dut.rst_n.value = 1
    await RisingEdge(dut.clk)
    return generator()


def make_master(dut: Any) -> AxiMaster:
    logging.getLogger("cocotb.tb_axi_dram.s_axi").setLevel(logging.WARNING)  # it prints all data
    return AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk)


def random_script(rng: np.random.Generator, n: int, spread: int) -> list[tuple[int, int, int]]:
    """(cycle, address, AXI length) of n bursts that do not cross 4 KiB."""
    ops, at = [], 40
    for _ in range(n):
        at += int(rng.integers(0, spread + 1))
        beats = int(rng.choice([1, 2, 3, int(rng.integers(1, 40))]))
        page = int(rng.integers(0, BYTES // 4096)) * 4096
        addr = page + int(rng.integers(0, 4096 // K - beats + 1)) * K
        ops.append((at, addr, beats - 1))
    return ops


async def play(dut: Any, reads: list[tuple[int, int, int]], writes: list[tuple[int, int, int]]) -> None:
    for kind, ops in (("rd", reads), ("wr", writes)):
        for i, (at, addr, length) in enumerate(ops):
            getattr(dut, f"{kind}_at")[i].value = at
            getattr(dut, f"{kind}_addr")[i].value = addr
            getattr(dut, f"{kind}_len")[i].value = length
        getattr(dut, f"{kind}_ops").value = len(ops)
    dut.scripted.value = 1
    await with_timeout(RisingEdge(dut.over), 2, "ms")
    await Timer(1, "ns")


def log(dut: Any, name: str, count: str) -> list[int]:
    return [int(getattr(dut, name)[i].value) for i in range(int(getattr(dut, count).value))]


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(mix=["both", "reads", "writes"], other=[False, True])
async def beats_come_when_the_rule_says(dut: Any, mix: str, other: bool) -> None:
    """``other``: with latencies and gap set at run time instead of the parameters."""
    rng = await start(dut)
    times = {n: param(n.upper()) for n in ("latency", "b_latency", "gap")}
    if other:
        times = {
            "latency": int(rng.integers(1, 90)),
            "b_latency": int(rng.integers(1, 50)),
            "gap": int(rng.integers(0, 4)),
        }
    for name, value in times.items():
        getattr(dut.u_dram, name).value = value
    spread = int(rng.choice([0, 10, 60]))
    reads = random_script(rng, 80 if mix != "writes" else 0, spread)
    writes = random_script(rng, 80 if mix != "reads" else 0, spread)
    await play(dut, reads, writes)
    seen = {n: log(dut, f"{n}_log", f"{n}_n") for n in ("ar", "aw", "r", "w", "b")}
    want = schedule(
        [(t, op[2] + 1) for t, op in zip(seen["ar"], reads, strict=True)],
        [(t, op[2] + 1) for t, op in zip(seen["aw"], writes, strict=True)],
        **times,
    )
    require(len(want.reads) + len(want.writes) > 100)
    equal(seen["r"], want.reads)
    equal(seen["w"], want.writes)
    equal(seen["b"], want.responses)
    checks.compared("beats of the DRAM in their cycles", len(want.reads) + len(want.writes) + len(want.responses))
    # Addresses are taken at once while the queue has room.
    at = [op[0] for op in reads]
    require(not reads or seen["ar"][0] == at[0])


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def reads_see_what_was_written(dut: Any) -> None:
    """Scripted writes, then reads of the same places: data goes where it should."""
    rng = await start(dut)
    writes = random_script(rng, 40, 0)
    image: dict[int, int] = {}
    for _, addr, length in writes:
        image.update({addr + i * K: addr + i for i in range(length + 1)})
    reads = [(100_000 // 10, addr, length) for _, addr, length in writes]
    await play(dut, reads, writes)
    data = log(dut, "r_data", "r_n")
    want = [image[addr + i * K] for _, addr, length in reads for i in range(length + 1)]
    require(int(dut.b_log[len(writes) - 1].value) < 10_000, "the reads began before the last write's response")
    equal(data, want)
    require(len(data) > 40)
    checks.compared("beats read", len(data))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(stall=[0, 40])
async def random_traffic_of_another_master(dut: Any, stall: int) -> None:
    """Byte-wise writes and reads of cocotbext-axi against a byte array, and the back door against both.

    With stalls the master lets answers wait, too.
    """
    rng = await start(dut, python_clock=True)
    master = make_master(dut)
    pauses = [bool(pause) for pause in np.repeat(rng.random(251) < stall / 100, 4)]
    master.read_if.r_channel.set_pause_generator(cycle(pauses))
    master.write_if.b_channel.set_pause_generator(cycle(pauses))
    dut.u_dram.stall_pct.value = stall
    dut.u_dram.stall_seed.value = int(rng.integers(1, 1 << 32))
    span = 8192
    model = bytearray(rng.bytes(span))
    door = DramBackdoor(dut.u_dram)
    door.write(0, bytes(model))
    await Timer(100, "ns")
    for _ in range(25):
        beats = int(rng.integers(1, 48))
        addr = int(rng.integers(0, span // K - beats)) * K
        if rng.random() < 0.5:
            data = rng.bytes(beats * K)
            cut = int(rng.integers(0, K))  # the last beat is written in part: strobes
            data = data[: len(data) - cut]
            answer = await master.write(addr, data)
            equal(answer.resp, AxiResp.OKAY)
            model[addr : addr + len(data)] = data
        else:
            got = await master.read(addr, beats * K)
            equal(got.resp, AxiResp.OKAY)
            equal(got.data, model[addr : addr + beats * K])
    equal(bytes(door.read(0, span)), bytes(model))
    require(int(dut.u_check.transfers.value) > 200)
    checks.compared("bytes of another master", span)
    checks.compared("AXI transfers", int(dut.u_check.transfers.value))


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def errors(dut: Any) -> None:
    rng = await start(dut, python_clock=True)
    master = make_master(dut)
    door, dram = DramBackdoor(dut.u_dram), dut.u_dram
    before = rng.bytes(8 * K)
    door.write(4096, before)
    await Timer(1, "ns")
    last = await master.read(BYTES - K, K)
    equal(last.resp, AxiResp.OKAY)
    equal((await master.read(BYTES, K)).resp, AxiResp.DECERR)
    equal((await master.write(BYTES, bytes(K))).resp, AxiResp.DECERR)
    lo = 4096 + 4 * K
    dram.err_addr_lo.value, dram.err_addr_hi.value, dram.err_en.value = lo, lo + K - 1, 1
    await Timer(1, "ns")
    equal((await master.write(4096 + 2 * K, bytes(4 * K))).resp, AxiResp.SLVERR)
    require(bytes(door.read(4096, 8 * K)) == before, "a failed burst changed the memory")
    for first, beats, resp in (
        (3, 1, AxiResp.OKAY),
        (3, 2, AxiResp.SLVERR),
        (4, 1, AxiResp.SLVERR),
        (5, 2, AxiResp.OKAY),
    ):
        got = await master.read(4096 + first * K, beats * K)
        equal(got.resp, resp, f"{beats} beats from {first}")
        if resp == AxiResp.OKAY:
            equal(got.data, before[first * K : (first + beats) * K])
    dram.err_en.value = 0
    await Timer(1, "ns")
    equal((await master.read(lo, K)).resp, AxiResp.OKAY)
    checks.compared("error responses", 8)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def one_error_each(dut: Any) -> None:
    """A single read beat, or write burst, that is counted down to fails with the response asked for;
    nothing else does.
    """
    rng = await start(dut, python_clock=True)
    master = make_master(dut)
    door, dram = DramBackdoor(dut.u_dram), dut.u_dram
    before = rng.bytes(16 * K)
    door.write(0, before)
    for code in (AxiResp.SLVERR, AxiResp.DECERR):
        dram.err_resp.value = int(code)
        at = int(rng.integers(1, 9))
        dram.err_read_in.value, dram.err_write_in.value = at, 3
        await Timer(1, "ns")
        seen = [await master.read(n * K, K) for n in range(8)]
        equal([r.resp for r in seen], [code if n + 1 == at else AxiResp.OKAY for n in range(8)])
        equal([r.data == before[n * K : n * K + K] for n, r in enumerate(seen)], [n + 1 != at for n in range(8)])
        answers = [(await master.write(4096 * n, bytes(2 * K))).resp for n in range(1, 5)]
        equal(answers, [AxiResp.OKAY, AxiResp.OKAY, code, AxiResp.OKAY])
        require(int(dram.err_read_in.value) == int(dram.err_write_in.value) == 0)
    dram.err_resp.value = int(AxiResp.SLVERR)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(channel=range(5))
async def silent_channels(dut: Any, channel: int) -> None:
    """A muted channel does not move until it is unmuted; the other direction goes on."""
    rng = await start(dut, python_clock=True)
    master = make_master(dut)
    dut.u_dram.stall_pct.value = 20
    data = rng.bytes(8 * K)
    await master.write(0, data)
    dut.u_dram.err_mute.value = 1 << channel
    await Timer(100, "ns")
    reads = channel < 2
    held = cocotb.start_soon(master.read(0, 8 * K) if reads else master.write(4096, data))
    other = await (master.write(8192, data) if reads else master.read(0, 8 * K))
    equal(other.resp, AxiResp.OKAY)
    await Timer(5, "us")
    require(not held.done())
    dut.u_dram.err_mute.value = 0
    answer = await with_timeout(held, 10, "us")
    equal(answer.resp, AxiResp.OKAY)
    require(not reads or answer.data == data)
    equal(bytes(DramBackdoor(dut.u_dram).read(0 if reads else 4096, 8 * K)), data)
    dut.u_dram.stall_pct.value = 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def files(dut: Any) -> None:
    """The image loaded at time 0, a dump, and a load while running."""
    rng = await start(dut)
    door, dram = DramBackdoor(dut.u_dram), dut.u_dram
    image = Path(os.environ["IMAGE"]).read_bytes()
    if int(os.environ.get("IMAGE_INTACT", "0")):
        equal(bytes(door.read(0, 4 * K)), image[: 4 * K])
    data = rng.bytes(16 * K)
    door.write(1024, data)
    dram.file_first.value, dram.file_words.value = 1024 // K, 16
    await Timer(1, "ns")
    dram.dump_req.value = 1 - int(dram.dump_req.value)
    await Timer(1, "ns")
    equal(Path("dump.bin").read_bytes(), data)
    Path("load.bin").write_bytes(data[::-1])
    dram.load_req.value = 1 - int(dram.load_req.value)
    await Timer(1, "ns")
    equal(bytes(door.read(1024, 16 * K)), data[::-1])
    checks.compared("bytes of files", 2 * len(data))
