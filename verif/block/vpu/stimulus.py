"""Random VECTOR instructions for the VPU's bench: legal ones, faulty ones, and where barriers are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from equinox_core.isa.encoding import Act, Conv, Dst, Instr, Op, Red, Src, make
from equinox_core.vector import VectorEnv, VectorFault, VectorPlan, plan_vector
from verif.block.vpu.model import Image, Size
from verif.random.vectors import Draft, Mix, Room, draw

MIX = Mix(
    a=(Src.VEC, Src.VEC, Src.CST, Src.ACC, Src.STG, Src.VEC, Src.NONE),
    b=(Src.NONE, Src.IMM, Src.VEC, Src.CST),
    c=(Src.NONE, Src.VEC, Src.VEC, Src.CST, Src.ACC, Src.STG),
    d=(Src.NONE, Src.NONE, Src.VEC, Src.VEC, Src.CST, Src.ACC, Src.STG),
    results=(Dst.NONE, Dst.VEC, Dst.VEC, Dst.SOF),
    modes=(Conv.NONE, Conv.ROWS, Conv.ROWS, Conv.COLS),
    reds=(Red.NONE, Red.NONE, *Red),
    acts=(Act.NONE, Act.NONE, *Act),
)


@dataclass(frozen=True)
class Region:
    """What a context may write (start, length; absolute), and the constants that it only reads."""

    vec: tuple[int, int]
    cst: tuple[int, int]
    sof: tuple[int, int]
    actc: tuple[int, int]
    wgtc: tuple[int, int]
    sob: tuple[int, int]


def regions(p: Size, share: int, index: int) -> Region:
    """Region ``index`` of ``share`` equal ones; the last quarter of VEC holds the constants of all."""

    def part(depth: int) -> tuple[int, int]:
        return depth // share * index, depth // share

    constants = p.VEC_DEPTH // 4
    return Region(
        part(p.VEC_DEPTH - constants),
        (p.VEC_DEPTH - constants, constants),
        part(p.SOF_DEPTH),
        part(p.ACTC_DEPTH),
        part(p.WGTC_DEPTH),
        part(p.SOB_DEPTH),
    )


class Generator:
    """Random instructions of one context."""

    def __init__(self, rng: np.random.Generator, p: Size, ctx: int, region: Region) -> None:
        self.rng, self.p, self.region = rng, p, region
        training = ctx >= p.C_INF
        self.acc_base = int(rng.integers(0, p.ACC_DEPTH // 2))
        self.env = VectorEnv(
            n=p.N,
            rx_lines=p.RX_LINES,
            tx_lines=p.TX_LINES,
            ctx=ctx,
            training=training,
            rows=0 if training else int(rng.integers(1, p.N + 1)),
            slots=rng.permutation(p.RX_SLOTS)[: p.N],
            vec_base=region.vec[0],
            acc_base=self.acc_base,
            actc_base=region.actc[0],
            c_base=region.cst[0],
        )
        (sof, sofs), (wgtc, wgtcs), (sob, sobs) = region.sof, region.wgtc, region.sob
        self.room = Room(
            rng,
            {
                "VEC": [(0, region.vec[1])],
                "CST": [(0, region.cst[1])],
                "ACC": [(0, p.ACC_DEPTH - self.acc_base)],
                "STG": [(0, p.STG_DEPTH)],
                "RXB": [(0, p.RX_LINES)],
                "TXB": [(0, p.N * p.TX_LINES)],
                "SOF": [(sof, sof + sofs)],
                "ACTC": [(0, region.actc[1])],
                "WGTC": [(wgtc, wgtc + wgtcs)],
                "SOB": [(sob, sob + sobs)],
            },
        )

    def _random(self, short: bool) -> Instr | None:
        """Fields of the header are random; None where there is no room."""
        rng, p, env = self.rng, self.p, self.env
        outer = int(rng.integers(1, 4 if short else 9))
        inner = int(rng.choice([1, 2, 3, p.K // p.L, p.L, p.K, rng.integers(1, p.K + 1)]))
        dyn_o, dyn_i = (not env.training and bool(rng.random() < 0.2) for _ in range(2))
        draft = Draft(
            self.room, p, outer, min(inner, 3) if short else inner, dyn_o=dyn_o, dyn_i=dyn_i, rows=env.rows, wide=True
        )
        mix = MIX if env.training else replace(MIX, results=(*MIX.results, Dst.TXB))
        if dyn_o != dyn_i and rng.random() < 0.6:
            mix = replace(mix, a=(Src.RXB,))
        if not draw(draft, mix):
            return None
        f = draft.fields
        if f["b_sp"] == Src.IMM and rng.random() < 0.7:
            f["b_base"] = int(rng.choice([0x3F80, 0xBF80, 0x3F00, 0x4000, 0, 0x7FC0, rng.integers(0, 1 << 16)]))
        if f.get("r_sp") == Dst.VEC and f["a_sp"] == Src.VEC and rng.random() < 0.3:
            draft.in_place("a")
        draft.noise()
        f |= {"signal": int(rng.integers(0, 1 << 16)), "wait": int(rng.integers(0, 1 << 16))}
        f |= {"step": int(rng.integers(0, 2)), "last": int(rng.integers(0, 2))}
        return make(Op.VECTOR, **f)

    def chain(self, x: str, distance: int) -> Instr:
        """An instruction whose operand ``x`` reads what the line ``distance`` lines before wrote."""
        p, rng = self.p, self.rng
        inner = int(rng.integers(1, min(p.K, 8) + 1))
        outer = -(-int(rng.integers(2, 3 * distance)) // inner) + -(-distance // inner)
        draft = Draft(self.room, p, outer, inner)
        other = draft.own(x, int(rng.integers(self.region.vec[1] - outer * inner - distance + 1)), inner, distance)
        if not draft.source(other, (Src.CST,)):
            raise AssertionError("no room for constants")
        draft.fields["red"] = int(rng.choice([0, 0, *Red]))
        return make(Op.VECTOR, **draft.fields)

    def legal(self, image: Image, short: bool = False, read_only: bool = False) -> Instr:
        """A random legal instruction that does not read what it has written itself (:meth:`chain` makes those that do).

        ``read_only``: it reads nothing that any instruction of the test writes.
        """
        while True:
            ins = self._random(short)
            if ins is None:
                continue
            try:
                plan = plan_vector(ins, image, self.env)
            except VectorFault:
                continue
            if plan.fault:
                raise AssertionError(f"generator: {plan.fault} in {ins}")
            if read_only and any(ins.fields[f"{x}_sp"] == Src.VEC for x in "abcd"):
                continue
            if not self_hazard(ins, plan):
                return ins

    def faulty(self, image: Image) -> Instr:
        """A random instruction that must be refused or stop at an address; it writes its own region only."""
        rng, p, env = self.rng, self.p, self.env
        while True:
            ins = self.legal(image)
            f = dict(ins.fields)
            kind = int(rng.integers(0, 16))
            if kind == 0:
                return make(Op(int(rng.choice([Op.MATMUL, Op.LOAD, Op.STORE]))), signal=f["signal"], step=f["step"])
            if kind == 1:
                f["a_sp"] = int(rng.choice([Src.IMM, 7]))
            elif kind == 2:
                f["b_sp"] = int(rng.choice([Src.ACC, Src.STG, Src.RXB, 7]))
            elif kind == 3:
                f[str(rng.choice(["c_sp", "d_sp"]))] = int(rng.choice([Src.RXB, Src.IMM, 7]))
            elif kind == 4:
                two = [str(x) for x in rng.permutation(["a_sp", "c_sp", "d_sp"])[:2]]
                f.update(dict.fromkeys(two, int(rng.choice([Src.ACC, Src.STG]))))
            elif kind == 5:
                f["c_sp"], f["d_sp"] = (int(x) for x in rng.choice([Src.VEC, Src.CST], 2))
            elif kind == 6:
                f["a_sp"] = int(Src.RXB)
                f["dyn_o"] = f["dyn_i"] = int(rng.integers(0, 2))
            elif kind == 7:
                f[str(rng.choice(["cnt_o", "cnt_i"]))] = 0
            elif kind == 8:
                f["cnt_i"] = int(rng.choice([p.K + 1, 4095]))
            elif kind == 9:
                f["act"] = int(rng.integers(9, 16))
            elif kind == 10:
                f["red"] = 3
            elif kind == 11:
                f["v_mode"] = 3
            elif kind == 12:
                f["v_sp"] = 3
            elif kind == 13:
                f.update([(("dyn_o", 1), ("dyn_i", 1), ("r_sp", int(Dst.TXB)))[int(rng.integers(0, 3))]])
            elif kind == 14:  # an address beyond the memory, at once or by a long stride
                x = str(rng.choice(list("abcdrv")))
                how = str(rng.choice(["base", "so", "si"]))
                f[f"{x}_{how}"] = 65535 if how == "base" else 4095
            else:  # a source that is never written runs off its memory's end
                x = str(rng.choice(list("abcd")))
                space = f[f"{x}_sp"]
                depth = {
                    Src.CST: p.VEC_DEPTH - env.c_base,
                    Src.ACC: p.ACC_DEPTH - env.acc_base,
                    Src.STG: p.STG_DEPTH,
                    Src.RXB: p.RX_LINES,
                }
                if space in depth:
                    f[f"{x}_base"] = depth[Src(space)] - int(rng.integers(1, 4))
            ins = make(Op.VECTOR, **f)
            try:
                plan = plan_vector(ins, image, env)
            except VectorFault:
                return ins
            if plan.fault and not self_hazard(ins, plan):
                return ins


def self_hazard(ins: Instr, plan: VectorPlan) -> bool:
    """Whether a line reads a VEC line that an earlier line of the instruction writes."""
    if ins.r_sp != Dst.VEC or plan.r is None or plan.good == 0:
        return False
    target, n = plan.r[1][: plan.good], plan.good
    first: dict[int, int] = {}
    for i, addr in enumerate(target.tolist()):
        first.setdefault(addr, i)
    for source in (plan.a, plan.b, plan.c, plan.d):
        if source is not None and source[0] in (Src.VEC, Src.CST):
            if any(first.get(addr, n) < i for i, addr in enumerate(source[2][:n].tolist())):
                return True
    return False


class Barriers:
    """Says before which instructions of a context all earlier ones must have completed."""

    def __init__(self) -> None:
        self.vec: set[int] = set()
        self.blocks: set[tuple[int, int]] = set()

    def needed(self, ins: Instr, image: Image, env: VectorEnv) -> bool:
        """Whether ``ins`` reads (or, for blocks, overwrites) what instructions under way write;
        note it as under way.
        """
        try:
            plan = plan_vector(ins, image, env)
        except VectorFault:
            return False
        reads: set[int] = set()
        for source in (plan.a, plan.b, plan.c, plan.d):
            if source is not None and source[0] in (Src.VEC, Src.CST):
                reads.update(source[2].tolist())
        writes = set(plan.r[1].tolist()) if plan.r is not None and ins.r_sp == Dst.VEC else set()
        blocks = {(ins.v_sp, a) for a in plan.v[1].tolist()} if plan.v is not None else set()
        wait = bool(reads & self.vec or blocks & self.blocks)
        if wait:
            self.vec, self.blocks = set(), set()
        self.vec |= writes
        self.blocks |= blocks
        return wait
