"""Trace files: every event has what its phase needs, spans nest, flows and spans match, and the file says what the
timeline says.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from equinox_core.timing import NEVER, Timeline
from equinox_core.timing.attribution import answered, stages
from equinox_core.timing.perfetto import CONTEXTS, PROCESSES, REQUESTS, STREAMS, UNITS, Names, lanes, write_trace
from equinox_core.timing.records import BATCH, CHANGE, LOG, REQUEST, STEP

NEEDED = {  # fields of each phase beside ph, pid, tid, name
    "X": {"ts", "dur"},
    "M": {"args"},
    "C": {"ts", "args"},
    "b": {"ts", "cat", "id"},
    "e": {"ts", "cat", "id"},
    "s": {"ts", "cat", "id"},
    "t": {"ts", "cat", "id"},
    "f": {"ts", "cat", "id", "bp"},
}
NAMES = Names({0: "lstm"}, 2, None)


def made_up(batches: int = 12, seed: int = 1) -> tuple[Timeline, np.ndarray, dict[str, np.ndarray]]:
    """A consistent timeline of batches of two requests on two contexts with training beside, arrivals, and causes."""
    rng = np.random.default_rng(seed)
    req, made, log, steps = np.zeros(2 * batches + 1, REQUEST), np.zeros(batches, BATCH), [], []
    arrival, answer = np.zeros(len(req), np.int64), 0
    for n in range(batches):
        for row in range(2):
            r = req[2 * n + row]
            arrival[2 * n + row] = 1000 * n + 40 * row
            r["offered"], r["taken"], r["batch"], r["row"], r["lines"] = (
                arrival[2 * n + row] + 1,
                arrival[2 * n + row] + 9,
                n,
                row,
                8,
            )
        b = made[n]
        decided = 1000 * n + 60
        b["ctx"], b["svc"], b["rows"], b["ready"], b["decided"], b["run"] = (
            n % 2,
            n % 2,
            2,
            decided - 5,
            decided,
            decided + 4,
        )
        b["end"] = b["run"] + rng.integers(300, 1600)
        b["respond"] = max(b["end"] + 2, answer + 2)
        answer = b["closed"] = b["respond"] + 7
        req["done"][2 * n], req["done"][2 * n + 1] = b["respond"] + 3, b["closed"]
        req["service"][2 * n : 2 * n + 2] = n % 2
        at = int(b["run"])
        while at + 40 < b["end"]:
            unit = int(rng.integers(2))
            log.append(
                (
                    unit,
                    n % 2,
                    len(log),
                    n,
                    at - 2,
                    at - 1,
                    at,
                    at if rng.random() < 0.2 else at + int(rng.integers(5, 40)),
                )
            )
            at += int(rng.integers(3, 30))
    for step in range(8):
        log.append((2, 2, step, step, 1300 * step, 1300 * step + 3, 1300 * step + 5, 1300 * step + 900))
        steps.append((1300 * step + 1000, 2, step + 1))
    end = int(max(answer, made["end"].max()) + 50)
    refused = req[-1]
    refused["offered"], refused["taken"], refused["batch"], refused["done"], refused["status"] = (
        end - 21,
        end - 15,
        -1,
        end - 10,
        1,
    )
    arrival[-1] = end - 22
    records = np.array(log, LOG)
    records.sort(order="issue")
    timeline = Timeline(req, made, records, np.array(steps, STEP), np.zeros((4, 4), np.int64), end)
    which = answered(timeline)
    parts = {}
    for name, cycles in stages(timeline, arrival, which).items():
        parts[name] = np.zeros(len(req), np.int64)
        parts[name][which] = cycles
    return timeline, arrival, parts


def load(path: Path) -> dict:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8") as file:
        return json.load(file)


def check_format(events: list[dict]) -> None:
    """The rules of the Trace Event Format for the phases in use."""
    threads, used, slices = set(), set(), defaultdict(list)
    spans, flows = defaultdict(list), defaultdict(list)
    for e in events:
        assert e["ph"] in NEEDED and {"ph", "pid", "tid", "name", *NEEDED[e["ph"]]} <= e.keys(), e
        assert isinstance(e["name"], str) and all(
            isinstance(e[k], int) and e[k] >= 0 for k in ("pid", "tid", "ts", "dur", "id") if k in e
        ), e
        if e["ph"] == "M":
            assert e["args"].keys() == {"sort_index" if e["name"].endswith("sort_index") else "name"}
            threads.add((e["pid"], e["tid"] if e["name"] == "thread_name" else e["name"]))
        elif e["ph"] == "X":
            assert e["dur"] > 0
            slices[e["pid"], e["tid"]].append((e["ts"], -e["dur"], e["name"]))
            used.add((e["pid"], e["tid"]))
        elif e["ph"] in "be":
            spans[e["pid"], e["cat"], e["id"]].append(e)
        elif e["ph"] in "stf":
            flows[e["cat"], e["name"], e["id"]].append(e)
        else:
            assert all(isinstance(v, int) and v >= 0 for v in e["args"].values())
    assert used <= threads and all((pid, "process_name") in threads for pid, _ in used)
    for track in slices.values():  # slices of a thread nest
        open_ends: list[int] = []
        for ts, minus, name in sorted(track):
            while open_ends and open_ends[-1] <= ts:
                open_ends.pop()
            assert not open_ends or ts - minus <= open_ends[-1], (ts, name)
            open_ends.append(ts - minus)
    for mine in spans.values():  # a span's begins and ends nest, in order of time
        stack: list[str] = []
        assert [e["ts"] for e in mine] == sorted(e["ts"] for e in mine)
        for e in mine:
            if e["ph"] == "b":
                stack.append(e["name"])
            else:
                assert stack.pop() == e["name"]
        assert not stack
    for mine in flows.values():  # a flow runs forward, and each of its ends is inside a slice
        assert "".join(e["ph"] for e in mine) in ("stf", "sf")
        assert [e["ts"] for e in mine] == sorted(e["ts"] for e in mine)
        for e in mine:
            assert any(ts <= e["ts"] < ts - minus for ts, minus, _ in slices[e["pid"], e["tid"]]), e


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_format_and_contents(name: str, tmp_path: Path) -> None:
    timeline, arrival, parts = made_up()
    done = write_trace(timeline, tmp_path / name, arrival, parts, NAMES)
    assert [p.name for p in tmp_path.iterdir()] == [name] and done.cut is None
    data = load(done.path)
    events = data["traceEvents"]
    assert len(events) == done.events and data["otherData"] == {
        "time": "1 us is 1 cycle",
        "cycles": timeline.end,
        "cut": None,
    }
    check_format(events)
    assert {e["args"]["name"] for e in events if e["name"] == "process_name"} == set(PROCESSES.values())
    kinds = Counter((e["pid"], e["ph"]) for e in events)
    assert kinds[UNITS, "X"] == len(timeline.instructions)
    assert (
        kinds[CONTEXTS, "X"] == 4 * len(timeline.batches) + len(timeline.steps)
        and kinds[CONTEXTS, "t"] == len(timeline.requests) - 1
    )
    assert kinds[STREAMS, "s"] == kinds[STREAMS, "f"] == len(timeline.requests)
    running = sum(e["dur"] for e in events if e["name"] == "running")
    assert running == int((timeline.batches["end"] - timeline.batches["run"] + 1).sum())
    log = timeline.instructions
    assert sum(e["dur"] for e in events if e["pid"] == UNITS and e["ph"] == "X") == int(
        (log["done"] - log["issue"] + 1).sum()
    )
    assert sum(e["name"] == "NOP" for e in events) == int((log["done"] == log["issue"]).sum())
    spans = [e for e in events if e["ph"] == "b" and "args" in e]
    assert [e["args"]["latency"] for e in spans] == (timeline.requests["done"] - arrival).tolist()
    assert all(sum(e["args"][stage] for stage in parts) == e["args"]["latency"] for e in spans[:-1])
    waiting = [e["args"]["waiting"] for e in events if e["ph"] == "C" and e["name"] == "queue of lstm"]
    assert max(waiting) == 2 and waiting[-1] == 0


def test_a_negative_part(tmp_path: Path) -> None:
    """Spans of causes never run backwards: what one saves is cut from those before it, and they end where the next
    begins.
    """
    timeline, arrival, parts = made_up()
    which = answered(timeline)
    run = parts.pop("run")
    parts = {
        "receive": parts["receive"],
        "fill": parts["fill"],
        "context": parts["context"],
        "dispatch": parts["dispatch"],
        "compute": run + 2,
        "dram": np.where(which, 5, 0),
        "anomaly": np.where(which, -7, 0),
        "response": parts["response"],
    }
    events = load(write_trace(timeline, tmp_path / "t.json", arrival, parts).path)["traceEvents"]
    for n in np.flatnonzero(which).tolist():
        mine = [
            e
            for e in events
            if e.get("cat") == "request" and e["id"] == n and e["ph"] in "be" and "request" not in e["name"]
        ]
        begins, ends = ({e["name"]: e["ts"] for e in mine if e["ph"] == ph} for ph in "be")
        assert not {"dram", "anomaly"} & begins.keys() and ends["compute"] - begins["compute"] == run[n]
        assert begins["response"] == ends["compute"] and ends["response"] == timeline.requests["done"][n]


def test_what_has_not_ended(tmp_path: Path) -> None:
    """A batch and an instruction under way at the end are shown up to it; a request without an answer is not."""
    timeline, arrival, parts = made_up()
    timeline.batches["end"][-1] = timeline.batches["closed"][-1] = timeline.batches["respond"][-1] = NEVER
    timeline.requests["done"][-3:-1] = NEVER
    timeline.instructions["done"][-1] = NEVER
    events = load(write_trace(timeline, tmp_path / "t.json", arrival, parts).path)["traceEvents"]
    check_format(events)
    assert sum(e["ph"] == "s" for e in events) == len(timeline.requests) - 2
    assert max(e["ts"] + e.get("dur", 0) for e in events if "ts" in e) == timeline.end


def test_what_was_stopped(tmp_path: Path) -> None:
    """An instruction that a kill ended is shown up to the end of its context's run."""
    timeline, arrival, parts = made_up()
    log = timeline.instructions
    place = int(np.flatnonzero((log["ctx"] == 2) & (log["done"] > log["issue"]))[-1])
    issue = int(log["issue"][place])
    log["done"][place] = NEVER
    timeline.states = np.array(
        [(10, 2, 2, 0, 0), (issue + 20, 2, 4, 0, 0), (issue + 33, 2, 0, 0, 0), (issue + 40, 2, 2, 0, 0)], CHANGE
    )
    events = load(write_trace(timeline, tmp_path / "t.json", arrival, parts).path)["traceEvents"]
    check_format(events)
    assert {e["dur"] for e in events if e["pid"] == UNITS and e["ph"] == "X" and e["ts"] == issue} == {33}


def test_nothing_happened(tmp_path: Path) -> None:
    empty = Timeline(
        np.zeros(0, REQUEST), np.zeros(0, BATCH), np.zeros(0, LOG), np.zeros(0, STEP), np.zeros((4, 4), np.int64), 100
    )
    check_format(load(write_trace(empty, tmp_path / "t.json", []).path)["traceEvents"])


def test_window(tmp_path: Path) -> None:
    timeline, arrival, parts = made_up()
    events = load(write_trace(timeline, tmp_path / "t.json", arrival, parts, window=(3000, 6000)).path)["traceEvents"]
    check_format(events)
    begun = [e["ts"] for e in events if e["pid"] == UNITS and e["ph"] == "X"]
    issue = timeline.instructions["issue"]
    assert sorted(begun) == sorted(issue[(issue >= 3000) & (issue < 6000)].tolist())
    assert [e["ts"] for e in events if e["pid"] == REQUESTS and "args" in e and e["ph"] == "b"] == arrival[
        (arrival >= 3000) & (arrival < 6000)
    ].tolist()
    for window in ((5, 5), (9, 3), (-1, 4)):
        with pytest.raises(ValueError, match="window: cycles .*legal is 0 <= first < last"):
            write_trace(timeline, tmp_path / "none.json", arrival, parts, window=window)
    assert not (tmp_path / "none.json").exists()


def test_cap(tmp_path: Path) -> None:
    """Too many events: what begins later is left out, the rest is whole, and the message says so."""
    timeline, arrival, parts = made_up(200)
    full = write_trace(timeline, tmp_path / "full.json.gz", arrival, parts)
    some = write_trace(timeline, tmp_path / "some.json.gz", arrival, parts, most=full.events // 4)
    assert full.cut is None and "nothing that began" not in str(full)
    assert some.cut is not None and f"nothing that began from cycle {some.cut:,}" in str(some)
    assert full.events // 8 < some.events < full.events // 3
    data = load(some.path)
    assert data["otherData"]["cut"] == some.cut
    check_format(data["traceEvents"])
    assert max(e["ts"] for e in data["traceEvents"] if e["pid"] == UNITS and "ts" in e) < some.cut


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    timeline, arrival, parts = made_up()
    (tmp_path / "t.json").write_text("old", encoding="utf-8")
    with pytest.raises(IndexError):
        write_trace(timeline, tmp_path / "t.json", arrival, {"broken": [1]})
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["old"]


def test_lanes() -> None:
    assert lanes([0, 2, 4, 5, 5, 9], [3, 4, 5, 5, 6, 9]) == [0, 1, 0, 1, 2, 0]
    assert lanes([], []) == []
