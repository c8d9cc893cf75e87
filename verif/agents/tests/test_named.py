"""A component takes from outside only attributes that it has, and from its own methods any."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from pyuvm import uvm_component, uvm_root

from verif.agents.named import Named
from verif.lib.toolchain import ROOT


class Monitor(Named, uvm_component):
    """With an attribute of the class, one made when it is built, and one made later."""

    late = False

    def build_phase(self) -> None:
        self.fault: str | None = None

    def begin(self) -> None:
        def within() -> None:
            self.bus = list(range(3))

        within()


class Inheriting(Monitor):
    """What a test puts in its place."""

    def begin(self) -> None:
        super().begin()
        self.more = 1


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Inheriting("monitor", None)
    made.build_phase()
    yield made
    uvm_root().clear_hierarchy()


def test_what_is_there_can_be_set(monitor: Monitor) -> None:
    monitor.begin()
    monitor.late, monitor.fault, monitor.bus, monitor.more = True, "drop", [], 2
    assert (monitor.late, monitor.fault, monitor.bus, monitor.more) == (True, "drop", [], 2)
    assert not Monitor.late


@pytest.mark.parametrize(
    ("name", "words"), [("falt", "; the nearest is 'fault'"), ("lates", "; the nearest is 'late'"), ("zz", "")]
)
def test_what_is_not_there_is_refused(monitor: Monitor, name: str, words: str) -> None:
    """Also by setattr, and by another component's method."""
    with pytest.raises(AttributeError) as caught:
        setattr(monitor, name, 1)
    assert str(caught.value) == f"Inheriting has no attribute {name!r} to set{words}"
    assert not hasattr(monitor, name)


def test_every_component_is_named() -> None:
    """Those of the agents and of the environment; a generated register model has none."""
    kinds = {"uvm_component", "uvm_driver", "uvm_agent", "uvm_env", "uvm_subscriber", "uvm_monitor", "uvm_scoreboard"}
    seen = 0
    for folder in ("agents", "env"):
        for path in sorted((ROOT / "verif" / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
                if kinds & set(bases):
                    assert bases[0] == "Named", f"{path}:{node.lineno}: {node.name}"
                    seen += 1
    assert seen > 20
