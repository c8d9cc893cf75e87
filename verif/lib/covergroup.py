"""Covergroups sampled by value, on the points and crosses of the cocotb-coverage library.

The library samples the arguments of a function it decorates. Here that function takes a dictionary, so that one event
samples as many points as it knows something of:

>>> cg = Covergroup("batch_cg", {"cp_fill": ("one", "full"), "cp_mode": ("fair", "priority")},
...                 {"cr_fill_mode": Cross("cp_fill", "cp_mode")})
>>> cg.sample(cp_fill="one", cp_mode="fair")     # hits a bin of each point and one of the cross
>>> cg.sample(cp_fill="full")                    # a point without a value is not sampled, nor are its crosses

Bins live in the library's database, one a process: groups of the same name share them. They get out with
:func:`verif.lib.coverage.cocotb_groups`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section


class Cross:
    """Points whose bins are crossed; ``illegal`` holds combinations that cannot be (None: any bin),
    which are no bins.
    """

    def __init__(self, *points: str, illegal: Iterable[tuple[str | None, ...]] = ()) -> None:
        self.points, self.illegal = points, list(illegal)

    def forbids(self, bins: tuple[str, ...]) -> bool:
        """Whether a combination is illegal."""
        return any(all(a in (None, b) for a, b in zip(rule, bins, strict=True)) for rule in self.illegal)


class Covergroup:
    """A covergroup: points ``cp_*`` with all their bins, crosses ``cr_*`` of them.

    Raises:
        ValueError: a cross of a point that there is not, or an illegal combination that names no bin.
    """

    def __init__(
        self, name: str, points: Mapping[str, Iterable[str]], crosses: Mapping[str, Cross] | None = None
    ) -> None:
        self.name = name
        self.bins = {point: tuple(bins) for point, bins in points.items()}
        self.crosses = dict(crosses or {})
        for cross_name, cross in self.crosses.items():
            for point in cross.points:
                if point not in self.bins:
                    raise ValueError(f"{name}.{cross_name}: no point {point!r}")
            for rule in cross.illegal:
                if not any(
                    all(a in (None, b) for a, b in zip(rule, bins, strict=True))
                    for bins in product(*(self.bins[p] for p in cross.points))
                ):
                    raise ValueError(f"{name}.{cross_name}: illegal {rule} is no combination of its bins")
        self._sample = self._section()(lambda values: None)

    def _section(self):
        def look_up(point: str):
            return lambda values: values.get(point)

        items = [
            CoverPoint(f"{self.name}.{point}", xf=look_up(point), bins=list(bins)) for point, bins in self.bins.items()
        ]
        items += [
            CoverCross(f"{self.name}.{name}", items=[f"{self.name}.{p}" for p in cross.points], ign_bins=cross.illegal)
            for name, cross in self.crosses.items()
        ]
        return coverage_section(*items)

    def sample(self, **values: str | None) -> None:
        """Hit the bin of each point that has a value (None: has none), and of each cross all of whose points have one.

        Raises:
            ValueError: no such point or bin, or the combination is illegal: the group, or what it looks at, is wrong.
        """
        for point, value in values.items():
            if point not in self.bins:
                raise ValueError(f"{self.name}: no point {point!r}")
            if value is not None and value not in self.bins[point]:
                raise ValueError(f"{self.name}.{point}: no bin {value!r}, bins are {', '.join(self.bins[point])}")
        for name, cross in self.crosses.items():
            bins = tuple(values.get(p) for p in cross.points)
            if None not in bins and cross.forbids(bins):
                raise ValueError(f"{self.name}.{name}: {', '.join(bins)} was declared impossible and happened")
        self._sample(values)
