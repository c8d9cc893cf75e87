"""Decides the fate of each mutant of a block: simulate, try to prove the survivors equivalent, look up explanations of the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from verif.lib import lock
from verif.lib.keep import Folder, fingerprint
from verif.lib.rtl import closure
from verif.mutants.campaign import Block
from verif.mutants.netlist import Mutant
from verif.mutants.output import Judged
from verif.mutants.prove import equivalent
from verif.mutants.runner import PACKAGES, Bench, Say, attack_all
from verif.mutants.survivors import Explained


def _proof_key(mutant: Mutant, block: Block) -> str:
    digest = hashlib.sha256(fingerprint(("verif/mutants/prove.py", "verif/mutants/netlist.py"), PACKAGES).encode())
    digest.update(f"{mutant.command} {sorted(mutant.dut.params.items())}".encode())
    for path in closure(mutant.dut.path, library=block.library):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def proved(mutants: Iterable[Mutant], block: Block, folder: Path, jobs: int, say: Say) -> dict[int, bool]:
    """Which mutants are proved equivalent, by number; proofs and failures to prove are kept."""
    kept = Folder(folder / "kept")

    def one(mutant: Mutant) -> tuple[int, bool]:
        name, key = f"{mutant.block}-{mutant.number}-proof", _proof_key(mutant, block)
        known = kept.get(name, key)
        if known is None:
            known = {"equivalent": equivalent(mutant, block.library)}
            kept.put(name, key, known)
            say(f"{mutant.block} {mutant.number}: {'proved equivalent' if known['equivalent'] else 'not proved equivalent'}: {mutant.what}")
        return mutant.number, bool(known["equivalent"])

    with ThreadPoolExecutor(jobs) as pool:
        return dict(pool.map(one, mutants))


def judge_block(block: Block, explained: list[Explained], folder: Path, jobs: int, say: Say) -> list[Judged]:
    """The fates of a block's mutants, in the order of their numbers.

    Raises:
        CampaignFailure: the bench fails without a mutant, or runs say nothing.
    """
    with lock.hold(folder):
        return _judge_block(block, explained, folder, jobs, say)


def _judge_block(block: Block, explained: list[Explained], folder: Path, jobs: int, say: Say) -> list[Judged]:
    bench = Bench(block, folder)
    outcomes = attack_all(bench, folder, jobs, say)
    survivors = [m for m in bench.mutants if not outcomes[m.number].killed]
    equal = proved(survivors, block, folder, jobs, say)
    judged = []
    for m in bench.mutants:
        outcome, fate, why = outcomes[m.number], outcomes[m.number].status, ""
        if not outcome.killed:
            entry = next((e for e in explained if e.fits(m)), None)
            fate = "proved" if equal[m.number] else "explained" if entry and not entry.missed else "hole"
            why = entry.reason if entry and fate != "proved" else ""
        judged.append(Judged(m, fate, outcome, why))
    return judged
