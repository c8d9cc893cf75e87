"""Random VECTOR instructions for the VPU's bench: legal ones, faulty ones, and where barriers are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equinox_core.isa.encoding import Act, Conv, ConvDst, Dst, Instr, Op, Red, Src, make
from equinox_core.vector import VectorEnv, VectorFault, VectorPlan, plan_vector
from verif.block.vpu.vpu_mem import Image, Size


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

    def _fit(self, length: int, cnt_o: int, cnt_i: int) -> tuple[int, int, int]:
        """Random base and strides so that all addresses stay below ``length``."""
        rng = self.rng
        for _ in range(20):
            si = int(rng.choice([1, 1, 1, 0, 2, 3]))
            so = int(rng.choice([cnt_i * si, cnt_i * si, 0, 1, rng.integers(0, 40), cnt_i * si + 3]))
            extent = so * (cnt_o - 1) + si * (cnt_i - 1)
            if extent < length:
                return int(rng.integers(0, length - extent)), so, si
        return int(rng.integers(0, length)), 0, 0

    def _set(self, f: dict[str, int], name: str, length: int, cnt_o: int, cnt_i: int) -> None:
        f[f"{name}_base"], f[f"{name}_so"], f[f"{name}_si"] = self._fit(length, cnt_o, cnt_i)

    def _random(self, short: bool) -> Instr:
        rng, p, region, env = self.rng, self.p, self.region, self.env
        f: dict[str, int] = {"signal": int(rng.integers(0, 1 << 16)), "step": int(rng.integers(0, 2))}
        f["last"], f["wait"] = int(rng.integers(0, 2)), int(rng.integers(0, 1 << 16))
        f["cnt_o"] = int(rng.integers(1, 4 if short else 9))
        f["cnt_i"] = int(rng.choice([1, 2, 3, p.K // p.L, p.L, p.K, rng.integers(1, p.K + 1)]))
        if short:
            f["cnt_i"] = min(f["cnt_i"], 3)
        if not env.training:
            f["dyn_o"], f["dyn_i"] = int(rng.random() < 0.2), int(rng.random() < 0.2)
        cnt_o = env.rows if f.get("dyn_o") else f["cnt_o"]
        cnt_i = env.rows if f.get("dyn_i") else f["cnt_i"]

        sources = [Src.NONE, Src.VEC, Src.VEC, Src.CST, Src.ACC, Src.STG]
        f["a_sp"] = int(rng.choice([*sources[1:], Src.VEC, Src.NONE]))
        f["b_sp"] = int(rng.choice([Src.NONE, Src.IMM, Src.VEC, Src.CST]))
        f["c_sp"], f["d_sp"] = int(rng.choice(sources)), int(rng.choice([Src.NONE, *sources]))
        if not env.training and (f["dyn_o"] + f["dyn_i"] == 1) and rng.random() < 0.6:
            f["a_sp"] = int(Src.RXB)
        lengths = {
            Src.VEC: region.vec[1],
            Src.CST: region.cst[1],
            Src.ACC: p.ACC_DEPTH - self.acc_base,
            Src.STG: p.STG_DEPTH,
        }
        for name in "abcd":
            space = f[f"{name}_sp"]
            if space in lengths:
                self._set(f, name, lengths[Src(space)], cnt_o, cnt_i)
        if f["b_sp"] == Src.IMM:
            f["b_base"] = int(rng.choice([0x3F80, 0xBF80, 0x3F00, 0x4000, 0, 0x7FC0, rng.integers(0, 1 << 16)]))
            f["b_so"], f["b_si"] = int(rng.integers(0, 4096)), int(rng.integers(0, 4096))
        if f["a_sp"] == Src.RXB:
            base, so, si = self._fit(p.RX_LINES, 1 if f["dyn_o"] else cnt_o, 1 if f["dyn_i"] else cnt_i)
            f["a_base"] = base
            f["a_so"] = int(rng.integers(0, 4096)) if f["dyn_o"] else so
            f["a_si"] = int(rng.integers(0, 4096)) if f["dyn_i"] else si

        f["p_neg"], f["c_neg"], f["combine"] = (int(x) for x in rng.integers(0, 2, 3))
        f["act"] = int(rng.choice([Act.NONE, Act.NONE, *Act]))
        f["red"] = int(rng.choice([Red.NONE, Red.NONE, *Red]))
        f["r_sp"] = int(rng.choice([Dst.NONE, Dst.VEC, Dst.VEC, Dst.SOF] + ([] if env.training else [Dst.TXB])))
        room = {Dst.VEC: region.vec[1], Dst.SOF: region.sof[1], Dst.TXB: p.N * p.TX_LINES}
        if f["r_sp"] != Dst.NONE:
            self._set(f, "r", room[Dst(f["r_sp"])], cnt_o, cnt_i)
            if f["r_sp"] == Dst.SOF:
                f["r_base"] += region.sof[0]
            if f["r_sp"] == Dst.VEC and f["a_sp"] == Src.VEC and rng.random() < 0.3:  # in place
                for x in ("base", "so", "si"):
                    f[f"r_{x}"] = f[f"a_{x}"]
        f["v_mode"] = int(rng.choice([Conv.NONE, Conv.ROWS, Conv.ROWS, Conv.COLS]))
        f["v_sp"] = int(rng.choice(list(ConvDst))) if f["v_mode"] else int(rng.integers(0, 4))
        if f["v_mode"]:
            start, length = {ConvDst.ACTC: (0, region.actc[1]), ConvDst.WGTC: region.wgtc, ConvDst.SOB: region.sob}[
                ConvDst(f["v_sp"])
            ]
            inner = p.L if f["v_mode"] == Conv.COLS else -(-cnt_i // (p.K // p.L))
            self._set(f, "v", length, cnt_o, inner)
            f["v_base"] += start
        return make(Op.VECTOR, **f)

    def chain(self, x: str, distance: int) -> Instr:
        """An instruction whose operand ``x`` reads what the line ``distance`` lines before wrote."""
        p, rng = self.p, self.rng
        inner = int(rng.integers(1, min(p.K, 8) + 1))
        outer = -(-int(rng.integers(2, 3 * distance)) // inner) + -(-distance // inner)
        other = "b" if x == "a" else "a"
        room = self.region.vec[1] - outer * inner - distance
        f = {"cnt_o": outer, "cnt_i": inner, f"{x}_sp": Src.VEC, f"{other}_sp": Src.CST, "r_sp": Dst.VEC}
        f |= {
            "red": int(rng.choice([0, 0, *Red])),
            f"{other}_base": int(rng.integers(self.region.cst[1])),
            f"{x}_base": int(rng.integers(room + 1)),
        }
        f |= {f"{y}_{stride}": inner if stride == "so" else 1 for y in (x, "r") for stride in ("so", "si")}
        return make(Op.VECTOR, r_base=f[f"{x}_base"] + distance, **f)

    def legal(self, image: Image, short: bool = False, read_only: bool = False) -> Instr:
        """A random legal instruction that does not read what it has written itself (:meth:`chain` makes those that do).

        ``read_only``: it reads nothing that any instruction of the test writes.
        """
        while True:
            ins = self._random(short)
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
