"""Latency budgets: the check can fail, bad files are refused, results are kept, intervals cover; and a part of the
checked-in budgets.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.signal import lfilter

from equinox_core.report.schema import percentile
from verif.flow.campaign.job import DONE, Record
from verif.flow.latency import confidence
from verif.flow.latency.cases import FILE, BudgetError, Case, load_cases, needed, parse_cases
from verif.flow.latency.confidence import interval
from verif.flow.latency.measure import Latencies, Measured, Percentile, summarise
from verif.flow.latency.runner import job_of, outcome
from verif.flow.latency.verdict import gates
from verif.lib.toolchain import ROOT

HEAD = """# kept
[defaults]
config = "tiny"
service = "mlp"
train = "off"
requests = 1000
"""
CASE = """
[[case]]
trace = "poisson"
load = 0.5
policy = "priority"
cycles = { p50 = 1000000, p99 = 1000000 }
unloaded = { p50 = 1000, p99 = 1000 }
"""
NAME = "poisson/0.5/priority/mlp/off/tiny/model"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("latency_script", ROOT / "scripts" / "latency.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(script: ModuleType, tmp_path: Path, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run the command on a budget file's text; returns exit code, standard output and standard error."""
    file = tmp_path / "budgets.toml"

    def call(text: str | None, *words: str) -> tuple[int, str, str]:
        if text is not None:
            file.write_text(text, encoding="utf-8")
        capsys.readouterr()
        try:
            code = script.main(["--budgets", str(file), "--out", str(tmp_path / "out"), "--jobs", "1", *words])
        except SystemExit as end:
            code = end.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


# ---- the check can fail


def test_within_budget(command, tmp_path: Path) -> None:
    code, out, _ = command(HEAD + CASE)
    assert code == 0 and "PASSED: 1 cases within budget" in out
    assert "faster than their budgets" in out and NAME in out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["jobs", "latency.csv", "latency.json"]
    rows = list(csv.DictReader((tmp_path / "out" / "latency.csv").open(encoding="utf-8")))
    assert [r["percentile"] for r in rows] == ["p50", "p95", "p99"]
    for r in rows:
        assert r["case"] == NAME and r["requests"] == "1000" and r["verdict"] == "ok"
        assert int(r["cycles_low"]) <= int(r["cycles"]) <= int(r["cycles_high"])
        assert float(r["unloaded_low"]) <= float(r["unloaded"]) <= float(r["unloaded_high"])
    case = json.loads((tmp_path / "out" / "latency.json").read_text(encoding="utf-8"))["cases"][0]
    assert case["measured"]["requests"] == 1000 and case["broken"] == []


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            "cycles = { p50 = 1000000",
            "cycles = { p50 = 10",
            ("p50", "cycles, budget 10 cycles + 2 %", "even its interval's lower end"),
        ),
        (
            "unloaded = { p50 = 1000, p99 = 1000 }",
            "unloaded = { p50 = 1000, p99 = 0.1 }",
            ("p99", "x unloaded, budget 0.100 x unloaded"),
        ),
    ],
)
def test_a_broken_budget_fails(old: str, new: str, parts: tuple[str, ...], command) -> None:
    """Either gate alone, with exit code 1 and the case's name."""
    text = (HEAD + CASE).replace(old, new)
    assert text != HEAD + CASE
    code, out, _ = command(text)
    assert code == 1 and "BROKEN" in out and "FAILED: 1 of 1 cases break a budget" in out
    line = next(line for line in out.splitlines() if line.startswith(f"{NAME}: "))
    for part in parts:
        assert part in line


def test_tolerance() -> None:
    """Up to the tolerance above a budget is no failure, and a value far below is said to be."""
    case = replace(parse_cases(HEAD + CASE, "x")[0], cycles={"p50": 100}, unloaded={"p50": 1.0})

    def broken(cycles: int, times: float) -> list[bool]:
        p = Percentile(cycles, cycles, cycles, times, times, times)
        return [g.broken for g in gates(case, Measured(1000, 1, {"mlp": 100}, {"p50": p}))]

    assert broken(102, 1.02) == [False, False]
    assert broken(103, 1.0) == [True, False]
    assert broken(100, 1.021) == [False, True]
    p = Percentile(97, 97, 97, 1.0, 1.0, 1.0)
    assert [g.slack for g in gates(case, Measured(1000, 1, {"mlp": 100}, {"p50": p}))] == [True, False]


def test_a_case_that_does_not_run_fails(command, tmp_path: Path) -> None:
    """Nothing of it is taken as a result: not as a budget, and not by the next run."""
    small = tmp_path / "small.toml"
    small.write_text(
        (ROOT / "configs" / "tiny.toml").read_text(encoding="utf-8").replace("WGTD_DEPTH = 8192", "WGTD_DEPTH = 1024"),
        encoding="utf-8",
    )
    text = HEAD.replace('"tiny"', f'"{small}"') + CASE
    for words in ((), ("--update",)):
        code, out, err = command(text, *words)
        assert (
            code == 1
            and f"{NAME.replace('tiny', 'small')}: " in out
            and "WGTD" in out
            and "FAILED: 1 cases did not run" in out
        )
        assert "failed: " in err and "done already" not in err
    assert (tmp_path / "budgets.toml").read_text(encoding="utf-8") == text


# ---- budgets are taken by an explicit command


def test_update(command, tmp_path: Path) -> None:
    bare = HEAD + CASE.split("cycles")[0] + "\n# the end\n" + CASE.replace("0.5", "0.3")
    code, out, err = command(bare)
    assert code == 2 and out == "" and "budgets.toml: " + NAME + ": cycles is missing" in err
    code, out, _ = command(bare, "--update", "--only", "0.5")
    assert code == 0 and "1 of 1 budgets changed" in out
    text = (tmp_path / "budgets.toml").read_text(encoding="utf-8")
    assert text.startswith(HEAD) and "# the end" in text and CASE.replace("0.5", "0.3") in text
    case = parse_cases(text, "x")[0]
    assert list(case.cycles) == list(case.unloaded) == ["p50", "p95", "p99"]
    assert command(None)[0] == 0
    assert "0 of 2 budgets changed" not in command(None, "--update")[1]
    assert "0 of 2 budgets changed" in command(None, "--update")[1]


def test_update_refuses_what_it_cannot_edit(command, tmp_path: Path) -> None:
    text = (
        (HEAD + CASE)
        .replace("cycles = { p50 = 1000000, p99 = 1000000 }\n", "")
        .replace("unloaded = { p50 = 1000, p99 = 1000 }\n", "")
    )
    text += "[case.cycles]\np50 = 1\n[case.unloaded]\np50 = 1\n"
    code, _, err = command(text, "--update")
    assert code == 2 and "cannot be changed in place" in err and len(err.strip().splitlines()[-1]) < 200
    assert (tmp_path / "budgets.toml").read_text(encoding="utf-8") == text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["budgets.toml", "out"]


# ---- bad files

BAD = {
    "not TOML": ("[defaults]", "[defaults", ("not TOML",)),
    "table": ("[defaults]", "[shop]\nx = 1\n[defaults]", ("unknown key shop", "legal: defaults, case")),
    "default": ('config = "tiny"', "colour = 1", ("[defaults]", "unknown key colour", "legal: service")),
    "key": ("load = 0.5", "load = 0.5\ncolour = 1", ("case 1", "unknown key colour", "legal: trace")),
    "missing": ("load = 0.5\n", "", ("case 1", "load is missing", "legal is a number")),
    "type": ("load = 0.5", 'load = "high"', ("case 1", "load = 'high'", "legal is a number")),
    "boolean": ("requests = 1000", "requests = true", ("case 1", "requests = True", "legal is an integer")),
    "load": ("load = 0.5", "load = 0", ("case 1 (poisson/0/", "LOAD = 0", "legal is a number in 0.001..4")),
    "nan": ("load = 0.5", "load = nan", ("LOAD = nan", "legal")),
    "policy": ("priority", "random", ("POLICY = 'random'", "legal are inference_only")),
    "service": ('service = "mlp"', 'service = "gpt"', ("SERVICE = 'gpt'", "legal")),
    "train": ('train = "off"', 'train = "cnn"', ("TRAIN = 'cnn'", "legal are off, mlp")),
    "config": ('config = "tiny"', 'config = "huge"', ("huge: no such configuration",)),
    "engine": ("load = 0.5", 'load = 0.5\nengine = "paper"', ("engine = 'paper'", "legal are model, rtl")),
    "seed": ("load = 0.5", "load = 0.5\nseed = -1", ("SEED = -1", "legal is a whole number in 0..2147483647")),
    "trace": ('"poisson"', '"poisson:colour=3"', ("colour", "legal")),
    "trace file": ('"poisson"', '"configs/none.csv"', ("none.csv", "no such trace file")),
    "tolerance": ("load = 0.5", "load = 0.5\ntolerance = -0.1", ("tolerance = -0.1", "legal range 0..0.5")),
    "few": ("requests = 1000", "requests = 19", ("requests = 19", "legal is 20 or more")),
    "too few": ("requests = 1000", "requests = 999", ("cycles.p99", "999 requests are too few", "1000 or more")),
    "p99.9": (
        "{ p50 = 1000000,",
        '{ "p99.9" = 5,',
        ("cycles.p99.9", "1000 requests are too few", "10000 or more", "10 / (1 - p)"),
    ),
    "percentile": ("{ p50 = 1000000,", "{ p42 = 5,", ("cycles: unknown percentile p42", "legal: p50, p95, p99, p99.9")),
    "negative": ("p99 = 1000000 }", "p99 = -5 }", ("cycles.p99 = -5", "legal is an integer, 1..")),
    "fraction": ("p99 = 1000000 }", "p99 = 5.5 }", ("cycles.p99 = 5.5", "legal is an integer, 1..")),
    "zero": ("p99 = 1000 }", "p99 = 0 }", ("unloaded.p99 = 0", "legal is a number above 0")),
    "not finite": ("p99 = 1000 }", "p99 = inf }", ("unloaded.p99 = inf", "legal is a number above 0")),
    "one gate": (", p99 = 1000 }", " }", ("unloaded.p99 is missing", "same percentiles")),
    "no table": ("cycles = { p50 = 1000000, p99 = 1000000 }", "cycles = 3", ("cycles = 3", "legal is a table of p50")),
    "twice": ("[[case]]", CASE.strip() + "\n[[case]]", ("case 2", "the same as case 1", "legal")),
    "none": (CASE, "", ("case: legal are one or more tables [[case]]",)),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_file(kind: str, command, tmp_path: Path) -> None:
    """Refused in one line that names the file, the case and the field, before anything runs or is written."""
    old, new, parts = BAD[kind]
    text = (HEAD + CASE).replace(old, new, 1)
    assert text != HEAD + CASE
    for words in ((), ("--update",)):
        code, out, err = command(text, *words)
        assert code == 2 and out == ""
        lines = err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("error: budgets.toml: ") and len(lines[0]) < 400, err
        for part in parts:
            assert part in lines[0], f"{part!r} is not in: {lines[0]}"
    assert [p.name for p in tmp_path.iterdir()] == ["budgets.toml"]
    assert (tmp_path / "budgets.toml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--only", "("), "legal is a regular expression"),
        (("--only", "nobody"), "fits none of the 1 cases"),
        (("--jobs", "0"), "legal is 1 or more"),
        (("--colour", "red"), "--colour"),
        (("--budgets", "/none/at_all.toml"), "/none/at_all.toml: cannot be read"),
    ],
)
def test_bad_flag(words: tuple[str, ...], part: str, command) -> None:
    code, out, err = command(HEAD + CASE, *words)
    assert code == 2 and out == "" and len(err.splitlines()) == 1 and err.startswith("error: ") and part in err


def test_needed_requests() -> None:
    assert [needed(p) for p in (50, 95, 99, 99.9)] == [20, 200, 1000, 10000]
    assert list(Case("poisson", 0.5, "fair", requests=9999).percentiles) == ["p50", "p95", "p99"]
    assert list(Case("poisson", 0.5, "fair", requests=10000).percentiles) == ["p50", "p95", "p99", "p99.9"]


def test_absent_traces_are_skipped_with_a_line(command, tmp_path: Path) -> None:
    """Only those outside the project; and a run that checks nothing fails."""
    away = CASE.replace("poisson", str(tmp_path / "none.csv"))
    code, out, err = command(HEAD + CASE + away)
    assert code == 0 and "PASSED: 1 cases within budget" in out and "skipped" in out
    assert [line for line in err.splitlines() if "none.csv" in line] == [
        f"[latency] {tmp_path / 'none.csv'}: not there, 1 cases skipped"
    ]
    code, out, _ = command(HEAD + away)
    assert code == 1 and "FAILED: nothing was checked" in out


# ---- what is done is kept


def test_resume(command, tmp_path: Path) -> None:
    """A complete run computes nothing, a changed case is computed alone, and so is one whose result is not whole.

    Interrupted ones: engine::test_stopped.
    """
    text = HEAD + CASE + CASE.replace("0.5", "0.3")

    def made() -> dict[str, int]:
        return {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "jobs").glob("*/result.json")}

    assert command(text)[0] == 0
    first, before = (tmp_path / "out" / "latency.json").read_text(encoding="utf-8"), made()
    assert command(text)[0] == 0 and made() == before and len(before) == 2, "computed again"
    assert (tmp_path / "out" / "latency.json").read_text(encoding="utf-8") == first
    code, out, _ = command(text.replace("p50 = 1000000", "p50 = 1", 1))  # a budget is not part of a run
    assert code == 1 and made() == before
    assert command(text.replace("load = 0.3", "load = 0.3\nseed = 2"))[0] == 0
    assert len(made()) == 3 and before.items() <= made().items()
    before = made()
    job = job_of(parse_cases(text, "x")[0])
    file = tmp_path / "out" / "jobs" / job.place / "result.json"
    file.write_text(file.read_text(encoding="utf-8")[:40], encoding="utf-8")  # not whole: as if it were not there
    assert command(text)[0] == 0
    assert json.loads(file.read_text(encoding="utf-8"))["status"] == "done" and [
        name for name, time in made().items() if before[name] != time
    ] == [job.place]


def test_key(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("arrival_us\n0\n5\n9\n", encoding="utf-8")
    case = Case(str(trace), 0.5, "fair")
    one = job_of(case).key
    assert job_of(replace(case, tolerance=0.1, cycles={"p50": 1}, unloaded={"p50": 1})).key == one
    others = [
        job_of(replace(case, **change)).key
        for change in (
            {"load": 0.4},
            {"policy": "priority"},
            {"requests": 100},
            {"seed": 2},
            {"config": "tiny"},
            {"train": "off"},
            {"service": "mlp"},
            {"engine": "rtl"},
        )
    ]
    trace.write_text("arrival_us\n0\n5\n8\n", encoding="utf-8")
    assert len({one, *others, job_of(case).key}) == 10


def test_store_round_trip() -> None:
    case = parse_cases(HEAD + CASE, "x")[0]
    seen = Latencies(np.arange(1000) + 10, np.zeros(1000, int), (100,), 400)
    measured = summarise(case, seen)
    assert (
        measured.passes == 2.5
        and measured.percentiles["p50"].cycles == 509
        and measured.percentiles["p50"].unloaded == 5.09
    )
    record = Record("x", "k", DONE, data=json.loads(json.dumps(measured.to_dict())))
    assert outcome(record) == measured
    assert (
        outcome(Record("x", "k", "failed", "Verilator refuses x:\nno such port\nmore"))
        == "Verilator refuses x: no such port"
    )
    assert outcome(Record("x", "k", "error", "its worker was lost\nmore")) == "its worker was lost"


def test_multiples_are_of_a_requests_own_service() -> None:
    case = replace(parse_cases(HEAD + CASE, "x")[0], service="lstm,mlp")
    seen = Latencies(np.tile([1000, 100], 500), np.tile([0, 1], 500), (500, 50), 1000)
    assert {p.unloaded for p in summarise(case, seen).percentiles.values()} == {2.0}
    assert summarise(case, seen).service_cycles == {"lstm": 500, "mlp": 50}


# ---- confidence intervals


def _series(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    """Stationary AR(1) of standard normal values, as whole numbers, so that percentiles are known."""
    x = rng.normal(size=n)
    x[1:] *= np.sqrt(1 - rho**2)
    return np.rint(1e6 * lfilter([1], [1, -rho], x)).astype(np.int64)


TRUE = {50.0: 0.0, 95.0: 1.644854, 99.0: 2.326348}


def _coverage(rho: float, n: int, runs: int) -> dict[float, float]:
    """Share of series whose interval holds the true percentile."""
    rng = np.random.default_rng(11)
    hits = dict.fromkeys(TRUE, 0)
    for _ in range(runs):
        values = _series(rng, n, rho)
        for p, at in TRUE.items():
            low, high = interval(values, p)
            assert low <= percentile(values.tolist(), p) <= high
            hits[p] += low <= 1e6 * at <= high
    return {p: count / runs for p, count in hits.items()}


@pytest.mark.parametrize(("rho", "n"), [(0.0, 2000), (0.9, 5000)])
def test_intervals_cover(rho: float, n: int) -> None:
    """In about 95 % of independent and of strongly correlated series the interval holds the true percentile."""
    covered = _coverage(rho, n, 300)
    assert all(0.92 <= share <= 0.985 for share in covered.values()), covered


def test_order_statistics_alone_would_not_cover(monkeypatch) -> None:
    """What the batches are for."""
    monkeypatch.setattr(confidence, "effective_size", lambda hits, *_: len(hits))
    assert _coverage(0.9, 5000, 100)[50.0] < 0.6


def test_a_repeated_trace_tells_nothing_new() -> None:
    """Passes of the same arrivals must not narrow the interval."""
    once = _series(np.random.default_rng(3), 1000, 0.5)
    low, high = interval(once, 95)
    assert interval(np.tile(once, 10), 95, 1000) == (low, high)
    wrong = interval(np.tile(once, 10), 95)
    assert wrong[1] - wrong[0] < 0.6 * (high - low)


# ---- the checked-in budgets


def test_the_checked_in_file() -> None:
    """Covers what it must, and names no percentile less than its requests allow."""
    cases = load_cases(FILE)
    assert {c.policy for c in cases} >= {"inference_only", "priority", "adaptive"} and {c.engine for c in cases} == {
        "model",
        "rtl",
    }
    for case in cases:
        assert list(case.cycles) == list(case.percentiles), case.name
        assert case.engine == "rtl" or "p99.9" in case.cycles


def test_the_shipped_trace_is_within_budget(script: ModuleType, tmp_path: Path, capsys) -> None:
    """A part of `make latency`, on the model."""
    code = script.main(["--only", r"^bursty/0\.[37]/.*/model$", "--jobs", "1", "--out", str(tmp_path)])
    assert code == 0, capsys.readouterr().out


def test_unknown_percentile_names_the_file() -> None:
    with pytest.raises(BudgetError, match=r"^some\.toml: case 1 \(poisson/0\.5/.*unknown percentile p1"):
        parse_cases((HEAD + CASE).replace("p50 = 1000,", "p1 = 3,"), "some.toml")
