"""The functional core, instruction by instruction against plain loops over docs/isa.md, and its programs' rules."""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.config import Config, load_config
from equinox_core.core import Context, Core, CoreError, Deadlock
from equinox_core.dram_layout import pack_blocks, pack_lines, unpack_blocks, unpack_lines
from equinox_core.isa.asm import assemble
from equinox_core.isa.check import Bases
from equinox_core.isa.encoding import Err, Instr, Op, Unit, make
from equinox_core.numerics import fp32_add, int_to_fp32, quantise

CONFIGS = ["tiny", "default", "large"]


def random_blocks(rng: np.random.Generator, shape: tuple[int, ...], k: int) -> tuple[np.ndarray, np.ndarray]:
    values = rng.integers(0x3C00, 0x4200, (*shape, k)) | rng.integers(0, 2, (*shape, k)) << 15
    return quantise(values.astype(np.uint16))


def filled(cfg: Config, seed: int) -> Core:
    core = Core(cfg, train_rows=3)
    rng = np.random.default_rng(seed)
    for name in ("ACTC", "ACTD", "WGTC", "WGTD", "SOB"):
        q, e = getattr(core.mem, name)
        q[:], e[:] = random_blocks(rng, (len(e),), cfg.K)
    for name in ("ACC", "SOF"):
        mem = getattr(core.mem, name)
        mem[:] = rng.normal(size=mem.shape).astype(np.float32).view(np.uint32)
    return core


def plain_matmul(core: Core, ins: Instr, ctx: Context) -> None:
    """Tiles and rows one by one, as docs/isa.md orders them."""
    m, lanes = core.mem, core.cfg.L
    aq, ae = (m.ACTC, m.ACTD)[ins.a_sp]
    bq, be = (m.WGTC, m.WGTD)[ins.b_sp]
    a_base = ins.a_base + (0 if ins.a_sp else ctx.bases.actc)
    b_base = ins.b_base + (ctx.bases.wgtd if ins.b_sp else 0)
    rows = ctx.rows if ins.dyn_rows else ins.rows
    chunk = core.train_rows if ctx.training else rows
    for first in range(0, rows, chunk):
        for g in range(ins.n_g):
            for k in range(ins.n_k):
                for r in range(first, min(first + chunk, rows)):
                    a = a_base + r * ins.a_sr + k * ins.a_sk
                    b = b_base + g * ins.b_sg + k * ins.b_sk + np.arange(lanes)
                    line = ins.c_base + ctx.bases.acc + g * ins.c_sg + r * ins.c_sr
                    total = bq[b].astype(np.int64) @ aq[a].astype(np.int64)
                    part = int_to_fp32(total, ae[a], be[b])
                    if k or ins.accum:
                        part = fp32_add(m.ACC[line].view(np.float32), part)
                    m.ACC[line] = part.view(np.uint32)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("repeated_lines", [False, True])
def test_matmul(name: str, repeated_lines: bool) -> None:
    cfg = load_config(name)
    rng = np.random.default_rng(len(name) + repeated_lines)
    for trial in range(8):
        training = bool(trial % 2)
        rows, n_g, n_k = (int(v) for v in rng.integers(1, 6, 3))
        ins = make(
            Op.MATMUL,
            dyn_rows=not training,
            rows=rows,
            n_g=n_g,
            n_k=n_k,
            accum=rng.integers(2),
            a_sp=rng.integers(2),
            b_sp=rng.integers(2),
            a_base=rng.integers(100),
            a_sr=rng.integers(8),
            a_sk=rng.integers(20),
            b_base=cfg.M * rng.integers(50),
            b_sg=cfg.M * rng.integers(1, 30),
            b_sk=cfg.M * rng.integers(20),
            c_base=rng.integers(99),
            c_sr=0 if repeated_lines else 1,
            c_sg=1 if repeated_lines else rows + rng.integers(5),
        )
        if rows > cfg.N and not training:
            continue
        bases = Bases(acc=int(rng.integers(50)), actc=int(rng.integers(50)), wgtd=cfg.M * int(rng.integers(50)))
        ctx = Context(2 if training else 0, training, bases, 0 if training else rows, cfg=cfg)
        core, plain = filled(cfg, trial), filled(cfg, trial)
        before = core.mem.ACC.copy()
        core.execute(ins, Unit.MMU, ctx)
        plain_matmul(plain, ins, ctx)
        assert np.array_equal(core.mem.ACC, plain.mem.ACC) and not np.array_equal(core.mem.ACC, before)


@pytest.mark.parametrize(
    "cfg",
    [*map(load_config, CONFIGS), load_config("tiny").changed(W=8), load_config("tiny").changed(N=32, M=4, W=8)],
    ids=lambda cfg: f"{cfg.K}-{cfg.BUS}",
)
def test_load_and_store(cfg: Config) -> None:
    """Blocks of one beat, and of two: of the bus of a line, and of AXI4's widest."""
    rng = np.random.default_rng(7)
    core = filled(cfg, 1)
    k, bus = cfg.K, cfg.BUS
    ctx = Context(cfg.C_INF, True, Bases(wgtd=cfg.L, dram=64 * k), cfg=cfg)
    for space, length in ((0, 3), (0, k), (1, 2 * k + 3), (2, 1), (2, 9)):
        lines = space == 2
        runs = []
        bytes_of_run = (length * 4 * cfg.L) if lines else length * k + -(-length // bus) * bus
        stride = bytes_of_run + 2 * k
        for n in range(3):
            if lines:
                run = rng.normal(size=(length, cfg.L)).astype(np.float32)
                packed = pack_lines(run)
            else:
                run = random_blocks(rng, (length,), k)
                packed = pack_blocks(*run, bus)
            at = 64 * k + 5 * k + n * stride + 2 * 1024 * k
            core.mem.DRAM[at : at + packed.size] = packed
            runs.append(run)
        fields = {
            "n_o": 3,
            "len": length,
            "l_base": 4,
            "l_so": length + 1,
            "d_base": 5 * k,
            "d_so": stride,
            "d_iter": 1024 * k,
        }
        load = make(Op.LOAD, sp=space, **fields)
        core.execute(load, Unit.LD, ctx, iteration=2)
        for n, run in enumerate(runs):
            at = 4 + n * (length + 1) + (cfg.L if space == 1 else 0)
            if lines:
                assert np.array_equal(core.mem.STG[at : at + length], run.view(np.uint32))
            else:
                q, e = (core.mem.ACTD, core.mem.WGTD)[space]
                assert np.array_equal(q[at : at + length], run[0]) and np.array_equal(e[at : at + length], run[1])
        store = make(Op.STORE, sp=int(lines), **fields)
        core.mem.DRAM[:] = 0xAA
        core.execute(store, Unit.ST, ctx, iteration=3)
        untouched = np.ones(cfg.BYTES, bool)
        for n in range(3):
            at, src = 64 * k + 5 * k + n * stride + 3 * 1024 * k, 4 + n * (length + 1)
            untouched[at : at + bytes_of_run] = False
            raw = core.mem.DRAM[at : at + bytes_of_run]
            if lines:
                assert np.array_equal(unpack_lines(raw, length, cfg.L), core.mem.SOF[src : src + length])
            else:
                q, e = unpack_blocks(raw, length, k, bus)
                assert np.array_equal(q, core.mem.SOB[0][src : src + length])
                assert np.array_equal(e, core.mem.SOB[1][src : src + length])
                assert np.array_equal(pack_blocks(q, e, bus), raw)
        assert (core.mem.DRAM[untouched] == 0xAA).all()


TINY = load_config("tiny")
OK = "matmul rows=2 n_g=1 n_k=1 c_sr=1"


@pytest.mark.parametrize(
    ("text", "cause", "unit"),
    [
        ("matmul rows=2 n_g=1 n_k=1 a_base=4095 a_sr=1 last", Err.OPERAND, Unit.MMU),
        ("matmul rows=2 n_g=1 n_k=1 b_base=4094 last", Err.OPERAND, Unit.MMU),
        ("matmul rows=2 n_g=2 n_k=1 c_sg=2047 c_sr=1 last", Err.OPERAND, Unit.MMU),
        ("matmul rows=2 n_g=1 last", Err.OPERAND, Unit.MMU),
        ("matmul dyn_rows n_g=1 n_k=1 last", Err.OPERAND, Unit.MMU),
        ("vector cnt_o=1 cnt_i=1 r_sp=TXB last", Err.OPERAND, Unit.VPU),
        ("vector cnt_o=1 cnt_i=1 r_sp=VEC r_base=4096 last", Err.OPERAND, Unit.VPU),
        ("load sp=ACTD n_o=1 len=2 l_base=4095 last", Err.OPERAND, Unit.LD),
        ("load sp=ACTD n_o=2 len=2 d_so=3 last", Err.OPERAND, Unit.LD),
        ("load sp=ACTD n_o=1 len=2 d_base=4194296 last", Err.DMA_RESP, Unit.LD),
        ("store sp=SOF n_o=1 len=0 last", Err.OPERAND, Unit.ST),
        ("store sp=3 n_o=1 len=1 last", Err.OPERAND, Unit.ST),
        ("store sp=SOB n_o=2 len=1 l_so=2048 last", Err.OPERAND, Unit.ST),
        (f"{OK} signal=4", Err.PC_RANGE, Unit.MMU),
    ],
)
def test_errors(text: str, cause: Err, unit: Unit) -> None:
    with pytest.raises(CoreError) as error:
        Core(TINY).run_training(assemble(".training\n" + text))
    assert (error.value.cause, error.value.unit) == (cause, unit) and str(error.value).startswith(cause.name)


def test_what_came_before_a_fault_stays() -> None:
    core, plain = filled(TINY, 3), filled(TINY, 3)
    ctx = Context(2, True, cfg=TINY)
    with pytest.raises(CoreError, match="ACC address 2048"):
        core.execute(make(Op.MATMUL, rows=5, n_g=1, n_k=2, a_sk=1, c_base=2046, c_sr=1), Unit.MMU, ctx)
    plain_matmul(plain, make(Op.MATMUL, rows=2, n_g=1, n_k=1, c_base=2046, c_sr=1), ctx)
    assert np.array_equal(core.mem.ACC, plain.mem.ACC)


def test_runs_before_a_faulty_one_are_stored() -> None:
    core = filled(TINY, 4)
    ctx = Context(2, True, cfg=TINY)
    with pytest.raises(CoreError, match="OPERAND: STORE: run 2: SOF address beyond 1023"):
        core.execute(make(Op.STORE, sp=1, n_o=4, len=3, l_base=1, l_so=511, d_base=64, d_so=48), Unit.ST, ctx)
    want = np.concatenate([core.mem.SOF[1:4], core.mem.SOF[512:515]])
    assert np.array_equal(unpack_lines(core.mem.DRAM[64 : 64 + 96], 6, TINY.L), want) and not core.mem.DRAM[160:].any()


def test_dram_strides_may_be_negative() -> None:
    core = filled(TINY, 4)
    ctx = Context(2, True, Bases(dram=160), cfg=TINY)
    ins = make(Op.STORE, sp=1, n_o=3, len=1, l_so=1, d_base=64, d_so=2**32 - 16, d_iter=2**32 - 64)
    core.execute(ins, Unit.ST, ctx, iteration=1)
    assert np.array_equal(unpack_lines(core.mem.DRAM[128:176], 3, TINY.L), core.mem.SOF[2::-1])


def test_runs_that_overlap_are_stored_in_order() -> None:
    core = filled(load_config("tiny"), 3)  # K = 8: two blocks are three beats, the runs begin two beats apart
    core.execute(
        make(Op.STORE, sp=0, n_o=3, len=2, l_so=2, d_base=64, d_so=16), Unit.ST, Context(2, True, cfg=core.cfg)
    )
    want = np.zeros(7 * 8, np.uint8)
    for run in range(3):
        q, e = (part[2 * run : 2 * run + 2] for part in core.mem.SOB)
        want[16 * run : 16 * run + 24] = pack_blocks(q, e, 8)
    assert np.array_equal(core.mem.DRAM[64:120], want)


def test_opcode_in_the_wrong_stream() -> None:
    core = Core(TINY)
    ctx = Context(2, True, cfg=TINY)
    for unit in (Unit.VPU, Unit.LD, Unit.ST):
        with pytest.raises(CoreError) as error:
            core.execute(make(Op.MATMUL, rows=1, n_g=1, n_k=1), unit, ctx)
        assert error.value.cause == Err.ILLEGAL_OP
    with pytest.raises(CoreError) as error:
        core.execute(make(Op.VECTOR, cnt_o=1, cnt_i=1), Unit.MMU, ctx)
    assert error.value.cause == Err.ILLEGAL_OP
    core.execute(make(Op.NOP), Unit.LD, ctx)


def test_semaphore_overflow() -> None:
    with pytest.raises(CoreError, match=r"SEM_OVERFLOW: .*MMU\[0\] raises semaphore 2 above 15"):
        Core(TINY).run_training(assemble(f".training\n.sem 2=15\n{OK} signal=2 last"))


def test_deadlock_names_every_waiting_stream() -> None:
    text = f".training\n{OK} wait=3 signal=4 last\nnop.ld wait=4 signal=3 last\nvector cnt_o=1 cnt_i=1 last"
    with pytest.raises(Deadlock, match=r"MMU\[0\] `matmul .*wait=3.*`; LD\[0\] `nop.ld .*wait=4.*`; semaphores"):
        Core(TINY).run_training(assemble(text))


def test_iterations_and_steps() -> None:
    """LD runs ahead by what a semaphore allows; its iteration index counts modulo ITER_MOD."""
    text = """.training
    .sem 1=1
    load sp=STG n_o=1 len=1 d_iter=16 wait=1 signal=0 last
    vector cnt_o=1 cnt_i=1 a_sp=STG r_sp=SOF wait=0,3 signal=1,2 last
    store sp=SOF n_o=1 len=1 d_base=1024 d_iter=16 wait=2 signal=3 step last
    .sem 3=1
    """
    cfg = TINY
    lines = np.arange(20, dtype=np.float32).reshape(5, cfg.L)
    for order in (None, np.random.default_rng(4), (Unit.ST, Unit.VPU, Unit.LD, Unit.MMU)):
        core = Core(cfg, pack_lines(lines))
        seen: list[int] = []
        assert core.run_training(assemble(text), iters=7, iter_mod=3, order=order, on_step=seen.append) == 7
        assert seen == [1, 2, 3, 4, 5, 6, 7]
        got = unpack_lines(core.mem.DRAM[1024 : 1024 + 64], 4, cfg.L).view(np.float32)
        assert np.array_equal(got[:3], lines[:3]) and not got[3].any()


def test_rows_slots_and_contexts() -> None:
    text = "vector dyn_o cnt_i=2 a_sp=RXB a_base=1 a_si=1 r_sp=TXB r_base=1 r_so=4 r_si=1 last"
    prog = assemble(text)
    core = Core(TINY)
    rng = np.random.default_rng(0)
    x = rng.integers(0x3F80, 0x4000, (3, 4, TINY.L)).astype(np.uint16)
    out = core.run_inference(prog, x, ctx=1, slots=(9, 0, 63), tx_lines=3)
    assert np.array_equal(out[:, 1:], x[:, 1:3]) and not out[:, 0].any()
    assert not core.mem.TXB[: TINY.N * TINY.TX_LINES].any()
    for bad in ({"ctx": 2}, {"slots": (0, 0, 1)}, {"slots": (0, 1, 64)}):
        with pytest.raises(ValueError, match="legal range|need 3 different"):
            core.run_inference(prog, x, **bad)
    with pytest.raises(ValueError, match=r"payload \(5, 4, 4\): need \[1\.\.4, 1\.\.16, 4\]"):
        core.run_inference(prog, np.zeros((5, 4, 4), np.uint16))


def test_a_missing_semaphore_shows() -> None:
    """Without its wait, the drain sees either the old or the new sums, depending on the order."""
    results = set()
    prog = assemble(f".training\n{OK} last\nvector cnt_o=1 cnt_i=2 a_sp=ACC a_si=1 r_sp=VEC r_si=1 last")
    for seed in range(20):
        core = filled(TINY, 1)
        core.run_training(prog, order=np.random.default_rng(seed))
        results.add(core.mem.VEC[:2].tobytes())
    assert len(results) == 2


def test_dram_image_must_fit() -> None:
    with pytest.raises(ValueError, match="DRAM image: need 4194305 bytes, have 4194304"):
        Core(TINY, bytes(4194305))
    with pytest.raises(ValueError, match=r"iters = -1, iter_mod = 1: legal ranges"):
        Core(TINY).run_training(assemble("nop.ld last"), iters=-1)
    with pytest.raises(ValueError, match=r"context 0: legal range of training contexts 2\.\.2"):
        Core(TINY).run_training(assemble("nop.ld last"), ctx=0)
