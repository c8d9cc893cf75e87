"""Covergroups of the operating space: what the core was doing when a batch was dispatched, a response came, a step
completed.

``operating_cg`` is sampled with the probe's snapshot at every dispatch, that is when inference comes; what needs a look
at every cycle (where training is passed) is in the HDL half of the group, ``verif/tb/operating_cg.sv``.
"""

from __future__ import annotations

from equinox_core.compiler.training import PHASES
from equinox_core.hw.modes import MODES, POLICIES
from equinox_core.isa.encoding import Conv, Err, Status, Unit
from verif.agents.unit_agent import BatchEvent
from verif.lib.covergroup import Covergroup, Cross

LOADS = {"below 0.3": 0.3, "0.3 to 0.7": 0.7, "0.7 to 1": 1.0, "overload": float("inf")}  # upper ends
FILLS = ("one", "partial", "full")
STALLS = ("none", "sink", "dram", "both")
MIXES = ("lstm", "mlp", "both")
MMU_PLACES = ("nothing", "loads a tile", "before a tile's rows", "amid a tile's rows")
VPU_PLACES = ("nothing", *(f"segment {c.name}" for c in Conv))
DMA_PLACES = ("nothing", "wants the bus", "under way")
KINDS = ("inference", "training")
TRAIN_EVENTS = ("started", "step", "drained", "killed", "ran to its end", "stopped by an error")
SIZES = (4,)  # N of the configurations of the smallest tier of tests, `tiny`
BESIDE = ("alone", "beside inference")


def load_band(load: float) -> str:
    """Bin of an offered load, a fraction of the capacity."""
    return next(band for band, end in LOADS.items() if load < end)


def stalls_bin(sink: int, dram: int) -> str:
    """Bin of the random stalls, in percent of cycles, of the response sink and of the DRAM."""
    return STALLS[bool(sink) + 2 * bool(dram)]


def mix_bin(services: set[str]) -> str:
    """Bin of the services that requests are for."""
    return "both" if len(services) > 1 else next(iter(services))


def operating_cg() -> Covergroup:
    """``operating_cg``: load, fill, policy, contexts, training and where it was, stalls, services, at each dispatch."""
    return Covergroup(
        "operating_cg",
        {
            "cp_load": LOADS,
            "cp_fill": FILLS,
            "cp_policy": POLICIES,
            "cp_mode": MODES,
            "cp_shared_mode": MODES[1:],
            "cp_others": ("none", "some"),
            "cp_phase": ("off", *PHASES, "draining"),
            "cp_mmu": MMU_PLACES,
            "cp_vpu": VPU_PLACES,
            "cp_ld": DMA_PLACES,
            "cp_st": DMA_PLACES,
            "cp_stalls": STALLS,
            "cp_mix": MIXES,
            "cp_rows": [f"{r} of {n}" for n in SIZES for r in range(1, n + 1)],
            "cp_service": ("0", "1"),
            "cp_ctx": ("0", "1"),
        },
        {
            "cr_policy_fill_others": Cross("cp_policy", "cp_fill", "cp_others"),
            "cr_policy_load_fill": Cross("cp_policy", "cp_load", "cp_fill"),
            "cr_policy_phase": Cross("cp_policy", "cp_phase"),
            "cr_load_phase": Cross("cp_load", "cp_phase"),
            "cr_phase_fill_others": Cross("cp_phase", "cp_fill", "cp_others"),
            # Where training was when inference came; under inference_only it holds what it had, and units do not work
            # on it.
            "cr_mode_mmu": Cross("cp_shared_mode", "cp_mmu"),
            "cr_mode_vpu": Cross("cp_shared_mode", "cp_vpu"),
            "cr_mode_ld": Cross("cp_shared_mode", "cp_ld"),
            "cr_mode_st": Cross("cp_shared_mode", "cp_st"),
            "cr_stalls_policy": Cross("cp_stalls", "cp_policy"),
            "cr_stalls_phase": Cross("cp_stalls", "cp_phase"),
            "cr_mix_fill_others": Cross("cp_mix", "cp_fill", "cp_others"),
            "cr_mix_policy": Cross("cp_mix", "cp_policy"),
            "cr_service_ctx": Cross("cp_service", "cp_ctx"),
        },
    )


def batch_values(event: BatchEvent, n: int, c_inf: int, phases: list[str]) -> dict[str, str | None]:
    """Values of ``operating_cg``'s points that the probe's snapshot holds; ``phases`` of the training program's MMU
    stream, if it has any.
    """
    others = event.busy & (1 << c_inf) - 1 & ~(1 << event.ctx)
    mode, train = MODES[event.mode], event.train
    values: dict[str, str | None] = {
        "cp_fill": "full" if event.rows == n else "one" if event.rows == 1 else "partial",
        "cp_rows": f"{event.rows} of {n}" if n in SIZES else None,
        "cp_service": str(event.service) if event.service < 2 else None,
        "cp_ctx": str(event.ctx) if event.ctx < 2 else None,
        "cp_policy": POLICIES[event.policy] if event.policy < len(POLICIES) else None,
        "cp_mode": mode,
        "cp_shared_mode": mode if mode in MODES[1:] else None,
        "cp_others": "some" if others else "none",
        "cp_mmu": MMU_PLACES[train >> 7 & 3],
        "cp_vpu": VPU_PLACES[train >> 4 & 7],
        "cp_ld": DMA_PLACES[train >> 2 & 3],
        "cp_st": DMA_PLACES[train & 3],
    }
    if not event.busy >> c_inf:
        values["cp_phase"] = "off"
    elif train >> 9:
        values["cp_phase"] = "draining"
    elif phases:
        values["cp_phase"] = phases[min(event.train_pc, len(phases) - 1)] or None
    return values


def response_cg() -> Covergroup:
    """``response_cg``: statuses, with a sink that is always ready and one that stalls."""
    return Covergroup(
        "response_cg",
        {"cp_status": [s.name for s in Status], "cp_sink": ("ready", "stalls")},
        {"cr_status_sink": Cross("cp_status", "cp_sink")},
    )


def training_cg() -> Covergroup:
    """``training_cg``: a training context's life, and steps by policy, alone and beside batches."""
    return Covergroup(
        "training_cg",
        {"cp_event": TRAIN_EVENTS, "cp_policy": POLICIES[1:], "cp_beside": BESIDE},
        {"cr_step": Cross("cp_policy", "cp_beside")},
    )


def error_cg() -> Covergroup:
    """``error_cg``: how contexts stop: kind of context, cause, the unit that reported it."""
    causes = [e.name for e in Err if e is not Err.NONE]
    no_dram = [
        (None, cause.name, unit.name) for cause in (Err.DMA_RESP, Err.DMA_TIMEOUT) for unit in (Unit.MMU, Unit.VPU)
    ]
    return Covergroup(
        "error_cg",
        {"cp_kind": KINDS, "cp_cause": causes, "cp_unit": [u.name for u in Unit]},
        {"cr_kind_cause_unit": Cross("cp_kind", "cp_cause", "cp_unit", illegal=no_dram)},
    )
