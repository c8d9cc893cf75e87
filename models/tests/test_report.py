"""The report: figures, what counts as a failure, and both forms it is written in."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from equinox_core.report import (
    CAUSES,
    LATENCY_CAUSES,
    Check,
    ReportError,
    RunResult,
    Service,
    Training,
    Unit,
    summary,
    write_html,
)
from equinox_core.report import rows as figures
from equinox_core.report.__main__ import main
from equinox_core.report.page import render
from equinox_core.report.schema import MAX_LISTED, percentile
from models.tests.report_sample import result


@pytest.mark.parametrize("n", [1, 2, 10, 99, 100, 101, 1000, 1001])
@pytest.mark.parametrize("percent", [0.1, 50.0, 95.0, 99.0, 99.9, 100.0])
def test_percentile(n: int, percent: float) -> None:
    values = np.random.default_rng(n).integers(0, 10**6, n).tolist()
    tenths = round(percent * 10)  # exact, unlike 99.9 % of 1000 in floating point
    enough = [v for v in values if sum(w <= v for w in values) * 1000 >= tenths * n]
    assert percentile(values, percent) == min(enough)


def test_sample_passes() -> None:
    for made in (result(), result(200, 3), result(20, 1, False, None)):
        assert made.passed and made.problems == []


def test_each_problem_is_found() -> None:
    def problems(change) -> list[str]:
        made = result(100, 2)
        change(made)
        assert not made.passed
        return made.problems

    def lose(made: RunResult) -> None:
        made.services[0].arrival.pop()
        made.services[0].latency.pop()
        made.services[0].causes = {}

    def slow(made: RunResult) -> None:
        made.services[1].limit = percentile(made.services[1].latency, 99.0) - 1

    def blur(made: RunResult) -> None:
        made.services[0].causes["fill"][3] += 1
        made.services[0].causes["dram"][8] -= 1

    latency = result(100, 2).services[0].latency[3]
    assert problems(blur) == [
        f"lstm: the causes of 2 latencies do not sum to them, first request 3: {latency + 1}, {latency}"
    ]
    assert problems(lose) == ["lstm: 100 requests offered, 99 answered, 0 refused"]
    assert "above the limit" in problems(slow)[0]
    assert problems(lambda r: r.mismatches.append("lane 3")) == ["lane 3"]
    assert problems(lambda r: r.checks.append(Check("order", "answers", 0))) == ["order: no answers compared"]
    assert problems(lambda r: r.checks.append(Check("order", "answers", 9, 2))) == ["order: 2 of 9 answers wrong"]
    off = problems(lambda r: r.units[2].cycles.update(idle=r.units[2].cycles["idle"] - 1))
    assert len(off) == 1 and re.fullmatch(r"unit LD: its causes sum to \d+ of \d+ cycles", off[0])


def test_limit_is_met_at_equality() -> None:
    service = Service("s", 3, 8, [0, 1, 2], [10, 20, 30], limit=30)
    assert service.problems() == []
    service.limit = 29
    assert service.problems() == ["s: p99 latency of 30 cycles is above the limit of 29"]
    service.limit_percentile = 60.0
    assert service.problems() == []


def test_counted_cycles_may_differ_from_all() -> None:
    made = RunResult({}, 1, "make sim", 1000, 1.0, units=[Unit("MMU", {"idle": 900})], counted=900)
    assert made.passed
    made.counted = None
    assert not made.passed


def test_dict_round_trip() -> None:
    for made in (result(50, 2), result(50, 1, False)):
        assert RunResult.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def bad_dict(**change) -> dict:
    data = result(20).to_dict()
    data.update(change)
    return data


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (bad_dict(speed=3), "result: no field 'speed'; legal: scenario, seed"),
        (bad_dict(services=[{"name": "a"}]), "services[0]: "),
        (bad_dict(services=[{"name": "a", "offered": 1, "batch_limit": 8, "arrival": [1]}]), "1 arrivals, 0 latencies"),
        (
            bad_dict(services=[{"name": "a", "offered": 1, "batch_limit": 8, "limit_percentile": 0}]),
            "legal is above 0 up to 100",
        ),
        (
            bad_dict(services=[{"name": "a", "offered": 1, "batch_limit": 8, "causes": {"lunch": []}}]),
            "no cause lunch; legal: receive, fill",
        ),
        (
            bad_dict(services=[{"name": "a", "offered": 1, "batch_limit": 8, "causes": {"fill": [1]}}]),
            "1 cycles of fill, 0 latencies",
        ),
        (bad_dict(units=[{"name": "MMU", "cycles": {"lunch": 3}}]), "no cause lunch; legal: inference"),
        (bad_dict(training={"name": "t", "samples_per_step": 1, "loss_steps": [1]}), "1 loss_steps for 0, 0 losses"),
        (bad_dict(training={"name": "t", "samples_per_step": 1, "step_cycles": [7], "started": 7}), "its start at 7"),
        ({"seed": 1}, "result: "),
    ],
)
def test_bad_dicts(data: dict, what: str) -> None:
    with pytest.raises(ReportError) as caught:
        RunResult.from_dict(data)
    assert what in str(caught.value) and "\n" not in str(caught.value)


def test_training_figures() -> None:
    job = Training("t", 128, [1100, 2100, 3600], [1, 2], [2.0, 1.0], [2.0, 1.0], alone_cycles=500.0, started=100)
    made = RunResult({}, 1, "x", 4000, 1.0, training=job)
    rows = dict(figures.training_rows(made))
    assert rows["steps"] == "3" and rows["throughput"].startswith("857.1 steps, 109,714 samples")
    assert rows["cycles a step"].startswith("1,000 / 1,250 / 1,500") and rows["of the job's rate alone"] == "42.9%"
    assert rows["loss"] == "2.0000 to 1.0000, equal to the reference's at all 2 points"
    job.loss_core[1] = 1.5
    assert (
        "differs from the reference's at 1 of 2 points, first after step 2" in dict(figures.training_rows(made))["loss"]
    )


def test_causes_of_the_median_and_of_the_slowest() -> None:
    latency = list(range(1, 201))
    service = Service("s", 200, 8, latency, latency, causes={"fill": [1] * 200, "compute": [v - 1 for v in latency]})
    (_, middle), (_, slowest) = service.groups
    assert [latency[n] for n in middle] == list(range(90, 111)) and sorted(latency[n] for n in slowest) == [199, 200]
    assert service.mean_causes(slowest) == dict.fromkeys(LATENCY_CAUSES, 0.0) | {"fill": 1.0, "compute": 198.5}
    made = RunResult({}, 1, "x", 400, 1.0, services=[service])
    heads, (median, tail) = figures.cause_table(made)
    assert heads == ["mean cycles", "requests", *LATENCY_CAUSES, "sum"]
    assert (
        median[:4] == ["s, median (p45 to p55)", "21", "0.0", "1.0"] and median[-1] == "100.0" and tail[-1] == "199.5"
    )
    assert made.passed and "Where latency comes from" in summary(made) and "Where latency comes from" in render(made)
    service.causes = {}
    assert "Where latency comes from" not in summary(made) and "Where latency comes from" not in render(made)
    assert Service("s", 0, 8).groups == []


def test_summary() -> None:
    made = result(300, 2)
    text = summary(made)
    assert text.splitlines()[-1] == "PASSED: 600 requests answered, 120 training steps"
    for needed in ("p99.9", "seed", made.command, "dependency", f"{percentile(made.services[0].latency, 95.0):,}"):
        assert needed in text
    made.mismatches = [f"wrong {i}" for i in range(30)]
    lines = summary(made).splitlines()
    assert (
        lines[-1] == "FAILED: 30 problems"
        and "  ... and 20 more" in lines
        and "  wrong 9" in lines
        and "  wrong 10" not in lines
    )


class Page(HTMLParser):
    """Checks that elements nest, and keeps images, text and addresses."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: dict[str, str] = {}
        self.words: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        kept = dict(attrs)
        assert "href" not in kept and tag not in ("script", "link")
        if tag == "img":
            head, _, data = kept["src"].partition(",")
            assert head == "data:image/svg+xml;base64"
            self.images[kept["alt"]] = base64.b64decode(data).decode()
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.words.append(data)


def test_page() -> None:
    made = result(300, 2)
    made.scenario["trace"] = "<b>&.csv"
    page = Page(render(made))
    assert len(page.images) == 6
    for svg in page.images.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    text = " ".join(page.words)
    for needed in ("PASSED: 600 requests", "<b>&.csv", made.command, "p99.9", "equal to the reference's", *CAUSES):
        assert needed in text
    assert "Problems" not in text


def test_page_of_a_failed_run() -> None:
    made = result(300)
    made.mismatches = [f"wrong {i}" for i in range(MAX_LISTED + 7)]
    made.services[0].limit = 10
    text = " ".join(Page(render(made)).words)
    assert f"FAILED: {MAX_LISTED + 8} problems" in text and "BROKEN" in text and "and 8 more" in text


def test_page_is_repeatable() -> None:
    assert render(result(30, 1, False)) == render(result(30, 1, False))


@pytest.mark.parametrize(
    "made",
    [
        RunResult({}, 1, "make sim", 0, 0.0),
        RunResult({"a": 1}, 1, "make sim", 10, 0.0, services=[Service("s", 2, 8)], units=[Unit("MMU", {})], counted=0),
        RunResult({}, 1, "x", 10, 1.0, services=[Service("s", 1, 8, [0], [0], [1], limit=0)]),
        RunResult({}, 1, "x", 10, 1.0, training=Training("t", 1)),
        RunResult({}, 1, "x", 10, 1.0, training=Training("t", 1, [5], [1], [float("nan")], [float("nan")])),
    ],
)
def test_odd_runs_are_shown(made: RunResult) -> None:
    Page(render(made))
    assert summary(made)


def test_write_and_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = result(60, 1, False)
    stored, page, again = tmp_path / "r.json", tmp_path / "deep" / "r.html", tmp_path / "again.html"
    stored.write_text(json.dumps(made.to_dict()), encoding="utf-8")
    write_html(made, page)
    assert [p.name for p in page.parent.iterdir()] == ["r.html"]
    assert main([str(stored), str(again)]) == 0 and again.read_text(encoding="utf-8") == page.read_text(
        encoding="utf-8"
    )
    assert "PASSED" in capsys.readouterr().out
    made.mismatches = ["lane 3"]
    stored.write_text(json.dumps(made.to_dict()), encoding="utf-8")
    assert main([str(stored), str(again)]) == 1
    for text, what in (('{"seed": 1}', "result: "), ("[]", "a JSON object"), ("{", "Expecting")):
        stored.write_text(text, encoding="utf-8")
        assert main([str(stored), str(tmp_path / "none.html")]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {stored}: ") and what in error and error.count("\n") == 1
    assert main([str(tmp_path / "absent.json"), str(page)]) == 2
    assert not (tmp_path / "none.html").exists()


def test_write_leaves_the_old_page_on_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "r.html"
    page.write_text("old", encoding="utf-8")

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_html(result(20, 1, False), page)
    assert page.read_text(encoding="utf-8") == "old" and [p.name for p in tmp_path.iterdir()] == ["r.html"]
