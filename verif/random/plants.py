"""Faults planted in the core through the test bench (verif/tb/tb_equinox.sv): random programs must find them, shrinking
must reduce them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plant:
    """A fault: an argument of the simulator, or a macro of a build of its own."""

    does: str
    plusargs: tuple[str, ...] = ()
    defines: tuple[tuple[str, int], ...] = ()


PLANTS: dict[str, Plant] = {
    "": Plant("none"),
    "read": Plant("the last beat of read bursts of two beats has its highest bit wrong", plusargs=("+plant_read=2",)),
    "acc": Plant(
        "a product that accumulates leaves a bit of its lines wrong for the VPU", defines=(("EQX_PLANT_ACC", 1),)
    ),
}


def plant(name: str) -> Plant:
    """A fault by name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in PLANTS:
        raise ValueError(f"plant '{name}': legal are {', '.join(filter(None, PLANTS))}")
    return PLANTS[name]
