"""Generators and scaling to a load."""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.traces import Trace, TraceError, generate, is_spec, map_services, open_trace, scale_to_load
from equinox_core.traces.generate import MEAN_GAP_US, parse_spec

SPECS = [
    "poisson",
    "bursty",
    "bursty:on=0.2,burst=5",
    "bursty:on=0.5",
    "bursty:burst=1",
    "diurnal:depth=0.8",
    "diurnal:depth=0",
]


@pytest.mark.parametrize("spec", SPECS)
def test_generator_basics(spec: str) -> None:
    trace = generate(spec, 40_000, 11)
    assert len(trace) == 40_000 and trace.source == spec
    assert trace.arrival_us[-1] / 40_000 == pytest.approx(MEAN_GAP_US, rel=0.12)
    assert np.array_equal(trace.arrival_us, generate(spec, 40_000, 11).arrival_us)
    assert not np.array_equal(trace.arrival_us, generate(spec, 40_000, 12).arrival_us)
    assert len(generate(spec, 1, 0)) == 1


def test_shapes() -> None:
    assert generate("poisson", 50_000, 1).gap_cv == pytest.approx(1.0, abs=0.03)
    assert generate("bursty:burst=1", 50_000, 1).gap_cv == pytest.approx(1.0, abs=0.03)
    assert generate("diurnal:depth=0", 50_000, 1).gap_cv == pytest.approx(1.0, abs=0.03)
    assert generate("bursty:on=0.25,burst=2.5", 50_000, 1).gap_cv > 1.3
    assert generate("bursty:on=0.2,burst=5", 50_000, 1).gap_cv > 4.0


def test_on_off_rates() -> None:
    """With burst = 1/on nothing arrives in the off state: the arrivals of a burst are `len` on average, at rate
    `burst`.
    """
    gaps = np.diff(generate("bursty:on=0.1,burst=10,len=50", 100_000, 3).arrival_us) / MEAN_GAP_US
    long = gaps > 2.0
    assert 100_000 / (long.sum() + 1) == pytest.approx(50, rel=0.15)
    assert gaps[~long].mean() == pytest.approx(0.1, rel=0.05)


def test_diurnal_rate() -> None:
    """Rate of 1 - depth·cos(2πt/period): the counts of a period's quarters are its integrals."""
    t = generate("diurnal:depth=0.9,period=1000", 100_000, 5).arrival_us / MEAN_GAP_US
    quarter = np.bincount((t % 1000 / 250).astype(int), minlength=4) / t.size
    side = 0.25 - 0.9 / (2 * np.pi)
    assert quarter == pytest.approx([side, 0.5 - side, 0.5 - side, side], abs=0.01)


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("weekly", "no generator 'weekly'; legal: poisson, bursty, diurnal"),
        ("poisson:rate=2", "'rate=2' is not a parameter of poisson; legal: none"),
        ("bursty:", "'' is not a parameter of bursty; legal: on (0.001 to 0.999)"),
        ("bursty:on", "'on' is not a parameter"),
        ("bursty:on=x", "on is 'x'; legal is a number, 0.001 to 0.999"),
        ("bursty:on=nan", "on is 'nan'"),
        ("bursty:on=0", "on is '0'; legal is a number, 0.001 to 0.999"),
        ("bursty:on=0.2,on=0.3", "on is given twice"),
        ("bursty:on=0.5,burst=3", "burst is 3; legal is 1 up to 1/on = 2"),
        ("diurnal:depth=1.5", "depth is '1.5'; legal is a number, 0 to 1"),
        ("diurnal:period=1", "period is '1'"),
    ],
)
def test_bad_specs(spec: str, what: str) -> None:
    with pytest.raises(TraceError) as caught:
        generate(spec, 10, 1)
    assert what in str(caught.value) and "\n" not in str(caught.value)


def test_spec_or_file(tmp_path) -> None:
    assert is_spec("poisson") and is_spec("bursty:on=0.1") and not is_spec("./poisson") and not is_spec("a/bursty.csv")
    assert parse_spec("bursty:on=0.5")[1] == {"on": 0.5, "burst": 2.0, "len": 32.0}
    assert len(open_trace("diurnal", 10, 1)) == 10
    with pytest.raises(TraceError, match="no such trace file"):
        open_trace("weekly", 10, 1)
    for requests, seed in ((0, 1), (10, -1)):
        with pytest.raises(TraceError, match="legal is"):
            open_trace("poisson", requests, seed)


def test_load_is_reached() -> None:
    trace = generate("bursty", 5000, 2)
    for load in (0.1, 0.5, 1.2):
        plan = scale_to_load(trace, 3000, load, 0.004)
        span = plan.cycles[-1] * 3000 / 2999
        assert 3000 / 0.004 / span == pytest.approx(load, rel=1e-3)
        assert plan.cycles[0] == 0 and plan.passes == 1 and plan.cycles.dtype == np.int64


def test_load_of_two_services() -> None:
    trace = Trace("x", np.arange(1000.0), tuple("aab"[i % 3] for i in range(1000)))
    service = map_services(trace, ["fast", "slow"])
    plan = scale_to_load(trace, 1000, 0.8, [0.01, 0.001], service)
    work = np.where(plan.service == 0, 100, 1000).sum()
    assert work / (plan.cycles[-1] * 1000 / 999) == pytest.approx(0.8, rel=1e-3)


def test_repeat_keeps_shape_and_gap() -> None:
    trace = Trace("x", np.array([0.0, 1.0, 5.0, 6.0]))
    plan = scale_to_load(trace, 10, 0.5, 1.0)
    assert plan.passes == 3
    expected = np.array([0, 1, 5, 6, 8, 9, 13, 14, 16, 17])  # 8 = 6 + the mean gap of 2
    assert np.array_equal(plan.cycles, np.floor(expected * (10 / 0.5 * 9 / 10) / 17 + 1e-9))
    assert plan.us_per_cycle == pytest.approx(17 / 18)


def test_services() -> None:
    trace = Trace("x", np.arange(5.0), ("m", "lstm", "n", "o", "m"))
    assert map_services(trace, ["mlp", "lstm"]).tolist() == [0, 1, 1, 0, 0]
    assert map_services(trace, ["mlp", "lstm"], {"m": "lstm", "n": "lstm", "o": "mlp", "lstm": "mlp"}).tolist() == [
        1,
        0,
        1,
        0,
        1,
    ]
    assert map_services(Trace("x", np.arange(5.0)), ["a", "b"]).tolist() == [0, 1, 0, 1, 0]
    with pytest.raises(TraceError, match="'lstm' is not in the mapping"):
        map_services(trace, ["a"], {"m": "a"})
    with pytest.raises(TraceError, match="mapped to service 'z'; legal: a"):
        map_services(trace, ["a"], {"m": "z"})
    with pytest.raises(TraceError, match="no services"):
        map_services(trace, [])


def test_bad_scaling() -> None:
    trace = generate("poisson", 10, 1)
    for load in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(TraceError, match="legal is a number above 0"):
            scale_to_load(trace, 5, load, 1.0)
    with pytest.raises(TraceError, match="legal are numbers above 0"):
        scale_to_load(trace, 5, 0.5, [1.0, 0.0])
    with pytest.raises(TraceError, match="0 requests"):
        scale_to_load(trace, 0, 0.5, 1.0)
    with pytest.raises(TraceError, match="from 0 to 0"):
        scale_to_load(trace, 5, 0.5, 1.0, np.ones(10, np.int64))
    with pytest.raises(TraceError, match="legal is below"):
        scale_to_load(trace, 5, 1e-15, 1.0)
    for same in (Trace("x", np.zeros(3)), Trace("x", np.zeros(1))):
        with pytest.raises(TraceError, match="all at one time"):
            scale_to_load(same, 3, 0.5, 1.0)
    assert scale_to_load(Trace("x", np.zeros(1)), 1, 0.5, 1.0).cycles.tolist() == [0]
