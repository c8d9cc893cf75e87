"""The register block's tests, in the order in which cocotb runs them: the last looks back on all."""
from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, FallingEdge

from models.csr_map import REGS
from models.hw.states import CtxState as S
from verif.block.csr.base import COUNTS, COVERAGE, EVENTS, STICKY, CsrTest, Hardware
from verif.block.csr.settings import settings
from verif.env.csr_coverage import STORED
from verif.sequences.boot import reset
from verif.sequences.registers import RegisterAccessSeq, RegisterBitBashSeq, RegisterResetSeq, RegisterUniqueSeq


@pyuvm.test()
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


@pyuvm.test()
class csr_bit_bash_test(CsrTest):
    """Every bit of every register written 1 and 0, over 0 and 1."""

    async def body(self) -> None:
        self.hardware = Hardware.random(self.size["CTX"], self.size["SERVICES"], self.rng)
        self.hardware.drive(self.dut)
        await self.play(RegisterBitBashSeq)


@pyuvm.test()
class csr_access_test(CsrTest):
    """Front door against back door, and all registers at the same time."""

    async def body(self) -> None:
        await self.play(RegisterAccessSeq)
        await self.play(RegisterUniqueSeq)


@pyuvm.test()
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


@pyuvm.test()
class csr_hardware_test(CsrTest):
    """Signals of the hardware show in their registers; events count, set sticky bits and raise the interrupt, also amid a write."""

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
        self.expect("counters after one cycle of all events", [await self.peek(p) for p in COUNTS.values() if p in self.regs],
                    [2] * sum(p in self.regs for p in COUNTS.values()))

    async def sticky(self) -> None:
        layout = REGS["IRQ_STATUS"][1]
        for name, field in STICKY.items():
            await self.csr.write("IRQ_STATUS", 0x1F)
            await self.fire(name)
            bit = 1 << layout[field][0]
            for enabled in (0, 0x1F & ~bit, bit, 0x1F):
                await self.csr.write("IRQ_ENABLE", enabled)
                await self.settle()
                self.expect(f"after {name}, enable {enabled:#07b}: status, interrupt", (await self.status(), int(self.dut.irq.value)), (bit, int(bool(enabled & bit))))
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
                ("ctx_err", S.RUNNING, S.ERROR), ("ctx_done", S.RUNNING, S.IDLE), ("", S.ERROR, S.IDLE), ("", S.KILLING, S.IDLE),
                ("", S.RUNNING, S.KILLING),
            ):  # fmt: skip
                for state in (before, after):
                    if state == after:
                        await self.csr.write("IRQ_STATUS", 0x1F)
                    self.hardware.state[ctx] = state
                    self.hardware.drive(self.dut)
                    await self.settle()
                counts = path and (path != "ctx_done" or ctx >= self.size["C_INF"])
                self.expect(f"context {ctx} from state {before} to {after}: IRQ_STATUS", await self.status(), 1 << layout[path][0] if counts else 0)
                self.expect("interrupt", int(self.dut.irq.value), int(bool(counts)))

    async def event_amid_a_write(self) -> None:
        """An event in the very cycle of a write to IRQ_STATUS is not lost, whatever is written: tried at every offset."""
        met = 0
        for written in (0x1F, 0x04, 0):
            for offset in range(1, 7):
                await self.csr.write("IRQ_STATUS", 0x1F)
                await FallingEdge(self.dut.clk)
                acts, event = cocotb.start_soon(self.cycles_to_write()), cocotb.start_soon(self.late("bad_length", offset))
                await self.csr.write("IRQ_STATUS", written)
                took = await acts
                await event
                await self.settle()
                kept = offset >= took or not written & 4
                self.expect(f"IRQ_STATUS: event in cycle {offset} of a write of {written:#x} that acts in {took}", await self.status(), 4 if kept else 0)
                met += offset == took
        assert met == 3, f"{met} events met a write"

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


@pyuvm.test()
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
            index = int(self.rng.integers(1 << 16))
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
                stored = (int(self.dut.imem_count.value) - before, int(self.dut.stored_unit.value), int(self.dut.stored_addr.value), int(self.dut.stored_word.value))
                self.expect("instruction: count, unit, index, word", stored, (1, unit, (index + n) & 0xFFFF, sum(w << 32 * i for i, w in enumerate(words))))


@pyuvm.test()
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
                        self.expect(f"{port}: {path}.{name}", value >> at & (1 << width) - 1, held[path] >> lsb & (1 << bits) - 1)
                        compared.add((path, name))
                    at += width
            ours = {(p, f) for p in held for f, (*_, kind) in REGS[p][1].items() if kind == "RW" and self.present(p)}
            self.expect("settings without a port", sorted(ours - compared), [])

    def present(self, path: str) -> bool:
        """Whether this build has the service or context; interrupts and the instruction memory's pointer are other tests'."""
        number = int(path.partition("[")[2].partition("]")[0] or 0)
        return path not in ("IRQ_ENABLE", "IMEM_ADDR") and number < self.size["SERVICES" if path.startswith("SVC") else "CTX"]


@pyuvm.test()
class csr_visited_test(CsrTest):
    """Every register was reached through each door that it has, and every policy saw every kind of write. Must run behind the others."""

    async def body(self) -> None:
        COVERAGE.dump()
        left = COVERAGE.missing()
        assert not left, f"{len(left)} accesses were never made: {'; '.join(left[:8])}"
        await ClockCycles(self.dut.clk, 1)
