"""Which register field each bit of the register block's output ports is, for the bench's comparison."""
from __future__ import annotations

Fields = list[tuple[str, str, int]]
"""(register path, field, width), most significant first."""


def _service(path: str) -> Fields:
    """``eqx_pkg::svc_cfg_t``."""
    return [
        (f"{path}.CTRL", "enable", 1), (f"{path}.CTRL", "pc_valid", 4), (f"{path}.PC1", "st", 16), (f"{path}.PC1", "ld", 16), (f"{path}.PC0", "vpu", 16),
        (f"{path}.PC0", "mmu", 16), (f"{path}.BASE", "w_base", 16), (f"{path}.BASE", "c_base", 16), (f"{path}.SHAPE", "batch", 8), (f"{path}.TIMEOUT", "cycles", 32),
        (f"{path}.THRESHOLD", "waiting", 16), (f"{path}.SHAPE", "rx_lines", 8), (f"{path}.SHAPE", "tx_lines", 8)]


def _context(path: str) -> Fields:
    """``eqx_pkg::ctx_cfg_t``."""
    return [
        (f"{path}.BASE0", "vec", 16), (f"{path}.BASE0", "acc", 16), (f"{path}.BASE1", "actc", 16), (f"{path}.PCV", "valid", 4), (f"{path}.PC1", "st", 16),
        (f"{path}.PC1", "ld", 16), (f"{path}.PC0", "vpu", 16), (f"{path}.PC0", "mmu", 16), (f"{path}.BASE2", "w_base", 16), (f"{path}.BASE2", "c_base", 16),
        (f"{path}.DRAM_BASE", "bytes", 32), (f"{path}.ITERS", "count", 32), (f"{path}.ITER_MOD", "modulo", 16), (f"{path}.SEM1", "init", 32), (f"{path}.SEM0", "init", 32)]


def settings(ctx: int, services: int) -> dict[str, Fields]:
    """Port of ``tb_csr`` to its fields, for a build with so many contexts and services."""
    return {
        "accept_en": [("CTRL", "accept_en", 1)], "reject_mode": [("CTRL", "reject_mode", 1)], "policy": [("POLICY", "policy", 3)],
        "train_rows": [("TRAIN_ROWS", "rows", 12)], "perf_enable": [("PERF_CTRL", "enable", 1)], "perf_unit": [("PERF_SEL", "unit", 2)],
        "perf_index": [("PERF_SEL", "index", 4)], "dma_timeout": [("DMA_TIMEOUT", "cycles", 32)],
        "svc": [field for s in reversed(range(services)) for field in _service(f"SVC[{s}]")],
        "ctx_cfg": [field for c in reversed(range(ctx)) for field in _context(f"CTX[{c}]")],
    }
