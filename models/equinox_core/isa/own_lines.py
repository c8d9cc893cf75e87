"""What a VECTOR may read of the VEC lines that it writes itself (``docs/isa.md``).

The lines of an instruction are pipelined, one a cycle at most, and a result stands in VEC T cycles after its line's
start. Training is suspended between any two lines, for any time. So a line surely sees the results of lines more than T
before it, surely not its own or later ones, and those of the T lines before it as the traffic of the moment has it:
these it may not read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..hw.pipeline import line_stage
from .access import Access

I64 = NDArray[np.int64]


class OwnLines(ValueError):
    """A line reads what one of the T lines before it writes: its value would depend on who else uses the unit."""


def nearest_write(read: I64, written: I64) -> I64:
    """How many lines before each line the nearest one stands that writes what it reads; 0: none does.

    ``read`` and ``written`` are the addresses of an operand and of the result in one memory, in the order of the lines.
    """
    n = len(read)
    lines = np.arange(n, dtype=np.int64)
    if not n or read.min() > written.max() or written.min() > read.max():
        return np.zeros(n, np.int64)
    writes = np.sort(written * n + lines)  # by address, then by line
    before = np.searchsorted(writes, read * n + lines) - 1  # of those at the line's address, the last one before it
    found = writes[before]
    return np.where((before >= 0) & (found // n == read), lines - found % n, 0)


def check_distance(operand: str, read: I64, written: I64, lanes: int) -> bool:
    """Whether an operand reads any line that an earlier line writes.

    Raises:
        OwnLines: one of the T lines before it writes it; names the first such line, and what is legal.
    """
    gaps = nearest_write(read, written)
    stages = line_stage(lanes)
    near = np.flatnonzero((gaps > 0) & (gaps <= stages))
    if near.size:
        line = int(near[0])
        raise OwnLines(
            f"{operand} of line {line} reads VEC {int(read[line])}, which line {line - int(gaps[line])} of the same"
            f" instruction writes, {int(gaps[line])} before it: legal is {stages + 1} or more before it (T + 1), "
            "itself, or later"
        )
    return bool(gaps.any())


def check_own_lines(touched: Sequence[Access], lanes: int) -> None:
    """The rule, for what an instruction touches (:func:`.access.accesses`: CST lies apart from VEC, ``docs/isa.md``).

    Raises:
        OwnLines: as :func:`check_distance`.
    """
    written = next((a.addr for a in touched if a.write and a.space == "VEC"), None)
    if written is not None:
        for acc in touched:
            if acc.space == "VEC" and not acc.write:
                check_distance(acc.operand, acc.addr, written, lanes)
