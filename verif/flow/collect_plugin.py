"""pytest plugin of collect.py: writes what was collected as JSON into the file that EQX_COLLECT names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def _row(item: pytest.Item) -> dict:
    file, line, _ = item.location
    function = item.nodeid.partition("::")[2].partition("[")[0]
    tags = {str(tag) for mark in item.iter_markers("tag") for tag in mark.args}
    marks = {mark.name for mark in item.iter_markers()} - {"tag", "parametrize", "usefixtures", "filterwarnings"}
    return {
        "node": item.nodeid,
        "file": file,
        "line": (line or 0) + 1,
        "function": function,
        "marks": sorted(marks),
        "tags": sorted(tags),
    }


def pytest_collection_finish(session: pytest.Session) -> None:
    """Called once, with all items that are left."""
    if session.items:
        Path(os.environ["EQX_COLLECT"]).write_text(json.dumps([_row(item) for item in session.items]), encoding="utf-8")
