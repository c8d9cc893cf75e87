"""Units, states and causes.

What a context is doing, why it stopped, why a unit did not work, what became of a request.
"""

from __future__ import annotations

from .coded import Coded
from .params import MAX_CTX


class Unit(Coded):
    """Execution units; a program has one instruction stream for each."""

    MMU = 0, "matrix unit"
    VPU = 1, "vector unit"
    LD = 2, "DMA, reads"
    ST = 3, "DMA, writes"


class CtxState(Coded):
    """State of a context, as register CTX.STATUS shows it."""

    IDLE = 0, "nothing to do"
    LOADING = 1, "inference: the batch's slots are being assigned"
    RUNNING = 2, "the streams issue"
    RESPOND = 3, "inference: responses are being sent"
    KILLING = 4, "waiting for in-flight work to drain"
    ERROR = 5, "stopped with a cause, until cleared"


class Err(Coded):
    """Cause of a context's error (register ``CTX.STATUS``, field ``err_cause``)."""

    NONE = 0, "no error"
    ILLEGAL_OP = 1, "opcode that the unit does not have"
    OPERAND = 2, "illegal field, or an address beyond its memory"
    DMA_RESP = 3, "the DRAM answered with an error"
    SEM_OVERFLOW = 4, "a semaphore above its limit"
    PC_RANGE = 5, "a stream beyond the instruction memory"
    DMA_TIMEOUT = 6, "the DRAM did not answer"


class Status(Coded):
    """Status byte of a response header."""

    OK = 0, "the response's payload follows"
    NOT_INSTALLED = 1, "no such service, or its settings are out of range"
    BAD_LENGTH = 2, "wrong number of payload beats"
    REJECTED = 3, "the queue or the payload memory was full"
    CTX_ERROR = 4, "the batch failed or was killed"


class Stall(Coded):
    """Why a unit that did not work in a cycle did not: reported by the unit itself."""

    NONE = 0, "it holds no instruction it could work on"
    POLICY = 1, "only training could go on, and the policy holds it"
    INTERNAL = 2, "it holds work, but waits inside (weights loading, hazard, DRAM)"


class Perf(Coded):
    """Performance counters of a unit (PERF_SEL, field ``index``); below POLICY: cycles worked for that context."""

    POLICY = MAX_CTX, "idle: only training could go on, and the policy held it"
    INTERNAL = MAX_CTX + 1, "idle: it held work, but waited inside"
    DEPENDENCY = MAX_CTX + 2, "idle: a context waited on a semaphore"
    FETCH = MAX_CTX + 3, "idle: a context waited for its next instruction"
    IDLE = MAX_CTX + 4, "idle: nothing to do"
    ALL = 15, "all cycles"
