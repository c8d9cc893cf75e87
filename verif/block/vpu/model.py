"""The memories of the VPU's bench as numpy arrays, as the reference reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verif.lib.operands import bf16_data, fp32_data


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
