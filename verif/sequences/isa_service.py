"""An inference service of operands that compiled services do not use: everything an instruction of a service may read,
in every pair.
"""

from __future__ import annotations

import numpy as np

from equinox_core.compiler.builder import Builder
from equinox_core.compiler.ops import (
    ACC,
    CST,
    DYN,
    IMM,
    RXB,
    STG,
    TO_ACTC,
    TO_SOB,
    TO_SOF,
    TO_TXB,
    TO_VEC,
    TO_WGTC,
    VEC,
    At,
    vector,
)
from equinox_core.compiler.service import Service
from equinox_core.config import Config
from equinox_core.dram_layout import block_beats
from equinox_core.isa.encoding import ASpace, BSpace, LdDst, StSrc
from equinox_core.numerics import fp32_to_bf16, quantise
from verif.sequences.isa_tour import random_lines

NAME = "isa"
RX_LINES = TX_LINES = 4
PANEL = 2  # lines that are converted to a row's block
LONG = 32  # segments
HALF = 0x3F00  # 0.5 in bf16
TOP = 1 << 22  # its DRAM lies below this address


def isa_service(cfg: Config, rng: np.random.Generator) -> Service:
    """Four lines in, four out.

    It keeps what the batch computes in ACTD, STG, SOF, SOB and DRAM, which all contexts share: one batch at a time.
    """
    n, lanes = cfg.N, cfg.L
    lines = min(cfg.K, 16)
    line_bytes, block_bytes = n * PANEL * 4 * lanes, block_beats(n, cfg.K, cfg.BUS) * cfg.BUS
    dram_blocks = (min(cfg.BYTES, TOP) - block_bytes) // cfg.BUS * cfg.BUS
    dram_lines = (dram_blocks - line_bytes) // cfg.BUS * cfg.BUS
    out = Builder(cfg, NAME)
    # Weights of constants; the batch's rows as blocks in ACTC, and by way of SOB and DRAM in ACTD.
    vector(out, 1, lines, At(CST, 0, 0, 1), cols=At(TO_WGTC, 0, lanes, 1))
    vector(out, DYN, PANEL, At(RXB, 0, 0, 1), r=At(TO_VEC, 0, PANEL, 1), rows=At(TO_ACTC, 0, 1, 1))
    vector(out, DYN, PANEL, At(RXB, PANEL, 0, 1), b=At(IMM, HALF), rows=At(TO_SOB, 0, 1, 1))
    out.store(sp=StSrc.SOB, n_o=1, len=n, d_base=dram_blocks)
    out.load(sp=LdDst.ACTD, n_o=1, len=n, d_base=dram_blocks)
    products = [(a, b) for a in ASpace for b in BSpace]  # (ACTC, WGTC) first
    for group, (a_sp, b_sp) in enumerate(products):
        if a_sp == ASpace.ACTC:
            out.matmul(dyn_rows=1, a_sp=a_sp, b_sp=b_sp, n_g=1, n_k=1, a_sr=1, c_base=group * n, c_sr=1)
    # Lines of the request by way of SOF and DRAM to STG, and in ACTC.
    vector(
        out, DYN, PANEL, At(RXB, 0, 0, 1), b=At(VEC, 0, PANEL, 1), r=At(TO_SOF, 0, PANEL, 1), rows=At(TO_ACTC, n, 1, 1)
    )
    out.store(sp=StSrc.SOF, n_o=1, len=n * PANEL, d_base=dram_lines)
    out.load(sp=LdDst.STG, n_o=1, len=n * PANEL, d_base=dram_lines)
    # What comes next waits for this product, and when it is there, for the unit, which is busy for long.
    out.matmul(
        accum=1, dyn_rows=1, a_sp=ASpace.ACTC, b_sp=BSpace.WGTC, n_g=1, n_k=1, a_base=n, a_sr=1, c_base=0, c_sr=1
    )
    vector(out, LONG, 4, At(CST, 0, 0, 1), r=At(TO_VEC, n * PANEL, 4, 1))
    vector(out, 1, 1, At(CST), r=At(TO_VEC, n * PANEL))
    vector(out, DYN, 1, At(RXB, 0, 0, 1), c=At(ACC, 0, 1, n), r=At(TO_TXB, 0, cfg.TX_LINES, 1))
    for group, (a_sp, b_sp) in enumerate(products):
        if a_sp == ASpace.ACTD:
            out.matmul(dyn_rows=1, a_sp=a_sp, b_sp=b_sp, n_g=1, n_k=1, a_sr=1, c_base=group * n, c_sr=1)
    answers = [  # a, c, d
        (At(RXB, 2, 0, 1), At(STG, 0, PANEL, 1), At(ACC, n, 1, n)),
        (At(STG, 1, PANEL, 1), At(ACC, 2 * n, 1, n), None),
        (At(ACC, 3 * n, 1, n), At(VEC, 0, PANEL, 1), None),
    ]
    for line, (a, c, d) in enumerate(answers, 1):
        vector(out, DYN, 1, a, c=c, d=d, r=At(TO_TXB, line, cfg.TX_LINES, 1))
    weights = quantise(fp32_to_bf16(random_lines(rng, lanes, cfg.K).view(np.float32)))
    constants = fp32_to_bf16(random_lines(rng, lines, lanes).view(np.float32))
    return Service(out.finish(), weights, constants, RX_LINES, TX_LINES)


def payloads(cfg: Config, rng: np.random.Generator, count: int) -> np.ndarray:
    """Payloads, uint16 [count, RX_LINES, L]."""
    return fp32_to_bf16(random_lines(rng, count * RX_LINES, cfg.L).view(np.float32)).reshape(count, RX_LINES, cfg.L)
