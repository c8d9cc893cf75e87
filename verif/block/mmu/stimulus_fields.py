"""Sweeps over the fields of MATMUL, of a context's environment and ``TRAIN_ROWS``: each value class of each field, in
an instruction in which the field decides what is computed or when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from equinox_core.hw.structs import CTX_ENV
from equinox_core.isa.encoding import LAYOUT, Instr, Op
from verif.block.mmu.harness import Env, matmul
from verif.block.mmu.model import Size
from verif.lib import coverage
from verif.lib.field_sweep import FieldSweep

MOST = (1 << 16) - 1  # of an address
TRAIN_ROWS_BITS = 12
LONG = 300  # tiles


@dataclass(frozen=True)
class Case:
    """An instruction with what holds when it starts; ``field`` and ``label`` are the class that it stands for."""

    ins: Instr
    env: Env = Env()
    train_rows: int = 8
    field: str = ""
    label: str = ""


def _case(env: Env = Env(), train_rows: int = 8, **fields: int) -> Case:  # noqa: B008 - frozen
    """An instruction whose operands are all in range, with every loop and stride at work unless ``fields`` say
    otherwise.
    """
    plain = {"rows": 3, "n_g": 2, "n_k": 2, "a_base": 7, "a_sr": 1, "a_sk": 5, "b_base": 64, "b_sg": 1024, "b_sk": 2048}
    plain |= {"c_base": 3, "c_sr": 1, "c_sg": 4, "signal": 0x5AA5, "wait": 0}
    return Case(matmul(**{**plain, **fields}), env, train_rows)


_ONE = {"n_g": 1, "n_k": 1}
_BOUND = {"n_g": 1, "n_k": 1, "a_sk": 0, "b_base": 0, "b_sg": 0, "b_sk": 0, "c_sg": 0}


def _spread(stride: int, most: int = 17) -> int:
    """How many addresses of a stride, from 0 on, are in a memory of the greatest depth."""
    return min(most, 1 + MOST // max(stride, 1))


def _op(v: int) -> Case:
    ins = _case().ins
    return Case(ins if v == Op.MATMUL else Instr(v, ins.fields))  # type: ignore[arg-type]


CONTEXTS: dict[str, Callable[[int], Case]] = {
    "op": _op,
    "last": lambda v: _case(last=v),
    "step": lambda v: _case(step=v),
    "wait": lambda v: _case(wait=v),
    "signal": lambda v: _case(signal=v),
    "dyn_rows": lambda v: _case(Env(rows=5), dyn_rows=v),
    "accum": lambda v: _case(accum=v),
    "a_sp": lambda v: _case(Env(actc_base=100), a_sp=v),
    "b_sp": lambda v: _case(Env(w_base=4096), b_sp=v),
    "rows": lambda v: _case(train_rows=4095, rows=v, **_ONE, a_base=0, c_base=0),
    "n_g": lambda v: _case(rows=1, n_g=v, n_k=1, b_sg=16, b_base=0, c_base=0, c_sg=16),
    "n_k": lambda v: _case(rows=1, n_k=v, n_g=1, a_base=0, a_sk=16, b_sk=16, b_base=0),
    "a_base": lambda v: _case(a_base=v, rows=1, **_ONE),
    "a_sr": lambda v: _case(a_sr=v, a_base=0, rows=_spread(v), **_ONE),
    "a_sk": lambda v: _case(a_sk=v, a_base=0, a_sr=0, n_k=_spread(v), b_sk=64, n_g=1),
    "b_base": lambda v: _case(b_base=v, **_ONE),
    "b_sg": lambda v: _case(b_sg=v, b_base=0, b_sk=0, n_g=min(2, _spread(v))),
    "b_sk": lambda v: _case(b_sk=v, b_base=0, b_sg=0, n_k=min(2, _spread(v))),
    "c_base": lambda v: _case(c_base=v, rows=1, **_ONE),
    "c_sr": lambda v: _case(c_sr=v, c_base=0, rows=_spread(v), **_ONE),
    "c_sg": lambda v: _case(c_sg=v, c_base=0, c_sr=0, n_g=_spread(v), b_sg=64, n_k=1),
    "env_rows": lambda v: _case(Env(rows=v), dyn_rows=1, rows=2),
    "env_acc_base": lambda v: _case(Env(acc_base=v), c_base=0, rows=1, **_ONE),
    "env_actc_base": lambda v: _case(Env(actc_base=v), a_base=0, rows=1, **_ONE),
    "env_w_base": lambda v: _case(Env(w_base=v), b_base=0, b_sp=1, **_ONE),
    **{f"env_{name}": lambda v, name=name: _case(Env(junk={name: v})) for name in ("vec_base", "c_base", "dram_base")},
    "train_rows": lambda v: _case(rows=2 * v + 1, train_rows=v, **_ONE, a_base=0, c_base=0),
}


def mmu_fields_cg() -> FieldSweep[Callable[[int], Case]]:
    """``mmu_fields_cg``: the classes of every field that reaches the unit."""
    fields = {name: width for name, (_, width) in LAYOUT[Op.MATMUL].items() if name != "rsvd"}
    fields |= {f"env_{f.name}": f.width for f in CTX_ENV.fields}
    return FieldSweep("mmu_fields_cg", {**fields, "train_rows": TRAIN_ROWS_BITS}, CONTEXTS, codes=["op"])


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    group = mmu_fields_cg().group
    return {group.name: coverage.cocotb_groups()[group.name]}


def classes(sweep: FieldSweep[Callable[[int], Case]], train: bool) -> Iterator[Case]:
    """Every class of every field, for a context of one kind. Only training looks at ``TRAIN_ROWS``; its tiles come from
    the same counters as inference's, so the largest counts are left to that.
    """
    for field, label, value in sweep.cases():
        long = field in ("n_g", "n_k") and value > LONG
        if not long if train else field != "train_rows":
            yield replace(sweep.contexts[field](value), field=field, label=label)


def sums(size: Size, rng: np.random.Generator, train: bool) -> Iterator[Case]:
    """Where two fields meet: relocated addresses up to, at and beyond the ends of the memories and of 2^16; strides
    that are multiplied; even offsets whose every bit is set, where odd ones are illegal.
    """
    half, m, top = 1 << 15, size.m, MOST + 1 - size.lanes
    for low in (half - 1, half, MOST, 1):
        for base in (half, MOST):
            yield _case(Env(actc_base=base), a_base=low, rows=1, **_ONE)
            yield _case(Env(acc_base=base), c_base=low, rows=1, **_ONE)
            yield _case(Env(w_base=base // m * m), b_base=low // m * m, b_sp=1, **_ONE)
    for d in (-m, 0, m):
        yield _case(b_base=top + d, rows=1, **_ONE)
        yield _case(b_base=0, b_sg=(top + d) // 2 // m * m, b_sk=(top + d) // 2 // m * m, rows=1)
    for k in range(3, 16):
        even = (1 << k) - 2
        yield from (_case(b_base=even, **_ONE), _case(b_sg=even, b_base=0), _case(b_sk=even, b_base=0))
        yield _case(Env(w_base=even), b_base=0, b_sp=1, **_ONE)
    for d in (-1, 0, 1):  # the last row of many is the last of the memory, or the first that is not
        yield _case(a_base=MOST - 14 + d, rows=15, **_ONE)
        yield _case(c_base=MOST - 14 + d, rows=15, **_ONE)
        yield _case(c_base=MOST - 4000 + d, c_sg=4000, n_k=1, rows=1)
        yield _case(a_base=MOST - 4095 + d, a_sk=4095, n_g=1, rows=1)
    if train:  # the steps from chunk to chunk are products
        for _ in range(48):
            chunk = int(rng.integers(1, 1 << int(rng.integers(1, 12))))
            a_sr, c_sr = (int(rng.integers(0, min(4095, MOST // (chunk + 1)) + 1)) for _ in "ac")
            rows = int(chunk + rng.integers(1, 3))
            yield _case(rows=rows, train_rows=chunk, a_base=0, c_base=0, a_sr=a_sr, c_sr=c_sr, **_ONE)
        for a_sr, chunk in ((4095, 17), (4095, 18), (2048, 32), (2048, 33), (1025, 64), (17, 3856)):
            # The second chunk begins at the memory's end, or up to a stride beyond.
            yield _case(rows=chunk + 1, train_rows=chunk, a_base=0, c_base=0, a_sr=a_sr, c_sr=1, **_ONE)
            yield _case(rows=chunk + 1, train_rows=chunk, a_base=0, c_base=0, a_sr=1, c_sr=a_sr, **_ONE)


def bounds(size: Size) -> Iterator[Case]:
    """The last address of each memory that is legal and the first that is not, by base, relocation and stride."""
    for sp in (0, 1):
        last = size.a_depth[sp] - 1
        for d in (0, 1):
            if last + d <= MOST:
                yield _case(**{**_BOUND, "a_sp": sp, "a_base": last + d, "rows": 1})
            yield _case(**{**_BOUND, "a_sp": sp, "a_base": last - 2 + d, "a_sr": 1, "rows": 3})
            yield _case(**{**_BOUND, "a_sp": sp, "a_base": last - 5 + d, "a_sr": 0, "a_sk": 5, "n_k": 2})
            yield _case(Env(actc_base=last - 3 + d), **{**_BOUND, "a_sp": sp, "a_base": 3, "rows": 1})
        last = size.b_depth[sp] - size.lanes
        for d in (0, size.m):
            if last + d <= MOST:
                yield _case(**{**_BOUND, "b_sp": sp, "rows": 1, "b_base": last + d})
            if last:
                yield _case(**{**_BOUND, "b_sp": sp, "rows": 1, "b_base": last + d - size.m, "b_sk": size.m, "n_k": 2})
                yield _case(**{**_BOUND, "b_sp": sp, "rows": 1, "b_base": last + d - size.m, "b_sg": size.m, "n_g": 2})
            yield (
                _case(Env(w_base=last + d), **{**_BOUND, "b_sp": 1, "rows": 1}) if last + d <= MOST else _case(**_BOUND)
            )
    last = size.acc - 1
    for d in (0, 1):
        if last + d <= MOST:
            yield _case(**{**_BOUND, "c_base": last + d, "rows": 1})
        yield _case(**{**_BOUND, "c_base": last - 2 + d, "c_sr": 1, "rows": 3})
        yield _case(**{**_BOUND, "c_base": last - 5 + d, "c_sr": 0, "c_sg": 5, "n_g": 2})
        yield _case(Env(acc_base=last - 3 + d), **{**_BOUND, "c_base": 3, "rows": 1})


def alike(size: Size) -> Iterator[tuple[Instr, Instr]]:
    """Two rows that follow each other, the second added to a line whose address differs in one bit."""
    for k in range(16):
        if 1 << k < size.acc:
            for low, high in ((0, 1 << k), (1 << k, 0)):
                one, two = (
                    _case(**{**_BOUND, "rows": 1, "c_base": c, "accum": int(c == high)}).ins for c in (low, high)
                )
                yield one, two
