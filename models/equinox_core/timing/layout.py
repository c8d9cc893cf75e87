"""Codes and sizes in the timing model's records (records.py)."""

from __future__ import annotations

from ..hw import params
from ..hw.modes import Mode
from ..hw.pipeline import AXI_PAGE
from ..hw.states import CtxState, Unit
from ..isa.encoding import SEMAPHORES

CTX, UNITS, SVC, SEMS, BATCH_MAX = (
    params.MAX_CTX,
    len(Unit),
    params.CORE["SERVICES"].high,
    SEMAPHORES,
    params.CORE["N"].high,
)
MMU, VPU, LD, ST = (int(unit) for unit in (Unit.MMU, Unit.VPU, Unit.LD, Unit.ST))
INF, TRN = 0, 1  # classes of contexts
INF_ONLY, FAIR, PRIO = (int(mode) for mode in (Mode.INF_ONLY, Mode.FAIR, Mode.PRIO))
# states of a stream: at its end, asks for a fetch, fetched, head is there, could go but is to be read again
ENDED, ASKS, FETCHED, HEAD, AGAIN = range(5)
IDLE, LOADING, RUNNING = (int(state) for state in (CtxState.IDLE, CtxState.LOADING, CtxState.RUNNING))
RESPOND, KILLING, ERROR = (int(state) for state in (CtxState.RESPOND, CtxState.KILLING, CtxState.ERROR))
NEVER = 1 << 62
FIX, R_VEC, R_CST, R_ACC, R_ACTC, R_WGT = range(6)  # what an address is relocated by
RELOCATIONS = OPERANDS = 6
V = OPERANDS - 1  # the VPU's operands are A, B, C, D, R, V; the MMU's A, B, C; LOAD and STORE have one

RING = 4 * BATCH_MAX  # completions of a unit and context under way: rows in the arrays bound them (2N+4)
QUEUE = params.CORE["QUEUE_DEPTH"].high  # waiting requests a service
SEGMENTS = 8  # ST: segments between gathering and their last address
FINISHES = 32  # VPU: instructions of a context that are not complete, and some that are
BURSTS = 32  # bursts of a direction under way
LD_BURSTS = 16  # of LD
ANSWERS = 8
# bursts of one ST segment: at most K beats and a panel's exponents, cut at 4 KiB, in which there are 32 beats or more
PIECES_ST = params.MAX_BLOCK * params.MAX_BUS // AXI_PAGE + 2

# ---- who can be next: indices into STATE.soon; those from W_FETCH on are groups, whose members' times lie in a field
# of their own
W_EXT, W_MODE, W_FORMER, W_RX, W_RESP = range(5)
W_UNIT = 5  # + unit
W_DRAM = W_UNIT + UNITS
W_FETCH, W_NOP, W_CTX, W_DONE, W_STREAM = range(W_DRAM + 1, W_DRAM + 6)
W_HOST = W_STREAM + 1
WAKES = W_HOST + 1
