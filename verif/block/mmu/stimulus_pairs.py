"""Events of the MMU that meet: kills, errors and changes of mode at every distance from everything else."""

from __future__ import annotations

from equinox_core.hw.modes import Mode
from equinox_core.isa.encoding import Instr, Op, make
from verif.block.mmu.harness import Env, Log, matmul
from verif.block.mmu.model import Size
from verif.block.mmu.stimulus import region
from verif.lib import coverage
from verif.lib.covergroup import Covergroup, Cross

FAR = 8  # cycles around an event
OFFSETS = tuple(f"{d:+d}" for d in range(-FAR, FAR + 1))
EVENTS = ("taken", "row", "done", "error")
VICTIMS = ("inference", "training")
OF = ("own", "same class", "other class")
FAULTS = ("opcode", "start", "weights", "row")
MODES = tuple(f"{a.name} to {b.name}" for a in Mode for b in Mode if a != b)


def mmu_pairs_cg() -> Covergroup:
    """``mmu_pairs_cg``: cycles from an event to a kill, of the killed context or another; from one context's error to
    another's, by what is wrong; events in the first cycles of a mode after another.
    """
    return Covergroup(
        "mmu_pairs_cg",
        {
            "cp_victim": VICTIMS,
            "cp_event": EVENTS,
            "cp_of": OF,
            "cp_offset": OFFSETS,
            "cp_fault": FAULTS,
            "cp_beside": FAULTS,
            "cp_mode": MODES,
        },
        {
            "cr_kill": Cross("cp_victim", "cp_event", "cp_of", "cp_offset"),
            "cr_error": Cross("cp_fault", "cp_beside", "cp_offset"),
            "cr_mode": Cross("cp_mode", "cp_event"),
        },
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {mmu_pairs_cg().name: coverage.cocotb_groups()["mmu_pairs_cg"]}


def envs(size: Size) -> list[Env]:
    """Every context's own lines."""
    return [Env(size.n, region(size, c)[0]) for c in range(size.ctx)]


def work(size: Size, c: int, **fields: int) -> Instr:
    """Two groups of two blocks, with sums that are added to."""
    rows = min(size.n + 1, region(size, c)[1] // 2)
    f = {"rows": rows, "n_g": 2, "n_k": 2, "a_base": c, "a_sr": 1, "a_sk": 2, "c_sr": 1, "c_sg": rows, "signal": 1 << c}
    return matmul(**{**f, **fields})


def program(size: Size, c: int) -> list[Instr]:
    """Some work; the last instruction finds another in front of it."""
    return [work(size, c), work(size, c, accum=1, n_g=1, a_base=c + 1), work(size, c, n_k=1, step=1)]


def faulty(size: Size, c: int, fault: str) -> list[Instr]:
    """An instruction that is right, and one that is not."""
    wrong = {
        "opcode": make(Op.VECTOR),
        "start": work(size, c, n_k=0),
        "weights": work(size, c, b_base=0x10000 - size.m),
        "row": work(size, c, a_base=0xFFFF),
    }
    return [work(size, c, n_g=1, n_k=1), wrong[fault]]


def events(log: Log) -> list[tuple[int, int, str]]:
    """(cycle, context, event) of a run."""
    out = [(t, c, "taken") for t, c, _ in log.taken]
    out += [(t, c, "row") for t, c in log.seen.rows]
    out += [(t, c, "done") for t, c, *_ in log.seen.done]
    out += [(t, c, "error") for t, c, _ in log.seen.errs]
    return out


def of(size: Size, c: int, other: int) -> str:
    """Whose an event is, seen from context ``c``."""
    return "own" if c == other else "same class" if (c < size.c_inf) == (other < size.c_inf) else "other class"
