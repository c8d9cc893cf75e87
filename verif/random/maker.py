"""Makes one random program, an instruction at a time, each admitted by the ledger."""

from __future__ import annotations

from collections import Counter

import numpy as np

from equinox_core.dram_layout import block_beats
from equinox_core.hw.pipeline import line_stage
from equinox_core.isa.encoding import (
    UNIT_OF_OP,
    Act,
    ASpace,
    BSpace,
    Combine,
    Conv,
    ConvDst,
    Dst,
    Instr,
    LdDst,
    Op,
    Red,
    Src,
    StSrc,
    make,
)
from verif.random.case import Line
from verif.random.knobs import Knobs, Range
from verif.random.layout import COMMON, LOADED
from verif.random.ledger import Ledger, Refused
from verif.random.vectors import OPERANDS, Draft, Room, Windows

OPS = {"vector": Op.VECTOR, "own_lines": Op.VECTOR, "matmul": Op.MATMUL, "load": Op.LOAD, "store": Op.STORE}  # by kind
TRIES = 60  # draws of an instruction until one is legal
SUPPLIES = 4  # how far back a missing operand is supplied


class Maker:
    """One program under way.

    ``windows[space]`` are the address ranges that its operands lie in; ``constant``: only instructions whose operands
    are the same in every context (what a service may do with buffers that all contexts share).
    """

    def __init__(self, rng: np.random.Generator, knobs: Knobs, ledger: Ledger, windows: Windows) -> None:
        self.rng, self.knobs, self.ledger, self.windows = rng, knobs, ledger, windows
        self.cfg, self.training = ledger.cfg, ledger.training
        self.room = Room(rng, windows, knobs.edge, lambda space: ledger.known[ledger.rows[-1]].get(space))
        self.pick, self.span = self.room.pick, self.room.span
        self.lines: list[Line] = []
        self.constant = False
        self.missing: Counter[str] = Counter()  # spaces where refused instructions found no value

    # -- drawing -------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def count(self, limits: Range, most: int | None = None) -> int:
        """A number in a range, small ones more often."""
        low, high = limits
        high = max(low, high if most is None else min(high, most))
        return min(
            high if most is None else most,
            int(self.rng.integers(low, (high if self.chance(0.3) else min(high, low + 4)) + 1)),
        )

    # -- emitting ------------------------------------------------------------------------------------------------

    def admit(self, ins: Instr) -> bool:
        """Append an instruction if it is legal; else note what is missing."""
        try:
            self.ledger.admit(ins)
        except Refused as why:
            self.missing[why.space] += 1
            return False
        unit = UNIT_OF_OP[ins.op]
        if self.chance(self.knobs.nop):
            self.lines.append(Line(make(Op.NOP), unit))
        self.lines.append(Line(ins, unit, self.chance(self.knobs.fence)))
        return True

    def emit(self, kind: str, to: str = "", deep: int = 0) -> bool:
        """Draw instructions of a kind (of ``OPS``), with result in space ``to`` where it is given, until one is legal.

        What is missing for it is supplied; False if that does not help either.
        """
        for _ in range(SUPPLIES):
            self.missing = Counter()
            for _ in range(TRIES):
                fields = getattr(self, kind)(to)
                if fields is not None and self.admit(make(OPS[kind], **fields)):
                    return True
            del self.missing[""]
            wanted = [space for space, _ in self.missing.most_common()]
            if deep >= SUPPLIES or not any(self.supply(space, deep + 1) for space in wanted):
                return False
        return False

    def supply(self, space: str, deep: int = 0) -> bool:
        """Append something that writes to a space."""
        if space not in self.windows or space in ("CST", "RXB"):
            return False
        if space in LOADED.values():
            return self.emit("load", space, deep)
        if space == "ACC":
            return self.emit("matmul", space, deep)
        before, self.constant = self.constant, self.constant or (space in COMMON and not self.training)
        done = self.emit("vector", space, deep)
        self.constant = before
        return done

    # -- instructions --------------------------------------------------------------------------------------------

    def own_lines(self, to: str) -> dict[str, int] | None:
        """Fields of a VECTOR that reads what it writes itself: chains, and lines that are added to over and over.

        The distance is the shortest legal one or little more; now and then lines are read before they are written.
        """
        if "VEC" not in self.windows or to:
            return None
        near = line_stage(self.cfg.L) + 1
        low, high = self.pick(*self.windows["VEC"])
        x = str(self.pick(*OPERANDS))
        if near < self.cfg.K and self.chance(0.5):
            outer, inner, stride, shift = self.count((2, 5)), near + self.pick(0, 0, 1), 0, 0
        else:
            lines = near + self.pick(1, 2, 5)
            inner = self.pick(1, 2, 4, self.cfg.K)
            outer, stride, shift = -(-lines // inner), inner, self.pick(near, near, near + 1, -1, -near)
        size = (outer - 1) * stride + inner  # of what the operand reads, and of the results
        known = self.ledger.known[self.ledger.rows[-1]]["VEC"][low : high - max(0, shift)]
        whole = np.flatnonzero(np.convolve(known, np.ones(size, int), "valid") == size) if len(known) >= size else []
        begins = [low + int(at) for at in whole if at >= max(0, -shift)]
        if not begins:
            self.missing["VEC"] += 1
            return None
        draft = Draft(self.room, self.cfg, outer, inner)
        other = draft.own(x, self.pick(*begins), stride, shift)
        draft.fields |= {"combine": self.pick(*Combine), "p_neg": self.pick(0, 1)}
        draft.fields["red"] = self.pick(Red.NONE, Red.NONE, *Red)
        done = draft.source(other, [Src.CST, *([Src.ACC] if other == "a" else [Src.IMM])])
        return draft.fields if done else None

    def vector(self, to: str) -> dict[str, int] | None:
        """Fields of a VECTOR; those that fill a buffer (``to``) are simple and large."""
        k, training, fill = self.cfg.K, self.training or self.constant, bool(to) and self.chance(0.7)
        outer, inner = self.count(self.knobs.outer), self.count(self.knobs.inner, k)
        if fill:
            outer, inner = self.pick(4, 8, 12), self.pick(2, 4, min(8, k))
        dyn = 0 if training else self.pick(0, 1, 1, 2)
        draft = Draft(self.room, self.cfg, outer, inner, dyn_o=dyn == 1, dyn_i=dyn == 2, rows=self.cfg.N)
        fp32 = [Src.STG] if "STG" in self.windows else []
        sources = [Src.CST, *fp32, *([] if self.constant else [Src.VEC, Src.VEC, Src.ACC, Src.ACC])]
        rxb = [Src.RXB] * 3 if dyn else []
        if not draft.source("a", [Src.NONE, *sources, *sources, *rxb] if not fill else [Src.CST, *fp32, *fp32, *rxb]):
            return None
        quiet = fill and self.chance(0.7)
        bf16 = [Src.CST, *([] if self.constant else [Src.VEC])]
        for x, legal in (
            ("b", [Src.NONE, Src.NONE, Src.IMM, *bf16]),
            ("c", [Src.NONE, Src.NONE, *sources]),
            ("d", [Src.NONE, Src.NONE, *sources]),
        ):
            if not quiet and not draft.source(x, legal):
                return None
        if not quiet:
            draft.arithmetic((Red.NONE, Red.NONE, *Red), (*[Act.NONE] * 6, *Act))
        return draft.fields if self._results(draft, to) else None

    def _results(self, draft: Draft, to: str) -> bool:
        """R and V of a VECTOR."""
        blocks = [c for c in ConvDst if c.name in self.windows and (self.constant or self.training or c.name == "ACTC")]
        lines = [d for d in Dst if d.name in self.windows and (self.training or self.constant or d != Dst.SOF)]
        if self.constant:
            lines, blocks = [d for d in lines if d == Dst.SOF], [c for c in blocks if c != ConvDst.ACTC]
        want_block = to in ConvDst.__members__
        want_line = to in Dst.__members__
        if want_line or (lines and not want_block and self.chance(0.75)):
            if not draft.line(Dst[to] if want_line else self.pick(*lines)):
                return False
        if want_block or (blocks and self.chance(0.35 if "r_sp" in draft.fields else 0.9)):
            v = ConvDst[to] if want_block else self.pick(*blocks)
            mode = self.pick(Conv.ROWS, Conv.COLS, Conv.COLS if v == ConvDst.WGTC else Conv.ROWS)
            if not draft.blocks(mode, v):
                return False
        return "r_sp" in draft.fields or "v_mode" in draft.fields

    def matmul(self, to: str) -> dict[str, int] | None:
        """Fields of a MATMUL."""
        m, lanes, n = self.cfg.M, self.cfg.L, self.cfg.N
        dyn = not self.training and self.chance(0.7)
        rows, groups, depth = self.count(self.knobs.rows), self.count(self.knobs.groups), self.count(self.knobs.depth)
        if to:
            groups, depth = self.pick(1, 2, 3), 1
        earlier = [line.ins for line in self.lines if line.ins.op == Op.MATMUL]
        accum = bool(earlier) and not to and self.chance(0.5)
        old = self.pick(*earlier) if accum and self.chance(0.8) else None  # adds to the lines of a product before
        if old is not None:
            dyn, rows, groups = bool(old.dyn_rows), old.rows or 1, old.n_g
        most = n if dyn else rows
        a_sp = self.pick(*[a for a in ASpace if a.name in self.windows])
        b_sp = self.pick(*[b for b in BSpace if b.name in self.windows])
        a = self.span(a_sp.name, (most, depth), [[1, 1, depth, 0, 2], [most, 1, 0, 1]], read=True)
        b = self.span(
            b_sp.name,
            (groups, depth, lanes // m),
            [[lanes, m, 0], [groups * lanes, lanes, m, 0], [m]],
            read=True,
            unit=m,
        )
        strides = [[0, 1], [0]] if self.chance(self.knobs.same_line) else [[1, 1, groups], [most, most, 1, most + 1]]
        c = self.span("ACC", (most, groups), strides, read=accum)
        if old is not None:
            c = old.c_base, [old.c_sr, old.c_sg]
        if a is None or b is None or c is None or b[1][2] != m:
            return None
        return {
            "dyn_rows": dyn,
            "accum": accum,
            "a_sp": a_sp,
            "b_sp": b_sp,
            "rows": 0 if dyn else rows,
            "n_g": groups,
            "n_k": depth,
            "a_base": a[0],
            "a_sr": a[1][0],
            "a_sk": a[1][1],
            "b_base": b[0],
            "b_sg": b[1][0],
            "b_sk": b[1][1],
            "c_base": c[0],
            "c_sr": c[1][0],
            "c_sg": c[1][1],
        }

    def load(self, to: str) -> dict[str, int] | None:
        """Fields of a LOAD: mostly lines from where lines are and blocks from where panels are,
        now and then anything.
        """
        sp = LdDst[to] if to else self.pick(*[s for s in LdDst if s.name in self.windows])
        return self._dma(sp, sp == LdDst.STG, LOADED[sp], load=True, fill=bool(to))

    def store(self, to: str) -> dict[str, int] | None:
        """Fields of a STORE into the program's room."""
        legal = [s for s in StSrc if s.name in self.windows]
        sp = self.pick(*legal) if legal else None
        return None if sp is None else self._dma(sp, sp == StSrc.SOF, sp.name, load=False, fill=False)

    def _dma(self, sp: int, lines: bool, space: str, load: bool, fill: bool) -> dict[str, int] | None:
        area, k, bus = self.ledger.area, self.cfg.K, self.cfg.BUS
        runs, length = self.count(self.knobs.runs), self.count(self.knobs.length)
        if fill:
            runs, length = 1, self.pick(16, 24, 2 * self.cfg.L)
        local = self.span(space, (runs, length), [[length, length, length + 1, 1, 0], [1]], read=not load)
        if local is None or (runs == 1 and length > 1 and local[1][1] != 1) or (length > 1 and local[1][1] != 1):
            return None
        size = length * 4 * self.cfg.L if lines else block_beats(length, k, bus) * bus
        if not load:
            low, high, unit = area.out, area.end, bus
        elif self.training and self.chance(0.1):
            low, high, unit = area.lines, area.end, bus  # what was stored before, or anything
        elif lines:
            low, high, unit = area.lines, area.blocks, 4 * self.cfg.L
        else:
            low, high, unit = area.blocks, area.out, (k + 1) * bus
        turns = self.ledger.turns
        strides = [[unit, unit, -(-size // unit) * unit, 0, 2 * unit], [unit, unit, 0, 2 * unit]]
        so, it = (int(self.pick(*s)) for s in strides)
        reach = (runs - 1) * so + (turns - 1) * it + size
        while reach > high - low and (so or it):
            so, it = so // 2 // unit * unit, it // 2 // unit * unit
            reach = (runs - 1) * so + (turns - 1) * it + size
        if reach > high - low:
            return None
        at = low + int(self.rng.integers((high - low - reach) // unit + 1)) * unit
        if self.chance(self.knobs.edge):
            at = low + (high - low - reach) // unit * unit
        if so and self.chance(0.25):  # downwards
            at, so = at + (runs - 1) * so, (1 << 32) - so
        return {
            "sp": sp,
            "n_o": runs,
            "len": length,
            "l_base": local[0],
            "l_so": local[1][0],
            "d_base": at,
            "d_so": so,
            "d_iter": it,
        }


def windows_of(
    maker_rng: np.random.Generator, sizes: dict[str, int], ends: dict[str, tuple[int, int]], far: float
) -> Windows:
    """Address ranges: ``sizes[space]`` from the start of what is the program's own, and (by chance ``far``) as many at
    its end.
    """
    out: Windows = {}
    for space, (low, high) in ends.items():
        size = min(sizes[space], high - low)
        if size < 1:
            continue
        out[space] = [(low, low + size)]
        if high - low > size and maker_rng.random() < far:
            out[space].append((high - size, high))
    return out
