"""The hooks of git (.pre-commit-config.yaml): what `make lint` runs, and they stop a commit."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from verif.lib import process
from verif.lib.lint import CHECKS
from verif.lib.toolchain import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
HOOKED = set(CHECKS) - {"generated"}  # which runs every generator: left to `make lint`, as are the tools of modules
TOUCHED = {  # file that a commit touches -> hooks that look at it
    "verif/lib/rules.py": {"rules", "ruff", "ruff-format"},
    "models/equinox_core/core.py": {"rules", "ruff", "ruff-format", "mypy"},
    "rtl/equinox_core.sv": {"rules", "verible", "verible-format"},
    "pyproject.toml": {"ruff", "ruff-format", "mypy"},
    ".rules.verible_lint": {"verible"},
    "docs/usage.md": set(),
}


def run(*words: str, cwd: Path = ROOT, home: Path) -> process.CompletedProcess:
    """A command, with pre-commit's own files in a folder of the test; nothing leads its Python to this checkout."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") and k != "PYTHONPATH"}
    env |= {"PRE_COMMIT_HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return process.run(words, capture_output=True, encoding="utf-8", errors="replace", cwd=cwd, env=env)


def test_hooks_are_the_checks_of_lint(tmp_path: Path) -> None:
    """Each check of the whole checkout that does not take long has a hook, which runs the same command."""
    done = run(str(PRE_COMMIT), "validate-config", str(CONFIG), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (repo,) = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repos"]
    assert repo["repo"] == "local"  # nothing is fetched
    assert {hook["id"] for hook in repo["hooks"]} == HOOKED
    for hook in repo["hooks"]:
        assert hook["entry"] == f".venv/bin/python scripts/lint.py --only {hook['id']}"
        assert hook["language"] == "system" and hook["pass_filenames"] is False
    for file, hooks in TOUCHED.items():
        assert {hook["id"] for hook in repo["hooks"] if re.search(hook["files"], file)} == hooks, file


@pytest.mark.skipif(shutil.which("git") is None, reason="there are no hooks without git")
def test_hooks_stop_a_commit(tmp_path: Path) -> None:
    """All hooks pass on the sources as they are; each fails on a file that it is there for."""
    copy, home = tmp_path / "checkout", tmp_path / "home"
    for folder in ("rtl", "models/equinox_core", "verif", "scripts", "configs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", ".rules.verible_lint", CONFIG.name):
        shutil.copy(ROOT / file, copy / file)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    for words in ("git init -q", "git add .", f"{PRE_COMMIT} install"):
        done = run(*words.split(), cwd=copy, home=home)
        assert done.returncode == 0, done.stderr
    done = run(str(PRE_COMMIT), "run", "--all-files", cwd=copy, home=home)
    assert done.returncode == 0 and done.stdout.count("Passed") == len(HOOKED), done.stdout + done.stderr
    (copy / "models/equinox_core/planted.py").write_text("import os\ndef f(x): return  x\nassert f\n", encoding="utf-8")
    (copy / "rtl/eqx_planted.sv").write_text("module   eqx_planted; parameter x = 1; endmodule\n", encoding="utf-8")
    run("git", "add", ".", cwd=copy, home=home)
    done = run("git", "-c", "user.name=a", "-c", "user.email=a", "commit", "-m", "bad", cwd=copy, home=home)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and said.count("Failed") == len(HOOKED), said
