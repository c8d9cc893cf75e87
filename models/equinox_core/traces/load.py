"""Trace files: CSV, plain or gzip, in one of two layouts (docs/traces.md)."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
import sys
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from equinox_core.traces.trace import Trace, TraceError

MAX_US = 2**53
"""Latest legal `arrival_us`: beyond it float64 no longer tells microseconds apart."""

_TICKS = 10**9  # time stamps are added up in exact nanoseconds
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")
_LAYOUTS = "a column 'arrival_us' (with or without 'model'), or the Azure LLM trace's 'TIMESTAMP'"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def load_trace(path: str | os.PathLike[str], warn: Callable[[str], None] = _to_stderr) -> Trace:
    """Read a trace file.

    Layouts, told apart by the header line: `arrival_us` (microseconds, integer or decimal, >= 0; optional `model`;
    other columns are ignored) and the Azure LLM inference trace's own (`TIMESTAMP` as `2023-11-16 18:15:46.6805900`, up
    to 9 fractional digits, optional UTC offset; other columns are ignored). A file that starts with gzip's mark is
    unpacked. Times are taken from the earliest. Rows out of order are sorted (stably), and `warn` gets one line that
    names the first.

    Raises TraceError: no such file, not readable, broken gzip, empty, header only, unknown layout, or a bad field.
    """
    name = os.fspath(path)
    rows = csv.reader(io.StringIO(_read_text(name), newline=""), strict=True)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            raise TraceError(f"{name}: the file is empty; a header line and at least one arrival are needed")
        column, parse, model_column = _layout(name, rows.line_num, [field.strip() for field in header])
        times: list[float] = []
        lines: list[int] = []
        models: list[str] = []
        for row in rows:
            if not row:
                continue
            where = f"{name}:{rows.line_num}"
            if len(row) != len(header):
                raise TraceError(f"{where}: {len(row)} fields; the header names {len(header)}")
            times.append(parse(where, row[column].strip()))
            lines.append(rows.line_num)
            if model_column is not None:
                models.append(_model(where, row[model_column].strip()))
    except csv.Error as error:
        raise TraceError(f"{name}:{rows.line_num}: not legal CSV ({error})") from None
    if not times:
        raise TraceError(f"{name}: a header but no arrivals; at least one is needed")
    return _build(name, times, lines, models if model_column is not None else None, warn)


def _build(
    name: str, times: list[float], lines: list[int], models: list[str] | None, warn: Callable[[str], None]
) -> Trace:
    late = next((i for i in range(1, len(times)) if times[i] < times[i - 1]), None)
    order = sorted(range(len(times)), key=times.__getitem__)
    if late is not None:
        warn(
            f"{name}:{lines[late]}: warning: earlier than the line before; the trace is not sorted, "
            "its rows are used in time order"
        )
    first = times[order[0]]
    # Time stamps are exact integers (ns), `arrival_us` are microseconds: subtract first, so that nothing is lost.
    arrival = np.array([times[i] - first for i in order], dtype=np.float64)
    if isinstance(first, int):
        arrival /= 1000.0
    return Trace(name, arrival, None if models is None else tuple(models[i] for i in order))


def _read_text(name: str) -> str:
    try:
        data = Path(name).read_bytes()
    except FileNotFoundError:
        raise TraceError(f"{name}: no such trace file (and not a generator: poisson, bursty, diurnal)") from None
    except OSError as error:
        raise TraceError(f"{name}: cannot be read ({error.strerror})") from None
    if not data:
        raise TraceError(f"{name}: the file is empty; a header line and at least one arrival are needed")
    if data[:2] == b"\x1f\x8b" or name.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise TraceError(f"{name}: broken gzip file ({error})") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TraceError(f"{name}:{line}: not a text file (a byte that is not UTF-8)") from None


def _layout(name: str, line: int, header: list[str]) -> tuple[int, Callable[[str, str], float], int | None]:
    """Column of the time, its parser, and column of the model name."""
    for field in ("arrival_us", "TIMESTAMP", "model"):
        if header.count(field) > 1:
            raise TraceError(f"{name}:{line}: column '{field}' appears {header.count(field)} times; once is legal")
    if "arrival_us" in header:
        return header.index("arrival_us"), _microseconds, header.index("model") if "model" in header else None
    if "TIMESTAMP" in header:
        return header.index("TIMESTAMP"), _stamp, None
    shown = ",".join(header)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise TraceError(f"{name}:{line}: unknown column layout {shown!r}; legal: {_LAYOUTS}")


def _microseconds(where: str, field: str) -> float:
    value = float(field) if _NUMBER.fullmatch(field) else math.nan
    if not 0 <= value <= MAX_US:
        raise TraceError(f"{where}: arrival_us is {field!r}; legal is a number from 0 to {MAX_US}")
    return value


def _stamp(where: str, field: str) -> int:
    """Nanoseconds since year 1, exact."""
    match = _STAMP.fullmatch(field)
    try:
        if not match:
            raise ValueError
        whole = datetime.fromisoformat(match[1])
        zone = datetime.fromisoformat(match[1] + (match[3] or "Z").replace("Z", "+00:00")).utcoffset() or timedelta()
    except ValueError:
        raise TraceError(f"{where}: TIMESTAMP is {field!r}; legal is YYYY-MM-DD hh:mm:ss[.fraction]") from None
    since = whole - datetime(1, 1, 1) - zone
    return (since.days * 86400 + since.seconds) * _TICKS + int((match[2] or "").ljust(9, "0"))


def _model(where: str, field: str) -> str:
    if not field:
        raise TraceError(f"{where}: model is empty; a name is needed on every line of a trace that has the column")
    return field


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write `trace` in the `arrival_us` layout, times rounded to whole microseconds; gzip where the name ends in .gz.

    The file appears whole or not at all.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    times = np.rint(trace.arrival_us).astype(np.int64).tolist()
    if trace.models is None:
        writer.writerow(["arrival_us"])
        writer.writerows([t] for t in times)
    else:
        writer.writerow(["arrival_us", "model"])
        writer.writerows(zip(times, trace.models, strict=True))
    data = out.getvalue().encode()
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(gzip.compress(data, mtime=0) if target.suffix == ".gz" else data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
