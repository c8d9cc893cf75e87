"""Calls of make and of the entry points: knobs, switches, streams, folders, environments. No simulator is needed."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

from equinox_core import environment
from equinox_core.deploy.scenario import Scenario
from equinox_core.timing import compiled
from verif.lib import process
from verif.lib.switch import switch
from verif.lib.toolchain import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SEEN = {
    "SEED": "7",
    "WAVES": "0",
    "COVERAGE": "0",
    "JOBS": "3",
    "PYTHON": sys.executable,
    "BLOCK": "mmu",
    "MODULE": "mmu",
}


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_script", ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CALL = _script("check_call")
KNOBS = CALL.knobs(MAKEFILE)
CLEAN = {
    k: v
    for k, v in os.environ.items()
    if k not in {knob for names in KNOBS.values() for knob in names} and not k.startswith("MAKE")
}


def shell(command: str, **env: str) -> process.CompletedProcess:
    """Run a line of shell in the checkout."""
    return process.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, env=CLEAN | env
    )


def python(code: str, redirect: str = "", **env: str) -> process.CompletedProcess:
    """Run a program, its streams redirected by the shell."""
    return shell(f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {redirect}", PYTHONPATH=str(ROOT), **env)


@pytest.mark.parametrize(
    ("goals", "given", "environment_", "words"),
    [
        (["sim"], ["LAOD"], [], "there is no knob LAOD, the nearest is LOAD; make sim has "),
        (["sim"], ["load"], [], "there is no knob load, the nearest is LOAD;"),
        (["sim"], ["ONLY"], [], "ONLY is no knob of make sim, but of make bench, "),
        (["bench"], ["REQUESTS"], [], "REQUESTS is no knob of make bench, but of make sim, make experiments"),
        (["plan"], ["XYZZY"], [], "there is no knob XYZZY; make plan has PYTHON"),
        (["sim", "lint"], ["MODULE", "LOAD"], [], ""),
        ([], ["LOAD"], [], "LOAD is no knob of make help, but of make sim"),
        (
            ["sim"],
            [],
            ["LOAD"],
            "LOAD stands in the environment, where it does not count: write make sim LOAD=..., or unset it",
        ),
        (["sim"], ["LOAD"], ["LOAD"], ""),
        (["plan"], [], ["LOAD", "NAME"], ""),
        (["sim", "test"], [], ["SEED", "WAVES", "COVERAGE", "JOBS", "PYTHON"], ""),
        (["no-such-target"], ["LOAD"], [], ""),
    ],
)
def test_wrong_knobs(goals: list[str], given: list[str], environment_: list[str], words: str) -> None:
    """A knob that the target does not have, or that would not count, is named;
    what make itself refuses is left to it.
    """
    found = CALL.wrong(MAKEFILE, goals, given, environment_)
    assert found.startswith(words) and bool(found) == bool(words), found


@pytest.mark.parametrize("target", sorted(KNOBS))
def test_every_target_refuses(target: str) -> None:
    """What is no knob is refused in one line, whatever the target; nothing is run."""
    done = shell(f"make {target} LAOD=0.3")
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1, done
    assert "there is no knob LAOD" in done.stderr and f"make {target} has" in done.stderr


@pytest.mark.parametrize("target", sorted(KNOBS))
def test_every_knob_reaches_its_target(target: str) -> None:
    """The knobs that `make help` promises stand in the commands, whatever their value,
    or in the environment of these.
    """
    wanted = {name: SEEN.get(name, f"it's {n} of $$x") for n, name in enumerate(KNOBS[target])}
    done = shell(f"make -n {target} " + " ".join(f"{name}={shlex.quote(value)}" for name, value in wanted.items()))
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout, comments=False)
    exported = re.search(r"^export (.*)", MAKEFILE, re.M)[1].split()
    for name, value in wanted.items():
        plain = value.replace("$$", "$")
        assert name in (*exported, "PYTHON") or any(plain in word for word in words), (name, done.stdout)


def test_knobs_stay_with_their_call() -> None:
    """Tests and makes that a target starts do not see its knobs: they would take them for their own."""
    recipe = "\n\t@env | grep -E '^(LOAD|TEST|MAKEFLAGS|SEED)=' || true\n"
    text = MAKEFILE.replace("\nlint: venv", f"\nprobe: ## x{recipe}\nlint: venv").replace(
        "#: of `make sim`\n", "#: of `make sim` and `make probe`\n", 1
    )
    done = process.run(
        ["make", "-f", "-", "-C", str(ROOT), "--no-print-directory", "lint", "-n"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env=CLEAN,
    )
    assert done.returncode == 0, done.stderr
    done = process.run(
        ["make", "-f", "-", "--no-print-directory", "probe", "SEED=5"],
        cwd=ROOT,
        input=text.replace("$(error $(WRONG))", ""),
        capture_output=True,
        encoding="utf-8",
        env=CLEAN,
    )
    assert "SEED=5" in done.stdout
    done = process.run(
        ["make", "-f", "-", "--no-print-directory", "probe", "LOAD=0.3", "TEST=x"],
        cwd=ROOT,
        input=text.replace("$(error $(WRONG))", ""),
        capture_output=True,
        encoding="utf-8",
        env=CLEAN,
    )
    assert "LOAD" not in done.stdout and "TEST" not in done.stdout, done.stdout


@pytest.mark.parametrize(
    "trace",
    [
        "my trace.csv",
        "a$b.csv",
        "$(rm x).csv",
        "it's.csv",
        'say "no".csv',
        "a#b;c&d.csv",
        "ümlaut.csv",
        "back\\slash`x`.csv",
    ],
)
def test_repeat_with(trace: str) -> None:
    """The line that repeats a run does so when it is put into a shell."""
    command = Scenario(trace=trace, load=0.3).command()
    assert command.startswith("make sim ") and command.endswith(" SEED=1")
    done = shell(command.replace("make", "make -n", 1))
    words = shlex.split(done.stdout)
    assert words[words.index("--trace") + 1] == trace, done
    assert words[words.index("--load") + 1] == "0.3"


def test_switch() -> None:
    """One reading of what is on or off."""
    assert all(switch(word, "X") for word in ("1", "yes", "on", "true", "ON", " True "))
    assert not any(switch(word, "X") for word in ("0", "no", "off", "false", "", "NO"))
    for word in ("2", "maybe", "o", "enable"):
        with pytest.raises(ValueError, match=f"WAVES = '{word}': legal is 1 or 0, yes or no, on or off, true or false"):
            switch(word, "WAVES")


@pytest.mark.parametrize(
    ("script", "words", "name"),
    [
        ("sim", "--waves maybe", "WAVES = 'maybe'"),
        ("sim", "--timeline x", "TIMELINE = 'x'"),
        ("regress", "--fresh x", "FRESH = 'x'"),
        ("regress", "--coverage x", "COVERAGE = 'x'"),
        ("bench", "--strict x", "STRICT = 'x'"),
    ],
)
def test_bad_switch(script: str, words: str, name: str) -> None:
    done = shell(f"{shlex.quote(sys.executable)} scripts/{script}.py {words}")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and name in done.stderr, done


@pytest.mark.parametrize("name", ["WAVES", "COVERAGE"])
def test_bad_switch_of_pytest(name: str) -> None:
    done = shell(
        f"{shlex.quote(sys.executable)} -m pytest --collect-only -q verif/tests/test_calls.py", **{name: "maybe"}
    )
    assert done.returncode != 0 and f"{name} = 'maybe': legal is 1 or 0" in done.stderr, done


LONG = "from equinox_core import cli; cli.run(lambda: print('word ' * 100_000) or {code})"
SHORT = "from equinox_core import cli; cli.run(lambda: print('word') or {code})"


@pytest.mark.parametrize("text", [SHORT, LONG])
@pytest.mark.parametrize("verdict", [0, 1])
def test_streams(text: str, verdict: int) -> None:
    """Without a stream, with a full disk or without a reader the exit code is still right, and something is said where
    it can be.
    """
    code = text.format(code=verdict)
    full = python(code, ">/dev/full")
    assert full.returncode == (verdict or 2) and full.stderr == "error: standard output: No space left on device\n"
    closed = python(code, ">&-")
    assert closed.returncode == 2 and closed.stderr == "error: standard output is closed: nothing could be reported\n"
    assert python(code, "2>&-").returncode == verdict
    assert python(code, "2>/dev/full").returncode == verdict
    assert python(code, ">&- 2>&-").returncode == 2
    gone = python(code, "| true; exit ${PIPESTATUS[0]}")
    assert gone.returncode == verdict and gone.stderr == ""


def test_words_without_standard_error() -> None:
    """They go to standard output, and not into a file that happens to be opened."""
    code = (
        "import sys; from equinox_core import cli; f = open('/dev/null'); cli.run(lambda: print('said', f.fileno(), "
        "file=sys.stderr) or 1)"
    )
    done = python(code, "2>&-")
    assert done.returncode == 1 and done.stdout.split()[0] == "said" and int(done.stdout.split()[1]) > 2
    shell("make venv")  # which may say that it installs
    done = shell("make sim REQUESTS=0 2>&-")
    assert done.returncode == 2 and done.stdout == "error: REQUESTS = 0: legal is a whole number in 1..10000000\n"
    done = shell("make sim REQUESTS=0 >&-")
    assert done.returncode == 2 and "standard output is closed" in done.stderr


def test_a_terminal_that_lacks_characters() -> None:
    """What its encoding does not have is replaced, in whatever locale."""
    done = process.run(
        [sys.executable, "-c", "from equinox_core import cli; cli.run(lambda: print('8×8 → ü') or 0)"],
        cwd=ROOT,
        capture_output=True,
        env=CLEAN | {"PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0 and done.stdout == "8×8 ? ü\n".encode("latin-1")


@pytest.mark.parametrize(
    "script",
    [
        "gen_isa_pkg.py --check",
        "gen_act_rom.py --check",
        "gen_checks.py --check",
        "gen_csr.py --check",
        "selftest.py --list",
    ],
)
def test_another_encoding(script: str) -> None:
    """Files are read and written as UTF-8 where the locale says something else."""
    done = shell(f"{shlex.quote(sys.executable)} scripts/{script}", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/a b/x", "a blank"),
        ("/x(1)", "( )"),
        ("/x&y", "&"),
        ("/x:y", ":"),
        ("/x=y", "="),
        ("/it's", "'"),
        ("/x#1", "#"),
        ("/$x", "$"),
        ("/x,y", ","),
        ("/x\ny", r"'\n'"),
        ("/%x", "%"),
        ("/~x", "~"),
        ('/"x', '"'),
        ("/x;y", ";"),
        ("/x*", "*"),
    ],
)
def test_folders_that_cannot_work(path: str, shown: str) -> None:
    line = environment.path_problem(Path(path), "utf-8")
    assert (
        f" do not take {shown} in the path" in line
        and "legal are letters, digits and . _ + @ -" in line
        and "\n" not in line.replace(path, "")
    )


def test_folders_that_work() -> None:
    for path in ("/home/anna/equinox", "/srv/v1.2_x+y@z-0", "/home/jürgen/研究"):
        assert environment.path_problem(Path(path), "utf-8") == ""
    assert "LC_ALL=C.UTF-8" in environment.path_problem(Path("/home/jürgen"), "iso8859-1")
    assert environment.path_problem(Path("/home/juergen"), "ascii") == ""


def test_such_a_folder_is_named_at_every_call(tmp_path: Path) -> None:
    """make, an entry point, and pytest, wherever the checkout was moved."""
    root = tmp_path / "copy (1)"
    for part in (
        "models/equinox_core/__init__.py",
        "models/equinox_core/environment.py",
        "verif/__init__.py",
        "scripts/check_call.py",
        "scripts/sim.py",
        "Makefile",
        "conftest.py",
        "requirements.txt",
        "pyproject.toml",
    ):
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        (root / part).write_bytes((ROOT / part).read_bytes())
    (root / "rtl").mkdir()  # by which it is a checkout
    where, exe = shlex.quote(str(root)), shlex.quote(sys.executable)
    for command in ("make help", f"make sim PYTHON={exe}", f"{exe} scripts/sim.py", f"{exe} -m pytest"):
        done = shell(
            f"cd {where} && {command}", PYTHONPATH=f"{root}:{root}/models"
        )  # as the paths in its .venv would have it
        lines = done.stderr.splitlines()
        assert (
            done.returncode != 0
            and done.stdout == ""
            and len(lines) == 1
            and "do not take a blank ( ) in the path" in lines[0]
        ), (command, done)


@pytest.mark.parametrize("package", ["numpy", "cocotb"])
@pytest.mark.parametrize(
    "command",
    [
        "make plan",
        "{py} scripts/sim.py",
        "{py} scripts/gen_csr.py --check",
        "{py} scripts/train_lstm.py",
        "{py} -m pytest",
    ],
)
def test_foreign_packages(package: str, command: str, tmp_path: Path) -> None:
    """A package that PYTHONPATH puts before the pinned one is named."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('foreign')\n", encoding="utf-8")
    done = shell(command.format(py=shlex.quote(sys.executable)), PYTHONPATH=str(tmp_path))
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert done.returncode != 0 and done.stdout == "" and len(lines) == 1, done
    assert f"PYTHONPATH: {tmp_path} hides {package}" in lines[0]


def test_python_path_that_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "my_tools").mkdir()
    (tmp_path / "tests").mkdir()
    assert environment.python_path_problem(f"{tmp_path}:{ROOT}::/does/not/exist") == ""
    (tmp_path / "random.py").touch()
    assert f"{tmp_path} hides random" in environment.python_path_problem(f"{ROOT}:{tmp_path}")


def test_numba_switched_off() -> None:
    done = shell(f"{shlex.quote(sys.executable)} scripts/latency.py", NUMBA_DISABLE_JIT="1")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "NUMBA_DISABLE_JIT is set" in done.stderr


def test_numba_without_a_place(tmp_path: Path, monkeypatch) -> None:
    """Code is cached where the environment says, beside the sources, or in the user's cache; else not at all."""
    monkeypatch.setattr(compiled, "_HERE", Path("/proc/none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    assert compiled._place().parent == tmp_path / "given"
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/none")
    assert compiled._place().parent == tmp_path / "user" / "equinox"
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert compiled._place() is None


def test_optimised_python_keeps_verdicts() -> None:
    """python -O drops asserts: those of the benches' helpers hold, those of pytest's own files too."""
    code = "from verif.lib.verdict import equal, require; import sys; assert False; {}"
    for check, words in (
        ("require(1 > 2, 'why')", "why"),
        ("equal(1, 2, 'x')", "x: 1, expected 2"),
        ("require(1 > 2)", "not so: "),
        ("equal([0] * 20, [0] * 19 + [5])", "item 19 is 0, expected 5"),
    ):
        done = python(code.format(check), PYTHONOPTIMIZE="1")
        assert done.returncode == 1 and f"AssertionError: {words}" in done.stderr or words in done.stderr, done
    assert python(code.format("require(True); equal([1], [1])"), PYTHONOPTIMIZE="1").returncode == 0


def test_optimised_pytest(tmp_path: Path) -> None:
    """pytest rewrites the asserts of test_*.py, so that they hold under python -O as well."""
    (tmp_path / "test_x.py").write_text(
        "def test_a():\n    assert 1 == 2\n\n\ndef test_b():\n    assert __import__('sys').flags.optimize == 1\n",
        encoding="utf-8",
    )
    done = shell(
        f"{shlex.quote(sys.executable)} -m pytest -q -n 0 --rootdir {tmp_path} -c /dev/null {tmp_path}/test_x.py",
        PYTHONOPTIMIZE="1",
    )
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout, done.stdout
