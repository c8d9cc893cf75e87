"""Compiled inference services equal the networks' own arithmetic, bit for bit,
in any legal order and in all contexts.
"""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.image import build_image
from equinox_core.compiler.service import Service, lstm_classifier, mlp_classifier
from equinox_core.config import Config, load_config
from equinox_core.isa.check import check_program
from equinox_core.isa.encoding import Unit
from equinox_core.isa.races import check_races
from equinox_core.numerics import bf16_from_float, bf16_to_fp32, fp32_to_bf16
from equinox_core.reference import mlp as reference
from equinox_core.workloads import lstm
from equinox_core.workloads.digits import digits_split, to_payload

CONFIGS = ["tiny", "default", "large"]


def random_lstm(seed: int, hidden: int) -> lstm.Params:
    """Parameters of the shapes of the digits' LSTM, float32 and exact in bf16."""
    rng = np.random.default_rng(seed)
    shapes = lstm.param_shapes(hidden)
    return {k: bf16_to_fp32(bf16_from_float(rng.normal(size=s) / np.sqrt(s[-1]))) for k, s in shapes.items()}


def payload(x: np.ndarray, cfg: Config) -> np.ndarray:
    """bf16 features [b, F] as request lines."""
    lines = -(-x.shape[1] // cfg.L)
    full = np.zeros((len(x), lines * cfg.L), np.uint16)
    full[:, : x.shape[1]] = x
    return full.reshape(len(x), lines, cfg.L)


@pytest.mark.parametrize("name", CONFIGS)
def test_lstm_of_the_digits(name: str) -> None:
    cfg = load_config(name)
    params, images = lstm.load_params(), digits_split().test_images
    service = lstm_classifier(cfg, params)
    check_races(service.program, cfg)
    image = build_image(cfg, [service])
    core = image.core()
    for ctx, rows in ((0, cfg.N), (1, 1)):
        x = images[5 : 5 + rows]
        out = image.run_inference(core, 0, to_payload(x, cfg.L), ctx).reshape(rows, -1)
        want = lstm.infer(params, fp32_to_bf16(x), cfg.K)
        assert np.array_equal(out[:, :10], want) and not out[:, 10:].any()


@pytest.mark.parametrize(
    ("cfg", "hidden"),
    [
        (load_config(name), hidden)
        for name, hidden in (
            ("tiny", 8),
            ("tiny", 9),
            ("tiny", 40),
            ("default", 32),
            ("default", 43),
            ("default", 96),
            ("large", 128),
        )
    ]
    + [(load_config("tiny").changed(W=8), 20)],
    ids=lambda value: str(value if isinstance(value, int) else value.K),
)
def test_lstm_sizes(cfg: Config, hidden: int) -> None:
    """Whole blocks, whole lines, and a last line that is filled up."""
    params = random_lstm(hidden, hidden)
    service = lstm_classifier(cfg, params)
    check_program(service.program, cfg)
    check_races(service.program, cfg)
    image = build_image(cfg, [service])
    core = image.core()
    x = digits_split().test_images[: cfg.N]
    want = lstm.infer(params, fp32_to_bf16(x), cfg.K)
    for order in (None, np.random.default_rng(1), np.random.default_rng(2)):
        out = image.run_inference(core, 0, to_payload(x, cfg.L), order=order)
        assert np.array_equal(out.reshape(cfg.N, -1)[:, :10], want)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("sizes", [(5, 3), (40, 96, 33, 7), (33, 20, 20, 1)])
def test_mlp(name: str, sizes: tuple[int, ...]) -> None:
    cfg = load_config(name)
    rng = np.random.default_rng(sum(sizes))
    weights = [rng.normal(size=(o, i)) / np.sqrt(i) for i, o in zip(sizes, sizes[1:], strict=False)]
    biases = [rng.normal(size=len(w)) for w in weights]
    service = mlp_classifier(cfg, weights, biases)
    check_races(service.program, cfg)
    image = build_image(cfg, [service])
    core = image.core()
    x = bf16_from_float(rng.normal(size=(cfg.N - 1, sizes[0])))
    exact = [bf16_to_fp32(bf16_from_float(w)) for w in weights]
    want = reference.infer(exact, [bf16_from_float(b) for b in biases], x, cfg.K)
    for order in (None, np.random.default_rng(3)):
        out = image.run_inference(core, 0, payload(x, cfg), order=order)
        assert np.array_equal(out.reshape(len(x), -1)[:, : sizes[-1]], want)


def two_services(cfg: Config) -> tuple[list[Service], lstm.Params, list[np.ndarray]]:
    params = random_lstm(1, cfg.K)
    rng = np.random.default_rng(2)
    weights = [bf16_to_fp32(bf16_from_float(rng.normal(size=s))) for s in ((30, 12), (6, 30))]
    return [lstm_classifier(cfg, params), mlp_classifier(cfg, weights)], params, weights


@pytest.mark.parametrize("name", CONFIGS)
def test_contexts_do_not_disturb_each_other(name: str) -> None:
    """Batches of both services in both contexts at once, instructions interleaved at random."""
    cfg = load_config(name)
    services, params, weights = two_services(cfg)
    image = build_image(cfg, services)
    core = image.core()
    rng = np.random.default_rng(0)
    images = digits_split().test_images
    for trial in range(3):
        rows = int(rng.integers(1, cfg.N + 1))
        x, f = images[trial : trial + rows], bf16_from_float(rng.normal(size=(cfg.N, 12)))
        places = [(0, to_payload(x, cfg.L)), (1, payload(f, cfg))]
        if trial % 2:
            places.reverse()
        slots = rng.permutation(cfg.RX_SLOTS)
        runs, walks = [], []
        for ctx, (service, data) in enumerate(places):
            where = [int(s) for s in slots[ctx * cfg.N : ctx * cfg.N + len(data)]]
            runs.append(core.start_inference(services[service].program, data, image.bases(service, ctx), ctx, where))
            walks.append(runs[-1].advance(np.random.default_rng(trial)))
        while not all(run.done for run in runs):
            next(walks[int(rng.integers(2))], None)
        for run, (service, data) in zip(runs, places, strict=True):
            out = core.response(run, services[service].tx_lines).reshape(len(data), -1)
            if service == 0:
                assert np.array_equal(out[:, :10], lstm.infer(params, fp32_to_bf16(x), cfg.K))
            else:
                assert np.array_equal(
                    out[:, :6], reference.infer(weights, [np.zeros(len(w), np.uint16) for w in weights], f, cfg.K)
                )


def test_regions_do_not_overlap() -> None:
    cfg = load_config("default")
    services, _, _ = two_services(cfg)
    image = build_image(cfg, services)
    used = np.zeros(cfg.VEC_DEPTH, int)
    for c in image.inference:
        used[c.vec_base : c.vec_base + max(s.needs.vec for s in services)] += 1
    for s, svc in zip(image.services, services, strict=True):
        used[s.c_base : s.c_base + len(svc.constants)] += 1
    assert used.max() == 1
    assert image.services[0].w_base + len(services[0].weights[0]) <= image.services[1].w_base


def test_products_of_one_line_are_far_apart() -> None:
    """A second product on a C line should come after the first has left the
    arrays (2·N + 4 rows or cycles of loading).
    """
    cfg = load_config("default")
    stream = lstm_classifier(cfg, lstm.load_params()).program.streams[Unit.MMU]
    last: dict[int, int] = {}
    time = close = 0
    for ins in stream[:-2]:  # the dense layer has one group only
        for g in range(ins.n_g):
            line = ins.c_base + g * ins.c_sg
            close += time - last.get(line, -1000) < 2 * cfg.N + 4 and ins.accum
            last[line] = time
            time += cfg.N
    assert close == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": np.zeros(3)}, r"b has shape \(3,\): legal is \(256,\)"),
        (
            {"Wd": np.zeros((80, 64)), "bd": np.zeros(80)},
            r"response: need 5 lines, have 4 \(TX_LINES of configuration default\)",
        ),
        ({"Wx": np.zeros((256, 40))}, r"payload: need 24 lines, have 16 \(RX_LINES"),
        ({"Wx": np.full((256, 8), np.nan)}, "need finite numbers"),
    ],
)
def test_lstm_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lstm_classifier(load_config("default"), lstm.load_params() | change)


def test_services_that_do_not_fit() -> None:
    cfg = load_config("default")
    params = lstm.load_params()
    with pytest.raises(ValueError, match=r"lstm: ACC: need 256, have 128 \(ACC_DEPTH"):
        lstm_classifier(cfg.changed(ACC_DEPTH=128), params)
    with pytest.raises(ValueError, match=r"lstm: ACC: need 256 from 256, have 384 \(ACC_DEPTH"):
        build_image(cfg.changed(ACC_DEPTH=384), [lstm_classifier(cfg, params)])
    with pytest.raises(ValueError, match=r"lstm: instruction memory of MMU: need 68, have 64 \(IMEM_DEPTH"):
        lstm_classifier(cfg.changed(IMEM_DEPTH=64), params)
    with pytest.raises(ValueError, match=r"b: WGTD: need 800 from 800, have 1024 \(WGTD_DEPTH"):
        build_image(
            cfg.changed(WGTD_DEPTH=1024),
            [lstm_classifier(cfg, params, name="a"), lstm_classifier(cfg, params, name="b")],
        )
    with pytest.raises(ValueError, match="two programs are called 'lstm'"):
        build_image(cfg, [lstm_classifier(cfg, params)] * 2)
    with pytest.raises(ValueError, match=r"5 services: configuration default has room for 4"):
        build_image(cfg, [lstm_classifier(cfg, params)] * 5)
    with pytest.raises(ValueError, match=r"lstm: batch 9: legal range 1\.\.8"):
        build_image(cfg, [lstm_classifier(cfg, params)], batch={"lstm": 9})


def test_mlp_refused() -> None:
    cfg = load_config("tiny")
    with pytest.raises(ValueError, match="layer 1 takes 5 inputs, layer 0 gives 4"):
        mlp_classifier(cfg, [np.zeros((4, 3)), np.zeros((2, 5))])
    with pytest.raises(ValueError, match="biases have shapes"):
        mlp_classifier(cfg, [np.zeros((4, 3))], [np.zeros(3)])
    with pytest.raises(ValueError, match=r"payload: need 17 lines, have 16"):
        mlp_classifier(cfg, [np.zeros((4, 65))])
