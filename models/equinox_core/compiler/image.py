"""A whole scenario for a core: DRAM image, instruction memories and register settings.

Regions follow one another: in VEC the inference contexts', the training context's, then the constants of each service
and of the training program; in ACC and ACTC the contexts' regions; in WGTD each service's weights, then the training
program's. A boot program, run once in the first training context, brings weights and constants into place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..core import Core
from ..csr_map import REGS
from ..dram_layout import block_beats, pack_blocks, pack_lines
from ..isa.check import Bases, check_needs, check_program
from ..isa.encoding import LdDst, Unit
from ..isa.program import Linked, Needs, Program, link, words32
from ..numerics import bf16_to_fp32
from .builder import Builder
from .ops import STG, TO_VEC, At, up, vector
from .service import Service
from .space import DramMap, Ring, too_small


class TrainingWork(Protocol):
    """What of a training job the image needs (``TrainingJob``, ``GemmJob``)."""

    @property
    def program(self) -> Program: ...
    @property
    def size(self) -> int: ...
    @property
    def batches(self) -> int: ...
    @property
    def constants(self) -> NDArray[np.uint16]: ...


@dataclass(frozen=True)
class ServiceSettings:
    """Registers ``SVC``: the fields of ``eqx_pkg::svc_cfg_t``."""

    pc_valid: int
    pc: tuple[int, ...]
    w_base: int
    c_base: int
    batch: int
    timeout: int
    threshold: int
    rx_lines: int
    tx_lines: int
    enable: bool = True


@dataclass(frozen=True)
class ContextSettings:
    """Registers ``CTX``: the fields of ``eqx_pkg::ctx_cfg_t``."""

    vec_base: int = 0
    acc_base: int = 0
    actc_base: int = 0
    pc_valid: int = 0
    pc: tuple[int, ...] = (0, 0, 0, 0)
    w_base: int = 0
    c_base: int = 0
    dram_base: int = 0
    iters: int = 1
    iter_mod: int = 1
    sem_init: tuple[int, ...] = (0,) * 16

    @property
    def bases(self) -> Bases:
        """The relocations, as the functional model takes them."""
        return Bases(self.vec_base, self.acc_base, self.actc_base, self.w_base, self.c_base, self.dram_base)


@dataclass(frozen=True)
class Placement:
    """What boot moves: ``blocks`` from DRAM address ``weights`` to WGTD ``w_base``, ``lines`` from ``constants`` to VEC
    ``c_base``.
    """

    blocks: int
    weights: int
    w_base: int
    lines: int
    constants: int
    c_base: int


def install(cfg: Config, placements: Sequence[Placement], name: str = "boot") -> Program:
    """Boot program for a training context with all bases zero:
    weights to WGTD, constants (fp32 lines in DRAM) to VEC.
    """
    out = Builder(cfg, name, training=True, loop=False)
    run = 4095 // cfg.BUS * cfg.BUS
    stg = Ring(name, "STG", 0, cfg.STG_DEPTH)
    for p in placements:
        for first in range(0, p.blocks, run):
            at = p.weights + block_beats(first, cfg.K, cfg.BUS) * cfg.BUS
            out.load(sp=LdDst.WGTD, n_o=1, len=min(run, p.blocks - first), l_base=p.w_base + first, d_base=at)
        step = min(cfg.STG_DEPTH // 2, 2048)
        for first in range(0, p.lines, step):
            lines = min(step, p.lines - first)
            slot = stg.take(lines)
            out.load(sp=LdDst.STG, n_o=1, len=lines, l_base=slot, d_base=p.constants + first * 4 * cfg.L)
            vector(out, lines, 1, At(STG, slot, 1), r=At(TO_VEC, p.c_base + first, 1))
    return out.finish()


@dataclass
class Image:
    """Everything that the host writes before a run.

    ``dram`` is uint8 from address 0. Start ``boot`` in context C_INF (the first training context) and wait until it is
    idle; then set the same context to ``training``. ``services[i]`` are the registers of service i, ``inference[c]`` of
    context c.
    """

    cfg: Config
    dram: NDArray[np.uint8]
    linked: Linked
    programs: dict[str, Program]
    installed: list[Service]
    services: list[ServiceSettings]
    inference: list[ContextSettings]
    boot: ContextSettings
    training: ContextSettings | None
    work: TrainingWork | None
    train_rows: int
    training_base: int = field(default=0)

    @property
    def imem(self) -> dict[Unit, list[int]]:
        """Instruction memories: words of 384 bits from address 0."""
        return self.linked.imem

    def bases(self, service: int, ctx: int) -> Bases:
        """Relocations of a service in an inference context."""
        s, c = self.services[service], self.inference[ctx]
        return Bases(c.vec_base, c.acc_base, c.actc_base, s.w_base, s.c_base)

    def core(self) -> Core:
        """Functional model with this DRAM image, booted."""
        core = Core(self.cfg, self.dram, self.train_rows)
        if self.boot.pc_valid:
            core.run_training(self.programs["boot"], bases=self.boot.bases)
        return core

    def run_inference(
        self, core: Core, service: int, payload: NDArray[np.uint16], ctx: int = 0, **more: Any
    ) -> NDArray[np.uint16]:
        """Responses ``[b, tx_lines, L]`` of a booted model to a batch ``[b, rx_lines, L]``."""
        prog = self.installed[service].program
        return core.run_inference(prog, payload, self.bases(service, ctx), ctx, self.services[service].tx_lines, **more)

    def imem_writes(self) -> Iterator[tuple[int, int]]:
        """Register writes (byte address, value) that fill the instruction memories."""
        for unit in Unit:
            if self.imem[unit]:
                yield register("IMEM_ADDR", index=0, unit=unit)
                for word in self.imem[unit]:
                    for part in words32(word):
                        yield REGS["IMEM_DATA"][0], part

    def service_writes(self) -> Iterator[tuple[int, int]]:
        """Register writes that install the services."""
        for n, s in enumerate(self.services):
            pc = dict(zip(("mmu", "vpu", "ld", "st"), s.pc, strict=True))
            yield register(f"SVC[{n}].PC0", mmu=pc["mmu"], vpu=pc["vpu"])
            yield register(f"SVC[{n}].PC1", ld=pc["ld"], st=pc["st"])
            yield register(f"SVC[{n}].BASE", w_base=s.w_base, c_base=s.c_base)
            yield register(f"SVC[{n}].SHAPE", batch=s.batch, rx_lines=s.rx_lines, tx_lines=s.tx_lines)
            yield register(f"SVC[{n}].TIMEOUT", cycles=s.timeout)
            yield register(f"SVC[{n}].THRESHOLD", waiting=s.threshold)
            yield register(f"SVC[{n}].CTRL", enable=s.enable, pc_valid=s.pc_valid)

    def context_writes(self, ctx: int, settings: ContextSettings) -> Iterator[tuple[int, int]]:
        """Register writes of one context's settings (not its start)."""
        c = settings
        yield register(f"CTX[{ctx}].BASE0", vec=c.vec_base, acc=c.acc_base)
        yield register(f"CTX[{ctx}].BASE1", actc=c.actc_base)
        if ctx < self.cfg.C_INF:
            return
        yield register(f"CTX[{ctx}].PCV", valid=c.pc_valid)
        yield register(f"CTX[{ctx}].PC0", mmu=c.pc[0], vpu=c.pc[1])
        yield register(f"CTX[{ctx}].PC1", ld=c.pc[2], st=c.pc[3])
        yield register(f"CTX[{ctx}].BASE2", w_base=c.w_base, c_base=c.c_base)
        yield register(f"CTX[{ctx}].DRAM_BASE", bytes=c.dram_base)
        yield register(f"CTX[{ctx}].ITERS", count=c.iters)
        yield register(f"CTX[{ctx}].ITER_MOD", modulo=c.iter_mod)
        for half in range(2):
            value = sum(v << 4 * n for n, v in enumerate(c.sem_init[8 * half : 8 * half + 8]))
            yield register(f"CTX[{ctx}].SEM{half}", init=value)

    def setup_writes(self) -> Iterator[tuple[int, int]]:
        """All register writes before boot: instruction memories, services, TRAIN_ROWS, inference contexts, boot's
        context.
        """
        yield from self.imem_writes()
        yield from self.service_writes()
        yield register("TRAIN_ROWS", rows=self.train_rows)
        for n, c in enumerate(self.inference):
            yield from self.context_writes(n, c)
        yield from self.context_writes(self.cfg.C_INF, self.boot)


def register(path: str, **fields: int) -> tuple[int, int]:
    """(byte address, value) of a register write; fields not named are zero.

    Raises:
        ValueError: no such register or field, or a value that does not fit.
    """
    if path not in REGS:
        raise ValueError(f"no register '{path}'")
    address, known = REGS[path]
    value = 0
    for name, part in fields.items():
        if name not in known:
            raise ValueError(f"register {path} has no field '{name}' (has {', '.join(known)})")
        lsb, width = known[name][:2]
        if not 0 <= int(part) < 1 << width:
            raise ValueError(f"{path}.{name} = {int(part)}: legal range 0..{(1 << width) - 1}")
        value |= int(part) << lsb
    return address, value


def build_image(
    cfg: Config,
    services: Sequence[Service] = (),
    work: TrainingWork | None = None,
    work_dram: NDArray[np.uint8] | None = None,
    *,
    iters: int = 1,
    batch: int | Mapping[str, int] | None = None,
    timeout: int | Mapping[str, int] = 0,
    threshold: int | Mapping[str, int] = 0,
    train_rows: int | None = None,
) -> Image:
    """Place services and one training job on a core.

    ``work_dram`` is the job's DRAM contents (its ``image(...)``). ``batch`` (default N), ``timeout`` (cycles) and
    ``threshold`` are the services' settings, one value or one by name.

    Raises:
        ValueError: something does not fit (which buffer, need and have), or two programs of one name.
    """
    if len(services) > cfg.SERVICES:
        raise ValueError(f"{len(services)} services: configuration {cfg.name} has room for {cfg.SERVICES} (SERVICES)")
    if (work is None) != (work_dram is None):
        raise ValueError("a training job and its DRAM contents go together")
    region = {k: max((getattr(s.needs, k) for s in services), default=0) for k in ("vec", "acc", "actc")}
    train = work.program.needs if work else Needs()
    inference = [ContextSettings(region["vec"] * n, region["acc"] * n, region["actc"] * n) for n in range(cfg.C_INF)]
    t_vec, t_acc, t_actc = (region[k] * cfg.C_INF for k in ("vec", "acc", "actc"))
    dram, w_base, c_base = DramMap(cfg), 0, t_vec + train.vec
    places: list[Placement] = []
    for s in services:
        q, _ = s.weights
        places.append(
            Placement(len(q), dram.blocks(len(q)), w_base, len(s.constants), dram.lines(len(s.constants)), c_base)
        )
        w_base, c_base = up(w_base + len(q), cfg.L), c_base + len(s.constants)
    constants = work.constants if work else np.zeros((0, cfg.L), np.uint16)
    places.append(Placement(0, 0, w_base, len(constants), dram.lines(len(constants)), c_base))
    t_dram = up(dram.size, 4096)
    t_bases = Bases(t_vec, t_acc, t_actc, w_base, c_base, t_dram)
    _check_fit(cfg, services, places, inference, train, t_bases, len(constants))
    trained = [work.program, *_loaders(work)] if work else []
    for program in trained:
        check_program(program, cfg, t_bases, work.batches if work else 1)
    boot = install(cfg, [p for p in places if p.blocks or p.lines])
    programs = [*(s.program for s in services), boot, *trained]
    linked = link(programs, cfg.IMEM_DEPTH)
    image = np.zeros(t_dram + work.size if work else dram.size, np.uint8)
    if image.size > cfg.BYTES:
        raise too_small("DRAM image", "DRAM", image.size, cfg.BYTES, f"bytes, BYTES of configuration {cfg.name}")
    for p, s in zip(places, services, strict=False):
        data = pack_blocks(*s.weights, cfg.BUS)
        image[p.weights : p.weights + data.size] = data
    for p, lines in zip(places, [*(s.constants for s in services), constants], strict=True):
        data = pack_lines(bf16_to_fp32(lines))
        image[p.constants : p.constants + data.size] = data
    if work is not None and work_dram is not None:
        if work_dram.size != work.size:
            raise ValueError(f"DRAM contents of {work.program.name}: {work_dram.size} bytes, legal is {work.size}")
        image[t_dram:] = work_dram

    def of(value: int | Mapping[str, int], s: Service, default: int) -> int:
        return value.get(s.name, default) if isinstance(value, Mapping) else value

    settings = [
        ServiceSettings(
            s.program.pc_valid,
            linked.pc[s.name],
            p.w_base,
            p.c_base,
            of(cfg.N if batch is None else batch, s, cfg.N),
            of(timeout, s, 0),
            of(threshold, s, 0),
            s.rx_lines,
            s.tx_lines,
        )
        for s, p in zip(services, places, strict=False)
    ]
    for s, built in zip(services, settings, strict=True):
        if not 1 <= built.batch <= cfg.N:
            raise ValueError(f"{s.name}: batch {built.batch}: legal range 1..{cfg.N}")
    running = None
    if work is not None:
        b = t_bases
        running = ContextSettings(
            b.vec,
            b.acc,
            b.actc,
            work.program.pc_valid,
            linked.pc[work.program.name],
            b.wgtd,
            b.cst,
            b.dram,
            iters,
            work.batches,
            work.program.sem_init,
        )
    return Image(
        cfg,
        image,
        linked,
        {p.name: p for p in programs},
        list(services),
        settings,
        inference,
        ContextSettings(pc_valid=boot.pc_valid, pc=linked.pc[boot.name]),
        running,
        work,
        2 * cfg.N if train_rows is None else train_rows,
        t_dram,
    )


def _loaders(work: TrainingWork) -> list[Program]:
    loader = getattr(work, "loader", None)
    return [loader] if loader is not None else []


def _check_fit(
    cfg: Config,
    services: Sequence[Service],
    places: Sequence[Placement],
    inference: Sequence[ContextSettings],
    train: Needs,
    t_bases: Bases,
    constants: int,
) -> None:
    """Every region at its place; errors name the program, the buffer, need and have."""
    for s, p in zip(services, places, strict=False):
        needs = s.needs.merge(Needs(wgtd=len(s.weights[0]), cst=len(s.constants)))
        for c in inference:
            bases = Bases(c.vec_base, c.acc_base, c.actc_base, p.w_base, p.c_base)
            check_needs(needs, cfg, bases, s.name)
        check_program(s.program, cfg, bases)
    check_needs(train.merge(Needs(cst=constants)), cfg, t_bases, "training")
