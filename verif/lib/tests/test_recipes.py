"""The recipes of CONTRIBUTING.md: what they name is there, and those with an example are followed in a copy."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from verif.lib import anchor, process
from verif.lib.packages import python_path
from verif.lib.toolchain import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
LIKE = {"fifo": "reg_fifo", "capacity": "latency"}
"""What a recipe makes up -> what is there of its form."""
FOLLOWED = {one["recipe"]: one for one in yaml.safe_load((Path(__file__).parent / "recipes.yaml").read_text("utf-8"))}
_PATH = re.compile(r"`((?:models|rtl|verif|docs|scripts|configs)/[\w./-]+|[\w-]+\.(?:md|toml|yaml)|Makefile)`")
_CALL = re.compile(r"`make ([a-z][^`]*)`")
COPIED = ("models", "rtl", "verif", "scripts", "configs", "docs", "conftest.py", "pyproject.toml", "CONTRIBUTING.md")


def real(words: str) -> str:
    """A name that a recipe makes up as one that is there."""
    for made_up, there in LIKE.items():
        words = re.sub(rf"(?<![a-z_]){made_up}(?![a-z])|(?<=_){made_up}(?![a-z])", there, words)
    return words


def python(tree: Path, *words: str) -> tuple[int, str]:
    """Run Python in a copy; exit code and output."""
    done = process.run(
        [sys.executable, *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": python_path(tree), "EQX_OUT": str(tree / "build")},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode, done.stdout + done.stderr


def missing(page: str) -> list[str]:
    """Files that a page names, by their path from the root, and that are not there."""
    return [path for path in _PATH.findall(page) if not (ROOT / real(path)).exists() and not (ROOT / path).exists()]


def wrong_calls(page: str, tests: set[str]) -> list[str]:
    """Calls of make that a page names and that are refused, or choose nothing."""
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    found = []
    for call in map(real, _CALL.findall(page)):
        target, *given = call.split()
        values = dict(word.split("=", 1) for word in given)
        if target not in targets:
            found.append(f"make {call}: no target")
        elif values and (words := python(ROOT, "-m", "scripts.check_call", target, " ".join(values))[1]):
            found.append(f"make {call}: {words}")
        elif target == "test" and values.get("TEST") and not any(values["TEST"] in test for test in tests):
            found.append(f"make {call}: no test")
        elif values.get("BLOCK") and not (ROOT / "verif/block" / values["BLOCK"]).is_dir():
            found.append(f"make {call}: no block")
    return found


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """All tests, by file and function."""
    return {
        f"{path.stem}::{name}"
        for folder in ("models", "verif")
        for path in (ROOT / folder).rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }


@pytest.mark.parametrize("name", SECTIONS)
def test_what_a_recipe_names_is_there(name: str, tests: set[str]) -> None:
    """Files and calls of make, with their knobs, tests and blocks."""
    assert missing(SECTIONS[name]) == []
    assert wrong_calls(SECTIONS[name], tests) == []


def test_what_is_not_there_is_found(tests: set[str]) -> None:
    page = (
        "`rtl/vpu/gone.sv`, `rtl/vpu/eqx_vpu.sv`, `make lint`, `make tidy`, `make test SIZE=1`, `make test TEST=x_y_z`"
    )
    assert missing(page) == ["rtl/vpu/gone.sv"]
    found = wrong_calls(page + ", `make test BLOCK=nothing`", tests)
    assert [line.split(": ")[0] for line in found] == [
        "make tidy",
        "make test SIZE=1",
        "make test TEST=x_y_z",
        "make test BLOCK=nothing",
    ]


def table(name: str) -> tuple[set[str], set[str]]:
    """Files of a recipe's first table: those to edit, and those that `make gen` writes."""
    rows = re.search(r"^\| file \| what \|\n\|---\|---\|\n((?:\|.*\n)+)", SECTIONS[name], re.M)[1].splitlines()
    edited, generated = set(), set()
    for row in rows:
        cells = row.split(" | ")
        if cells[0].startswith("| by "):
            generated |= set(_PATH.findall(cells[1]))
        else:
            edited |= set(_PATH.findall(cells[0]))
    return edited, generated


def copy(tree: Path) -> None:
    for place in COPIED:
        if (ROOT / place).is_dir():
            shutil.copytree(ROOT / place, tree / place, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
        else:
            shutil.copy(ROOT / place, tree / place)


def follow(tree: Path, name: str) -> None:
    """Make the example's edits, and generate anew."""
    for edit in FOLLOWED[name]["edits"]:
        path = tree / edit["file"]
        text = anchor.replaced(path.read_text(encoding="utf-8"), edit["find"], edit["replace"])
        path.write_text(text, encoding="utf-8")
    for script in ("gen_hw", "gen_isa_pkg", "gen_csr"):  # in the order of `make gen`
        code, words = python(tree, f"scripts/{script}.py")
        assert code == 0, words


def changed(tree: Path) -> set[str]:
    """Files that differ from the checkout's."""
    files = (path for place in ("models", "rtl", "verif", "docs") for path in (tree / place).rglob("*"))
    names = [path.relative_to(tree).as_posix() for path in files if path.is_file() and "__pycache__" not in path.parts]
    return {name for name in names if (tree / name).read_bytes() != (ROOT / name).read_bytes()}


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_recipe_is_followed(name: str, tmp_path: Path) -> None:
    """Its example touches the files that it lists, and generates those that it says; the rules and the tests pass. With
    the edits of one file taken back, the tests fail.
    """
    copy(tmp_path)
    follow(tmp_path, name)
    edited, generated = table(name)
    assert {edit["file"] for edit in FOLLOWED[name]["edits"]} == edited
    assert changed(tmp_path) == edited | generated
    code, words = python(tmp_path, "scripts/lint.py", "--only", "rules", "--only", "mypy")
    assert code == 0, words
    run = ("-m", "pytest", "-q", "-m", "", *FOLLOWED[name]["tests"])
    code, words = python(tmp_path, *run)
    assert code == 0, words
    forgotten = FOLLOWED[name]["named"]
    shutil.copy(ROOT / forgotten, tmp_path / forgotten)
    code, words = python(tmp_path, *run)
    assert code == 1 and " failed" in words, words


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name, one in FOLLOWED.items() if "long" in one])
def test_the_bench_of_a_recipe(name: str, tmp_path: Path) -> None:
    """The bench of the block finds the example right."""
    copy(tmp_path)
    follow(tmp_path, name)
    code, words = python(tmp_path, "-m", "pytest", "-q", "-m", "", *FOLLOWED[name]["long"])
    assert code == 0, words
