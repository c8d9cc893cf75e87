"""Training of a multi-layer perceptron: forward, softmax cross-entropy, backward, and SGD on fp32 master weights.

The program streams everything from DRAM and back. An iteration is a list of *jobs*, each a matrix product into one slot
of ACC followed by the passes that drain it:

    F  a_l = relu(a_(l-1)·W_lᵀ + b_l), K output columns a job: HBFP8 along the columns (for the next F) and
       along the batch (for the gradient of the next layer's weights)
    S  z = last product + bias; e = exp(z - max z); d = e·(1/Σe) - target
    X  d_(l-1) = (d_l·W_l)·[a_(l-1) > 0], K columns a job, converted the same two ways
    G  dW_l = d_lᵀ·a_(l-1), a piece of W_l a job; master -= rate·dW_l, and HBFP8 copies for F and X

in the order F_1..F_n, S, X_n, then G_(l+1) mixed with X_l down to l = 2, then G_2 mixed with G_1, so that jobs which
keep the VPU busy lie between such that do not (of three layers and more, G_n follows X_n at once, while the VPU still
drains X_n). F_n, S and X_n take the minibatch in two halves: S of one hides behind products of the other.

A piece of G has as many rows as fit, by few lines: each loaded tile serves all of its rows, and every load costs
inference. Rows are outputs; of a layer with few outputs they are inputs (it is *turned*: dW_lᵀ = a_(l-1)ᵀ·d_l, and its
weights lie in DRAM transposed). F_1 of the next iteration waits for all inputs of a panel of W_1, so the last pieces of
W_1 go back panel by panel, masters after copies. Nothing else orders the units: the builder derives what each job waits
for, so the LD stream runs ahead as far as its rings of slots allow, and F_1 of the next iteration starts as soon as the
first rows of W_1 are back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ..config import Config
from ..isa.encoding import Act, ASpace, BSpace, LdDst, Red, StSrc
from ..numerics import bf16_from_float
from .builder import Builder
from .ops import ACC, CST, IMM, STG, TO_ACTC, TO_SOB, TO_SOF, TO_VEC, TO_WGTC, VEC, At, up, vector
from .space import DramMap, Regions, Ring, Room, too_small
from .training_data import Layer, Piece, TrainingJob, used

_Job = Callable[[], None]
PHASES = FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"  # names in a program's ``phases``
_AHEAD = 8  # jobs that the load of a master may run ahead of the store of an updated one


def mlp_training(
    cfg: Config,
    sizes: Sequence[int],
    batch: int,
    rate: float,
    batches: int = 1,
    biases: Sequence[ArrayLike | None] | None = None,
    room: Room | None = None,
    name: str = "train",
) -> TrainingJob:
    """Training program for layers ``sizes`` (features, hidden widths, classes), ``batch`` rows a step.

    The weights move by ``rate``/batch times the summed gradient; ``batches`` minibatches lie in DRAM and are visited in
    turn (ITER_MOD). ``biases`` (one vector or None a layer) are constants added in the forward pass; give the inputs
    a feature that is always 1 to train the first layer's. ``room``: what of the relocated memories is free.

    Raises:
        ValueError: an illegal size, or a buffer too small (which, need and have).
    """
    return _Training(cfg, sizes, batch, rate, batches, biases, room or Room.whole(cfg), name).compile()


@dataclass(frozen=True)
class _Late:
    """Instructions that are put off, and the buffer lines that they read."""

    at: int
    lines: int
    emit: _Job

    def meets(self, at: int, lines: int) -> bool:
        """Whether lines are among those still to be read."""
        return at < self.at + self.lines and self.at < at + lines


class _Training:
    def __init__(
        self,
        cfg: Config,
        sizes: Sequence[int],
        batch: int,
        rate: float,
        batches: int,
        biases: Sequence[ArrayLike | None] | None,
        room: Room,
        name: str,
    ) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"{name}: sizes {tuple(sizes)}: legal are two or more layer widths of 1 or more")
        if not 1 <= sizes[-1] <= cfg.L:
            raise ValueError(f"{name}: {sizes[-1]} classes: legal is 1..{cfg.L} (one line)")
        if batch < cfg.K or batch % cfg.K or batch > 4095:
            raise ValueError(f"{name}: batch {batch}: legal is a multiple of K = {cfg.K}, at most 4095")
        if not 1 <= batches <= 65535:
            raise ValueError(f"{name}: {batches} minibatches: legal range 1..65535")
        self.rate_bits = int(bf16_from_float(rate / batch))
        if not np.isfinite(rate) or rate <= 0 or not 0 < self.rate_bits < 0x7F80:
            raise ValueError(f"{name}: rate {rate}: legal is a positive number (rate/batch a normal bfloat16)")
        self.cfg, self.batch, self.rows_k, self.name, self.room, self.batches = (
            cfg,
            batch,
            batch // cfg.K,
            name,
            room,
            batches,
        )
        self.ratio = cfg.K // cfg.L
        count = len(sizes) - 1
        given = [None] * count if biases is None else list(biases)
        if len(given) != count:
            raise ValueError(f"{name}: {len(given)} biases: legal is one (or None) for each of {count} layers")
        self.out = Builder(cfg, name, training=True)
        self.dram = DramMap(cfg)
        self.layers = [
            Layer(
                n,
                sizes[n],
                sizes[n + 1],
                up(sizes[n], cfg.K),
                cfg.L if n == count - 1 else up(sizes[n + 1], cfg.K),
                given[n],
            )
            for n in range(count)
        ]
        for layer in self.layers:
            if max(layer.ins, layer.outs) > 4095:
                raise ValueError(f"{name}: layer width {max(layer.ins, layer.outs)}: legal is at most 4095")
            if layer.bias is not None and np.shape(layer.bias) != (layer.size_out,):
                shape = np.shape(layer.bias)
                raise ValueError(f"{name}: bias of layer {layer.index} has shape {shape}: legal is ({layer.size_out},)")
        self._place_buffers()
        self._place_dram()
        self.stores: list[int] = []
        self.late: _Late | None = None  # passes of F, which read ACC
        self.masters: list[_Late] = []  # stores, which read SOF
        half = self.rows_k // 2 * cfg.K
        self.parts = [(0, half), (half, batch - half)] if half else [(0, batch)]

    # -- where things lie ----------------------------------------------------------------------------------------

    def _place_buffers(self) -> None:
        """Layers are turned where that gives their G jobs more rows, if the buffers allow."""
        self.limit = limit = min(self.room.acc // 4, self.cfg.SOF_DEPTH // 4, self.cfg.STG_DEPTH // 6)
        last, every = self.layers[-1], set()
        for layer in self.layers:
            plain, turned = (
                _rows(self.cfg, high, wide, limit) for high, wide in ((layer.outs, layer.ins), (layer.ins, layer.outs))
            )
            if turned > plain:
                every.add(layer.index)
        for chosen in (every, every & {last.index}, set()):
            for layer in self.layers:
                layer.turned = layer.index in chosen
            lacking = self._place_regions()
            if not lacking:
                break
        else:
            raise lacking[0]
        cfg, first = self.cfg, self.layers[0]
        x, xt = first.ins // cfg.K * self.batch, first.ins * self.rows_k
        self.xt_at = 0
        if first.turned:  # behind the minibatch, or in its place
            self.xt_at, xt = (x if x + xt <= cfg.ACTD_DEPTH else 0), 0
        self.acc = Ring(self.name, "ACC", 0, self.room.acc, 10)
        self.stg = Ring(self.name, "STG", 0, cfg.STG_DEPTH)
        self.sof = Ring(self.name, "SOF", 0, cfg.SOF_DEPTH)
        self.sob = Ring(self.name, "SOB", 0, cfg.SOB_DEPTH, 8)
        self.wgtd = Ring(self.name, "WGTD", up(xt, cfg.L), self.room.wgtd - up(xt, cfg.L), 5)

    def _place_regions(self) -> list[ValueError]:
        """Places for what lives in ACTC, WGTC and VEC between jobs; returns what does not fit."""
        cfg, b, n = self.cfg, self.batch, len(self.layers)
        actc, wgtc, vec = Regions(), Regions(), Regions()
        end = 2 * n
        wanted: list[tuple[int, Regions, int, int, Layer, str]] = []

        def want(layer: Layer, what: str, where: Regions, size: int, first: int, last: int) -> None:
            wanted.append((size, where, first, last, layer, what))

        for layer in self.layers:
            i = layer.index
            after_f, at_x = i + 1, 2 * n - i  # phases of F and X of this layer
            at_g = self._phase_of_g(layer)
            made = at_x - 1 if i < n - 1 else n  # the phase that makes its d
            if i < n - 1:
                above = self.layers[i + 1]
                want(layer, "act_rows", actc, layer.outs // cfg.K * b, after_f, after_f + 1)
                where = actc if above.turned else wgtc
                want(layer, "act_cols", where, layer.outs * self.rows_k, after_f, self._phase_of_g(above))
            if i > 0:
                want(layer, "d_rows", actc, -(-layer.outs // cfg.K) * b, made, at_x)
            want(layer, "d_cols", wgtc if layer.turned else actc, layer.outs * self.rows_k, made, at_g)
        for size, where, begin, last, layer, what in sorted(
            wanted, key=lambda w: (-w[0], w[2])
        ):  # the largest first: they leave fewer gaps
            setattr(layer, what, where.take(size, begin, last))
        self.soft = [vec.take(b, 0, end) for _ in range(3)]
        for layer in self.layers[:-1]:
            lines = layer.outs // cfg.L * b
            layer.mask = vec.take(lines, 0, end) if vec.top + lines <= self.room.vec - self._constants() else None
        return [
            too_small(self.name, what, top, have, f"batch {b}, configuration {cfg.name}; a smaller batch needs less")
            for what, top, have in (
                ("ACTC", actc.top, self.room.actc),
                ("WGTC", wgtc.top, cfg.WGTC_DEPTH),
                ("VEC", vec.top + self._constants(), self.room.vec),
                ("ACTD", self.layers[0].ins // cfg.K * b, cfg.ACTD_DEPTH),
                ("ACTD", self.layers[0].ins * self.rows_k if self.layers[0].turned else 0, cfg.ACTD_DEPTH),
            )
            if top > have
        ]

    def _phase_of_g(self, layer: Layer) -> int:
        """Of three layers and more, the last one's G comes right after its X; else G of a layer is mixed with X of the
        one below.
        """
        n = len(self.layers)
        at_x = 2 * n - layer.index
        return at_x if n > 2 and layer is self.layers[-1] else min(at_x + 1, 2 * n)

    def _constants(self) -> int:
        """Lines of biases; also gives each layer its place among them."""
        top = 0
        for layer in self.layers:
            if layer.bias is not None or layer is self.layers[-1]:
                layer.cst = top
                top += layer.outs // self.cfg.L
        return top

    def _place_dram(self) -> None:
        """Operands in DRAM; the weights in pieces, each what one G job updates."""
        cfg, d, b, first = self.cfg, self.dram, self.batch, self.layers[0]
        self.x_bytes = first.ins // cfg.K * d.block_bytes(b)
        self.xt_bytes = self.rows_k * d.block_bytes(first.ins)
        self.y_bytes = d.line_bytes(b)
        self.x, self.xt = d.bytes(self.batches * self.x_bytes), d.bytes(self.batches * self.xt_bytes)
        self.y, self.error = d.lines(b, self.batches), d.lines(b, self.batches)
        for layer in self.layers:
            self._place_weights(layer)
            if layer.index < len(self.layers) - 1 and layer.mask is None:
                layer.spill = d.lines(self.ratio * b, layer.outs // cfg.K)

    def _place_weights(self, layer: Layer) -> None:
        """A piece has as many rows as fit, for a loaded tile serves them all; then as many lines as fit."""
        cfg, d, groups = self.cfg, self.dram, layer.wide // self.cfg.L
        layer.rows = _rows(cfg, layer.high, layer.wide, self.limit)
        unit = _unit(cfg, layer.high, layer.wide)
        if not layer.rows:
            need = unit * min(cfg.K, layer.high)
            raise too_small(self.name, "SOF, STG or ACC", need, self.limit, "lines of one update")
        most = min(self.limit // layer.rows, cfg.K) // unit * unit
        step = up(-(-groups // -(-groups // most)), unit)
        for row in range(0, layer.high, layer.rows):
            for group in range(0, groups, step):
                count = min(step, groups - group)
                layer.pieces.append(Piece(row, group, count, d.lines(count * layer.rows)))
        if layer.index or not layer.turned:
            layer.along = d.blocks(layer.high * -(-layer.wide // cfg.K))
        if layer.index or layer.turned:
            layer.across = d.blocks(layer.wide, -(-layer.high // cfg.K))

    # -- the program -----------------------------------------------------------------------------------------------

    def compile(self) -> TrainingJob:
        out = self.out
        self.gradients_left = sum(len(layer.pieces) for layer in self.layers)
        x = self.layers[0].ins // self.cfg.K
        out.phase = FORWARD
        out.load(
            sp=LdDst.ACTD,
            n_o=x,
            len=self.batch,
            l_so=self.batch,
            d_base=self.x,
            d_so=self.dram.block_bytes(self.batch),
            d_iter=self.x_bytes,
        )
        for layer in self.layers[:-1]:
            for panel in range(layer.outs // self.cfg.K):
                self._forward(layer, panel)
        self._outputs(self.layers[-1])
        self._transposed_inputs()
        for job in self._backward_jobs():
            job()
        self._store_masters()
        return TrainingJob(
            self.cfg,
            out.finish(self.batches),
            self.layers,
            self.batch,
            self.batches,
            self.rate_bits,
            self.x,
            self.xt,
            self.y,
            self.error,
            self.dram.size,
            self._constants(),
        )

    def _backward_jobs(self) -> list[_Job]:
        """X and G jobs in order; G of a layer comes after all of its X jobs, which read the weights that it updates."""

        def gradients(layer: Layer) -> list[_Job]:
            pairs = [layer.pieces[n : n + 2] for n in range(0, len(layer.pieces), 2)]
            return [partial(self._gradients, layer, pair) for pair in pairs]

        jobs: list[_Job] = []
        waiting: list[_Job] = []
        for layer in reversed(self.layers[1:]):
            top = layer is self.layers[-1]
            columns = range(layer.ins // self.cfg.K)
            mine = [
                partial(self._backward, layer, c, part)
                for part in (self.parts if top else [(0, self.batch)])
                for c in columns
            ]
            if top:
                jobs += mine if len(self.layers) == 2 else [self._catch_up, *mine, *gradients(layer)]
            else:
                jobs += _mixed(mine, waiting)
            waiting = gradients(layer) if not top or len(self.layers) == 2 else []
        return jobs + _mixed(gradients(self.layers[0]), waiting)

    def _sums(
        self,
        acc: int,
        rows: int,
        a_sp: ASpace,
        a: int,
        a_sk: int,
        b_sp: BSpace,
        b: int,
        b_sk: int,
        groups: int,
        blocks: range,
    ) -> None:
        """MATMULs for some of a product's K-blocks, one by one: many rows lie between two sums on one line. ACC slot:
        [group][row].
        """
        for k in blocks:
            self.out.matmul(
                accum=k > 0,
                a_sp=a_sp,
                b_sp=b_sp,
                rows=rows,
                n_g=groups,
                n_k=1,
                a_base=a + k * a_sk,
                a_sr=1,
                b_base=b + k * b_sk,
                b_sg=self.cfg.L,
                c_base=acc,
                c_sr=1,
                c_sg=rows,
            )

    def _weights(self, layer: Layer, panel: int) -> int:
        """Loads a panel of a layer's weights, K outputs (the last layer: all);
        returns its WGTD slot, [block][output].
        """
        return self._columns(layer, panel) if layer.turned else self._rows(layer, panel)

    def _transposed(self, layer: Layer, panel: int) -> int:
        """Loads a panel of a layer's transposed weights, K inputs; returns its WGTD slot, [block][input]."""
        return self._rows(layer, panel) if layer.turned else self._columns(layer, panel)

    def _rows(self, layer: Layer, panel: int) -> int:
        """Loads K rows (or all, if fewer) of what is stored; returns their WGTD slot, [block][row]."""
        k, depth = self.cfg.K, -(-layer.wide // self.cfg.K)
        if layer.rows <= k:
            count = depth * layer.rows
            slot, at = self.wgtd.take(count), used(layer.along) + panel * self.dram.block_bytes(count)
            self.out.load(sp=LdDst.WGTD, n_o=1, len=count, l_base=slot, d_base=at)
            return slot
        slot, run = self.wgtd.take(depth * k), self.dram.block_bytes(layer.rows)
        part, row = divmod(panel * k, layer.rows)
        at = used(layer.along) + part * depth * run + self.dram.block_bytes(row)
        self.out.load(sp=LdDst.WGTD, n_o=depth, len=k, l_base=slot, l_so=k, d_base=at, d_so=run)
        return slot

    def _columns(self, layer: Layer, panel: int) -> int:
        """Loads K columns (or all, if fewer) of what is stored; returns their WGTD slot, [block][column]."""
        count, depth = min(self.cfg.K, layer.wide), -(-layer.high // self.cfg.K)
        slot, run = self.wgtd.take(depth * count), self.dram.block_bytes(layer.wide)
        at = used(layer.across) + self.dram.block_bytes(panel * count)
        self.out.load(sp=LdDst.WGTD, n_o=depth, len=count, l_base=slot, l_so=count, d_base=at, d_so=run)
        return slot

    def _forward_sums(self, layer: Layer, acc: int, weights: int, first: int, rows: int) -> None:
        """Sums of an F job for some rows of the minibatch."""
        a_sp, a = (ASpace.ACTC, self.layers[layer.index - 1].act_rows) if layer.index else (ASpace.ACTD, 0)
        depth, outs = layer.ins // self.cfg.K, min(self.cfg.K, layer.outs)
        self._sums(acc, rows, a_sp, a + first, self.batch, BSpace.WGTD, weights, outs, outs // self.cfg.L, range(depth))

    def _outputs(self, layer: Layer) -> None:
        """F of the last layer and S, part by part."""
        weights = self._weights(layer, 0)
        groups = layer.outs // self.cfg.L
        at = self._slot(groups * self.batch)
        slots = [at + groups * first for first, _ in self.parts]
        for (first, rows), acc in zip(self.parts, slots, strict=True):
            self._forward_sums(layer, acc, weights, first, rows)
        for (first, rows), acc in zip(self.parts, slots, strict=True):
            self._softmax(layer, acc, first, rows)

    def _slot(self, lines: int) -> int:
        """The next slot of ACC: past what a job of F has put off reading, or in its place, after it has been read."""
        at, late = self.acc.take(lines), self.late
        if late and late.meets(at, lines):
            at = self.acc.take(lines, after=late.at + late.lines)
            if late.meets(at, lines):
                self._catch_up()
        return at

    def _catch_up(self) -> None:
        """Emits what a job of F has put off."""
        late, self.late = self.late, None
        if late:
            late.emit()

    def _sof_slot(self, lines: int) -> int:
        """The next slot of SOF; what is still to be stored from its place is stored first."""
        at = self.sof.take(lines)
        if any(late.meets(at, lines) for late in self.masters):
            self._store_masters()
        return at

    def _store_masters(self, keep: int = 0) -> None:
        """Emits the stores of masters that have been put off,
        but for the latest ``keep``: what F waits for goes first.
        """
        while len(self.masters) > keep:
            self.masters.pop(0).emit()

    def _forward(self, layer: Layer, panel: int) -> None:
        """F job: K columns of a layer's output.

        For the last layer the VPU hurries: the last panel's blocks of each part as soon as can be, and those along the
        batch later.
        """
        out, cfg, b = self.out, self.cfg, self.batch
        groups = self.ratio
        weights = self._weights(layer, panel)
        acc = self._slot(groups * b)
        self._forward_sums(layer, acc, weights, 0, b)
        hurry = layer.index == len(self.layers) - 2 and panel == layer.outs // cfg.K - 1
        bias = None if layer.cst is None else At(CST, layer.cst + panel * groups, 0, 1)
        if layer.mask is not None:
            keep = At(TO_VEC, layer.mask + panel * groups * b, 1, b)
        else:
            keep = At(TO_SOF, self._sof_slot(groups * b), 1, b)
        for first, rows in self.parts if hurry else [(0, b)]:
            to = At(TO_ACTC, layer.act_rows + panel * b + first, 1, 0)
            r = keep._replace(base=keep.base + first)
            vector(out, rows, groups, At(ACC, acc + first, 1, b), c=bias, act=Act.RELU, r=r, rows=to)
        if layer.mask is None:
            spill = layer.spill + panel * self.dram.line_bytes(groups * b)
            out.store(sp=StSrc.SOF, n_o=1, len=groups * b, l_base=keep.base, d_base=spill)
        cols = TO_ACTC if self.layers[layer.index + 1].turned else TO_WGTC

        def along_batch() -> None:
            for g in range(groups):
                bias = None if layer.cst is None else At(CST, layer.cst + panel * groups + g)
                to = At(cols, layer.act_cols + panel * cfg.K + g * cfg.L, layer.outs, 1)
                vector(out, self.rows_k, cfg.K, At(ACC, acc + g * b, cfg.K, 1), c=bias, act=Act.RELU, cols=to)

        if hurry:
            self.late = _Late(acc, groups * b, along_batch)
        else:
            along_batch()

    def _softmax(self, layer: Layer, acc: int, first: int, rows: int) -> None:
        """S: exponentials stay in place of z, the reciprocal in place of the sum. Stores d as fp32."""
        out, cfg = self.out, self.cfg
        y = self.stg.take(rows)
        offset = self.dram.line_bytes(first)
        out.load(sp=LdDst.STG, n_o=1, len=rows, l_base=y, d_base=self.y + offset, d_iter=self.y_bytes)
        z, peak, total = (At(VEC, base + first, cfg.K, 1) for base in self.soft)
        lines = (out, rows // cfg.K, cfg.K)
        product, bias = At(ACC, acc, cfg.K, 1), At(CST, used(layer.cst))
        vector(*lines, product, c=bias, r=z._replace(sp=TO_VEC))
        vector(*lines, product, c=bias, red=Red.MAX, r=peak._replace(sp=TO_VEC))
        vector(*lines, z, c=peak, c_neg=True, act=Act.EXP, red=Red.SUM, r=total._replace(sp=TO_VEC))
        vector(*lines, z, c=peak, c_neg=True, act=Act.EXP, r=z._replace(sp=TO_VEC))
        vector(*lines, total, act=Act.RECIP, r=total._replace(sp=TO_VEC))
        error = self._sof_slot(rows)
        target, to = At(STG, y, cfg.K, 1), At(TO_SOF, error, cfg.K, 1)
        if layer.index:
            blocks = At(TO_ACTC, layer.d_rows + first, 1, 0)
            by_row = [At(at.sp, at.base, 1, 0) for at in (z, total, target, to)]
            vector(out, rows, 1, by_row[0], b=by_row[1], c=by_row[2], c_neg=True, r=by_row[3], rows=blocks)
        cols = At(TO_WGTC if layer.turned else TO_ACTC, layer.d_cols + first // cfg.K * layer.outs, layer.outs, 1)
        vector(*lines, z, b=total, c=target, c_neg=True, r=None if layer.index else to, cols=cols)
        out.store(sp=StSrc.SOF, n_o=1, len=rows, l_base=error, d_base=self.error + offset, d_iter=self.y_bytes)

    def _transposed_inputs(self) -> None:
        ins = self.layers[0].ins
        sp = LdDst.ACTD if self.layers[0].turned else LdDst.WGTD
        self.out.load(
            sp=sp,
            n_o=self.rows_k,
            len=ins,
            l_base=self.xt_at,
            l_so=ins,
            d_base=self.xt,
            d_so=self.dram.block_bytes(ins),
            d_iter=self.xt_bytes,
        )

    def _backward(self, layer: Layer, column: int, part: tuple[int, int]) -> None:
        """X job: K columns of the gradient of a layer's input for some rows, masked; they are d of the layer below."""
        out, cfg, b, below = self.out, self.cfg, self.batch, self.layers[layer.index - 1]
        out.phase = BACKWARD
        first, rows = part
        depth = -(-layer.outs // cfg.K)
        slot = self._transposed(layer, column)
        if below.mask is None:
            source, mask, stride = STG, self.stg.take(self.ratio * rows), rows
            out.load(
                sp=LdDst.STG,
                n_o=self.ratio,
                len=rows,
                l_base=mask,
                l_so=rows,
                d_base=below.spill + column * self.dram.line_bytes(self.ratio * b) + self.dram.line_bytes(first),
                d_so=self.dram.line_bytes(b),
            )
        else:
            source, mask, stride = VEC, below.mask + column * self.ratio * b + first, b
        acc = self._slot(self.ratio * rows)
        self._sums(acc, rows, ASpace.ACTC, layer.d_rows + first, b, BSpace.WGTD, slot, cfg.K, self.ratio, range(depth))
        if below.index:
            to = At(TO_ACTC, below.d_rows + column * b + first, 1, 0)
            vector(out, rows, self.ratio, At(source, mask, 1, stride), act=Act.DRELU, d=At(ACC, acc, 1, rows), rows=to)
        cols = TO_WGTC if below.turned else TO_ACTC
        for g in range(self.ratio):
            a, d = At(source, mask + g * stride, cfg.K, 1), At(ACC, acc + g * rows, cfg.K, 1)
            at = below.d_cols + first // cfg.K * below.outs + column * cfg.K + g * cfg.L
            vector(out, rows // cfg.K, cfg.K, a, act=Act.DRELU, d=d, cols=At(cols, at, below.outs, 1))

    def _gradients(self, layer: Layer, pieces: Sequence[Piece]) -> None:
        """G jobs of some pieces.

        Where d comes in two halves, all begin with the first while the VPU makes the second.
        """
        self.out.phase = UPDATE
        halves = [range(self.rows_k)]
        if layer.index == len(self.layers) - 2:
            halves = [range(first // self.cfg.K, (first + rows) // self.cfg.K) for first, rows in self.parts]
        at = self._slot(sum(layer.rows * p.groups for p in pieces))
        self._catch_up()
        slots = [at, at + layer.rows * pieces[0].groups]
        jobs = list(zip(pieces, slots, strict=False))
        for blocks in halves[:-1]:
            for piece, acc in jobs:
                self._gradient_product(layer, piece, acc, blocks)
        for piece, acc in jobs:
            self._gradient_product(layer, piece, acc, halves[-1])
            lines, sof = layer.rows * piece.groups, self._update(layer, piece, acc)
            self.masters.append(_Late(sof, lines, partial(self._store_master, piece, lines, sof)))
        final = layer.index == 0 and pieces[-1] is layer.pieces[-1]
        self._store_masters(keep=len(jobs) if final else 0)

    def _store_master(self, piece: Piece, lines: int, sof: int) -> None:
        self.gradients_left -= 1
        step = self.gradients_left == 0
        self.stores.append(self.out.store(sp=StSrc.SOF, n_o=1, len=lines, l_base=sof, d_base=piece.master, step=step))

    def _gradient_product(self, layer: Layer, piece: Piece, acc: int, blocks: range) -> None:
        """Sums of a G job over some blocks of the minibatch:
        ``rows`` outputs by ``groups`` lines of inputs, or turned.
        """
        inputs = self.layers[layer.index - 1].act_cols if layer.index else self.xt_at
        if layer.turned:
            a_sp, a = (ASpace.ACTC if layer.index else ASpace.ACTD), inputs
            b_sp, b = BSpace.WGTC, layer.d_cols
        else:
            a_sp, a = ASpace.ACTC, layer.d_cols
            b_sp, b = (BSpace.WGTC if layer.index else BSpace.WGTD), inputs
        self._sums(
            acc,
            layer.rows,
            a_sp,
            a + piece.row,
            layer.high,
            b_sp,
            b + piece.group * self.cfg.L,
            layer.wide,
            piece.groups,
            blocks,
        )

    def _update(self, layer: Layer, piece: Piece, acc: int) -> int:
        """Update of a piece from its gradient: the copies that the layer has, and the master, whose slot of SOF is
        returned.
        """
        out, cfg, rows, groups = self.out, self.cfg, layer.rows, piece.groups
        lines, tall = rows * groups, min(rows, cfg.K)
        master = self.stg.take(lines)
        after = [self.stores[-_AHEAD]] if len(self.stores) >= _AHEAD else []
        out.load(after=after, sp=LdDst.STG, n_o=1, len=lines, l_base=master, d_base=piece.master)
        sof = self._sof_slot(lines)
        rate = At(IMM, self.rate_bits)
        depth = -(-groups // self.ratio)
        place = piece.row * -(-layer.wide // cfg.K) + piece.group // self.ratio * rows
        part = (
            tall if layer.index == 0 and piece in layer.pieces[-2:] else rows
        )  # F of the next iteration waits for each of these
        for first in range(0, rows, part):
            to = None if layer.along is None else At(TO_SOB, self.sob.take(depth * part), 1, part)
            vector(
                out,
                part,
                groups,
                At(ACC, acc + first, 1, rows),
                b=rate,
                p_neg=True,
                c=At(STG, master + first, 1, rows),
                r=At(TO_SOF, sof + first, 1, rows),
                rows=to,
            )
            if to is None or layer.along is None:
                continue
            runs, at = (1, depth * rows) if part == rows else (depth, part)
            out.store(
                sp=StSrc.SOB,
                n_o=runs,
                len=at,
                l_base=to.base,
                l_so=part,
                d_base=layer.along + self.dram.block_bytes(place + first),
                d_so=self.dram.block_bytes(rows),
            )
        if layer.across is not None:
            width, panels = groups * cfg.L, rows // tall
            cols = self.sob.take(panels * width)
            across, down = (groups, rows, cfg.L), (panels, tall, width)  # count, and strides of lines and blocks
            one, other = sorted((across, down))
            for n in range(one[0]):
                line, block, (count, lines_by, blocks_by) = n * one[1], n * one[2], other
                vector(
                    out,
                    count,
                    tall,
                    At(ACC, acc + line, lines_by, 1),
                    b=rate,
                    p_neg=True,
                    c=At(STG, master + line, lines_by, 1),
                    cols=At(TO_SOB, cols + block, blocks_by, 1),
                )
            run = self.dram.block_bytes(layer.wide)
            at = layer.across + piece.row // cfg.K * run + self.dram.block_bytes(piece.group * cfg.L)
            out.store(sp=StSrc.SOB, n_o=panels, len=width, l_base=cols, l_so=width, d_base=at, d_so=run)
        return sof


def _unit(cfg: Config, high: int, wide: int) -> int:
    """Lines of a row that a piece has at least: they make whole blocks, and its blocks whole panels in DRAM."""
    ratio = cfg.K // cfg.L
    return min(wide // cfg.L, ratio if high % cfg.K == 0 else ratio * ratio)


def _rows(cfg: Config, high: int, wide: int, limit: int) -> int:
    """Rows of a piece of a stored matrix: the most that divide it into equal parts, with ``limit`` lines in a piece; 0:
    none.
    """
    tall = min(cfg.K, high)
    unit = _unit(cfg, high, wide)
    most = limit // unit if unit <= cfg.K else 0
    return max((rows for rows in range(tall, high + 1, tall) if high % rows == 0 and rows <= most), default=0)


def _mixed(one: Sequence[_Job], other: Sequence[_Job]) -> list[_Job]:
    """Two lists merged in proportion, each in its order."""
    keyed = [
        ((n + 0.5) / len(part), which, item) for which, part in enumerate((one, other)) for n, item in enumerate(part)
    ]
    return [item for *_, item in sorted(keyed, key=lambda k: k[:2])]
