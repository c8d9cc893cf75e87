"""Scores of a campaign: as JSON for programs, as Markdown for the docs and the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from verif.flow.mutants.runner import Mutant, Outcome


@dataclass(frozen=True)
class Judged:
    """A mutant with its fate: killed, hang, proved (equivalent), explained (cannot be noticed, for ``why``) or hole."""

    mutant: Mutant
    fate: str
    outcome: Outcome
    why: str = ""

    def as_json(self) -> dict:
        m = self.mutant
        return {
            "block": m.block,
            "number": m.number,
            "module": m.dut.module,
            "params": dict(m.dut.params),
            "change": m.what,
            "signal": m.wire,
            "source": m.source,
            "fate": self.fate,
            "why": self.why,
            "by": self.outcome.by,
            "seed": self.outcome.seed,
        }


@dataclass
class Score:
    """Counts over a set of mutants."""

    name: str
    tried: int = 0
    killed: int = 0
    hang: int = 0
    proved: int = 0
    explained: int = 0
    hole: int = 0
    seconds: float = field(default=0.0)

    def add(self, judged: Judged) -> None:
        self.tried += 1
        setattr(self, judged.fate, getattr(self, judged.fate) + 1)
        self.seconds = round(self.seconds + judged.outcome.seconds, 1)

    @property
    def counted(self) -> int:
        """Mutants that could be noticed."""
        return self.tried - self.proved - self.explained

    @property
    def score(self) -> float:
        """Share of these that were killed."""
        return (self.killed + self.hang) / self.counted if self.counted else 0.0

    @property
    def strict(self) -> float:
        """The same with those explained by hand counted as not killed."""
        return (self.killed + self.hang) / (self.tried - self.proved) if self.tried > self.proved else 0.0

    def as_json(self) -> dict:
        return asdict(self) | {"score": round(self.score, 4), "score_without_explanations": round(self.strict, 4)}


def scores(judged: list[Judged]) -> tuple[list[Score], list[Score]]:
    """Scores by module (``block: module``) and by block, in the order of the campaign."""
    modules: dict[str, Score] = {}
    blocks: dict[str, Score] = {}
    for j in judged:
        for table, name in ((modules, f"{j.mutant.block}: {j.mutant.label}"), (blocks, j.mutant.block)):
            table.setdefault(name, Score(name)).add(j)
    return list(modules.values()), list(blocks.values())


def group_scores(judged: list[Judged], group_of: Mapping[str, str]) -> list[Score]:
    """Scores by group of blocks, which the goal is for."""
    groups: dict[str, Score] = {}
    for j in judged:
        name = group_of[j.mutant.block]
        groups.setdefault(name, Score(name)).add(j)
    return list(groups.values())


def _row(score: Score) -> str:
    return (
        f"| {score.name} | {score.tried} | {score.killed + score.hang} | {score.hang} | {score.proved} | "
        f"{score.explained} | {score.hole} "
        f"| {100 * score.score:.1f} % | {100 * score.strict:.1f} % |"
    )


def markdown(modules: list[Score], blocks: list[Score], groups: list[Score]) -> str:
    """Tables of the scores."""
    head = [
        "tried",
        "killed",
        "of these hanging",
        "proved equivalent",
        "explained",
        "holes",
        "score",
        "without explanations",
    ]
    lines = []
    for what, rows in (("group", groups), ("block", blocks), ("module", modules)):
        lines += ["| " + " | ".join([what, *head]) + " |", "|---" * (1 + len(head)) + "|", *map(_row, rows), ""]
    return "\n".join(lines)


def survivor_lines(judged: list[Judged]) -> list[str]:
    """A line a survivor that was not proved equivalent, holes first."""
    chosen = sorted((j for j in judged if j.fate in ("hole", "explained")), key=lambda j: j.fate != "hole")
    return [
        f"{j.fate}: {j.mutant.block} {j.mutant.number}: {j.mutant.what}"
        + (f" ({j.mutant.wire})" if j.mutant.wire else "")
        + f" at {j.mutant.source}"
        + (f": {j.why}" if j.why else "")
        for j in chosen
    ]
