"""Reduces a failing case to a minimal one that fails the same way.

Delta debugging (ddmin of Zeller and Hildebrandt, from the library picire) over instructions, requests and changes of
policy, then greedy simplification of settings and fields. Every candidate is repaired first (``legal.repaired``: what
reads a value that nothing writes any more goes too), so that nearly all are legal; several run in one simulation. Runs
are remembered in a file: an interrupted search goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from picire import Outcome as Verdict
from picire.abstract_dd import AbstractDD
from picire.outcome_cache import OutcomeCache

from verif.random.case import Case, save_case
from verif.random.legal import check_case, repaired
from verif.random.run import Outcome
from verif.random.simplify import simpler, weight

BATCH = 8  # candidates in one simulation
Runner = Callable[[Sequence[Case]], list[Outcome | None]]
Atom = tuple[
    str, int, int
]  # ("op", program, place), ("request", place, 0), ("change", place, 0); program -1 is training's


def _hash(case: Case) -> str:
    return hashlib.sha256(repr(case).encode()).hexdigest()[:24]


class Oracle:
    """Says which cases fail as the first one did.

    ``run`` executes cases, in order, up to the first that fails (None: not run); ``memory`` is a file of what is known.
    """

    def __init__(self, run: Runner, kind: str, memory: Path, say: Callable[[str], None]) -> None:
        self.run, self.kind, self.memory, self.say = run, kind, memory, say
        self.known: dict[str, str] = {}
        self.runs = 0
        if memory.exists():
            self.known = dict(
                json.loads(line) for line in memory.read_text(encoding="utf-8").splitlines() if line.endswith("]")
            )

    def _learn(self, case: Case, kind: str) -> None:
        self.known[_hash(case)] = kind
        with self.memory.open("a", encoding="utf-8") as file:
            file.write(json.dumps([_hash(case), kind]) + "\n")

    def first(self, cases: Iterable[Case | None]) -> int | None:
        """Number of the first case that fails the same way; None stands for a candidate that is none."""
        waiting: list[tuple[int, Case]] = []
        for n, case in enumerate(cases):
            if case is None:
                continue
            kind = self.known.get(_hash(case))
            if kind is None and not _legal(case):
                kind = "illegal"
                self.known[_hash(case)] = kind
            if kind is None:
                waiting.append((n, case))
            if kind == self.kind or len(waiting) == BATCH:
                found = self._try(waiting)
                if found is not None or kind == self.kind:
                    return n if found is None else found
                waiting = []
        return self._try(waiting)

    def _try(self, waiting: list[tuple[int, Case]]) -> int | None:
        while waiting:
            outcomes = self.run([case for _, case in waiting])
            self.runs += sum(o is not None for o in outcomes)
            for (n, case), outcome in zip(waiting, outcomes, strict=True):
                if outcome is None:
                    break
                self._learn(case, outcome.kind)
                if outcome.kind == self.kind:
                    return n
            left = [w for w, outcome in zip(waiting, outcomes, strict=True) if outcome is None]
            if len(left) == len(waiting):
                raise RuntimeError("the simulation ran none of the cases")
            waiting = left
        return None


def _legal(case: Case) -> bool:
    try:
        check_case(case)
    except ValueError:
        return False
    return True


class _BatchDD(AbstractDD):
    """ddmin whose candidates of a round are tried several at a time."""

    def __init__(self, first: Callable[[list[list[Atom]]], int | None]) -> None:
        super().__init__(self._refuse, cache=OutcomeCache())
        self.first = first

    @staticmethod
    def _refuse(config, config_id) -> Verdict:
        return Verdict.FAIL  # only what was seen to fail is asserted to fail

    def _reduce_config(self, run, subsets, complement_offset):
        parts = [s for s in subsets if len(subsets) > 2] if len(subsets) < 5 else []
        order = [int(i + complement_offset) % len(subsets) for i in range(len(subsets))]
        complements = [[atom for n, s in enumerate(subsets) if n != i for atom in s] for i in order]
        found = self.first(parts + complements)
        if found is None:
            return None, complement_offset
        if found < len(parts):
            return [parts[found]], 0
        gone = order[found - len(parts)]
        return subsets[:gone] + subsets[gone + 1 :], gone


def atoms_of(case: Case) -> list[Atom]:
    """What ddmin may leave out."""
    out: list[Atom] = [("change", n, 0) for n in range(len(case.changes))] + [
        ("request", n, 0) for n in range(len(case.requests))
    ]
    for p, part in enumerate(case.services):
        out += [("op", p, n) for n in range(len(part.program))]
    return out + [("op", -1, n) for n in range(len(case.training.program) if case.training else 0)]


def only(case: Case, atoms: Sequence[Atom]) -> Case | None:
    """The case with these atoms alone, repaired; None if nothing is left."""
    keep = set(atoms)
    services = tuple(
        replace(s, program=tuple(line for n, line in enumerate(s.program) if ("op", p, n) in keep))
        for p, s in enumerate(case.services)
    )
    training = case.training
    if training:
        training = replace(
            training, program=tuple(line for n, line in enumerate(training.program) if ("op", -1, n) in keep)
        )
    return tidy(
        replace(
            case,
            services=services,
            training=training,
            changes=tuple(c for n, c in enumerate(case.changes) if ("change", n, 0) in keep),
            requests=tuple(r for n, r in enumerate(case.requests) if ("request", n, 0) in keep),
        )
    )


def tidy(case: Case) -> Case | None:
    """Repaired, without the last services that nobody asks, and without the programs of the others that nobody asks."""
    asked = {service for _, service, _ in case.requests}
    services = [s if n in asked else replace(s, program=()) for n, s in enumerate(case.services)]
    while services and len(services) - 1 not in asked:
        services.pop()
    case = replace(case, services=tuple(services))
    if not case.services and (case.training is None or not case.training.program):
        return None
    try:
        case = repaired(case)
    except ValueError:
        return None
    return case if case.services or case.training else None


def shrink(case: Case, oracle: Oracle, keep: Path) -> Case:
    """The smallest case found that fails like ``case``; ``keep`` is a file that always holds the best so far."""
    best = case
    while True:
        before = best
        best = _ddmin(best, oracle, keep)
        best = _simplify(best, oracle, keep)
        if best == before:
            return best


def _note(best: Case, oracle: Oracle, keep: Path) -> Case:
    save_case(best, keep)
    oracle.say(f"{best.size} instructions: {best.summary()} ({oracle.runs} runs)")
    return best


def _ddmin(case: Case, oracle: Oracle, keep: Path) -> Case:
    best = case

    def first(candidates: list[list[Atom]]) -> int | None:
        nonlocal best
        made = [
            c if c is not None and weight(c) < weight(best) else None
            for c in (only(case, atoms) for atoms in candidates)
        ]
        found = oracle.first(made)
        if found is not None:
            best = _note(made[found], oracle, keep)
        return found

    _BatchDD(first)(atoms_of(case))
    return best


def _simplify(case: Case, oracle: Oracle, keep: Path) -> Case:
    """Greedy: after a success the search goes on at the same place, until a whole round brings nothing."""
    best, at = case, 0
    while True:
        made: list[Case | None] = []
        raw = list(simpler(best))
        found = oracle.first(_tidied(raw[at:], best, made))
        if found is None and at == 0:
            return best
        if found is None:
            at = 0
        else:
            best, at = _note(made[found], oracle, keep), at + found


def _tidied(cases: Sequence[Case], than: Case, made: list[Case | None]) -> Iterator[Case | None]:
    """The cases tidied, as they are asked for; None for those that are nothing, or not less than ``than`` (repair may
    add). ``made`` collects them.
    """
    most = weight(than)
    for case in cases:
        case = tidy(case)
        made.append(case if case is not None and weight(case) < most else None)
        yield made[-1]
