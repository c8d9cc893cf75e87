"""Covergroup of the instruction set: opcodes, and what each selects (``isa_cg``)."""

from __future__ import annotations

from equinox_core.isa.encoding import (
    Act,
    ASpace,
    BSpace,
    Combine,
    Conv,
    ConvDst,
    Dst,
    Instr,
    LdDst,
    Op,
    Red,
    Src,
    StSrc,
)
from equinox_core.isa.program import Program
from verif.lib.covergroup import Covergroup, Cross

KINDS = ("inference", "training")
SOURCES = {  # operands of VECTOR and their legal spaces
    "a": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG, Src.RXB),
    "b": (Src.NONE, Src.VEC, Src.CST, Src.IMM),
    "c": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG),
    "d": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG),
}
FEW = ("1", "2..7", "8..")


def few(count: int) -> str:
    """Bin of a count."""
    return FEW[0] if count == 1 else FEW[1] if count < 8 else FEW[2]


def names(enum) -> tuple[str, ...]:
    """Names of an enumeration's members."""
    return tuple(e.name for e in enum)


def isa_cg() -> Covergroup:
    """``isa_cg``: opcodes by kind of context, and every field that selects what is done."""
    sources = {f"cp_vector_{x}": names(spaces) for x, spaces in SOURCES.items()}
    passes = {f"cp_{stage}": ("no", "yes") for stage in ("product", "sum", "activation", "product_2", "reduction")}
    return Covergroup(
        "isa_cg",
        {
            "cp_kind": KINDS,
            "cp_opcode": names(Op),
            "cp_waits": ("0", "1", "2.."),
            "cp_signals": ("0", "1", "2.."),
            "cp_step": ("no", "yes"),
            "cp_matmul_a": names(ASpace),
            "cp_matmul_b": names(BSpace),
            "cp_matmul_sum": ("overwrites", "accumulates"),
            "cp_matmul_rows": ("fixed", "the batch's"),
            "cp_matmul_k": FEW,
            "cp_matmul_g": FEW,
            **sources,
            "cp_act": names(Act),
            "cp_red": names(Red),
            "cp_combine": names(Combine),
            "cp_p": ("as it is", "negated"),
            "cp_z": ("as it is", "negated"),
            "cp_result": names(Dst),
            "cp_conv": names(Conv),
            "cp_conv_to": names(ConvDst),
            "cp_batch_rows": ("none", "outer", "inner"),
            **passes,
            "cp_load_to": names(LdDst),
            "cp_store_from": names(StSrc),
            "cp_dma": ("LOAD", "STORE"),
            "cp_runs": ("one", "several"),
            "cp_turn": ("same place", "next place"),
        },
        {
            "cr_opcode": Cross("cp_kind", "cp_opcode"),
            "cr_matmul_operands": Cross("cp_kind", "cp_matmul_a", "cp_matmul_b"),
            "cr_matmul_form": Cross("cp_matmul_sum", "cp_matmul_rows"),
            "cr_matmul_loops": Cross("cp_matmul_k", "cp_matmul_g"),
            "cr_vector_sources": Cross("cp_vector_a", "cp_vector_b"),
            "cr_vector_sum": Cross("cp_vector_a", "cp_vector_c", illegal=[("ACC", "ACC"), ("STG", "STG")]),
            "cr_vector_result": Cross("cp_vector_a", "cp_result"),
            "cr_vector_convert": Cross("cp_conv", "cp_conv_to", illegal=[("NONE", None)]),
            "cr_vector_act_red": Cross("cp_act", "cp_red"),
            "cr_vector_signs": Cross("cp_combine", "cp_p", "cp_z"),
            "cr_vector_stages": Cross("cp_product", "cp_sum", "cp_activation", "cp_product_2", "cp_reduction"),
            "cr_load": Cross("cp_load_to", "cp_runs"),
            "cr_store": Cross("cp_store_from", "cp_runs"),
            "cr_dma_turn": Cross("cp_dma", "cp_turn"),
        },
    )


def sample_program(group: Covergroup, program: Program) -> None:
    """Sample every instruction of a program that was executed."""
    for stream in program.streams.values():
        for ins in stream:
            _sample(group, ins, KINDS[program.training])


def _sample(group: Covergroup, ins: Instr, kind: str) -> None:
    values = {
        "cp_kind": kind,
        "cp_opcode": Op(ins.op).name,
        "cp_step": "yes" if ins.step else "no",
        "cp_waits": ("0", "1", "2..")[min(2, ins.wait.bit_count())],
        "cp_signals": ("0", "1", "2..")[min(2, ins.signal.bit_count())],
    }
    if ins.op == Op.MATMUL:
        values |= {
            "cp_matmul_a": ASpace(ins.a_sp).name,
            "cp_matmul_b": BSpace(ins.b_sp).name,
            "cp_matmul_sum": "accumulates" if ins.accum else "overwrites",
            "cp_matmul_rows": "the batch's" if ins.dyn_rows else "fixed",
            "cp_matmul_k": few(ins.n_k),
            "cp_matmul_g": few(ins.n_g),
        }
    elif ins.op == Op.VECTOR:
        values |= _vector(ins)
    elif ins.op in (Op.LOAD, Op.STORE):
        values |= {"cp_load_to": LdDst(ins.sp).name} if ins.op == Op.LOAD else {"cp_store_from": StSrc(ins.sp).name}
        values |= {
            "cp_dma": Op(ins.op).name,
            "cp_runs": "one" if ins.n_o == 1 else "several",
            "cp_turn": "next place" if ins.d_iter else "same place",
        }
    group.sample(**values)


def _vector(ins: Instr) -> dict[str, str]:
    values = {f"cp_vector_{x}": Src(getattr(ins, f"{x}_sp")).name for x in SOURCES}
    stages = {"product": ins.b_sp, "sum": ins.c_sp, "activation": ins.act, "product_2": ins.d_sp, "reduction": ins.red}
    values |= {f"cp_{stage}": "yes" if used else "no" for stage, used in stages.items()}
    values |= {
        "cp_act": Act(ins.act).name,
        "cp_red": Red(ins.red).name,
        "cp_result": Dst(ins.r_sp).name,
        "cp_conv": Conv(ins.v_mode).name,
        "cp_batch_rows": "outer" if ins.dyn_o else "inner" if ins.dyn_i else "none",
    }
    if ins.v_mode != Conv.NONE:
        values["cp_conv_to"] = ConvDst(ins.v_sp).name
    if ins.c_sp != Src.NONE:
        values |= {
            "cp_combine": Combine(ins.combine).name,
            "cp_p": "negated" if ins.p_neg else "as it is",
            "cp_z": "negated" if ins.c_neg else "as it is",
        }
    return values
