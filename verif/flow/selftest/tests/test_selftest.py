"""The selftest's own tests: its list, its verdicts, and a few faults planted for good; all of them: `make selftest`."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from verif.flow.selftest import tree
from verif.flow.selftest.campaign import Campaign
from verif.flow.selftest.faultlist import CATEGORIES, FaultList, FaultListError, Plant, load
from verif.flow.selftest.job import BROKEN, CAUGHT, CLEAN, MISSED, OTHER, WORDS, judge
from verif.flow.selftest.output import save, table
from verif.flow.selftest.reports import name_of
from verif.lib.toolchain import BUILD, ROOT

QUICK = BUILD / "selftest" / "quick" / "tree"


def test_list_is_complete() -> None:
    """Every category, every checker of the inventory, more than 40 different faults."""
    what = load()
    assert len({f.plants for f in what.faults}) == len(what.faults) >= 40
    assert {f.category for f in what.faults} == set(CATEGORIES)
    assert not what.uncovered()
    assert len({f.number for f in what.faults} | {0}) == len(what.faults) + 1


GOOD = """runs:
  one: {block: policy}
checkers:
  bench_policy.check: modes
without: {}
faults:
- id: first
  category: data
  says: something is wrong
  plant: {file: rtl/a.sv, find: "b = c", replace: "b = ON ? d : c"}
  run: one
  checker: bench_policy.check
  message: x
"""


@pytest.fixture
def written(tmp_path: Path):
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl/a.sv").write_text("module a; assign b = c; assign d = c; endmodule\n", encoding="utf-8")

    def write(old: str, new: str) -> FaultList:
        assert GOOD.count(old) == 1
        path = tmp_path / "faults.yaml"
        path.write_text(GOOD.replace(old, new), encoding="utf-8")
        return load(path, tmp_path)

    return write


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('b = c"', 'b = d"', 10, "occurs 0 times in rtl/a.sv"),
        ('b = c"', '= c"', 10, "occurs 2 times"),
        ("ON ? d", "e ? d", 10, "has no ON"),
        ("rtl/a.sv", "rtl/b.sv", 10, "no such file"),
        ("category: data", "category: date", 7, "legal are data, order"),
        ("  message: x\n", "", 7, "'message' is missing"),
        ("message: x", "message: x\n  mesage: y", 7, "unknown field 'mesage'"),
        ("message: x", "message: '('", 7, "not a regular expression"),
        ("run: one", "run: two", 7, "not among the runs"),
        ("checker: bench_policy.check", "checker: nobody", 7, "neither declared nor an assertion's label"),
        ("{block: policy}", "{blok: policy}", 2, "one of block, chip, command"),
        ("without: {}", "without: {x: y}", 5, "x is no checker"),
        ("id: first", "id: First", 7, "small letters"),
        ("id: first", "id: first\n  id: second", 8, "stands twice"),
        ("faults:\n", "faults: [\n", 7, "expected"),
        ("without: {}", "without: []", 1, "without is []: legal is a mapping"),
        ("{block: policy}", "{block: policy, seed: x}", 2, "run one: seed is 'x': legal is a whole number"),
        ("{block: policy}", "{block: policy, params: 3}", 2, "run one: params is 3: legal is a mapping"),
        ("run: one", "run: [one]", 7, "fault first: run is ['one']: legal is a text"),
        ("message: x", "message: 3", 7, "fault first: message is 3: legal is a text"),
        ("{block: policy}", "{block: policy}\n  two: {block: mmu}", 2, "run two: no fault is planted in it"),
        ("rtl/a.sv", "3", 10, "first: file is 3: legal is a text"),
    ],
)
def test_malformed_list_is_refused(written, old: str, new: str, line: int, words: str) -> None:
    """One line, with the place."""
    with pytest.raises(FaultListError) as error:
        written(old, new)
    assert re.search(rf"faults\.yaml:{line}: ", str(error.value)), error.value
    assert words in str(error.value) and "\n" not in str(error.value)


def counted() -> set[str]:
    """Functions of the environment that say with :func:`verif.lib.checks.compared` what they have compared, by their
    own name for it.
    """
    found = set()
    for path in (p for p in (ROOT / "verif").rglob("*.py") if (ROOT / "verif/lib") not in p.parents):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [
                    node
                    for node in ast.walk(function)
                    if isinstance(node, ast.Call) and ast.unparse(node.func) == "checks.compared"
                ]
                if any(isinstance(call.args[0], ast.Constant) for call in calls):
                    found.add(f"{name_of(path)}.{function.name}")
    return found


def test_every_check_that_counts_is_a_checker() -> None:
    """What counts its comparisons is in the list, and so has a fault, or a reason why not."""
    assert len(counted()) > 30 and counted() <= set(load().checkers), counted() - set(load().checkers)


def test_planting(written, tmp_path: Path) -> None:
    """The copy has a switch where the project has none; two faults in one place are refused."""
    what = written("message: x", "message: x")
    fault = what.faults[0]
    assert tree.planted(what.faults, tmp_path) == {
        "rtl/a.sv": f"module a; assign b = (fault_pkg::planted == {fault.number}) ? d : c; assign d = c; endmodule\n"
    }
    with pytest.raises(FaultListError, match="second: another fault has changed its place"):
        tree.planted([fault, replace(fault, id="second")], tmp_path)


def ran(ok: bool, *reports: tuple[str, str]) -> dict:
    return {"ok": ok, "reports": [list(r) for r in reports], "tail": ["end"], "log": ""}


def test_verdicts() -> None:
    """Caught is: reported first by the right checker in the right words, and not without the fault."""
    fault = {"kind": "block", "fault": "f", "checker": "me", "message": "wrong", "options": {}}
    none = {**fault, "fault": "", "checker": "", "message": ""}
    assert judge(fault, ran(False, ("me", "is wrong"), ("you", "too")))[0] == CAUGHT
    assert judge(fault, ran(False, ("you", "is wrong"), ("me", "is wrong")))[0] == OTHER
    assert judge(fault, ran(False, ("me", "is late")))[0] == WORDS
    assert judge(fault, ran(True))[0] == MISSED
    assert judge(fault, ran(False))[0] == BROKEN
    assert judge(none, ran(True))[0] == CLEAN
    assert judge(none, ran(False, ("me", "is wrong")))[0] == BROKEN
    tool = {**fault, "kind": "command", "options": {"source": "me"}}
    assert judge(tool, ran(False, ("me", "hello"), ("me", "is wrong")))[0] == CAUGHT
    assert judge(tool, ran(False, ("me", "hello")))[0] == WORDS


def test_order() -> None:
    """A fault comes after its run without one, and of each simulator's runs one goes first."""
    what = load()
    jobs = Campaign(what, what.faults).jobs()
    chip = [job for job, (run, fault) in jobs.items() if run.kind == "chip" and fault is None]
    assert chip[0] == next(iter(jobs)) and chip[0].after == () and {job.after for job in chip[1:]} == {(chip[0].name,)}
    assert all(job.after == (f"{run.name}-none",) for job, (run, fault) in jobs.items() if fault)
    assert len(jobs) == len(what.faults) + len(what.runs)


def test_quick_faults_and_a_check_that_cannot_fail(tmp_path: Path) -> None:
    """A few faults are caught; one whose plant is taken out is reported as not caught."""
    what = load()
    quick = [f for f in what.faults if f.quick]
    real = next(f for f in quick if f.id == "policy_ignores_queues")
    idle = replace(
        real,
        id="nothing_planted",
        plants=(Plant(real.plants[0].file, "POLICY_PRIORITY: mode_d =", "POLICY_PRIORITY: /* ON */ mode_d ="),),
    )
    what = replace(what, faults=(*quick, idle))
    said: list[str] = []
    verdicts = {v.fault or v.run: v for v in Campaign(what, what.faults, said.append, where=QUICK).run(1)}
    missed = verdicts.pop("nothing_planted")
    assert (missed.verdict, missed.ok) == (MISSED, False)
    assert len(quick) >= 6 and all(v.ok for v in verdicts.values()), "\n".join(said)
    shown = table([*verdicts.values(), missed])
    assert f"{len(quick)} of {len(quick) + 1} faults caught" in shown and re.search(
        r"nothing_planted +scheduling +bench_policy.check +not caught", shown
    )
    save(tmp_path / "selftest.json", what, [*verdicts.values(), missed], 1.0, {("rtl/a.sv", "c_x"): 2})
    assert '"ok": false' in (tmp_path / "selftest.json").read_text(encoding="utf-8")


@pytest.mark.soak
def test_every_fault() -> None:
    """What `make selftest` runs."""
    what = load()
    verdicts = Campaign(what, what.faults).run(2)
    assert all(v.ok for v in verdicts), table(verdicts)
