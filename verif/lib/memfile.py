"""Files that memories of benches load and dump: $readmemh and $writememh, as bytes, least significant first."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_hex(path: Path, words: np.ndarray) -> None:
    """Write bytes ``[depth, bytes]`` (least significant first) for $readmemh."""
    path.write_text("\n".join(row.tobytes().hex() for row in words[:, ::-1]) + "\n", encoding="utf-8")


def read_hex(path: Path, depth: int, width: int) -> np.ndarray:
    """Read what $writememh wrote: bytes ``[depth, width]``, least significant first."""
    rows = [line for line in path.read_text(encoding="utf-8").split() if not line.startswith(("//", "@"))]
    if len(rows) != depth:
        raise ValueError(f"{path}: {len(rows)} words, expected {depth}")
    return np.array([np.frombuffer(bytes.fromhex(r.zfill(2 * width)), np.uint8)[::-1] for r in rows])
