"""Everything that a test tells the environment, in one object.

A test makes it before it builds the environment (``EquinoxTest.build_phase``), may change it in its ``prepare``, and
those fields that say so also while it runs. Components read it through ``EnvConfig.of(self)``; nothing is set in a
component from outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from equinox_core.deploy.deployment import Deployment
from verif.agents.config import AgentConfig

BOARDS = ("response_board", "weight_board", "batches", "latency_board", "axi_watch")


@dataclass(slots=True)  # a name that is no field is refused
class EnvConfig(AgentConfig):
    """Fields marked * may change while the test runs."""

    deployment: Deployment = None  # always given: see make()
    """Scenario, image of programs and data, payloads. Predictor, scoreboards, coverage and hang watch read it."""
    run_dir: Path = Path()
    """Folder of the run; the predictor keeps its records there."""
    timed: bool = True
    """Compare the times of events with the timing model's; latency scoreboard, coverage."""
    exact: bool = True
    """* Times must agree to the cycle; off where something stalls at random: then they are bounded. Latency scoreboard,
    coverage."""
    required: set[str] = field(default_factory=lambda: set(BOARDS) - {"weight_board"})
    """* Scoreboards (:data:`BOARDS`) that fail when they have compared nothing."""
    checkpoints: set[int] = field(default_factory=set)
    """* Training steps, counted from 1, after which ``weight_regions`` are compared; weight scoreboard."""
    step_regions: tuple[str, ...] = ()
    """* Regions of DRAM (``Deployment.ranges``) that are compared after every training step; weight scoreboard."""
    weight_regions: tuple[str, ...] = ()
    """* Regions that hold the weights; weight scoreboard."""
    training_shift: int = 0
    """* Bytes by which the training program's part of the DRAM lies behind its place in the image; weight
    scoreboard."""
    load: float | None = None
    """* Requests that are offered, as a fraction of the capacity; None: unknown. Coverage."""
    services: set[str] = field(default_factory=set)
    """* Names of the services that are asked while ``load`` holds; empty: unknown. Coverage."""

    @classmethod
    def make(cls, dut: Any, deployment: Deployment, run_dir: Path, timed: bool, without: tuple[str, ...]) -> EnvConfig:
        """What follows from the scenario; ``without``: scoreboards that have nothing to compare."""
        scenario = deployment.scenario
        made = cls(
            dut,
            deployment.cfg,
            dut.u_core.u_probe,
            deployment=deployment,
            run_dir=run_dir,
            timed=timed,
            exact=not (scenario.rsp_stall or scenario.dram_stall),
        )
        if deployment.job is not None:
            made.step_regions, made.weight_regions = ("errors",), ("weights",)
        for board in without:
            made.require(board, False)
        return made

    def require(self, board: str, on: bool = True) -> None:
        """Say whether a scoreboard must have compared something.

        Raises:
            ValueError: there is none of that name.
        """
        if board not in BOARDS:
            raise ValueError(f"scoreboard {board!r}: legal are {', '.join(BOARDS)}")
        (self.required.add if on else self.required.discard)(board)
