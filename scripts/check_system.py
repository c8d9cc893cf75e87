"""Says in one line each what this machine lacks to build Equinox, and how to install it.

Runs before anything is installed: uses the standard library only, and the syntax of any Python 3.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig

NEEDED = ((3, 11), (3, 14))  # the pinned packages have wheels for these
HOW = {
    "apt": {
        "python": "apt install python3 (Debian 12, Ubuntu 24.04 or later)",
        "venv": "apt install python3-venv",
        "libpython": "apt install libpython3-dev",
        "compiler": "apt install g++",
        "make": "apt install make",
    },
    "dnf": {
        "python": "dnf install python3.12",
        "venv": "dnf install python3",
        "libpython": "dnf install python3-devel",
        "compiler": "dnf install gcc-c++",
        "make": "dnf install make",
    },
    "brew": {
        "python": "brew install python",
        "venv": "brew install python",
        "libpython": "brew install python",
        "compiler": "xcode-select --install",
        "make": "xcode-select --install",
    },
}


def advice(item):
    """How to install an item with each package manager that is here (all, when none is known)."""
    here = [manager for manager in HOW if shutil.which(manager)] or list(HOW)
    return " or ".join(HOW[manager][item] for manager in here)


def has_libpython():
    """Whether this Python has a shared library, which the simulator loads."""
    if sysconfig.get_config_var("Py_ENABLE_SHARED") or sysconfig.get_config_var("PYTHONFRAMEWORK"):
        return True
    names = [sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LDLIBRARY")]
    places = [sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LIBPL"), sys.base_prefix]
    return any(
        str(name).endswith((".dylib", ".so")) and os.path.exists(os.path.join(place, name))
        for name in names
        for place in places
        if name and place
    )


def compiles_coroutines():
    """Whether a C++ compiler is here that knows C++20 coroutines (delays in the benches use them)."""
    program = "#include <coroutine>\nint main() { std::suspend_always s; (void)s; return 0; }\n"
    for name, flags in (("g++", ["-fcoroutines"]), ("c++", []), ("clang++", [])):
        if shutil.which(name):
            done = subprocess.run(
                [name, "-std=c++20", *flags, "-x", "c++", "-fsyntax-only", "-"],
                input=program.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if done.returncode == 0:
                return True
    return False


def missing():
    """One line for every item that is missing."""
    lines = []
    if not NEEDED[0] <= sys.version_info[:2] <= NEEDED[1]:
        found = "%d.%d" % sys.version_info[:2]
        lines.append(
            "Python 3.11 to 3.14 is needed, %s is %s: %s, then `make PYTHON=python3.x ...`"
            % (sys.executable, found, advice("python"))
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        lines.append("Python's venv module is missing: " + advice("venv"))
    if not has_libpython():
        lines.append(
            "%s has no shared library (libpython), which the simulator loads: %s, "
            "or a Python built with --enable-shared" % (sys.executable, advice("libpython"))
        )
    if not compiles_coroutines():
        lines.append("a C++20 compiler (g++ 10 or clang++ 14, or later) is missing: " + advice("compiler"))
    if not shutil.which("make"):
        lines.append("make is missing: " + advice("make"))
    if " " in os.getcwd():
        lines.append("make cannot build in a folder whose path holds a space: move %s" % os.getcwd())
    return lines


def main():
    """Print what is missing; exit with 1 if anything is."""
    lines = missing()
    for line in lines:
        print("missing: " + line, file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
