"""What units and front end tell each other: completions, readiness, wake-ups."""

from __future__ import annotations

from .compiled import njit
from .layout import CTX, HEAD, NEVER, RING, RUNNING, UNITS, W_CTX, W_DONE, W_STREAM, W_UNIT
from .records import Array, State


@njit
def wake_at(s: State, who: int, t: int) -> None:
    """Look at ``who`` in cycle ``t`` at the latest."""
    if t < s.soon[who]:
        s.soon[who] = t


@njit
def wake_member(s: State, group: int, times: Array[int], k: int, t: int) -> None:
    """Look at member ``k`` of a group (streams, contexts, ...) in cycle ``t`` at the latest."""
    if t < times[k]:
        times[k] = t
    if t < s.soon[group]:
        s.soon[group] = t


@njit
def earliest(times: Array[int]) -> int:
    """Of a group's members."""
    t = times[0]
    for k in range(1, len(times)):
        t = min(t, times[k])
    return t


@njit
def wake_units(s: State, t: int) -> None:
    """All units look at cycle ``t`` (the mode changes)."""
    for u in range(UNITS):
        wake_at(s, W_UNIT + u, t)


@njit
def ready_again(s: State, u: int, c: int, t: int) -> None:
    """From ``t`` on the unit takes another instruction of the context."""
    x = s.ctx[c].stream[u]
    if x.state == HEAD and x.ready >= 0:
        wake_member(s, W_STREAM, s.stream_at, CTX * u + c, t)


@njit
def complete_at(s: State, u: int, c: int, t: int, signal: int, step: int, log: int) -> None:
    """``done`` of a unit in cycle ``t``; in order for a unit and context."""
    q = s.done[u, c]
    at = (q.head + q.count) % RING
    q.time[at], q.signal[at], q.step[at], q.log[at] = t, signal, step, log
    q.count += 1
    if q.count == 1:
        wake_member(s, W_DONE, s.done_at, CTX * u + c, t + 1)


@njit
def stop_at(s: State, c: int, t: int, rank: int, cause: int, unit: int) -> None:
    """Something stops context ``c`` in cycle ``t``, so it is KILLING from ``t+1`` on.

    Of one cycle the lowest rank counts, of that the first.
    """
    ctx = s.ctx[c]
    if ctx.state == RUNNING and (t < ctx.stop or (t == ctx.stop and rank < ctx.rank)):
        ctx.stop, ctx.rank, ctx.stop_cause, ctx.stop_unit = t, rank, cause, unit
        wake_member(s, W_CTX, s.ctx_at, c, t + 1)


@njit
def unit_fault(s: State, c: int, t: int, cause: int, unit: int) -> None:
    """A unit reports a context's fault in cycle ``t``."""
    stop_at(s, c, t, unit, cause, unit)


@njit
def withdraw(s: State, u: int, c: int, t: int) -> None:
    """Completions from cycle ``t`` on do not happen: the context was stopped before."""
    q = s.done[u, c]
    while q.count > 0 and q.time[(q.head + q.count - 1) % RING] >= t:
        q.count -= 1
    s.done_at[CTX * u + c] = q.time[q.head] + 1 if q.count > 0 else NEVER


@njit
def quiet_from(s: State, u: int, c: int, t: int) -> None:
    """KILLING: unit ``u`` has nothing of the context from ``t`` on. When all units have said so, the next state is
    known.
    """
    ctx = s.ctx[c]
    ctx.quiet[u] = t
    last = t
    for other in range(UNITS):
        last = max(last, ctx.quiet[other])
    if last < NEVER:
        ctx.over = last + 1
        wake_member(s, W_CTX, s.ctx_at, c, ctx.over)
