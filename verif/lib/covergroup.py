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

from collections.abc import Callable, Iterable, Mapping
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
        # one function a point and a cross: the library looks at every bin of all that a function samples
        self._samplers = {point: self._section(self._point(point)) for point in self.bins}
        self._samplers |= {cross: self._section(self._cross(cross)) for cross in self.crosses}

    @staticmethod
    def _section(item: CoverPoint | CoverCross) -> Callable[[Mapping[str, str | None]], None]:
        return coverage_section(item)(lambda values: None)

    def _point(self, point: str) -> CoverPoint:
        return CoverPoint(f"{self.name}.{point}", xf=lambda values: values.get(point), bins=list(self.bins[point]))

    def _cross(self, name: str) -> CoverCross:
        cross = self.crosses[name]
        return CoverCross(
            f"{self.name}.{name}", items=[f"{self.name}.{p}" for p in cross.points], ign_bins=cross.illegal
        )

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
        hit = [point for point, value in values.items() if value is not None]
        hit += [name for name, cross in self.crosses.items() if all(values.get(p) is not None for p in cross.points)]
        for item in hit:  # points before the crosses of their hits
            self._samplers[item](values)
