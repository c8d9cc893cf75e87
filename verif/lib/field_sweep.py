"""Directed sweeps over the fields of a layout: each value class of each field, where the field decides the result.

A narrowed counter, a dropped address bit or a comparison with too short a constant shows only at some values of a
field. So each field of ``width`` bits takes the values 0, 1, 2^k - 1, 2^k for every k, and the greatest; a field of an
enumeration, or of two bits at most, takes every code. An illegal value is no exception: the fault is its result.

A bench says for each field in which *context* it decides the result, builds a case for each value, and samples the
class once the result has been compared:

>>> sweep = FieldSweep("matmul_fields_cg", {"n_k": 12, "accum": 1}, contexts={"n_k": long_sum, "accum": two_sums})
>>> for field, label, value in sweep.cases():
...     run(sweep.contexts[field](value)); sweep.sample(field, label)

The layout comes from the product (:data:`equinox_core.isa.encoding.LAYOUT`, the structs of
:mod:`equinox_core.hw.structs`, :data:`equinox_core.csr_map.REGS`), so a new field without a context is refused where
the sweep is made, and its bins are not hit until it is swept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Generic, TypeVar

from verif.lib.covergroup import Covergroup

T = TypeVar("T")

ALL_CODES = 2  # bits of a field of which every code is tried


def value_classes(width: int) -> dict[str, int]:
    """Label and value of each class of a field of ``width`` bits, ascending.

    >>> value_classes(4)
    {'0': 0, '1': 1, '2^1': 2, '2^2-1': 3, '2^2': 4, '2^3-1': 7, '2^3': 8, 'greatest': 15}
    """
    if width <= ALL_CODES:
        return {str(v): v for v in range(1 << width)}
    out = {"0": 0, "1": 1}
    for k in range(1, width):
        if k > 1:
            out[f"2^{k}-1"] = (1 << k) - 1
        out[f"2^{k}"] = 1 << k
    return out | {"greatest": (1 << width) - 1}


class FieldSweep(Generic[T]):
    """The sweep of a layout: ``fields`` is each field's width in bits, ``codes`` names those of which every code is
    tried, ``contexts`` says for each field what the bench needs to make a case.

    Raises:
        ValueError: a field has no context, or a context or name in ``codes`` is of no field.
    """

    def __init__(
        self, group: str, fields: Mapping[str, int], contexts: Mapping[str, T], codes: Collection[str] = ()
    ) -> None:
        missing = [f for f in fields if f not in contexts]
        unknown = [f for f in (*contexts, *codes) if f not in fields]
        if missing or unknown:
            what = f"field {missing[0]} is swept nowhere" if missing else f"no field {unknown[0]}"
            raise ValueError(f"{group}: {what} (fields are {', '.join(fields)})")
        self.contexts = dict(contexts)
        self.classes = {
            f: {str(v): v for v in range(1 << width)} if f in codes else value_classes(width)
            for f, width in fields.items()
        }
        self.group = Covergroup(group, {f"cp_{f}": tuple(classes) for f, classes in self.classes.items()})

    def cases(self, *only: str) -> Iterator[tuple[str, str, int]]:
        """Field, label of the class and value of every case; of some fields if they are named."""
        for field, classes in self.classes.items():
            if not only or field in only:
                for label, value in classes.items():
                    yield field, label, value

    def sample(self, field: str, label: str) -> None:
        """Note that the case was run and its result compared."""
        self.group.sample(**{f"cp_{field}": label})
