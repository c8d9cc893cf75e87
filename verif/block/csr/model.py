"""Which register field each bit of the register block's output ports is, for the bench's comparison."""

from __future__ import annotations

from equinox_core.hw.structs import CTX_CFG, SVC_CFG, Struct

Fields = list[tuple[str, str, int]]
"""(register path, field, width), most significant first."""


# Where software sets the fields of a struct; several places: element 0 first.
_PC = {"pc": ("PC0.mmu", "PC0.vpu", "PC1.ld", "PC1.st")}
_SERVICE = _PC | {
    "enable": ("CTRL.enable",),
    "pc_valid": ("CTRL.pc_valid",),
    "w_base": ("BASE.w_base",),
    "c_base": ("BASE.c_base",),
    "batch": ("SHAPE.batch",),
    "timeout": ("TIMEOUT.cycles",),
    "threshold": ("THRESHOLD.waiting",),
    "rx_lines": ("SHAPE.rx_lines",),
    "tx_lines": ("SHAPE.tx_lines",),
}
_CONTEXT = _PC | {
    "vec_base": ("BASE0.vec",),
    "acc_base": ("BASE0.acc",),
    "actc_base": ("BASE1.actc",),
    "pc_valid": ("PCV.valid",),
    "w_base": ("BASE2.w_base",),
    "c_base": ("BASE2.c_base",),
    "dram_base": ("DRAM_BASE.bytes",),
    "iters": ("ITERS.count",),
    "iter_mod": ("ITER_MOD.modulo",),
    "sem_init": ("SEM0.init", "SEM1.init"),
}


def _of(struct: Struct, places: dict[str, tuple[str, ...]], path: str) -> Fields:
    """Fields of a struct whose registers lie below ``path``."""
    out = []
    for f in struct.fields:
        for place in reversed(places[f.name]):
            register, field = place.split(".")
            out.append((f"{path}.{register}", field, f.bits // len(places[f.name])))
    return out


def settings(ctx: int, services: int) -> dict[str, Fields]:
    """Port of ``tb_csr`` to its fields, for a build with so many contexts and services."""
    return {
        "accept_en": [("CTRL", "accept_en", 1)],
        "reject_mode": [("CTRL", "reject_mode", 1)],
        "policy": [("POLICY", "policy", 3)],
        "train_rows": [("TRAIN_ROWS", "rows", 12)],
        "perf_enable": [("PERF_CTRL", "enable", 1)],
        "perf_unit": [("PERF_SEL", "unit", 2)],
        "perf_index": [("PERF_SEL", "index", 4)],
        "dma_timeout": [("DMA_TIMEOUT", "cycles", 32)],
        "svc": [field for s in reversed(range(services)) for field in _of(SVC_CFG, _SERVICE, f"SVC[{s}]")],
        "ctx_cfg": [field for c in reversed(range(ctx)) for field in _of(CTX_CFG, _CONTEXT, f"CTX[{c}]")],
    }
