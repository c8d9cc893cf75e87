"""Random instructions for tests."""

from __future__ import annotations

import numpy as np

from equinox_core.isa.encoding import LAYOUT, UNIT_OF_OP, Instr, Op, Unit, make
from equinox_core.isa.program import Program


def random_instr(rng: np.random.Generator, op: Op) -> Instr:
    """Any bit pattern that decodes: every field random, often zero."""
    values = {}
    for name, (_, width) in LAYOUT[op].items():
        if name not in ("op", "rsvd") and rng.random() < 0.7:
            values[name] = int(rng.integers(0, 1 << width))
    return make(op, **values)


def random_program(rng: np.random.Generator, length: int = 30) -> Program:
    """A program of random instructions (not executable)."""
    prog = Program(name=f"p{rng.integers(1000)}", training=bool(rng.integers(2)))
    for _ in range(length):
        op = Op(int(rng.choice(list(Op))))
        prog.add(random_instr(rng, op), UNIT_OF_OP.get(op, Unit(int(rng.integers(4)))))
    prog.sem_init = tuple(int(v) for v in rng.integers(0, 16, 16))
    return prog
