"""No assertion fires at clock edges before the first reset, whatever values registers start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.env.simulate import LIBRARY
from verif.lib.rtl import RTL, closure
from verif.lib.sim import ROOT, SimResult, build, run

BENCH = "verif.lib.tests.bench_before_reset"
SEEDS = range(1, 6)
TOPS = {
    "request_dispatcher": {
        "L": 4,
        "N": 4,
        "C_INF": 2,
        "SERVICES": 4,
        "QUEUE_DEPTH": 32,
        "RX_SLOTS": 64,
        "RX_LINES": 16,
        "TX_LINES": 4,
    },
    "frontend": {"CTX": 3, "C_INF": 2, "N": 4, "SERVICES": 4, "IMEM_DEPTH": 512, "RX_SLOTS": 64},
    "semaphores": {},
    "responder": {"L": 4, "N": 4, "C_INF": 2, "TX_LINES": 4},
    "transposer": {"L": 4, "K": 8},
    "converter": {"L": 4, "K": 8},
    "mmu": {
        "N": 4,
        "M": 1,
        "W": 2,
        "ACTC_DEPTH": 512,
        "ACTD_DEPTH": 512,
        "WGTC_DEPTH": 512,
        "WGTD_DEPTH": 1024,
        "ACC_DEPTH": 512,
    },
    "vpu": {"N": 4, "M": 1, "W": 2},
    "dma": {"N": 4, "M": 1, "W": 2},
    "axi_dram": {"K": 32, "LATENCY": 12, "B_LATENCY": 9, "GAP": 0, "QUEUE": 4, "BYTES": 65536},
    "axi_checker": {"K": 8},
    "equinox": {"N": 4, "M": 1, "W": 2},
}
QUICK = ("request_dispatcher", "semaphores", "transposer")  # the others are for the nightly tier
GATE = "logic seen_q = 1'b0;"  # of eqx_live


def sources(block: str) -> list[Path]:
    """The design's files, its top last."""
    if block == "equinox":
        return closure(ROOT / "verif/tb/tb_equinox.sv", library=LIBRARY)
    return closure(ROOT / f"verif/block/{block}/tb_{block}.sv", library=(RTL, ROOT / "verif"))


def start(block: str, files: list[Path], seed: int) -> SimResult:
    exe = build(f"tb_{block}", files, TOPS[block], opt="-O0")
    return run(exe, BENCH, seed=seed, timeout=300, check=False)


@pytest.mark.parametrize(
    "block", [block if block in QUICK else pytest.param(block, marks=pytest.mark.nightly) for block in TOPS]
)
def test_before_reset(block: str) -> None:
    """Random registers, no reset: silence."""
    for seed in SEEDS:
        result = start(block, sources(block), seed)
        assert result.ok, result.explain()


def test_would_fire(tmp_path: Path) -> None:
    """With assertions that believe that there has been a reset, the same edges make one fire."""
    files = sources("request_dispatcher")
    live = next(path for path in files if path.stem == "eqx_live")
    text = live.read_text(encoding="utf-8")
    assert text.count(GATE) == 1
    planted = tmp_path / live.name
    planted.write_text(text.replace(GATE, "logic seen_q = 1'b1;"), encoding="utf-8")
    results = [
        start("request_dispatcher", [planted if path == live else path for path in files], seed) for seed in SEEDS
    ]
    fired = [result.log.read_text(encoding="utf-8") for result in results if not result.ok]
    assert any("Assertion failed" in log for log in fired), "no assertion fired"
