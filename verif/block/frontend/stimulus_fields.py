"""Which fields the front end is given, swept by value classes, and which events may meet, with their covergroups."""

from __future__ import annotations

from equinox_core.hw.structs import CTX_CFG, SVC_CFG
from equinox_core.isa.encoding import LAYOUT, Op
from verif.lib import coverage
from verif.lib.covergroup import Covergroup, Cross
from verif.lib.field_sweep import FieldSweep

NOT_HERE = ("enable", "batch", "threshold", "rx_lines")  # of a service: the request dispatcher's

FIELDS: dict[str, int] = {
    **{name: width for name, (_, width) in LAYOUT[Op.NOP].items()},
    **{f"ctx_{f.name}": f.width for f in CTX_CFG.fields},
    **{f"svc_{f.name}": f.width for f in SVC_CFG.fields if f.name not in NOT_HERE},
    "row_age": 32,
    "err_cause": 4,
}
"""Bits of every field: of the header of an instruction, of the settings of a context and of a service (of those with
several elements, of each), the age of a request, the cause that a unit reports.
"""

CODES = ("op", "ctx_pc_valid", "svc_pc_valid", "ctx_sem_init", "err_cause")

CONTEXTS = {
    "op": "header",
    "last": "header",
    "step": "header",
    "rsvd": "header",
    "wait": "waits",
    "signal": "signals",
    "ctx_vec_base": "base",
    "ctx_acc_base": "base",
    "ctx_actc_base": "base",
    "ctx_w_base": "base",
    "ctx_c_base": "base",
    "ctx_dram_base": "base",
    "ctx_pc_valid": "streams",
    "ctx_pc": "address",
    "ctx_iters": "iterations",
    "ctx_iter_mod": "indices",
    "ctx_sem_init": "tokens",
    "svc_pc_valid": "streams",
    "svc_pc": "address",
    "svc_w_base": "base",
    "svc_c_base": "base",
    "svc_tx_lines": "base",
    "svc_timeout": "late",
    "row_age": "late",
    "err_cause": "error",
}
"""Which case of the bench lets a field decide what comes out."""

REACH = 8  # cycles before and after an event in which another one comes
OFFSETS = tuple(range(-REACH, REACH + 1))
COMMANDS = ("kill", "drain", "start", "clear")
MOMENTS = {  # what a command, or a second fault, meets
    "issue": COMMANDS,  # the last instruction of an iteration issues
    "end": COMMANDS,  # the run ends by itself
    "error": (*COMMANDS, "error", "overflow", "range", "end"),  # a unit reports an instruction as faulty
    "overflow": COMMANDS,
    "range": (*COMMANDS, "overflow"),
    "batch_row": COMMANDS,  # the first row of a batch arrives
    "batch_full": COMMANDS,  # its last row
    "batch_error": COMMANDS,
    "batch_end": COMMANDS,  # its run ends
    "batch_answered": COMMANDS,
}
PAIRS = tuple(f"{moment} {other}" for moment, others in MOMENTS.items() for other in others)


def field_sweep() -> FieldSweep[str]:
    """``frontend_fields_cg``: every class of every field."""
    return FieldSweep("frontend_fields_cg", FIELDS, CONTEXTS, CODES)


def events_cg() -> Covergroup:
    """``frontend_events_cg``: two events of one context, and how many cycles the second comes after the first."""
    return Covergroup(
        "frontend_events_cg",
        {"cp_pair": PAIRS, "cp_offset": tuple(str(n) for n in OFFSETS)},
        {"cr_pair_offset": Cross("cp_pair", "cp_offset")},
    )


def covergroups() -> coverage.Groups:
    """The groups with all their bins."""
    names = [field_sweep().group.name, events_cg().name]
    return {name: coverage.cocotb_groups()[name] for name in names}
