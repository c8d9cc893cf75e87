"""A sweep on the timing model: it runs, goes on where it was interrupted, and refuses what is wrong."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from equinox_core.deploy.predict import predict
from equinox_core.deploy.scenario import ScenarioError
from equinox_core.timing import NEVER
from equinox_core.timing.host import Host
from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import FAILED
from verif.flow.campaign.store import Store
from verif.flow.campaign.tests.cluster import a_worker_killed, given_out, workers
from verif.flow.experiments.experiments import EXPERIMENTS, Setting
from verif.flow.experiments.jobs import deployed
from verif.flow.experiments.point import Point
from verif.flow.experiments.sweep import CALL, job_of, sweep
from verif.lib import process
from verif.lib.toolchain import ROOT

TWO = [Point("inference_only", 0.5, 60, config="tiny"), Point("priority", 0.5, 60, config="tiny")]


def test_sweep_resumes(tmp_path: Path) -> None:
    """The second sweep computes nothing; a damaged file is computed again."""

    def made() -> dict[str, int]:
        return {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / "jobs").glob("*/result.json")}

    first = sweep(TWO, tmp_path, 2, lambda _: None)
    assert set(first) == set(TWO) and first[TWO[1]][0].training_share > 0 == first[TWO[0]][0].training_share
    before = made()
    assert sweep(TWO, tmp_path, 1, lambda _: None) == first and made() == before and len(before) == 2
    (tmp_path / "jobs" / job_of(TWO[0]).place / "result.json").write_text("{", encoding="utf-8")
    sweep(TWO, tmp_path, 1, lambda _: None)
    assert [name for name, time in made().items() if time != before[name]] == [job_of(TWO[0]).place]


def test_a_failed_point(tmp_path: Path) -> None:
    """It is named, with why; what is done is kept."""
    config = tmp_path / "small.toml"
    config.write_text(
        (ROOT / "configs" / "tiny.toml").read_text(encoding="utf-8").replace("WGTD_DEPTH = 8192", "WGTD_DEPTH = 1024"),
        encoding="utf-8",
    )
    wrong = replace(TWO[0], config=str(config), job="off")
    said: list[str] = []
    with pytest.raises(ValueError, match="WGTD"):
        sweep([wrong], tmp_path, 1, said.append)
    engine = Campaign(CALL, Store(tmp_path / "jobs"), said.append)
    with executor("", 1) as pool:
        (record,) = engine.run([job_of(wrong)], pool).values()
    assert record.status == FAILED and "WGTD" in record.message


def test_a_worker_of_a_cluster_is_killed(tmp_path: Path) -> None:
    """Its points, and no others, are given to another worker, and the results are those of a sweep on this machine."""
    points = [replace(TWO[1], load=load) for load in (0.2, 0.3, 0.4)]
    here = sweep(points, tmp_path / "here", 1, lambda _: None)
    with workers(tmp_path / "dask") as cluster:
        began = time.time()
        with a_worker_killed(cluster, lambda: True):
            there = sweep(points, tmp_path / "there", 1, lambda _: None, cluster.scheduler_address)
        assert len(given_out(cluster, began)) == 3 and set(given_out(cluster, began).values()) == {1, 2}
    assert [replace(there[p][0], seconds=0) for p in points] == [replace(here[p][0], seconds=0) for p in points]
    assert len(list((tmp_path / "there" / "jobs").glob("*/result.json"))) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"policy": "greedy"}, {"load": -0.5}, {"requests": 0}, {"job": "chess"}, {"engine": "fpga"}, {"timeout": -1.0}],
)
def test_bad_points(wrong: dict) -> None:
    """The message names the field."""
    with pytest.raises(ScenarioError, match=next(iter(wrong)).upper()):
        replace(TWO[0], **wrong).check()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--only", "e1,e9"), "ONLY = 'e9'"),
        (("--engine", "fpga"), "ENGINE = 'fpga'"),
        (("--requests", "0"), "REQUESTS = 0"),
        (("--loads", "half"), "LOADS = 'half'"),
        (("--loads=-1", "--only", "e1"), "LOAD = -1.0"),
        (("--config", "vast", "--only", "e1"), "vast"),
        (("--jobs", "0"), "JOBS = 0"),
    ],
)
def test_refused(words: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """In one line, with exit code 2, before anything runs."""
    done = process.run(
        [sys.executable, str(ROOT / "scripts" / "experiments.py"), *words, "--out", str(tmp_path / "x")],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
    )
    assert (
        done.returncode == 2
        and len(done.stderr.splitlines()) == 1
        and done.stderr.startswith("error: ")
        and part in done.stderr
    ), done.stderr


def test_load_experiment_writes_tables(tmp_path: Path) -> None:
    """E1 and E3 at one load, all lines."""
    setting = Setting(60, 0, (0.5,), (), "tiny")
    for name in ("e1", "e3"):
        points, report = EXPERIMENTS[name]
        files = report(setting, sweep(points(setting), tmp_path, 1, lambda _: None), tmp_path)
        assert files and all(f.stat().st_size for f in files)
    assert len((tmp_path / "e1_load.csv").read_text(encoding="utf-8").splitlines()) == 7


def test_host_trains_in_whole_steps() -> None:
    """Steps begin only when every request is answered, and no request is taken before the step is done."""
    deployment = deployed("digits", "tiny", "priority", 40, "poisson", 1)
    arrivals = np.arange(40) * 9000 + 1000
    line = predict(deployment, arrivals, ["lstm"] * 40, timeouts={"lstm": 100}, train=True, host=Host())
    assert len(line.steps) > 3 and (line.steps["count"] == 1).all() and (line.requests["done"] != NEVER).all()
    for end in line.steps["cycle"]:
        working = (line.batches["decided"] < end) & (line.batches["end"] > end)
        assert not working.any()


def test_inference_only_is_training_off() -> None:
    """Under `inference_only` a started job changes no request's time: so it may stand for training off."""
    deployment = deployed("digits", "tiny", "inference_only", 40, "poisson", 1)
    arrivals = np.arange(40) * 3000 + 1000
    on, off = (
        predict(deployment, arrivals, ["lstm"] * 40, policy="inference_only", timeouts={"lstm": 500}, train=train)
        for train in (True, False)
    )
    assert (on.requests["done"] == off.requests["done"]).all()


@pytest.mark.nightly
def test_rtl_points(tmp_path: Path) -> None:
    """The host's whole steps on the RTL, whose times are compared with the model's; the same bits as without training;
    and what E4 draws.
    """
    setting = Setting(0, 60, (), (0.3,), "tiny")
    points = [p for p in EXPERIMENTS["e4"][0](setting) if p.policy in ("inference_only", "software", "priority")]
    found = sweep(points, tmp_path, 1, lambda _: None)
    assert all(result.answered == 60 for result, _ in found.values())
    (off, _), (priority, _), (software, more) = (found[p] for p in points)
    assert off.steps_per_cycle == 0 < software.steps_per_cycle < priority.steps_per_cycle and more["host"]
    assert more["digests"] == found[points[0]][1]["digests"]
