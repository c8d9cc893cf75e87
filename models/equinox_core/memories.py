"""The memories of a core and its DRAM, as numpy arrays of bit patterns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config import Config

Blocks = tuple[NDArray[np.int8], NDArray[np.uint8]]


def empty_blocks(depth: int, k: int) -> Blocks:
    """``depth`` zero blocks: mantissas int8 ``[depth, K]`` and exponents uint8 ``[depth]``."""
    return np.zeros((depth, k), np.int8), np.zeros(depth, np.uint8)


class Memories:
    """Buffers by the names of ``docs/isa.md``.

    ``VEC [depth, L]``, ``RXB [RX_SLOTS·RX_LINES, L]``, ``TXB [C_INF·N·TX_LINES, L]`` are uint16 (bf16); ``ACC``,
    ``STG``, ``SOF`` ``[depth, L]`` uint32 (fp32); ``ACTC``, ``ACTD``, ``WGTC``, ``WGTD``, ``SOB`` blocks (mantissas,
    exponents). ``DRAM`` is uint8 ``[BYTES]``; ``beats`` is the same memory as ``[BYTES/K, K]``.
    """

    def __init__(self, cfg: Config, dram: bytes | NDArray[np.uint8] | None = None) -> None:
        self.VEC = np.zeros((cfg.VEC_DEPTH, cfg.L), np.uint16)
        self.RXB = np.zeros((cfg.RX_SLOTS * cfg.RX_LINES, cfg.L), np.uint16)
        self.TXB = np.zeros((cfg.C_INF * cfg.N * cfg.TX_LINES, cfg.L), np.uint16)
        self.ACC = np.zeros((cfg.ACC_DEPTH, cfg.L), np.uint32)
        self.STG = np.zeros((cfg.STG_DEPTH, cfg.L), np.uint32)
        self.SOF = np.zeros((cfg.SOF_DEPTH, cfg.L), np.uint32)
        self.ACTC = empty_blocks(cfg.ACTC_DEPTH, cfg.K)
        self.ACTD = empty_blocks(cfg.ACTD_DEPTH, cfg.K)
        self.WGTC = empty_blocks(cfg.WGTC_DEPTH, cfg.K)
        self.WGTD = empty_blocks(cfg.WGTD_DEPTH, cfg.K)
        self.SOB = empty_blocks(cfg.SOB_DEPTH, cfg.K)
        self.DRAM = np.zeros(cfg.BYTES, np.uint8)
        self.beats = self.DRAM.reshape(-1, cfg.BUS)
        if dram is not None:
            data = np.frombuffer(dram, np.uint8) if isinstance(dram, (bytes, bytearray)) else np.asarray(dram, np.uint8)
            if data.size > cfg.BYTES:
                raise ValueError(
                    f"DRAM image: need {data.size} bytes, have {cfg.BYTES} (BYTES of configuration {cfg.name})"
                )
            self.DRAM[: data.size] = data

    def blocks(self, space: str) -> Blocks:
        """A memory of blocks by its name."""
        named = {"ACTC": self.ACTC, "ACTD": self.ACTD, "WGTC": self.WGTC, "WGTD": self.WGTD, "SOB": self.SOB}
        return named[space]
