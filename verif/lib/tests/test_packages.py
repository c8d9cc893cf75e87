"""Where the project's packages lie, and that those of two checkouts do not mix."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest

from verif.lib import packages, process
from verif.lib.toolchain import ROOT

MODELS = next(iter(packages.FOLDERS))


def test_places(tmp_path: Path) -> None:
    """Modules and packages are found in any checkout; other names are none of the project's."""
    assert packages.place("verif.lib.packages") == ROOT / "verif" / "lib" / "packages"
    assert packages.place(f"{MODELS}.isa", tmp_path) == tmp_path / packages.FOLDERS[MODELS] / "isa"
    assert packages.place("numpy.random") is None
    assert all(packages.place(name).is_dir() for name in packages.FOLDERS)


def test_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout comes before what the environment names; the places are those that are installed."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    places = packages.python_path(tmp_path).split(os.pathsep)
    assert places[0] == str(tmp_path) and places[-1] == "/elsewhere" and len(places) == len(packages.PLACES) + 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["dev-mode-dirs"] == list(packages.PLACES)


def test_closure(tmp_path: Path) -> None:
    """Imports are followed into every package, of functions and modules, directly or not; others are left out."""
    files = {
        "verif/a.py": f"import numpy\nfrom verif import b\nfrom {MODELS}.isa import encoding\n",
        "verif/b.py": "def f():\n    import verif.c\n",
        "verif/c.py": "from . import d\n",
        "verif/d.py": "",
        "verif/e.py": "",
        f"{packages.FOLDERS[MODELS]}/isa/encoding.py": "",
        "verif/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = packages.python_closure([tmp_path / "verif/a.py"], tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in found} == set(files) - {"verif/e.py"}


def test_two_checkouts(tmp_path: Path) -> None:
    """Models of one checkout and benches of another are refused in one line."""
    (tmp_path / MODELS).mkdir()
    (tmp_path / MODELS / "__init__.py").write_text("", encoding="utf-8")

    def imported(path: str) -> process.CompletedProcess:
        command = [sys.executable, "-c", "import verif; print('well')"]
        env = {**os.environ, "PYTHONPATH": path}
        return process.run(command, cwd="/", env=env, capture_output=True, encoding="utf-8")

    assert imported(packages.python_path()).stdout.strip() == "well"
    done = imported(os.pathsep.join([str(tmp_path), packages.python_path()]))
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert str(tmp_path / MODELS) in done.stderr and str(ROOT) in done.stderr and "make venv" in done.stderr
