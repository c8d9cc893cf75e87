"""How long a run may go on before it counts as hung: from the work that it was given, not from a fixed number.

The scheduler never idles while something can go on, so a run needs at most as long as all of its instructions one after
another (``models/equinox_core/timing/bounds.py``, ``serial_work``), stretched by random stalls, plus the waits that its
settings ask for.
"""

from __future__ import annotations

from equinox_core.deploy.deployment import Deployment
from equinox_core.timing.bounds import serial_work

FACTOR = 2  # times the work: what was left out above
LEAST = 20_000  # cycles, so that a run without much work has time for what stands around it


def request_work(deployment: Deployment, service: int) -> int:
    """Cycles of one request at most: its batch for itself alone, one instruction after another, with its rows and
    beats.
    """
    settings, installed = deployment.image.services[service], deployment.image.installed[service]
    beats = settings.batch * (settings.tx_lines + 2) + settings.rx_lines + 2
    return serial_work(installed.program, deployment.cfg, settings.batch) + beats


def training_work(deployment: Deployment, iters: int) -> int:
    """Cycles of so many iterations of the training program at most, one instruction after another."""
    return iters * serial_work(deployment.image.work.program, deployment.cfg, 1, deployment.image.train_rows)


def patience(work: int, waits: int = 0, stall: int = 0) -> int:
    """Cycles after which a run has hung.

    ``work``: cycles as above; ``waits``: cycles that pass by settings (timeouts, later starts); ``stall``: percent of
    the cycles in which something is held back at random.
    """
    return LEAST + waits + FACTOR * work * 100 // (100 - stall)
