"""Time of LD, ST and the DRAM (``docs/dma.md``): bursts, segments, and in ST the beats of its memory."""

from __future__ import annotations

from ..hw.pipeline import AXI_BURST, AXI_PAGE, LD_BURST, LD_OUTSTANDING, ST_OUTSTANDING, ST_SEGMENTS
from ..isa.encoding import Err
from .arbiter import pick
from .compiled import njit
from .dma_faults import drop_halted, fails, faulty, halt, ld_quiet, stopped
from .events import complete_at, quiet_from, ready_again, wake_at
from .layout import BURSTS, LD, LD_BURSTS, NEVER, SEGMENTS, ST, W_DRAM, W_UNIT
from .records import Dma, Dram, Instr, Params, State, Store

DMA_RESP = int(Err.DMA_RESP)


# ---- what both have in common: instructions, runs, pieces
@njit
def accept(s: State, u: int, x: Dma, c: int, ins: Instr, log: int, iteration: int, t: int) -> None:
    """Instruction of context ``c`` taken in cycle ``t`` by unit ``u`` with state ``x``."""
    w = x.walk[c]
    x.prep[c] = ins
    x.prep_iter[c] = iteration
    w.prep, w.prep_at, w.prep_log = 1, t + 1, log
    wake_at(s, W_UNIT + u, t + 1)


@njit
def _run(s: State, x: Dma, c: int) -> None:
    """Hand the next run of the walked instruction to the cutter."""
    p, w, ins = s.p, x.walk[c], x.work[c]
    w.lines = ins.lines
    w.words = ins.n_i
    w.beats = ins.n_i * p.line_beats if ins.lines else ins.n_i * p.block_beats + (ins.n_i + p.bus - 1) // p.bus
    w.run_addr = w.addr
    w.addr = (w.addr + ins.d_so) & 0xFFFFFFFF
    w.runs -= 1
    w.last_run = 1 if w.runs == 0 else 0
    w.piece = 1


@njit
def _walk(s: State, u: int, x: Dma, c: int, took_last: bool, t: int) -> int:
    """One context's instructions and runs in cycle ``t``; ``took_last``: the last piece of its run was taken. Next
    look.
    """
    w = x.walk[c]
    if took_last:
        w.piece = 0
    free = w.piece == 0
    prepared = w.prep != 0 and w.prep_at <= t
    hand = free and w.walk != 0 and w.walk_at <= t
    cause = faulty(s, u, x, c) if hand else 0
    if cause != 0:
        w.prep = w.walk = 0
        halt(s, u, x, c, t, cause)
        return NEVER
    moved = prepared and (w.walk == 0 or (hand and w.runs == 1))
    if hand:
        _run(s, x, c)
        w.piece_at = t + 1
        w.signal, w.step, w.piece_log = x.work[c].signal, x.work[c].step, w.walk_log
        if w.runs == 0:
            w.walk = 0
    if moved:
        x.work[c] = x.prep[c]
        ins = x.work[c]
        w.walk, w.walk_at, w.walk_log = 1, t + 1, w.prep_log
        w.runs = ins.n_o
        w.addr = (s.reg.ctx[c].dram_base + ins.d_base + ins.d_iter * x.prep_iter[c]) & 0xFFFFFFFF
        w.prep = 0
        ready_again(s, u, c, t + 1)
    if (w.prep != 0 and w.walk == 0) or (w.walk != 0 and w.piece == 0):
        return t + 1
    return NEVER


# ---- LD
@njit
def ld_step(s: State, t: int) -> None:
    """Everything that LD does in cycle ``t``."""
    x, p, d = s.ld, s.p, s.dram
    # bursts whose last beat was before this cycle have left
    while x.count > 0 and x.flight[x.head].at < t:
        x.head = (x.head + 1) % LD_BURSTS
        x.count -= 1
    if x.halted != 0:
        drop_halted(s, x, t)
    next_wake = NEVER
    took = -1
    req = 0
    for c in range(p.ctx):
        if x.walk[c].piece != 0 and x.walk[c].piece_at <= t:
            req |= 1 << c
    if req != 0 and x.count < LD_OUTSTANDING:
        took = pick(x.arb, req, s.mode, p)
    for c in range(p.ctx):
        w = x.walk[c]
        over = False
        if c == took:
            limit = min(LD_BURST, AXI_PAGE // p.bus)
            n = min(w.beats, limit - w.run_addr // p.bus % limit)
            bad = fails(s, w.run_addr, n)
            w.beats -= n
            w.run_addr += n * p.bus
            over = w.beats == 0
            at = (x.head + x.count) % LD_BURSTS
            b = x.flight[at]
            b.ctx, b.at, b.bad = c, NEVER, bad
            b.ends = 1 if over and w.last_run != 0 else 0
            b.signal, b.step, b.log = w.signal, w.step, w.piece_log
            x.count += 1
            at = (d.read_head + d.read_count) % BURSTS
            d.read_at[at], d.read_beats[at] = t + 1, n
            d.read_count += 1
            s.busy[LD, c] += n
            wake_at(s, W_DRAM, t + 1 + p.latency)
        next_wake = min(next_wake, _walk(s, LD, x, c, over, t))
        if w.piece != 0:
            if x.count < LD_OUTSTANDING:
                if took >= 0 or w.piece_at > t:
                    next_wake = min(next_wake, t + 1)
            else:
                next_wake = min(next_wake, max(t + 1, x.flight[x.head].at + 1))
    s.soon[W_UNIT + LD] = t + 1 if x.halted != 0 else next_wake


# ---- DRAM
@njit
def dram_step(s: State, t: int) -> None:
    """The bus in cycle ``t``: the next burst, if one may start."""
    d, p = s.dram, s.p
    if t >= d.free:
        read = d.read_count > 0 and d.read_at[d.read_head] + p.latency <= t
        write = d.write_count > 0 and d.write_at[d.write_head] < t
        if read and (not write or d.wrote != 0):
            beats = d.read_beats[d.read_head]
            d.read_head = (d.read_head + 1) % BURSTS
            d.read_count -= 1
            end = t + (beats - 1) * (p.gap + 1)
            d.free, d.wrote = end + 1 + p.gap, 0
            x = s.ld
            for k in range(x.count):  # the oldest burst in flight whose data has not begun
                b = x.flight[(x.head + k) % LD_BURSTS]
                if b.at == NEVER:
                    b.at = end
                    w = x.walk[b.ctx]
                    w.reported = end
                    if stopped(s, x, b.ctx, t):
                        if w.killed != 0:
                            ld_quiet(s, b.ctx)
                    elif b.bad != 0:  # from its first beat on
                        halt(s, LD, x, b.ctx, t, DMA_RESP)
                    elif b.ends != 0:
                        complete_at(s, LD, b.ctx, end + 1, b.signal, b.step, b.log)
                    break
            wake_at(s, W_UNIT + LD, end + 1)
        elif write:
            beats = d.write_beats[d.write_head]
            d.write_head = (d.write_head + 1) % BURSTS
            d.write_count -= 1
            end = t + (beats - 1) * (p.gap + 1)
            d.write_first, d.write_last = t, end
            d.last_b = max(d.last_b + 1, end + p.latency)
            st = s.st
            st.answer[(st.answer_head + st.answer_count) % BURSTS] = d.last_b
            st.answer_count += 1
            d.free, d.wrote = end + 1 + p.gap, 1
            wake_at(s, W_UNIT + ST, t)
    due = NEVER
    if d.read_count > 0:
        due = d.read_at[d.read_head] + p.latency
    if d.write_count > 0:
        due = min(due, d.write_at[d.write_head] + 1)
    s.soon[W_DRAM] = max(due, d.free, t + 1) if due < NEVER else NEVER


# ---- ST
@njit
def _written(d: Dram, gap: int, t: int) -> bool:
    """Whether a write beat is transferred in cycle ``t``."""
    return d.write_first <= t <= d.write_last and (t - d.write_first) % (gap + 1) == 0


@njit
def _need(x: Store, p: Params) -> int:
    """Room in the beat memory that the next read of the gathered segment takes."""
    seg = x.seg[x.gather]
    if seg.lines != 0:
        return p.line_beats
    return p.block_beats + 1 if x.left == seg.words else p.block_beats


@njit
def _segment(s: State, x: Store, c: int) -> bool:
    """Take the next segment of ``c``'s run: a panel, or up to K beats of lines;
    returns whether it was the run's last.
    """
    p, w = s.p, x.walk[c]
    place = (x.seg_head + x.seg_count) % SEGMENTS
    seg = x.seg[place]
    x.seg_count += 1
    seg.ctx, seg.lines, seg.addr = c, w.lines, w.run_addr
    seg.words = min(w.words, p.k // p.line_beats if w.lines else p.bus)
    seg.beats = seg.words * p.line_beats if w.lines else seg.words * p.block_beats + 1
    w.words -= seg.words
    limit = min(AXI_BURST, AXI_PAGE // p.bus)
    beats, at = seg.beats, w.run_addr // p.bus
    seg.bursts, seg.next = 0, 0
    while beats > 0:
        n = min(beats, limit - at % limit)
        seg.burst[seg.bursts] = n
        seg.bursts += 1
        at += n
        beats -= n
    w.run_addr += seg.beats * p.bus
    over = w.words == 0
    seg.ends = 1 if over and w.last_run != 0 else 0
    seg.signal, seg.step, seg.log = w.signal, w.step, w.piece_log
    w.flying += 1
    s.busy[ST, c] += seg.beats
    x.gather, x.left = place, seg.words
    return over


@njit
def st_step(s: State, t: int) -> None:
    """Everything that ST does in cycle ``t``."""
    x, p, d = s.st, s.p, s.dram
    sent = _written(d, p.gap, t)
    if x.halted != 0:
        drop_halted(s, x, t)
    # what the registers say
    over, wait = False, False
    if x.word >= 0:
        seg = x.seg[x.word]
        over = x.word_beat == (p.line_beats if seg.lines != 0 else p.block_beats) - 1
        wait = not over or (x.word_last != 0 and seg.lines == 0)
    need = _need(x, p) if x.gather >= 0 else 0
    read = x.gather >= 0 and not wait and x.used + need <= 2 * p.k + 2
    free = x.gather < 0 or (read and x.left == 1)
    issue = x.sent_count > 0 and x.stream_count < ST_OUTSTANDING and x.flight_count < ST_OUTSTANDING
    fetch = x.stream_count > 0 and (x.held == 0 or sent)
    took, held_off = -1, False
    if free and x.seg_count < ST_SEGMENTS:
        req = 0
        for c in range(p.ctx):
            if x.walk[c].piece != 0 and x.walk[c].piece_at <= t:
                req |= 1 << c
        if req != 0:
            took = pick(x.arb, req, s.mode, p)
            held_off = took < 0  # the mode holds training back
    # responses
    while x.answer_count > 0 and x.answer[x.answer_head] <= t:
        at = x.answer[x.answer_head]
        x.answer_head = (x.answer_head + 1) % BURSTS
        x.answer_count -= 1
        b = x.flight[x.flight_head]
        x.flight_head = (x.flight_head + 1) % BURSTS
        x.flight_count -= 1
        w = x.walk[b.ctx]
        w.flying -= b.final
        if stopped(s, x, b.ctx, at):
            if w.killed != 0 and w.flying == 0:
                w.killed = 0
                quiet_from(s, ST, b.ctx, max(w.base, at + 1))
        elif b.bad != 0:
            w.reported = at
            halt(s, ST, x, b.ctx, at, DMA_RESP)
        elif b.ends != 0:
            w.reported = at
            complete_at(s, ST, b.ctx, at + 1, b.signal, b.step, b.log)
    # write data
    x.held = 1 if fetch or (x.held != 0 and not sent) else 0
    if fetch:
        x.stream[x.stream_head] -= 1
        if x.stream[x.stream_head] == 0:
            x.stream_head = (x.stream_head + 1) % BURSTS
            x.stream_count -= 1
    # addresses
    if issue:
        seg = x.seg[x.seg_head]
        beats = seg.burst[seg.next]
        seg.next += 1
        x.stream[(x.stream_head + x.stream_count) % BURSTS] = beats
        x.stream_count += 1
        b = x.flight[(x.flight_head + x.flight_count) % BURSTS]
        x.flight_count += 1
        last = seg.next == seg.bursts
        b.final, b.bad = (1 if last else 0), fails(s, seg.addr, beats)
        seg.addr += beats * p.bus
        b.ctx, b.ends, b.signal, b.step, b.log = (
            seg.ctx,
            (1 if last and seg.ends != 0 else 0),
            seg.signal,
            seg.step,
            seg.log,
        )
        at = (d.write_head + d.write_count) % BURSTS
        d.write_at[at], d.write_beats[at] = t + 1, beats
        d.write_count += 1
        wake_at(s, W_DRAM, t + 2)
        if last:
            x.seg_head = (x.seg_head + 1) % SEGMENTS
            x.seg_count -= 1
            x.sent_count -= 1
    # the gathered segment
    if x.exps >= 0 or (over and x.word_last != 0 and x.seg[x.word].lines != 0):
        x.sent_count += 1
    x.exps = x.word if over and x.word_last != 0 and x.seg[x.word].lines == 0 else -1
    if read:
        x.word, x.word_last, x.word_beat = x.gather, (1 if x.left == 1 else 0), 0
        x.left -= 1
        x.used += need
    elif over:
        x.word = -1
    elif x.word >= 0:
        x.word_beat += 1
    if fetch:
        x.used -= 1
    if free:
        x.gather = -1
    # instructions, runs, the next segment
    next_wake = NEVER
    pieces = False  # some that the mode does not hold back
    for c in range(p.ctx):
        last = _segment(s, x, c) if c == took else False
        next_wake = min(next_wake, _walk(s, ST, x, c, last, t))
        pieces = pieces or (x.walk[c].piece != 0 and (not held_off or x.walk[c].piece_at > t))
    # who needs the next cycle
    if (
        x.word >= 0
        or x.exps >= 0
        or (x.sent_count > 0 and x.stream_count < ST_OUTSTANDING and x.flight_count < ST_OUTSTANDING)
    ):
        next_wake = t + 1
    if x.gather >= 0 and x.used + _need(x, p) <= 2 * p.k + 2:
        next_wake = t + 1
    if x.stream_count > 0:
        if x.held == 0:
            next_wake = t + 1
    if pieces and x.gather < 0 and x.seg_count < ST_SEGMENTS:
        next_wake = t + 1
    if x.held != 0 and d.write_last > t:  # the next write beat
        step = p.gap + 1
        next_wake = min(next_wake, max(d.write_first, t + 1 + (d.write_first - t - 1) % step))
    if x.answer_count > 0:
        next_wake = min(next_wake, max(t + 1, x.answer[x.answer_head]))
    s.soon[W_UNIT + ST] = t + 1 if x.halted != 0 else next_wake
