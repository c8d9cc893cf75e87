"""The timing model: programs, register writes, arrivals and DRAM parameters in, the whole timeline out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..csr_map import REGS
from ..hw.pipeline import line_stage, row_flight
from ..isa.encoding import INSTR_WORDS, Unit
from . import engine
from .decode import decode
from .host import Host
from .layout import NEVER, UNITS, W_EXT, W_RX
from .records import BATCH, CHANGE, INSTR, LOG, REQUEST, STATE, STEP, WRITE


def _decode_table() -> dict[int, list[tuple[int, int, int, int]]]:
    """Byte address of a register -> (code, index, lsb, width) of each of its fields that time depends on."""
    names = {
        "POLICY.policy": engine.POLICY,
        "CTRL.accept_en": engine.ACCEPT,
        "CTRL.reject_mode": engine.REJECT,
        "TRAIN_ROWS.rows": engine.TRAIN_ROWS,
        "SVC.CTRL.enable": engine.SVC_ENABLE,
        "SVC.CTRL.pc_valid": engine.SVC_PCV,
        "SVC.SHAPE.batch": engine.SVC_BATCH,
        "SVC.SHAPE.rx_lines": engine.SVC_RX,
        "SVC.SHAPE.tx_lines": engine.SVC_TX,
        "SVC.BASE.w_base": engine.SVC_W_BASE,
        "SVC.BASE.c_base": engine.SVC_C_BASE,
        "SVC.TIMEOUT.cycles": engine.SVC_TIMEOUT,
        "SVC.THRESHOLD.waiting": engine.SVC_THRESHOLD,
        "CTX.BASE0.vec": engine.CTX_VEC,
        "CTX.BASE0.acc": engine.CTX_ACC,
        "CTX.BASE1.actc": engine.CTX_ACTC,
        "CTX.BASE2.w_base": engine.CTX_W_BASE,
        "CTX.BASE2.c_base": engine.CTX_C_BASE,
        "CTX.DRAM_BASE.bytes": engine.CTX_DRAM,
        "CTX.PCV.valid": engine.CTX_PCV,
        "CTX.ITERS.count": engine.CTX_ITERS,
        "CTX.ITER_MOD.modulo": engine.CTX_ITER_MOD,
        "CTX.CMD.start": engine.START,
        "CTX.CMD.drain": engine.DRAIN,
        "CTX.CMD.kill": engine.KILL,
        "CTX.CMD.clear": engine.CLEAR,
    }
    for group, code in (("SVC", engine.SVC_PC), ("CTX", engine.CTX_PC)):
        for place, part in (("PC0.mmu", 0), ("PC0.vpu", 1), ("PC1.ld", 2), ("PC1.st", 3)):
            names[f"{group}.{place}"] = code + 100 * part
    table: dict[int, list[tuple[int, int, int, int]]] = {}
    for path, (address, fields) in REGS.items():
        base, _, rest = path.partition("[")
        index, suffix = 0, ""
        if rest:
            number, _, suffix = rest.partition("]")
            index = 16 * int(number)
        for name, (lsb, width, *_rest) in fields.items():
            key = f"{base}{suffix}.{name}"
            if key in names:
                table.setdefault(address, []).append((names[key] % 100, index + names[key] // 100, lsb, width))
            elif base == "CTX" and suffix in (".SEM0", ".SEM1"):
                half = 8 * int(suffix[-1])
                table.setdefault(address, []).extend(
                    (engine.CTX_SEM, index + half + k, lsb + 4 * k, 4) for k in range(8)
                )
    return table


_TABLE = _decode_table()
_RESETS = [
    (0, address, sum(reset << lsb for lsb, _, reset, _ in fields.values()))
    for path, (address, fields) in REGS.items()
    if address in _TABLE and not path.endswith("CMD")
]
_IMEM_ADDR, _IMEM_DATA = REGS["IMEM_ADDR"], REGS["IMEM_DATA"]


@dataclass
class Timeline:
    """What the model says of a run; structured arrays, see :mod:`equinox_core.timing.records` (REQUEST, BATCH, LOG,
    STEP, CHANGE).

    ``NEVER`` in a time: it had not happened when the run ended. ``busy[unit, ctx]``: cycles in which the unit worked
    for it. ``end``: the cycle behind the run's last. ``states``: the contexts' changes of state.
    """

    requests: NDArray[np.void]
    batches: NDArray[np.void]
    instructions: NDArray[np.void]
    steps: NDArray[np.void]
    busy: NDArray[np.int64]
    end: int
    states: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, CHANGE))


class TimingModel:
    """Predicts every event of a core from its register writes and requests, cycle by cycle exact.

    Args:
        cfg: parameters of the core and of its DRAM (LATENCY, GAP).
        imem: instruction memories at the start, words of 384 bits by unit; register writes may fill them too.
        log: keep every instruction's times.
        host: closes a loop around the core; without one, nothing but the given writes and requests comes from outside.
    """

    def __init__(
        self,
        cfg: Config,
        imem: Mapping[Unit, Sequence[int]] | None = None,
        *,
        log: bool = True,
        host: Host | None = None,
    ) -> None:
        self.cfg = cfg
        self.state = np.zeros(1, STATE)
        self.imem = np.zeros((UNITS, cfg.IMEM_DEPTH), INSTR)
        for unit, words in (imem or {}).items():
            for k, word in enumerate(words):
                self.imem[unit, k] = decode(word, cfg)
        self.log = log
        self._reset()
        if host is not None:
            host.install(self.state[0], cfg.C_INF)

    def _reset(self) -> None:
        cfg, s = self.cfg, self.state[0]
        p = s["p"]
        for name, value in dict(
            n=cfg.N,
            m=cfg.M,
            k=cfg.K,
            lanes=cfg.L,
            ctx=cfg.CTX,
            c_inf=cfg.C_INF,
            services=cfg.SERVICES,
            queue_depth=cfg.QUEUE_DEPTH,
            rx_lines=cfg.RX_LINES,
            tx_lines=cfg.TX_LINES,
            group=cfg.K // cfg.L,
            row_flight=row_flight(cfg.N),
            line_stage=line_stage(cfg.L),
            bus=cfg.BUS,
            block_beats=cfg.K // cfg.BUS,
            line_beats=4 * cfg.L // cfg.BUS,
            imem_depth=cfg.IMEM_DEPTH,
            latency=cfg.LATENCY,
            gap=cfg.GAP,
            bytes=cfg.BYTES,
        ).items():
            p[name] = value
        for name in ("soon", "fetch_at", "nop_at", "ctx_at", "done_at", "stream_at"):
            s[name][:] = NEVER
        s["mmu"]["recent_at"][:] = -100
        s["mmu"]["cls"] = -1
        for arb in (s["mmu"]["arb"], s["vpu"]["arb"], s["ld"]["arb"], s["st"]["arb"]):
            arb["prev"][:] = -1
        s["fetched"][:] = -1
        for name in ("last", "adrift", "drained"):
            s["vpu"]["finish"][name] = -100 if name == "drained" else -1
        s["mmu"]["thread"]["last_row"] = s["ld"]["walk"]["reported"] = s["st"]["walk"]["reported"] = -100
        s["ctx"]["stop"] = s["ctx"]["over"] = NEVER
        for name in ("gather", "word", "exps"):
            s["st"][name] = -1
        s["dram"]["wrote"], s["dram"]["last_b"], s["dram"]["write_last"], s["dram"]["write_first"] = 1, -1, -1, -1
        f = s["front"]
        f["slots"], f["offered"], f["served"], f["drained"], f["take_at"], f["drop_at"] = (
            cfg.RX_SLOTS - 1,
            1,
            -1,
            -1,
            -1,
            -1,
        )
        f["backlog"], f["over"] = -1, NEVER
        s["resp"]["busy"], s["resp"]["served"] = -1, -1
        s["dram"]["err_lo"] = NEVER
        s["logs"] = 0 if self.log else -1

    def run(
        self,
        writes: Iterable[tuple[int, int, int]],
        requests: Iterable[tuple[int, int, int]],
        until: int = NEVER - 1,
        errors: Iterable[tuple[int, int, int]] = (),
    ) -> Timeline:
        """Run from reset.

        Args:
            writes: register writes (cycle from which they act, byte address, value), in order.
            requests: (cycle from which the host offers the header, service, payload beats), in order of sending.
            until: last cycle.
            errors: (cycle, first, last byte address): from that cycle on the DRAM answers bursts that touch these bytes
                with an error (first > last: none). Addresses beyond the memory always fail.
        """
        table, patches = self._writes([*_RESETS, *writes], errors)
        req = np.array([(c, v, n, NEVER, -1, -1, NEVER, -1) for c, v, n in requests], REQUEST)
        batches = np.zeros(len(req) + 1, BATCH)
        log, steps = np.zeros(1 << 16 if self.log else 128, LOG), np.zeros(4096, STEP)
        states = np.zeros(4096, CHANGE)
        s = self.state[0]
        s["soon"][W_EXT] = table[0]["cycle"]
        if len(req):
            s["soon"][W_RX] = req[0]["offered"]
        while not engine.run(self.state, self.imem, patches, table, req, batches, log, steps, states, until):
            log, steps, states = _grown(log, s["logs"]), _grown(steps, s["steps"]), _grown(states, s["states"])
        states = states[: s["states"]]
        states = states[np.argsort(states["cycle"], kind="stable")]
        return Timeline(
            req,
            batches[: s["batches"]],
            log[: max(0, s["logs"])],
            steps[: s["steps"]],
            s["busy"].copy(),
            until + 1,
            states,
        )

    def _writes(
        self, writes: Iterable[tuple[int, int, int]], errors: Iterable[tuple[int, int, int]]
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        rows: list[tuple[int, ...]] = []
        patches: list[np.ndarray] = []
        unit = index = 0
        parts: list[int] = []
        for cycle, address, value in writes:
            if address == _IMEM_ADDR[0]:
                index, unit = (
                    value >> lsb & (1 << width) - 1
                    for lsb, width, *_ in (_IMEM_ADDR[1]["index"], _IMEM_ADDR[1]["unit"])
                )
                parts = []
            elif address == _IMEM_DATA[0]:
                parts.append(value)
                if len(parts) == INSTR_WORDS:
                    word = sum(part << 32 * k for k, part in enumerate(parts))
                    if index < self.cfg.IMEM_DEPTH:
                        rows.append((cycle, engine.PATCH, 65536 * unit + index, len(patches)))
                        patches.append(decode(word, self.cfg))
                    parts, index = [], index + 1
            for code, n, lsb, width in _TABLE.get(address, ()):
                part = value >> lsb & (1 << width) - 1
                if part or code not in (engine.START, engine.DRAIN, engine.KILL, engine.CLEAR):
                    rows.append((cycle, code, n, part))
        rows += [(cycle, engine.DRAM_ERRORS, low, high) for cycle, low, high in errors]
        rows.sort(key=lambda row: row[0])
        return np.array(rows, WRITE), np.array(patches, INSTR) if patches else np.zeros(1, INSTR)


def _grown(rows: NDArray[np.void], used: int) -> NDArray[np.void]:
    """Twice the room if it is nearly used up."""
    if used <= len(rows) - engine.MARGIN:
        return rows
    out = np.zeros(2 * len(rows), rows.dtype)
    out[: len(rows)] = rows
    return out
