"""Tests of the build and run support: good runs pass, each kind of failure is seen as one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from verif.lib import process, sim
from verif.lib.coverage import parse
from verif.lib.sim import SimFailure, SimResult

HERE = Path(__file__).parent
BENCH = "verif.lib.tests.bench_counter"


def sources() -> list[Path]:
    """The sources of the counter bench."""
    return sim.closure(HERE / "hdl" / "tb_counter.sv", library=[HERE / "hdl"])


def build(**options: object) -> Path:
    """The counter bench, 8 bits wide."""
    return sim.build("tb_counter", sources(), {"WIDTH": 8, "LABEL": "x y"}, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exe() -> Path:
    """The counter's simulator."""
    return build()


def start(exe: Path, folder: Path, *, check: bool = False, **options: object) -> SimResult:
    """Run the bench in a folder of its own."""
    env = {"P_WIDTH": "8", "EQX_COVERAGE_DIR": "", **options.pop("env", {})}  # type: ignore[dict-item]
    return sim.run(exe, BENCH, run_dir=folder, env=env, check=check, **options)  # type: ignore[arg-type]


def test_good_run(exe: Path, tmp_path: Path) -> None:
    """One test passes, the others are skipped, and the result says so."""
    result = start(exe, tmp_path / "run", check=True, seed=5)
    assert result.ok and result.seed == 5
    assert [t.status for t in result.tests] == ["passed", "passed", "skipped", "skipped", "skipped"]
    assert result.tests[0].name == f"{BENCH}.counts" and result.tests[0].sim_ns > 2000
    again = process.run(
        ["sh", str(tmp_path / "run" / "rerun.sh")], capture_output=True, encoding="utf-8", errors="replace"
    )
    assert again.returncode == 0 and "PASS=2" in again.stdout


def test_failed_comparison(exe: Path, tmp_path: Path) -> None:
    """The message names the test, what it said, the seed and the way to see it again."""
    with pytest.raises(SimFailure) as caught:
        start(exe, tmp_path / "run", check=True, seed=9, env={"EQX_WRONG": "1"})
    text = str(caught.value)
    assert "bench_counter.wrong: told to be wrong" in text
    assert "seed 9" in text and "SEED=9 " in text and "test_sim.py::test_failed_comparison" in text
    assert len(caught.value.result.failures) == 1


def test_hdl_assertion_fails_the_run(exe: Path, tmp_path: Path) -> None:
    """An assertion that fires is a failure though the Python side is content."""
    result = start(exe, tmp_path / "run", env={"EQX_PROVOKE": "1"})
    assert not result.ok and "Assertion failed" in result.explain()


def test_waves(exe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traced build of its own dumps signals when asked to, whatever the environment says."""
    monkeypatch.delenv("WAVES", raising=False)
    traced = build(trace=True)
    assert traced != exe
    assert start(traced, tmp_path / "run", trace=True).ok
    (dump,) = (tmp_path / "run").glob("dump.*")
    assert dump.suffix in (".vcd", ".fst") and dump.stat().st_size > 1000
    monkeypatch.setenv("WAVES", "1")
    assert start(traced, tmp_path / "without", trace=False).ok
    assert not list((tmp_path / "without").glob("dump.*"))


def test_time_limit(exe: Path, tmp_path: Path) -> None:
    """A simulation that does not end is stopped."""
    result = start(exe, tmp_path / "run", env={"EQX_HANG": "1"}, timeout=3)
    assert not result.ok and result.exit_code is None and "time limit" in result.explain()


@pytest.mark.parametrize("options", [{"test_filter": "nosuch"}, {"test_filter": "wrong"}])
def test_nothing_run_is_a_failure(exe: Path, tmp_path: Path, options: dict[str, str]) -> None:
    """A filter that leaves no test, or skipped ones only, is not a success."""
    assert not start(exe, tmp_path / "run", **options).ok


def test_missing_module_is_a_failure(exe: Path, tmp_path: Path) -> None:
    """A bench that cannot be imported is not a success."""
    result = sim.run(exe, "verif.lib.tests.nosuch", run_dir=tmp_path / "run", check=False)
    assert not result.ok and "No module named" in result.explain()


def test_second_build_does_nothing(exe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same design is found built; another parameter is another build folder."""
    before = exe.stat().st_mtime_ns
    capsys.readouterr()
    assert build() == exe
    assert exe.stat().st_mtime_ns == before
    assert "building" not in capsys.readouterr().err


def test_changed_source_is_built_anew(exe: Path, tmp_path: Path) -> None:
    """The contents of the sources decide, not their dates: a fault planted in the design is seen."""
    files = []
    for path in sources():
        copy = tmp_path / path.name
        copy.write_text(path.read_text(encoding="utf-8").replace("count_q + 1'b1", "count_q + 2'd3"), encoding="utf-8")
        files.append(copy)
    changed = sim.build("tb_counter", files, {"WIDTH": 8, "LABEL": "x y"})
    assert changed.parent != exe.parent
    result = start(changed, tmp_path / "run")
    assert [t.name.rpartition(".")[2] for t in result.failures] == ["counts", "sampling"]


def test_design_errors_are_shown(tmp_path: Path) -> None:
    """Verilator's words reach the reader, and no half-made build is left as if complete."""
    bad = tmp_path / "tb_bad.sv"
    bad.write_text("module tb_bad;\n  assign x = y;;\nendmodule\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(sim.BuildError, match=r"tb_bad\.sv:2"):
            sim.build("tb_bad", [bad])
    with pytest.raises(sim.BuildError, match="no such source"):
        sim.build("tb_bad", [tmp_path / "nosuch.sv"])
    with pytest.raises(ValueError, match="parameter WIDTH"):
        sim.build("tb_bad", [bad], {"WIDTH": 1.5})  # type: ignore[dict-item]


def test_concurrent_builds_share_the_work(tmp_path: Path) -> None:
    """Two processes that want the same design get one finished build."""
    name = f"tb_race_{abs(hash(tmp_path)) % 10**8}"
    program = f"from verif.lib.tests.test_sim import build; print(build(name={name!r}, opt='-O0'))"
    both = [
        process.start([sys.executable, "-c", program], stdout=process.PIPE, text=True, cwd=sim.ROOT) for _ in range(2)
    ]
    paths = {one.communicate(timeout=120)[0] for one in both}
    assert len(paths) == 1
    shared = Path(paths.pop().strip())
    assert start(shared, tmp_path / "run").ok
    shutil.rmtree(shared.parent)


def test_coverage_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With COVERAGE set a run leaves line, branch, expression and user points, and covergroups."""
    monkeypatch.setenv("COVERAGE", "1")
    monkeypatch.setattr(sim, "BUILD", tmp_path / "build")
    monkeypatch.delenv("EQX_OUT", raising=False)
    exe = build()
    cov = {"EQX_COVERAGE_DIR": str(tmp_path / "build" / "cov")}
    result = start(exe, tmp_path / "a" / "run", check=True, env=cov)
    points = parse(result.run_dir / "coverage.dat")
    kinds = {point.kind for point, count in points.items() if count}
    assert kinds == {"line", "branch", "expression", "user"}
    kept = sorted(path.suffix for path in (tmp_path / "build" / "cov").iterdir())
    assert kept == [".dat", ".json"]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "2147483648"])
def test_seed_must_be_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is none is refused with its value and the legal range."""
    monkeypatch.setenv("SEED", text)
    with pytest.raises(ValueError, match=f"SEED = '{text}': legal is a whole number in 0..2147483647"):
        sim.default_seed()
