"""Inference services: an LSTM classifier and a multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import Config
from ..hw.pipeline import row_flight
from ..isa.encoding import Act, ASpace, BSpace
from ..isa.program import Needs, Program
from .builder import Builder
from .ops import (
    ACC,
    CST,
    DYN,
    RXB,
    TO_ACTC,
    TO_TXB,
    TO_VEC,
    VEC,
    At,
    Blocks,
    bias_lines,
    join,
    padded,
    tiles,
    up,
    vector,
)
from .space import Ring


@dataclass(frozen=True)
class Service:
    """An inference program and the data it is installed with.

    ``weights`` go to WGTD from the service's ``w_base`` on, ``constants`` (bf16 lines ``[n, L]``) to VEC from
    its ``c_base`` on. ``rx_lines`` and ``tx_lines`` are the payload of a request and of a response.
    """

    program: Program
    weights: Blocks
    constants: NDArray[np.uint16]
    rx_lines: int
    tx_lines: int

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def needs(self) -> Needs:
        """What the program uses; ``vec``, ``acc``, ``actc`` in its context, ``wgtd``,
        ``cst`` in the service's regions.
        """
        return self.program.needs


def _matmul(out: Builder, a: int, b: int, n_g: int, c: int, accum: bool) -> None:
    """One K-block of a product with the batch's rows: A and C lie [k or group][row], B as :func:`tiles` makes it."""
    cfg = out.cfg
    out.matmul(
        dyn_rows=1,
        accum=accum,
        a_sp=ASpace.ACTC,
        b_sp=BSpace.WGTD,
        n_g=n_g,
        n_k=1,
        a_base=a,
        a_sr=1,
        b_base=b,
        b_sg=cfg.L,
        c_base=c,
        c_sr=1,
        c_sg=cfg.N,
    )


def _drain(
    out: Builder, groups: int, acc: int, cst: int, act: Act = Act.NONE, *, r: At | None = None, rows: At | None = None
) -> None:
    """bias and activation of ``groups`` lines a row, from [group][row] in ACC."""
    vector(out, DYN, groups, At(ACC, acc, 1, out.cfg.N), c=At(CST, cst, 0, 1), act=act, r=r, rows=rows)


def _convert_input(out: Builder, first: int, lines: int, blocks: int) -> None:
    """Payload lines of every row to HBFP8 blocks in ACTC, [block][row]; a segment has at most K lines."""
    cfg = out.cfg
    for line in range(0, lines, cfg.K):
        to = At(TO_ACTC, blocks + line * cfg.L // cfg.K * cfg.N, 1, cfg.N)
        vector(out, DYN, min(cfg.K, lines - line), At(RXB, first + line, 0, 1), rows=to)


def _check_lines(cfg: Config, name: str, what: str, need: int, have: int, key: str) -> None:
    if need > have:
        raise ValueError(f"{name}: {what}: need {need} lines, have {have} ({key} of configuration {cfg.name})")


def lstm_classifier(cfg: Config, params: Mapping[str, ArrayLike], steps: int = 8, name: str = "lstm") -> Service:
    """LSTM over ``steps`` inputs, then a dense layer: one request is one sequence.

    params: ``Wx [4H, F]``, ``Wh [4H, H]``, ``b [4H]`` (gates i, f, g, o), ``Wd [C, H]``, ``bd [C]``, real numbers.
    Payload: ``steps·ceil(F/L)`` lines, the features of one step from lane 0 of its first line on; the response is
    ``ceil(C/L)`` lines of logits. The arithmetic is that of ``models/equinox_core/workloads/lstm.py``. H is filled up
    to whole lines with units of weights and biases zero, whose state stays zero.

    Raises:
        ValueError: shapes that do not fit together, or a buffer too small.
    """
    p = {key: np.asarray(value, dtype=np.float64) for key, value in params.items()}
    hidden, classes = p["Wh"].shape[1], p["Wd"].shape[0]
    features = p["Wx"].shape[1]
    gates = 4 * hidden
    shapes = {"Wx": (gates, features), "Wh": (gates, hidden), "b": (gates,), "Wd": (classes, hidden), "bd": (classes,)}
    for key, shape in shapes.items():
        if p[key].shape != shape:
            raise ValueError(f"{name}: {key} has shape {p[key].shape}: legal is {shape}")
    lines = -(-features // cfg.L)
    _check_lines(cfg, name, "payload", steps * lines, cfg.RX_LINES, "RX_LINES")
    _check_lines(cfg, name, "response", -(-classes // cfg.L), cfg.TX_LINES, "TX_LINES")
    out, size = Builder(cfg, name), up(hidden, cfg.L)
    _Lstm(out, steps, lines, size, classes).emit()
    wx, wh = (padded(p[key].reshape(4, hidden, -1), 4, size, p[key].shape[1]) for key in ("Wx", "Wh"))
    return Service(
        out.finish(),
        join(*(tiles(w, cfg) for w in (wx.reshape(4 * size, -1), wh.reshape(4 * size, -1), p["Wd"]))),
        np.concatenate([bias_lines(padded(p["b"].reshape(4, hidden), 4, size).ravel(), cfg), bias_lines(p["bd"], cfg)]),
        steps * lines,
        -(-classes // cfg.L),
    )


class _Lstm:
    """Emits the LSTM. In the shadow of a step's last passes, the MMU already computes the next step's input part."""

    I, F, G, O = range(4)  # noqa: E741 - the gates' names

    def __init__(self, out: Builder, steps: int, lines: int, hidden: int, classes: int) -> None:
        cfg = out.cfg
        self.out, self.cfg, self.steps, self.lines = out, cfg, steps, lines
        self.groups = hidden // cfg.L  # lines of a gate
        self.kx, self.kh = -(-lines * cfg.L // cfg.K), -(-hidden // cfg.K)
        self.d_groups = -(-classes // cfg.L)
        self.gate_lines = self.groups * cfg.N
        self.acc_half = 4 * self.gate_lines
        self.h_blocks = steps * self.kx * cfg.N  # ACTC: inputs of all steps, then h
        self.wh = self.kx * 4 * hidden
        self.wd = self.wh + self.kh * 4 * hidden

    def emit(self) -> None:
        self.input_blocks(0)
        for gate in (self.I, self.G, self.O):
            self.input_part(0, gate, 1)
        for t in range(self.steps):
            if t:
                self.state_part(t)
            if t + 1 < self.steps:
                self.input_blocks(t + 1)
                self.input_part(t + 1, self.I, 4)
            self.step(t)
        self.dense()

    def input_blocks(self, t: int) -> None:
        """Payload of step t to HBFP8 blocks."""
        _convert_input(self.out, t * self.lines, self.lines, t * self.kx * self.cfg.N)

    def input_part(self, t: int, first: int, gates: int) -> None:
        acc = t % 2 * self.acc_half + first * self.gate_lines
        for k in range(self.kx):
            a = (t * self.kx + k) * self.cfg.N
            b = (k * 4 + first) * self.groups * self.cfg.L
            _matmul(self.out, a, b, gates * self.groups, acc, k > 0)

    def state_part(self, t: int) -> None:
        """Adds h's blocks, gate by gate in the order of use; few groups are interleaved, so that sums of a line never
        wait.
        """
        order = (self.I, self.G, self.F, self.O)
        at_once = 1
        while at_once < 4 and self.kh > 1 and at_once * self.gate_lines < row_flight(self.cfg.N):
            at_once *= 2
        for first in range(0, 4, at_once):
            for k in range(self.kh):
                for gate in order[first : first + at_once]:
                    b = self.wh + (k * 4 + gate) * self.groups * self.cfg.L
                    acc = t % 2 * self.acc_half + gate * self.gate_lines
                    _matmul(self.out, self.h_blocks + k * self.cfg.N, b, self.groups, acc, True)

    def state(self, n: int) -> At:
        """VEC lines of gate or state n, [group][row]."""
        return At(VEC, n * self.gate_lines, self.cfg.N, 1)

    def gate(self, t: int, gate: int) -> None:
        """Bias and activation of one gate."""
        acc = At(ACC, t % 2 * self.acc_half + gate * self.gate_lines, self.cfg.N, 1)
        act = Act.TANH if gate == self.G else Act.SIGMOID
        bias = At(CST, gate * self.groups, 1, 0)
        vector(self.out, self.groups, DYN, acc, c=bias, act=act, r=self.state(gate)._replace(sp=TO_VEC))

    def step(self, t: int) -> None:
        """Gates and state of one step.

        With few products a gate the VPU is the bottleneck, and no pass should follow directly the one it needs; else
        the passes after the last gate should be few.
        """
        cell, n = self.state(4), self.cfg.N
        i, f, g, o = (self.state(n) for n in range(4))
        lines = (self.out, self.groups, DYN)
        late = self.kh == 1
        self.gate(t, self.I)
        self.gate(t, self.G)
        if t and late:
            self.gate(t, self.F)
        vector(*lines, i, b=g, r=(i if t else cell)._replace(sp=TO_VEC))  # i·g; the first c and h are zero
        if t and not late:
            self.gate(t, self.F)
        if late:
            self.gate(t, self.O)
        if t:
            vector(*lines, f, b=cell, c=i, r=cell._replace(sp=TO_VEC))  # f·c + i·g
        if not late:
            self.gate(t, self.O)
        for line in range(0, self.groups, self.cfg.K):  # h = tanh(c)·o, row by row
            to = At(TO_ACTC, self.h_blocks + line * self.cfg.L // self.cfg.K * n, 1, n)
            c, d = (At(VEC, s.base + line * n, 1, n) for s in (cell, o))
            vector(self.out, DYN, min(self.cfg.K, self.groups - line), c, act=Act.TANH, d=d, rows=to)

    def dense(self) -> None:
        acc = self.steps % 2 * self.acc_half
        for k in range(self.kh):
            b = self.wd + k * self.d_groups * self.cfg.L
            _matmul(self.out, self.h_blocks + k * self.cfg.N, b, self.d_groups, acc, k > 0)
        _drain(self.out, self.d_groups, acc, 4 * self.groups, r=At(TO_TXB, 0, self.cfg.TX_LINES, 1))


def mlp_classifier(
    cfg: Config, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike] | None = None, name: str = "mlp"
) -> Service:
    """Dense layers with ReLU between them: one request is one vector of features.

    weights: ``[outputs, inputs]`` of each layer; biases ``[outputs]`` (default 0). Payload ``ceil(F/L)`` lines,
    response ``ceil(C/L)`` lines of logits.

    Raises:
        ValueError: shapes that do not fit together, or a buffer too small.
    """
    ws = [np.asarray(w, dtype=np.float64) for w in weights]
    if not ws or any(w.ndim != 2 for w in ws):
        raise ValueError(f"{name}: weights: need at least one matrix [outputs, inputs]")
    for n, (w, v) in enumerate(zip(ws, ws[1:], strict=False)):
        if v.shape[1] != w.shape[0]:
            raise ValueError(f"{name}: layer {n + 1} takes {v.shape[1]} inputs, layer {n} gives {w.shape[0]}")
    bs = [np.zeros(len(w)) for w in ws] if biases is None else [np.asarray(b, dtype=np.float64) for b in biases]
    if [b.shape for b in bs] != [(len(w),) for w in ws]:
        raise ValueError(f"{name}: biases have shapes {[b.shape for b in bs]}: legal is one number an output")
    rx, tx = -(-ws[0].shape[1] // cfg.L), -(-len(ws[-1]) // cfg.L)
    _check_lines(cfg, name, "payload", rx, cfg.RX_LINES, "RX_LINES")
    _check_lines(cfg, name, "response", tx, cfg.TX_LINES, "TX_LINES")
    out = Builder(cfg, name)
    _emit_mlp(out, rx, [len(w) for w in ws])
    parts = []
    for n, w in enumerate(ws):  # a hidden layer gives whole lines: its consumer has columns for them
        parts.append(tiles(w if n == 0 else padded(w, len(w), up(w.shape[1], cfg.L)), cfg))
    return Service(out.finish(), join(*parts), np.concatenate([bias_lines(b, cfg) for b in bs]), rx, tx)


def _emit_mlp(out: Builder, rx_lines: int, outputs: list[int]) -> None:
    """Columns are computed in chunks, so that draining one overlaps computing the next; six chunks of ACC go round."""
    cfg = out.cfg
    ratio = cfg.K // cfg.L
    chunk = min(up(-(-row_flight(cfg.N) // cfg.N), ratio), cfg.K)  # lines of a segment
    slots = Ring(out.name, "ACC", 0, 6 * chunk * cfg.N)
    _convert_input(out, 0, rx_lines, 0)
    act, k_blocks, wgt, cst = 0, -(-rx_lines // ratio), 0, 0
    for layer, count in enumerate(outputs):
        groups = -(-count // cfg.L)
        after = act + k_blocks * cfg.N
        for g in range(0, groups, chunk):
            n_g = min(chunk, groups - g)
            acc = slots.take(n_g * cfg.N)
            for k in range(k_blocks):
                _matmul(out, act + k * cfg.N, wgt + (k * groups + g) * cfg.L, n_g, acc, k > 0)
            if layer + 1 < len(outputs):
                to = At(TO_ACTC, after + g // ratio * cfg.N, 1, cfg.N)
                _drain(out, n_g, acc, cst + g, Act.RELU, rows=to)
            else:
                _drain(out, n_g, acc, cst + g, r=At(TO_TXB, g, cfg.TX_LINES, 1))
        wgt += k_blocks * groups * cfg.L
        act, cst, k_blocks = after, cst + groups, -(-groups // ratio)
