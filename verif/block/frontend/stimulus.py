"""Random programs that cannot deadlock and cannot overflow a semaphore.

One iteration is written down as a sequence in which every wait finds a token, so running it in that order always works;
tokens left at the end are taken by closing waits. A ring of credits (each stream's first instruction waits for the last
one of the next stream, two ahead) bounds how far streams run apart in a program that is run more than once.
"""

from __future__ import annotations

import numpy as np

from equinox_core.isa.encoding import INSTR_BITS, SEMAPHORES, UNIT_OF_OP, Op
from verif.block.frontend.model import UNITS, Instruction

_OP_OF_UNIT = {int(u): int(op) for op, u in UNIT_OF_OP.items()}


def instruction(
    rng: np.random.Generator, op: int, wait: int = 0, signal: int = 0, last: bool = False, step: bool = False
) -> Instruction:
    """An instruction with a random body."""
    body = int.from_bytes(rng.bytes(INSTR_BITS // 8), "little") >> 40 << 40
    word = body | signal << 24 | wait << 8 | step << 5 | last << 4 | op
    return Instruction(op, wait, signal, last, step, word)


def random_program(
    rng: np.random.Generator, length: int, repeats: bool, nops: float = 0.2
) -> tuple[list[list[Instruction]], list[int]]:
    """Return the instructions of each unit's stream (empty: no stream) and the initial semaphores.

    Args:
        length: instructions in the middle part, over all streams.
        repeats: the program may run more than once.
        nops: share of NOPs.
    """
    active = [u for u in range(UNITS) if rng.random() < 0.8] or [int(rng.integers(UNITS))]
    streams: list[list[list]] = [[] for _ in range(UNITS)]  # [op, wait, signal]
    init = [0] * SEMAPHORES
    sems = list(rng.permutation(SEMAPHORES))
    credit = {u: int(sems.pop()) for u in active} if repeats else {}
    consumer = {int(s): int(rng.choice(active)) for s in sems}
    tokens, given = dict.fromkeys(consumer, 0), dict.fromkeys(consumer, 0)

    def add(u: int, wait: int, signal: int, nop: bool) -> None:
        streams[u].append([int(Op.NOP) if nop else _OP_OF_UNIT[u], wait, signal])

    for u, s in credit.items():
        init[s] = 2
        add(u, 1 << s, 0, bool(rng.random() < nops))
    for _ in range(length):
        u = int(rng.choice(active))
        wait = signal = 0
        for s, owner in consumer.items():
            if owner == u and tokens[s] and rng.random() < 0.5:
                wait |= 1 << s
                tokens[s] -= 1
        for s in consumer:
            if given[s] < 2 and rng.random() < 0.15:
                signal |= 1 << s
                given[s] += 1
                tokens[s] += 1
        add(u, wait, signal, bool(rng.random() < nops))
    while repeats and any(tokens.values()):
        s = next(s for s, n in tokens.items() if n)
        u, wait = consumer[s], 0
        for other, owner in consumer.items():
            if owner == u and tokens[other]:
                wait |= 1 << other
                tokens[other] -= 1
        add(u, wait, 0, bool(rng.random() < 0.5))
    for n, u in enumerate(active):
        before = active[n - 1]  # waits for the end of stream u
        add(u, 0, 1 << credit[before] if repeats else 0, bool(rng.random() < nops))
    made = [
        [
            instruction(rng, op, wait, signal, last=n == len(stream) - 1, step=bool(rng.random() < 0.2))
            for n, (op, wait, signal) in enumerate(stream)
        ]
        for stream in streams
    ]
    return made, init


def fitting_program(
    rng: np.random.Generator, length: int, repeats: bool, room: int
) -> tuple[list[list[Instruction]], list[int]]:
    """A random program no stream of which has more instructions than there is room for; shorter ones where need be."""
    while True:
        made, init = random_program(rng, length, repeats)
        if max(map(len, made)) <= room:
            return made, init
        length = max(0, length - 1)
