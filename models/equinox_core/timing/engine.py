"""The event loop: from one cycle in which something happens to the next.

Within a cycle everybody decides on what registers hold at its beginning. The order below is chosen so that whoever
reads comes before whoever writes; where that is not enough, what is written carries the cycle from which it shows.
"""

from __future__ import annotations

from . import contexts, dma, frontend, host, mmu, requests, vpu
from .compiled import njit
from .events import earliest, wake_at, wake_units
from .layout import (
    CTX,
    IDLE,
    LD,
    MMU,
    NEVER,
    ST,
    UNITS,
    VPU,
    W_CTX,
    W_DONE,
    W_DRAM,
    W_EXT,
    W_FETCH,
    W_FORMER,
    W_HOST,
    W_MODE,
    W_NOP,
    W_RESP,
    W_RX,
    W_STREAM,
    W_UNIT,
    WAKES,
)
from .records import Array, Batch, Change, Instr, Issued, Request, State, Step, Write

# ---- codes of register writes
(
    POLICY,
    ACCEPT,
    REJECT,
    TRAIN_ROWS,
    SVC_ENABLE,
    SVC_PCV,
    SVC_PC,
    SVC_BATCH,
    SVC_RX,
    SVC_TX,
    SVC_TIMEOUT,
    SVC_THRESHOLD,
    SVC_W_BASE,
    SVC_C_BASE,
    CTX_VEC,
    CTX_ACC,
    CTX_ACTC,
    CTX_W_BASE,
    CTX_C_BASE,
    CTX_DRAM,
    CTX_PCV,
    CTX_PC,
    CTX_ITERS,
    CTX_ITER_MOD,
    CTX_SEM,
    START,
    DRAIN,
    KILL,
    CLEAR,
    PATCH,
    DRAM_ERRORS,
) = range(31)

MARGIN = 64  # log rows that one cycle can need


@njit
def _write(s: State, imem: Array[Instr], patches: Array[Instr], states: Array[Change], w: Write, t: int) -> None:
    """One register write (of field ``code`` of service or context ``index // 16``, part ``index % 16``) that acts from
    ``t`` on.
    """
    n, part, value, reg = w.index // 16, w.index % 16, w.value, s.reg
    code = w.code
    if code == POLICY:
        reg.policy = value
        wake_at(s, W_MODE, t)
    elif code == ACCEPT:
        reg.accept = value
        wake_at(s, W_RX, t)
    elif code == REJECT:
        reg.reject = value
        wake_at(s, W_RX, t)
    elif code == TRAIN_ROWS:
        reg.train_rows = value
    elif code == PATCH:
        imem[w.index // 65536, w.index % 65536] = patches[value]
    elif code == DRAM_ERRORS:
        s.dram.err_lo, s.dram.err_hi = w.index, w.value
    elif code < CTX_VEC:
        svc = reg.svc[n]
        if code == SVC_ENABLE:
            svc.enable = value
        elif code == SVC_PCV:
            svc.pc_valid = value
        elif code == SVC_PC:
            svc.pc[part] = value
        elif code == SVC_BATCH:
            svc.batch = value
        elif code == SVC_RX:
            svc.rx_lines = value
        elif code == SVC_TX:
            svc.tx_lines = value
        elif code == SVC_TIMEOUT:
            svc.timeout = value
        elif code == SVC_THRESHOLD:
            svc.threshold = value
        elif code == SVC_W_BASE:
            svc.w_base = value
        else:
            svc.c_base = value
        legal = 0 < svc.batch <= s.p.n and 0 < svc.rx_lines <= s.p.rx_lines and 0 < svc.tx_lines <= s.p.tx_lines
        svc.installed = 1 if svc.enable != 0 and legal else 0
        wake_at(s, W_MODE, t)
        wake_at(s, W_FORMER, t)
        wake_at(s, W_RX, t)
    elif code == START:
        if s.ctx[n].state == IDLE and n >= s.p.c_inf:
            contexts.start(s, states, n, t)
    elif code == KILL:
        contexts.kill(s, n, t)
    elif code == CLEAR:
        contexts.clear(s, n, t)
    elif code == DRAIN:
        if n >= s.p.c_inf and t >= s.ctx[n].since:  # not in the cycle of its start
            frontend.drain(s, n)
    else:
        c = reg.ctx[n]
        if code == CTX_VEC:
            c.vec_base = value
        elif code == CTX_ACC:
            c.acc_base = value
        elif code == CTX_ACTC:
            c.actc_base = value
        elif code == CTX_W_BASE:
            c.w_base = value
        elif code == CTX_C_BASE:
            c.c_base = value
        elif code == CTX_DRAM:
            c.dram_base = value
        elif code == CTX_PCV:
            c.pc_valid = value
        elif code == CTX_PC:
            c.pc[part] = value
        elif code == CTX_ITERS:
            c.iters = value
        elif code == CTX_ITER_MOD:
            c.iter_mod = value
        elif code == CTX_SEM:
            c.sem_init[part] = value


@njit
def run(
    state: Array[State],
    imem: Array[Instr],
    patches: Array[Instr],
    writes: Array[Write],
    req: Array[Request],
    batches: Array[Batch],
    log: Array[Issued],
    steps: Array[Step],
    states: Array[Change],
    until: int,
) -> bool:
    """Advance up to the events of cycle ``until``; False if ``log``, ``steps`` or ``states`` has no room (call again
    with more).
    """
    s = state[0]
    soon = s.soon
    while True:
        t = NEVER
        for k in range(WAKES):
            t = min(t, soon[k])
        if t > until:
            return True
        if s.logs > len(log) - MARGIN or s.steps > len(steps) - MARGIN or s.states > len(states) - MARGIN:
            return False
        s.now = t
        if soon[W_HOST] <= t:
            host.step(s, req, states, t)
        if soon[W_DONE] <= t:
            for k in range(UNITS * CTX):
                if s.done_at[k] <= t:
                    frontend.complete(s, log, steps, k // CTX, k % CTX, t)
            soon[W_DONE] = earliest(s.done_at)
        if soon[W_NOP] <= t:
            for c in range(CTX):
                if s.nop_at[c] <= t:
                    frontend.nop(s, c, t)
            soon[W_NOP] = earliest(s.nop_at)
        if soon[W_CTX] <= t:
            for c in range(CTX):
                if s.ctx_at[c] <= t:
                    contexts.context(s, batches, states, c, t)
            soon[W_CTX] = earliest(s.ctx_at)
        if soon[W_EXT] <= t:
            while s.ext < len(writes) and writes[s.ext].cycle <= t:
                _write(s, imem, patches, states, writes[s.ext], t)
                s.ext += 1
            soon[W_EXT] = writes[s.ext].cycle if s.ext < len(writes) else NEVER
        if soon[W_MODE] <= t and requests.mode(s, req, t):
            wake_units(s, t)
        if soon[W_FORMER] <= t:
            requests.form(s, req, batches, t)
        if soon[W_RX] <= t:
            requests.receive(s, req, t)
        if soon[W_RESP] <= t:
            requests.respond(s, req, batches, t)
        if soon[W_STREAM] <= t:
            for k in range(UNITS * CTX):
                if s.stream_at[k] <= t:
                    frontend.stream(s, imem, log, steps, k // CTX, k % CTX, t)
            soon[W_STREAM] = earliest(s.stream_at)
        if soon[W_FETCH] <= t:
            for u in range(UNITS):
                if s.fetch_at[u] <= t:
                    frontend.fetch(s, u, t)
            soon[W_FETCH] = earliest(s.fetch_at)
        if soon[W_DRAM] <= t:
            dma.dram_step(s, t)
        if soon[W_UNIT + LD] <= t:
            dma.ld_step(s, t)
        if soon[W_UNIT + ST] <= t:
            dma.st_step(s, t)
        if soon[W_UNIT + MMU] <= t:
            mmu.step(s, t)
        if soon[W_UNIT + VPU] <= t:
            vpu.step(s, t)
