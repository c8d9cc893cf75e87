"""Makes one random program, an instruction at a time, each admitted by the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
from equinox_core.numerics import bf16_from_float
from verif.random.case import Line
from verif.random.knobs import Knobs, Range
from verif.random.layout import COMMON, LOADED
from verif.random.ledger import Ledger, Refused

OPS = {"vector": Op.VECTOR, "own_lines": Op.VECTOR, "matmul": Op.MATMUL, "load": Op.LOAD, "store": Op.STORE}  # by kind
TRIES = 60  # draws of an instruction until one is legal
SUPPLIES = 4  # how far back a missing operand is supplied
Windows = dict[str, list[tuple[int, int]]]
_SOURCES = {Src.VEC: "VEC", Src.CST: "CST", Src.ACC: "ACC", Src.STG: "STG", Src.RXB: "RXB"}
_RESULTS = {Dst.VEC: "VEC", Dst.TXB: "TXB", Dst.SOF: "SOF"}


class Maker:
    """One program under way.

    ``windows[space]`` are the address ranges that its operands lie in; ``constant``: only instructions whose operands
    are the same in every context (what a service may do with buffers that all contexts share).
    """

    def __init__(self, rng: np.random.Generator, knobs: Knobs, ledger: Ledger, windows: Windows) -> None:
        self.rng, self.knobs, self.ledger, self.windows = rng, knobs, ledger, windows
        self.cfg, self.training = ledger.cfg, ledger.training
        self.lines: list[Line] = []
        self.constant = False
        self.missing: Counter[str] = Counter()  # spaces where refused instructions found no value
        self.shape = (1, 1)  # segments and lines of the VECTOR under way, with full batches

    # -- drawing -------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def count(self, limits: Range, most: int | None = None) -> int:
        """A number in a range, small ones more often."""
        low, high = limits
        high = max(low, high if most is None else min(high, most))
        return min(
            high if most is None else most,
            int(self.rng.integers(low, (high if self.chance(0.3) else min(high, low + 4)) + 1)),
        )

    def span(
        self, space: str, counts: Sequence[int], strides: Sequence[Sequence[int]], read: bool, unit: int = 1
    ) -> tuple[int, list[int]] | None:
        """Base and strides of a grid of addresses in one of the space's windows; None where it has none, or no room.

        ``strides`` are candidates for each axis; ``unit`` divides all of them and the base. A grid that is read begins
        where something was written.
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
        if self.chance(self.knobs.edge):
            return last, chosen
        if read:
            table = self.ledger.known[self.ledger.rows[-1]].get(space)
            found = np.flatnonzero(table[low : last + 1]) if table is not None else []
            if len(found):
                return (low + int(self.pick(*found))) // unit * unit, chosen
        first = -(-low // unit) * unit
        return first + int(self.rng.integers((last - first) // unit + 1)) * unit, chosen

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
        x = str(self.pick("a", "b", "c", "d"))
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
        f: dict[str, int] = {"cnt_o": outer, "cnt_i": inner, f"{x}_sp": Src.VEC, "r_sp": Dst.VEC}
        base = self.pick(*begins)
        f |= {f"{x}_base": base, "r_base": base + shift, f"{x}_so": stride, "r_so": stride, f"{x}_si": 1, "r_si": 1}
        f |= {"combine": self.pick(*Combine), "p_neg": self.pick(0, 1), "red": self.pick(Red.NONE, Red.NONE, *Red)}
        self.shape = (outer, inner)
        other = "b" if x == "a" else "a"
        return f if self.source(f, other, [Src.CST, *([Src.ACC] if other == "a" else [Src.IMM])]) else None

    def vector(self, to: str) -> dict[str, int] | None:
        """Fields of a VECTOR; those that fill a buffer (``to``) are simple and large."""
        k, training, fill = self.cfg.K, self.training or self.constant, bool(to) and self.chance(0.7)
        outer, inner = self.count(self.knobs.outer), self.count(self.knobs.inner, k)
        if fill:
            outer, inner = self.pick(4, 8, 12), self.pick(2, 4, min(8, k))
        dyn = 0 if training else self.pick(0, 1, 1, 2)
        f: dict[str, int] = {"cnt_o": outer, "cnt_i": inner, "dyn_o": dyn == 1, "dyn_i": dyn == 2}
        self.shape = (self.cfg.N if dyn == 1 else outer, self.cfg.N if dyn == 2 else inner)
        fp32 = [Src.STG] if "STG" in self.windows else []
        sources = [Src.CST, *fp32, *([] if self.constant else [Src.VEC, Src.VEC, Src.ACC, Src.ACC])]
        rxb = [Src.RXB] * 3 if dyn else []
        if not self.source(f, "a", [Src.NONE, *sources, *sources, *rxb] if not fill else [Src.CST, *fp32, *fp32, *rxb]):
            return None
        quiet = fill and self.chance(0.7)
        bf16 = [Src.CST, *([] if self.constant else [Src.VEC])]
        for x, legal in (
            ("b", [Src.NONE, Src.NONE, Src.IMM, *bf16]),
            ("c", [Src.NONE, Src.NONE, *sources]),
            ("d", [Src.NONE, Src.NONE, *sources]),
        ):
            if not quiet and not self.source(f, x, legal):
                return None
        if not quiet:
            f |= {
                "p_neg": self.pick(0, 1),
                "c_neg": self.pick(0, 1),
                "combine": self.pick(*Combine),
                "red": self.pick(Red.NONE, Red.NONE, *Red),
            }
            f["act"] = self.pick(*[Act.NONE] * 6, *Act)
        return f if self._results(f, to) else None

    def source(self, f: dict[str, int], x: str, legal: list[Src]) -> bool:
        """Draw an operand of the VECTOR of :attr:`shape` into its fields; False if there is no room."""
        space = self.pick(*legal)
        f[f"{x}_sp"] = space
        if space == Src.IMM:
            f[f"{x}_base"] = int(bf16_from_float(self.rng.normal()))
        elif space != Src.NONE:
            return self._operand(f, x, _SOURCES[space], read=True)
        return True

    def _operand(self, f: dict[str, int], x: str, space: str, read: bool = False) -> bool:
        outer, inner = self.shape
        if space == "TXB":
            width = self.cfg.TX_LINES
            strides = (
                [[width], [1, 1, 0]] if f["dyn_o"] else [[1, 0], [width]] if f["dyn_i"] else [[0, 1, inner], [0, 1]]
            )
        elif space == "RXB":
            strides = [[0], [0, 1, 1, 2]] if f["dyn_o"] else [[0, 1, 1, 2], [0]]
        else:
            strides = [[inner, inner, 1, 0, inner + 1, 2 * inner], [1, 1, 1, 0, 2, outer]]
        counts = (outer, inner)
        if space == "RXB":
            counts = (1, inner) if f["dyn_o"] else (outer, 1)
        found = self.span(space, counts, strides, read)
        if found is None:
            return False
        f[f"{x}_base"], (f[f"{x}_so"], f[f"{x}_si"]) = found
        return True

    def _results(self, f: dict[str, int], to: str) -> bool:
        """R and V of a VECTOR."""
        blocks = [c for c in ConvDst if c.name in self.windows and (self.constant or self.training or c.name == "ACTC")]
        lines = [
            d
            for d, space in _RESULTS.items()
            if space in self.windows and (self.training or self.constant or d != Dst.SOF)
        ]
        if self.constant:
            lines, blocks = [d for d in lines if d == Dst.SOF], [c for c in blocks if c != ConvDst.ACTC]
        want_block = to in ConvDst.__members__
        want_line = to in _RESULTS.values()
        if want_line or (lines and not want_block and self.chance(0.75)):
            r = Dst[to] if want_line else self.pick(*lines)
            if not self._operand(f, "r", _RESULTS[r]):
                return False
            f["r_sp"] = r
        if want_block or (blocks and self.chance(0.35 if "r_sp" in f else 0.9)):
            v = ConvDst[to] if want_block else self.pick(*blocks)
            outer, inner = self.shape
            mode = self.pick(Conv.ROWS, Conv.COLS, Conv.COLS if v == ConvDst.WGTC else Conv.ROWS)
            each = -(-inner * self.cfg.L // self.cfg.K) if mode == Conv.ROWS else self.cfg.L
            found = self.span(v.name, (outer, each), [[each, each, 1, each + 1], [1, 1, outer]], read=False)
            if found is None:
                return False
            f["v_base"], (f["v_so"], f["v_si"]) = found
            f |= {"v_mode": mode, "v_sp": v}
        return "r_sp" in f or "v_mode" in f

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
        area, k = self.ledger.area, self.cfg.K
        runs, length = self.count(self.knobs.runs), self.count(self.knobs.length)
        if fill:
            runs, length = 1, self.pick(16, 24, 2 * self.cfg.L)
        local = self.span(space, (runs, length), [[length, length, length + 1, 1, 0], [1]], read=not load)
        if local is None or (runs == 1 and length > 1 and local[1][1] != 1) or (length > 1 and local[1][1] != 1):
            return None
        size = length * 4 * self.cfg.L if lines else block_beats(length, k) * k
        if not load:
            low, high, unit = area.out, area.end, k
        elif self.training and self.chance(0.1):
            low, high, unit = area.lines, area.end, k  # what was stored before, or anything
        elif lines:
            low, high, unit = area.lines, area.blocks, 4 * self.cfg.L
        else:
            low, high, unit = area.blocks, area.out, (k + 1) * k
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
