"""What a training program's DRAM holds: minibatches, master weights, their HBFP8 copies, and the recorded errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import Config
from ..dram_layout import block_beats, pack_blocks, pack_lines, unpack_lines
from ..isa.program import Program
from ..numerics import bf16_from_float, fp32_canon, fp32_to_bf16, quantise
from .ops import Blocks, bias_lines, padded, up

PAD_BIAS = -3.0e38
"""Bias of the lanes beyond the last class: their exponential is zero."""


@dataclass(frozen=True)
class Piece:
    """The part of a stored matrix that one job updates: the layer's ``rows`` from row ``row`` on, ``groups`` lines from
    line ``group`` on.

    ``master`` is the DRAM address (bytes) of its fp32 lines [group][row].
    """

    row: int
    group: int
    groups: int
    master: int


@dataclass
class Layer:
    """Sizes (as given, and filled up: ``ins`` to K, ``outs`` to K or L) and places of one layer; None: not used.

    What is stored is the weight matrix [outputs][inputs], or, if ``turned``, its transpose: ``high`` rows by ``wide``
    lanes. Its HBFP8 copies in DRAM: ``along``, blocks along a row, [rows of a piece][block][row], and ``across``,
    blocks along a column, [block][column]. Multiplying by the weights (F) takes blocks along the inputs, by their
    transpose (X) along the outputs.
    """

    index: int
    size_in: int
    size_out: int
    ins: int
    outs: int
    bias: ArrayLike | None
    turned: bool = False
    rows: int = 0
    pieces: list[Piece] = field(default_factory=list)
    along: int | None = None
    across: int | None = None
    act_rows: int = 0
    act_cols: int = 0
    d_rows: int = 0
    d_cols: int = 0
    mask: int | None = None
    spill: int = 0
    cst: int | None = None

    @property
    def high(self) -> int:
        """Rows of the stored matrix."""
        return self.ins if self.turned else self.outs

    @property
    def wide(self) -> int:
        """Lanes of the stored matrix."""
        return self.outs if self.turned else self.ins


def used(place: int | None) -> int:
    """A place of a layer that its layout has.

    Raises:
        ValueError: it has none.
    """
    if place is None:
        raise ValueError("the layer has no place for this")
    return place


@dataclass(frozen=True)
class TrainingJob:
    """A training program with its data layout. Addresses are bytes from the context's DRAM base.

    Run it with ITER_MOD = ``batches``. Each iteration overwrites one slot of errors (softmax - target, fp32).
    """

    cfg: Config
    program: Program
    layers: list[Layer]
    batch: int
    batches: int
    rate_bits: int
    x: int
    xt: int
    y: int
    error: int
    size: int
    constant_lines: int

    @property
    def constants(self) -> NDArray[np.uint16]:
        """bf16 lines ``[n, L]`` for VEC from the context's ``c_base`` on."""
        parts = [np.zeros((0, self.cfg.L), np.uint16)]
        for layer in self.layers:
            if layer.cst is not None:
                bias = np.zeros(layer.size_out) if layer.bias is None else np.asarray(layer.bias, np.float64)
                last = layer is self.layers[-1]
                values = np.full(layer.outs, PAD_BIAS if last else 0.0)
                values[: layer.size_out] = bias
                parts.append(bias_lines(values, self.cfg))
        return np.concatenate(parts)

    def image(self, features: ArrayLike, targets: ArrayLike, weights: Sequence[ArrayLike]) -> NDArray[np.uint8]:
        """DRAM contents at start, uint8 ``[size]``.

        features ``[batches, B, F]`` and targets ``[batches, B, C]``, real numbers; weights float32 ``[outputs,
        inputs]`` a layer.

        Raises:
            ValueError: a shape is wrong.
        """
        first, last = self.layers[0], self.layers[-1]
        x, y = np.asarray(features, np.float64), np.asarray(targets, np.float32)
        for what, arr, width in (("features", x, first.size_in), ("targets", y, last.size_out)):
            if arr.shape != (self.batches, self.batch, width):
                raise ValueError(f"{what} have shape {arr.shape}: legal is {(self.batches, self.batch, width)}")
        out = np.zeros(self.size, np.uint8)
        k, lanes = self.cfg.K, self.cfg.L
        xb = bf16_from_float(padded(x, self.batches, self.batch, first.ins))
        at, att, aty = self.x, self.xt, self.y
        for n in range(self.batches):
            at = _put(out, at, *(pack_blocks(*run, self.cfg.BUS) for run in _by_block(xb[n], k)))
            att = _put(
                out, att, *(pack_blocks(*run, self.cfg.BUS) for run in _by_block(np.ascontiguousarray(xb[n].T), k))
            )
            aty = _put(out, aty, pack_lines(padded(y[n], self.batch, lanes)))
        self.put_weights(out, weights)
        return out

    def put_weights(self, out: NDArray[np.uint8], weights: Sequence[ArrayLike]) -> None:
        """Write master weights (float32 ``[outputs, inputs]`` a layer) and their HBFP8 copies into a DRAM region, in
        place.
        """
        if len(weights) != len(self.layers):
            raise ValueError(f"{len(weights)} weight matrices: legal is {len(self.layers)}")
        for layer, given in zip(self.layers, weights, strict=True):
            w = fp32_canon(np.asarray(given, np.float32))
            if w.shape != (layer.size_out, layer.size_in):
                raise ValueError(
                    f"weights of layer {layer.index} have shape {w.shape}: legal is {(layer.size_out, layer.size_in)}"
                )
            full = self._stored(layer, w)
            for p in layer.pieces:
                groups = self._part(layer, p, full).reshape(layer.rows, p.groups, self.cfg.L).transpose(1, 0, 2)
                _put(out, p.master, pack_lines(np.ascontiguousarray(groups).reshape(-1, self.cfg.L)))
            for (at, count), runs in zip(self.copies(layer), self._copies_of(layer, full), strict=True):
                end = _put(out, at, *(pack_blocks(*run, self.cfg.BUS) for run in runs))
                if end != at + count:
                    raise RuntimeError(
                        f"a copy of layer {layer.index} takes {end - at} bytes, {count} are laid out for it"
                    )

    def _stored(self, layer: Layer, w: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weights ``[outputs, inputs]`` as the matrix that is stored."""
        return np.ascontiguousarray(padded(w.T if layer.turned else w, layer.high, layer.wide))

    def _part(self, layer: Layer, p: Piece, full: NDArray[np.float32]) -> NDArray[np.float32]:
        lane = p.group * self.cfg.L
        return full[p.row : p.row + layer.rows, lane : lane + p.groups * self.cfg.L]

    def _copies_of(self, layer: Layer, full: NDArray[np.float32]) -> list[list[Blocks]]:
        """HBFP8 copies of a stored matrix that the layer has, as runs of blocks:
        along its rows, and along its columns.
        """
        k, copies = self.cfg.K, []
        bits = fp32_to_bf16(full)
        if layer.along is not None:
            parts = bits.reshape(-1, layer.rows, layer.wide)
            runs = [run for part in parts for run in _by_block(padded(part, layer.rows, up(layer.wide, k)), k)]
            copies.append([_stack(runs)])
        if layer.across is not None:
            copies.append(_by_block(padded(np.ascontiguousarray(bits.T), layer.wide, up(layer.high, k)), k))
        return copies

    def copies(self, layer: Layer) -> list[tuple[int, int]]:
        """Where a layer's HBFP8 copies are, along rows and along columns as far as it has them: DRAM addresses and
        bytes.
        """
        k, bus = self.cfg.K, self.cfg.BUS
        along, across = layer.high * -(-layer.wide // k), layer.wide
        found = []
        if layer.along is not None:
            found.append((layer.along, block_beats(along, k, bus) * bus))
        if layer.across is not None:
            found.append((layer.across, -(-layer.high // k) * block_beats(across, k, bus) * bus))
        return found

    def masters(self, layer: Layer) -> list[tuple[int, int]]:
        """Where a layer's master weights are: DRAM address and bytes of each piece."""
        return [(p.master, 4 * layer.rows * p.groups * self.cfg.L) for p in layer.pieces]

    def weights(self, dram: NDArray[np.uint8], base: int = 0) -> list[NDArray[np.float32]]:
        """Master weights float32 ``[outputs, inputs]`` a layer, from DRAM contents and the context's DRAM base."""
        out = []
        for layer in self.layers:
            full = np.zeros((layer.high, layer.wide), np.float32)
            for p, (at, size) in zip(layer.pieces, self.masters(layer), strict=True):
                raw = unpack_lines(dram[base + at : base + at + size], layer.rows * p.groups, self.cfg.L).view(
                    np.float32
                )
                block = raw.reshape(p.groups, layer.rows, self.cfg.L).transpose(1, 0, 2).reshape(layer.rows, -1)
                self._part(layer, p, full)[...] = block
            full = full.T if layer.turned else full
            out.append(full[: layer.size_out, : layer.size_in].copy())
        return out

    def stored_copies(self, dram: NDArray[np.uint8], base: int = 0) -> list[list[NDArray[np.uint8]]]:
        """HBFP8 copies in DRAM, their bytes: for each layer along the rows and along the columns of what is stored, as
        far as it has them.
        """
        return [[dram[base + at : base + at + size] for at, size in self.copies(layer)] for layer in self.layers]

    def errors(self, dram: NDArray[np.uint8], slot: int, base: int = 0) -> NDArray[np.float32]:
        """Softmax minus target, float32 ``[B, C]``, of the last step on minibatch ``slot``."""
        if not 0 <= slot < self.batches:
            raise ValueError(f"slot {slot}: legal range 0..{self.batches - 1}")
        size = 4 * self.batch * self.cfg.L
        at = base + self.error + slot * size
        lines = unpack_lines(dram[at : at + size], self.batch, self.cfg.L).view(np.float32)
        return lines[:, : self.layers[-1].size_out].copy()

    def loss(self, dram: NDArray[np.uint8], slot: int, targets: ArrayLike, base: int = 0) -> float:
        """Mean cross-entropy of minibatch ``slot`` at its last step, from the recorded errors and one-hot targets ``[B,
        C]``.
        """
        y = np.asarray(targets, np.float64)
        p = self.errors(dram, slot, base) + y
        return float(-np.log(np.maximum((p * y).sum(1), 2.0**-60)).mean())


def _by_block(bits: NDArray[np.uint16], k: int) -> list[Blocks]:
    """Rows of bf16 ``[rows, n]`` as blocks, one run of ``rows`` blocks for each K columns."""
    q, e = quantise(bits.reshape(len(bits), -1, k))
    return [(np.ascontiguousarray(q[:, n]), np.ascontiguousarray(e[:, n])) for n in range(q.shape[1])]


def _stack(runs: list[Blocks]) -> Blocks:
    return np.concatenate([r[0] for r in runs]), np.concatenate([r[1] for r in runs])


def _put(out: NDArray[np.uint8], at: int, *parts: NDArray[np.uint8]) -> int:
    for part in parts:
        out[at : at + part.size] = part
        at += part.size
    return at
