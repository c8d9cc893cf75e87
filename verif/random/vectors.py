"""Random VECTOR instructions: the one place that knows how their fields hang together.

A :class:`Draft` is a VECTOR under way. Its shape is given; operands, arithmetic and results are drawn stage by stage
from the choices that the caller gives, their addresses from the caller's :class:`Room`. :func:`draw` takes all stages
at once, from a :class:`Mix`. What a draft cannot know is the caller's to check: whether the data are there, which
spaces go together, and whether a line reads what its own instruction writes too soon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from equinox_core.isa.encoding import LAYOUT, Act, Combine, Conv, ConvDst, Dst, Op, Red, Src
from equinox_core.numerics import bf16_from_float

Windows = dict[str, list[tuple[int, int]]]
"""Address ranges (first, end) by the name of the space."""
OPERANDS = tuple(name.removesuffix("_sp") for name in LAYOUT[Op.VECTOR] if name.endswith("_sp") and name[0] in "abcd")
_ADDRESS = tuple(name.removeprefix("a") for name in LAYOUT[Op.VECTOR] if name.startswith("a_") and name != "a_sp")


class Core(Protocol):
    """What a draft needs to know of the core's size."""

    @property
    def K(self) -> int: ...
    @property
    def L(self) -> int: ...
    @property
    def TX_LINES(self) -> int: ...


@dataclass
class Room:
    """Where operands and results may lie.

    ``edge``: probability that one reaches the last address of its window. ``known``: which addresses of a space hold
    something; what is read begins there where it can.
    """

    rng: np.random.Generator
    windows: Mapping[str, Sequence[tuple[int, int]]]
    edge: float = 0.0
    known: Callable[[str], NDArray[np.bool_] | None] = lambda space: None

    def pick(self, *choices):
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def span(
        self, space: str, counts: Sequence[int], strides: Sequence[Sequence[int]], read: bool = False, unit: int = 1
    ) -> tuple[int, list[int]] | None:
        """Base and strides of a grid of addresses in one of the space's windows; None where it has none, or no room.

        ``strides`` are candidates for each axis; ``unit`` divides all of them and the base.
        """
        if space not in self.windows:
            return None
        low, high = self.pick(*self.windows[space])
        chosen = [int(self.pick(*of)) for of in strides]
        reach = sum((c - 1) * s for c, s in zip(counts, chosen, strict=True)) + unit
        while reach > high - low and any(chosen):
            chosen = [s // 2 // unit * unit for s in chosen]
            reach = sum((c - 1) * s for c, s in zip(counts, chosen, strict=True)) + unit
        if reach > high - low:
            return None
        last = (high - reach) // unit * unit
        if self.rng.random() < self.edge:
            return last, chosen
        if read:
            table = self.known(space)
            found = np.flatnonzero(table[low : last + 1]) if table is not None else []
            if len(found):
                return (low + int(self.pick(*found))) // unit * unit, chosen
        first = -(-low // unit) * unit
        return first + int(self.rng.integers((last - first) // unit + 1)) * unit, chosen


class Draft:
    """A VECTOR of ``outer`` segments with ``inner`` lines under way; ``fields`` are those it has so far.

    ``dyn_o``, ``dyn_i``: the batch's rows take the place of one of them; there are up to ``rows``. ``into``: room of
    the results, where it is not that of the operands. ``wide``: strides of more kinds.
    """

    def __init__(
        self,
        room: Room,
        core: Core,
        outer: int,
        inner: int,
        *,
        dyn_o: bool = False,
        dyn_i: bool = False,
        rows: int = 0,
        into: Room | None = None,
        wide: bool = False,
    ) -> None:
        self.room, self.into, self.core, self.wide = room, into or room, core, wide
        self.dyn_o, self.dyn_i = dyn_o, dyn_i
        self.shape = (rows if dyn_o else outer, rows if dyn_i else inner)
        self.fields: dict[str, int] = {"cnt_o": outer, "cnt_i": inner, "dyn_o": int(dyn_o), "dyn_i": int(dyn_i)}

    # -- operands

    def source(self, x: str, choices: Sequence[Src]) -> bool:
        """Draw the space of operand ``x``, and its addresses; False if there is no room."""
        space = self.room.pick(*choices)
        self.fields[f"{x}_sp"] = space
        if space == Src.IMM:
            self.fields[f"{x}_base"] = int(bf16_from_float(self.room.rng.normal()))
        elif space != Src.NONE:
            return self._place(self.room, x, space.name, read=True)
        return True

    def own(self, x: str, base: int, stride: int, shift: int) -> str:
        """Operand ``x`` reads VEC where the results go, ``shift`` lines before; returns an operand still free."""
        self.fields |= {f"{x}_sp": Src.VEC, "r_sp": Dst.VEC, f"{x}_base": base, "r_base": base + shift}
        self.fields |= {f"{x}_so": stride, "r_so": stride, f"{x}_si": 1, "r_si": 1}
        return "b" if x == "a" else "a"

    # -- arithmetic

    def arithmetic(self, reds: Sequence[Red], acts: Sequence[Act]) -> None:
        """Draw signs, combination, reduction and activation."""
        pick = self.room.pick
        self.fields |= {"p_neg": pick(0, 1), "c_neg": pick(0, 1), "combine": pick(*Combine), "red": pick(*reds)}
        self.fields["act"] = pick(*acts)

    # -- results

    def line(self, space: Dst, strides: Sequence[Sequence[int]] | None = None) -> bool:
        """Results as lines; False if there is no room."""
        if not self._place(self.into, "r", space.name, strides=strides):
            return False
        self.fields["r_sp"] = space
        return True

    def in_place(self, x: str) -> None:
        """Results go where operand ``x``, of VEC, was read."""
        self.fields |= {f"r{part}": self.fields[f"{x}{part}"] for part in _ADDRESS}

    def blocks(self, mode: Conv, space: ConvDst) -> bool:
        """Results as blocks; False if there is no room."""
        outer, inner = self.shape
        each = -(-inner * self.core.L // self.core.K) if mode == Conv.ROWS else self.core.L
        strides = [[each, each, 1, each + 1], [1, 1, outer]]
        found = self.into.span(space.name, (outer, each), self._wider(strides, each))
        if found is None:
            return False
        self.fields["v_base"], (self.fields["v_so"], self.fields["v_si"]) = found
        self.fields |= {"v_mode": mode, "v_sp": space}
        return True

    # -- what does not count

    def noise(self) -> None:
        """Random values in the fields that such a VECTOR does not use."""
        f = self.fields
        unused = []
        for x in OPERANDS:
            space = f.get(f"{x}_sp", Src.NONE)
            if space == Src.NONE:
                unused += [f"{x}{part}" for part in _ADDRESS]
            elif space == Src.IMM:
                unused += [f"{x}_so", f"{x}_si"]
            elif space == Src.RXB:
                unused += [f"{x}_so"] * self.dyn_o + [f"{x}_si"] * self.dyn_i
        if f.get("r_sp", Dst.NONE) == Dst.NONE:
            unused += [f"r{part}" for part in _ADDRESS]
        if f.get("v_mode", Conv.NONE) == Conv.NONE:
            unused += ["v_sp", *(f"v{part}" for part in _ADDRESS)]
        for name in unused:
            _, width = LAYOUT[Op.VECTOR][name]
            f[name] = int(self.room.rng.integers(1 << width))

    # --

    def _place(
        self, room: Room, x: str, space: str, read: bool = False, strides: Sequence[Sequence[int]] | None = None
    ) -> bool:
        outer, inner = counts = self.shape
        if strides is None:
            if space == "TXB":
                width = self.core.TX_LINES
                strides = [[width], [1, 1, 0]] if self.dyn_o else [[1, 0], [width]] if self.dyn_i else None
                strides = strides or [[0, 1, inner], [0, 1]]
            elif space == "RXB":
                strides = [[0], [0, 1, 1, 2]] if self.dyn_o else [[0, 1, 1, 2], [0]]
            else:
                strides = self.strides()
        if space == "RXB":
            counts = (1, inner) if self.dyn_o else (outer, 1)
        found = room.span(space, counts, strides, read)
        if found is None:
            return False
        self.fields[f"{x}_base"], (self.fields[f"{x}_so"], self.fields[f"{x}_si"]) = found
        return True

    def strides(self) -> Sequence[Sequence[int]]:
        """Candidates for the two strides of lines: in a row, over and over the same, with gaps, crosswise."""
        outer, inner = self.shape
        strides = [[inner, inner, 1, 0, inner + 1, 2 * inner], [1, 1, 1, 0, 2, outer]]
        return self._wider(strides, inner)

    def _wider(self, strides: list[list[int]], each: int) -> list[list[int]]:
        if not self.wide:
            return strides
        return [[*strides[0], 0, int(self.room.rng.integers(40)), 2 * each + 3], [*strides[1], 0, 3]]


@dataclass(frozen=True)
class Mix:
    """What a VECTOR is drawn from: a choice that stands there twice is drawn twice as often."""

    a: Sequence[Src]
    b: Sequence[Src]
    c: Sequence[Src]
    d: Sequence[Src]
    results: Sequence[Dst] = (Dst.NONE, *Dst)
    modes: Sequence[Conv] = (Conv.NONE, *Conv)
    blocks: Sequence[ConvDst] = tuple(ConvDst)
    reds: Sequence[Red] = (Red.NONE, *Red)
    acts: Sequence[Act] = (*[Act.NONE] * 4, *Act)


def draw(draft: Draft, mix: Mix) -> bool:
    """Draw all that a draft has not yet; False if there is no room for an operand or a result."""
    for x in OPERANDS:
        if f"{x}_sp" not in draft.fields and not draft.source(x, getattr(mix, x)):
            return False
    draft.arithmetic(mix.reds, mix.acts)
    space = draft.room.pick(*mix.results)
    if space != Dst.NONE and not draft.line(space):
        return False
    mode = draft.room.pick(*mix.modes)
    return mode == Conv.NONE or draft.blocks(mode, draft.room.pick(*mix.blocks))
