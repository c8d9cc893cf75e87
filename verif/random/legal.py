"""Whether a case is legal: programs by the static checks, free of races, nothing read that was not written, contexts
apart from one another.
"""

from __future__ import annotations

from dataclasses import replace

from equinox_core.config import Config
from equinox_core.isa.check import check_program
from equinox_core.isa.encoding import Dst, Op, Unit, make
from equinox_core.isa.races import check_races
from verif.random.case import Case, Line, Lines, ServiceCase
from verif.random.layout import COMMON, common_end
from verif.random.ledger import Ledger, Refused, service_ledger, training_ledger
from verif.random.lower import RandomDeployment, lower, programs_of


def outputs(part: ServiceCase, cfg: Config) -> Lines:
    """Instructions that answer every row with ``tx_lines`` lines of zeros, as many in each as a segment may have."""
    return tuple(
        Line(
            make(
                Op.VECTOR,
                dyn_o=1,
                cnt_i=min(cfg.K, part.tx_lines - first),
                r_sp=Dst.TXB,
                r_base=first,
                r_so=cfg.TX_LINES,
                r_si=1,
            ),
            Unit.VPU,
        )
        for first in range(0, part.tx_lines, cfg.K)
    )


def answered(ledger: Ledger, lines: int) -> bool:
    """Whether a service's program has written so many lines of every row's response."""
    width = ledger.cfg.TX_LINES
    return all(
        known["TXB"][r * width : r * width + lines].all() for rows, known in ledger.known.items() for r in range(rows)
    )


def training_ends(case: Case) -> dict[str, int]:
    """What services leave of each space to training."""
    cfg = case.cfg
    needs = [p.needs for p in programs_of(replace(case, training=None))[0]]
    used = {name: cfg.C_INF * max(getattr(n, name) for n in needs) for name in ("vec", "acc", "actc")}
    wgtd = sum(-(-(s.weights + s.loaded) // cfg.L) * cfg.L for s in case.services)
    constants = sum(s.constants for s in case.services) + (case.training.constants if case.training else 0)
    ends = {
        "VEC": cfg.VEC_DEPTH - used["vec"] - constants,
        "ACC": cfg.ACC_DEPTH - used["acc"],
        "ACTC": cfg.ACTC_DEPTH - used["actc"],
        "WGTD": cfg.WGTD_DEPTH - wgtd,
    }
    return ends | {space: common_end(cfg, len(case.services), space) for space in COMMON}


def _kept(ledger: Ledger, lines: Lines) -> Lines:
    """The lines that may stand where they stand once the others are gone."""
    out = []
    for line in lines:
        try:
            ledger.admit(line.ins)
        except Refused:
            continue
        out.append(line)
    return tuple(out)


def repaired(case: Case) -> Case:
    """The case without the instructions that have become illegal, and with what it must have: every response is
    written.
    """
    cfg = case.cfg
    services = []
    for n, part in enumerate(case.services):
        ledger = service_ledger(cfg, part, n)
        part = replace(part, program=_kept(ledger, part.program))
        if not answered(ledger, part.tx_lines):
            part = replace(part, program=(*part.program, *outputs(part, cfg)))
        services.append(part)
    case = replace(case, services=tuple(services))
    if case.training:
        kept = _kept(training_ledger(cfg, case.training, training_ends(case)), case.training.program)
        real = any(line.ins.op != Op.NOP for line in kept)
        case = replace(case, training=replace(case.training, program=kept) if real else None)
    return case


def check_case(case: Case) -> RandomDeployment:
    """All checks; returns what runs.

    Raises:
        ValueError: what is wrong, in one line.
    """
    if not case.services and case.training is None:
        raise ValueError("neither a service nor training: nothing runs")
    cfg = case.cfg
    deployment = lower(case)
    deployment.scenario.check()
    for n, part in enumerate(case.services):
        ledger = service_ledger(cfg, part, n)
        _admit_all(ledger, part.program, f"service{n}")
        if not answered(ledger, part.tx_lines):
            raise ValueError(
                f"service{n}: a response has lines that nothing writes; "
                f"legal is that all {part.tx_lines} lines of every row are written"
            )
        program = deployment.image.installed[n].program
        check_program(program, cfg)
        for rows in sorted({1, cfg.N}):
            check_races(program, cfg, rows=rows)
    if case.training:
        _admit_all(training_ledger(cfg, case.training, training_ends(case)), case.training.program, "training")
        check_races(
            deployment.image.work.program, cfg, iters=case.training.iter_mod + 2, iter_mod=case.training.iter_mod
        )
    return deployment


def _admit_all(ledger: Ledger, lines: Lines, name: str) -> None:
    for n, line in enumerate(lines):
        try:
            ledger.admit(line.ins)
        except Refused as why:
            raise ValueError(f"{name}: instruction {n}: {why}") from None
