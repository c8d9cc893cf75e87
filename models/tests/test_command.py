"""The command `equinox-core`: predictions and their reports; bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import equinox_core
from equinox_core.command import main
from equinox_core.deploy.predict import FIRST, capacity, predict
from equinox_core.deploy.replay import replay
from equinox_core.deploy.result import command, run_result
from equinox_core.deploy.scenario import Scenario
from equinox_core.report import RunResult
from equinox_core.report.schema import percentile
from equinox_core.timing import NEVER

SMALL = Scenario(config="tiny", requests=24, load=0.4, service="lstm,mlp")


def test_replay() -> None:
    """It predicts the scaled trace, with limits and timeouts by the capacities, up to the last answer."""
    run = replay(SMALL)
    names = ["lstm", "mlp"]
    found = [capacity(run.deployment, name) for name in names]
    assert [run.capacities[n] for n in names] == found and run.limit == 6 * max(c.batch for c in found)
    assert run.timeouts == {name: c.batch for name, c in zip(names, found, strict=True)}
    assert run.arrivals[0] == FIRST and len(run.arrivals) == 24
    asked = [names[k] for k in run.plan.service]
    longer = predict(run.deployment, run.arrivals, asked, timeouts=run.timeouts, train=True)
    assert (longer.requests["done"] - run.arrivals).tolist() == run.latencies.tolist()
    assert run.timeline.end == run.timeline.requests["done"].max() + 1 < longer.end
    assert 0 < len(run.timeline.steps) <= len(longer.steps)


def test_figures() -> None:
    """Every request is in the report, and its causes sum to its latency; cycles are counted to the last answer."""
    run = replay(SMALL)
    result = run_result(run)
    assert result.passed and result.problems == []  # these say where causes do not sum, and what is lost
    assert sum(s.offered for s in result.services) == 24
    assert all(s.latency and s.causes and s.batch_rows for s in result.services)
    assert sorted(result.latencies) == sorted(run.latencies.tolist()) and result.cycles == run.timeline.end
    rows = sum(sum(s.batch_rows) for s in result.services)
    assert rows == 24 and result.kind == "prediction"
    assert result.training.steps == len(run.timeline.steps) and result.training.alone_cycles > 0
    assert RunResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_without_training() -> None:
    """No job, no figures of one; other requests do not come sooner for it."""
    result = run_result(replay(SMALL.changed(train="off")))
    assert result.training is None and "0.0% for training" in result.scenario["MMU works"]


def test_long_waits_are_waited_for() -> None:
    """A prediction ends when all is answered, however long that takes."""
    run = replay(SMALL.changed(service="lstm"))
    patient = {"lstm": 500_000}  # a batch that is not full waits longer than predictions last at first
    line = predict(run.deployment, [FIRST], ["lstm"], timeouts=patient)
    assert line.requests["done"][0] < NEVER and line.requests["done"][0] > FIRST + patient["lstm"]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text, page and JSON of a run that keeps its limit, and the exit code of one that does not."""
    page, file = tmp_path / "new" / "page.html", tmp_path / "result.json"
    words = ["predict", *"--config tiny --requests 24 --load 0.4".split(), "--report", str(page), "--result", str(file)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    result = RunResult.from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert f"report: {page}" in shown and "PASSED: 24 requests answered" in shown and "predicted" in shown
    html = page.read_text(encoding="utf-8")
    assert "<h1>Equinox prediction</h1>" in html and "cycles predicted" in html
    assert f"{percentile(result.latencies, 99.0):,}" in shown
    assert result.command == "equinox-core predict --config tiny --load 0.4 --requests 24"
    assert main([*words, "--limit", "5"]) == 1
    assert "above the limit of 5" in capsys.readouterr().out


def test_line_that_repeats() -> None:
    """It has what differs from the defaults, and words for a shell."""
    assert command(Scenario()) == "equinox-core predict"
    changed = Scenario(trace="a b.csv", policy="fair", seed=7)
    assert command(changed) == "equinox-core predict --trace 'a b.csv' --policy fair --seed 7"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out.strip() == f"equinox-core {equinox_core.__version__}"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), ("command", "--help")),
        (("foresee",), ("'foresee'", "predict")),
        (("predict", "--colour", "red"), ("--colour", "--help")),
        (("predict", "--steps", "3"), ("--steps", "--help")),
        (("predict", "--load", "fast"), ("LOAD = 'fast'", "legal is a number in 0.001..4")),
        (("predict", "--policy", "random"), ("POLICY = 'random'", "priority")),
        (("predict", "--service", "gpt"), ("SERVICE = 'gpt'", "lstm, mlp")),
        (("predict", "--train", "cnn"), ("TRAIN = 'cnn'", "off, mlp")),
        (("predict", "--trace", "none.csv"), ("none.csv", "no such trace file")),
        (("predict", "--trace", "bursty:colour=3"), ("bursty", "colour", "legal")),
        (("predict", "--config", "enormous"), ("enormous", "no such configuration", "tiny")),
        (("predict", "--config", "tiny", "--report", "/dev/null/page.html"), ("/dev/null: ",)),
        (("predict", "--config", "tiny", "--report", "PAGE", "--result", "/dev/null/x.json"), ("/dev/null: ",)),
    ],
)
def test_bad_input(
    words: tuple[str, ...], parts: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what is wrong and what is legal, and exit code 2."""
    words = tuple(str(tmp_path / "page.html") if word == "PAGE" else word for word in words)
    try:
        code = main(list(words))
    except SystemExit as end:
        code = end.code
    shown = capsys.readouterr()
    assert code == 2 and shown.out == "" and len(shown.err.splitlines()) == 1, shown.err
    assert shown.err.startswith("error: ") and all(part in shown.err for part in parts), shown.err


def test_model_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(equinox_core.files.HOME) / "configs" / "tiny.toml").read_text(encoding="utf-8")
    (tmp_path / "small.toml").write_text(text.replace("VEC_DEPTH = 4096", "VEC_DEPTH = 64"), encoding="utf-8")
    assert main(["predict", "--config", str(tmp_path / "small.toml")]) == 2
    line = capsys.readouterr().err
    assert len(line.splitlines()) == 1 and "VEC" in line and "64" in line
