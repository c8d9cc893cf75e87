"""The bench's own arithmetic: goals, files, counted work."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from equinox_core.compiler.service import lstm_classifier
from equinox_core.config import load_config
from equinox_core.deploy.scenario import Scenario
from equinox_core.workloads.lstm import load_params
from verif.env.jobs import BATCH, COMPUTE_BOUND, GEMM, gemm_deployment, training_deployment, work_of
from verif.env.stimulus import Digest
from verif.flow.bench.chip import BenchError, _check_rows, idle, share
from verif.flow.bench.figures import Figure, table, verdict, write
from verif.flow.bench.measure import Setting, jobs_of
from verif.lib.toolchain import ROOT

GOOD, SLOW, INFO = Figure("use", 0.98, 0.98), Figure("time", 181.0, 180, "s", True), Figure("other", 0.2)


def test_goals() -> None:
    assert GOOD.met is True and replace(GOOD, measured=0.9799).met is False
    assert SLOW.met is False and replace(SLOW, measured=180.0).met is True
    assert INFO.met is None
    assert verdict([GOOD, INFO]) == "all 1 goals are met"
    assert verdict([GOOD, SLOW]) == "1 fall short: time (181 s, goal ≤ 180 s)"
    assert len({len(line) for line in table([GOOD, SLOW, INFO]).splitlines()}) == 1


def test_files(tmp_path: Path) -> None:
    write(tmp_path / "new", [GOOD, SLOW], {"config": "default"})
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["figures.json", "figures.md"]
    data = json.loads((tmp_path / "new" / "figures.json").read_text(encoding="utf-8"))
    assert [f["met"] for f in data["figures"]] == [True, False] and data["setting"] == {"config": "default"}
    assert "1 fall short" in (tmp_path / "new" / "figures.md").read_text(encoding="utf-8")


def test_a_figure_that_failed_stays(tmp_path: Path, monkeypatch, capsys) -> None:
    """It has its row, the verdict names it, and the exit code is not 0, whatever the others reach."""
    spec = importlib.util.spec_from_file_location("bench_script", ROOT / "scripts" / "bench.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)

    def measure(words: tuple[str, ...], *_settings: object) -> dict[str, list[Figure] | str]:
        return {
            word: "figure_gemm: batches: compared nothing\nand much more" if word == "gemm" else [GOOD]
            for word in words
        }

    monkeypatch.setattr(bench, "measure", measure)
    assert bench.main(["--only", "gemm,inference", "--out", str(tmp_path)]) == 2
    assert bench.main(["--only", "inference", "--out", str(tmp_path / "good")]) == 0
    shown = capsys.readouterr().out
    assert "1 failed: gemm" in shown and "all 1 goals are met" in shown.splitlines()[-2]
    row = next(line for line in shown.splitlines() if line.startswith("| gemm"))
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "gemm",
        "",
        "failed",
        "NO",
        "figure_gemm: batches: compared nothing",
    ]
    data = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [(f["name"], f["measured"], f["met"]) for f in data["figures"]] == [
        ("gemm", None, False),
        ("use", 0.98, True),
    ]


def test_counted_work() -> None:
    scenario = Scenario()
    m, n, k = GEMM
    deployment = gemm_deployment(scenario)
    assert work_of(deployment.cfg, deployment.image.work.program).mmu * deployment.cfg.macs == m * n * k
    deployment = training_deployment(scenario, COMPUTE_BOUND)
    work, (a, b, c, _) = work_of(deployment.cfg, deployment.job.program), COMPUTE_BOUND
    assert work.mmu * deployment.cfg.macs >= BATCH * (2 * a * b + 3 * b * c)  # the first layer passes nothing down
    weights = 4 * (a * b + b * c)
    assert work.read * deployment.cfg.BUS >= weights and work.write * deployment.cfg.BUS >= weights
    assert work.kappa < 0.5, "not bound by computation"
    with pytest.raises(ValueError, match="rows depend on the batch"):
        work_of(deployment.cfg, lstm_classifier(load_config("default"), load_params()).program)


def test_windows() -> None:
    split = {"inference": 20, "training": 70, "policy": 0, "internal": 1, "dependency": 9}
    assert idle(split) == "idle: dependency 9.0 %, internal 1.0 %"
    window = {"cycles": 100, "steps": 2, "MMU": split}
    assert share(window, "training") == 0.7
    _check_rows("job", window, 35)
    with pytest.raises(BenchError, match="counted 70 rows in 2 steps, the program has 76"):
        _check_rows("job", window, 38)


def test_digest_is_fnv1a() -> None:
    one, two = Digest(), Digest()
    one.add(b"foobar")
    two.add(b"foo")
    two.add(b"bar")
    assert one.value == two.value == 0x85944171F73967E8


def test_order_of_measurements() -> None:
    """What is timed runs alone, after all others, and anew each time; others are known by what they depend on."""
    words = ("speed", "gemm", "build", "tail", "gemm")
    jobs = {job.name: job for job in jobs_of(words, Setting("tiny"))}
    assert [(job.name, job.after) for job in jobs.values()] == [
        ("gemm", ()),
        ("tail", ()),
        ("speed", ("gemm", "tail")),
        ("build", ("gemm", "tail", "speed")),
    ]
    again = {job.name: job.key for job in jobs_of(words, Setting("tiny"))}
    assert [name for name, key in again.items() if key == jobs[name].key] == ["gemm", "tail"]
    assert (
        jobs_of(["gemm"], Setting("tiny", repeat=4))[0].key
        != jobs["gemm"].key
        != jobs_of(["gemm"], Setting("default"))[0].key
    )
