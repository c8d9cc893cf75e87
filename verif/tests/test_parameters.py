"""The rules of ``models/equinox_core/hw/params.py`` and those of the RTL are the same: what one side takes, the other
elaborates.
"""

from __future__ import annotations

import re
import tempfile
from functools import cache

import numpy as np
import pytest

from equinox_core.config import load_config
from equinox_core.hw.params import CORE, DRAM
from verif.env.simulate import LIBRARY
from verif.lib import process, toolchain
from verif.lib.rtl import closure
from verif.lib.sim import ROOT

BASE = load_config("tiny").changed(
    QUEUE_DEPTH=128, RX_SLOTS=128, RX_LINES=4, WGTC_DEPTH=4096, WGTD_DEPTH=8192
)  # room for any N
QUICK = ("QUEUE_DEPTH", "RX_LINES", "IMEM_DEPTH", "BYTES")  # the others are for the nightly tier
RULES = {**CORE, **DRAM}
COMBINATIONS = 60


@cache
def _sources() -> tuple[str, ...]:
    return tuple(map(str, closure(ROOT / "verif/tb/tb_equinox.sv", library=LIBRARY)))


def rtl_refuses(values: dict[str, int]) -> str:
    """What Verilator says to these parameters at elaboration; empty where it takes them."""
    settings = {"DRAM_" + key if key in DRAM else key: value for key, value in values.items()}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(toolchain.verilator_root() / "bin" / "verilator_bin"),
            "--json-only",
            "--json-only-output",
            f"{folder}/tree.json",
            "--Mdir",
            folder,
        ]
        command += [
            "--timing",
            "--assert",
            "-Wno-lint",
            "-Wno-style",
            "--top-module",
            "tb_equinox",
            *(f"-G{key}={value}" for key, value in settings.items()),
        ]
        done = process.run(
            [*command, *_sources()],
            env=toolchain.verilator_env(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    return done.stdout + done.stderr if done.returncode else ""


def config_refuses(changed: dict[str, int]) -> str:
    """What ``models/equinox_core/config.py`` says to them; empty where it takes them."""
    try:
        BASE.changed(**changed)
    except ValueError as error:
        return str(error)
    return ""


def same(changed: dict[str, int]) -> bool:
    """Both sides judge alike, each in one line of its own; returns whether they refuse."""
    model = config_refuses(changed)
    rtl = rtl_refuses({**{key: getattr(BASE, key) for key in RULES}, **changed})
    assert bool(model) == bool(rtl), f"{changed}: models/equinox_core/hw {model or 'takes it'}; RTL {rtl or 'takes it'}"
    if model:
        assert "\n" not in model and "legal is" in model
        said = re.search(r"\w+: \w+ = \d+: legal is", rtl)
        assert said or 0 in changed.values(), rtl  # of nothing at all there may be no hierarchy to check
    return bool(model)


def boundaries(key: str) -> list[int]:
    """Values at and beside a parameter's limits, and beside powers of two where only these are legal."""
    rule = RULES[key]
    found = {max(0, rule.low - 1), rule.low, rule.high, min(rule.high + 1, 2**32 - 1)}
    if rule.power:
        found |= {rule.low + 1, 2 * rule.low, rule.high - 1, 2 * rule.high}
    if key in ("WGTC_DEPTH", "WGTD_DEPTH"):
        found |= {rule.low + BASE.L // 2, 4096 + BASE.L}
    if key == "BYTES":
        found |= {4096 + BASE.BUS // 2, 4096 + BASE.BUS}
    return sorted(found)


@pytest.mark.parametrize(
    "key", [key if key in QUICK else pytest.param(key, marks=pytest.mark.nightly) for key in RULES]
)
def test_boundaries(key: str) -> None:
    """Each parameter alone, at its limits and one beyond."""
    verdicts = [same({key: value}) for value in boundaries(key)]
    assert True in verdicts and False in verdicts


@pytest.mark.parametrize(
    "changed",
    [
        {"N": 8, "QUEUE_DEPTH": 4},
        {"N": 8, "QUEUE_DEPTH": 8},
        {"QUEUE_DEPTH": 5},
        {"N": 32, "W": 4, "M": 2, "RX_SLOTS": 31},
        {"RX_SLOTS": 1024, "RX_LINES": 64},
        {"RX_SLOTS": 1024, "RX_LINES": 65},
        pytest.param({"N": 128, "M": 8, "W": 8}, marks=pytest.mark.nightly),
        pytest.param({"N": 128, "M": 8, "W": 16}, marks=pytest.mark.nightly),
        {"N": 16, "M": 128, "W": 128},
        {"M": 2, "W": 128},
        {"M": 4, "W": 2},
        {"N": 2, "M": 1, "W": 4},
        {"N": 2, "M": 2, "W": 2},
        {"N": 1, "M": 64, "W": 64, "WGTC_DEPTH": 64, "WGTD_DEPTH": 64},
        {"N": 128, "C_INF": 3, "TX_LINES": 171},
        {"C_INF": 3, "C_TRN": 2},
    ],
    ids=str,
)
def test_between(changed: dict[str, int]) -> None:
    """Rules between parameters."""
    same(changed)


@pytest.mark.nightly
def test_combinations() -> None:
    """Random combinations of sizes at the limits."""
    rng, seen = np.random.default_rng(1), []
    for _ in range(COMBINATIONS):
        n, m, w = (int(1 << rng.integers(low, 8)) for low in (0, 0, 0))
        keys = rng.choice([key for key in RULES if key not in "NMW"], 3, replace=False)
        w = w if rng.random() < 0.3 else m * int(rng.choice([1, 2, 4, 8]))  # mostly a legal ratio
        seen.append(
            same(
                {
                    "N": n,
                    "M": m,
                    "W": w,
                    **{str(key): int(rng.choice(boundaries(str(key)))) for key in keys if rng.random() < 0.5},
                }
            )
        )
    assert True in seen and False in seen


def test_message() -> None:
    """The queue that is too short for a batch is refused in one line that says what is legal."""
    with pytest.raises(
        ValueError,
        match=r"^tiny: \[core\] QUEUE_DEPTH = 4: legal is a power of two in 8\.\.4096, "
        r"so that a full batch of N = 8 fits$",
    ):
        BASE.changed(N=8, QUEUE_DEPTH=4)
