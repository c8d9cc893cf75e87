"""Static checks of programs: what the hardware would answer with an error, and what it would deadlock on."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..config import Config
from ..vector import VectorEnv, VectorFault, check_vector
from .access import accesses
from .asm import format_instr
from .encoding import SEM_MAX, SEMAPHORES, UNIT_OF_OP, BSpace, Dst, Err, Instr, LdDst, Op, StSrc, Unit
from .own_lines import OwnLines, check_own_lines
from .program import Needs, Program

_DEPTH = {
    "ACTC": "ACTC_DEPTH",
    "ACTD": "ACTD_DEPTH",
    "WGTC": "WGTC_DEPTH",
    "WGTD": "WGTD_DEPTH",
    "ACC": "ACC_DEPTH",
    "VEC": "VEC_DEPTH",
    "CST": "VEC_DEPTH",
    "STG": "STG_DEPTH",
    "SOF": "SOF_DEPTH",
    "SOB": "SOB_DEPTH",
}
_NEED_OF = {"RXB": "rx_lines", "TXB": "tx_lines"} | {s: s.lower() for s in _DEPTH}


class Fault(ValueError):
    """An instruction stops its context with ``cause``."""

    def __init__(self, cause: Err, message: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class Bases:
    """Relocations of a context: lines (vec, acc, cst), blocks (actc, wgtd), bytes (dram)."""

    vec: int = 0
    acc: int = 0
    actc: int = 0
    wgtd: int = 0
    cst: int = 0
    dram: int = 0

    def of(self, space: str) -> int:
        """Relocation of an address space."""
        return getattr(self, space.lower(), 0) if space != "DRAM" else 0


def check_fields(ins: Instr, unit: Unit, cfg: Config, training: bool, rows: int | None = None, wgtd: int = 0) -> None:
    """The rules of ``docs/isa.md`` that need no buffer sizes; ``wgtd`` is the relocation of WGTD.

    Raises:
        Fault: ILLEGAL_OP or OPERAND.
    """
    if ins.op != Op.NOP and UNIT_OF_OP[ins.op] != unit:
        raise Fault(Err.ILLEGAL_OP, f"{ins.op.name} in the stream of {unit.name}")
    if ins.op == Op.MATMUL:
        if training and ins.dyn_rows:
            raise Fault(Err.OPERAND, "MATMUL: dyn_rows exists for inference contexts only")
        for name in ("n_g", "n_k", *(() if ins.dyn_rows else ("rows",))):
            if ins.fields[name] < 1:
                raise Fault(Err.OPERAND, f"MATMUL: {name} = 0: must be 1 or more")
        base = wgtd if ins.b_sp == BSpace.WGTD else 0
        if any(value % cfg.M for value in (base, ins.b_base, ins.b_sg, ins.b_sk)):
            raise Fault(
                Err.OPERAND, f"MATMUL: b_base, b_sg, b_sk and the base of WGTD must be multiples of M = {cfg.M}"
            )
    elif ins.op == Op.VECTOR:
        env = VectorEnv(cfg.N, cfg.RX_LINES, cfg.TX_LINES, 0, training, cfg.N if rows is None else rows)
        try:
            check_vector(ins, env, cfg.K)
        except VectorFault as fault:
            raise Fault(fault.cause, str(fault)) from None
    elif ins.op in (Op.LOAD, Op.STORE):
        legal = LdDst if ins.op == Op.LOAD else StSrc
        if ins.sp not in set(legal):
            raise Fault(Err.OPERAND, f"{ins.op.name}: sp = {ins.sp}: legal range 0..{int(max(legal))}")
        for name in ("n_o", "len"):
            if ins.fields[name] < 1:
                raise Fault(Err.OPERAND, f"{ins.op.name}: {name} = 0: must be 1 or more")


def _check_alignment(ins: Instr, cfg: Config) -> None:
    """DRAM addresses, whatever the iteration."""
    if ins.op in (Op.LOAD, Op.STORE):
        for name in ("d_base", "d_so", "d_iter"):
            if ins.fields[name] % cfg.BUS:
                raise Fault(
                    Err.OPERAND,
                    f"{ins.op.name}: {name} = {ins.fields[name]}: must be a multiple of {cfg.BUS} bytes, a beat",
                )


def _check_own_lines(ins: Instr, cfg: Config) -> None:
    """What a VECTOR reads of its own results, with batches of any size."""
    if ins.op == Op.VECTOR and ins.r_sp == Dst.VEC:
        for rows in range(1 if ins.dyn_o or ins.dyn_i else cfg.N, cfg.N + 1):
            check_own_lines(accesses(ins, cfg, rows), cfg.L)


def needs_of(prog: Program, cfg: Config, iter_mod: int = 1) -> Needs:
    """What the instructions use at most (with full batches); ``iter_mod`` bounds the DMA's iteration index."""
    top = dict.fromkeys((f.name for f in fields(Needs)), 0)
    for unit in Unit:
        for ins in prog.streams[unit]:
            for acc in accesses(ins, cfg, iteration=iter_mod - 1):
                reach = int(acc.addr.max()) + 1
                if acc.space == "DRAM":
                    top["dram"] = max(top["dram"], reach * cfg.BUS)
                elif acc.space == "TXB":
                    reach = int((acc.addr % cfg.TX_LINES).max()) + 1
                    top["tx_lines"] = max(top["tx_lines"], reach)
                else:
                    top[_NEED_OF[acc.space]] = max(top[_NEED_OF[acc.space]], reach)
    return Needs(**top)


def _check_apart(needs: Needs, bases: Bases, who: str) -> None:
    """CST is the same memory as VEC: what a program reads as constants lies apart from its own lines."""
    vec_end, cst_end = bases.vec + needs.vec, bases.cst + needs.cst
    if needs.vec and needs.cst and bases.vec < cst_end and bases.cst < vec_end:
        raise ValueError(
            f"{who}: CST is lines {bases.cst}..{cst_end - 1} of VEC, "
            f"and {bases.vec}..{vec_end - 1} are the program's own:"
            " legal is apart from them"
        )


def check_needs(needs: Needs, cfg: Config, bases: Bases | None = None, who: str = "program") -> None:
    """Whether a program fits a core, at given relocations (none given: from 0 on, with CST apart from VEC).

    Raises:
        ValueError: names the buffer, what is needed and what the configuration has.
    """
    if bases is not None:
        _check_apart(needs, bases, who)
    bases = bases or Bases()
    for space, key in _DEPTH.items():
        size, base = getattr(needs, space.lower()), bases.of(space)
        if size and base + size > getattr(cfg, key):
            at = f" from {base}" if base else ""
            raise ValueError(
                f"{who}: {space}: need {size}{at}, have {getattr(cfg, key)} ({key} of configuration {cfg.name})"
            )
    if needs.dram and bases.dram + needs.dram > cfg.BYTES:
        raise ValueError(
            f"{who}: DRAM: need {bases.dram + needs.dram} bytes, have {cfg.BYTES} (BYTES of configuration {cfg.name})"
        )
    for name, have in (("rx_lines", cfg.RX_LINES), ("tx_lines", cfg.TX_LINES)):
        if getattr(needs, name) > have:
            need = getattr(needs, name)
            raise ValueError(f"{who}: {name}: need {need}, have {have} ({name.upper()} of configuration {cfg.name})")


def check_semaphores(prog: Program) -> None:
    """One waiting stream a semaphore, tokens balanced over an iteration of a training program.

    Raises:
        ValueError: which semaphore, and who waits or signals.
    """
    waits = [dict.fromkeys(Unit, 0) for _ in range(SEMAPHORES)]
    signals = [0] * SEMAPHORES
    for unit in Unit:
        for ins in prog.streams[unit]:
            for sem in range(SEMAPHORES):
                waits[sem][unit] += ins.wait >> sem & 1
                signals[sem] += ins.signal >> sem & 1
    for sem in range(SEMAPHORES):
        waiting = [u for u in Unit if waits[sem][u]]
        if len(waiting) > 1:
            who = " and ".join(u.name for u in waiting)
            raise ValueError(f"{prog.name}: semaphore {sem} is waited on by {who}; legal is one stream")
        total = sum(waits[sem].values())
        start = prog.sem_init[sem]
        if not 0 <= start <= SEM_MAX:
            raise ValueError(f"{prog.name}: semaphore {sem} starts at {start}: legal range 0..{SEM_MAX}")
        if prog.training and total != signals[sem]:
            raise ValueError(f"{prog.name}: semaphore {sem}: {signals[sem]} signals but {total} waits an iteration")
        if not prog.training and (start or total > signals[sem]):
            raise ValueError(
                f"{prog.name}: semaphore {sem}: {total} waits, {signals[sem]} signals, starts at {start}; "
                "an inference program starts at 0"
            )


def check_program(prog: Program, cfg: Config, bases: Bases | None = None, iter_mod: int = 1) -> None:
    """All static checks (races apart: see ``races.py``); ``bases`` where they are known.

    Raises:
        ValueError: one line: program, stream, instruction and what is legal.
    """
    if not prog.pc_valid:
        raise ValueError(f"{prog.name}: no instruction in any stream")
    for unit in Unit:
        stream = prog.streams[unit]
        if len(stream) > cfg.IMEM_DEPTH:
            raise ValueError(
                f"{prog.name}: instruction memory of {unit.name}: need {len(stream)}, have {cfg.IMEM_DEPTH}"
                f" (IMEM_DEPTH of configuration {cfg.name})"
            )
        for pos, ins in enumerate(stream):
            where = f"{prog.name}: {unit.name}[{pos}]"
            if bool(ins.last) != (pos == len(stream) - 1):
                raise ValueError(f"{where}: `last` must stand on the last instruction of a stream, and only there")
            try:
                check_fields(ins, unit, cfg, prog.training, wgtd=bases.wgtd if bases else 0)
                _check_alignment(ins, cfg)
                _check_own_lines(ins, cfg)
            except (Fault, OwnLines) as fault:
                raise ValueError(f"{where}: {fault} in `{format_instr(ins, unit)}`") from None
    check_semaphores(prog)
    check_needs(needs_of(prog, cfg, iter_mod), cfg, bases, prog.name)
