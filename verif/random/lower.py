"""From a case to what runs: programs with semaphores, memory contents, the image of the core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equinox_core.compiler.builder import Builder
from equinox_core.compiler.image import Image, build_image
from equinox_core.compiler.ops import Blocks, up
from equinox_core.compiler.service import Service
from equinox_core.config import Config
from equinox_core.deploy.deployment import Deployment
from equinox_core.deploy.scenario import Scenario
from equinox_core.dram_layout import pack_blocks, pack_lines
from equinox_core.isa.encoding import SEMAPHORES, Dst, Op, Unit, make
from equinox_core.isa.program import Program, with_fields
from equinox_core.numerics import fp32_to_bf16, quantise
from verif.env.patience import patience, request_work, training_work
from verif.random.case import Case, Line, Lines, ServiceCase
from verif.random.layout import Area, service_area, training_area
from verif.sequences.isa_tour import random_lines

SPECIAL = 0.002  # share of infinities, NaN, denormals and such in lines of input
TEST = "equinox_random_program_test"
NOT_RUN = "not run: a case before this one failed"
_NOP = make(Op.NOP)
SILENT = ServiceCase(
    (Line(make(Op.VECTOR, dyn_o=1, cnt_i=1, r_sp=Dst.TXB), Unit.VPU),)
)  # installed where a case has no service: nobody asks it


@dataclass
class RandomWork:
    """A training program (a ``TrainingWork``) and its constants, bf16 lines."""

    program: Program
    size: int
    batches: int
    constants: NDArray[np.uint16]


@dataclass
class RandomDeployment(Deployment):
    """A case as it is deployed; ``payloads[service]`` is uint16 [requests of it, rx_lines, L], in the order of the
    case's requests.
    """

    case: Case | None = None

    @property
    def patience(self) -> int:
        """Cycles after which a run of the case has hung."""
        case = self.case
        work = sum(request_work(self, service) for _, service, _ in case.requests)
        waits = max([0, *(at for at, *_ in (*case.requests, *case.changes))]) + sum(
            case.services[s].timeout for _, s, _ in case.requests
        )
        if case.training:
            work += training_work(self, case.training.iters)
            waits += case.training.start
        return patience(work, waits, max(case.rsp_stall, case.dram_stall))

    @property
    def moves(self) -> bool:
        """Whether the case's run has any traffic with the DRAM: boot's included, services' that are asked for."""
        programs = [
            self.image.programs["boot"],
            *(self.image.installed[n].program for n in {n for _, n, _ in self.case.requests}),
        ]
        if self.case.training:
            programs.append(self.image.work.program)
        return any(p.streams[Unit.LD] or p.streams[Unit.ST] for p in programs)

    def areas(self) -> list[tuple[int, int]]:
        """DRAM ranges (address, bytes) that programs may write."""
        cfg = self.cfg
        found = [(a.lines, a.size) for a in (service_area(cfg, n) for n in range(len(self.case.services)))]
        if self.image.work is not None:
            found.append((self.image.training_base, self.image.work.size))
        return found


def program_of(cfg: Config, name: str, lines: Lines, training: bool, turns: int = 1, semaphores: int = 0) -> Program:
    """The program: semaphores derived by the compiler's builder, NOPs and fences put in, semaphores renumbered.

    Raises:
        ValueError: it does not fit, or its semaphores cannot be placed.
    """
    out = Builder(cfg, name, training)
    latest: dict[Unit, int] = {}
    nops: dict[Unit, list[tuple[int, int]]] = {u: [] for u in Unit}  # (instructions of the stream before it, step)
    counts = dict.fromkeys(Unit, 0)
    for line in lines:
        if line.ins.op == Op.NOP:
            nops[line.unit].append((counts[line.unit], line.ins.step))
            continue
        after = [n for unit, n in latest.items() if unit != line.unit] if line.fence else []
        body = {k: v for k, v in line.ins.fields.items() if k not in ("wait", "signal", "last")}
        latest[line.unit] = out.emit(line.ins.op, after, **body)
        counts[line.unit] += 1
    prog = out.finish(turns)
    for unit, places in nops.items():
        stream = prog.streams[unit]
        for at, step in reversed(places):
            wait = 0
            if at < len(stream):
                wait, stream[at] = stream[at].wait, with_fields(stream[at], wait=0)
            stream.insert(at, with_fields(_NOP, wait=wait, step=step))
    if semaphores:
        _renumber(prog, np.random.default_rng(semaphores).permutation(SEMAPHORES).tolist())
    return prog.set_last()


def _renumber(prog: Program, new: list[int]) -> None:
    def moved(mask: int) -> int:
        return sum(1 << new[n] for n in range(SEMAPHORES) if mask >> n & 1)

    for stream in prog.streams.values():
        stream[:] = [with_fields(i, wait=moved(i.wait), signal=moved(i.signal)) for i in stream]
    start = [0] * SEMAPHORES
    for n, value in enumerate(prog.sem_init):
        start[new[n]] = value
    prog.sem_init = tuple(start)


def _rng(case: Case, *what: int) -> np.random.Generator:
    return np.random.default_rng([case.data, *what])


def _blocks(cfg: Config, rng: np.random.Generator, count: int) -> Blocks:
    """Blocks as DRAM may hold them: where the converter would write -127, -128."""
    q, exp = quantise(fp32_to_bf16(random_lines(rng, count, cfg.K).view(np.float32)))
    return np.where(q == -127, np.int8(-128), q), exp


def _bf16(cfg: Config, rng: np.random.Generator, lines: int) -> NDArray[np.uint16]:
    return fp32_to_bf16(random_lines(rng, lines, cfg.L, SPECIAL).view(np.float32))


def _filled(cfg: Config, rng: np.random.Generator, area: Area) -> NDArray[np.uint8]:
    """Contents of a program's DRAM: lines, panels of blocks, and room that holds anything."""
    lines = random_lines(rng, (area.blocks - area.lines) // (4 * cfg.L), cfg.L, SPECIAL)
    room = rng.integers(0, 256, area.end - area.out, dtype=np.uint8)
    return np.concatenate([pack_lines(lines), pack_blocks(*_blocks(cfg, rng, area.panels * cfg.BUS), cfg.BUS), room])


def programs_of(case: Case) -> tuple[list[Program], Program | None]:
    """Programs of the services, and the training program."""
    cfg, t = case.cfg, case.training
    services = [
        program_of(cfg, f"service{n}", s.program, False, semaphores=s.semaphores)
        for n, s in enumerate(case.services or (SILENT,))
    ]
    return services, program_of(cfg, "training", t.program, True, t.iter_mod, t.semaphores) if t else None


def lower(case: Case) -> RandomDeployment:
    """Everything that a run of the case needs.

    Raises:
        ValueError: something does not fit the configuration.
    """
    cfg, t = case.cfg, case.training
    case_services = case.services or (SILENT,)
    programs, training = programs_of(case)
    installed = [
        Service(
            p,
            _blocks(cfg, _rng(case, 1, n), s.weights + s.loaded),
            _bf16(cfg, _rng(case, 2, n), s.constants),
            s.rx_lines,
            s.tx_lines,
        )
        for n, (s, p) in enumerate(zip(case_services, programs, strict=True))
    ]
    work = dram = None
    if t:
        area = training_area(cfg)
        work = RandomWork(training, up(area.end, cfg.BUS), t.iter_mod, _bf16(cfg, _rng(case, 3), t.constants))
        dram = _filled(cfg, _rng(case, 4), area)
    of = {f"service{n}": s for n, s in enumerate(case_services)}
    image = build_image(
        cfg,
        installed,
        work,
        dram,
        iters=t.iters if t else 1,
        train_rows=case.train_rows,
        batch={k: s.batch for k, s in of.items()},
        timeout={k: s.timeout for k, s in of.items()},
        threshold={k: s.threshold for k, s in of.items()},
    )
    _add_areas(case, image)
    lines = {n: [r for r in case.requests if r[1] == n] for n in range(len(case_services))}
    payloads = {
        f"service{n}": np.array(
            [_bf16(cfg, _rng(case, 5, seed), s.rx_lines) for _, _, seed in lines[n]], np.uint16
        ).reshape(-1, s.rx_lines, cfg.L)
        for n, s in enumerate(case_services)
    }
    scenario = Scenario(
        config=case.config,
        policy=case.policy,
        train="off",
        test=TEST,
        seed=1 + case.data % 1000,
        rsp_stall=case.rsp_stall,
        dram_stall=case.dram_stall,
        requests=max(1, len(case.requests)),
    )
    return RandomDeployment(scenario, cfg, image, None, payloads, None, None, case=case)


def _add_areas(case: Case, image: Image) -> None:
    """Services' DRAM contents behind the image."""
    cfg = image.cfg
    for n in range(len(case.services)):
        area = service_area(cfg, n)
        if area.lines < image.dram.size:
            raise ValueError(
                f"DRAM: services need {area.size} bytes each below {min(cfg.BYTES, area.end)}, "
                f"the image has {image.dram.size}"
            )
    if case.services:
        whole = np.zeros(service_area(cfg, 0).end, np.uint8)
        whole[: image.dram.size] = image.dram
        for n in range(len(case.services)):
            area = service_area(cfg, n)
            whole[area.lines : area.end] = _filled(cfg, _rng(case, 6, n), area)
        image.dram = whole
