"""What the timing model holds: records, which compiled code reads by name.

Each is a class for the type checker, and a numpy dtype for numba that :func:`dtype` makes from it; objects of the
classes there are none. All numbers have 64 bits. Times are cycles. Cycle t ends with rising clock edge t; what a
register shows "from t on" was written at edge t-1. ``NEVER`` stands for a time that nothing is planned for. Contexts,
units, services are padded to the largest legal core.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from .layout import (
    ANSWERS,
    BATCH_MAX,
    BURSTS,
    CTX,
    FINISHES,
    LD_BURSTS,
    OPERANDS,
    PIECES_ST,
    QUEUE,
    RELOCATIONS,
    RING,
    SEGMENTS,
    SEMS,
    SVC,
    UNITS,
    WAKES,
)

T = TypeVar("T")


class Array(Protocol[T]):
    """An array of numbers or records, as far as compiled code uses it."""

    def __getitem__(self, at: int | tuple[int, int], /) -> T: ...
    def __setitem__(self, at: int | tuple[int, int], value: T, /) -> None: ...
    def __len__(self) -> int: ...


class Record:
    """Base of the records: an annotation is a field, in this order."""


def many(*shape: int) -> Any:
    """The shape of a field that is an array."""
    return shape


def dtype(record: type[Record]) -> np.dtype[np.void]:
    """A record's numpy type."""
    fields: list[tuple[str, Any, tuple[int, ...]]] = []
    for name, kind in get_type_hints(record).items():
        element = get_args(kind)[0] if get_origin(kind) is Array else kind
        fields.append((name, np.int64 if element is int else dtype(element), getattr(record, name, ())))
    return np.dtype(fields)


class Instr(Record):
    """An instruction, as far as time depends on it.

    An operand's addresses are ``base + o*so + i*si`` (A of MATMUL: row and k; B: g and k), relocated by ``kind``, legal
    below ``depth``.
    """

    op: int
    last: int
    step: int
    wait: int
    signal: int
    bad: int  # fields that are an OPERAND fault: bit 0 in inference, bit 1 in training contexts
    dyn: int  # bit 0: n_o (or rows), bit 1: n_i are the batch's rows
    accum: int
    rows: int
    n_g: int
    n_k: int
    c_base: int
    c_sr: int
    c_sg: int
    n_o: int  # VECTOR counts, or LOAD and STORE runs and their length
    n_i: int
    v_mode: int
    lines: int  # LOAD and STORE of fp32 lines, not blocks
    d_base: int
    d_so: int
    d_iter: int
    base: Array[int] = many(OPERANDS)
    so: Array[int] = many(OPERANDS)
    si: Array[int] = many(OPERANDS)
    depth: Array[int] = many(OPERANDS)
    kind: Array[int] = many(OPERANDS)
    room: Array[int] = many(RELOCATIONS)  # the largest relocation of each kind with which every address is legal


class Params(Record):
    """Core and DRAM parameters."""

    n: int
    m: int
    k: int
    lanes: int
    ctx: int
    c_inf: int
    services: int
    queue_depth: int
    rx_lines: int
    tx_lines: int
    group: int
    row_flight: int
    line_stage: int
    bus: int
    block_beats: int  # of its mantissas
    line_beats: int
    imem_depth: int
    latency: int
    gap: int
    bytes: int


class ServiceRegs(Record):
    """Registers of a service."""

    enable: int
    installed: int  # enabled, and its settings are legal
    batch: int
    timeout: int
    threshold: int
    rx_lines: int
    tx_lines: int
    w_base: int
    c_base: int
    pc_valid: int
    pc: Array[int] = many(UNITS)


class ContextRegs(Record):
    """Registers of a context."""

    vec_base: int
    acc_base: int
    actc_base: int
    w_base: int
    c_base: int
    dram_base: int
    pc_valid: int
    iters: int
    iter_mod: int
    pc: Array[int] = many(UNITS)
    sem_init: Array[int] = many(SEMS)


class Registers(Record):
    """All that time depends on."""

    policy: int
    accept: int
    reject: int
    train_rows: int
    svc: Array[ServiceRegs] = many(SVC)
    ctx: Array[ContextRegs] = many(CTX)


class Arbiter(Record):
    """eqx_arb."""

    prev: Array[int] = many(2)
    last_inf: int


class Stream(Record):
    """One stream of a context."""

    state: int
    at: int  # cycle from which the state holds
    pc: int
    base: int
    iters: int
    iter: int
    ready: int  # cycle from which the head's waits are met, or -1


class Context(Record):
    """A context."""

    state: int
    svc: int
    rows: int
    limit: int
    flying: int  # instructions issued and not complete
    ended: int  # cycle from which its last stream is at its end
    last_done: int  # cycle of the last write of what has completed
    steps: int
    seq: int
    tx_lines: int
    late: int
    held_inf: int
    held_trn: int
    since: int  # cycle from which LOADING or RUNNING shows
    over: int  # cycle of its next state
    stop: int  # cycle in which something stops it
    rank: int  # of what stops it
    stop_cause: int
    stop_unit: int
    cause: int
    unit: int
    killed: int  # while LOADING
    ok: int  # its batch has results
    signals: int
    pc_valid: int
    request: Array[int] = many(BATCH_MAX)
    pc: Array[int] = many(UNITS)
    quiet: Array[int] = many(UNITS)  # KILLING: cycle from which a unit has nothing of it
    signalled: Array[int] = many(UNITS)  # semaphores signalled in the cycle before ``signals``
    reloc: Array[int] = many(RELOCATIONS)
    sem: Array[int] = many(SEMS)
    nop: Array[int] = many(SEMS)
    stream: Array[Stream] = many(UNITS)


class Completions(Record):
    """Completions of a unit and context under way: a ring, in order of time."""

    head: int
    count: int
    time: Array[int] = many(RING)
    signal: Array[int] = many(RING)
    step: Array[int] = many(RING)
    log: Array[int] = many(RING)


class Thread(Record):
    """MMU: an instruction's loops."""

    pend: int
    act: int  # 1: at work; 2: the next tile's weights are beyond the memory, seen in ``bad_at``
    rows: int
    chunk: int
    left: int
    n_g: int
    n_k: int
    g: int
    k: int
    accum: int
    c0: int
    cg: int
    c_sr: int
    c_sg: int
    signal: int
    step: int
    log: int
    far: int  # some address may be beyond its memory: then A and B are here
    a0: int
    a_sr: int
    a_sk: int
    a_end: int
    b0: int
    b_sg: int
    b_sk: int
    b_end: int
    c_end: int
    bad_at: int
    fault_at: int  # faulty from then on, until killed
    cause: int
    reported: int
    drop_at: int  # cycle in which its tiles are dropped
    last_row: int


class Tile(Record):
    """MMU: a loaded tile."""

    ctx: int
    rows: int
    c: int
    c_sr: int
    accum: int
    last: int
    cut: int  # it has a row beyond a memory behind its ``rows``
    signal: int
    step: int
    log: int


class Mmu(Record):
    """The MMU."""

    arb: Arbiter
    thread: Array[Thread] = many(CTX)
    pending: Array[Instr] = many(CTX)
    pending_log: Array[int] = many(CTX)
    tile: Array[Tile] = many(2, 2)
    tiles: Array[int] = many(2)
    port_free: int
    port_ctx: int
    last_load_inf: int
    owner: int
    cls: int
    since: int
    owner_idle: int
    held_row: int
    faults: int
    recent_at: Array[int] = many(4)
    recent_c: Array[int] = many(4)


class Vector(Record):
    """VPU: an instruction at work, or the one behind it."""

    valid: int
    at: int
    segments: int
    lines: int
    done: int
    v_mode: int
    signal: int
    step: int
    log: int
    cause: int  # a fault of its fields
    far: int  # some address may be beyond its memory
    base: Array[int] = many(OPERANDS)
    so: Array[int] = many(OPERANDS)
    si: Array[int] = many(OPERANDS)
    depth: Array[int] = many(OPERANDS)


class VpuSegment(Record):
    """VPU: a class's segment in the address stage."""

    ctx: int
    lines: int
    line: int  # the next
    left: int  # cycles of it to come, of which the last is refused if it is ``cut``
    cut: int
    v_mode: int
    final: int
    signal: int
    step: int
    log: int


class Finish(Record):
    """VPU: a context's instructions to complete."""

    head: int
    count: int
    settled: int
    last: int
    stopped: int  # faulty: takes nothing from then on
    error: int  # ... and reports from then on
    cause: int
    err_at: int
    adrift: int  # last cycle in which something was dropped, or -1
    drained: int  # last column taken
    killed: int
    base: int  # not quiet before, while ``killed``
    line: Array[int] = many(FINISHES)
    own: Array[int] = many(FINISHES)
    done: Array[int] = many(FINISHES)
    signal: Array[int] = many(FINISHES)
    step: Array[int] = many(FINISHES)
    log: Array[int] = many(FINISHES)


class ColumnTile(Record):
    """VPU: a tile of the transposer with parts of columns left."""

    ctx: int
    parts: int  # a column
    left: int  # parts
    begin: int  # its first part passes then, or later
    slot: int


class Vpu(Record):
    """The VPU. Lines and parts of columns are carried out up to cycle ``upto``."""

    arb: Arbiter
    work: Array[Vector] = many(CTX)
    next: Array[Vector] = many(CTX)
    finish: Array[Finish] = many(CTX)
    seg: Array[VpuSegment] = many(2)
    tile: Array[ColumnTile] = many(2)
    tiles: int
    upto: int
    faults: int


class Walk(Record):
    """DMA: what one context of a unit holds."""

    prep: int
    prep_at: int
    prep_log: int
    walk: int
    walk_at: int
    walk_log: int
    runs: int
    addr: int
    piece: int
    piece_at: int
    piece_log: int
    beats: int
    words: int
    lines: int
    run_addr: int
    last_run: int
    signal: int
    step: int
    halt: int  # stopped from then on, by its error
    flying: int  # ST: segments taken and not answered
    reported: int  # LD: last beat of its last burst; ST: its last report's response
    killed: int
    base: int  # not quiet before, while ``killed``


class Burst(Record):
    """DMA: a burst under way."""

    ctx: int
    beats: int
    ends: int
    final: int  # its segment's last
    bad: int  # the memory answers it with an error
    at: int
    signal: int
    step: int
    log: int


class Dma(Record):
    """What LD and ST have in common: the front of their records."""

    arb: Arbiter
    walk: Array[Walk] = many(CTX)
    prep: Array[Instr] = many(CTX)
    prep_iter: Array[int] = many(CTX)
    work: Array[Instr] = many(CTX)
    halted: int


class Load(Dma):
    """LD."""

    flight: Array[Burst] = many(LD_BURSTS)
    head: int
    count: int


class Segment(Record):
    """ST: a panel, or some beats of lines."""

    ctx: int
    words: int
    addr: int
    beats: int
    lines: int
    ends: int
    signal: int
    step: int
    log: int
    bursts: int
    next: int
    burst: Array[int] = many(PIECES_ST)


class Store(Dma):
    """ST. ``gather``, ``word``, ``exps``: places in the ring of segments, -1 none."""

    seg: Array[Segment] = many(SEGMENTS)  # ring: oldest not completely sent first
    seg_head: int
    seg_count: int
    gather: int
    left: int
    word: int
    word_last: int
    word_beat: int
    exps: int
    used: int
    held: int
    sent_count: int  # committed segments, from seg_head on
    stream: Array[int] = many(BURSTS)
    stream_head: int
    stream_count: int
    flight: Array[Burst] = many(BURSTS)
    flight_head: int
    flight_count: int
    answer: Array[int] = many(BURSTS)
    answer_head: int
    answer_count: int


class Dram(Record):
    """The DRAM and its bus."""

    free: int
    wrote: int
    last_b: int
    write_first: int
    write_last: int
    err_lo: int
    err_hi: int
    read_at: Array[int] = many(BURSTS)
    read_beats: Array[int] = many(BURSTS)
    read_head: int
    read_count: int
    write_at: Array[int] = many(BURSTS)
    write_beats: Array[int] = many(BURSTS)
    write_head: int
    write_count: int


class Front(Record):
    """Requests: the receiver, queues, forming of batches, answers without payload."""

    next: int  # receiver: next request of the schedule
    phase: int
    at: int  # receiver: cycle of its next event
    backlog: int  # cycle from which the stream was held, while requests may wait behind it, or -1
    over: int  # cycle from which a faulty request has ended that
    slots: int
    offered: int
    offered_at: int
    freed: int
    freed_at: int
    level: Array[int] = many(SVC)
    head: Array[int] = many(SVC)
    known: Array[int] = many(SVC)
    request: Array[int] = many(SVC, QUEUE)
    since: Array[int] = many(SVC, QUEUE)  # cycle from which a waiting request's age counts
    served: int
    next_decision: int
    take_at: int
    take_svc: int
    take_n: int
    drained: int
    drained_at: int
    drop_at: int
    drop: int
    answer: Array[int] = many(ANSWERS)
    answer_at: Array[int] = many(ANSWERS)
    answer_head: int
    answer_count: int


class Responder(Record):
    """The responder."""

    busy: int
    at: int
    row: int
    was_answer: int
    served: int


class HostState(Record):
    """A host that trains in whole steps (host.py): its training context; its phase; its reaction times."""

    on: int
    ctx: int
    phase: int
    close: int
    start: int
    first: int
    poll: int
    open: int


class State(Record):
    """Everything. ``soon``: who is to be looked at when (layout.py); the times of a group's members are in ``*_at``."""

    now: int
    mode: int
    mode_next: int
    mode_at: int
    ext: int
    batches: int
    logs: int
    steps: int
    states: int
    soon: Array[int] = many(WAKES)
    fetch_at: Array[int] = many(UNITS)
    nop_at: Array[int] = many(CTX)
    ctx_at: Array[int] = many(CTX)
    done_at: Array[int] = many(UNITS * CTX)
    stream_at: Array[int] = many(UNITS * CTX)
    p: Params
    reg: Registers
    ctx: Array[Context] = many(CTX)
    fetched: Array[int] = many(UNITS)
    done: Array[Completions] = many(UNITS, CTX)
    mmu: Mmu
    vpu: Vpu
    ld: Load
    st: Store
    dram: Dram
    front: Front
    resp: Responder
    host: HostState
    busy: Array[int] = many(UNITS, CTX)


class Write(Record):
    """A register write or command that acts from ``cycle`` on."""

    cycle: int
    code: int
    index: int
    value: int


class Request(Record):
    """A request as the host offers it, and what became of it."""

    offered: int
    service: int
    lines: int  # payload beats sent
    taken: int  # last beat received
    batch: int  # row of the batch log, or -1
    row: int
    done: int  # last beat of its response
    status: int  # the answer's


class Batch(Record):
    """A batch, and when what became of it."""

    ctx: int
    svc: int
    rows: int
    ready: int  # it could have been dispatched: full, or the oldest request's timeout
    decided: int
    run: int  # first cycle of its context's run
    end: int  # last cycle of work
    respond: int  # first cycle of a response
    closed: int
    held_inf: int  # cycles in which work of it was ready and a unit served another inference context
    held_trn: int  # ... or training


class Issued(Record):
    """An instruction."""

    unit: int
    ctx: int
    pc: int
    run: int  # the batch (inference) or the iteration (training)
    head: int  # head of its stream
    met: int  # ... with all waits met
    issue: int
    done: int


class Change(Record):
    """A context's state from ``cycle`` on, with the cause and the unit of its error."""

    cycle: int
    ctx: int
    state: int
    cause: int
    unit: int


class Step(Record):
    """A training step."""

    cycle: int
    ctx: int
    count: int


INSTR, STATE, WRITE, REQUEST, BATCH, LOG, CHANGE, STEP = map(
    dtype, (Instr, State, Write, Request, Batch, Issued, Change, Step)
)
