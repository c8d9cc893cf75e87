"""The chip-level tests, each a run of a scenario on a simulator that is built once for each configuration."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

import pytest

from equinox_core.deploy.scenario import POLICIES, Scenario
from verif.env.simulate import TIMELINE, ChipRun, simulate
from verif.lib import process
from verif.lib.sim import default_seed, out_dir
from verif.lib.toolchain import ROOT
from verif.tests.noninterference import FILE

BOTH = "lstm,mlp"
LIMIT = 250_000  # cycles, of the crowded core
QUICK = [("default", "priority"), ("default", "slack")]  # the other replays beyond tiny are for the nightly tier
LARGE = pytest.param("large", marks=pytest.mark.nightly)
CONFIGS = ["tiny", "default", LARGE]
REPLAYS = [
    pytest.param(config, policy, marks=() if config == "tiny" or (config, policy) in QUICK else pytest.mark.nightly)
    for config in ("tiny", "default", "large")
    for policy in POLICIES
]


def run(config: str, test: str, name: str = "", *, check: bool = True, **knobs) -> ChipRun:
    """Run one test of ``bench_equinox.py`` in a folder of its own."""
    scenario = Scenario(
        config=config, test=f"equinox_{test}_test", **{"requests": 24, "steps": 2, "seed": default_seed(), **knobs}
    )
    folder = out_dir() / "runs" / "chip" / "-".join(filter(None, (Path(config).stem, test, name)))
    return simulate(scenario, folder, timeout=900, check=check, timeline=True)


@pytest.mark.parametrize(("config", "policy"), REPLAYS)
def test_replay(config: str, policy: str) -> None:
    """Both services and training under each policy; on tiny two policies with a slow sink and a slow DRAM."""
    stalls = {"rsp_stall": 40, "dram_stall": 30} if config == "tiny" and policy in ("fair", "adaptive") else {}
    result = run(config, "replay", policy, policy=policy, service=BOTH, requests=40, steps=3, **stalls)
    report = json.loads((result.run_dir / "result.json").read_text(encoding="utf-8"))
    assert {c["name"]: c["compared"] > 0 for c in report["checks"]} == dict.fromkeys(
        (
            "responses",
            "order and loss",
            "bounds of times" if stalls else "times",
            "fill of batches",
            "AXI rules",
            "training in DRAM",
        ),
        True,
    )
    for service in report["services"]:
        if stalls:
            assert service["causes"] == {} and "random stalls" in report["notes"][0]
        else:
            assert [sum(parts) for parts in zip(*service["causes"].values(), strict=True)] == service["latency"]
    if policy == "inference_only":
        assert report["scenario"]["steps while requests ran"] == 0
        split = {unit["name"]: unit["cycles"] for unit in report["units"]}
        assert {unit["training"] for unit in split.values()} == {0}
        assert split["LD"]["policy"] > 0  # its first loads are what waits


@pytest.mark.parametrize("test", ["replay", "drain_restart", "request_errors", "late_response"])
def test_timeline(test: str) -> None:
    """Every run whose times are exact can leave its timeline, those too in which a context is killed or the test fails;
    flows match.
    """
    done = run("tiny", test, "timeline", check=False)
    with gzip.open(done.run_dir / TIMELINE) as file:
        events = json.load(file)["traceEvents"]
    flows = {ph: sorted(e["id"] for e in events if e["ph"] == ph) for ph in "stf"}
    assert flows["s"] == flows["f"] and set(flows["t"]) <= set(flows["s"]) and flows["t"]
    assert {"units", "contexts", "streams", "requests"} == {
        e["args"]["name"] for e in events if e["name"] == "process_name"
    }
    assert all(e["ts"] >= 0 and e.get("dur", 1) > 0 for e in events if e["ph"] != "M")


@pytest.mark.parametrize("policy", ["priority", pytest.param("slack", marks=pytest.mark.nightly)])
def test_overload(policy: str) -> None:
    """More requests than can be served: full queues hold the stream back, and every time is still the model's."""
    run(
        "tiny",
        "replay",
        f"overload-{policy}",
        policy=policy,
        service=BOTH,
        load=3.0,
        requests=200,
        trace="poisson",
        limit=10**7,
    )


@pytest.mark.nightly
@pytest.mark.parametrize("policy", ["priority", "adaptive", "slack"])
def test_crowded(policy: str) -> None:
    """One context, and few slots for two services: partial batches make room for others long before their timeouts, and
    slack keeps its limit, whose timeouts are four fifths of it.
    """
    done = run(
        str(Path(__file__).with_name("crowded.toml")),
        "replay",
        policy,
        policy=policy,
        service=BOTH,
        load=0.9,
        requests=80,
        trace="bursty",
        limit=LIMIT,
    )
    report = json.loads((done.run_dir / "result.json").read_text(encoding="utf-8"))
    latency = [cycles for service in report["services"] for cycles in service["latency"]]
    assert len(latency) == 80 and max(latency) <= LIMIT


@pytest.mark.nightly
@pytest.mark.parametrize("core", ["one", "two", "beats", "wide"])
def test_sizes(core: str) -> None:
    """Services beside training: N = 1 and 2; a block of two beats, of a small core, and of one of 32,768 MACs."""
    config, requests = str(Path(__file__).with_name(f"{core}.toml")), 400 if core == "wide" else 80
    done = run(config, "replay", policy="priority", service=BOTH, requests=requests, steps=3)
    report = json.loads((done.run_dir / "result.json").read_text(encoding="utf-8"))
    assert report["scenario"]["steps while requests ran"] > 0


@pytest.mark.parametrize("config", ["tiny", pytest.param("default", marks=pytest.mark.nightly), LARGE])
def test_noninterference(config: str) -> None:
    """With and without training: the same batches, and the same bits in every response."""
    without, beside = (
        json.loads((run(config, "noninterference", t, train=t).run_dir / FILE).read_text(encoding="utf-8"))
        for t in ("off", "mlp")
    )
    assert without["batches"] == beside["batches"]
    assert {"lstm", "mlp"} == {name for name, rows in without["batches"].items() if len(rows) >= 6}
    assert len(without["responses"]) == sum(sum(rows) for rows in without["batches"].values())
    assert without["responses"] == beside["responses"]
    assert without["steps"] == 0 and beside["steps"] > 0
    assert without["cycles"] < beside["cycles"]


@pytest.mark.parametrize(
    ("config", "seeds"), [("tiny", 3), ("default", 2), pytest.param("large", 2, marks=pytest.mark.nightly)]
)
def test_isa(config: str, seeds: int) -> None:
    """Random programs of the whole instruction set."""
    for seed in range(default_seed(), default_seed() + seeds):
        run(config, "isa", f"seed{seed}", train="off", seed=seed, dram_stall=20 * (seed % 2))


@pytest.mark.parametrize("config", CONFIGS)
def test_isa_service(config: str) -> None:
    """A service with operands that compiled ones do not have."""
    run(config, "isa_service", train="off")


@pytest.mark.parametrize("stalls", [0, 30])
def test_operating_space(stalls: int) -> None:
    """Policies by loads by phases of training, to the cycle; with stalls of the sink, of the DRAM and of both."""
    run("tiny", "operating", f"stalls{stalls}", requests=360, rsp_stall=stalls, dram_stall=stalls)


def test_error_space() -> None:
    """Every cause of an error in every unit and kind of context."""
    run("tiny", "error_space")


@pytest.mark.parametrize("test", ["training_errors", "drain_restart", "kills", "csr", "checkers", "corners"])
def test_with_training(test: str) -> None:
    run("tiny", test)


@pytest.mark.parametrize(("test", "policy"), [("request_errors", "fair"), ("service_errors", "inference_only")])
def test_without_training(test: str, policy: str) -> None:
    run("tiny", test, train="off", policy=policy)


@pytest.mark.nightly
@pytest.mark.parametrize("policy", ["fair", "priority", "adaptive"])
@pytest.mark.parametrize("test", ["kills", "training_errors", "drain_restart", "service_errors"])
def test_stopped_contexts(test: str, policy: str) -> None:
    """Kills and errors at random times in all contexts, beside training and inference, under several seeds: every cycle
    is the model's.
    """
    for seed in range(default_seed(), default_seed() + 2):
        run("tiny", test, f"{policy}-seed{seed}", policy=policy, seed=seed)


@pytest.mark.nightly
def test_stopped_contexts_default() -> None:
    for test in ("kills", "training_errors"):
        run("default", test, "stopped")


def test_stalls_on_errors() -> None:
    """The error paths with a slow sink and a slow DRAM."""
    run("tiny", "request_errors", "stalls", train="off", rsp_stall=60)
    run("tiny", "drain_restart", "stalls", policy="fair", rsp_stall=30, dram_stall=60)


def test_nothing_compared_fails() -> None:
    """A run in which nothing happens is a failure."""
    result = run("tiny", "silent", train="off", check=False)
    assert not result.sim.ok
    assert [f.message for f in result.sim.failures if "response_board: compared nothing" in f.message]


@pytest.mark.parametrize(
    ("test", "train", "report"),
    [
        ("late_after_kill", "mlp", r"response \(cycle, request, status\) \d+: seen \((\d+), .*predicted \((\d+), "),
        ("late_state", "mlp", r"state of a context \(.*\) \d+: seen \((\d+), .*predicted \((\d+), "),
        ("late_response", "off", r"response \(cycle, request, status\) \d+: seen \((\d+), .*predicted \((\d+), "),
        ("slow_dram", "mlp", r"training step \(cycle, steps\) 0: seen \((\d+), .*predicted \((\d+), "),
    ],
)
def test_one_cycle_is_seen(test: str, train: str, report: str) -> None:
    """A time that is off by a cycle (for the DRAM: by one an access) fails the run, with both times."""
    result = run("tiny", test, train=train, check=False)
    assert not result.sim.ok
    found = [m for f in result.sim.failures if (m := re.search(report, f.message))]
    assert len(found) == 1, [f.message for f in result.sim.failures]
    seen, predicted = map(int, found[0].groups())
    assert seen > predicted if test == "slow_dram" else seen - predicted == 1


def sim_command(out: Path, *words: str) -> process.CompletedProcess[str]:
    """``scripts/sim.py`` as a command."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "sim.py"),
        "--config",
        "tiny",
        "--requests",
        "8",
        "--train",
        "off",
        "--out",
        str(out),
        *words,
    ]
    return process.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=300, cwd=ROOT)


def test_command_fails_beyond_the_limit(tmp_path: Path) -> None:
    """`make sim`'s exit code: 0 for a good run, not 0 when the latency limit is broken, with the line that repeats the
    run.
    """
    good = sim_command(tmp_path / "good", "--service", "mlp")
    assert good.returncode == 0, good.stdout + good.stderr
    late = sim_command(tmp_path / "late", "--service", "mlp", "--limit", "1")
    assert late.returncode == 1, late.stdout + late.stderr
    assert "is above the limit of 1" in late.stdout + late.stderr
    assert "SEED=1" in late.stdout + late.stderr
    assert (tmp_path / "late" / "report.html").stat().st_size > 1000


def test_command_runs_any_test(tmp_path: Path) -> None:
    """`make sim TEST=`: a test without figures to report passes and fails as it should."""
    good = sim_command(tmp_path / "good", "--test", "equinox_noninterference_test")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "PASSED: equinox_noninterference_test" in good.stdout and "SEED=1" in good.stdout
    bad = sim_command(tmp_path / "bad", "--test", "equinox_silent_test")
    assert bad.returncode == 1
    assert "compared nothing" in bad.stderr and "SEED=1" in bad.stderr
