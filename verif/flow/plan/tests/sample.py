"""A small project as the plan's checker sees it, and a plan that is in order with it."""

from __future__ import annotations

from pathlib import Path

from verif.flow.collect import Run, Test
from verif.flow.plan.catalogue import Catalogue, Place

PLAN = """\
block: fifo
desc: A queue
testpoints:
  - name: fifo_order
    desc: What goes in first comes out first
    doc: fifo.md#order
    stage: V1
    tests: [fifo::test_fifo]
    coverage: [fifo_cg.cp_level, "code:fifo*", sva:fifo_checks.c_full]
  - name: fifo_refusals
    desc: Bad depths are refused
    doc: fifo.md#depth
    stage: V2
    tests: [fifo::test_fifo, fifo::test_refused]
    coverage: [fifo_cg.cp_error, cases:fifo::test_refused, py:equinox_core.fifo]
background:
  - {doc: fifo.md#history, why: nothing to test}
"""


def test(name: str, line: int, runs: int = 1) -> Test:
    """A test of ``verif/block/fifo/test_fifo.py``."""
    node = f"verif/block/fifo/test_fifo.py::{name}"
    nodes = [node] if runs == 1 else [f"{node}[{n}]" for n in range(runs)]
    return Test(
        f"fifo::{name}",
        "verif/block/fifo/test_fifo.py",
        line,
        "fifo",
        tuple(Run(n, frozenset(), frozenset()) for n in nodes),
    )


test.__test__ = False  # type: ignore[attr-defined]


def known(root: Path) -> Catalogue:
    """Two tests, a covergroup, two modules, a cover property, three chapters and a Python module below ``root``."""
    (root / "models" / "equinox_core").mkdir(parents=True, exist_ok=True)
    (root / "models" / "equinox_core" / "fifo.py").write_text(
        '"""A queue."""\nDEPTH = 4\n\n\ndef put(value):\n    return value\n', encoding="utf-8"
    )
    tests = [test("test_fifo", 11), test("test_refused", 20, 3)]
    chapters = {
        f"fifo.md#{name}": Place(f"docs/fifo.md:{line}") for name, line in (("order", 3), ("depth", 9), ("history", 20))
    }
    return Catalogue(
        {t.id: t for t in tests},
        {"fifo_cg": {"cp_level": {"empty": 0, "full": 0}, "cp_error": {"zero": 0}}},
        {"fifo_cg": "verif/env/cov.py:7"},
        {"fifo": Place("rtl/fifo.sv:1"), "fifo_ram": Place("rtl/fifo_ram.sv:1")},
        {"fifo_checks.c_full": Place("rtl/fifo_checks.sv:8")},
        (),
        chapters,
        root,
    )


def write(folder: Path, text: str = PLAN, name: str = "fifo.yaml") -> Path:
    """Put a plan's file into a folder of its own; returns the folder."""
    plan = folder / "plan"
    plan.mkdir(exist_ok=True)
    (plan / name).write_text(text, encoding="utf-8")
    return plan
