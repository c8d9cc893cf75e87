"""Functional coverage of the scheduler and of the instruction set, sampled from what the probe and the buses report.

Bins are plain counters, merged over runs by the coverage report (``make cov``).
"""
from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from pyuvm import ConfigDB, uvm_component, uvm_subscriber

from models.isa.encoding import Act, ASpace, BSpace, Combine, Conv, ConvDst, Dst, Err, Instr, LdDst, Op, Red, Src, Status, StSrc, Unit
from models.isa.program import Program
from verif.agents.response_agent import Response
from verif.agents.train_agent import IDLE, StepEvent, TrainCommand, TrainItem
from verif.agents.unit_agent import BatchEvent
from verif.lib import coverage

MODES = ("inference_only", "fair", "priority")
FILLS = ("one", "partial", "full")
KINDS = ("inference", "training")
FIRSTS = {  # operands of VECTOR and their legal spaces
    "a": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG, Src.RXB),
    "b": (Src.NONE, Src.VEC, Src.CST, Src.IMM),
    "c": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG),
    "d": (Src.NONE, Src.VEC, Src.CST, Src.ACC, Src.STG),
}


def few(count: int) -> str:
    """Bins of a count."""
    return "1" if count == 1 else "2..7" if count < 8 else "8.."


FEW = ("1", "2..7", "8..")


class Point:
    """A cover point: all its bins, each with its hits."""

    def __init__(self, bins: Iterable[str]) -> None:
        self.bins = dict.fromkeys(bins, 0)

    def hit(self, name: str, times: int = 1) -> None:
        """Count; a bin that was not foreseen is an error of the model.

        Raises:
            KeyError: no such bin.
        """
        self.bins[name] += times


class Group:
    """Named cover points."""

    def __init__(self, **points: Iterable[str]) -> None:
        self.points = {name: Point(bins) for name, bins in points.items()}

    def hit(self, point: str, *parts: object, times: int = 1) -> None:
        """Count a bin, whose name is its parts joined."""
        self.points[point].hit(" ".join(map(str, parts)), times)

    def to_dict(self) -> dict[str, dict[str, int]]:
        return {name: point.bins for name, point in self.points.items()}


def cross(*axes: Iterable[object]) -> list[str]:
    """Names of the bins of a cross."""
    return [" ".join(map(str, parts)) for parts in product(*axes)]


def names(enum) -> list[str]:
    return [e.name for e in enum]


def scheduler_group(n: int, c_inf: int, services: int) -> Group:
    """Batches, answers and training as the scheduler makes them."""
    inf = [f"{k} at work" for k in range(c_inf)]
    return Group(
        mode=cross(MODES, ("with training", "without training")),
        batch=cross(MODES, FILLS, inf, ("with training", "without training")),
        rows=[f"{r} of {n}" for r in range(1, n + 1)],
        service=cross(range(services), (f"in context {c}" for c in range(c_inf))),
        status=names(Status),
        training=("started", "step", "drained", "killed", "ran to its end", "stopped by an error"),
        error=cross(KINDS, (e.name for e in Err if e is not Err.NONE)),
        error_unit=names(Unit),
    )


def isa_group() -> Group:
    """Instructions executed, by opcode and by every field that selects what is done."""
    return Group(
        opcode=cross(KINDS, names(Op)),
        matmul_a=cross(KINDS, names(ASpace)), matmul_b=cross(KINDS, names(BSpace)),
        matmul_form=cross(("accumulates", "overwrites"), ("fixed rows", "batch's rows")),
        matmul_k=[f"n_k {v}" for v in FEW], matmul_g=[f"n_g {v}" for v in FEW],
        **{f"vector_{x}": names(spaces) for x, spaces in FIRSTS.items()},
        vector_act=names(Act), vector_red=names(Red),
        vector_combine=cross(names(Combine), ("plain", "p negated"), ("plain", "z negated")),
        vector_result=names(Dst),
        vector_convert=["NONE", *cross([m.name for m in Conv if m is not Conv.NONE], names(ConvDst))],
        vector_dyn=("none", "outer", "inner"),
        vector_pass=cross(("no product", "product"), ("no sum", "sum"), ("no act", "act"), ("no product 2", "product 2"), ("no reduction", "reduction")),
        load=names(LdDst), store=names(StSrc),
        dma_runs=cross(("LOAD", "STORE"), ("one run", "several runs")),
        dma_step=cross(("LOAD", "STORE"), ("same place", "next place each iteration")),
        waits=("0", "1", "2..", ), signals=("0", "1", "2.."), step=("no", "yes"),
    )


def covergroups() -> coverage.Groups:
    """The groups with all bins, of a core of the largest size, for the verification plan."""
    return {"scheduler": scheduler_group(8, 2, 2).to_dict(), "instruction set": isa_group().to_dict()}


def sample_instr(group: Group, ins: Instr, kind: str, times: int) -> None:
    """Count one instruction that was executed ``times`` times in a context of a kind."""
    def hit(point: str, *parts: object) -> None:
        group.hit(point, *parts, times=times)

    hit("opcode", kind, Op(ins.op).name)
    for point, mask in (("waits", ins.wait), ("signals", ins.signal)):
        hit(point, ("0", "1", "2..")[min(2, mask.bit_count())])
    hit("step", "yes" if ins.step else "no")
    if ins.op == Op.MATMUL:
        hit("matmul_a", kind, ASpace(ins.a_sp).name)
        hit("matmul_b", kind, BSpace(ins.b_sp).name)
        hit("matmul_form", "accumulates" if ins.accum else "overwrites", "batch's rows" if ins.dyn_rows else "fixed rows")
        hit("matmul_k", "n_k", few(ins.n_k))
        hit("matmul_g", "n_g", few(ins.n_g))
    elif ins.op == Op.VECTOR:
        _sample_vector(hit, ins)
    elif ins.op in (Op.LOAD, Op.STORE):
        name = Op(ins.op).name
        hit(name.lower(), (LdDst if ins.op == Op.LOAD else StSrc)(ins.sp).name)
        hit("dma_runs", name, "one run" if ins.n_o == 1 else "several runs")
        hit("dma_step", name, "next place each iteration" if ins.d_iter else "same place")


def _sample_vector(hit, ins: Instr) -> None:
    for x in FIRSTS:
        hit(f"vector_{x}", Src(getattr(ins, f"{x}_sp")).name)
    hit("vector_act", Act(ins.act).name)
    hit("vector_red", Red(ins.red).name)
    if ins.c_sp != Src.NONE:
        hit("vector_combine", Combine(ins.combine).name, "p negated" if ins.p_neg else "plain", "z negated" if ins.c_neg else "plain")
    hit("vector_result", Dst(ins.r_sp).name)
    hit("vector_convert", *(("NONE",) if ins.v_mode == Conv.NONE else (Conv(ins.v_mode).name, ConvDst(ins.v_sp).name)))
    hit("vector_dyn", "outer" if ins.dyn_o else "inner" if ins.dyn_i else "none")
    hit("vector_pass", "product" if ins.b_sp else "no product", "sum" if ins.c_sp else "no sum", "act" if ins.act else "no act",
        "product 2" if ins.d_sp else "no product 2", "reduction" if ins.red else "no reduction")


class _Port(uvm_subscriber):
    def write(self, item) -> None:
        self.get_parent().sample(item)


class FunctionalCoverage(uvm_component):
    """Samples batches, answers and training steps; programs count as executed by the runs of their contexts."""

    def build_phase(self):
        self.port = _Port("port", self)
        self.what = ConfigDB().get(self, "", "DEPLOYMENT")
        cfg = self.what.cfg
        self.scheduler, self.isa = scheduler_group(cfg.N, cfg.C_INF, len(self.what.image.installed)), isa_group()
        self.runs: dict[str, int] = {}
        self.programs: dict[str, Program] = {}

    def sample(self, item: BatchEvent | Response | StepEvent | TrainItem) -> None:
        """Take one event."""
        if isinstance(item, BatchEvent):
            self._batch(item)
        elif isinstance(item, Response):
            self.scheduler.hit("status", Status(item.status).name)
        elif isinstance(item, TrainItem):
            self._command(item)
        elif item.steps and self.what.image.work is not None:
            self.scheduler.hit("training", "step")
            self.executed(self.what.image.work.program)

    def _command(self, item: TrainItem) -> None:
        event = {TrainCommand.START: "started", TrainCommand.DRAIN: "drained", TrainCommand.KILL: "killed"}.get(item.command)
        if event and item.ctx >= self.what.cfg.C_INF and (item.command is TrainCommand.START or item.state == IDLE):
            self.scheduler.hit("training", event)

    def _batch(self, event: BatchEvent) -> None:
        cfg = self.what.cfg
        mode = MODES[event.mode]
        training = "with training" if event.busy >> cfg.C_INF else "without training"
        fill = "full" if event.rows == cfg.N else "one" if event.rows == 1 else "partial"
        others = (event.busy & (1 << cfg.C_INF) - 1 & ~(1 << event.ctx)).bit_count()
        self.scheduler.hit("mode", mode, training)
        self.scheduler.hit("batch", mode, fill, f"{others} at work", training)
        self.scheduler.hit("rows", event.rows, "of", cfg.N)
        self.scheduler.hit("service", event.service, f"in context {event.ctx}")
        self.executed(self.what.image.installed[event.service].program)

    def executed(self, program: Program) -> None:
        """A context ran a program (or one iteration of it)."""
        self.runs[program.name] = self.runs.get(program.name, 0) + 1
        self.programs[program.name] = program

    def ended(self) -> None:
        """A training context was seen to have run to its end."""
        self.scheduler.hit("training", "ran to its end")

    def error(self, ctx: int, cause: Err, unit: Unit) -> None:
        """A context was seen to have stopped with an error."""
        training = ctx >= self.what.cfg.C_INF
        self.scheduler.hit("error", KINDS[training], cause.name)
        self.scheduler.hit("error_unit", unit.name)
        if training:
            self.scheduler.hit("training", "stopped by an error")

    def final_phase(self):
        for name, times in self.runs.items():
            program = self.programs[name]
            for stream in program.streams.values():
                for ins in stream:
                    sample_instr(self.isa, ins, KINDS[program.training], times)
        coverage.dump({"scheduler": self.scheduler.to_dict(), "instruction set": self.isa.to_dict()})
