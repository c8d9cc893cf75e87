"""Reads the verification plan, ``verif/testplan/*.yaml``: one file a block, each with its testpoints.

Every node keeps its place, so that whoever finds a fault later can name file and line. A file is::

    block: mmu
    desc: what the block is, in a line
    testpoints:
      - name: mmu_row_time                # unique in the project
        desc: every row in its cycle
        doc: mmu.md#time-of-a-row         # the chapter of docs/ whose promise this is
        stage: V2                         # V1 basic function, V2 everything promised, V3 corners, abuse, proof that
        checks live
        tests: [mmu::test_mmu]            # <stem>::<function>
        coverage: [isa_cg.cp_opcode, "code:eqx_mmu_load"]
    background:                           # chapters that promise nothing to test
      - {doc: architecture.md#decisions-worth-knowing, why: reasons only}
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from verif.lib.toolchain import ROOT

FOLDER = ROOT / "verif" / "testplan"
STAGES = {
    "V1": "basic function",
    "V2": "everything that is promised",
    "V3": "corners, abuse, proof that the checks live",
}
_FILE_KEYS = {"block": True, "desc": True, "testpoints": True, "background": False}  # key: whether it is required
_POINT_KEYS = {"name": True, "desc": True, "doc": True, "stage": True, "tests": True, "coverage": True}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class PlanError(ValueError):
    """The plan is malformed or says what is not so; ``findings`` are lines ``file:line: words``."""

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(self.findings))


@dataclass(frozen=True)
class Text:
    """A word of a plan file, with its place."""

    value: str
    where: str  # file:line

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Testpoint:
    """A feature: what exercises it, and what shows that it was exercised."""

    __test__ = False
    name: Text
    block: str
    desc: str
    doc: Text
    stage: str
    tests: tuple[Text, ...]
    coverage: tuple[Text, ...]


@dataclass(frozen=True)
class Plan:
    """All testpoints in the order of their files; ``blocks``: name to description; ``background``: chapters without
    testpoints.
    """

    testpoints: tuple[Testpoint, ...]
    blocks: dict[str, str]
    background: tuple[Text, ...] = ()

    def of(self, block: str) -> tuple[Testpoint, ...]:
        """The testpoints of one block."""
        return tuple(point for point in self.testpoints if point.block == block)


class _File:
    """Turns the nodes of one file into a part of the plan, and collects what is wrong."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        self.findings: list[str] = []
        self.points: list[Testpoint] = []
        self.background: list[Text] = []
        self.block: Text | None = None
        self.desc = ""

    def wrong(self, node: yaml.Node | None, words: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.findings.append(f"{self.shown}:{line}: {words}")

    def read(self) -> None:
        try:
            node = yaml.compose(self.path.read_text(encoding="utf-8"), yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = " ".join(filter(None, (error.context, error.problem)))
            self.findings.append(f"{self.shown}:{mark.line + 1 if mark else 1}: not YAML: {words}")
            return
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.findings.append(f"{self.shown}:1: not YAML: {' '.join(str(error).split())}")
            return
        found = self.mapping(node, _FILE_KEYS, "a plan file")
        if "block" in found and (block := self.text(found["block"], "block")):
            self.block = block
            if not _NAME.fullmatch(block.value):
                self.wrong(found["block"], f"block {block.value!r}: legal are small letters, digits and _")
        if "desc" in found and (desc := self.text(found["desc"], "desc")):
            self.desc = desc.value
        for item in self.sequence(found.get("testpoints"), "testpoints"):
            self.point(item)
        for item in self.sequence(found.get("background"), "background"):
            parts = self.mapping(item, {"doc": True, "why": True}, "a background entry")
            doc = self.text(parts["doc"], "doc") if "doc" in parts else None
            if doc and "why" in parts and self.text(parts["why"], "why"):
                self.background.append(doc)

    def point(self, node: yaml.Node) -> None:
        before = len(self.findings)
        found = self.mapping(node, _POINT_KEYS, "a testpoint")
        words = {key: self.text(found[key], key) for key in ("name", "desc", "doc", "stage") if key in found}
        lists = {key: self.texts(found[key], key) for key in ("tests", "coverage") if key in found}
        name, stage = words.get("name"), words.get("stage")
        if name and not _NAME.fullmatch(name.value):
            self.wrong(found["name"], f"testpoint {name.value!r}: legal are small letters, digits and _")
        if stage and stage.value not in STAGES:
            self.wrong(found["stage"], f"stage {stage.value!r}: legal are {', '.join(STAGES)}")
        for key, what in (("tests", "test"), ("coverage", "coverage item")):
            if key in lists and not lists[key]:
                self.wrong(found[key], f"testpoint {name or '?'} names no {what}")
        if len(self.findings) == before and self.block:
            self.points.append(
                Testpoint(
                    name,
                    self.block.value,
                    words["desc"].value,
                    words["doc"],
                    stage.value,
                    lists["tests"],
                    lists["coverage"],
                )
            )

    def mapping(self, node: yaml.Node | None, keys: dict[str, bool], what: str) -> dict[str, yaml.Node]:
        """The values of a mapping by key, once its keys are checked."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"expected {what}: a mapping with {', '.join(keys)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value not in keys:
                self.wrong(key, f"unknown key {getattr(key, 'value', key)!r} of {what}; legal are {', '.join(keys)}")
            elif key.value in found:
                self.wrong(key, f"key {key.value!r} is given twice")
            else:
                found[key.value] = value
        absent = [key for key, needed in keys.items() if needed and key not in found]
        name = found.get("name")
        label = f"testpoint {name.value}" if isinstance(name, yaml.ScalarNode) else what
        for key in absent:
            told = {"tests": "names no test", "coverage": "names no coverage item"}.get(key, f"lacks {key!r}")
            self.wrong(node, f"{label} {told}")
        return found

    def sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, f"{what}: expected a list")
            return []
        return node.value

    def text(self, node: yaml.Node, what: str) -> Text | None:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.wrong(node, f"{what}: expected a text that is not empty")
            return None
        return Text(" ".join(node.value.split()), f"{self.shown}:{node.start_mark.line + 1}")

    def texts(self, node: yaml.Node, what: str) -> tuple[Text, ...]:
        found: list[Text] = []
        for item in self.sequence(node, what):
            text = self.text(item, what)
            if text and text.value in {t.value for t in found}:
                self.wrong(item, f"{what}: {text.value} is listed twice")
            elif text:
                found.append(text)
        return tuple(found)


def load(folder: Path = FOLDER, root: Path = ROOT) -> Plan:
    """Read all files of a folder.

    Raises:
        PlanError: a file is not YAML or not of the form above, a name stands twice, or there is no file.
    """
    files = []
    for path in sorted(folder.glob("*.yaml")):
        file = _File(path, root)
        file.read()
        files.append(file)
    findings = [words for file in files for words in file.findings]
    if not files:
        findings.append(f"{folder}:1: no *.yaml file of a plan in this folder")
    for what, texts in (
        ("testpoint", [p.name for f in files for p in f.points]),
        ("block", [f.block for f in files if f.block]),
    ):
        first: dict[str, Text] = {}
        for text in texts:
            if text.value in first:
                findings.append(
                    f"{text.where}: {what} {text.value} is that of {first[text.value].where} too; "
                    "legal is a name of its own"
                )
            first.setdefault(text.value, text)
    if findings:
        raise PlanError(findings)
    points = tuple(point for file in files for point in file.points)
    return Plan(
        points,
        {file.block.value: file.desc for file in files},
        tuple(text for file in files for text in file.background),
    )
