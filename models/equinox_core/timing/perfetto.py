"""A timeline as a trace file for the public viewers (Perfetto, chrome://tracing), in Chrome's Trace Event Format.

One cycle is one microsecond of the trace. Processes and their threads:

- ``units``: a track for each unit and context; a slice an instruction, from issue to completion. Instructions of one
  context that overlap in a unit's pipeline go to further lanes ``+1``, ``+2``, ... of their track.
- ``contexts``: for inference, a slice a batch and in it loading, running, respond; for training, a slice a step.
- ``streams``: what the request stream and the response stream carry, a slice a request and a response.
- ``requests``: an asynchronous span a request, from arrival to answer, and in it a span a cause; queue lengths as
  counters.

A flow leads from a request's slice to its batch and to its response.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..isa.encoding import Op, Unit
from .layout import KILLING, LOADING, NEVER, RING, RUNNING
from .model import Timeline

REQUESTS, STREAMS, CONTEXTS, UNITS = range(1, 5)  # process ids, in the order they are shown
PROCESSES = {REQUESTS: "requests", STREAMS: "streams", CONTEXTS: "contexts", UNITS: "units"}
RECEIVED, SENT = 1, 2  # threads of STREAMS
LANES = RING  # thread ids that a unit and context may use
MOST = 400_000  # events of a file: about 50 MB of JSON, 4 MB compressed

Event = dict[str, object]


@dataclass
class Written:
    """What :func:`write_trace` wrote.

    ``cut``: cycle from which things are left out because there were too many, or None.
    """

    path: Path
    events: int
    cut: int | None = None

    def __str__(self) -> str:
        cut = "" if self.cut is None else f", nothing that began from cycle {self.cut:,} on: there are too many events"
        return f"{self.path} ({self.events:,} events, {self.path.stat().st_size / 1e6:.1f} MB, 1 cycle = 1 us{cut})"


@dataclass
class Names:
    """What things are called: services by number, number of inference contexts, and each request's id (default: its
    place).
    """

    services: Mapping[int, str] = field(default_factory=dict)
    c_inf: int = 2
    requests: Sequence[int] | None = None

    def service(self, n: int) -> str:
        return self.services.get(n, f"service {n}")


def _slice(pid: int, tid: int, begin: int, last: int, name: str, args: Event | None = None) -> Event:
    """A complete event of the cycles ``begin`` ... ``last``."""
    event: Event = {"ph": "X", "pid": pid, "tid": tid, "ts": begin, "dur": last - begin + 1, "name": name}
    return {**event, "args": args} if args else event


def lanes(issue: Sequence[int], done: Sequence[int]) -> list[int]:
    """For spans in order of their begin, the lowest lane that is free in all cycles ``issue`` ... ``done``."""
    free: list[int] = []  # last cycle in use, by lane
    out = []
    for begin, last in zip(issue, done, strict=True):
        lane = next((k for k, busy in enumerate(free) if busy < begin), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = last
        out.append(lane)
    return out


def _left(timeline: Timeline, ctx: int, issue: NDArray[np.int64]) -> NDArray[np.int64]:
    """Last cycle of instructions that never completed: that of the context's run if it was stopped, else the
    timeline's.
    """
    mine = timeline.states[
        (timeline.states["ctx"] == ctx) & ~np.isin(timeline.states["state"], (LOADING, RUNNING, KILLING))
    ]["cycle"]
    return np.append(mine, timeline.end)[np.searchsorted(mine, issue)] - 1


def _unit_events(timeline: Timeline, log: NDArray[np.void], names: Names) -> Iterator[Event]:
    """Slices of the instructions ``log``, unit by unit and context by context, with their threads' names."""
    for unit in Unit:
        for ctx in np.unique(log["ctx"][log["unit"] == unit]).tolist():
            mine = np.sort(log[(log["unit"] == unit) & (log["ctx"] == ctx)], order="issue")
            done = np.where(mine["done"] < NEVER, mine["done"], _left(timeline, ctx, mine["issue"]))
            place = lanes(mine["issue"].tolist(), done.tolist())
            base = (int(unit) * 8 + ctx) * LANES
            for lane in range(max(place) + 1):
                label = f"{unit.name} ctx{ctx}" + (f" +{lane}" if lane else "")
                yield from _thread(UNITS, base + lane, label)
            run = "batch" if ctx < names.c_inf else "iteration"
            op = Op(int(unit) + 1).name
            for lane, row, last in zip(place, mine.tolist(), done.tolist(), strict=True):
                _, _, pc, number, head, met, issue, finished = row
                name = "NOP" if finished == issue else op
                args: Event = {
                    "pc": pc,
                    run: number,
                    "waited for tokens": met - head,
                    "waited for the unit": issue - met,
                }
                yield _slice(UNITS, base + lane, issue, last, name, args)


def _thread(pid: int, tid: int, name: str) -> Iterator[Event]:
    yield {"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}}
    yield {"ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index", "args": {"sort_index": tid}}


def _batch_events(timeline: Timeline, which: NDArray[np.bool_], names: Names) -> Iterator[Event]:
    end = timeline.end - 1
    for number in np.flatnonzero(which).tolist():
        b = {name: int(timeline.batches[number][name]) for name in timeline.batches.dtype.names or ()}
        run, over, closed = (min(b[name], end) for name in ("run", "end", "closed"))
        tid, args = (
            b["ctx"],
            {"batch": number, "rows": b["rows"], "held by training": b["held_trn"], "held by inference": b["held_inf"]},
        )
        yield _slice(CONTEXTS, tid, b["decided"], closed, f"{names.service(b['svc'])}, {b['rows']} rows", args)
        yield _slice(CONTEXTS, tid, b["decided"], max(run - 1, b["decided"]), "loading")
        if b["run"] < end:
            yield _slice(CONTEXTS, tid, run, over, "running")
        if b["end"] < end:
            yield _slice(CONTEXTS, tid, over + 1, closed, "respond")


def _step_events(timeline: Timeline) -> Iterator[tuple[int, Event]]:
    """(begin, slice) of the training steps; a job's first begins with its first instruction."""
    log = timeline.instructions
    before: dict[int, tuple[int, int]] = {}  # context -> cycle and number of its step before
    for cycle, ctx, count in timeline.steps.tolist():
        last_cycle, last_count = before.get(ctx, (-1, 0))
        begin = last_cycle + 1
        if count != last_count + 1 or last_cycle < 0:
            issued = log["issue"][(log["ctx"] == ctx) & (log["issue"] > last_cycle)]
            begin = int(issued.min()) if issued.size else begin
        before[ctx] = (cycle, count)
        yield begin, _slice(CONTEXTS, ctx, begin, cycle, f"step {count}", {"step": count})


def _request_events(
    timeline: Timeline,
    which: NDArray[np.bool_],
    arrival: NDArray[np.int64],
    parts: Mapping[str, ArrayLike],
    names: Names,
) -> Iterator[Event]:
    """Slices on the streams, flows, and the spans of the requests with their parts."""
    req, batches = timeline.requests, timeline.batches
    ids = names.requests
    received = (
        np.maximum(req["offered"], np.concatenate(([0], np.maximum.accumulate(req["taken"])[:-1] + 1)))
        if len(req)
        else req["offered"]
    )
    order = np.argsort(req["done"], kind="stable")
    begin = np.zeros(len(req), np.int64)
    begin[order[1:]] = req["done"][order[:-1]] + 1
    first = (req["batch"] >= 0) & (req["row"] == 0)
    begin[first] = batches["respond"][req["batch"][first]]
    begin = np.where(req["batch"] < 0, req["done"], begin)
    values = {name: np.asarray(cycles).tolist() for name, cycles in parts.items()}
    for n in np.flatnonzero(which).tolist():
        r = req[n]
        taken, done, number = int(r["taken"]), int(r["done"]), int(r["batch"])
        service, label = names.service(int(r["service"])), f"request {n if ids is None else ids[n]}"
        split = {name: cycles[n] for name, cycles in values.items()} if number >= 0 else {}
        args: Event = {"request": label, "batch": number, "latency": done - int(arrival[n]), **split}
        yield _slice(STREAMS, RECEIVED, min(int(received[n]), taken), taken, f"{service} {label}", args)
        yield _slice(STREAMS, SENT, int(begin[n]), done, f"{service} {label}")
        flow: Event = {"cat": "request", "name": "request", "id": n}
        yield {"ph": "s", "pid": STREAMS, "tid": RECEIVED, "ts": taken, **flow}
        if number >= 0:
            yield {
                "ph": "t",
                "pid": CONTEXTS,
                "tid": int(batches[number]["ctx"]),
                "ts": int(batches[number]["run"]),
                **flow,
            }
        yield {"ph": "f", "bp": "e", "pid": STREAMS, "tid": SENT, "ts": done, **flow}
        span: Event = {"cat": "request", "pid": REQUESTS, "tid": 0, "id": n}
        yield {"ph": "b", "ts": int(arrival[n]), "name": f"{service} request", "args": args, **span}
        at = int(arrival[n])
        for name, cycles in _lengths(split).items():
            if cycles:
                yield {"ph": "b", "ts": at, "name": name, **span}
                at += cycles
                yield {"ph": "e", "ts": at, "name": name, **span}
        yield {"ph": "e", "ts": done, "name": f"{service} request", **span}


def _lengths(split: Mapping[str, int]) -> dict[str, int]:
    """Lengths of the spans of a request's parts: what a negative part saves is cut from those before it."""
    lengths, saved = dict(split), 0
    for name in reversed(lengths):
        kept = lengths[name] - saved
        lengths[name], saved = max(kept, 0), max(-kept, 0)
    return lengths


def _queue_events(timeline: Timeline, which: NDArray[np.bool_], names: Names) -> Iterator[Event]:
    """Length of each service's queue, of requests that went into a batch."""
    req = timeline.requests[which & (timeline.requests["batch"] >= 0)]
    for service in np.unique(req["service"]).tolist():
        mine = req[req["service"] == service]
        times, place = np.unique(
            np.concatenate((mine["taken"], timeline.batches["decided"][mine["batch"]])) + 1, return_inverse=True
        )
        change = np.zeros(len(times), np.int64)
        np.add.at(change, place, np.repeat([1, -1], len(mine)))
        for ts, length in zip(times.tolist(), change.cumsum().tolist(), strict=True):
            yield {
                "ph": "C",
                "pid": REQUESTS,
                "tid": 0,
                "ts": ts,
                "name": f"queue of {names.service(service)}",
                "args": {"waiting": length},
            }


def events(
    timeline: Timeline, arrival: ArrayLike, parts: Mapping[str, ArrayLike], names: Names, window: tuple[int, int]
) -> Iterator[Event]:
    """All events of what began in the cycles ``window[0]`` <= t < ``window[1]``; see :func:`write_trace`."""
    low, high = window
    arrival, req, batches = np.asarray(arrival, np.int64), timeline.requests, timeline.batches
    for pid, name in PROCESSES.items():
        yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": name}}
        yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_sort_index", "args": {"sort_index": pid}}
    yield from _thread(STREAMS, RECEIVED, "requests received")
    yield from _thread(STREAMS, SENT, "responses sent")
    asked = (arrival >= low) & (arrival < high) & (req["done"] < timeline.end)
    wanted = (batches["decided"] >= low) & (batches["decided"] < high)
    wanted[req["batch"][asked & (req["batch"] >= 0)]] = True  # whoever a flow leads to
    steps = [event for begin, event in _step_events(timeline) if low <= begin < high]
    for ctx in sorted({*batches["ctx"].tolist(), *timeline.steps["ctx"].tolist()}):
        yield from _thread(CONTEXTS, ctx, f"ctx{ctx}, {'inference' if ctx < names.c_inf else 'training'}")
    yield from _batch_events(timeline, wanted, names)
    yield from steps
    yield from _request_events(timeline, asked, arrival, parts, names)
    yield from _queue_events(timeline, asked, names)
    log = timeline.instructions
    yield from _unit_events(timeline, log[(log["issue"] >= low) & (log["issue"] < high)], names)


def _cut(
    timeline: Timeline, arrival: NDArray[np.int64], a_request: int, window: tuple[int, int], most: int
) -> int | None:
    """Cycle up to which about ``most`` events fit, or None where all do. ``a_request``: events of one."""
    log, batches, steps = timeline.instructions["issue"], timeline.batches["decided"], timeline.steps["cycle"]
    begins = np.concatenate((log, np.repeat(batches, 4), steps, np.repeat(arrival, a_request)))
    begins = begins[(begins >= window[0]) & (begins < window[1])]
    return int(np.partition(begins, most)[most]) if len(begins) > most else None


def write_trace(
    timeline: Timeline,
    path: Path | str,
    arrival: ArrayLike,
    parts: Mapping[str, ArrayLike] | None = None,
    names: Names | None = None,
    window: tuple[int, int] | None = None,
    most: int = MOST,
) -> Written:
    """Write a timeline as JSON, compressed where the name ends with ``.gz``; the file appears whole or not at all.

    Args:
        arrival: cycle in which each request arrived, [requests]; at most its ``offered``.
        parts: cycles of each request by cause, in order of time, [requests] each, summing to its latency (of requests
            that went into no batch they are not looked at). A negative one has no span, those before it are shorter by
            it.
        window: first cycle, and cycle before which things begin that are kept (default: all).
        most: events that may be kept, roughly; what begins later is left out, and :class:`Written` says so.

    Raises:
        ValueError: the window is empty.
    """
    names, parts, path = names or Names(), parts or {}, Path(path)
    window = window or (0, timeline.end)
    if not 0 <= window[0] < window[1]:
        raise ValueError(f"window: cycles {window[0]} to {window[1]}; legal is 0 <= first < last")
    cut = _cut(timeline, np.asarray(arrival, np.int64), 10 + 2 * len(parts), window, most)
    about = {"time": "1 us is 1 cycle", "cycles": timeline.end, "cut": cut}
    count, part = 0, path.with_name(f".{path.name}.part")
    try:
        with (
            gzip.open(part, "wt", compresslevel=6, encoding="utf-8")
            if path.suffix == ".gz"
            else open(part, "w", encoding="utf-8") as out
        ):
            out.write('{"displayTimeUnit":"ns","otherData":' + json.dumps(about) + ',"traceEvents":[\n')
            for event in events(timeline, arrival, parts, names, (window[0], window[1] if cut is None else cut)):
                out.write(("," if count else "") + json.dumps(event, separators=(",", ":")) + "\n")
                count += 1
            out.write("]}\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Written(path, count, cut)
