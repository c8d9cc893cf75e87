"""Builds and runs the bench of the register block; planted faults, each of which a test of it must find."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from equinox_core.csr_map import REGS
from equinox_core.hw.pairwise import singles
from verif.lib import plants
from verif.lib.rdl import compile_map, html_manual
from verif.lib.rtl import RTL, closure
from verif.lib.sim import ROOT, SimResult, run_block
from verif.lib.toolchain import BUILD

HERE = Path(__file__).resolve().parent
FAULTS = plants.load(HERE / "faults.yaml")
ALWAYS = (
    "wrong_reset_value",
    "bit_stuck_at_0",
    "read_only_takes_writes",
    "cleared_by_0",
)  # the others are for the nightly tier
SIZES = {"largest": {"N": 8, "M": 2, "W": 4, "CTX": 4, "C_INF": 2, "SERVICES": 4}}
SIZES |= {  # what the block depends on: contexts and services, and sizes that it shows
    f"c{row['C_INF']}+{row['C_TRN']}s{row['SERVICES']}n{row['N']}m{row['M']}": {
        "N": row["N"],
        "M": row["M"],
        "W": row["W"],
        "CTX": row["C_INF"] + row["C_TRN"],
        "C_INF": row["C_INF"],
        "SERVICES": row["SERVICES"],
    }
    for row in singles(["C_INF", "C_TRN", "SERVICES"])  # a build takes a minute
}


def start(size: str, **options) -> SimResult:
    """Run the bench at a size."""
    (result,) = run_block(
        __file__, params=SIZES[size], public=[("csr_backdoor", "*")], opt="-O0", timeout=900, **options
    )
    return result


@pytest.mark.parametrize("size", ["largest"])
def test_csr(size: str) -> None:
    """Reset, bit bash, access over both doors, strobes, hardware's side, commands, settings; every register visited."""
    start(size)


@pytest.mark.nightly
@pytest.mark.parametrize("size", [size for size in SIZES if size != "largest"])
def test_sizes(size: str) -> None:
    """What depends on the number of contexts and services: which ports there are, whose events count, what reads 0."""
    start(size, test_filter="csr_(reset|access|effects|hardware|command|settings|fields|events)_test")


def fails(test: str, message: str, **options) -> None:
    """Run one test of the bench, which must fail with a message that begins so."""
    result = start("largest", test_filter=rf"\bcsr_{test}_test$", check=False, **options)
    assert not result.ok, "the planted fault was not noticed"
    told = [failure.message for failure in result.failures]
    assert [words for words in told if re.match(message, words)], told


@pytest.mark.parametrize(
    "name", [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.nightly) for name in FAULTS]
)
def test_planted(name: str) -> None:
    """Wrong reset values, bits that do not toggle, wrong access policies, wrong wiring: each is named with its
    register.
    """
    files = closure(HERE / "tb_csr.sv", library=(RTL, ROOT / "verif"))
    changes = {fault: entry["plant"] for fault, entry in FAULTS.items()}
    sources = plants.in_sources(files, changes, BUILD / "planted" / "csr")
    fault = FAULTS[name]
    fails(fault["test"], fault["message"], sources=sources, plusargs=plants.chosen(name))


@pytest.mark.nightly
def test_a_register_left_out_fails() -> None:
    """A register that no test touches fails the run."""
    result = start("largest", check=False, env={"EQX_SKIP_REGISTER": "SVC[2].THRESHOLD"})
    assert [f.name.rsplit(".", 1)[-1] for f in result.failures] == ["csr_visited_test"]
    assert re.match(
        r"4 accesses were never made: SVC\[2\]\.THRESHOLD, front read; SVC\[2\]\.THRESHOLD, front write",
        result.failures[0].message,
    )


def test_manual(tmp_path: Path) -> None:
    """The HTML manual has a page for every register, and loads nothing from elsewhere."""
    html_manual(compile_map(), tmp_path)
    pages = {path.stem for path in (tmp_path / "content").glob("*.html")}
    names = {"eqx_csr." + re.sub(r"\[\d\]", "", path) for path in REGS}
    assert {hashlib.sha1(name.encode()).hexdigest() for name in names} <= pages  # PeakRDL-html names pages so
    for path in (p for p in tmp_path.rglob("*") if p.suffix in (".html", ".css", ".js")):
        assert not re.search(r"""(src=|<link[^>]*href=|url\()["']?https?:""", path.read_text(encoding="utf-8")), path
