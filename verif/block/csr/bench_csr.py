"""The register block's tests, in the order in which cocotb runs them: the last looks back on all."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, FallingEdge

from equinox_core.csr_map import REGS
from equinox_core.hw.states import CtxState as S
from verif.block.csr.harness import COUNTS, COVERAGE, EVENTS, STICKY, CsrTest, Hardware
from verif.block.csr.model import settings
from verif.env.csr_coverage import STORED
from verif.lib.verdict import require
from verif.sequences.boot import reset
from verif.sequences.registers import RegisterAccessSeq, RegisterBitBashSeq, RegisterResetSeq, RegisterUniqueSeq


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_reset_test(CsrTest):
    """Reset values through both doors, out of the first reset and after every bit was something else."""

    async def body(self) -> None:
        await self.play(RegisterResetSeq)
        for path, reg in self.regs.items():
            if path in STORED:
                value = ~reg.get_reset() & 0xFFFFFFFF
                await reg.poke(value)
        await reset(self.dut)
        await self.play(RegisterResetSeq)


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_bit_bash_test(CsrTest):
    """Every bit of every register written 1 and 0, over 0 and 1."""

    async def body(self) -> None:
        self.hardware = Hardware.random(self.size["CTX"], self.size["SERVICES"], self.rng)
        self.hardware.drive(self.dut)
        await self.play(RegisterBitBashSeq)


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_access_test(CsrTest):
    """Front door against back door, and all registers at the same time."""

    async def body(self) -> None:
        await self.play(RegisterAccessSeq)
        await self.play(RegisterUniqueSeq)


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_strobes_test(CsrTest):
    """A write changes the bytes that its strobes name, in every register that only keeps what is written."""

    async def body(self) -> None:
        for path, (address, layout) in REGS.items():
            kept = sum(((1 << width) - 1) << lsb for lsb, width, _, kind in layout.values() if kind == "RW")
            if path not in self.regs or not kept:
                continue
            held = int(self.rng.integers(1 << 32)) & kept
            await self.regs[path].poke(held)
            for strobe in (int(s) for s in self.rng.permutation(16)):
                value = int(self.rng.integers(1 << 32))
                await self.csr.write_raw(address, value, strobe)
                named = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1)
                held = (held & ~named | value & named) & kept
                self.expect(f"{path} after a write with strobes {strobe:#06b}", await self.peek(path) & kept, held)


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_effects_test(CsrTest):
    """What a write does beside keeping a value hangs on the right bytes: commands, sticky bits, the instruction
    memory's pointer and words.
    """

    async def body(self) -> None:
        self.pointer = 0  # where the next instruction goes: index + 65536 * unit
        for strobe in range(16):
            await self.commands(strobe)
            await self.sticky(strobe)
        for _ in range(3):
            for strobe in (int(s) for s in self.rng.permutation(16)):
                await self.address(strobe)
        for strobe in range(16):
            await self.discards(strobe)
        for parts in ((0xF,), (0x3, 0xC), (0x1, 0x2, 0x4, 0x8), (0x7, 0x8), (0x0, 0x2, 0x1, 0x0, 0xC)):
            await self.store(parts)
        await self.stale_bytes()
        await self.beyond()

    async def commands(self, strobe: int) -> None:
        """Commands are in the lowest byte."""
        for ctx in range(self.size["CTX"]):
            before = int(self.dut.cmd_count.value)
            await self.csr.write_raw(REGS[f"CTX[{ctx}].CMD"][0], 0xFFFFFFFF, strobe)
            await self.settle()
            after = int(self.dut.cmd_count.value)
            seen = [(after >> 8 * k) - (before >> 8 * k) & 0xFF for k in range(4 * self.size["CTX"])]
            legal = [strobe & 1 if k // 4 == ctx else 0 for k in range(len(seen))]
            self.expect(f"CTX[{ctx}].CMD with strobes {strobe:#06b}: cycles of each command", seen, legal)
        before = int(self.dut.clear_count.value)
        await self.csr.write_raw(REGS["PERF_CTRL"][0], 0xFFFFFFFE, strobe)
        await self.settle()
        self.expect(
            f"PERF_CTRL with strobes {strobe:#06b}: cleared",
            int(self.dut.clear_count.value) - before & 0xFF,
            strobe & 1,
        )

    async def sticky(self, strobe: int) -> None:
        path = "IRQ_STATUS"
        await self.fire(*STICKY)
        await self.settle()
        held = await self.peek(path)
        await self.csr.write_raw(REGS[path][0], 0xFFFFFFFF, strobe)
        self.expect(
            f"{path} after a write with strobes {strobe:#06b}",
            (held, await self.peek(path)),
            (0b01110, 0 if strobe & 1 else 0b01110),
        )
        await self.csr.write(path, 0x1F)

    async def address(self, strobe: int) -> None:
        """After a write of some bytes, the next instruction goes to where the whole register then points."""
        value, path = int(self.rng.integers(1 << 18)), "IMEM_ADDR"
        held = await self.peek(path)
        named = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1)
        await self.csr.write_raw(REGS[path][0], value, strobe)
        if strobe & 0b0111:
            self.pointer = held & ~named | value & named
        await self.store((0xF,), f"after IMEM_ADDR with strobes {strobe:#06b}")

    async def discards(self, strobe: int) -> None:
        """A write to any byte of the pointer discards the words gathered so far; other writes do not."""
        words = [int(w) for w in self.rng.integers(1 << 32, size=5)]
        for word in words:
            await self.csr.write("IMEM_DATA", word)
        at = await self.peek("IMEM_ADDR")
        await self.csr.write_raw(REGS["IMEM_ADDR"][0], at, strobe)
        if strobe & 0b0111:
            self.pointer, words = at, []
        await self.store((0xF,), f"after IMEM_ADDR with strobes {strobe:#06b} amid an instruction", words)

    async def store(self, parts: tuple[int, ...], what: str = "", first: list[int] | None = None) -> None:
        """Twelve words, each in writes with these strobes, of which ``first`` are there: one instruction at the
        pointer.
        """
        words, count = list(first or []), int(self.dut.imem_count.value)
        while len(words) < 12:
            words.append(int(self.rng.integers(1 << 32)))
            for strobe in parts:
                self.expect(f"{what}: instructions stored too early", int(self.dut.imem_count.value), count)
                mask = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1)
                await self.csr.write_raw(
                    REGS["IMEM_DATA"][0], words[-1] & mask | int(self.rng.integers(1 << 32)) & ~mask, strobe
                )
            await self.csr.read_raw(REGS["IMEM_DATA"][0])  # without effect
        await self.settle()
        self.stored(f"{what}: words in parts {parts}: instruction", count + 1, words)

    def stored(self, what: str, count: int, words: list[int]) -> None:
        at = int(self.dut.stored_unit.value) << 16 | int(self.dut.stored_addr.value)
        seen = (int(self.dut.imem_count.value), at, int(self.dut.stored_word.value))
        self.expect(
            f"{what}: count, place, word", seen, (count, self.pointer, sum(w << 32 * i for i, w in enumerate(words)))
        )
        self.pointer += 1

    async def stale_bytes(self) -> None:
        """Bytes that were not written are those of the word before."""
        words, count = [int(w) for w in self.rng.integers(1 << 32, size=11)], int(self.dut.imem_count.value)
        for word in words:
            await self.csr.write("IMEM_DATA", word)
        await self.csr.write_raw(REGS["IMEM_DATA"][0], 0xAB000000, 0x8)
        await self.settle()
        self.stored("last word by its highest byte alone", count + 1, [*words, 0xAB000000 | words[-1] & 0xFFFFFF])

    async def beyond(self) -> None:
        """Behind index 65,535 nothing is stored, neither at 0 nor in the next unit."""
        await self.csr.write("IMEM_ADDR", index=65535, unit=1)
        self.pointer = 1 << 16 | 65535
        await self.store((0xF,), "the last index")
        count = int(self.dut.imem_count.value)
        for _ in range(24):
            await self.csr.write("IMEM_DATA", int(self.rng.integers(1 << 32)))
        await self.settle()
        self.expect("instructions stored beyond index 65,535", int(self.dut.imem_count.value) - count, 0)
        await self.csr.write("IMEM_ADDR", index=7, unit=2)
        self.pointer = 2 << 16 | 7
        await self.store((0xF,), "after that")


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_two_words_test(CsrTest):
    """A counter read in two words is one value that it had while its low word was read,
    wherever it carries meanwhile.
    """

    async def body(self) -> None:
        await self.wraps()
        await self.keeps()

    async def wraps(self) -> None:
        """It counts every cycle and passes 2^32 in each of the cycles that the reads take."""
        met = set()
        for high in (0, 1, int(self.rng.integers(0xFFFF))):
            for before in range(1, 24):
                start = (high + 1 << 32) - before
                await FallingEdge(self.dut.clk)
                self.dut.perf_value.value = self.hardware.perf = start
                running = cocotb.start_soon(self.count())
                low = await self.csr.read_raw(REGS["PERF_LO"][0])
                end = self.hardware.perf
                value = low | await self.csr.read_raw(REGS["PERF_HI"][0]) << 32
                last = self.hardware.perf
                running.cancel()
                self.expect(
                    f"counter of {before} cycles before {high + 1}·2^32, in {start:#x}..{end:#x}: {value:#x}",
                    start <= value <= end,
                    True,
                )
                met.add("before" if value >> 32 == high < last >> 32 else "")
        require("before" in met, "no counter carried between the reads of its two words")

    async def count(self) -> None:
        while True:
            await FallingEdge(self.dut.clk)
            self.hardware.perf += 1
            self.dut.perf_value.value = self.hardware.perf

    async def keeps(self) -> None:
        """The high word is kept from read to read of the low one; nothing else touches it."""
        await reset(self.dut)
        for n in range(4):
            first, other = (int(v) for v in self.rng.integers(1 << 48, size=2))
            self.dut.perf_value.value = first
            await self.settle()
            if n == 0:
                self.expect("PERF_HI out of reset", await self.csr.read_raw(REGS["PERF_HI"][0]), 0)
            low = await self.csr.read_raw(REGS["PERF_LO"][0])
            self.dut.perf_value.value = other
            for access in ("nothing", "PERF_SEL", "PERF_CTRL", "PERF_LO", "peek"):
                if access == "peek":
                    await self.peek("PERF_LO")
                elif access != "nothing":
                    await self.csr.write(access, int(self.rng.integers(1 << 32)))
                self.expect(f"counter after {access}", await self.csr.read_raw(REGS["PERF_HI"][0]) << 32 | low, first)


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_hardware_test(CsrTest):
    """Signals of the hardware show in their registers; events count, set sticky bits and raise the interrupt, also amid
    a write.
    """

    async def body(self) -> None:
        for _ in range(4):
            self.hardware = Hardware.random(self.size["CTX"], self.size["SERVICES"], self.rng)
            self.hardware.drive(self.dut)
            await self.settle()
            for path, value in self.live().items():
                if path in self.regs:
                    _, seen = await self.regs[path].read()
                    self.expect(f"{path} by the front door", (int(seen), await self.peek(path)), (value, value))
        await self.counters()
        await self.sticky()
        await self.context_events()
        await self.event_amid_a_write()

    async def counters(self) -> None:
        for name, path in COUNTS.items():
            if path in self.regs:
                await self.regs[path].poke(0xFFFFFFFE)
                await self.fire(name, edges=3)
                await self.settle()
                self.expect(f"{path} after three events at 0xfffffffe", await self.peek(path), 1)
        await self.fire(*EVENTS)
        await self.settle()
        self.expect(
            "counters after one cycle of all events",
            [await self.peek(p) for p in COUNTS.values() if p in self.regs],
            [2] * sum(p in self.regs for p in COUNTS.values()),
        )

    async def sticky(self) -> None:
        layout = REGS["IRQ_STATUS"][1]
        for name, field in STICKY.items():
            await self.csr.write("IRQ_STATUS", 0x1F)
            await self.fire(name)
            bit = 1 << layout[field][0]
            for enabled in (0, 0x1F & ~bit, bit, 0x1F):
                await self.csr.write("IRQ_ENABLE", enabled)
                await self.settle()
                self.expect(
                    f"after {name}, enable {enabled:#07b}: status, interrupt",
                    (await self.status(), int(self.dut.irq.value)),
                    (bit, int(bool(enabled & bit))),
                )
            await self.csr.write("IRQ_STATUS", 0x1F & ~bit)
            self.expect(f"IRQ_STATUS after clearing others than {name}", await self.status(), bit)
            await self.csr.write("IRQ_STATUS", bit)
            self.expect(f"IRQ_STATUS after clearing {name}", (await self.status(), int(self.dut.irq.value)), (0, 0))

    async def status(self) -> int:
        return await self.csr.read_raw(REGS["IRQ_STATUS"][0])

    async def context_events(self) -> None:
        """Entering ERROR is an event of any context; falling from RUNNING to IDLE one of training contexts."""
        layout = REGS["IRQ_STATUS"][1]
        await self.csr.write("IRQ_ENABLE", 0x1F)
        for ctx in range(self.size["CTX"]):
            for path, before, after in (
                ("ctx_err", S.RUNNING, S.ERROR),
                ("ctx_done", S.RUNNING, S.IDLE),
                ("", S.ERROR, S.IDLE),
                ("", S.KILLING, S.IDLE),
                ("", S.RUNNING, S.KILLING),
            ):
                for state in (before, after):
                    if state == after:
                        await self.csr.write("IRQ_STATUS", 0x1F)
                    self.hardware.state[ctx] = state
                    self.hardware.drive(self.dut)
                    await self.settle()
                counts = path and (path != "ctx_done" or ctx >= self.size["C_INF"])
                self.expect(
                    f"context {ctx} from state {before} to {after}: IRQ_STATUS",
                    await self.status(),
                    1 << layout[path][0] if counts else 0,
                )
                self.expect("interrupt", int(self.dut.irq.value), int(bool(counts)))

    async def event_amid_a_write(self) -> None:
        """An event in the very cycle of a write to IRQ_STATUS is not lost, whatever is written:
        tried at every offset.
        """
        met = 0
        for written in (0x1F, 0x04, 0):
            for offset in range(1, 7):
                await self.csr.write("IRQ_STATUS", 0x1F)
                await FallingEdge(self.dut.clk)
                acts, event = (
                    cocotb.start_soon(self.cycles_to_write()),
                    cocotb.start_soon(self.late("bad_length", offset)),
                )
                await self.csr.write("IRQ_STATUS", written)
                took = await acts
                await event
                await self.settle()
                kept = offset >= took or not written & 4
                self.expect(
                    f"IRQ_STATUS: event in cycle {offset} of a write of {written:#x} that acts in {took}",
                    await self.status(),
                    4 if kept else 0,
                )
                met += offset == took
        require(met == 3, f"{met} events met a write")

    async def cycles_to_write(self) -> int:
        """Cycles until a register is written."""
        before, edges = int(self.dut.csr_toggle.value), 0
        while int(self.dut.csr_toggle.value) == before:
            await FallingEdge(self.dut.clk)
            edges += 1
        return edges

    async def late(self, name: str, edges: int) -> None:
        for _ in range(edges - 1):
            await FallingEdge(self.dut.clk)
        self.dut.events.value = 1 << EVENTS.index(name)
        await FallingEdge(self.dut.clk)
        self.dut.events.value = 0


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_command_test(CsrTest):
    """Commands last one cycle, whichever door they come through; instructions are put together from twelve words."""

    async def body(self) -> None:
        for ctx in range(self.size["CTX"]):
            path = f"CTX[{ctx}].CMD"
            if path in self.regs:
                for command in range(16):
                    for poke in (False, True):
                        await self.command(path, ctx, command, poke)
        before = int(self.dut.clear_count.value)
        for enable in (0, 1):
            await self.csr.write("PERF_CTRL", enable=enable, clear=1)
            await self.settle()
            self.expect("PERF_CTRL", (await self.peek("PERF_CTRL"), int(self.dut.perf_enable.value)), (enable, enable))
        self.expect("cycles in which performance counters were cleared", int(self.dut.clear_count.value) - before, 2)
        await self.instructions()

    async def command(self, path: str, ctx: int, command: int, poke: bool) -> None:
        def counts() -> list[int]:  # start, drain, kill, clear: the struct has start in its highest bit
            value = int(self.dut.cmd_count.value)
            return [value >> 8 * (4 * c + 3 - k) & 0xFF for c in range(self.size["CTX"]) for k in range(4)]

        before = counts()
        reg = self.regs[path]
        await (reg.poke(command) if poke else reg.write(command))
        await self.settle()
        seen = [(b - a) & 0xFF for a, b in zip(before, counts(), strict=True)]
        legal = [command >> k & 1 if c == ctx else 0 for c in range(self.size["CTX"]) for k in range(4)]
        self.expect(f"{path} {'poked' if poke else 'written'} {command:#06b}: cycles of each command", seen, legal)
        self.expect(f"{path} afterwards", await self.peek(path), 0)

    async def instructions(self) -> None:
        for unit in range(4):
            index = int(self.rng.integers((1 << 16) - 2))
            await self.csr.write("IMEM_ADDR", index=index, unit=unit)
            await self.csr.write("IMEM_DATA", 0xBAD)  # one word, of which the next write to IMEM_ADDR makes nothing
            await self.csr.write("IMEM_ADDR", index=index, unit=unit)
            for n in range(3):
                words = [int(w) for w in self.rng.integers(1 << 32, size=12)]
                before = int(self.dut.imem_count.value)
                for word in words:
                    self.expect("instructions stored too early", int(self.dut.imem_count.value), before)
                    await self.csr.write("IMEM_DATA", word)
                await self.settle()
                stored = (
                    int(self.dut.imem_count.value) - before,
                    int(self.dut.stored_unit.value),
                    int(self.dut.stored_addr.value),
                    int(self.dut.stored_word.value),
                )
                self.expect(
                    "instruction: count, unit, index, word",
                    stored,
                    (1, unit, index + n, sum(w << 32 * i for i, w in enumerate(words))),
                )


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_settings_test(CsrTest):
    """Every setting reaches the port that it is for, from every register field, a cycle after the write."""

    async def body(self) -> None:
        for _ in range(3):
            held = {}
            for path, reg in self.regs.items():
                if any(kind == "RW" for *_, kind in REGS[path][1].values()):
                    held[path] = int(self.rng.integers(1 << 32))
                    await reg.write(held[path])
            await self.settle()
            compared = set()
            for port, fields in settings(self.size["CTX"], self.size["SERVICES"]).items():
                value, at = int(getattr(self.dut, port).value), 0
                for path, name, width in reversed(fields):
                    if path in held:
                        lsb, bits, _, _ = REGS[path][1][name]
                        self.expect(
                            f"{port}: {path}.{name}",
                            value >> at & (1 << width) - 1,
                            held[path] >> lsb & (1 << bits) - 1,
                        )
                        compared.add((path, name))
                    at += width
            ours = {(p, f) for p in held for f, (*_, kind) in REGS[p][1].items() if kind == "RW" and self.present(p)}
            self.expect("settings without a port", sorted(ours - compared), [])

    def present(self, path: str) -> bool:
        """Whether this build has the service or context; interrupts and the instruction memory's pointer are other
        tests'.
        """
        number = int(path.partition("[")[2].partition("]")[0] or 0)
        return (
            path not in ("IRQ_ENABLE", "IMEM_ADDR")
            and number < self.size["SERVICES" if path.startswith("SVC") else "CTX"]
        )


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_visited_test(CsrTest):
    """Every register was reached through each door that it has, and every policy saw every kind of write.

    Must run behind the others.
    """

    async def body(self) -> None:
        COVERAGE.dump()
        left = COVERAGE.missing()
        if left:
            raise AssertionError(f"{len(left)} accesses were never made: {'; '.join(left[:8])}")
        await ClockCycles(self.dut.clk, 1)
