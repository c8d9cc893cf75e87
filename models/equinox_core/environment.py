"""What the Python that runs the project must be like: checked before anything is imported that could break on it.

``equinox_core`` and ``verif`` call :func:`prepare` first of all. What is wrong ends the process with one line and exit
code 2. Only the standard library is used, and no syntax that an old Python lacks: all the rest may be what is wrong.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# of a path that passes through make, the shell, linker options and lists of folders unquoted
_LEGAL = r"[\w./+@-]|[^\x00-\x7f]"
_COMMON = {"bin", "docs", "examples", "test", "tests"}  # folders that stand beside packages and are none


def refuse(words: str) -> None:
    """End the process with one line."""
    print("error: " + words, file=sys.stderr)
    raise SystemExit(2)


def path_problem(root: Path, encoding: str) -> str:
    """Why nothing can be built in a folder, given the encoding of file names; empty when it can."""
    bad = sorted(set(re.sub(_LEGAL, "", str(root))))
    if bad:
        shown = " ".join("a blank" if c == " " else c if c.isprintable() else repr(c) for c in bad)
        return (
            f"{root}: make and the linker do not take {shown} in the path of the checkout: legal are letters, "
            "digits and . _ + @ -"
        )
    if encoding.lower().replace("-", "") != "utf8" and re.search(r"[^\x00-\x7f]", str(root)):
        shown = str(root).encode("ascii", "backslashreplace").decode()
        return (
            f"{shown}: the path of the checkout is not ASCII, and the locale's encoding is {encoding}: "
            "set LC_ALL=C.UTF-8"
        )
    return ""


def _names(folder: str) -> set[str]:
    try:
        found = os.listdir(folder)
    except OSError:
        return set()
    return {
        name.split(".")[0]
        for name in found
        if name.endswith((".py", ".so")) or os.path.isdir(os.path.join(folder, name))
    }


def python_path_problem(value: str) -> str:
    """What a PYTHONPATH puts before the pinned packages or the standard library; empty when it is nothing."""
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    known: set[str] = set()
    for entry in value.split(os.pathsep):
        if not entry or os.path.realpath(entry) in {os.path.realpath(p) for p in packages}:
            continue
        if any(
            os.path.isfile(os.path.join(entry, place, "environment.py"))
            for place in ("models/equinox_core", "equinox_core")
        ):  # the project
            continue
        if not known:
            known = set().union(*map(_names, packages), getattr(sys, "stdlib_module_names", ())) - _COMMON
        hidden = sorted(name for name in _names(entry) & known if not name.startswith("__"))
        if hidden:
            return (
                f"PYTHONPATH: {entry} hides {', '.join(hidden[:4])} of the project's own Python: unset PYTHONPATH, "
                "or leave that folder out"
            )
    return ""


def open_descriptors() -> None:
    """Put /dev/null where a standard stream is closed: else the next file that is opened takes its place and gets its
    words.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free


def prepare() -> None:
    """Refuse what cannot work."""
    open_descriptors()
    for problem in (
        path_problem(ROOT, sys.getfilesystemencoding()) if (ROOT / "rtl").is_dir() else "",
        python_path_problem(os.environ.get("PYTHONPATH", "")),
    ):
        if problem:
            refuse(problem)
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        refuse("NUMBA_DISABLE_JIT is set: the timing model runs compiled only; unset it")
