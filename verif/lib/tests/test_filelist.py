"""The lists of sources for other tools: the core is built from each of them, by Verilator."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from verif.lib import process, toolchain
from verif.lib.toolchain import ROOT

TINY = {"N": 4, "M": 1, "W": 2}


def _run(*command: str | Path, cwd: Path = ROOT, **more: str) -> process.CompletedProcess[str]:
    environment = dict(toolchain.verilator_env(), **more)
    return process.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def _make_flags() -> str:
    """Variables of make that the simulator's wheel needs; the code is not to run, so nothing is optimised."""
    return " ".join(v for v in toolchain.compiler().make_variables("-O0") if " " not in v)


@pytest.mark.nightly
def test_the_list_for_dash_f_builds_the_core(tmp_path: Path) -> None:
    """`make filelist` from elsewhere: Verilator finds every file in it and needs no other."""
    target = tmp_path / "equinox_core.f"
    done = _run(sys.executable, "scripts/gen_filelist.py", "--filelist", target)
    assert done.returncode == 0, done.stderr
    sizes = [f"-G{name}={value}" for name, value in TINY.items()]
    verilator = toolchain.verilator_root() / "bin" / "verilator_bin"
    done = _run(
        verilator,
        "--cc",
        "--no-timing",
        "--top-module",
        "equinox_core",
        *sizes,
        "-F",
        target,
        "--Mdir",
        tmp_path / "obj",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    done = _run("make", "-j2", "-C", tmp_path / "obj", "-f", "Vequinox_core.mk", *_make_flags().split())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "obj" / "libVequinox_core.a").exists()


def test_the_list_is_complete(tmp_path: Path) -> None:
    """Verilator elaborates the core from the list alone; without one of its files it does not."""
    target = tmp_path / "equinox_core.f"
    _run(sys.executable, "scripts/gen_filelist.py", "--filelist", target)
    verilator = toolchain.verilator_root() / "bin" / "verilator_bin"
    command = (verilator, "--lint-only", "--no-timing", "--top-module", "equinox_core", "-F", target)
    done = _run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = target.read_text(encoding="utf-8").splitlines()
    target.write_text("\n".join(line for line in lines if "mmu_load" not in line), encoding="utf-8")
    done = _run(*command, cwd=tmp_path)
    assert done.returncode != 0 and "mmu_load" in done.stderr


@pytest.mark.nightly
def test_fusesoc_builds_the_core(tmp_path: Path) -> None:
    """The FuseSoC description that is checked in, with parameters given on the command line."""
    fusesoc = Path(sys.executable).parent / "fusesoc"
    if not fusesoc.exists():
        pytest.skip("fusesoc is not installed")
    sizes = [word for name, value in TINY.items() for word in (f"--{name}", str(value))]
    path = os.pathsep.join([str(toolchain.verilator_root() / "bin"), str(fusesoc.parent), os.environ["PATH"]])
    done = _run(
        fusesoc,
        "--cores-root",
        ROOT,
        "run",
        "--target=model",
        "--build",
        "--work-root",
        tmp_path / "work",
        "equinox_core",
        *sizes,
        cwd=tmp_path,
        PATH=path,
        MAKEFLAGS=_make_flags() + " OPT_SLOW=-O0 OPT_GLOBAL=-O0",
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert shutil.which("verilator", path=path) and (tmp_path / "work" / "Vequinox_core").exists()
