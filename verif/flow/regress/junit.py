"""JUnit XML of a regression: one file over all jobs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

from verif.flow.regress.results import Result
from verif.lib import keep

_KINDS = {"failed": "failure", "error": "error", "skipped": "skipped"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: Path, name: str, results: Iterable[Result]) -> None:
    """Write a file with a suite for the first seeds of all runs, one for the second, ...; within it names are as pytest
    gives them.
    """
    suites: dict[int, list[Result]] = {}
    for result in results:
        suites.setdefault(result.job.index, []).append(result)
    root = ElementTree.Element("testsuites", name=name)
    for index, group in sorted(suites.items()):
        counts = {kind: sum(r.status == status for r in group) for status, kind in _KINDS.items()}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"{name} seed {index}",
            tests=str(len(group)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
            skipped=str(counts["skipped"]),
            time=f"{sum(r.seconds for r in group):.3f}",
        )
        for result in group:
            _case(suite, result)
    ElementTree.indent(root)
    keep.write_whole(path, ElementTree.tostring(root, encoding="unicode") + "\n")


def _case(suite: ElementTree.Element, result: Result) -> None:
    file, _, function = result.job.node.partition("::")
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=file.removesuffix(".py").replace("/", "."),
        name=function,
        time=f"{result.seconds:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    for name, value in (("seed", result.job.seed), ("block", result.job.block), ("config", result.job.config)):
        ElementTree.SubElement(properties, "property", name=name, value=str(value))
    if result.status in _KINDS:
        text = _ILLEGAL.sub("?", result.message)
        mark = ElementTree.SubElement(case, _KINDS[result.status], message=(text.splitlines() or [""])[0])
        mark.text = text
