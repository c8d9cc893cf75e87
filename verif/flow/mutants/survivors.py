"""Survivors that were looked at: survivors.yaml says why a mutant cannot be noticed although no solver proved it, or
what misses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.flow.mutants.campaign import CampaignError, _Reader, load_yaml
from verif.flow.mutants.runner import Mutant

FILE = Path(__file__).with_name("survivors.yaml")


@dataclass(frozen=True)
class Explained:
    """A mutant of a block, by what it changes and in which file, and why nothing can notice it (or, with ``missed``,
    why the bench does not). Lines do not count: the code may be laid out anew.
    """

    block: str
    mutant: str
    file: str
    reason: str
    missed: bool = False

    def fits(self, mutant: Mutant) -> bool:
        return (self.block, self.mutant, self.file) == (mutant.block, mutant.what, mutant.file)

    def __str__(self) -> str:
        return f"{self.block}: {self.mutant} in {self.file}"


def load_explained(path: Path = FILE) -> list[Explained]:
    """The explanations of a file.

    Raises:
        CampaignError: the file is wrong.
    """
    data = load_yaml(path) or {}
    if not isinstance(data, dict):
        raise CampaignError(f"{path.name}: is {data!r}; legal is a mapping of blocks to lists")
    found = []
    for block, entries in data.items():
        if not isinstance(entries, list):
            raise CampaignError(f"{path.name}: {block}: is {entries!r}; legal is a list of mutants")
        for n, entry in enumerate(entries):
            r = _Reader(f"{path.name}: {block}[{n}]", entry)
            key = "missed" if isinstance(entry, dict) and "missed" in entry else "reason"
            words = [
                str(r.take(name, str, legal)).strip()
                for name, legal in (
                    ("mutant", "what is changed, as the report has it"),
                    ("file", "where, as the report has it, without the line"),
                    (key, "a sentence"),
                )
            ]
            r.end()
            if len(words[2]) < 20:
                raise CampaignError(f"{path.name}: {block}[{n}]: {key} is {words[2]!r}; legal is a sentence")
            found.append(Explained(str(block), *words, missed=key == "missed"))
    return found


def faults(explained: list[Explained], mutants: Mapping[str, list[Mutant]], survivors: list[Mutant]) -> list[str]:
    """A line for each explanation that is no longer true: of a mutant that was killed, or that is no longer in the
    campaign.

    ``mutants``: all of the blocks that were run; explanations of other blocks are not looked at.
    """
    lines = []
    for entry in explained:
        if entry.block not in mutants or any(entry.fits(m) for m in survivors):
            continue
        known = any(entry.fits(m) for m in mutants[entry.block])
        lines.append(
            f"{FILE.name}: {entry}: "
            f"{'was killed: the reason is wrong' if known else 'is not a mutant of this campaign (any more)'}"
        )
    return lines
