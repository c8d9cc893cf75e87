"""Bad input of ``scripts/sim.py``: one clear line with what is legal, exit code 2, nothing written. No simulator is
needed.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from equinox_core.deploy.scenario import Scenario
from equinox_core.hw.modes import POLICIES
from equinox_core.traces import load_trace
from verif.env import simulate as simulation
from verif.env.progress import ProgressBar, ProgressWriter
from verif.env.simulate import default_run_dir
from verif.lib import process
from verif.lib.toolchain import ROOT


@pytest.fixture(scope="module")
def sim() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sim_script", ROOT / "scripts" / "sim.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def refused(sim: ModuleType, tmp_path: Path, capsys, monkeypatch) -> Callable[..., str]:
    """Run the command; it must fail with one line, which is returned, build nothing and write nothing."""

    def no_build(*_args, **_options):
        raise AssertionError("bad input came as far as the build")

    monkeypatch.setattr(simulation, "build_chip", no_build)

    def call(*words: str) -> str:
        out = tmp_path / "out"
        capsys.readouterr()
        try:
            code = sim.main([*words, "--out", str(out)])
        except SystemExit as end:
            code = end.code
        shown = capsys.readouterr()
        assert code == 2
        assert shown.out == ""
        lines = shown.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("error: "), shown.err
        assert "Traceback" not in lines[0] and len(lines[0]) < 400
        assert not out.exists()
        return lines[0]

    return call


def contains(line: str, *parts: str) -> None:
    for part in parts:
        assert part in line, f"{part!r} is not in: {line}"


TRACES = {  # contents, and what the line must say beside the file's name
    "empty": ("", ("empty", "at least one arrival")),
    "blank": ("\n\n", ("empty", "at least one arrival")),
    "header_only": ("arrival_us,model\n", ("no arrivals", "at least one")),
    "negative": ("arrival_us\n0\n-3\n5\n", (":3:", "arrival_us", "'-3'", "legal is a number from 0 to")),
    "nan": ("arrival_us\n0\nNaN\n", (":3:", "arrival_us", "'NaN'", "legal is a number from 0")),
    "infinite": ("arrival_us\n0\n1\ninf\n", (":4:", "arrival_us", "'inf'", "legal is a number from 0")),
    "word": ("arrival_us\nsoon\n", (":2:", "arrival_us", "'soon'", "legal is a number from 0")),
    "hole": ("arrival_us,model\n1,a\n,a\n", (":3:", "arrival_us", "''", "legal is a number from 0")),
    "layout": ("when,what\n1,2\n", (":1:", "unknown column layout", "'when,what'", "legal: a column 'arrival_us'")),
    "fields": ("arrival_us,model\n1\n", (":2:", "1 fields", "the header names 2")),
    "same_time": (
        "arrival_us\n7\n7\n7\n",
        ("its first 1000 arrivals are all at one time", "legal are two times or more"),
    ),
    "stamp": (
        "TIMESTAMP,ContextTokens\n2023-11-16 18:15:46.68,1\nyesterday,2\n",
        (":3:", "TIMESTAMP", "'yesterday'", "legal is YYYY-MM-DD"),
    ),
}


@pytest.mark.parametrize("name", TRACES)
def test_bad_trace(name: str, refused, tmp_path: Path) -> None:
    text, parts = TRACES[name]
    path = tmp_path / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    contains(refused("--trace", str(path)), path.name, *parts)


def test_bad_gzip(refused, tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"arrival_us\n" + b"1\n" * 1000)[:-12])
    contains(refused("--trace", str(path)), "cut.csv.gz", "broken gzip file")


def test_missing_trace(refused, tmp_path: Path) -> None:
    contains(refused("--trace", str(tmp_path / "none.csv")), "none.csv", "no such trace file")
    contains(refused("--trace", str(tmp_path)), tmp_path.name, "cannot be read")


def test_bad_generator(refused) -> None:
    contains(refused("--trace", "bursty:colour=3"), "bursty", "colour", "legal")
    contains(refused("--trace", "bursty:on=2"), "on", "2", "0.001 to 0.999")
    contains(refused("--trace", "bursty:on=much"), "on", "much")


def test_unsorted_trace_is_said(tmp_path: Path, capsys) -> None:
    """Not an error: sorted, and one warning names the line."""
    path = tmp_path / "mixed.csv"
    path.write_text("arrival_us\n5\n1\n3\n", encoding="utf-8")
    assert load_trace(path).arrival_us.tolist() == [0, 2, 4]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    contains(lines[0], "mixed.csv:3: warning", "not sorted")


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """A copy of ``configs/tiny.toml`` with a line replaced or added; returns its path."""

    def make(old: str, new: str) -> str:
        text = (ROOT / "configs" / "tiny.toml").read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "changed.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return str(path)

    return make


def test_bad_config(refused, config) -> None:
    where = "changed.toml"
    contains(
        refused("--config", config("[core]\n", "[core]\nCOLOUR = 3\n")),
        where,
        "[core]",
        "unknown key COLOUR",
        "legal: N, M, W",
    )
    contains(
        refused("--config", config("[dram]\n", "[shop]\nX = 1\n[dram]\n")),
        where,
        "unknown table [shop]",
        "legal: [core], [dram]",
    )
    contains(refused("--config", config("N = 4\n", "N = 5\n")), where, "[core] N = 5", "legal is")
    contains(refused("--config", config("N = 4\n", "N = 256\n")), where, "[core] N = 256", "legal is")
    contains(refused("--config", config("N = 4\n", "N = 'four'\n")), where, "[core] N = 'four'", "legal is an integer")
    contains(refused("--config", config("N = 4\n", "")), where, "[core] N is missing", "legal is")
    contains(refused("--config", config("W = 2\n", "W = 512\n")), where, "[core] W = 512", "legal is")
    contains(refused("--config", config("C_TRN = 1 ", "C_TRN = 3 ")), where, "C_TRN = 3", "legal is")
    contains(
        refused("--config", config("WGTD_DEPTH = 8192", "WGTD_DEPTH = 8191")),
        where,
        "WGTD_DEPTH = 8191",
        "legal is a multiple of",
    )
    contains(refused("--config", config("[core]", "[core")), where, "not TOML")
    contains(refused("--config", "enormous"), "enormous", "no such configuration", "default", "tiny")
    contains(refused("--config", "/nowhere/at_all.toml"), "at_all.toml", "no such configuration")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("WGTD_DEPTH = 8192", "WGTD_DEPTH = 1024", ("WGTD", "1024")),
        ("VEC_DEPTH = 4096", "VEC_DEPTH = 64", ("VEC", "64")),
        ("ACC_DEPTH = 2048", "ACC_DEPTH = 16", ("ACC", "16")),
        ("ACTC_DEPTH = 4096", "ACTC_DEPTH = 16", ("ACTC", "16")),
        ("ACTD_DEPTH = 4096", "ACTD_DEPTH = 16", ("ACTD", "16")),
        ("WGTC_DEPTH = 4096", "WGTC_DEPTH = 8", ("WGTC", "8")),
        ("STG_DEPTH = 2048", "STG_DEPTH = 2", ("STG", "2")),
        ("SOF_DEPTH = 1024", "SOF_DEPTH = 2", ("SOF", "2")),
        ("SOB_DEPTH = 2048", "SOB_DEPTH = 4", ("SOB", "4")),
        ("RX_LINES = 16", "RX_LINES = 2", ("RX_LINES", "2")),
        ("TX_LINES = 4", "TX_LINES = 1", ("TX_LINES", "1")),
        ("BYTES = 4194304", "BYTES = 65536", ("DRAM", "65536")),
        ("IMEM_DEPTH = 512", "IMEM_DEPTH = 128", ("instruction memory", "128", "IMEM_DEPTH")),
        ("SERVICES = 4", "SERVICES = 1", ("2 services", "SERVICES")),
    ],
)
def test_does_not_fit(old: str, new: str, parts: tuple[str, ...], refused, config) -> None:
    """Sizes that do not fit name the buffer, what is needed and what there is."""
    contains(refused("--config", config(old, new)), *parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--policy", "random"), ("POLICY", "'random'", f"legal are {', '.join(POLICIES)}")),
        (("--train", "cnn"), ("TRAIN", "'cnn'", "legal are off, mlp")),
        (("--service", "gpt"), ("SERVICE", "'gpt'", "lstm, mlp")),
        (("--service", "lstm,lstm"), ("SERVICE", "'lstm,lstm'", "different")),
        (("--service", ""), ("SERVICE", "''", "lstm, mlp")),
        (("--load", "0"), ("LOAD = 0.0", "legal is a number in 0.001..4")),
        (("--load", "5"), ("LOAD = 5.0", "legal is a number in 0.001..4")),
        (("--load", "nan"), ("LOAD = nan", "legal is a number in 0.001..4")),
        (("--load", "fast"), ("LOAD = 'fast'", "legal is a number in 0.001..4")),
        (("--requests", "0"), ("REQUESTS = 0", "legal is a whole number in 1..10000000")),
        (("--requests", "3.5"), ("REQUESTS = '3.5'", "legal is a whole number in 1..10000000")),
        (("--steps", "0"), ("STEPS = 0", "legal is a whole number in 1..1000000")),
        (("--seed", "-1"), ("SEED = -1", "legal is a whole number in 0..2147483647")),
        (("--seed", "dice"), ("SEED = 'dice'", "legal is a whole number in 0..2147483647")),
        (("--limit", "-5"), ("LIMIT = -5", "legal is a whole number in 0..")),
        (("--rsp-stall", "100"), ("RSP_STALL = 100", "legal is a whole number in 0..95")),
        (("--dram-stall", "-1"), ("DRAM_STALL = -1", "legal is a whole number in 0..95")),
        (("--colour", "red"), ("--colour", "--help")),
        (("--test", "replay_test"), ("TEST", "'replay_test'", "verif/tests/bench_equinox.py", "equinox_replay_test")),
    ],
)
def test_bad_knob(words: tuple[str, ...], parts: tuple[str, ...], refused) -> None:
    contains(refused(*words), *parts)


@pytest.mark.parametrize(
    ("words", "seed", "parts"),
    [
        (("-k", "no_such_test"), "1", ("no test matches 'no_such_test'", "and the blocks axi_checker,", "vpu")),
        ((), "dice", ("SEED = 'dice': legal is a whole number in 0..2147483647",)),
    ],
)
def test_choice_of_tests(words: tuple[str, ...], seed: str, parts: tuple[str, ...]) -> None:
    """`make test` says what can be chosen where nothing is, and that a seed is none."""
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__)), *words]
    done = process.run(
        call, capture_output=True, encoding="utf-8", errors="replace", cwd=ROOT, env=os.environ | {"SEED": seed}
    )
    assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr
    contains(done.stdout + done.stderr, *parts)


def test_a_folder_of_somebody_else(sim: ModuleType, tmp_path: Path, capsys, monkeypatch) -> None:
    """A folder that holds anything but an earlier run is refused, and nothing in it is touched."""
    monkeypatch.setattr(simulation, "build_chip", lambda *_a, **_o: pytest.fail("came as far as the build"))
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert sim.main(["--requests", "8", "--out", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"] and (tmp_path / "thesis.txt").read_text(
        encoding="utf-8"
    ) == "years of work"


def test_results_of_a_configuration_elsewhere(config) -> None:
    """Results go below build/, wherever the configuration's file lies."""
    path = config("N = 4\n", "N = 4\n")
    assert default_run_dir(Scenario(config=path)).parent == ROOT / "build" / "sim_runs"


@pytest.mark.parametrize(
    ("script", "words", "parts"),
    [
        ("bench", ("--only", "beauty"), ("--only beauty", "legal are gemm, inference")),
        ("bench", ("--repeat", "often"), ("--repeat", "'often'")),
        ("lint", ("no_such_module",), ("MODULE = 'no_such_module'", "legal are the modules of rtl/")),
    ],
)
def test_other_commands(script: str, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    """The other entry points that make calls say it in one line, too."""
    done = process.run(
        [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *words],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
    )
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1, done.stderr
    contains(done.stderr, "error: ", *parts)


def test_no_compiler(tmp_path: Path) -> None:
    """A compiler that is missing is named in one line."""
    command = [sys.executable, str(ROOT / "scripts" / "sim.py"), "--requests", "8", "--out", str(tmp_path / "out")]
    done = process.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
        env={**os.environ, "EQX_CXX": "no-such-compiler"},
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    contains(done.stderr, "error: ", "C++20 compiler", "no-such-compiler")
    assert not (tmp_path / "out").exists()


def test_progress(tmp_path: Path) -> None:
    """The bar shows this run's progress, not an earlier one's in the same folder."""
    writer = ProgressWriter(tmp_path, 8)
    writer.show(8, "requests")
    past = time.time() - 5
    os.utime(tmp_path / "progress", (past, past))
    bar = ProgressBar(tmp_path, 8)
    assert bar.look() == ""
    ProgressWriter(tmp_path, 8).show(3, "requests")
    assert bar.look() == "[###     ] 3/8 requests"
    (tmp_path / "progress").unlink()
    assert bar.look() == ""
