"""Cycle-exact reference of the front end, written from docs/scheduler.md and docs/isa.md.

:meth:`FrontendModel.outputs` says what is seen in a cycle;
:meth:`FrontendModel.advance` takes what entered in that cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from equinox_core.hw.states import CtxState
from equinox_core.isa.encoding import LAYOUT, SEM_MAX, SEMAPHORES, UNIT_OF_OP, Err, Op, Status

IDLE, LOADING, RUNNING = CtxState.IDLE, CtxState.LOADING, CtxState.RUNNING
RESPOND, KILLING, ERROR = CtxState.RESPOND, CtxState.KILLING, CtxState.ERROR
UNITS = 4
_HELD = {unit: (1 << max(lsb + width for lsb, width in LAYOUT[op].values())) - 1 for op, unit in UNIT_OF_OP.items()}
"""What a unit's instruction memory holds of a word: up to the last field of the unit's instruction."""


@dataclass(frozen=True)
class Instruction:
    """What the front end looks at, and the whole word."""

    op: int
    wait: int
    signal: int
    last: bool
    step: bool
    word: int

    def fold(self, unit: int) -> int:
        """Exclusive or of the 32-bit parts of what a unit gets: the memory holds no bits beyond the unit's fields."""
        value, word = 0, self.word & _HELD[unit]
        while word:
            value ^= word & 0xFFFFFFFF
            word >>= 32
        return value


@dataclass
class Row:
    """A request of a batch, as the dispatcher hands it over."""

    ctx: int
    svc: int
    rows: int
    row: int
    slot: int
    id: int
    age: int = 0

    @property
    def last(self) -> bool:
        """Whether it is the batch's last."""
        return self.row == self.rows - 1


@dataclass
class Program:
    """Where a program's streams start, and how it is run."""

    pc: list[int | None]
    iters: int = 1
    iter_mod: int = 1
    sem_init: list[int] = field(default_factory=lambda: [0] * SEMAPHORES)
    timeout: int = 0


@dataclass
class Inputs:
    """What the block is given in one cycle; unit inputs are indexed [unit][context]."""

    cmd: list[set[str]]
    row: Row | None
    rsp_done: list[bool]
    ready: list[list[bool]]
    quiet: list[list[bool]]
    done: list[list[tuple[int, bool] | None]]  # (signal mask, step)
    err: list[list[int | None]]


@dataclass
class Stream:
    """One stream of a context."""

    pc: int | None = None  # None: at the base
    iters: int = 0
    iter: int = 0
    flight: Instruction | None = None
    head: Instruction | None = None

    def clear(self) -> None:
        """Forget everything."""
        self.pc, self.iters, self.iter, self.flight, self.head = None, 0, 0, None, None


@dataclass
class Context:
    """State of one context."""

    inference: bool
    state: int = IDLE
    program: Program = field(default_factory=lambda: Program([None] * UNITS))
    streams: list[Stream] = field(default_factory=lambda: [Stream() for _ in range(UNITS)])
    sems: list[int] = field(default_factory=lambda: [0] * SEMAPHORES)
    limit: int = 1
    cause: int = 0
    unit: int = 0
    steps: int = 0
    ok: bool = False
    killed: bool = False
    freeing: bool = False
    opened: bool = False
    overflow: int | None = None  # unit that overflowed a semaphore in the cycle before
    left: int = 0  # cycles until the batch's oldest request is late
    batch: list[Row] = field(default_factory=list)


class FrontendModel:
    """The front end; ``programs[svc]`` and ``training[ctx]`` are the settings in force."""

    def __init__(self, contexts: int, inference: int, depth: int) -> None:
        self.depth = depth
        self.imem: list[dict[int, Instruction]] = [{} for _ in range(UNITS)]
        self.ctx = [Context(c < inference) for c in range(contexts)]
        self.served = [-1] * UNITS  # context of each unit's last fetch
        self.programs: list[Program] = []
        self.training: dict[int, Program] = {}

    # -- what is seen
    def offer(self, u: int, c: int) -> tuple[Instruction | None, bool]:
        """Head instruction of a running context, and whether its waits are met."""
        ctx = self.ctx[c]
        head = ctx.streams[u].head if ctx.state == RUNNING else None
        met = head is not None and all(ctx.sems[s] for s in range(SEMAPHORES) if head.wait >> s & 1)
        return head, met

    def here(self, u: int, c: int) -> bool:
        """Whether the unit can be given the head: a batch's is kept, a training program's is the memory's output."""
        return self.ctx[c].inference or self.served[u] == c

    def more(self, u: int, c: int) -> bool:
        """Whether the stream has instructions left to fetch."""
        ctx = self.ctx[c]
        return ctx.program.pc[u] is not None and ctx.streams[u].iters < ctx.limit

    def outputs(self, ready: list[list[bool]]) -> dict[str, list]:
        """Everything visible in this cycle, by name; ``ready``: of the units, only the waits for fetches need it."""
        n = range(len(self.ctx))
        offers = [[self.offer(u, c) for c in n] for u in range(UNITS)]
        could = [[bool(h and met and h.op != Op.NOP) for h, met in row] for row in offers]
        valid = [[could[u][c] and self.here(u, c) for c in n] for u in range(UNITS)]
        return {
            "state": [x.state for x in self.ctx],
            "cause": [x.cause for x in self.ctx],
            "unit": [x.unit for x in self.ctx],
            "steps": [x.steps for x in self.ctx],
            "valid": valid,
            "fold": [[offers[u][c][0].fold(u) if valid[u][c] else 0 for c in n] for u in range(UNITS)],
            "iter": [[self.ctx[c].streams[u].iter if valid[u][c] else None for c in n] for u in range(UNITS)],
            "dep": [[bool(h and not met) for h, met in row] for row in offers],
            "fetch": [
                [
                    (self.ctx[c].state == RUNNING and self.more(u, c) and not offers[u][c][0])
                    or (could[u][c] and not valid[u][c] and ready[u][c])
                    for c in n
                ]
                for u in range(UNITS)
            ],
            "kill": [x.state == KILLING for x in self.ctx],
            "idle": [x.state == IDLE for x in self.ctx if x.inference],
            "rsp": [x.state == RESPOND for x in self.ctx if x.inference],
            "late": any(x.state in (LOADING, RUNNING) and not x.left for x in self.ctx if x.inference),
            "open": [x.opened for x in self.ctx if x.inference],
            "freed": sum(1 << r.slot for x in self.ctx if x.freeing for r in x.batch),
        }

    def answer(self, c: int) -> tuple[int, int, int]:
        """(status, service, rows) of the batch that context c has to answer."""
        ctx = self.ctx[c]
        return int(Status.OK if ctx.ok else Status.CTX_ERROR), ctx.batch[0].svc, ctx.batch[0].rows

    # -- what happens
    def advance(self, i: Inputs) -> None:
        """Take the inputs of this cycle."""
        n = len(self.ctx)
        offers = [[self.offer(u, c) for c in range(n)] for u in range(UNITS)]
        here = [[self.here(u, c) for c in range(n)] for u in range(UNITS)]
        grants = [self._grant(u, i.ready[u]) for u in range(UNITS)]
        for c, ctx in enumerate(self.ctx):
            taken, signals = [], []  # semaphore masks; signals with their unit
            nop_steps = 0
            go = []
            for u in range(UNITS):
                head, met = offers[u][c]
                fires = met and (head.op == Op.NOP or (i.ready[u][c] and here[u][c]))
                go.append(fires)
                if fires:
                    taken.append(head.wait)
                    if head.op == Op.NOP:
                        signals.append((u, head.signal))
                        nop_steps += head.step
                if i.done[u][c]:
                    signals.append((u, i.done[u][c][0]))
            steps = nop_steps + sum(bool(d and d[1]) for d in (i.done[u][c] for u in range(UNITS)))
            overflow = self._semaphores(ctx, taken, signals)
            fault = self._fault(c, i, ctx.overflow)
            ctx.overflow = overflow
            limit = self._drained(ctx, i.cmd[c])
            done = all(not self.more(u, c) and not ctx.streams[u].head for u in range(UNITS))
            quiet = all(i.quiet[u][c] for u in range(UNITS))
            running = ctx.state == RUNNING
            for u, stream in enumerate(ctx.streams):
                if running:
                    self._move(ctx, u, stream, go[u], grants[u] == c)
                else:
                    stream.clear()
            ctx.limit = limit
            ctx.steps = (ctx.steps + steps) % 2**32
            self._control(ctx, c, i, fault, done, quiet)

    def _grant(self, u: int, ready: list[bool]) -> int | None:
        n = len(self.ctx)
        for k in range(1, n + 1):
            c = (self.served[u] + k) % n if self.served[u] >= 0 else k - 1
            new = self._wants(u, c) and self._pc(u, c) < self.depth
            head, met = self.offer(u, c)
            again = met and head.op != Op.NOP and ready[c] and not self.here(u, c)
            if new or again:
                self.served[u] = c
                return c
        return None

    def _wants(self, u: int, c: int) -> bool:
        ctx = self.ctx[c]
        s = ctx.streams[u]
        return ctx.state == RUNNING and self.more(u, c) and s.head is None and s.flight is None

    def _pc(self, u: int, c: int) -> int:
        pc = self.ctx[c].streams[u].pc
        return self.ctx[c].program.pc[u] if pc is None else pc

    def _move(self, ctx: Context, u: int, s: Stream, go: bool, granted: bool) -> None:
        base = ctx.program.pc[u]
        if go:
            if s.head.last:
                s.pc, s.iters = None, s.iters + 1
                s.iter = 0 if s.iter + 1 >= ctx.program.iter_mod else s.iter + 1
            else:
                s.pc = (base if s.pc is None else s.pc) + 1
            s.head = None
        if s.flight:
            s.head, s.flight = s.flight, None
        if granted and s.head is None:  # else the head's own word once more
            s.flight = self.imem[u][base if s.pc is None else s.pc]

    def _semaphores(self, ctx: Context, taken: list[int], signals: list[tuple[int, int]]) -> int | None:
        """Add up a cycle's changes; returns the lowest unit that overflowed a semaphore."""
        culprit = None
        moved = 0
        for mask in taken:
            moved |= mask
        for _, mask in signals:
            moved |= mask
        for s in range(SEMAPHORES) if moved else ():
            value = ctx.sems[s] - sum(m >> s & 1 for m in taken) + sum(m >> s & 1 for _, m in signals)
            if value > SEM_MAX:
                units = [u for u, m in signals if m >> s & 1]
                culprit = min([*units, culprit] if culprit is not None else units)
            ctx.sems[s] = max(0, min(SEM_MAX, value))
        return culprit

    def _fault(self, c: int, i: Inputs, overflow: int | None) -> tuple[int, int] | None:
        for u in range(UNITS):
            if i.err[u][c] is not None:
                return i.err[u][c], u
        if overflow is not None:
            return int(Err.SEM_OVERFLOW), overflow
        for u in range(UNITS):
            if self._wants(u, c) and self._pc(u, c) >= self.depth:
                return int(Err.PC_RANGE), u
        return None

    def _drained(self, ctx: Context, cmd: set[str]) -> int:
        if "drain" not in cmd or ctx.inference:
            return ctx.limit
        furthest = max((s.iters for u, s in enumerate(ctx.streams) if ctx.program.pc[u] is not None), default=0)
        return min(ctx.limit, furthest + 1)

    def _control(self, ctx: Context, c: int, i: Inputs, fault, done: bool, quiet: bool) -> None:
        cmd, state = i.cmd[c], ctx.state
        ctx.freeing = ctx.opened = False
        ctx.left = max(0, ctx.left - 1)
        row = i.row if i.row and i.row.ctx == c else None
        if row:
            if row.row == 0:
                ctx.batch, ctx.program, ctx.opened = [], self.programs[row.svc], True
                ctx.left = max(0, ctx.program.timeout - row.age)
            ctx.batch.append(row)
            if row.last:
                ctx.ok = not (state == LOADING and (ctx.killed or "kill" in cmd))
                self._start(ctx, RUNNING if ctx.ok else KILLING)
            else:
                ctx.state = LOADING
        elif state == IDLE and "start" in cmd and not ctx.inference:
            ctx.program = self.training[c]
            self._start(ctx, RUNNING)
            ctx.limit = ctx.program.iters
        elif state == RUNNING:
            if fault or "kill" in cmd:
                ctx.state, ctx.ok = KILLING, False
                if fault:
                    ctx.cause, ctx.unit = fault
            elif done and quiet:
                self._leave(ctx, IDLE)
        elif state == KILLING and quiet:
            self._leave(ctx, ERROR if ctx.cause else IDLE)
        elif state == RESPOND and i.rsp_done[c]:
            ctx.state = ERROR if ctx.cause else IDLE
        elif state == ERROR and "clear" in cmd:
            ctx.state, ctx.cause, ctx.unit = IDLE, 0, 0
        ctx.killed = state == LOADING and (ctx.killed or "kill" in cmd)

    def _start(self, ctx: Context, state: int) -> None:
        ctx.state, ctx.steps, ctx.sems = state, 0, list(ctx.program.sem_init)

    def _leave(self, ctx: Context, state: int) -> None:
        ctx.state = RESPOND if ctx.inference else state
        ctx.freeing = ctx.inference
