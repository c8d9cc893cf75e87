"""Every assertion of the HDL, and whether it is exercised: by rule each has a cover of what it judges beside it.

An assertion is labelled ``a_<name>``; its cover, of the cases in which it had something to judge, is ``c_<name>`` in
the same file; modules ``*_cg`` hold points ``cp_*`` and crosses ``cr_*``. Verilator counts covers in runs with
COVERAGE=1 (kind ``user``); more covers than assertions are welcome.
Elaboration checks of parameters (``$fatal``/``$error`` outside processes) are no assertions.
No assertion judges before the first reset, when registers hold anything: each depends on ``live`` of an ``eqx_live``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.lib.coverage import Point
from verif.lib.toolchain import ROOT

PLACES = ("rtl", "verif/lib/sv", "verif/tb", "verif/block")
GENERATED = ("rtl/csr/eqx_csr.sv",)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_STATEMENT = re.compile(r"(?:\b(\w+)\s*:\s*)?\b(assert|cover)\b\s*(?:property\b\s*)?\(")
_TO_END = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")*')
_TEXT = re.compile(r'\$error\s*\(\s*"((?:[^"\\]|\\.)*)"')
_OPENS = re.compile(r"\b(?:always\w*|initial|task|function)\b")
_PROCEDURAL = re.compile(r"\bif\s*\([^;]*?\)\s*\$(?:error|fatal)\s*\(")


@dataclass(frozen=True)
class Assertion:
    """One assertion: file (relative to the root), line, label (empty: none), and the text that it reports."""

    file: str
    line: int
    label: str
    message: str

    @property
    def checker(self) -> str:
        """Its name in the inventory and in the reports of runs."""
        return f"{Path(self.file).stem}.{self.label}"


def _strip(text: str) -> str:
    """Without comments, lines kept."""
    return _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def _sources(root: Path) -> Iterable[tuple[str, str]]:
    for place in PLACES:
        for path in sorted((root / place).rglob("*.sv")):
            name = str(path.relative_to(root))
            if name not in GENERATED:
                yield name, _strip(path.read_text(encoding="utf-8"))


def assertions(root: Path = ROOT) -> tuple[Assertion, ...]:
    """All assertions below the places of the root, in order."""
    found = []
    for name, text in _sources(root):
        for match in _STATEMENT.finditer(text):
            if match[2] != "assert":
                continue
            said = _TEXT.search(_TO_END.match(text, match.end())[0])
            found.append(
                Assertion(name, text.count("\n", 0, match.start(2)) + 1, match[1] or "", said[1] if said else "")
            )
    return tuple(found)


def covers(root: Path = ROOT) -> dict[tuple[str, str], int]:
    """(file, label) of every cover -> its line."""
    return {
        (name, match[1] or ""): text.count("\n", 0, match.start(2)) + 1
        for name, text in _sources(root)
        for match in _STATEMENT.finditer(text)
        if match[2] == "cover"
    }


def without_cover(root: Path = ROOT) -> list[str]:
    """What breaks the rule: a line each, empty when every assertion is labelled and has its cover."""
    have, out, seen = covers(root), [], set()
    for a in assertions(root):
        if not a.label.startswith("a_"):
            out.append(f"{a.file}:{a.line}: an assertion needs a label a_<name>, found {a.label or 'none'}")
        elif (a.file, a.label) in seen:
            out.append(f"{a.file}:{a.line}: the label {a.label} stands twice")
        elif (a.file, "c_" + a.label[2:]) not in have:
            out.append(f"{a.file}:{a.line}: {a.label} has no cover c_{a.label[2:]} of the cases that it judges")
        seen.add((a.file, a.label))
    for (file, label), line in have.items():
        legal = ("cp_", "cr_") if file.endswith("_cg.sv") else ("c_",)
        if not label.startswith(legal):
            out.append(
                f"{file}:{line}: a cover needs a label {' or '.join(f'{word}<name>' for word in legal)}, "
                f"found {label or 'none'}"
            )
    for name, text in _sources(root):
        for match in _PROCEDURAL.finditer(text):
            start = text.rfind("\n", 0, match.start()) + 1
            if _in_process(text, match.start()):
                line = text.count("\n", 0, match.start()) + 1
                out.append(
                    f"{name}:{line}: `if ({text[start : match.end()].strip()[:30]}...) $error`: write an assertion, "
                    "so that it is counted"
                )
    return out


def before_reset(root: Path = ROOT) -> list[str]:
    """Assertions that could judge before the first reset: a line each.

    A concurrent one must begin with ``disable iff (!live)``; the others must stand behind a condition on ``live`` in
    their process, or in a task or function of a file whose processes have one.
    """
    out = []
    for name, text in _sources(root):
        for match in _STATEMENT.finditer(text):
            if match[2] != "assert":
                continue
            own = text[match.start(2) : match.end() + len(_TO_END.match(text, match.end())[0])]
            if "property" in match[0]:
                guarded = re.search(r"disable\s+iff\s*\(!live\)", own)
            else:
                opened = max(_OPENS.finditer(text[: match.start(2)]), key=lambda m: m.start(), default=None)
                where = (
                    text
                    if opened is None or opened[0] in ("task", "function")
                    else text[opened.start() : match.start(2)] + own
                )
                guarded = re.search(r"\blive\b", where)
            if not guarded or "eqx_live" not in text:
                line = text.count("\n", 0, match.start(2)) + 1
                out.append(
                    f"{name}:{line}: {match[1] or 'an assertion'} judges before the first reset: "
                    "make it depend on live of an eqx_live"
                )
    return out


def _in_process(text: str, at: int) -> bool:
    """Whether the place stands in an always block that reports a check (not in file handling of an initial block or
    task).
    """
    opened = max((m.start() for m in re.finditer(r"\b(?:always\w*|initial|task|function)\b", text[:at])), default=-1)
    closed = max(
        (m.start() for m in re.finditer(r"\b(?:endtask|endfunction|endmodule|generate|genvar)\b", text[:at])),
        default=-1,
    )
    return opened > closed and text[opened:].startswith("always") and "$fopen" not in text[opened:at]


def exercised(points: Mapping[Point, int], root: Path = ROOT) -> dict[tuple[str, str], int]:
    """(file, label) of every cover -> how often it was hit; 0 also where it was in no run."""
    hits = dict.fromkeys(covers(root), 0)
    for point, count in points.items():
        path = Path(point.file)
        name = str(path.relative_to(root)) if path.is_absolute() and path.is_relative_to(root) else point.file
        if point.kind == "user" and (name, point.what) in hits:
            hits[name, point.what] += count
    return hits


def never_exercised(points: Mapping[Point, int], root: Path = ROOT) -> list[str]:
    """A line for each cover that no run has hit: an assertion without work, or a case that never came.

    ``points`` is what :func:`verif.lib.coverage.merge` makes of all runs' data.
    """
    lines = covers(root)
    return [
        f"{file}:{lines[file, label]}: {label} was never hit"
        for (file, label), n in sorted(exercised(points, root).items())
        if not n
    ]
