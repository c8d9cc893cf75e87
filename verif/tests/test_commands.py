"""Every target of the Makefile runs, shortened, in the nightly tier: in a copy of the checkout, so that it disturbs
nobody's results.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from verif.lib import process
from verif.lib.toolchain import BUILD, ROOT

COPIED = (
    "rtl",
    "verif",
    "models",
    "scripts",
    "configs",
    "docs",
    "conftest.py",
    "pyproject.toml",
    "requirements.txt",
    "README.md",
    "Makefile",
)
TREE = BUILD / "commands"
CASES: dict[str, tuple[str, int, str]] = {  # target -> knobs that shorten it, exit code, words of its output
    "help": ("", 0, "Variables:"),
    "venv": ("", 0, ""),
    "sim": ("CONFIG=tiny REQUESTS=4 STEPS=1", 0, "PASSED: 4 requests answered"),
    "test": ("BLOCK=policy", 0, " passed"),
    "lint": ("MODULE=eqx_policy", 0, "lint: all clean"),
    "bench": ("ONLY=gemm STRICT=1", 0, "all 1 goals are met"),
    "latency": ("ONLY=^bursty/0.3/priority/.*model", 0, "PASSED: "),
    "latency-budgets": ("ONLY=^bursty/0.3/priority/.*model", 0, "budgets changed"),
    "cov": ("BLOCK=policy", 0, "coverage.html"),
    "toggle": ("BLOCK=responder", 0, "toggle.html"),
    "filelist": ("", 0, "build/equinox_core.f"),
    "format": ("", 0, "format: done"),
    "gen": ("", 0, ""),
    "experiments": ("ENGINE=model ONLY=e1 REQUESTS=200 LOADS=0.3", 0, "written: "),
    "experiments-docs": ("REQUESTS=200 LOADS=0.3", 0, "docs/experiments.md"),
    "regress": ("BLOCK=policy COVERAGE=0", 0, "report: "),
    "random": ("CONFIG=tiny SEEDS=1", 0, "PASSED: 1 cases"),
    "shrink": ("RUN=verif/random/cases/{case}", 1, "there is nothing to shrink"),
    "cost": ("CONFIG=tiny", 0, "PASSED: tiny within budget"),
    "cost-docs": ("CONFIG=tiny", 0, "docs/cost.md"),
    "selftest": ("ONLY=^arbiter$", 0, "1 of 1 faults caught by their checker"),
    "plan": ("", 0, ""),
    "docs": ("", 0, "build/docs/registers"),
    "formal": ("BLOCK=eqx_rr_arb", 0, "PASSED: 1 modules"),
    "mutants": ("BLOCK=policy MUTANT=1", 0, "policy 1: "),
    "clean": ("", 0, ""),
    "distclean": ("", 0, ""),
}
NEEDS = {"cost-docs": "sta"}  # tools from outside, without which a target has to say so in one line
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M)
KNOBS = set(re.findall(r"^#:   ([A-Z_]+)=", MAKEFILE, re.M))
CALLS = re.compile(r"(?:`|^|\$ )make ([a-z][a-z-]*)", re.M)


def test_every_target_has_a_case() -> None:
    """A target that nothing exercises is an error; so is one in `.PHONY` without a line in `make help`."""
    assert sorted(CASES) == sorted(TARGETS) == sorted(re.search(r"^\.PHONY: (.*)", MAKEFILE, re.M)[1].split())


def test_a_tier_runs_them() -> None:
    tiers = yaml.safe_load((ROOT / "verif/flow/regress/tiers.yaml").read_text(encoding="utf-8"))
    assert "nightly" in tiers["nightly"]["marks"]
    assert any("commands::*" in entry.get("match", ()) for entry in tiers["nightly"]["tests"])


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md")))])
def test_pages_name_targets(page: str) -> None:
    """What README and docs say to call is a target, and so has a case."""
    called = set(CALLS.findall((ROOT / page).read_text(encoding="utf-8")))
    assert called <= set(CASES)
    assert called or page != "README.md"


def copy(target: Path) -> Path:
    """A copy of the checkout with its virtual environment; files that are as they should be stay untouched."""
    wanted = [
        f for place in COPIED for f in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))
    ]
    kept = {f.relative_to(ROOT): f for f in wanted if f.is_file() and "__pycache__" not in f.parts}
    for name, source in kept.items():
        place = target / name
        if not place.is_file() or place.read_bytes() != source.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
    for place in COPIED:
        for path in (target / place).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.relative_to(target) not in kept:
                path.unlink()
    if not (target / ".venv").is_symlink():
        (target / ".venv").symlink_to(Path(sys.prefix))
    return target


@pytest.fixture
def tree() -> Iterator[Path]:
    """The copy, for one test at a time: commands share their folders of results."""
    TREE.mkdir(parents=True, exist_ok=True)
    with open(TREE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield copy(TREE / "tree")


@pytest.mark.nightly
@pytest.mark.parametrize("target", CASES)
def test_command(target: str, tree: Path) -> None:
    """It runs, ends with the right exit code, and says what it should."""
    knobs, code, words = CASES[target]
    if (tool := NEEDS.get(target)) and shutil.which(tool) is None:
        code, words = 1, f"error: OpenSTA (the command {tool}) is not installed"
    knobs = knobs.format(case=min(p.name for p in (ROOT / "verif/random/cases").glob("*.toml")))
    env = {
        k: v for k, v in os.environ.items() if k not in KNOBS and not k.startswith(("PYTEST", "EQX_", "MAKE", "COCOTB"))
    }
    if target == "distclean":  # has nothing to build before
        tree = copy(tree.with_name("bare"))
    done = process.run(
        ["make", target, *knobs.split()],
        cwd=tree,
        env=env,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=1700,
    )
    shown = done.stdout + done.stderr
    assert not re.search(r"^Traceback", shown, re.M), shown  # the indented one is a bench's, in a mutant's log
    assert (done.returncode if code == 0 else min(done.returncode, 1)) == code, shown
    assert words in shown, shown
    if target in ("clean", "distclean"):
        assert not (tree / "build").exists()
        assert (tree / ".venv").exists() == (target == "clean") and Path(sys.prefix).is_dir()
