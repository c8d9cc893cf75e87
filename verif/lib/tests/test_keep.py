"""Kept results: keys change with what they depend on, files appear whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from verif.lib import keep


def test_key_depends_on_everything(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("arrival_us\n0\n", encoding="utf-8")
    keys = {
        keep.key({"load": 0.5}, "tiny", trace, "a"),
        keep.key({"load": 0.6}, "tiny", trace, "a"),
        keep.key({"load": 0.5}, "default", trace, "a"),
        keep.key({"load": 0.5}, "tiny", None, "a"),
        keep.key({"load": 0.5}, "tiny", trace, "b"),
    }
    trace.write_text("arrival_us\n1\n", encoding="utf-8")
    keys.add(keep.key({"load": 0.5}, "tiny", trace, "a"))
    assert len(keys) == 6


def test_fingerprint_depends_on_sources_and_packages() -> None:
    base = keep.fingerprint(("models/equinox_core/traces",), ("numpy",))
    assert (
        len(
            {
                base,
                keep.fingerprint(("models/equinox_core/isa",), ("numpy",)),
                keep.fingerprint(("models/equinox_core/traces",), ("scipy",)),
            }
        )
        == 3
    )


def test_nothing_half_written(tmp_path: Path) -> None:
    """What cannot be written leaves the old file, and no part of a new one."""
    path = tmp_path / "file"
    keep.write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        keep.write_whole(path, "new\ud800")
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_threads_write_the_same_file(tmp_path: Path) -> None:
    """Side by side, without getting in each other's way."""
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: keep.write_whole(path, str(n) * 5000), range(200)))
    assert len(set(path.read_text(encoding="utf-8")[:1000])) <= 3 and list(tmp_path.iterdir()) == [path]
