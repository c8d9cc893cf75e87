"""Benches and tests that nobody runs are found, each kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.collect import Run, Test, collect
from verif.flow.regress import idle
from verif.flow.regress.tiers import Entry, Tier


@pytest.fixture(scope="module")
def tests() -> list[Test]:
    """The project's."""
    return collect()


def test_nothing_lies_idle(tests: list[Test]) -> None:
    """Every bench is started by a test, every run is in a tier."""
    assert idle.idle(tests) == []


def _write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _test(root: Path, path: Path, *marks: frozenset[str]) -> Test:
    file = path.relative_to(root).as_posix()
    cases = tuple(Run(f"{file}::test_it[{n}]", mark, frozenset()) for n, mark in enumerate(marks or (frozenset(),)))
    return Test(f"{path.stem.removeprefix('test_')}::test_it", file, 3, "x", cases)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from verif.lib.sim import run_block\nrun_block(__file__)\n", False),
        ("from verif.lib import sim\nsim.run_block(__file__)\n", False),
        ("from verif.lib.sim import run_block\n", True),
        ("from verif import tool\n", False),
        ("import verif.tool\n", False),
        ('MODULE = "verif.block.fifo.bench_fifo"\n', False),
        ('"""About verif.block.fifo.bench_fifo."""\n', True),
        ("", True),
    ],
)
def test_a_bench_that_no_test_starts(tmp_path: Path, text: str, found: bool) -> None:
    """It must be called, or named in what the test imports."""
    _write(tmp_path / "verif/block/fifo/bench_fifo.py")
    _write(tmp_path / "verif/tool.py", 'MODULE = "verif.block.fifo.bench_fifo"\n')
    path = _write(tmp_path / "verif/block/fifo/test_fifo.py", text)
    expected = ["verif/block/fifo/bench_fifo.py:1: no test starts this bench"]
    assert idle.idle_benches([_test(tmp_path, path)], tmp_path) == (expected if found else [])
    assert idle.idle_benches([], tmp_path) == expected  # without a test that is collected
    _write(tmp_path / "verif/block/fifo/bench_fifo_full.py")  # a part of it
    part = "verif/block/fifo/bench_fifo_full.py:1: no test starts this bench"
    assert idle.idle_benches([_test(tmp_path, path)], tmp_path) == (
        [] if "run_block(" in text else [*expected[:found], part]
    )


def test_a_bench_of_the_project_without_its_test(tests: list[Test]) -> None:
    """Each bench of a block is started by its own test alone."""
    left = [test for test in tests if test.file != "verif/block/policy/test_policy.py"]
    assert idle.idle_benches(left) == ["verif/block/policy/bench_policy.py:1: no test starts this bench"]


BENCH = """import cocotb, pyuvm
@cocotb.test(timeout_time=1)
async def fills(dut): ...
@cocotb.test()
@cocotb.parametrize(rate=[1, 2])
async def drains(dut, rate): ...
@pyuvm.test()
class Overflows: ...
async def helper(dut): ...
"""


@pytest.mark.parametrize(
    ("calls", "left"),
    [
        (("",), []),
        (("test_filter='fills|Over'",), ["drains"]),
        (("test_filter='fills'", "test_filter=f'drains/.*{rate}'"), ["Overflows"]),
        (("test_filter='^(?!.*fills)'",), ["fills"]),
        (("test_filter='fills'", "params=x"), []),
        ((), ["fills", "drains", "Overflows"]),
    ],
)
def test_a_test_in_a_bench_that_none_chooses(tmp_path: Path, calls: tuple[str, ...], left: list[str]) -> None:
    """No call of the block's test takes it."""
    _write(tmp_path / "verif/block/fifo/bench_fifo.py", BENCH)
    path = _write(tmp_path / "verif/block/fifo/test_fifo.py", "".join(f"run_block(__file__, {c})\n" for c in calls))
    found = idle.idle_cocotb([_test(tmp_path, path)], tmp_path)
    lines = {"fills": 3, "drains": 6, "Overflows": 8}
    assert found == [f"verif/block/fifo/bench_fifo.py:{lines[name]}: no test chooses {name}" for name in left]
    assert len(idle.idle_cocotb([], tmp_path)) == 3


def test_a_test_of_the_core_that_none_chooses(tmp_path: Path) -> None:
    """It is named by no string of a test, of what the test imports, or of a list."""
    tests = "".join(f"@pyuvm.test()\nclass equinox_{name}_test: ...\n" for name in ("replay", "kills", "short", "new"))
    _write(tmp_path / "verif/tests/bench_equinox.py", tests)
    _write(tmp_path / "verif/tool.py", 'NAME = "equinox_kills_test"\n')
    _write(tmp_path / "verif/flow/list.yaml", "runs:\n  chip: {chip: short}\n")
    path = _write(tmp_path / "verif/tests/test_chip.py", 'from verif import tool\nrun("replay")\n')
    assert idle.idle_cocotb([_test(tmp_path, path)], tmp_path) == [
        "verif/tests/bench_equinox.py:8: no test chooses equinox_new_test"
    ]


def test_a_file_without_tests(tmp_path: Path) -> None:
    """A file that pytest does not look into, or in which it finds nothing."""
    good = _write(tmp_path / "models/tests/test_a.py")
    _write(tmp_path / "scripts/test_b.py")
    _write(tmp_path / "verif/block/c/test_c.py")
    assert idle.idle_files([_test(tmp_path, good)], tmp_path) == [
        "scripts/test_b.py:1: pytest collects no test in it",
        "verif/block/c/test_c.py:1: pytest collects no test in it",
    ]


def test_a_run_in_no_tier() -> None:
    """What no tier has at all, and what only the tier of marked runs has."""
    some = Tier("nightly", "x:1", (Entry("x:2", match=("a::*",)),))
    every = Tier("soak", "x:3", (Entry("x:4", match=("*",)),), marks=("soak",))
    a, b, c = (_test(Path(), Path(f"verif/test_{name}.py")) for name in "abc")
    b = replace(b, cases=(replace(b.cases[0], marks=frozenset({"soak"})),))
    assert idle.idle_runs([a, b], {"nightly": some, "soak": every}) == []
    assert idle.idle_runs([a, b, c], {"nightly": some, "soak": every}) == [
        "verif/test_c.py:3: c::test_it[0] is not marked soak, and the tier nightly does not have it"
    ]
    assert idle.idle_runs([a, c], {"nightly": some}) == ["verif/test_c.py:3: c::test_it[0] is a run that no tier has"]
