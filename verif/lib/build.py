"""Builds simulators: Verilator and the C++ compiler, called directly, once per distinct design.

Only the signals of the top module (and of modules named by the caller) are visible to Python:
that makes simulations several times faster than making everything public.  The folder of a
build is named by a hash of all that went into it, so a build is made once and never goes stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cocotb_tools import config as cocotb_config

from verif.lib import lock, process, toolchain
from verif.lib.switch import switch
from verif.lib.toolchain import BUILD, ROOT, ToolError

_FORMAT = 3  # raise to make all earlier builds stale
_HEADERS = (".svh", ".vh", ".sv", ".v", ".h", ".hpp", ".vlt")


class BuildError(RuntimeError):
    """The design does not compile; the message holds the tools' own words."""


def say(text: str) -> None:
    """Print one progress line on the standard error stream."""
    print(f"[sim] {text}", file=sys.stderr, flush=True)


def env_flag(name: str) -> bool:
    """Whether an environment variable that is a switch is on; ValueError where it is none."""
    return switch(os.environ.get(name, ""), name)


def _hash(parts: object, files: Iterable[Path]) -> str:
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    for path in files:
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _value(name: str, value: object) -> str:
    """A parameter or define as Verilator takes it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value if value.startswith("'") or "'" in value else f'"{value}"'
    raise ValueError(f"parameter {name}: {value!r} is neither an integer nor a string")


def build(
    top: str,
    sources: Sequence[Path | str],
    params: Mapping[str, int | str | bool] | None = None,
    *,
    includes: Sequence[Path | str] = (),
    name: str | None = None,
    trace: bool | None = None,
    coverage: bool | None = None,
    toggle: bool = False,
    public: Sequence[str | tuple[str, str]] = (),
    defines: Mapping[str, int | str] | None = None,
    timing: bool = True,
    assertions: bool = True,
    cocotb: bool = True,
    opt: str = "-O1",
    extra_args: Sequence[str] = (),
) -> Path:
    """Build a simulator, or find it already built, and return its executable.

    Args:
        top: top module.
        sources: SystemVerilog files in compile order (see :mod:`verif.lib.rtl`); C++ files are
            compiled into the model too.
        params: parameters of the top module. A string that holds an apostrophe (``32'h5``) is
            passed as it is, any other string as a string literal.
        includes: folders for ``include``; every header below them counts as a dependency.
        name: name for the build folder (default: the top).
        trace: waveform support; default: whether WAVES is set.
        coverage: line, branch, expression and user coverage; default: whether COVERAGE is set.
        toggle: toggle coverage too (slow: simulates at a twentieth of the speed).
        public: modules, or (module, signal pattern) pairs, which Python can see besides the top.
        defines: preprocessor macros.
        timing: delays and event controls in the sources are simulated.
        assertions: assertions are checked.
        cocotb: link cocotb's main program; if not, Verilator's own main is generated.
        opt: optimisation of the model's hot code.
        extra_args: more Verilator arguments.

    Raises:
        BuildError: Verilator or the compiler refused the design.
        ToolError: a tool is missing.
    """
    __tracebackhide__ = True
    trace = env_flag("WAVES") if trace is None else trace
    coverage = env_flag("COVERAGE") if coverage is None else coverage
    paths = [Path(s).resolve() for s in sources]
    for path in paths:
        if not path.is_file():
            raise BuildError(f"{top}: no such source file: {path}")
    headers = [file for folder in includes for file in sorted(Path(folder).rglob("*")) if file.suffix in _HEADERS]

    args = ["--cc", "--exe", "--top-module", top, "--prefix", "Vtop", "-O3"]
    args += ["--timescale", "1ns/1ps", "--x-assign", "unique", "--x-initial", "unique"]
    args += ["--timing" if timing else "--no-timing"]
    args += ["--assert" if assertions else "--no-assert", "-Wno-WIDTH"]
    args += ["--vpi"] if cocotb else ["--main"]
    if coverage:
        args += ["--coverage-line", "--coverage-expr", "--coverage-user"]
    if toggle:
        args += ["--coverage-toggle"]
    if trace:
        args += ["--trace-fst" if toolchain.trace_format() == "fst" else "--trace-vcd"]
        args += ["--trace-structs", "--trace-params"]
    args += [f"-G{key}={_value(key, value)}" for key, value in sorted((params or {}).items())]
    args += [f"-D{key}={value}" for key, value in sorted((defines or {}).items())]
    args += list(extra_args)
    visible = [(top, "*")] if cocotb else []
    visible += [item if isinstance(item, tuple) else (item, "*") for item in public]
    compiler = toolchain.compiler()
    identity = {
        "format": _FORMAT,
        "tools": [toolchain.verilator_version(), compiler.version, sys.prefix],
        "args": args,
        "opt": opt,
        "visible": visible,
        "root": str(ROOT),
    }
    folder = BUILD / "sim" / f"{name or top}-{_hash(identity, [*paths, *headers])}"
    executable = folder / "simulator"
    if executable.exists():
        return executable
    with lock.waiting(folder.with_suffix(".lock")):
        if executable.exists():
            return executable
        began = time.monotonic()
        shown = " ".join(f"{k}={v}" for k, v in (params or {}).items())
        options = "".join(f" +{n}" for n, on in (("trace", trace), ("coverage", coverage)) if on)
        say(f"building {name or top} {shown}{options} ...".replace("  ", " "))
        shutil.rmtree(folder, ignore_errors=True)
        objects = folder / "obj"
        objects.mkdir(parents=True)
        (folder / "identity.json").write_text(json.dumps(identity, indent=1, default=str), encoding="utf-8")
        if visible:
            rules = "".join(f'public_flat_rw -module "{m}" -var "{v}"\n' for m, v in visible)
            (folder / "visible.vlt").write_text("`verilator_config\n" + rules, encoding="utf-8")
            args.append(str(folder / "visible.vlt"))
        args += [f"-I{Path(folder_).resolve()}" for folder_ in includes]
        if cocotb:
            libs = cocotb_config.libs_dir
            args += ["-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator"]
            args.append(str(cocotb_config.share_dir / "lib" / "verilator" / "verilator.cpp"))
        _compile(top, args, paths, objects, compiler.make_variables(opt))
        os.replace(objects / "simulator", executable)
        if not env_flag("EQX_KEEP_OBJECTS"):
            shutil.rmtree(objects)
        say(f"built {name or top} in {time.monotonic() - began:.1f} s")
    return executable


def _compile(top: str, args: list[str], sources: list[Path], objects: Path, variables: list[str]) -> None:
    """Run Verilator and make in the folder ``objects``; the result is ``objects/simulator``."""
    __tracebackhide__ = True
    env = toolchain.verilator_env()
    log = objects.parent / "build.log"
    verilator = str(toolchain.verilator_root() / "bin" / "verilator_bin")
    command = [verilator, *args, "--Mdir", str(objects), "-o", "simulator", *map(str, sources)]
    _run(f"Verilator refuses {top}", command, env, log, objects)
    make = ["make", "-s", f"-j{toolchain.build_jobs()}", "-C", str(objects), "-f", "Vtop.mk", *variables]
    what = f"the C++ compiler fails on the model of {top}"
    _runtime_library(objects, variables, lambda files: _run(what, [*make, *files], env, log, objects))
    _run(what, make, env, log, objects)


def _runtime_library(objects: Path, variables: list[str], make: Callable[[Sequence[str]], None]) -> None:
    """Put the simulator's run-time library into ``objects``: all models share it, so compile it once."""
    classes = (objects / "Vtop_classes.mk").read_text(encoding="utf-8")
    makefile = (objects / "Vtop.mk").read_text(encoding="utf-8") + classes
    flags = re.findall(r"^(?:VM_(?:SC|C11|TIMING|COVERAGE|TRACE\w*)|VERILATOR_ROOT) = .*", makefile, re.M)
    flags += re.findall(r"^VM_USER_CFLAGS = (?:.*\\\n)*", makefile, re.M)
    flags += [item for item in variables if not item.startswith("OPT_FAST=")]
    key = _hash([flags, toolchain.verilator_version(), toolchain.compiler().version], [])
    ready = BUILD / "sim" / f"runtime-{key}"
    with lock.waiting(ready.with_suffix(".lock")):
        if ready.is_dir():
            for file in ready.iterdir():
                shutil.copy(file, objects / file.name)
            return
        say("compiling the simulator's run-time library (once) ...")
        listed = re.search(r"^VM_GLOBAL_FAST \+= \\\n((?:.*\\\n)*)", classes, re.M)
        make([f"{name}.o" for name in re.findall(r"\w+", listed[1])] if listed else [])
        part = ready.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for file in [*objects.glob("verilated*.o"), *objects.glob("verilated*.d")]:
            shutil.copy(file, part / file.name)
        part.rename(ready)


def _run(what: str, command: list[str], env: Mapping[str, str], log: Path, cwd: Path) -> None:
    __tracebackhide__ = True
    try:
        done = process.run(
            command, env=env, cwd=cwd, stdout=process.PIPE, stderr=process.STDOUT, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed: run `make venv`") from None
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(" ".join(command) + "\n" + done.stdout)
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        shown = "\n".join(lines[:60] + ([f"... ({log})"] if len(lines) > 60 else []))
        raise BuildError(f"{what}:\n{shown}")
