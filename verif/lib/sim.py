"""Builds and runs simulations: what every bench uses. See README.md in this folder.

>>> exe = build("tb_fifo", closure("verif/block/fifo/tb_fifo.sv"), {"DEPTH": 8})
>>> result = run(exe, "verif.block.fifo.bench_fifo", seed=3)
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import shlex
import shutil
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import find_libpython
from cocotb_tools import config as cocotb_config

from verif.lib import checks, lock, process
from verif.lib.build import BuildError, build, env_flag, say
from verif.lib.packages import python_path
from verif.lib.rtl import RTL, closure, rtl_sources
from verif.lib.toolchain import BUILD, ROOT, ToolError, trace_format

__all__ = [
    "BUILD",
    "ROOT",
    "RTL",
    "BuildError",
    "SimFailure",
    "SimResult",
    "TestOutcome",
    "ToolError",
    "as_environment",
    "bench_modules",
    "build",
    "closure",
    "default_seed",
    "out_dir",
    "rtl_sources",
    "run",
    "run_block",
]

DEFAULT_SEED = 1
# names that cocotb gives a meaning of its own
_NOT_FOR_COCOTB = {"COVERAGE", "MODULE", "TOPLEVEL", "TESTCASE", "RANDOM_SEED", "WAVES", "GUI"}
_claims: dict[Path, IO[str]] = {}


class SimFailure(AssertionError):
    """A simulation failed; ``result`` holds what is known of it."""

    def __init__(self, message: str, result: SimResult) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
class TestOutcome:
    """One cocotb test of a run."""

    __test__ = False
    name: str
    status: str  # "passed", "failed" or "skipped"
    message: str = ""
    wall_s: float = 0.0
    sim_ns: float = 0.0


@dataclass
class SimResult:
    """What a run of the simulator brought."""

    run_dir: Path
    seed: int
    exit_code: int | None  # None: stopped at the time limit
    seconds: float
    reproduce: str
    tests: list[TestOutcome] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """The simulator's log file."""
        return self.run_dir / "sim.log"

    @property
    def failures(self) -> list[TestOutcome]:
        """The tests that failed."""
        return [t for t in self.tests if t.status == "failed"]

    @property
    def ok(self) -> bool:
        """Whether at least one test ran, none failed, and the simulator ended normally."""
        ran = any(t.status != "skipped" for t in self.tests)
        return self.exit_code == 0 and ran and not self.failures

    def tail(self, lines: int = 40) -> str:
        """The end of the simulator's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace", encoding="utf-8").splitlines()[-lines:])

    def explain(self) -> str:
        """Why the run is not ok: one paragraph, the log's end, and how to reproduce it."""
        if self.exit_code is None:
            why = [f"stopped at the time limit after {self.seconds:.0f} s"]
        elif self.failures:
            why = [f"{t.name}: {t.message}" for t in self.failures]
        elif not self.tests:
            why = [f"no test ran to its end (simulator exit code {self.exit_code})"]
        elif all(t.status == "skipped" for t in self.tests):
            why = ["every test was skipped: the filter matches none"]
        else:
            why = [f"simulator exit code {self.exit_code}: an assertion or $error/$fatal fired"]
        why = [f"FAILED (seed {self.seed}) {line}" for line in why]
        return "\n".join([*why, f"--- end of {self.log}", self.tail(), f"--- reproduce: {self.reproduce}"])


@functools.cache
def _cocotb_env() -> dict[str, str]:
    """Environment through which the simulator finds Python and cocotb."""
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise ToolError(
            f"{sys.executable} has no shared library (libpython): "
            "install the python3-dev package, or a Python built with --enable-shared"
        )
    return {
        "GPI_USERS": f"{libpython};{cocotb_config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
        # pytest's rewriting would load the conftest.py of whatever checkout lies around the run, and import its verif
        "COCOTB_REWRITE_ASSERTION_FILES": "",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def default_seed() -> int:
    """The seed of runs that name none: the environment's SEED, else 1. ValueError where that is none."""
    text = os.environ.get("SEED", "").strip() or str(DEFAULT_SEED)
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 31):
        raise ValueError(f"SEED = {text!r}: legal is a whole number in 0..{(1 << 31) - 1}")
    return int(text)


def out_dir() -> Path:
    """Where runs leave their logs (``runs``) and coverage (``cov``): the environment's EQX_OUT, else build/."""
    text = os.environ.get("EQX_OUT", "")
    return Path(text) if text else BUILD


def _slug(text: str) -> str:
    return re.sub(r"[^\w.=-]+", "_", text).strip("_")[:120]


def _current_test() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]


def run(
    exe: Path,
    module: str,
    *,
    toplevel: str | None = None,
    test_filter: str | None = None,
    seed: int | None = None,
    plusargs: Sequence[str] = (),
    args: Sequence[str] = (),
    trace: bool | None = None,
    env: Mapping[str, str] | None = None,
    run_dir: Path | None = None,
    timeout: float = 300,
    check: bool = True,
) -> SimResult:
    """Run the cocotb tests of a module in a simulator.

    Args:
        exe: executable from :func:`build`.
        module: Python module with the tests, as imported from the project root; several with commas.
        toplevel: top module (default: taken from the build).
        test_filter: regular expression; only tests whose full name it is found in are run.
        seed: seed of the run; default: SEED of the environment, else 1.
        plusargs: arguments such as ``+N=3``.
        args: other arguments of the executable.
        trace: dump waves, which the build must support; default: whether WAVES is set.
        env: more environment variables for the bench.
        run_dir: folder for logs (emptied first); default: one named by the pytest test or the module.
        timeout: wall-clock limit in seconds.
        check: raise when the run is not ok.

    Returns:
        The result; ``result.log`` is the log file.

    Raises:
        SimFailure: a test failed, none ran, an assertion fired or the time ran out (if ``check``).
    """
    __tracebackhide__ = True
    seed = default_seed() if seed is None else seed
    top = toplevel or _top_of(exe)
    if run_dir is None:
        label = _current_test().split("::", 1)[-1] or module
        run_dir = out_dir() / "runs" / _slug(module.split(",")[0].split(".")[-1]) / f"{_slug(label)}-s{seed}"
        if test_filter:
            run_dir = run_dir.with_name(f"{run_dir.name}-{_slug(test_filter)}")
        run_dir = _claim(run_dir)
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    results = run_dir / "results.xml"
    settings = {
        **_cocotb_env(),
        "PYTHONPATH": python_path(),
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_RANDOM_SEED": str(seed),
        **({"COCOTB_TEST_FILTER": test_filter} if test_filter else {}),
        **({"EQX_COVERAGE_DIR": str(out_dir() / "cov")} if env_flag("COVERAGE") else {}),
        **(env or {}),
    }
    command = [str(exe), *args, "+verilator+rand+reset+2", f"+verilator+seed+{seed % 2**31 or 1}"]
    command += [f"+verilator+coverage+file+{run_dir / 'coverage.dat'}", *plusargs]
    if env_flag("WAVES") if trace is None else trace:
        waves = run_dir / f"dump.{trace_format()}"
        hint = "" if waves.suffix == ".fst" else " (an FST would be 14 times smaller: apt install liblz4-dev)"
        command += ["--trace", "--trace-file", str(waves)]
        say(f"waves: {waves}{hint}")
    exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in settings.items())
    script = run_dir / "rerun.sh"
    clean = f"unset {' '.join(sorted(_NOT_FOR_COCOTB))}\n"
    script.write_text(
        f"#!/bin/sh\ncd {shlex.quote(str(run_dir))} || exit 1\n{clean}{exports}{shlex.join(command)}\n",
        encoding="utf-8",
    )
    node = _current_test()
    again = f"sh {os.path.relpath(script, ROOT)}"
    if node:
        again = f"SEED={seed} .venv/bin/python -m pytest -m '' {shlex.quote(node)}   (or: {again})"

    began = time.monotonic()
    environment = {
        k: v for k, v in os.environ.items() if k not in _NOT_FOR_COCOTB and not k.startswith(("COCOTB_", "GPI_"))
    }
    environment.update(settings)
    with open(run_dir / "sim.log", "w", encoding="utf-8") as log:
        try:
            code: int | None = process.run(
                command,
                cwd=run_dir,
                env=environment,
                stdin=process.DEVNULL,
                stdout=log,
                stderr=process.STDOUT,
                timeout=timeout,
            ).returncode
        except process.TimeoutExpired:
            code = None
    result = SimResult(run_dir, seed, code, time.monotonic() - began, again, _parse(results))
    _keep_coverage(run_dir)
    if check and not result.ok:
        raise SimFailure(result.explain(), result)
    return result


def _claim(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that no other run uses or has used.

    Runs of this process keep their logs apart; runs of other processes only while they last.
    """
    for number in itertools.count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if candidate in _claims:
            continue
        handle = lock.attempt(Path(f"{candidate}.lock"))  # until this process ends
        if handle is None:
            continue
        _claims[candidate] = handle
        return candidate
    raise AssertionError("unreachable")


def _top_of(exe: Path) -> str:
    arguments = json.loads((exe.parent / "identity.json").read_text(encoding="utf-8"))["args"]
    return str(arguments[arguments.index("--top-module") + 1])


def _parse(path: Path) -> list[TestOutcome]:
    """The tests in a results file of cocotb; none when the simulator did not write one."""
    if not path.exists():
        return []
    outcomes = []
    for case in ElementTree.parse(path).iter("testcase"):
        status, message = "passed", ""
        for kind in ("failure", "error", "skipped"):
            mark = case.find(kind)
            if mark is not None:
                status = "skipped" if kind == "skipped" else "failed"
                message = (mark.get("message") or mark.get("error_msg") or mark.text or "").strip()
        facts = {p.get("name"): p.get("value") for p in case.iter("property")}
        name = f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")
        outcomes.append(
            TestOutcome(
                name=name,
                status=status,
                message=message,
                wall_s=float(case.get("time") or 0),
                sim_ns=float(facts.get("sim_time_duration") or 0),
            )
        )
    return outcomes


def _keep_coverage(run_dir: Path) -> None:
    """Copy coverage data to the folder ``cov``, under a name of its own for every run."""
    data = run_dir / "coverage.dat"
    if data.exists():
        target = out_dir() / "cov" / f"{_slug('-'.join(run_dir.parts[-2:]))}.dat"
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}")
        shutil.copy(data, part)
        os.replace(part, target)


def run_block(
    here: str | Path,
    *,
    top: str | None = None,
    params: Mapping[str, int | str | bool] | None = None,
    seeds: Sequence[int] = (),
    test_filter: str | None = None,
    timeout: float = 300,
    env: Mapping[str, str] | None = None,
    plusargs: Sequence[str] = (),
    sources: Sequence[Path] | None = None,
    check: bool = True,
    **build_options: object,
) -> list[SimResult]:
    """Build and run the bench of a block: what ``verif/block/<dut>/test_<dut>.py`` calls.

    Args:
        here: the calling file (``__file__``); its folder's name is ``<dut>``. The top is
            ``tb_<dut>`` when the folder holds ``tb_<dut>.sv``, else the module ``<dut>`` of rtl/.
            The tests are in ``bench_<dut>.py`` beside it, and in ``bench_<dut>_<part>.py``.
        top: another top module (``tb_x.sv`` in the folder, or a module of rtl/).
        params: parameters of the top; the bench gets them as environment variables ``P_<name>``.
        seeds: one run per seed; default: one run with the default seed. The environment's SEED shifts them all: with
            SEED=5, ``[1, 2]`` is 5 and 6.
        sources: instead of those that the top needs: with faults planted, say.
        check: raise when a run is not ok, or has compared nothing.
        test_filter, timeout, env, plusargs: see :func:`run`.
        build_options: see :func:`build`.

    Raises:
        SimFailure: at the first run that is not ok.
        AssertionError: no check of a run has compared anything.
    """
    __tracebackhide__ = True
    folder = Path(here).resolve()
    folder = folder if folder.is_dir() else folder.parent
    dut = folder.name
    top = top or (f"tb_{dut}" if (folder / f"tb_{dut}.sv").exists() else dut)
    local = folder / f"{top}.sv"
    if sources is None:
        sources = closure(local if local.exists() else top, library=(RTL, ROOT / "verif"))
    exe = build(top, sources, params, **build_options)  # type: ignore[arg-type]
    results = [
        run(
            exe,
            bench_modules(folder),
            seed=seed,
            test_filter=test_filter,
            timeout=timeout,
            env=as_environment(params or {}) | dict(env or {}),
            plusargs=plusargs,
            check=check,
        )
        for seed in ([seed + default_seed() - DEFAULT_SEED for seed in seeds] or [default_seed()])
    ]
    for result in results if check else ():
        checks.require(result.run_dir)
    return results


def bench_modules(folder: Path) -> str:
    """The modules of a bench as cocotb takes them: ``bench_<name>`` of the folder ``<name>``, and its further parts."""
    name = f"bench_{folder.name}"
    parts = sorted(path.stem for path in folder.glob(f"{name}_*.py"))
    return ",".join(".".join((*folder.relative_to(ROOT).parts, stem)) for stem in (name, *parts))


def as_environment(params: Mapping[str, int | str | bool]) -> dict[str, str]:
    """Parameters of a bench's top as the bench gets them (``verif.lib.bench.param``)."""
    return {f"P_{key}": str(int(v) if isinstance(v, bool) else v) for key, v in params.items()}
