"""A host that trains by software: whole training steps, only while no request waits or is in flight.

It stands for the baseline without a scheduler in the core. When the last answer is out and nothing has come since, the
host closes the request intake, starts the training context for one iteration, looks at its state from time to time, and
opens the intake again when the context is idle. What comes meanwhile waits at the host. Its reaction times are those of
a bench that does the same over the control bus.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from . import contexts
from .compiled import njit
from .events import wake_at
from .layout import IDLE, NEVER, W_HOST, W_RX
from .records import Array, Change, Request, State
from .requests import HEADER

WATCH, CLOSE, START, LOOK, OPEN = range(5)  # what the host does next


@dataclass(frozen=True)
class Host:
    """Reaction times in cycles.

    ``begin``: first cycle in which it looks (everything must be installed by then); ``close``: from the last answer to
    the intake closed; ``start``: from there to the start command; ``first``: from there to the first look at the state;
    ``poll``: between looks; ``open``: from the look that finds the context idle to the intake open. The defaults are
    those of the chip-level bench.
    """

    begin: int = 20
    close: int = 4
    start: int = 4
    first: int = 3
    poll: int = 203
    open: int = 5

    def install(self, state: np.void, ctx: int) -> None:
        """Put it beside a core at reset (a STATE record); ``ctx`` is the training context, whose settings the register
        writes make.
        """
        begin, *times = astuple(self)
        state["host"] = (1, ctx, WATCH, *times)
        state["soon"][W_HOST] = begin


@njit
def _quiet(s: State, req: Array[Request], t: int) -> bool:
    """Whether every request that has come by ``t`` is answered."""
    f, p = s.front, s.p
    if f.phase != HEADER or (f.next < len(req) and req[f.next].offered <= t):
        return False
    for v in range(p.services):
        if f.level[v] > 0:
            return False
    for c in range(p.c_inf):
        if s.ctx[c].state != IDLE:
            return False
    return True


@njit
def step(s: State, req: Array[Request], states: Array[Change], t: int) -> None:
    """The host in cycle ``t``; woken by the end of a batch, and by itself."""
    h = s.host
    s.soon[W_HOST] = NEVER
    if h.on == 0:
        return
    if h.phase == WATCH:
        if _quiet(s, req, t):
            h.phase = CLOSE
            wake_at(s, W_HOST, t + h.close)
    elif h.phase == CLOSE:
        s.reg.accept = 0
        h.phase = START
        wake_at(s, W_HOST, t + h.start)
    elif h.phase == START:
        contexts.start(s, states, h.ctx, t)
        h.phase = LOOK
        wake_at(s, W_HOST, t + h.first)
    elif h.phase == LOOK:
        if s.ctx[h.ctx].state == IDLE:
            h.phase = OPEN
            wake_at(s, W_HOST, t + h.open)
        else:
            wake_at(s, W_HOST, t + h.poll)
    else:
        s.reg.accept = 1
        h.phase = WATCH
        wake_at(s, W_RX, t)
        wake_at(s, W_HOST, t + 1)
