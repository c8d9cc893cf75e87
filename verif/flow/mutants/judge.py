"""Decides the fate of each mutant of a block: simulate, try to prove the survivors equivalent, look up explanations of
the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from verif.flow.campaign.engine import Campaign, CampaignError
from verif.flow.campaign.executor import Pool
from verif.flow.campaign.job import DONE, FAILED, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.mutants import prove
from verif.flow.mutants.campaign import Block
from verif.flow.mutants.netlist import Mutant
from verif.flow.mutants.output import Judged
from verif.flow.mutants.runner import PACKAGES, TOGETHER, Bench, CampaignFailure, Say, attack_all
from verif.flow.mutants.survivors import Explained
from verif.lib import lock
from verif.lib.keep import fingerprint
from verif.lib.rtl import closure


def _proof_key(mutant: Mutant, block: Block) -> str:
    digest = hashlib.sha256(
        fingerprint(("verif/flow/mutants/prove.py", "verif/flow/mutants/netlist.py"), PACKAGES).encode()
    )
    digest.update(f"{mutant.command} {sorted(mutant.dut.params.items())}".encode())
    for path in closure(mutant.dut.path, library=block.library):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def proved(mutants: Iterable[Mutant], block: Block, folder: Path, pool: Pool, say: Say) -> dict[int, bool]:
    """Which mutants are proved equivalent, by number; proofs and failures to prove are kept."""
    jobs = {
        Job(
            f"{m.block}-{m.number}-proof",
            _proof_key(m, block),
            prove.plain(m, block.library),
            4 * prove.LIMIT_S + 60,
            group=block.name,
        ): m
        for m in mutants
    }

    def tell(job: Job, record: Record) -> str:
        if record.status != DONE:
            return ""
        return (
            f"{job.name}: {'proved equivalent' if record.data['equivalent'] else 'not proved equivalent'}: "
            f"{jobs[job].what}"
        )

    engine = Campaign(
        "verif.flow.mutants.prove:job", Store(folder / "jobs"), say, tell, fatal=(FAILED,), together=TOGETHER
    )
    found = {job: engine.kept(job) for job in jobs}
    if None in found.values():
        try:
            found = engine.run(list(jobs), pool)
        except CampaignError as error:
            raise CampaignFailure(str(error)) from None
    return {
        jobs[job].number: record.status == DONE and bool(record.data["equivalent"]) for job, record in found.items()
    }


def judge_block(block: Block, explained: list[Explained], folder: Path, pool: Pool, say: Say) -> list[Judged]:
    """The fates of a block's mutants, in the order of their numbers.

    Raises:
        CampaignFailure: the bench fails without a mutant, or runs say nothing.
    """
    with lock.hold(folder):
        return _judge_block(block, explained, folder, pool, say)


def _judge_block(block: Block, explained: list[Explained], folder: Path, pool: Pool, say: Say) -> list[Judged]:
    bench = Bench(block, folder)
    outcomes = attack_all(bench, folder, pool, say)
    survivors = [m for m in bench.mutants if not outcomes[m.number].killed]
    # of source, nothing is proved
    netlists = [m for m in survivors if isinstance(m, Mutant)]
    equal = proved(netlists, block, folder, pool, say) if netlists else {}
    judged = []
    for m in bench.mutants:
        outcome, fate, why = outcomes[m.number], outcomes[m.number].status, ""
        if not outcome.killed:
            entry = next((e for e in explained if e.fits(m)), None)
            fate = "proved" if equal.get(m.number) else "explained" if entry and not entry.missed else "hole"
            why = entry.reason if entry and fate != "proved" else ""
        judged.append(Judged(m, fate, outcome, why))
    return judged
