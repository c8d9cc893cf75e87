"""Functional model of the core: executes programs on buffers and DRAM, bit for bit as the hardware does.

Instructions are executed whole, in an order that their streams and semaphores allow. A program without races has one
result whatever the order; ``order`` picks another legal one, so that a missing semaphore shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .config import Config
from .dram_layout import block_places, line_beats
from .isa.access import I64, grid, run_starts
from .isa.asm import format_instr
from .isa.check import Bases, Fault, check_fields
from .isa.encoding import SEM_MAX, SEMAPHORES, UNIT_OF_OP, ASpace, BSpace, Err, Instr, LdDst, Op, StSrc, Unit
from .isa.own_lines import OwnLines
from .isa.program import Program
from .memories import Blocks, Memories
from .numerics import fp32_bits, hbfp_matmul
from .vector import VectorEnv, VectorFault, execute_vector

_PREFERENCE = (Unit.LD, Unit.MMU, Unit.VPU, Unit.ST)
_CACHE_LIMIT = 20000


class CoreError(ValueError):
    """A context stopped: ``cause`` (an ``Err``) and ``unit`` as CSR ``CTX.STATUS`` shows them."""

    def __init__(self, cause: Err, unit: Unit, message: str) -> None:
        super().__init__(f"{cause.name}: {message}")
        self.cause, self.unit = cause, unit


class Deadlock(RuntimeError):
    """No stream can go on; the message names what each waits for."""


Order = np.random.Generator | Sequence[Unit] | None


@dataclass
class Context:
    """What an instruction needs to know of the context it runs in; ``slots[row]`` is the RXB slot of a row."""

    index: int
    training: bool
    bases: Bases = Bases()
    rows: int = 0
    slots: tuple[int, ...] = ()
    env: VectorEnv = field(init=False)
    cfg: Config | None = None

    def __post_init__(self) -> None:
        if self.cfg is None:
            raise ValueError(f"context {self.index}: cfg is missing: legal is a Config")
        b = self.bases
        self.env = VectorEnv(
            self.cfg.N,
            self.cfg.RX_LINES,
            self.cfg.TX_LINES,
            self.index,
            self.training,
            self.rows,
            self.slots,
            b.vec,
            b.acc,
            b.actc,
            b.cst,
        )


@dataclass(frozen=True)
class _Product:
    """What a MATMUL touches: memories, addresses ``a`` [row, k], ``b`` [output, k], ``c`` [row, group]; ``whole``: all
    are legal.
    """

    act: Blocks
    wgt: Blocks
    a: I64
    b: I64
    c: I64
    whole: bool


@dataclass(frozen=True)
class _Move:
    """What a LOAD or STORE touches: a memory of lines or of blocks, its addresses [n_o, len] and, within a run, the
    beats of exponents (none for lines) and of data. Run ``good`` is the first beyond the memory, as ``fault`` says.
    """

    memory: NDArray[np.uint32] | Blocks
    local: I64
    exps: I64
    data: I64
    good: int
    fault: str


_Touched = TypeVar("_Touched", _Product, _Move)


class Core:
    """Buffers and DRAM of a core, and the execution of single instructions and of programs.

    Args:
        cfg: the configuration.
        dram: initial contents of DRAM from address 0 (rest zero).
        train_rows: CSR ``TRAIN_ROWS``, rows of a chunk in training contexts (default 2·N).
    """

    def __init__(
        self, cfg: Config, dram: bytes | NDArray[np.uint8] | None = None, train_rows: int | None = None
    ) -> None:
        self.cfg = cfg
        self.mem = Memories(cfg, dram)
        self.train_rows = 2 * cfg.N if train_rows is None else max(1, train_rows)
        self._plans: dict[tuple[int, int, int, int], tuple[Instr, Any]] = {}

    # -- single instructions ------------------------------------------------------------------------------------

    def execute(self, ins: Instr, unit: Unit, ctx: Context, iteration: int = 0) -> None:
        """Execute one instruction; ``iteration`` is the DMA's index, already modulo ITER_MOD.

        Raises:
            CoreError: the instruction is faulty.
            OwnLines: a VECTOR reads what it writes itself in a way that has no defined result.
        """
        try:
            if ins.op == Op.VECTOR and unit == Unit.VPU:
                execute_vector(ins, self.mem, ctx.env)
                return
            if ins.op == Op.MATMUL and unit == Unit.MMU:
                self._matmul(ins, ctx)
            elif ins.op == Op.LOAD and unit == Unit.LD:
                self._transfer(ins, ctx, iteration, self._load_lines, self._load_blocks)
            elif ins.op == Op.STORE and unit == Unit.ST:
                self._transfer(ins, ctx, iteration, self._store_lines, self._store_blocks)
            else:
                check_fields(ins, unit, self.cfg, ctx.training)
        except (Fault, VectorFault) as fault:
            raise CoreError(fault.cause, unit, f"{fault} in `{format_instr(ins, unit)}`") from None
        except OwnLines as why:
            raise OwnLines(f"{why} in `{format_instr(ins, unit)}`") from None

    def _plan(self, ins: Instr, ctx: Context, make: Callable[[Instr, Context], _Touched]) -> _Touched:
        """Addresses of an instruction in a context, checked and computed once."""
        b = ctx.bases
        key = (id(ins), -1 if ctx.training else ctx.rows, b.acc << 20 | b.actc, b.wgtd)
        found = self._plans.get(key)
        if found is None or found[0] is not ins:
            if len(self._plans) > _CACHE_LIMIT:
                self._plans.clear()
            check_fields(ins, UNIT_OF_OP[ins.op], self.cfg, ctx.training, ctx.rows, b.wgtd)
            found = self._plans[key] = (ins, make(ins, ctx))
        touched: _Touched = found[1]
        return touched

    def _plan_matmul(self, ins: Instr, ctx: Context) -> _Product:
        rows = ctx.rows if ins.dyn_rows else ins.rows
        if rows < 1:
            raise Fault(Err.OPERAND, "MATMUL: the batch has no valid rows")
        a_space, b_space = ASpace(ins.a_sp).name, BSpace(ins.b_sp).name
        a = grid(ins.a_base + ctx.bases.of(a_space), (rows, ins.a_sr), (ins.n_k, ins.a_sk)).reshape(rows, ins.n_k)
        b = grid(ins.b_base + ctx.bases.of(b_space), (ins.n_g, ins.b_sg), (self.cfg.L, 1), (ins.n_k, ins.b_sk))
        b = b.reshape(ins.n_g * self.cfg.L, ins.n_k)
        c = grid(ins.c_base + ctx.bases.acc, (rows, ins.c_sr), (ins.n_g, ins.c_sg)).reshape(rows, ins.n_g)
        act, wgt = self.mem.blocks(a_space), self.mem.blocks(b_space)
        whole = (
            a.max() < len(act[1])
            and b.max() < len(wgt[1])
            and c.max() < len(self.mem.ACC)
            and np.unique(c).size == c.size
        )
        return _Product(act, wgt, a, b, c, bool(whole))

    def _matmul(self, ins: Instr, ctx: Context) -> None:
        x = self._plan(ins, ctx, self._plan_matmul)
        (aq, ae), (bq, be), a, b, c = x.act, x.wgt, x.a, x.b, x.c
        acc = self.mem.ACC
        rows, groups = c.shape
        if x.whole:
            old = acc[c].view(np.float32).reshape(rows, -1) if ins.accum else None
            out = hbfp_matmul(aq[a], ae[a], bq[b], be[b], old)
            acc[c] = fp32_bits(out).reshape(rows, groups, -1)
            return
        chunk = self.train_rows if ctx.training else rows
        for first in range(0, rows, chunk):
            for g in range(groups):
                tile = b[g * self.cfg.L : (g + 1) * self.cfg.L]
                for k in range(ins.n_k):
                    self._tile(
                        ins, x.act, x.wgt, a[first : first + chunk, k], tile[:, k], c[first : first + chunk, g], k
                    )

    def _tile(self, ins: Instr, act: Blocks, wgt: Blocks, a: I64, b: I64, c: I64, k: int) -> None:
        """One tile row by row, up to the first address beyond a memory."""
        if b.max() >= len(wgt[1]):
            raise Fault(
                Err.OPERAND, f"MATMUL: {BSpace(ins.b_sp).name} address {b.max()}: legal range 0..{len(wgt[1]) - 1}"
            )
        acc = self.mem.ACC
        for row, line in zip(a, c, strict=True):
            if row >= len(act[1]):
                raise Fault(
                    Err.OPERAND, f"MATMUL: {ASpace(ins.a_sp).name} address {row}: legal range 0..{len(act[1]) - 1}"
                )
            if line >= len(acc):
                raise Fault(Err.OPERAND, f"MATMUL: ACC address {line}: legal range 0..{len(acc) - 1}")
            old = acc[line].view(np.float32)[None] if k or ins.accum else None
            out = hbfp_matmul(
                act[0][row][None, None], act[1][row].reshape(1, 1), wgt[0][b][:, None], wgt[1][b][:, None], old
            )
            acc[line] = fp32_bits(out)[0]

    def _plan_dma(self, ins: Instr, ctx: Context) -> _Move:
        k, bus = self.cfg.K, self.cfg.BUS
        space = (StSrc if ins.op == Op.STORE else LdDst)(ins.sp).name
        local = grid(ins.l_base + ctx.bases.of(space), (ins.n_o, ins.l_so), (ins.len, 1)).reshape(ins.n_o, ins.len)
        memory: NDArray[np.uint32] | Blocks
        if space in ("STG", "SOF"):
            memory = self.mem.STG if space == "STG" else self.mem.SOF
            exps, data, depth = np.arange(0), np.arange(line_beats(ins.len, self.cfg.L, bus)), len(memory)
        else:
            memory = self.mem.blocks(space)
            exps, data, depth = np.arange(-(-ins.len // bus)) * (k + 1), block_places(ins.len, k, bus), len(memory[1])
        outside = np.flatnonzero(local.max(axis=1) >= depth)
        good = int(outside[0]) if outside.size else ins.n_o
        return _Move(memory, local, exps, data, good, f"{space} address beyond {depth - 1}")

    def _transfer(
        self,
        ins: Instr,
        ctx: Context,
        iteration: int,
        lines: Callable[[NDArray[np.uint32], I64, I64], None],
        blocks: Callable[[Blocks, I64, I64, I64], None],
    ) -> None:
        """Move the runs before the first faulty one, then raise its fault, if there is one."""
        plan = self._plan(ins, ctx, self._plan_dma)
        data, good, text = plan.data, plan.good, plan.fault
        starts = run_starts(ins, iteration, ctx.bases.dram)
        cause = Err.OPERAND
        checks = (
            (starts % self.cfg.BUS != 0, Err.OPERAND, f"DRAM address is no multiple of {self.cfg.BUS}, a beat"),
            (
                starts // self.cfg.BUS + data[-1] >= len(self.mem.beats),
                Err.DMA_RESP,
                f"DRAM address beyond {self.cfg.BYTES - 1:#x}",
            ),
        )
        for bad, why, what in checks:
            if bad.any() and int(bad.argmax()) < good:
                good, cause, text = int(bad.argmax()), why, what
        if good:
            first = starts[:good, None] // self.cfg.BUS
            if isinstance(plan.memory, tuple):
                blocks(plan.memory, plan.local[:good], first + plan.exps, first + data)
            else:
                lines(plan.memory, plan.local[:good], first + data)
        if good < ins.n_o:
            raise Fault(cause, f"{ins.op.name}: run {good}: {text}")

    def _load_lines(self, memory: NDArray[np.uint32], local: I64, data: I64) -> None:
        memory[local] = self.mem.beats[data].reshape(*local.shape, -1).view("<u4")

    def _load_blocks(self, memory: Blocks, local: I64, exps: I64, data: I64) -> None:
        memory[0][local] = self.mem.beats[data].reshape(*local.shape, -1).view(np.int8)
        memory[1][local] = self.mem.beats[exps].reshape(len(local), -1)[:, : local.shape[1]]

    def _store_lines(self, memory: NDArray[np.uint32], local: I64, data: I64) -> None:
        self.mem.beats[data] = memory[local].astype("<u4").view(np.uint8).reshape(*data.shape, -1)

    def _store_blocks(self, memory: Blocks, local: I64, exps: I64, data: I64) -> None:
        packed = np.zeros((len(local), exps.shape[1] * self.cfg.BUS), np.uint8)
        packed[:, : local.shape[1]] = memory[1][local]
        runs = [packed.reshape(*exps.shape, -1), memory[0][local].view(np.uint8).reshape(*data.shape, -1)]
        self.mem.beats[np.concatenate([exps, data], axis=1)] = np.concatenate(
            runs, axis=1
        )  # of runs that overlap the last one stays

    # -- programs -----------------------------------------------------------------------------------------------

    def start_inference(
        self,
        prog: Program,
        payload: ArrayLike,
        bases: Bases = Bases(),
        ctx: int = 0,
        slots: Sequence[int] | None = None,
    ) -> Run:
        """Place a batch in the payload slots and return its :class:`Run`.

        payload: bf16 bit patterns uint16 ``[b, rx_lines, L]``, 1 ≤ b ≤ N; slots: RXB slot of each row (default 0..b-1).
        """
        x = np.asarray(payload)
        if (
            x.ndim != 3
            or not 1 <= x.shape[0] <= self.cfg.N
            or not 1 <= x.shape[1] <= self.cfg.RX_LINES
            or x.shape[2] != self.cfg.L
        ):
            raise ValueError(f"payload {x.shape}: need [1..{self.cfg.N}, 1..{self.cfg.RX_LINES}, {self.cfg.L}]")
        if not 0 <= ctx < self.cfg.C_INF:
            raise ValueError(f"context {ctx}: legal range of inference contexts 0..{self.cfg.C_INF - 1}")
        where = tuple(range(len(x))) if slots is None else tuple(slots)
        if len(where) != len(x) or len(set(where)) != len(x) or not all(0 <= s < self.cfg.RX_SLOTS for s in where):
            raise ValueError(f"slots {where}: need {len(x)} different ones in 0..{self.cfg.RX_SLOTS - 1}")
        for slot, row in zip(where, x, strict=True):
            at = slot * self.cfg.RX_LINES
            self.mem.RXB[at : at + len(row)] = row
        return Run(self, prog, Context(ctx, False, bases, len(x), where, cfg=self.cfg))

    def response(self, run: Run, tx_lines: int) -> NDArray[np.uint16]:
        """Payload of a finished batch's responses: bf16 ``[b, tx_lines, L]``."""
        area = self.mem.TXB.reshape(self.cfg.C_INF, self.cfg.N, self.cfg.TX_LINES, self.cfg.L)
        return area[run.ctx.index, : run.ctx.rows, :tx_lines].copy()

    def run_inference(
        self,
        prog: Program,
        payload: ArrayLike,
        bases: Bases = Bases(),
        ctx: int = 0,
        tx_lines: int | None = None,
        slots: Sequence[int] | None = None,
        order: Order = None,
    ) -> NDArray[np.uint16]:
        """Run a service's program on one batch; responses bf16 ``[b, tx_lines, L]`` (default: the program's).

        Raises:
            CoreError: an instruction is faulty. Deadlock: no stream can go on.
        """
        run = self.start_inference(prog, payload, bases, ctx, slots)
        run.finish(order)
        return self.response(run, prog.needs.tx_lines if tx_lines is None else tx_lines)

    def start_training(
        self,
        prog: Program,
        iters: int = 1,
        iter_mod: int = 1,
        bases: Bases = Bases(),
        ctx: int | None = None,
        sem_init: Sequence[int] | None = None,
    ) -> Run:
        """Return the :class:`Run` of a training program (semaphores default to the program's)."""
        if iters < 0 or not 0 <= iter_mod <= 65535:
            raise ValueError(f"iters = {iters}, iter_mod = {iter_mod}: legal ranges 0.., 0..65535")
        index = self.cfg.C_INF if ctx is None else ctx
        if not self.cfg.C_INF <= index < self.cfg.CTX:
            raise ValueError(f"context {index}: legal range of training contexts {self.cfg.C_INF}..{self.cfg.CTX - 1}")
        return Run(self, prog, Context(index, True, bases, cfg=self.cfg), iters, max(iter_mod, 1), sem_init)

    def run_training(
        self,
        prog: Program,
        iters: int = 1,
        iter_mod: int = 1,
        bases: Bases = Bases(),
        ctx: int | None = None,
        sem_init: Sequence[int] | None = None,
        order: Order = None,
        on_step: Callable[[int], None] | None = None,
    ) -> int:
        """Run a training program to its end; ``on_step(n)`` is called after the n-th step. Returns the steps done."""
        run = self.start_training(prog, iters, iter_mod, bases, ctx, sem_init)
        for step in run.steps(order):
            if on_step:
                on_step(step)
        return run.steps_done


class Run:
    """A program under way in a context: program counters, iterations and semaphores."""

    def __init__(
        self,
        core: Core,
        prog: Program,
        ctx: Context,
        iters: int = 1,
        iter_mod: int = 1,
        sem_init: Sequence[int] | None = None,
    ) -> None:
        self.core, self.prog, self.ctx = core, prog, ctx
        self.iters, self.iter_mod = iters, iter_mod
        self.sem = list(prog.sem_init if sem_init is None else sem_init)
        if not ctx.training:
            self.sem = [0] * SEMAPHORES
        self.pc = dict.fromkeys(Unit, 0)
        self.left = {u: iters if prog.streams[u] else 0 for u in Unit}
        self.steps_done = 0
        self._waits = {
            u: [tuple(s for s in range(SEMAPHORES) if i.wait >> s & 1) for i in prog.streams[u]] for u in Unit
        }
        self._signals = {
            u: [tuple(s for s in range(SEMAPHORES) if i.signal >> s & 1) for i in prog.streams[u]] for u in Unit
        }

    @property
    def done(self) -> bool:
        """All streams have ended."""
        return not any(self.left.values())

    def ready(self, unit: Unit) -> bool:
        """Whether the unit's next instruction may issue."""
        if not self.left[unit]:
            return False
        pc = self.pc[unit]
        if pc >= len(self.prog.streams[unit]):
            what = f"{self.prog.name}: stream of {unit.name} runs beyond its {pc} instructions: no `last`"
            raise CoreError(Err.PC_RANGE, unit, what)
        for s in self._waits[unit][pc]:
            if not self.sem[s]:
                return False
        return True

    def issue(self, unit: Unit) -> bool:
        """Execute the unit's next instruction; True if it completes a step.

        Raises:
            CoreError: the instruction is faulty, or its signal overflows a semaphore.
        """
        pc = self.pc[unit]
        ins = self.prog.streams[unit][pc]
        for s in self._waits[unit][pc]:
            self.sem[s] -= 1
        iteration = (self.iters - self.left[unit]) % self.iter_mod
        self.core.execute(ins, unit, self.ctx, iteration)
        for s in self._signals[unit][pc]:
            self.sem[s] += 1
            if self.sem[s] > SEM_MAX:
                raise CoreError(
                    Err.SEM_OVERFLOW, unit, f"{self.prog.name}: {unit.name}[{pc}] raises semaphore {s} above {SEM_MAX}"
                )
        self.pc[unit] = 0 if ins.last else pc + 1
        self.left[unit] -= ins.last
        self.steps_done += ins.step
        return bool(ins.step)

    def _choices(self, order: Order) -> Iterator[Unit]:
        """Which ready stream goes next: by preference, or by a preference drawn anew now and then."""
        if not isinstance(order, np.random.Generator):
            preference: Sequence[Unit] = order or _PREFERENCE
            while True:
                for unit in preference:
                    while self.ready(unit):
                        yield unit
                if not any(self.ready(u) for u in Unit):
                    return
        while True:
            preference = [Unit(int(u)) for u in order.permutation(4)]
            for _ in range(int(order.integers(1, 12))):
                chosen = next((u for u in preference if self.ready(u)), None)
                if chosen is None:
                    return
                yield chosen

    def advance(self, order: Order = None) -> Iterator[tuple[Unit, bool]]:
        """Issue instructions one by one until the streams end; yields (unit, completes a step).

        Raises:
            Deadlock: no stream can go on.
        """
        for unit in self._choices(order):
            yield unit, self.issue(unit)
        if not self.done:
            waiting = [
                f"{u.name}[{self.pc[u]}] `{format_instr(self.prog.streams[u][self.pc[u]], u)}`"
                for u in Unit
                if self.left[u]
            ]
            raise Deadlock(f"{self.prog.name}: no stream can go on: {'; '.join(waiting)}; semaphores {self.sem}")

    def steps(self, order: Order = None) -> Iterator[int]:
        """Run to the end; yields the number of steps done after each."""
        for _, step in self.advance(order):
            if step:
                yield self.steps_done

    def finish(self, order: Order = None) -> None:
        """Run to the end."""
        for _ in self.advance(order):
            pass
