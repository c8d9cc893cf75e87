"""The package as somebody gets it: a wheel, in an environment that has neither this checkout nor a compiler."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import equinox_core
from equinox_core.deploy.replay import replay
from equinox_core.deploy.result import run_result
from equinox_core.deploy.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
CODE = Path(equinox_core.__file__).parent
NAME = equinox_core.__name__
SMALL = ("--config", "tiny", "--trace", "configs/traces/bursty.csv", "--requests", "40", "--load", "0.6")
Call = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel of this checkout; of the development's it sees the other packages only."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", str(folder)], cwd=ROOT, check=True)
    wheel = next(folder.glob("equinox_core-*.whl"))
    venv.create(folder / "env", with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder / "env"), "platbase": str(folder / "env")}))
    others = [place for place in sys.path if Path(place).name == "site-packages"]  # not what they lead to: no checkout
    (site / "others.pth").write_text("".join(f"{place}\n" for place in others), encoding="utf-8")
    python = folder / "env" / "bin" / "python"
    subprocess.run(
        [*pip, "--python", str(python), "install", "--no-deps", "--no-index", "--ignore-installed", str(wheel)],
        check=True,
    )
    return folder / "env"


@pytest.fixture
def call(home: Path, tmp_path: Path) -> Call:
    """Run the installed command in an empty folder, without PATH and what Python is told by the environment."""

    def run(*words: str, **settings: str) -> subprocess.CompletedProcess:
        env = {"HOME": str(tmp_path), "PATH": "/nowhere", **settings}
        command = [str(home / "bin" / "python"), str(home / "bin" / "equinox-core"), *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8")

    return run


def installed(home: Path) -> Path:
    """Folder of the installed package."""
    return next(home.glob(f"lib/python*/site-packages/{NAME}"))


def files(folder: Path, root: Path) -> set[str]:
    """The files of a folder, compiled ones left out, as seen from ``root``."""
    return {str(p.relative_to(root)) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def test_contents(home: Path) -> None:
    """All modules and data, the configurations and traces; no tests."""
    there = files(installed(home), installed(home))
    here = {name for name in files(CODE, CODE) if Path(name).parts[0] != "tests"} | files(ROOT / "configs", ROOT)
    assert there - {"README.md"} == here - {"README.md"}


def test_installed_command(call: Call) -> None:
    """It starts without a compiler, and its errors are one line there too."""
    assert call("--version").stdout.strip() == f"equinox-core {equinox_core.__version__}"
    assert "predict" in call("--help").stdout
    for words, part in (
        (("--load", "9"), "LOAD = 9.0"),
        (("--config", "huge"), "tiny"),
        (("--trace", "x.csv"), "x.csv"),
    ):
        done = call("predict", *words)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and part in done.stderr, done.stderr


@pytest.mark.nightly
def test_installed_prediction(call: Call, home: Path, tmp_path: Path) -> None:
    """It predicts what the checkout predicts; it is compiled once, though its own folder cannot be written."""
    cache = installed(home) / "timing" / "__pycache__"
    if cache.is_dir():
        cache.rename(cache.with_name("before"))
    cache.write_text("in the way", encoding="utf-8")  # no folder can be made here, not even by root
    done = call("predict", *SMALL, "--result", "result.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "equinox-prediction.html").stat().st_size > 10_000
    mine = run_result(replay(Scenario(config="tiny", trace=SMALL[3], requests=40, load=0.6))).to_dict()
    seen = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert {**seen, "wall_seconds": 0} == json.loads(json.dumps({**mine, "wall_seconds": 0}))
    assert len(done.stderr.splitlines()) == 1 and "compiling" in done.stderr, done.stderr
    assert any((tmp_path / ".cache").rglob("engine.run-*.nbc"))
    again = call("predict", *SMALL)
    assert again.returncode == 0 and again.stderr == ""


def test_caches_that_cannot_be_written(home: Path, tmp_path: Path) -> None:
    """The user's cache where the package's folder cannot be written; none where that cannot either."""
    cache = installed(home) / "timing" / "__pycache__"
    blocked = tmp_path / "blocked"
    blocked.write_text("", encoding="utf-8")
    program = f"import {NAME}.timing; from {NAME}.timing import compiled as c; print(c._PLACE, c.is_cold())"

    def told(**settings: str) -> list[str]:
        command = [str(home / "bin" / "python"), "-B", "-c", program]
        env = {"HOME": str(tmp_path), **settings}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        return [*done.stdout.split(), *done.stderr.splitlines()]

    free = not cache.is_file()
    if free:
        assert told()[0].startswith(str(cache))
        cache.rename(cache.with_name("before_too"))
        cache.write_text("in the way", encoding="utf-8")
    assert told()[0].startswith(str(tmp_path / ".cache" / "equinox")) and len(told()) == 2
    place, cold, line = told(XDG_CACHE_HOME=str(blocked))
    assert (place, cold) == ("None", "False") and "NUMBA_CACHE_DIR" in line
    assert told(XDG_CACHE_HOME=str(blocked), NUMBA_CACHE_DIR=str(tmp_path / "own"))[0].startswith(str(tmp_path / "own"))


def test_requirements() -> None:
    """The package asks for what its modules import; what is pinned for the development environment fits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {r.name: r for r in map(Requirement, project["project"]["dependencies"])}
    names = set()
    for path in CODE.rglob("*.py"):
        if "tests" not in path.relative_to(CODE).parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names.add(node.module.split(".")[0])
    known = packages_distributions()
    assert {known[n][0] for n in names - set(sys.stdlib_module_names) - {NAME}} == set(asked)
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = map(Requirement, (line for line in lines if line and not line.startswith("#")))
    pins = {r.name: str(r.specifier).removeprefix("==") for r in pinned}
    assert all(pins[name] in r.specifier for name, r in asked.items())
    assert [f"hatchling=={pins['hatchling']}"] == project["build-system"]["requires"]


def test_checkout_is_moved_with_its_environment(tmp_path: Path) -> None:
    """The checkout's paths in its environment are relative: they lead to where it has moved, or a link stands."""
    root = tmp_path / "old"
    site = root / ".venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    venv.create(root / ".venv", with_pip=False)
    (root / "some_module.py").write_text("", encoding="utf-8")
    (site / "_equinox_core.pth").write_text(f"{root}\n{root / 'models'}\n", encoding="utf-8")
    script = str(ROOT / "scripts" / "relative_path.py")

    def where(root: Path) -> str:
        command = [root / ".venv/bin/python", "-c", "import some_module as m; print(m.__file__)"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd="/")
        return done.stdout.strip() or done.stderr

    for _ in range(2):  # again changes nothing
        subprocess.run([root / ".venv/bin/python", script], check=True)
        assert (site / "_equinox_core.pth").read_text(encoding="utf-8").splitlines() == [
            "../../../..",
            "../../../../models",
        ]
    new = root.rename(tmp_path / "new")
    assert where(new) == str(new / "some_module.py")
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "some_module.py").write_text("", encoding="utf-8")
    (shared / ".venv").symlink_to(new / ".venv")
    assert where(shared) == str(shared / "some_module.py")
    (new / ".venv" / site.relative_to(root / ".venv") / "_equinox_core.pth").unlink()
    done = subprocess.run([new / ".venv/bin/python", script], capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "_equinox_core.pth" in done.stderr
