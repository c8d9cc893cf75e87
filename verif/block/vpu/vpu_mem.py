"""Memory images of the VPU's bench: numpy arrays, hex files that the bench's memories load and dump."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from equinox_core.isa.encoding import INSTR_BITS, Instr, encode


@dataclass(frozen=True)
class Size:
    """Parameters of the bench's top."""

    N: int
    M: int
    W: int
    CTX: int
    C_INF: int
    VEC_DEPTH: int
    ACC_DEPTH: int
    STG_DEPTH: int
    SOF_DEPTH: int
    ACTC_DEPTH: int
    WGTC_DEPTH: int
    SOB_DEPTH: int
    RX_SLOTS: int
    RX_LINES: int
    TX_LINES: int
    IMAX: int

    @property
    def L(self) -> int:
        return self.M * self.N

    @property
    def K(self) -> int:
        return self.N * self.W


def bf16_data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """bf16 patterns: lines of similar magnitude, values that repeat, special values, noise."""
    lines, lanes = shape
    exp = rng.integers(110, 140, (lines, 1)) + rng.integers(-9, 3, shape)
    raw = (rng.integers(0, 2, shape) << 15 | exp << 7 | rng.integers(0, 128, shape)).astype(np.uint16)
    kind = rng.integers(0, 20, (lines, 1))
    special = rng.choice(
        np.array([0, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF, 1, 0x807F, 0x80, 0x7F7F, 0x3F80], np.uint16), shape
    )
    raw = np.where((kind == 0) & (rng.random(shape) < 0.2), special, raw)
    raw = np.where(kind == 1, rng.integers(0, 1 << 16, shape).astype(np.uint16), raw)
    raw = np.where(kind == 2, raw & np.uint16(0xFF80), raw)  # powers of two
    raw = np.where((kind == 3) & (rng.random(shape) < 0.7), np.uint16(0), raw)
    return raw.astype(np.uint16)


def fp32_data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """fp32 patterns, made like :func:`bf16_data`, with ties of the rounding to bf16 among them."""
    low = rng.choice(np.array([0, 0x8000, 0x8001, 0x7FFF], np.uint32), shape)
    low = np.where(rng.random(shape) < 0.5, rng.integers(0, 1 << 16, shape).astype(np.uint32), low)
    return bf16_data(rng, shape).astype(np.uint32) << 16 | low


@dataclass
class Image:
    """All memories of the bench, in the form ``equinox_core.vector.VectorBuffers`` asks for."""

    VEC: np.ndarray
    ACC: np.ndarray
    STG: np.ndarray
    SOF: np.ndarray
    RXB: np.ndarray
    TXB: np.ndarray
    ACTC: tuple[np.ndarray, np.ndarray]
    WGTC: tuple[np.ndarray, np.ndarray]
    SOB: tuple[np.ndarray, np.ndarray]
    written: dict[str, int] = field(default_factory=dict)

    @classmethod
    def random(cls, rng: np.random.Generator, p: Size) -> Image:
        def blocks(depth: int) -> tuple[np.ndarray, np.ndarray]:
            return rng.integers(-127, 128, (depth, p.K)).astype(np.int8), rng.integers(0, 256, depth).astype(np.uint8)

        return cls(
            VEC=bf16_data(rng, (p.VEC_DEPTH, p.L)),
            ACC=fp32_data(rng, (p.ACC_DEPTH, p.L)),
            STG=fp32_data(rng, (p.STG_DEPTH, p.L)),
            SOF=fp32_data(rng, (p.SOF_DEPTH, p.L)),
            RXB=bf16_data(rng, (p.RX_SLOTS * p.RX_LINES, p.L)),
            TXB=bf16_data(rng, (p.C_INF * p.N * p.TX_LINES, p.L)),
            ACTC=blocks(p.ACTC_DEPTH),
            WGTC=blocks(p.WGTC_DEPTH),
            SOB=blocks(p.SOB_DEPTH),
        )

    def bytes_of(self, name: str) -> np.ndarray:
        """Memory ``name`` as bytes ``[depth, bytes a word]``, least significant first."""
        value = getattr(self, name)
        if isinstance(value, tuple):
            return np.concatenate([value[0].view(np.uint8), value[1][:, None]], axis=1)
        little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<")))
        return little.view(np.uint8).reshape(len(value), -1)


NAMES = ("VEC", "ACC", "STG", "SOF", "RXB", "TXB", "ACTC", "WGTC", "SOB")


def write_hex(path: Path, words: np.ndarray) -> None:
    """Write bytes ``[depth, bytes]`` (least significant first) for $readmemh."""
    path.write_text("\n".join(row.tobytes().hex() for row in words[:, ::-1]) + "\n", encoding="utf-8")


def read_hex(path: Path, depth: int, width: int) -> np.ndarray:
    """Read what $writememh wrote: bytes ``[depth, width]``, least significant first."""
    rows = [line for line in path.read_text(encoding="utf-8").split() if not line.startswith(("//", "@"))]
    if len(rows) != depth:
        raise ValueError(f"{path}: {len(rows)} words, expected {depth}")
    return np.array([np.frombuffer(bytes.fromhex(r.zfill(2 * width)), np.uint8)[::-1] for r in rows])


def write_lists(lists: list[list[Instr]], control: list[list[int]], imax: int) -> None:
    """Write the instruction lists and their {kill, barrier, gap} words for the bench's front ends."""
    words = np.zeros((len(lists) * imax, INSTR_BITS // 8), np.uint8)
    ctl = np.zeros((len(lists) * imax, 4), np.uint8)
    for c, (instrs, controls) in enumerate(zip(lists, control, strict=True)):
        if len(instrs) > imax:
            raise ValueError(f"{len(instrs)} instructions for a context, at most {imax}")
        for i, (ins, con) in enumerate(zip(instrs, controls, strict=True)):
            words[c * imax + i] = np.frombuffer(encode(ins).to_bytes(INSTR_BITS // 8, "little"), np.uint8)
            ctl[c * imax + i] = np.frombuffer(int(con).to_bytes(4, "little"), np.uint8)
    write_hex(Path("imem.hex"), words)
    write_hex(Path("ictl.hex"), ctl)
