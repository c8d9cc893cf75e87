"""What the checkers of a run said, in order: read from the simulator's log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HDL = re.compile(r"%Error: ([^:\s]+):\d+: Assertion failed in (\S+?)(?::\s*(.*))?$")
_FATAL = re.compile(r"%Error: ([^:\s]+):(\d+): (?!Verilog \$stop)(.*)$")
_BOARD = re.compile(r"\b(?:ERROR|CRITICAL)\s+\S+\(\d+\) \[uvm_test_top\.(\S+)\]: (.*)$")
_FRAME = re.compile(r'\s+File "([^"]+)", line \d+, in (\S+)')
_RAISED = re.compile(r"\s*((?:\w+\.)*\w*(?:Error|Exception|Failure|Timeout|Mismatch|Fault|Overflow)\w*)(?:: (.*))?$")
_HELPER = ("lib", "verdict.py")  # raises for whoever calls it: no checker of its own
_SAYS = re.compile(r"(\w+): \d+ problem\(s\), first: (.*)$")


@dataclass(frozen=True)
class Report:
    """Who complained, and how."""

    checker: str
    text: str

    def __str__(self) -> str:
        return f"{self.checker}: {self.text}"


def _ours(path: str) -> bool:
    parts = Path(path).parts
    return "site-packages" not in parts and ("verif" in parts or "models" in parts) and parts[-2:] != _HELPER


def name_of(path: str | Path) -> str:
    """How a file is called in a checker's name: its stem; that of a block's helper after the block."""
    file = Path(path)
    parts = file.parts
    helper = "block" in parts[:-2] and not file.stem.startswith(("bench_", "test_"))
    return f"{file.parent.name}.{file.stem}" if helper else file.stem


def reports(lines: Iterable[str]) -> list[Report]:
    """The complaints in a log, first one first.

    A checker is named: an assertion by file and label (``eqx_mmu_checks.a_prio``), a scoreboard by its component's name
    (``response_board``), a bench's check by file and function (``bench_mmu.errors``, ``mmu.harness._check_time``).
    """
    found: list[Report] = []
    frame: tuple[str, str] | None = None
    for line in lines:
        line = line.rstrip()
        if match := _HDL.search(line):
            label = match[2].rsplit(".", 1)[-1]
            found.append(Report(f"{Path(match[1]).stem}.{label}", match[3] or ""))
        elif match := _FATAL.search(line):
            found.append(Report(f"{Path(match[1]).stem}.{match[2]}", match[3]))
        elif match := _BOARD.search(line):
            found.append(Report(match[1].rsplit(".", 1)[-1], match[2]))
        elif match := _FRAME.match(line):
            if _ours(match[1]):
                frame = (name_of(match[1]), match[2])
        elif "Traceback (most recent call last)" in line:
            frame = None
        elif frame and (match := _RAISED.match(line)):
            text = match[2] or match[1]
            if said := _SAYS.match(text):
                found.append(Report(said[1], said[2]))
            else:
                found.append(Report(".".join(frame), text))
            frame = None
    return found
