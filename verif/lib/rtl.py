"""Finds the source files of a design.

One module or package per file, and the file bears its name: so the files a design needs are
found by following the names that occur in its text.  A bench then depends on exactly the files
it uses, and is rebuilt only when one of those changes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from verif.lib.toolchain import ROOT

RTL = ROOT / "rtl"
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.S)
_NAME = re.compile(r"[A-Za-z_]\w*")
_PACKAGE = re.compile(r"^\s*package\s+\w+", re.M)


def strip_comments(text: str) -> str:
    """Return SystemVerilog text without comments and strings (each becomes a space)."""
    return _COMMENT.sub(" ", text)


@functools.lru_cache(maxsize=4096)
def _scan(path: Path, _stamp: tuple[int, int]) -> tuple[frozenset[str], bool]:
    text = strip_comments(path.read_text(encoding="utf-8"))
    return frozenset(_NAME.findall(text)), bool(_PACKAGE.search(text))


def _info(path: Path) -> tuple[frozenset[str], bool]:
    stat = path.stat()
    return _scan(path, (stat.st_mtime_ns, stat.st_size))


def is_package(path: Path) -> bool:
    """Whether the file defines a package."""
    return _info(path)[1]


def find(*places: str | Path) -> list[Path]:
    """All .sv files in the places (files, or folders searched to any depth), each once.

    Relative names are taken from ``rtl/``, and failing that from the project root.
    """
    found: dict[Path, None] = {}
    for place in places or (RTL,):
        path = Path(place)
        if not path.is_absolute():
            path = RTL / place if (RTL / place).exists() else ROOT / place
        if path.is_dir():
            found.update(dict.fromkeys(sorted(path.rglob("*.sv"))))
        elif path.is_file():
            found[path.resolve()] = None
        else:
            raise ValueError(f"no such source: {place} (looked in rtl/ and in the project root)")
    return list(found)


def order(files: Iterable[Path]) -> list[Path]:
    """Order the files so that each stands behind the files of ``files`` that it names."""
    todo = {path.stem: path for path in files}
    done: dict[str, Path] = {}
    active: set[str] = set()

    def visit(stem: str) -> None:
        if stem in done or stem in active:
            return
        active.add(stem)
        for name in sorted(_info(todo[stem])[0] & todo.keys()):
            visit(name)
        active.discard(stem)
        done[stem] = todo[stem]

    for stem in sorted(todo, key=lambda s: (not is_package(todo[s]), s)):
        visit(stem)
    packages = [path for path in done.values() if is_package(path)]
    return packages + [path for path in done.values() if not is_package(path)]


def rtl_sources(*places: str | Path) -> list[Path]:
    """All sources in the places, packages first, then bottom up (default: the whole of rtl/)."""
    return order(find(*places))


def closure(*tops: str | Path, library: Iterable[str | Path] = (RTL,)) -> list[Path]:
    """The top files and all files of the library folders that they need, in compile order.

    ``tops`` are files, or names of modules that live in the library.
    """
    index = {path.stem: path for place in library for path in find(place)}
    todo: list[Path] = []
    for top in tops:
        if isinstance(top, str) and top in index:
            todo.append(index[top])
        else:
            todo += find(top)
    chosen: dict[str, Path] = {}
    while todo:
        path = todo.pop()
        if path.stem in chosen:
            continue
        chosen[path.stem] = path
        todo += [index[name] for name in _info(path)[0] & index.keys() if name not in chosen]
    return order(chosen.values())


def header_end(text: str) -> int:
    """Line on which a module's port list ends; 0 where there is no module with ports."""
    clean = _COMMENT.sub(lambda match: " " + "\n" * match[0].count("\n"), text)
    found = _port_list(clean)
    return clean.count("\n", 0, found[1]) + 1 if found else 0


def port_names(text: str) -> list[str]:
    """Names of the ports of the module in a file."""
    found = _port_list(strip_comments(text))
    if not found:
        return []
    clean = strip_comments(text)[found[0] : found[1]]
    flat = re.sub(r"\[[^\]]*\]", " ", clean)
    return [words[-1] for part in flat.split(",") if (words := re.findall(r"\w+", part))]


def _port_list(clean: str) -> tuple[int, int] | None:
    """Where the port list stands in a text without comments, without its parentheses."""
    module = re.search(r"^\s*module\s+\w+", clean, re.M)
    if not module:
        return None
    at = module.end()
    while at < len(clean) and clean[at] != ";":
        if clean[at] == "(":
            end = _closing(clean, at)
            if clean[at - 1] != "#" and clean[:at].rstrip()[-1:] != "#":
                return at + 1, end
            at = end
        at += 1
    return None


def _closing(text: str, at: int) -> int:
    depth = 0
    for n in range(at, len(text)):
        depth += (text[n] == "(") - (text[n] == ")")
        if not depth:
            return n
    return len(text) - 1
