"""What units and front end tell each other: completions, readiness, wake-ups."""

from __future__ import annotations

from .compiled import njit
from .layout import HEAD, RING, UNITS, W_DONE, W_STREAM, W_UNIT


@njit
def wake_at(s, who, t):
    """Look at ``who`` in cycle ``t`` at the latest."""
    if t < s.soon[who]:
        s.soon[who] = t


@njit
def wake_member(s, group, times, k, t):
    """Look at member ``k`` of a group (streams, contexts, ...) in cycle ``t`` at the latest."""
    if t < times[k]:
        times[k] = t
    if t < s.soon[group]:
        s.soon[group] = t


@njit
def earliest(times):
    """Of a group's members."""
    t = times[0]
    for k in range(1, len(times)):
        t = min(t, times[k])
    return t


@njit
def wake_units(s, t):
    """All units look at cycle ``t`` (the mode changes)."""
    for u in range(UNITS):
        wake_at(s, W_UNIT + u, t)


@njit
def ready_again(s, u, c, t):
    """From ``t`` on the unit takes another instruction of the context."""
    x = s.ctx[c].stream[u]
    if x.state == HEAD and x.ready >= 0:
        wake_member(s, W_STREAM, s.stream_at, 4 * u + c, t)


@njit
def complete_at(s, u, c, t, signal, step, log):
    """``done`` of a unit in cycle ``t``; in order for a unit and context."""
    q = s.done[u, c]
    at = (q.head + q.count) % RING
    q.time[at], q.signal[at], q.step[at], q.log[at] = t, signal, step, log
    q.count += 1
    if q.count == 1:
        wake_member(s, W_DONE, s.done_at, 4 * u + c, t + 1)
