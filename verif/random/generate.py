"""A random case: services, a training program, requests, policies. The same configuration, knobs and seed always give
the same case.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from equinox_core.config import Config
from equinox_core.isa.encoding import Dst, Op, Src, StSrc, Unit, make
from equinox_core.isa.program import with_fields
from verif.random.case import Case, Line, ServiceCase, TrainingCase
from verif.random.knobs import Knobs, Range
from verif.random.layout import COMMON, DEPTHS, most_constants, most_tiles, share
from verif.random.ledger import service_ledger, training_ledger
from verif.random.legal import answered, check_case, outputs, training_ends
from verif.random.maker import Maker, windows_of
from verif.random.vectors import Draft

ATTEMPTS = 20  # draws of a program until its semaphores can be placed
PATIENT = 5  # of these, so many as large as the knobs say
STALLS = (10, 30, 60)  # percent


def generate(config: str, seed: int, knobs: Knobs = Knobs()) -> Case:
    """A legal case.

    Raises:
        ValueError: the configuration has no room for what the knobs ask for, or they leave nothing to run.
    """
    why = ""
    for attempt in range(ATTEMPTS):
        try:
            case = _Generator(config, np.random.default_rng([seed, attempt]), _smaller(knobs, attempt)).case(seed)
            check_case(case)
            return case
        except ValueError as error:  # as a rule: too many semaphores, dependences that do not repeat, too long
            why = str(error)
    raise ValueError(f"no legal case of configuration {config}, seed {seed} in {ATTEMPTS} attempts; the last: {why}")


def _smaller(knobs: Knobs, attempt: int) -> Knobs:
    """The knobs for an attempt: after some that failed the programs are shorter, as small memories need it."""
    share = min(1.0, (ATTEMPTS - attempt) / (ATTEMPTS - PATIENT))

    def less(limits: Range) -> Range:
        low, high = limits
        return low, max(low, int(high * share * share))

    return replace(
        knobs, services=less(knobs.services), service_ops=less(knobs.service_ops), training_ops=less(knobs.training_ops)
    )


class _Generator:
    def __init__(self, config: str, rng: np.random.Generator, knobs: Knobs) -> None:
        self.case_ = Case(config=config)
        self.cfg: Config = self.case_.cfg
        self.rng, self.knobs = rng, knobs

    def between(self, limits: Range, most: int | None = None) -> int:
        low, high = limits
        high = high if most is None else min(high, most)
        return int(self.rng.integers(min(low, high), high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def case(self, seed: int) -> Case:
        rng, knobs = self.rng, self.knobs
        trains = self.between(knobs.training_ops)
        count = self.between(knobs.services, self.cfg.SERVICES)
        if not count and not trains:
            count = min(1, knobs.services[1])
        policies = [str(p) for p in rng.choice(knobs.policies, 1 + self.between(knobs.changes))]
        case = replace(
            self.case_,
            seed=seed,
            data=int(rng.integers(1, 1 << 31)),
            policy=policies[0],
            train_rows=self.between(knobs.train_rows),
            services=tuple(self.service(n, bool(trains)) for n in range(count)),
        )
        if trains:
            case = replace(case, training=self.training(case, trains))
        if count:
            case = replace(case, requests=self.requests(count))
        span = max([at for at, *_ in case.requests], default=0) + 1500
        case = replace(case, changes=tuple(sorted((int(rng.integers(span)), p) for p in policies[1:])))
        if self.chance(knobs.stalls):
            kind = int(rng.integers(3))
            case = replace(
                case, rsp_stall=int(rng.choice(STALLS)) * (kind != 1), dram_stall=int(rng.choice(STALLS)) * (kind != 0)
            )
        return case

    def requests(self, services: int) -> tuple[tuple[int, int, int], ...]:
        at, out = 0, []
        for _ in range(self.between(self.knobs.requests)):
            at += 0 if self.chance(0.5) else self.between((min(1, self.knobs.gap[1]), self.knobs.gap[1]))
            out.append((at, int(self.rng.integers(services)), int(self.rng.integers(1 << 16))))
        return tuple(out)

    # -- a service -----------------------------------------------------------------------------------------------

    def service(self, index: int, trains: bool) -> ServiceCase:
        cfg, rng, knobs = self.cfg, self.rng, self.knobs
        feeds = self.chance(knobs.feed)
        tiles, constants = most_tiles(cfg), most_constants(cfg)
        part = ServiceCase(
            (),
            weights=cfg.L * min(int(rng.integers(1, 6)), tiles),
            loaded=cfg.L * min(int(rng.integers(0, 3)), max(0, tiles - 5)) * feeds,
            constants=int(rng.integers(1, constants + 1)),
            rx_lines=int(rng.integers(1, cfg.RX_LINES + 1)),
            tx_lines=int(rng.integers(1, cfg.TX_LINES + 1)),
            batch=self.between(knobs.batch, cfg.N),
            timeout=self.between(knobs.timeout),
            threshold=self.between(knobs.threshold),
            semaphores=self.seed(),
        )
        ledger = service_ledger(cfg, part, index)
        maker = Maker(rng, knobs, ledger, self.service_windows(index, part, trains, feeds))
        for _ in range(self.between(knobs.service_ops)):
            maker.constant = feeds and self.chance(0.35)
            kinds = ("load", "vector", "vector", "store", "store") if maker.constant else ("vector", "vector", "matmul")
            maker.emit("own_lines" if not maker.constant and self.chance(knobs.own_lines) else str(rng.choice(kinds)))
        maker.constant = False
        self.answer(maker, part)
        return replace(part, program=tuple(maker.lines))

    def service_windows(
        self, index: int, part: ServiceCase, trains: bool, feeds: bool
    ) -> dict[str, list[tuple[int, int]]]:
        cfg = self.cfg
        own = {s: getattr(cfg, DEPTHS[s]) * (3 if trains else 4) // 4 // cfg.C_INF for s in ("VEC", "ACC", "ACTC")}
        own["VEC"] -= min(16, cfg.VEC_DEPTH // 8)
        sizes = {
            "VEC": 40,
            "ACC": max(24, 3 * cfg.N),
            "ACTC": max(40, 2 * cfg.L, 2 * cfg.N),
            "WGTD": part.weights + part.loaded,
        }
        ends = {s: (0, size) for s, size in own.items()} | {"WGTD": (0, part.weights + part.loaded)}
        if feeds:
            ends |= {s: share(cfg, index, s) for s in COMMON}
            sizes |= {s: high - low for s, (low, high) in ends.items() if s in COMMON}
        windows = windows_of(self.rng, sizes, ends, self.knobs.far)
        return windows | {"CST": [(0, part.constants)], "RXB": [(0, part.rx_lines)], "TXB": [(0, cfg.N * cfg.TX_LINES)]}

    def answer(self, maker: Maker, part: ServiceCase) -> None:
        """Write what of the responses is still missing, from what the program computed where that goes."""
        for _ in range(6):
            if answered(maker.ledger, part.tx_lines):
                return
            lines = int(self.rng.integers(1, min(part.tx_lines, self.cfg.K) + 1))
            draft = Draft(maker.room, self.cfg, 0, lines, dyn_o=True, rows=self.cfg.N)
            draft.fields |= {"r_sp": Dst.TXB, "r_so": self.cfg.TX_LINES, "r_si": 1}
            draft.fields["r_base"] = int(self.rng.integers(part.tx_lines - lines + 1))
            if draft.source("a", [Src.VEC, Src.VEC, Src.ACC, Src.ACC, Src.RXB]) and draft.source(
                "c", [Src.NONE, Src.ACC, Src.VEC]
            ):
                maker.admit(make(Op.VECTOR, **draft.fields))
        if not answered(maker.ledger, part.tx_lines):
            for line in outputs(part, self.cfg):
                maker.ledger.admit(line.ins)
                maker.lines.append(line)

    def seed(self) -> int:
        """Of a numbering of semaphores; half of them in order."""
        return int(self.rng.integers(1, 1 << 16)) * int(self.rng.integers(2))

    # -- training ------------------------------------------------------------------------------------------------

    def training(self, case: Case, ops: int) -> TrainingCase:
        cfg, rng, knobs = self.cfg, self.rng, self.knobs
        part = TrainingCase(
            (),
            int(rng.integers(1, most_constants(cfg) + 1)),
            self.between(knobs.iters),
            self.between(knobs.iter_mod),
            int(rng.integers(0, 1000)) * self.chance(0.5),
            self.seed(),
        )
        ends = training_ends(replace(case, training=part))
        sizes = {
            "VEC": 48,
            "ACC": max(64, 2 * cfg.N),
            "ACTC": max(96, 3 * cfg.L),
            "ACTD": 64,
            "WGTC": 4 * cfg.L,
            "WGTD": 5 * cfg.L,
            "STG": 64,
            "SOF": 64,
            "SOB": max(48, 2 * cfg.L),
        }
        ledger = training_ledger(cfg, part, ends)
        windows = windows_of(rng, sizes, {s: (0, end) for s, end in ends.items()}, knobs.far) | {
            "CST": [(0, part.constants)]
        }
        maker = Maker(rng, knobs, ledger, windows)
        for _ in range(ops):
            if self.chance(knobs.store):
                maker.emit("store")
            elif self.chance(knobs.own_lines):
                maker.emit("own_lines")
            else:
                maker.emit(str(rng.choice(["vector", "vector", "vector", "matmul", "matmul", "load"])))
        self.dump(maker)
        lines = maker.lines
        for n in (
            {len(lines) - 1, *(int(n) for n in rng.integers(len(lines), size=int(rng.integers(3))))} if lines else ()
        ):
            lines[n] = replace(lines[n], ins=with_fields(lines[n].ins, step=1))
        return replace(part, program=tuple(lines))

    def dump(self, maker: Maker) -> None:
        """Store what VEC and ACC hold at the end, a part of each window, by way of SOF."""
        area, cfg = maker.ledger.area, self.cfg
        at = area.out
        for space, source in (("VEC", Src.VEC), ("ACC", Src.ACC)):
            for low, high in maker.windows.get(space, []):
                table = maker.ledger.known[None][space][low:high]
                found = np.flatnonzero(table)
                if not len(found):
                    continue
                first = low + int(found[0])
                count = int(np.argmin(np.append(table[found[0] :], False)))
                s_low, s_high = maker.windows["SOF"][-1]
                count = min(count, s_high - s_low)
                width = min(count, cfg.K)
                for part in range(0, count - count % width, width):
                    self.must(
                        maker,
                        make(
                            Op.VECTOR,
                            cnt_o=1,
                            cnt_i=width,
                            a_sp=source,
                            a_base=first + part,
                            a_si=1,
                            r_sp=Dst.SOF,
                            r_base=s_low + part,
                            r_si=1,
                        ),
                    )
                size = (count - count % width) * 4 * cfg.L
                if at + size <= area.end:
                    self.must(
                        maker, make(Op.STORE, sp=StSrc.SOF, n_o=1, len=count - count % width, l_base=s_low, d_base=at)
                    )
                    at += size

    @staticmethod
    def must(maker: Maker, ins) -> None:
        maker.ledger.admit(ins)
        maker.lines.append(Line(ins, Unit.ST if ins.op == Op.STORE else Unit.VPU))
