"""Sweeps over the fields of a layout."""

from __future__ import annotations

import pytest

from verif.lib.covergroup import Covergroup
from verif.lib.field_sweep import FieldSweep, value_classes


def test_classes() -> None:
    assert value_classes(1) == {"0": 0, "1": 1}
    assert list(value_classes(2).values()) == [0, 1, 2, 3]
    assert list(value_classes(3).values()) == [0, 1, 2, 3, 4, 7]
    wide = value_classes(32)
    assert len(wide) == 2 + 31 + 30 + 1
    assert wide["2^31"] == 1 << 31 and wide["2^31-1"] == (1 << 31) - 1 and wide["greatest"] == (1 << 32) - 1


@pytest.mark.parametrize("width", [3, 12, 16])
def test_every_narrowed_field_is_seen(width: int) -> None:
    """A field that has lost any of its bits has another value in some class."""
    for bit in range(width):
        assert any(v & ~(1 << bit) != v for v in value_classes(width).values())
    for kept in range(1, width):
        assert any(v % (1 << kept) != v for v in value_classes(width).values())


def test_a_field_without_context() -> None:
    with pytest.raises(ValueError, match="x_cg: field b is swept nowhere"):
        FieldSweep("x_cg", {"a": 1, "b": 4}, {"a": None})
    with pytest.raises(ValueError, match="x_cg: no field c"):
        FieldSweep("x_cg", {"a": 1}, {"a": None, "c": None})
    with pytest.raises(ValueError, match="x_cg: no field d"):
        FieldSweep("x_cg", {"a": 1}, {"a": None}, codes=["d"])


def test_cases_and_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[dict[str, str]] = []
    monkeypatch.setattr(Covergroup, "sample", lambda self, **values: hits.append(values))
    sweep = FieldSweep("swept_cg", {"mode": 4, "n": 3}, {"mode": "m", "n": "n"}, codes=["mode"])
    cases = list(sweep.cases())
    assert [value for field, _, value in cases if field == "mode"] == list(range(16))
    assert [label for field, label, _ in sweep.cases("n")] == ["0", "1", "2^1", "2^2-1", "2^2", "greatest"]
    for field, label, _ in cases:
        sweep.sample(field, label)
    assert {(point, label) for values in hits for point, label in values.items()} == {
        (point, label) for point, labels in sweep.group.bins.items() for label in labels
    }
