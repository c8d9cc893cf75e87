"""Configuration files: legal ones load, others are refused with one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from equinox_core.config import CONFIG_DIR, load_config
from equinox_core.hw.params import CORE, DRAM


@pytest.mark.parametrize(
    ("name", "k", "lanes", "macs"), [("tiny", 8, 4, 32), ("default", 32, 16, 512), ("large", 64, 32, 2048)]
)
def test_shipped(name: str, k: int, lanes: int, macs: int) -> None:
    cfg = load_config(name)
    assert (cfg.name, cfg.K, cfg.L, cfg.macs, cfg.CTX) == (name, k, lanes, macs, cfg.C_INF + cfg.C_TRN)
    assert load_config(CONFIG_DIR / f"{name}.toml") == cfg
    assert set(cfg.params()) == set(CORE)


def rewritten(tmp_path: Path, pattern: str, replacement: str) -> Path:
    text = (CONFIG_DIR / "default.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    new, count = re.subn(pattern, replacement, text, count=1, flags=re.M)
    assert count == 1
    path.write_text(new, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"^N = .*", "N = 6", r"mine\.toml: \[core\] N = 6: legal is a power of two in 1\.\.128"),
        (r"^N = .*", "N = 256", r"\[core\] N = 256: legal is a power of two in 1\.\.128"),
        (r"^W = .*", "W = 1", r"\[core\] W = 1: legal is M = 2 or more, so that a block holds a line"),
        (r"^N = 8\nM = 2\nW = 4", "N = 32\nM = 2\nW = 64", r"W = 64: legal is at most 32 for N = 32"),
        (r"^M = .*", "M = true", r"\[core\] M = True: legal is an integer, a power of two in 1\.\.128"),
        (r"^IMEM_DEPTH = .*", "", r"\[core\] IMEM_DEPTH is missing: legal is 16\.\.65536"),
        (r"^M = .*", "M = 2\nX = 1", r"\[core\] unknown key X \(legal: N, M, W, "),
        (r"^\[dram\]", "[dram]\nSPEED = 3", r"\[dram\] unknown key SPEED \(legal: LATENCY, GAP, BYTES\)"),
        (r"^\[dram\]", "[ddr]", r"unknown table \[ddr\] \(legal: \[core\], \[dram\]\)"),
        (r"^RX_SLOTS = .*", "RX_SLOTS = 4", r"RX_SLOTS = 4: legal is N = 8 or more"),
        (r"^C_TRN = .*", "C_TRN = 3", r"C_TRN = 3: legal is 1\.\.2 for C_INF = 2"),
        (r"^WGTD_DEPTH = .*", "WGTD_DEPTH = 8200", r"WGTD_DEPTH = 8200: legal is a multiple of M·N = 16"),
        (r"^BYTES = .*", "BYTES = 4100", r"BYTES = 4100: legal is a multiple of 32, the bytes of a beat"),
        (r"^BYTES = .*", "BYTES = =", r"mine\.toml: not TOML"),
    ],
)
def test_refused(tmp_path: Path, pattern: str, replacement: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        load_config(rewritten(tmp_path, pattern, replacement))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", [*CORE, *DRAM])
def test_every_range_is_checked(key: str) -> None:
    rule = (CORE | DRAM)[key]
    for value in (rule.low - 1, rule.high + 1):
        with pytest.raises(ValueError, match=rf"{key} = {value}: legal is"):
            load_config("default").changed(**{key: value})


def test_no_such_file() -> None:
    with pytest.raises(ValueError, match=r"huge: no such configuration \(configs/ has .*default.*tiny"):
        load_config("huge")


def test_changed() -> None:
    assert load_config("tiny").changed(ACC_DEPTH=128).ACC_DEPTH == 128
    with pytest.raises(ValueError, match="unknown parameter DEPTH"):
        load_config("tiny").changed(DEPTH=1)
