"""Cycle-exact time of the core: see ``docs/timing.md`` and :class:`TimingModel`."""

from .layout import NEVER
from .model import Timeline, TimingModel

__all__ = ["NEVER", "Timeline", "TimingModel"]
