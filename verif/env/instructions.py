"""The latency scoreboard made sharper: every completion of every instruction in the cycle that the timing model
predicts.
"""

from __future__ import annotations

from equinox_core.timing import Timeline
from equinox_core.timing.layout import NEVER
from verif.agents.unit_agent import UnitEvent
from verif.env.latency import LatencyScoreboard


class InstructionScoreboard(LatencyScoreboard):
    """Replaces the latency scoreboard where the monitor of completions is on (``watch_units``); its ``units`` port
    takes them.

    NOPs are done by the front end and are not seen.
    """

    def build_phase(self):
        super().build_phase()
        self.units: list[UnitEvent] = []
        self.add_port("units")

    def last_cycle(self) -> int:
        return max([super().last_cycle(), *(e.cycle for e in self.units[-1:])])

    def compare_all(self) -> None:
        super().compare_all()
        self._compare(
            "instruction complete (cycle, unit, context)",
            self._observed_completions(),
            self._predicted_completions(self.timeline),
        )

    def _observed_completions(self) -> list[tuple[int, ...]]:
        return sorted((e.cycle, int(e.unit), e.ctx) for e in self.units)

    def _predicted_completions(self, timeline: Timeline) -> list[tuple[int, ...]]:
        log = timeline.instructions
        log = log[(log["done"] < NEVER) & (log["done"] > log["issue"])]  # a NOP is done as it issues
        return sorted((int(r["done"]), int(r["unit"]), int(r["ctx"])) for r in log)
