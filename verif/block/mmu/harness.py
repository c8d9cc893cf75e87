"""Drives tb_mmu: fills memories, feeds programs, reads the log and the accumulator, compares with model."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer, ValueChange
from numpy.typing import NDArray

from equinox_core.hw.modes import Mode
from equinox_core.hw.structs import CTX_ENV
from equinox_core.isa.encoding import INSTR_BITS, Instr, Op, encode, make
from verif.block.mmu.model import Clockwork, Env, Operands, Results, Schedule, Size
from verif.lib import checks
from verif.lib.bench import reset
from verif.lib.memfile import write_hex
from verif.lib.verdict import require

PROG = 512  # instructions a context in a phase, as in tb_mmu
NS = 10
EVENTS = 1 << 20  # events of a phase, as in tb_mmu
END = 1 << 40  # after every cycle


def size_of(dut: Any) -> Size:
    """The parameters of the bench's top."""
    p = {
        x: int(getattr(dut, x).value)
        for x in ("N", "M", "W", "CTX", "C_INF", "ACTC_DEPTH", "ACTD_DEPTH", "WGTC_DEPTH", "WGTD_DEPTH", "ACC_DEPTH")
    }
    return Size(
        p["N"],
        p["M"],
        p["W"],
        p["CTX"],
        p["C_INF"],
        (p["ACTC_DEPTH"], p["ACTD_DEPTH"]),
        (p["WGTC_DEPTH"], p["WGTD_DEPTH"]),
        p["ACC_DEPTH"],
    )


def random_operands(size: Size, rng: np.random.Generator, kind: str) -> Operands:
    """Operand memories.

    ``plain``: exponents near 1.0; ``special``: every exponent, zero and NaN blocks, full mantissas.
    """

    def blocks(depth: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        q = rng.integers(-128, 128, (depth, size.k)).astype(np.int8)
        e = rng.integers(118, 138, depth)
        if kind == "special":
            e = np.choose(
                rng.integers(0, 5, depth),
                [
                    rng.integers(0, 256, depth),
                    rng.integers(190, 256, depth),
                    rng.integers(60, 78, depth),
                    rng.integers(120, 134, depth),
                    np.where(rng.random(depth) < 0.2, 255, rng.integers(245, 255, depth)),
                ],
            )
            q[rng.random(depth) < 0.1] = 0
            q[rng.random(depth) < 0.1] = 127
            q[rng.random(depth) < 0.1] = -127
            q[rng.random(depth) < 0.2] = -128
        return q, e.astype(np.uint8)

    a = [blocks(d) for d in size.a_depth]
    b = [blocks(d) for d in size.b_depth]
    return Operands([x[0] for x in a], [x[1] for x in a], [x[0] for x in b], [x[1] for x in b])


@dataclass
class Log:
    """Events of a phase, and what the feeders did."""

    seen: Schedule = field(default_factory=Schedule)
    taken: list[tuple[int, int, int]] = field(default_factory=list)  # (cycle, context, place)
    modes: list[tuple[int, int]] = field(default_factory=list)
    kills: list[tuple[int, int, bool]] = field(default_factory=list)


class Harness:
    """One simulation; a phase is: reset, programs, run, compare."""

    def __init__(self, dut: Any, rng: np.random.Generator, kind: str = "plain") -> None:
        self.dut, self.rng, self.size = dut, rng, size_of(dut)
        self.ops = random_operands(self.size, rng, kind)
        self.acc: NDArray[np.uint32] | None = None
        self.compared = 0
        self.alone: dict[tuple[int, int], tuple[Env, int]] = {}

    async def start(self) -> None:
        """Reset, fill the operand memories, read the accumulator's first contents."""
        await self.reset()
        await self.load()
        self.acc = await self.dump()
        # The two copies of the accumulator start with different junk: one instruction overwrites every line.
        size = self.size
        rows = min(size.acc, size.a_depth[1], 65535)
        fill = [
            matmul(a_sp=1, b_sp=1, rows=min(rows, size.acc - x), n_g=1, n_k=1, a_sr=1, c_base=x, c_sr=1)
            for x in range(0, size.acc, rows)
        ]
        await self.phase([[fill]] + [[[]]] * (size.ctx - 1), [Env()] * size.ctx)

    async def load(self) -> None:
        """Fill the operand memories with what ``ops`` holds."""
        for name, q, e, per in (
            ("actc", self.ops.aq[0], self.ops.ae[0], 1),
            ("actd", self.ops.aq[1], self.ops.ae[1], 1),
            ("wgtc", self.ops.bq[0], self.ops.be[0], self.size.m),
            ("wgtd", self.ops.bq[1], self.ops.be[1], self.size.m),
        ):
            raw = np.concatenate([q.view(np.uint8), e[:, None]], axis=1).reshape(len(e) // per, -1)
            write_hex(Path(f"{name}.hex"), raw)
        await self._pulse("load_go")

    async def reset(self) -> None:
        dut = self.dut
        dut.run.value = 0
        dut.prog_len.value = 0
        dut.kill_req.value = 0
        dut.mode_rand.value = 0
        await reset(dut)
        await Timer(4 * NS, "ns")
        dut.log_n.value = 0

    async def _pulse(self, name: str) -> None:
        sig = getattr(self.dut, name)
        sig.value = 1
        await Timer(1, "ns")
        sig.value = 0
        await Timer(1, "ns")

    async def dump(self) -> NDArray[np.uint32]:
        """The accumulator memory, through the VPU's port: fp32 patterns [lines, L]."""
        self.dut.dump_go.value = 1
        await ValueChange(self.dut.dump_done)
        self.dut.dump_go.value = 0
        await Timer(1, "ns")
        words = [x for x in Path("acc.hex").read_text(encoding="utf-8").split() if not x.startswith(("//", "@"))]
        require(len(words) == self.size.acc, f"{len(words)} lines of the accumulator, expected {self.size.acc}")
        digits = "".join(x.zfill(8 * self.size.lanes) for x in words)
        return np.frombuffer(bytes.fromhex(digits), ">u4").reshape(self.size.acc, -1)[:, ::-1].astype(np.uint32)

    async def phase(
        self,
        programs: list[list[list[Instr]]],
        envs: list[Env],
        *,
        mode: int = Mode.PRIO,
        mode_rand: bool = False,
        train_rows: int = 8,
        max_gap: int = 0,
        kills: list[tuple[int, int]] = (),  # type: ignore[assignment]
        then_mode: int | None = None,
        delay: tuple[int, ...] = (),
        look: bool = True,
        alone: dict[tuple[int, int], tuple[Env, int]] | None = None,
        modes: list[tuple[int, int]] = (),  # type: ignore[assignment]
        kill_wait: int = 0,
    ) -> Log:
        """Run programs (a list of segments a context; a later segment starts when everything before is quiet) and
        compare all.

        ``kills``: (cycle, context). ``delay``: cycles before the first instruction of each context. ``look``: tb_mmu
        looks at each instruction's last line when it completes. ``then_mode``: mode for the rest once the inference
        contexts are through (for MODE_INF_ONLY). ``alone``: instructions (context, place) that are offered when their
        context is quiet, with an environment and ``train_rows`` of their own. ``modes``: (cycle, mode) of changes.
        ``kill_wait``: cycles from an error to the kill that answers it.
        """
        dut, self.alone = self.dut, alone or {}
        await self.reset()
        self._write_programs(programs, envs, train_rows, max_gap, delay, exact=look and not kills)
        await self._pulse("prog_go")
        dut.env.value = CTX_ENV.pack_all(map(_pack_env, envs))
        dut.mode_fix.value = mode
        dut.train_rows.value = train_rows
        dut.kill_wait.value = kill_wait
        await Timer(2 * NS, "ns")
        await FallingEdge(dut.clk)
        dut.run.value = 1
        dut.mode_rand.value = int(mode_rand)
        segments = max(len(p) for p in programs)
        for s in range(segments):
            await FallingEdge(dut.clk)
            ends = [sum(len(x) for x in p[: s + 1]) for p in programs]
            dut.prog_len.value = sum(v << 16 * c for c, v in enumerate(ends))
            if s == 0:
                for cycle, ctx in sorted(kills):
                    await self._kill_at(cycle, ctx)
                for cycle, value in sorted(modes):
                    await self._wait_for(cycle)
                    dut.mode_fix.value = value
            if s == 0 and then_mode is not None:
                await self._inference_through(programs)
                dut.mode_fix.value = then_mode
            await Timer(NS, "ns")
            if not int(dut.finished.value):
                await RisingEdge(dut.finished)
            await Timer(3 * NS, "ns")
        await self._pulse("log_go")
        log = self._read_log(mode)
        got = await self.dump()
        dut.run.value = 0
        self._check_results(programs, envs, train_rows, log, got)
        self._check_time(programs, envs, train_rows, log)
        return log

    async def _inference_through(self, programs: list[list[list[Instr]]]) -> None:
        want = [sum(len(x) for x in p[:1]) for p in programs[: self.size.c_inf]]
        while True:
            await Timer(50 * NS, "ns")
            word = int(self.dut.completed.value)
            if all((word >> 16 * c & 0xFFFF) >= w for c, w in enumerate(want)):
                await Timer(100 * NS, "ns")
                return

    async def _wait_for(self, cycle: int) -> None:
        now = int(self.dut.cycle.value)
        if cycle > now:
            await Timer((cycle - now) * NS, "ns")
        await FallingEdge(self.dut.clk)

    async def _kill_at(self, cycle: int, ctx: int) -> None:
        await self._wait_for(cycle)
        self.dut.kill_req.value = 1 << ctx
        await Timer(2 * NS, "ns")
        while not int(self.dut.quiet.value) >> ctx & 1:
            await Timer(NS, "ns")
        await Timer(NS, "ns")
        self.dut.kill_req.value = 0
        await Timer(2 * NS, "ns")

    def _write_programs(
        self,
        programs: list[list[list[Instr]]],
        envs: list[Env],
        train_rows: int,
        max_gap: int,
        delay: tuple[int, ...],
        exact: bool,
    ) -> None:
        size = self.size
        prog: list[str] = []
        chk: list[str] = []
        settings: list[str] = []
        trial = Results(size, self.ops, self.acc.copy())
        for c, segments in enumerate(programs):
            flat = [i for s in segments for i in s]
            require(len(flat) <= PROG)
            known = exact
            for text in (prog, chk, settings):
                text.append(f"@{c * PROG:x}")
            for place, ins in enumerate(flat):
                gap = int(self.rng.integers(0, max_gap + 1)) if self.rng.random() < 0.5 else 0
                gap = delay[c] if delay and place == 0 else gap
                prog.append(f"{gap << INSTR_BITS | word_of(ins):x}")
                env, rows = self.setting(envs, train_rows, c, place)
                bits, value, line = 32 * size.lanes, 0, 0
                if known:
                    fault, _, line = trial.execute(ins, env, rows, c >= size.c_inf)
                    known = fault is None  # what follows a fault is dropped: the trial is off the track
                    value = int.from_bytes(trial.acc[line].astype("<u4").tobytes(), "little")
                chk.append(f"{1 << bits + 31 | line << bits | value if known else 0:x}")
                flag = int((c, place) in self.alone)
                settings.append(f"{flag << 12 + CTX_ENV.bits | rows << CTX_ENV.bits | _pack_env(env):x}")
        for name, text in (("prog", prog), ("chk", chk), ("set", settings)):
            Path(f"{name}.hex").write_text("\n".join(text) + "\n", encoding="utf-8")

    def setting(self, envs: list[Env], train_rows: int, c: int, place: int) -> tuple[Env, int]:
        """Environment and ``train_rows`` of an instruction."""
        return self.alone.get((c, place), (envs[c], train_rows))

    def _read_log(self, mode: int) -> Log:
        log, n = Log(modes=[(0, mode)]), int(self.dut.log_n.value)
        require(n <= EVENTS, f"{n} events do not fit the log")
        words = [x for x in Path("log.hex").read_text(encoding="utf-8").split() if not x.startswith(("//", "@"))][:n]
        for word in words:
            v = int(word, 16)
            kind, ctx, payload, t = v >> 56, v >> 48 & 0xFF, v >> 32 & 0xFFFF, v & 0xFFFFFFFF
            if kind == 1:
                log.taken.append((t, ctx, payload))
            elif kind == 2:
                log.seen.rows.append((t, ctx))
            elif kind == 3:
                log.seen.done.append((t, ctx & 0x7F, payload, ctx >> 7))
            elif kind == 4:
                log.seen.errs.append((t, ctx, payload))
            elif kind == 5:
                log.modes.append((t, payload))
            elif kind in (6, 7):
                log.kills.append((t, ctx, kind == 6))
            elif kind == 8:
                log.seen.lines.append((t, ctx, payload))
            elif kind == 9:
                log.seen.stalls.append((t, payload))
        return log

    def _check_results(
        self, programs: list[list[list[Instr]]], envs: list[Env], train_rows: int, log: Log, got: NDArray[np.uint32]
    ) -> None:
        """Contents of the accumulator, completions and errors, from the instructions taken and the rows entered."""
        size = self.size
        model = Results(size, self.ops, self.acc.copy())
        for c, segments in enumerate(programs):
            flat = [i for s in segments for i in s]
            want_done: list[tuple[int, int]] = []
            low = -1
            entered = sorted(t for t, x in log.seen.rows if x == c)
            took = [(t, p) for t, x, p in log.taken if x == c]
            for high in [*(t for t, x, up in log.kills if x == c and up), END]:  # the stretches between kills
                left = bisect_right(entered, high) - bisect_right(entered, low)
                errs = [e for t, x, e in log.seen.errs if x == c and low < t <= high]
                for place in [p for t, p in took if low < t <= high]:
                    at = self.setting(envs, train_rows, c, place)
                    fault, rows, line = model.execute(flat[place], *at, c >= size.c_inf, left)
                    left -= rows
                    require(not errs or line >= 0 or [fault] == errs, f"context {c}: error {errs}, expected {fault}")
                    if line < 0:
                        require(high != END, f"context {c}: instruction {place} did not finish")
                        break
                    want_done.append((flat[place].signal, flat[place].step))
                require(left == 0, f"context {c}: {left} rows entered that no instruction has")
                low = high
            got_done = [(s, p) for _, x, s, p in log.seen.done if x == c]
            require(got_done == want_done, f"context {c}: completions {got_done}, expected {want_done}")
        bad = np.argwhere(got != model.acc)
        if len(bad):
            raise AssertionError(
                f"{len(bad)} values of the accumulator differ; line {bad[0][0]} lane {bad[0][1]}: "
                f"{got[tuple(bad[0])]:08x}, expected {model.acc[tuple(bad[0])]:08x}"
            )
        require((model.acc != self.acc).any(), "the phase changed nothing: nothing was compared")
        self.compared += int((model.acc != self.acc).sum())
        checks.compared("values of the accumulator", int((model.acc != self.acc).sum()))
        self.acc = got

    def _check_time(self, programs: list[list[list[Instr]]], envs: list[Env], train_rows: int, log: Log) -> None:
        """Every row, weight line, completion, error and stall in its cycle."""
        size = self.size
        flat = [[i for s in p for i in s] for p in programs]
        taken: dict[int, list[tuple[int, int, Instr]]] = {}
        for t, c, place in log.taken:
            taken.setdefault(t, []).append((c, place, flat[c][place]))
        modes, kills = dict(log.modes), {}
        for t, c, up in log.kills:
            kills.setdefault(t, []).append((c, up))
        model = Clockwork(size, lambda c, place: self.setting(envs, train_rows, c, place))
        mode, kill = log.modes[0][1], [False] * size.ctx
        last = max([t for t, *_ in log.seen.done + log.seen.errs + log.kills + log.seen.rows], default=0)
        events = sorted({*taken, *modes, *kills, last + 2 * size.n + 10})
        t = min(taken)
        while t < events[-1]:
            mode = modes.get(t, mode)
            for c, up in kills.get(t, []):
                kill[c] = up
            count = 0 if t in taken else model.steady(t, mode, kill, events[bisect_right(events, t)] - t)
            if not count:
                model.cycle(t, mode, kill, taken.get(t, []))
            t += count or 1
        checks.compared("rows in their cycles", len(model.out.rows))
        for what in ("rows", "lines", "done", "errs", "stalls"):
            seen, want = sorted(getattr(log.seen, what)), sorted(getattr(model.out, what))
            if seen != want:
                i = next(
                    (i for i, (a, b) in enumerate(zip(seen, want, strict=False)) if a != b), min(len(seen), len(want))
                )
                raise AssertionError(
                    f"{what}: event {i} is {seen[i - 2 : i + 3]}, expected {want[i - 2 : i + 3]} ({len(seen)} / "
                    f"{len(want)} events)"
                )


def word_of(ins: Instr) -> int:
    """The instruction word; an opcode of no unit, or of another one, with MATMUL's fields is one, too."""
    if ins.fields.keys() != matmul().fields.keys():
        return encode(ins)
    return encode(Instr(Op.MATMUL, ins.fields)) & ~0xF | int(ins.op)


def _pack_env(e: Env) -> int:
    """``ctx_env_t``; the fields that the MMU does not use get junk."""
    junk = {"vec_base": 0xA5A5, "c_base": 0x5A5A, "dram_base": 0xDEADBEEF, **e.junk}
    return CTX_ENV.pack(rows=e.rows, acc_base=e.acc_base, actc_base=e.actc_base, w_base=e.w_base, **junk)


def matmul(**fields: int) -> Instr:
    return make(Op.MATMUL, **fields)
