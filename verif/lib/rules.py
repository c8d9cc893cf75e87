"""Checks of rules of the code base that no compiler enforces."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from verif.lib import arrows, asserts
from verif.lib.packages import FOLDERS
from verif.lib.rtl import closure, find, strip_comments

TOP = "equinox_core"
# A package may import from itself, from those before it, and from outside libraries.
_ORDER = ("equinox_core", "verif", "scripts")
_SIMULATION_ONLY = {"cocotb", "pyuvm", "cocotb_bus", "cocotbext", "cocotb_coverage"}
# Processes are started by verif/lib/process.py alone, so that nothing of them is left when their parent ends.
_STARTS = re.compile(
    r"subprocess|multiprocessing|pty|os\.(fork\w*|exec\w+|spawn\w+|posix_spawn\w*|system|popen)"
    r"|asyncio\.create_subprocess_\w+"
    r"|concurrent\.futures\.(process|ProcessPoolExecutor)"
)
_MAY_START = {
    "verif/lib/process.py": "the one place",
    "verif/lib/keeper.py": "its other half",
    "scripts/check_system.py": "runs before anything is installed, with any Python",
    "models/tests/test_workloads.py": "models know nothing of verif",
    "models/tests/test_hw.py": "models know nothing of verif",
    "models/tests/test_package.py": "models know nothing of verif",
}
COLUMNS = 120
NOT_OURS = {
    "rtl/csr/eqx_csr.sv": "PeakRDL writes it, in its own style",
    "rtl/csr/eqx_csr_pkg.sv": "PeakRDL writes it, in its own style",
}
"""Files of SystemVerilog whose style nobody holds: lines, format, names. What they mean is checked as of all others."""
_DESIGN_UNIT = re.compile(r"^\s*(module|package|interface)\s+(?:automatic\s+|static\s+)?(\w+)", re.M)
_ENUM = re.compile(r"\btypedef\s+enum\b[^{;]*\{([^}]*)\}")
_BY_ORDER = (
    r"(?<![<>=!])(?P<op><=|>=|<|>)(?![<>])\s*(?:\w+::)?(?:{names})\b(?!')|\b(?:{names})\s*(?P<op2><=|>=|<|>)(?![<>=])"
)
_LINE_COMMENT = re.compile(r"//[^\n]*")
_STATEMENT = re.compile(r";|\b(?:begin|end|else)\b")
_PATH_EDIT = re.compile(r"^\s*sys\.path(?:\.(?:insert|append|extend)\b|\[|\s*\+?=)", re.M)
PROBE = "verif/tb/core_probe.sv"
ROLES = ("model", "stimulus", "harness")
"""What a helper of a block's bench is: its file's name, or how that begins (``model_timing.py``)."""
_INSIDES = re.compile(r"\bu_core\s*\.\s*(?!u_probe\b)\w+|\bequinox_core\s*\.\s*\w+")
_HOOK = re.compile(
    r"`(?:ifn?def|elsif)\s+\w*(?:PLANT|FAULT|BUG)\w*|\bfault_pkg\b|(?i:\b(?:\w+_)?plant(?:ed)?(?:_\w+)?\b)"
)
_PLUSARGS = re.compile(r"\$(?:test|value)\$plusargs")
_MAY_ASK = {"verif/lib/sv/axi_dram.sv": "names of the memory's files"}
_FORBIDDEN = (
    (re.compile(r"^\s*import\s+\w+::", re.M), "`import` of a package: write pkg::name"),
    (re.compile(r"^\s*initial\b", re.M), "`initial` is not synthesizable"),
    (re.compile(r"(?<![\w)])#\s*\d"), "a delay is not synthesizable"),
    (re.compile(r"\balways_latch\b"), "latches are not allowed"),
    (re.compile(r"\balways\s*@"), "`always`: write always_ff or always_comb"),
)


# A parameter that is not legal ends the elaboration, in one form: $fatal(1, "unit: NAME = %0d: legal is ...", NAME).
# Other messages are those of assertions.
_MESSAGE = re.compile(r"(?<!\belse)(?<!\s)\s+\$(?:error|warning|info)\b|\$fatal\b")
_LEGAL = re.compile(r'\$fatal\(\s*1,\s*"[^":]+: [^"]*%0d[^"]*: legal (?:is|are) ')


def parameter_checks(path: Path) -> list[str]:
    """Checks of parameters that have another form than all others."""
    text = path.read_text(encoding="utf-8")
    code = _LINE_COMMENT.sub("", text)
    good = {match.start() for match in _LEGAL.finditer(code)}
    return [
        f"{path}:{code.count(chr(10), 0, match.end()) + 1}: a parameter that is not legal is refused with "
        '$fatal(1, "unit: NAME = %0d: legal is ...", NAME)'
        for match in _MESSAGE.finditer(code)
        if match.start() not in good
    ]


def check_rtl_file(path: Path) -> list[str]:
    """What is wrong with a file of rtl/: one line a finding, empty when all is well."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    findings = parameter_checks(path)
    units = _DESIGN_UNIT.findall(text)
    if [name for _, name in units] != [path.stem]:
        found = ", ".join(name for _, name in units) or "none"
        findings.append(f"{path}: must hold one module or package called {path.stem}, found {found}")
    for pattern, words in _FORBIDDEN:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1
            findings.append(f"{path}:{line}: {words}")
    return findings


def systemverilog(root: Path) -> list[Path]:
    """The files of SystemVerilog whose style is held."""
    found = [path for folder in ("rtl", "verif") for path in sorted((root / folder).rglob("*.sv"))]
    return [path for path in found if path.relative_to(root).as_posix() not in NOT_OURS]


def too_long(path: Path) -> list[str]:
    """Lines of a file with more than 120 columns: ruff's E501 passes over some of Python's."""
    return [
        f"{path}:{number}: {len(line)} columns, legal are {COLUMNS}"
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if len(line) > COLUMNS
    ]


def hooks(path: Path, root: Path) -> list[str]:
    """Where SystemVerilog, of the design or of a bench, can be told to make a fault."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    patterns = [_HOOK] if path.relative_to(root).as_posix() in _MAY_ASK else [_HOOK, _PLUSARGS]
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: a hook for faults ({match[0]}): they are planted in a"
        " copy (verif/lib/plants.py)"
        for pattern in patterns
        for match in pattern.finditer(text)
    ]


def insides(path: Path, root: Path) -> list[str]:
    """Where a file of verif/ other than the probe names something inside the core."""
    if path.relative_to(root).as_posix() == PROBE:
        return []
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sv":
        text = strip_comments(text)
        found = [(text.count("\n", 0, match.start()) + 1, match[0]) for match in _INSIDES.finditer(text)]
    else:
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
        inside = [n for n in nodes if getattr(n.value, "attr", "") == "u_core" and n.attr != "u_probe"]
        found = [(node.lineno, ast.unparse(node)) for node in inside]
    return [f"{path}:{line}: {words}: {PROBE} alone names what is inside the core" for line, words in found]


def skeleton(root: Path) -> list[str]:
    """What is not as a block's bench is to be: its three files, the names of its helpers, and whom they import."""
    findings = []
    for folder in sorted(path for path in (root / "verif/block").glob("*") if path.is_dir()):
        name = folder.name
        needed = [f"tb_{name}.sv", f"bench_{name}.py", f"test_{name}.py"]
        files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        there = {path.relative_to(folder).as_posix() for path in files}
        findings += [f"{folder}: a bench needs {file}" for file in needed if file not in there]
        legal = re.compile(rf"(?:tb|bench|test)_{name}\.\w+|bench_{name}_\w+\.py|(?:{'|'.join(ROLES)})(?:_\w+)?\.py")
        for path in files:
            file = path.relative_to(folder).as_posix()
            if path.suffix != ".sv" and file != "faults.yaml" and not legal.fullmatch(file):
                roles = ", ".join(f"{role}.py" for role in ROLES)
                findings.append(
                    f"{path}: legal in a block's bench are {', '.join(needed)}, {roles}, other .sv, faults.yaml"
                )
            if path.suffix == ".py":
                findings += [
                    f"{path}:{line}: a bench must not import another's ({other}): what they share is in verif/lib"
                    for line, other in _imports(ast.parse(path.read_text(encoding="utf-8")))
                    if re.match(r"verif\.block\.(?!" + name + r"(?:\.|$))", other)
                ]
    return findings


def test_places(root: Path) -> list[str]:
    """Files of tests that stand neither in a folder ``tests`` nor beside the bench of a block that they run."""
    findings = []
    for folder in (FOLDERS[name].split("/")[0] for name in _ORDER):
        for path in sorted((root / folder).rglob("test_*.py")):
            of_bench = path.parent.parent == root / "verif/block" and path.stem == f"test_{path.parent.name}"
            if path.parent.name != "tests" and not of_bench:
                findings.append(f"{path}: tests of a folder stand in {path.parent.relative_to(root)}/tests")
    return findings


def needless(root: Path) -> list[str]:
    """Modules and packages of rtl/ that the core does not need."""
    rtl = root / "rtl"
    files = find(rtl)
    if TOP not in {path.stem for path in files}:
        return [f"{rtl}: there is no {TOP}.sv"]
    used = set(closure(TOP, library=[rtl]))
    return [
        f"{path}: {TOP} does not need it: what only a bench needs is in that bench's folder"
        for path in files
        if path not in used
    ]


def enumerators(root: Path) -> set[str]:
    """Names of the values of all enumerations in rtl/."""
    found = set()
    for path in find(root / "rtl"):
        for listed in _ENUM.findall(strip_comments(path.read_text(encoding="utf-8"))):
            found |= {words[0] for part in listed.split(",") if (words := re.findall(r"[A-Za-z_]\w*", part))}
    return found


def by_order(path: Path, names: set[str]) -> list[str]:
    """Where a file compares one of ``names`` by <, <=, > or >=: how an enumeration is numbered is its own affair."""
    text = strip_comments(path.read_text(encoding="utf-8"))
    findings = []
    for match in re.finditer(_BY_ORDER.format(names="|".join(sorted(names))), text) if names else ():
        at = match.start("op") if match["op"] else match.start("op2")
        if (match["op"] or match["op2"]) == "<=" and _assigns(text, at):
            continue
        line = text.count("\n", 0, at) + 1
        findings.append(f"{path}:{line}: an enumerator is compared by order: write a set (inside) or a function")
    return findings


def _assigns(text: str, at: int) -> bool:
    """Whether the ``<=`` there is a nonblocking assignment: outside all brackets, and the first operator like it in its
    statement.
    """
    if any(text.count(a, 0, at) != text.count(b, 0, at) for a, b in ("()", "[]", "{}")):
        return False
    begin = max((match.end() for match in _STATEMENT.finditer(text, 0, at)), default=0)
    return not re.search(r"(?<![=!<>])[<=]=?(?!=)|\breturn\b", _bare(text[begin:at]))


def _bare(text: str) -> str:
    """Text without what stands in brackets."""
    shorter = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}", " ", text)
    return text if shorter == text else _bare(shorter)


def _imports(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


_OPENERS = {"open", "fdopen", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "TextIOWrapper"}
_TEXT_METHODS = {"read_text", "write_text"}
_PROCESSES = {"run", "Popen", "check_output", "check_call", "call", "getoutput"}
_MODE = re.compile(r"[rwxabt+U]{1,4}")


def _text_without_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in whatever encoding the locale has."""
    named = {k.arg: k.value for k in call.keywords}
    if "encoding" in named or None in named:
        return False
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    method = isinstance(function, ast.Attribute)
    owner = function.value.id if method and isinstance(function.value, ast.Name) else ""
    if method and name in _TEXT_METHODS:
        return len(call.args) < (2 if name == "write_text" else 1)
    if name in _OPENERS and owner not in {"webbrowser", "Image", "tarfile", "wave", "dbm"}:
        if name == "open" and owner == "os":
            return False  # file descriptors
        places = [named["mode"]] if "mode" in named else call.args[:2]
        modes = [
            x.value
            for x in places
            if isinstance(x, ast.Constant) and isinstance(x.value, str) and _MODE.fullmatch(x.value)
        ]
        if owner in {"gzip", "bz2", "lzma"} or name.endswith("TemporaryFile"):
            return any("b" not in m and (name != "open" or "t" in m) for m in modes)  # binary unless they say otherwise
        return not any("b" in m for m in modes)
    if owner == "subprocess" and name in _PROCESSES:
        return any(
            isinstance(named.get(k), ast.Constant) and named[k].value is True for k in ("text", "universal_newlines")
        )
    return False


def _statements(tree: ast.AST, is_test: bool) -> list[tuple[int, str]]:
    """Line and words of what is refused beside imports."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and not is_test:
            found.append(
                (node.lineno, "`assert` outside test_*.py: python -O drops it; write verdict.require or raise")
            )
        elif isinstance(node, ast.Name) and node.id == "__debug__":
            found.append((node.lineno, "`__debug__`: nothing may hang on python -O"))
        elif isinstance(node, ast.Call) and _text_without_encoding(node):
            found.append((node.lineno, 'text in the locale\'s encoding: name it, encoding="utf-8"'))
    return found


def check_python_file(path: Path, root: Path) -> list[str]:
    """Imports against the direction scripts -> verif -> models, edits of Python's path, own ways to start processes,
    verdicts that ``python -O`` drops, encodings left open.
    """
    folder, name = path.relative_to(root).parts[0], path.relative_to(root).as_posix()
    package = next((n for n in _ORDER if FOLDERS[n].split("/")[0] == folder), None)
    banned = set(_ORDER[_ORDER.index(package) + 1 :] if package else ())
    if package == _ORDER[0]:
        banned |= _SIMULATION_ONLY
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    except UnicodeDecodeError as error:
        return [f"{path}: not UTF-8: {error}"]
    is_test = path.name == "conftest.py" or path.name.startswith("test_")  # pytest rewrites their asserts
    found = [
        (line, f"{folder}/ must not import {other}") for line, other in _imports(tree) if other.split(".")[0] in banned
    ]
    if name.startswith("verif/") and not name.startswith("verif/flow/"):
        found += [
            (line, f"what verifies must not import the flow's tools ({other})")
            for line, other in _imports(tree)
            if other.startswith("verif.flow")
        ]
    if name not in _MAY_START:
        found += [
            (line, f"{what}: processes are started by verif/lib/process.py alone")
            for line, what in _process_starts(tree)
        ]
    for match in _PATH_EDIT.finditer(text):
        found.append(
            (text.count("\n", 0, match.end()) + 1, "`sys.path` is edited: the checkout is installed (make venv)")
        )
    return [f"{path}:{line}: {words}" for line, words in found + _statements(tree, is_test)]


def _process_starts(tree: ast.AST) -> list[tuple[int, str]]:
    """Where a file could start a process by other means: (line, by what)."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        else:
            continue
        found += [(node.lineno, name) for name in names if _STARTS.fullmatch(name)][:1]
    return found


def check_all(root: Path) -> list[str]:
    """All findings in rtl/, models/, verif/ and scripts/ below ``root``, with assertions that have no cover or judge
    before a reset.
    """
    findings = asserts.without_cover(root) + asserts.before_reset(root) + needless(root)
    findings += skeleton(root) + test_places(root) + arrows.circles(root)
    names = enumerators(root)
    for path in sorted((root / "rtl").rglob("*.sv")):
        findings += check_rtl_file(path) + by_order(path, names)
    for path in [*systemverilog(root), *sorted((root / "rtl").rglob("*.rdl"))]:
        findings += too_long(path)
    for folder in ("rtl", "verif"):
        for path in sorted((root / folder).rglob("*.sv")):
            findings += hooks(path, root)
    for path in sorted((root / "verif").rglob("*")):
        if path.suffix in (".sv", ".py"):
            findings += insides(path, root)
    python = [path for name in _ORDER for path in sorted((root / FOLDERS[name].split("/")[0]).rglob("*.py"))]
    for path in python + sorted(root.glob("*.py")):
        findings += check_python_file(path, root) + too_long(path)
    return findings
