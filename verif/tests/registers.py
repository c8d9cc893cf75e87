"""The registers in the whole core, over the front door through the generated register model; and the performance
counters' sums.

Both doors, every bit and every register: ``verif/block/csr``.
"""

from __future__ import annotations

import cocotb
from pyuvm import uvm_check_e, uvm_reg, uvm_status_e

from equinox_core.csr_map import REGS
from equinox_core.hw.modes import POLICIES
from equinox_core.isa.encoding import Status, Unit
from equinox_core.isa.program import words32
from verif.agents.axis import cycles, now
from verif.agents.csr_agent import Csr
from verif.agents.register_model import register_model
from verif.env.csr_coverage import CsrCoverage
from verif.env.perf import model_counts, probe_counts
from verif.lib.verdict import require
from verif.sequences.boot import BootSeq, PatchSeq, PerfSeq, reset
from verif.sequences.replay import bad_request
from verif.tests.base import EquinoxTest

PATTERNS = (0xFFFFFFFF, 0x00000000, 0xAAAAAAAA, 0x55555555)
HANDS_OFF = ("CMD", "IMEM_DATA", "IRQ_STATUS")  # writing these does something else than storing


class Registers(EquinoxTest):
    """Values out of reset, fields written and read back, read-only and sticky ones, byte strobes, counters."""

    expects = True

    async def boot(self) -> None:
        """Only reset: the registers are to be seen as they come out of it."""
        await reset(self.dut)
        self.csr = Csr()
        self.ctx = self.cfg.C_INF
        self.covered = CsrCoverage()
        self.model = register_model(observer=self.covered.sample)
        self.regs: dict[str, uvm_reg] = {}
        for reg in self.model.get_registers():
            path = reg.get_full_name().split(".", 1)[1]
            self.regs[path] = reg

    async def body(self) -> None:
        self.map_agrees()
        await self.reset_values()
        await self.read_only()
        await self.patterns()
        await self.all_different()
        await self.strobes()
        await BootSeq(self.deployment.image, POLICIES.index(self.scenario.policy)).start()
        await self.in_parts()
        await self.sticky()
        await self.counters()
        self.covered.dump()

    async def value(self, path: str) -> int:
        status, value = await self.regs[path].read()
        self.expect(f"{path}: read status", status, uvm_status_e.UVM_IS_OK)
        return int(value)

    async def put(self, path: str, value: int) -> None:
        self.expect(f"{path}: write status", await self.regs[path].write(value), uvm_status_e.UVM_IS_OK)

    @staticmethod
    def mask(path: str, *kinds: str) -> int:
        """Bits of a register's fields of these kinds."""
        return sum(((1 << width) - 1) << lsb for lsb, width, _, kind in REGS[path][1].values() if kind in kinds)

    def map_agrees(self) -> None:
        """The two generated descriptions have the same registers, addresses and fields."""
        self.expect("registers", set(self.regs), set(REGS))
        for path, (address, layout) in REGS.items():
            self.expect(f"{path}: address", self.regs[path].get_address(), address)
            fields = {f.get_name(): (f.get_lsb_pos(), f.get_n_bits()) for f in self.regs[path].get_fields()}
            self.expect(f"{path}: fields", fields, {name: place[:2] for name, place in layout.items()})

    async def reset_values(self) -> None:
        parameters = {
            "size_n": self.cfg.N,
            "size_m": self.cfg.M,
            "size_w": self.cfg.W,
            "c_inf": self.cfg.C_INF,
            "ctx": self.cfg.CTX,
        }
        for path, (_, layout) in REGS.items():
            if path == "IMEM_DATA":
                continue
            expected = {name: reset for name, (_, _, reset, _) in layout.items()} if path != "PARAMS" else parameters
            value = await self.value(path)
            seen = {name: value >> lsb & (1 << width) - 1 for name, (lsb, width, _, _) in layout.items()}
            self.expect(f"{path} after reset", seen, expected)
            unused = ~self.mask(path, "RW", "RO", "W1C", "WP", "WO") & 0xFFFFFFFF
            self.expect(f"{path}: bits without a field", value & unused, 0)

    async def read_only(self) -> None:
        """Writes to what can only be read change nothing."""
        for path, (address, _) in REGS.items():
            if not self.mask(path, "RW", "W1C", "WP", "WO"):
                before = await self.value(path)
                await self.csr.write_raw(address, ~before & 0xFFFFFFFF)
                self.expect(f"{path} after a write", await self.value(path), before)

    def stored(self) -> list[str]:
        """Registers that only keep what is written."""
        return [p for p in REGS if self.mask(p, "RW") and p.rsplit(".", 1)[-1] not in HANDS_OFF]

    async def patterns(self) -> None:
        """Each field takes each bit pattern; other bits of the word read 0."""
        for path in self.stored():
            kept = self.mask(path, "RW")
            for pattern in (*PATTERNS, int(self.rng.integers(1 << 32))):
                await self.put(path, pattern)
                self.expect(f"{path} after {pattern:#010x}", await self.value(path), pattern & kept)

    async def all_different(self) -> None:
        """All registers hold values of their own at the same time; then their reset values come back."""
        held = {path: int(self.rng.integers(1 << 32)) & self.mask(path, "RW") for path in self.stored()}
        for path, value in held.items():
            await self.put(path, value)
        for path, value in held.items():
            self.expect(f"{path} among all", await self.value(path), value)
            self.expect(f"{path}: mirror", int(self.regs[path].get_mirrored_value()), value)
        for path in held:
            await self.put(path, self.regs[path].get_reset())
        for path in held:
            self.expect(
                f"{path}: mirrored", await self.regs[path].mirror(uvm_check_e.UVM_CHECK), uvm_status_e.UVM_IS_OK
            )
            self.expect(f"{path} reset by hand", await self.value(path), self.regs[path].get_reset())

    async def strobes(self) -> None:
        """A write changes the bytes that its strobes name."""
        path = "SVC[0].TIMEOUT"
        address, held = REGS[path][0], 0
        for strobe in (*range(16), 0):
            value = int(self.rng.integers(1 << 32))
            await self.csr.write_raw(address, value, strobe)
            named = sum(0xFF << 8 * n for n in range(4) if strobe >> n & 1)
            held = held & ~named | value & named
            self.expect(f"{path} with strobes {strobe:#06b}", await self.value(path), held)

    async def in_parts(self) -> None:
        """Instructions of a service written again in halves and bytes, over others that were put in their place: it
        still works.
        """
        unit, service = Unit.VPU, self.deployment.image.services[0]
        start, words = service.pc[unit], self.deployment.image.imem[unit]
        address, data = REGS["IMEM_ADDR"][0], REGS["IMEM_DATA"][0]
        for parts in ((0b0011, 0b1100), (0b0001, 0b0010, 0b0100, 0b1000)):
            await PatchSeq(unit, start, words[start + 1]).start()
            await self.csr.write("IMEM_ADDR", index=start ^ 1, unit=Unit.ST)
            await self.csr.write_raw(address, int(unit) << 16 | 0xFF, 0b0100)
            await self.csr.write_raw(address, start, 0b0011)
            self.expect("IMEM_ADDR", await self.csr.read("IMEM_ADDR"), {"index": start, "unit": int(unit)})
            for word in words32(words[start]):
                for strobe in parts:
                    await self.csr.write_raw(data, word, strobe)

    async def sticky(self) -> None:
        """Sticky bits are set by events and cleared by writing 1 to them alone."""
        await self.put("IRQ_STATUS", 0x1F)  # the boot program's end
        self.expect("IRQ_STATUS", await self.value("IRQ_STATUS"), 0)
        await self.send(
            [
                bad_request(self.deployment, 0, 0, self.rng, Status.BAD_LENGTH),
                bad_request(self.deployment, 3, 1, self.rng, Status.NOT_INSTALLED),
            ]
        )
        self.expect("IRQ_STATUS with events", await self.value("IRQ_STATUS"), 0b00110)
        for written, left in ((0b11001, 0b00110), (0b00000, 0b00110), (0b00010, 0b00100), (0b11111, 0)):
            await self.put("IRQ_STATUS", written)
            self.expect(f"IRQ_STATUS after {written:#07b}", await self.value("IRQ_STATUS"), left)
            self.expect("IRQ_STATUS: mirror", int(self.regs["IRQ_STATUS"].get_mirrored_value()), left)

    async def counters(self) -> None:
        """Every counter is what the probe counted and what the timing model says, and every unit's sum to all cycles;
        they stand still when disabled and can be cleared.
        """
        await self.set_timeout(400)
        names = list(self.deployment.index) * (2 * self.cfg.N)
        for train in (False, True):
            await PerfSeq(start=True).start()
            begin = now()
            if train:
                await self.start_training()
            serving = cocotb.start_soon(self.send_good(names))
            await serving
            if train:
                self.env_cfg.require("weight_board")
                await self.wait_steps(1)
                await self.drain_training()
            await cycles(200)
            perf = PerfSeq(start=False, c_inf=self.cfg.C_INF, ctx=self.cfg.CTX)
            end = now()
            await perf.start()
            self.split_is_whole(perf, end - begin, train)
            self.as_counted(perf)
            self.as_the_model_says()
        await self.stand_still()

    def as_the_model_says(self) -> None:
        """The core was idle when the counters began and ended: the timing model knows what each unit did."""
        probe, model = probe_counts(self.env_cfg.probe, self.cfg), model_counts(self.env.latency_board, self.cfg)
        for what in ("counts", "dep", "fetch"):
            seen = getattr(probe, what)
            for key, count in getattr(model, what).items():
                self.expect(f"{what} of {key}, by the model", seen[key], count)

    def as_counted(self, perf: PerfSeq) -> None:
        for key, count in probe_counts(self.env_cfg.probe, self.cfg).counts.items():
            self.expect(f"counter {key}", perf.counts[key], count)

    def split_is_whole(self, perf: PerfSeq, taken: int, train: bool) -> None:
        require(abs(perf.cycles - taken) < 50, f"{perf.cycles} cycles counted in about {taken}")
        for unit, split in perf.units.items():
            self.expect(f"{unit}: sum of {split}", sum(split.values()), perf.cycles)
            works = unit in ("MMU", "VPU")  # the services need no DMA
            self.expect(f"{unit}: worked for inference", split["inference"] > 0, works)
            self.expect(f"{unit}: worked for training", split["training"] > 0, train)

    async def stand_still(self) -> None:
        first = PerfSeq(start=False, c_inf=self.cfg.C_INF, ctx=self.cfg.CTX)
        await first.start()
        await cycles(300)
        again = PerfSeq(start=False, c_inf=self.cfg.C_INF, ctx=self.cfg.CTX)
        await again.start()
        self.expect("counters while disabled", (again.units, again.cycles), (first.units, first.cycles))
        await self.csr.write("PERF_CTRL", enable=0, clear=1)
        await again.start()
        self.expect(
            "counters after clearing", (again.cycles, sum(sum(u.values()) for u in again.units.values())), (0, 0)
        )
