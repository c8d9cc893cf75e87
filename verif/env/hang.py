"""A run that makes no progress ends, and says what waits for what.

The core's probe watches (``hang_watch.sv``); nothing here costs a cycle.
"""

from __future__ import annotations

from cocotb.triggers import RisingEdge
from pyuvm import uvm_component

from equinox_core.config import Config
from equinox_core.hw.states import CtxState, Err, Unit
from equinox_core.hw.structs import CTX_SEEN
from verif.agents.axis import now
from verif.agents.named import Named
from verif.env.config import EnvConfig
from verif.env.scoreboards import ResponseScoreboard

HOST = 10_000  # cycles for what the host does: it polls, writes registers, clears errors
BEATS = 4096  # more than LD, ST and the memory hold together
SLOWEST = 20  # times as long with the most random stalls that a scenario may have, 95 %
HEADS = ("nothing to issue", "waits for its fetch", "waits for semaphores", "waits for its unit")


def hang_limit(cfg: Config) -> int:
    """Cycles without any progress after which a run counts as hung.

    Rows, beats and lines are progress, so programs may be of any length: what can take long without one is the DRAM
    (its latency, others' bursts before ours, stalls) and the host. Batch timeouts are added in the probe, from the
    registers.
    """
    return HOST + 2 * cfg.LATENCY + SLOWEST * BEATS * (1 + cfg.GAP)


class HangWatch(Named, uvm_component):
    """Fails the run when the core's probe has seen no progress for too long.

    ``host``: the scoreboard that knows how far the host's requests have come.
    """

    def build_phase(self):
        cfg = EnvConfig.of(self)
        self.deployment, self.dut, self.probe = cfg.deployment, cfg.dut, cfg.probe
        self.host: ResponseScoreboard | None = None

    async def run_phase(self):
        self.probe.hang_limit.value = hang_limit(self.deployment.cfg)
        while True:
            await RisingEdge(self.probe.stuck)
            self.report()

    def report(self) -> None:
        """Raise the report.

        Raises:
            AssertionError: always.
        """
        raise AssertionError("\n".join([self.headline(), *(f"  {line}" for line in self.lines())]))

    def headline(self) -> str:
        who = [name for n, name in enumerate(("inference", "training")) if int(self.probe.stuck_who.value) >> n & 1]
        return (
            f"hang: {' and '.join(who)} waits, and nothing has moved for {int(self.probe.hang_limit.value)} cycles or "
            f"more, seen in cycle {now()}"
        )

    def lines(self) -> list[str]:
        """What waits for what, a line each."""
        cfg, probe, image = self.deployment.cfg, self.probe, self.deployment.image
        stream = int(probe.stuck_stream.value)
        out = [
            f"host: {self.host.position()}; request stream {('idle', 'idle', 'held back by the core', 'moves')[stream]}"
        ]
        levels, timeouts, names = (
            int(probe.stuck_level.value),
            int(probe.stuck_timeout.value),
            {n: name for name, n in self.deployment.index.items()},
        )
        for n, service in enumerate(image.services):
            level = levels >> 16 * n & 0xFFFF
            full = ", full" if level == cfg.QUEUE_DEPTH else ""
            out.append(
                f"queue of {names.get(n, n)}: {level} of {cfg.QUEUE_DEPTH} wait{full}; "
                f"a batch goes with {service.batch} or after {timeouts >> 32 * n & 0xFFFFFFFF} cycles"
            )
        out.append(f"payload slots: {int(probe.stuck_free.value)} of {cfg.RX_SLOTS} free")
        for c in range(cfg.CTX):
            out += self.context(c)
        reads, writes, replies = (
            int(signal.value) for signal in (self.dut.stuck_reads, self.dut.stuck_writes, self.dut.stuck_replies)
        )
        out.append(f"DRAM: {reads} read bursts, {writes} write bursts, {replies} write responses outstanding")
        return out

    def context(self, c: int) -> list[str]:
        """State of a context, and where its streams stand."""
        cfg, probe = self.deployment.cfg, self.probe
        seen = CTX_SEEN.unpack(int(probe.ctx_seen.value) >> CTX_SEEN.bits * c)
        state = CtxState(seen.state)
        kind = "inference" if c < cfg.C_INF else "training"
        out = [
            f"context {c} ({kind}): "
            f"{state.name}{f', {Err(seen.err_cause).name} in {Unit(seen.err_unit).name}' if seen.err_cause else ''}"
        ]
        if state == CtxState.IDLE:
            return out
        units, semaphores = len(Unit), int(probe.stuck_sem.value) >> 64 * c
        for u in range(units):
            n = units * c + u
            pc, head = int(probe.stuck_pc.value) >> 17 * n & 0x1FFFF, int(probe.stuck_head.value) >> 2 * n & 3
            lacks = int(probe.stuck_lacks.value) >> 16 * n & 0xFFFF
            busy = "" if int(probe.stuck_quiet.value) >> cfg.CTX * u + c & 1 else "; the unit has work of it"
            which = " " + ", ".join(str(k) for k in range(16) if lacks >> k & 1) if head == 2 else ""
            out.append(f"  {Unit(u).name} at {pc}: {HEADS[head]}{which}{busy}")
        held = {k: v for k in range(16) if (v := semaphores >> 4 * k & 15)}
        out.append(f"  semaphores above 0: {', '.join(f'{k} = {v}' for k, v in held.items()) or 'none'}")
        return out
