"""A storm of events, context states, clears and enables; sticky bits, interrupt and counters compared every cycle."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import FallingEdge, Timer

from equinox_core.csr_map import REGS
from equinox_core.hw.states import CtxState
from equinox_core.hw.structs import CTX_STS
from verif.block.csr.harness import EVENTS, CsrTest
from verif.lib import checks, coverage
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.verdict import equal, require

STICKY = tuple(REGS["IRQ_STATUS"][1])
AROUND = range(-8, 9)
CONTEXTS = 4
COUNT_BITS = 32
WALK = [(a.name, b.name) for a in CtxState for b in CtxState if a != b]


def events_cg() -> Covergroup:
    """``csr_events_cg``: each sticky bit's event in the cycles around a write that clears it, or clears others; two
    events in one cycle; each counter's carries (32: it wrapped); each context's changes of state.
    """
    return Covergroup(
        "csr_events_cg",
        {
            "cp_bit": STICKY,
            "cp_other": STICKY,
            "cp_offset": map(str, AROUND),
            "cp_clears": ("it", "others"),
            "cp_event": EVENTS,
            "cp_event_too": EVENTS,
            "cp_carry": [str(k) for k in range(1, COUNT_BITS + 1)],
            "cp_context": map(str, range(CONTEXTS)),
            "cp_change": [f"{a} to {b}" for a, b in WALK],
        },
        {
            "cr_bit_offset": Cross("cp_bit", "cp_offset", "cp_clears"),
            "cr_bits": Cross("cp_bit", "cp_other", illegal=[(b, b) for b in STICKY]),
            "cr_events": Cross("cp_event", "cp_event_too", illegal=[(e, e) for e in EVENTS]),
            "cr_count_carry": Cross("cp_event", "cp_carry"),
            "cr_context_change": Cross("cp_context", "cp_change"),
        },
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {events_cg().name: coverage.cocotb_groups()["csr_events_cg"]}


@pyuvm.test(timeout_time=20, timeout_unit="ms")
class csr_events_test(CsrTest):
    """Any events in any cycle, beside any writes: a bit is set by its events alone, cleared by its own 1 alone, and an
    event in the cycle of a write is kept; each counter counts its own event, in each of its bits.
    """

    async def body(self) -> None:
        self.group, self.seen = events_cg(), set()
        self.status = self.enable = 0
        self.counts = dict.fromkeys(EVENTS, 0)
        self.state = [int(CtxState.IDLE)] * self.size["CTX"]
        self.written: list[tuple[int, int]] = []  # cycle, bits cleared
        self.raised: list[set[str]] = []  # sticky bits raised, by cycle
        self.stop = False
        writer = cocotb.start_soon(self.writes())
        await FallingEdge(self.dut.clk)
        toggle = int(self.dut.csr_toggle.value)
        for carry in range(1, COUNT_BITS + 1):
            for name in EVENTS:
                self.counts[name] = (1 << carry) - 1 - int(self.rng.integers(3))
                self.counts[name] = max(self.counts[name], 0)
                await self.door(f"CNT_{name.upper()}", self.counts[name])
            for _ in range(90):
                toggle = await self.cycle(toggle)
        self.dut.events.value = 0
        self.stop = True
        await writer
        await self.settle()
        for name in EVENTS:
            value = await self.csr.read_raw(REGS[f"CNT_{name.upper()}"][0])
            self.expect(f"CNT_{name.upper()} at the end", value, self.counts[name])
        self.around()
        coverage.dump(covergroups(), "csr_events")
        if self.size["CTX"] == CONTEXTS:
            left = [f"{p}: {b}" for p, bins in covergroups()["csr_events_cg"].items() for b, n in bins.items() if not n]
            require(not left, f"{len(left)} bins were never hit: {'; '.join(left[:8])}")

    async def door(self, path: str, value: int | None = None) -> int:
        """A register by the back door, within this half of the cycle: what it holds, and what it shall hold."""
        port = self.dut.u_csr.u_regs.u_backdoor
        port.addr.value, port.write.value, port.data.value = REGS[path][0], int(value is not None), value or 0
        port.toggle.value = not int(port.toggle.value)
        await Timer(100, "ps")
        return int(port.q.value)

    async def writes(self) -> None:
        """Writes to the sticky bits and to their enables, one behind the other, with pauses that vary."""
        while not self.stop:
            path = "IRQ_STATUS" if self.rng.random() < 0.7 else "IRQ_ENABLE"
            value = int(self.rng.integers(1 << len(STICKY)))
            await self.bus.write(REGS[path][0], value, 1 if self.rng.random() < 0.8 else 0xE)
            for _ in range(int(self.rng.integers(4))):
                await FallingEdge(self.dut.clk)

    async def cycle(self, toggle: int) -> int:
        """Drive a cycle at random, and compare what is behind it; returns the toggle of writes."""
        rng, dut = self.rng, self.dut
        events = [name for name in EVENTS if rng.random() < 0.2]
        dut.events.value = sum(1 << EVENTS.index(name) for name in events)
        before, after = self.state, list(self.state)
        for c in range(len(after)):
            if rng.random() < 0.5:  # half of these to or from RUNNING, as few changes are events
                often = CtxState.IDLE if after[c] == CtxState.RUNNING else CtxState.RUNNING
                after[c] = int(often if rng.random() < 0.5 else rng.integers(len(CtxState)))
        dut.ctx_sts.value = CTX_STS.pack_all(CTX_STS.pack(state=s, err_cause=0, err_unit=0, steps=0) for s in after)
        await FallingEdge(dut.clk)
        raised = {name for name in events if name in STICKY}
        for c, (was, now) in enumerate(zip(before, after, strict=True)):
            if now == CtxState.ERROR and was != now:
                raised.add("ctx_err")
            if c >= self.size["C_INF"] and was == CtxState.RUNNING and now == CtxState.IDLE:
                raised.add("ctx_done")
            if was != now:
                self.note(cp_context=str(c), cp_change=f"{CtxState(was).name} to {CtxState(now).name}")
        self.state = after
        self.raised.append(raised)
        for name in events:
            self.counts[name] = (self.counts[name] + 1) % (1 << COUNT_BITS)
            value = self.counts[name]
            carry = (value & -value).bit_length() - 1 if value else COUNT_BITS
            if carry:
                self.note(cp_event=name, cp_carry=str(carry))
            for other in events:
                if other != name:
                    self.note(cp_event=name, cp_event_too=other)
        for bit in raised:
            for other in raised - {bit}:
                self.note(cp_bit=bit, cp_other=other)
        if int(dut.csr_toggle.value) != toggle:
            toggle ^= 1
            if int(dut.csr_strobe.value) & 1:
                value = int(dut.csr_data.value) & (1 << len(STICKY)) - 1
                if int(dut.csr_addr.value) == REGS["IRQ_STATUS"][0]:
                    self.status &= ~value
                    self.written.append((len(self.raised) - 1, value))
                else:
                    self.enable = value
        self.status |= sum(1 << REGS["IRQ_STATUS"][1][bit][0] for bit in raised)
        equal(await self.door("IRQ_STATUS"), self.status, "sticky bits")
        equal(int(dut.irq.value), int(bool(self.status & self.enable)), f"interrupt, {self.status:#x} {self.enable:#x}")
        for name in EVENTS:
            if name in events or rng.random() < 0.1:
                equal(await self.door(f"CNT_{name.upper()}"), self.counts[name], f"counter of {name}")
        checks.compared("sticky bits, interrupt and counters", 2 + len(events))
        return toggle

    def note(self, **values: str) -> None:
        """Sample a combination, once: a sample looks at every bin."""
        key = tuple(values.items())
        if key not in self.seen:
            self.seen.add(key)
            self.group.sample(**values)

    def around(self) -> None:
        """Sample where events lay around the writes that clear."""
        for at, value in self.written:
            for bit in STICKY:
                cleared = value >> REGS["IRQ_STATUS"][1][bit][0] & 1
                for offset in AROUND:
                    if 0 <= at + offset < len(self.raised) and bit in self.raised[at + offset]:
                        self.note(cp_bit=bit, cp_offset=str(offset), cp_clears="it" if cleared else "others")
